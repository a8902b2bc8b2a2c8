type Child = Node | string | null | undefined | false;

/** An element: attributes by name (`on...` listens, true sets, false and undefined leave out), then its children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, unknown> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value as EventListener);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, ...children);
  return node;
}

export function append(node: Node, ...children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
}

/** Words with `code` and **strong** in them; never as HTML. */
export function inline(text: string): Node[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter((part) => part !== "").map((part) => {
    if (part.startsWith("`") && part.length > 2) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("**") && part.length > 4) return el("strong", {}, part.slice(2, -2));
    return document.createTextNode(part);
  });
}

export function prose(text: string): HTMLElement {
  const box = el("div", { class: "prose" });
  for (const paragraph of text.split(/\n\s*\n/)) box.append(el("p", {}, ...inline(paragraph.trim())));
  return box;
}
