import type { ChecksBlock, NoticeBlock, CodeBlock } from "../document";
import { el, inline } from "../dom";
import { csv, plural } from "../format";
import { saveButtons } from "../charts/picture";
import { caption, emptyState } from "./caption";

const WORDS = { ok: ["✓", "holds"], failed: ["✗", "failed"], skipped: ["–", "not run"] } as const;
const stateOf = (ok: boolean | null) => (ok === null ? "skipped" : ok ? "ok" : "failed");

/** Failures first: they are why somebody reads a list of checks. */
export function checks(block: ChecksBlock): HTMLElement {
  const box = el("figure", { class: "block checks", id: block.anchor });
  if (block.checks.length === 0) {
    box.append(caption(block, null), emptyState(block, "No check was declared."));
    return box;
  }
  const count = (s: string) => block.checks.filter((c) => stateOf(c.ok) === s).length;
  const failed = count("failed"), skipped = count("skipped");
  const sum = `${count("ok")} of ${plural(block.checks.length, "check")} hold${failed ? `, ${failed} failed` : ""}${skipped ? `, ${skipped} not run` : ""}`;
  const rank = { failed: 0, skipped: 1, ok: 2 };
  const rows = [...block.checks].sort((a, b) => rank[stateOf(a.ok)] - rank[stateOf(b.ok)]);
  const toCsv = () => csv([["check", "state", "detail"], ...rows.map((c) => [c.name, WORDS[stateOf(c.ok)][1], c.detail ?? ""])]);
  box.append(caption(block, saveButtons(block.title, toCsv)), el("p", { class: "sum" }, sum),
    el("ul", {}, ...rows.map((c) => {
      const state = stateOf(c.ok);
      return el("li", { class: state },
        el("span", { class: "mark", "aria-hidden": "true" }, WORDS[state][0]), el("span", { class: "visually-hidden" }, `${WORDS[state][1]}: `),
        el("span", { class: "name" }, ...inline(c.name)), c.detail ? el("span", { class: "detail" }, ...inline(c.detail)) : null);
    })));
  if (block.source) box.append(el("p", { class: "source" }, block.source));
  return box;
}

export function notice(block: NoticeBlock): HTMLElement {
  return el("div", { class: `notice ${block.tone}`, id: block.anchor, role: block.tone === "error" ? "alert" : "note" },
    el("p", {}, ...inline(block.text)), block.hint ? el("p", { class: "hint" }, ...inline(block.hint)) : null);
}

export function code(block: CodeBlock): HTMLElement {
  const copy = el("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => {
    const copied = navigator.clipboard ? navigator.clipboard.writeText(block.text) : Promise.reject(); // not over plain HTTP
    void copied.then(() => "Copied", () => "Select the text to copy it")
      .then((words) => { copy.textContent = words; setTimeout(() => { copy.textContent = "Copy"; }, 2000); });
  });
  return el("figure", { class: "block code", id: block.anchor }, caption(block, copy),
    el("pre", { tabindex: "0" }, el("code", {}, block.text)), block.source ? el("p", { class: "source" }, block.source) : null);
}
