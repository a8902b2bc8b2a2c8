import type { Block, Document, Figure, Section } from "./document";
import { append, el, inline, prose } from "./dom";
import { NONE, number } from "./format";
import { mode, setMode, setUpDown, upDown, type Mode, type UpDown } from "./theme";
import { bars } from "./blocks/bars";
import { failedState } from "./blocks/caption";
import { candles, lines } from "./blocks/charts";
import { checks, code, notice } from "./blocks/checks";
import { table } from "./blocks/table";

function draw(block: Block, isAlone: boolean): HTMLElement {
  switch (block.kind) {
    case "table": return table(block);
    case "lines": return lines(block);
    case "candles": return candles(block, isAlone);
    case "checks": return checks(block);
    case "bars": return bars(block);
    case "code": return code(block);
    case "notice": return notice(block);
  }
}

/** One block that fails leaves the others standing. */
function drawSafely(block: Block, isAlone: boolean): HTMLElement {
  const name = "title" in block && block.title ? `“${block.title}”` : "This part";
  try {
    const drawn = draw(block, isAlone) as HTMLElement | undefined;
    if (drawn) return drawn;
    return failedState(name, `Unknown kind "${(block as { kind: string }).kind}".`);
  } catch (e) {
    return failedState(name, e);
  }
}

function figureCell(f: Figure): HTMLElement {
  const value = typeof f.value === "number" ? number(f.value, f.decimals, f.signed) : f.value ?? NONE;
  const mark = f.tone === "good" ? ["✓", "good"] : f.tone === "bad" ? ["!", "bad"] : null;
  const inside = [
    el("span", { class: "label" }, f.label,
      mark && el("span", { class: "mark", "aria-hidden": "true" }, mark[0]), mark && el("span", { class: "visually-hidden" }, ` (${mark[1]})`)),
    el("span", { class: "value" }, value, f.unit ? el("span", { class: "unit" }, ` ${f.unit}`) : null),
  ];
  return el("li", { class: f.tone }, f.anchor ? el("a", { href: `#${f.anchor}` }, ...inside) : el("div", {}, ...inside));
}

function choice<T extends string>(name: string, label: string, options: [T, string][], chosen: T, set: (v: T) => void): HTMLElement {
  return el("fieldset", { class: "choice" }, el("legend", { class: "visually-hidden" }, label),
    ...options.map(([value, words]) => el("label", {},
      el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => set(value) }), el("span", {}, words))));
}

function top(doc: Document): HTMLElement {
  return el("header", { class: "top" },
    el("a", { class: "skip", href: "#content" }, "Skip to the report"),
    el("span", { class: "brand" }, "Tapemill"),
    el("nav", { "aria-label": "Sections" }, ...doc.sections.map((s) => el("a", { href: `#${s.anchor}` }, s.heading))),
    el("div", { class: "switches" },
      choice<UpDown>("updown", "Colours of up and down", [["blue-orange", "Blue/orange"], ["green-red", "Green/red"]], upDown, setUpDown),
      choice<Mode>("mode", "Light or dark", [["system", "System"], ["light", "Light"], ["dark", "Dark"]], mode, setMode)));
}

function status(doc: Document): HTMLElement | null {
  if (!doc.status) return null;
  const { state, text, hint } = doc.status;
  const mark = { ok: "✓", failed: "✗", partial: "!" }[state];
  return el("div", { class: `status ${state}`, role: state === "ok" ? "status" : "alert" },
    el("span", { class: "mark", "aria-hidden": "true" }, mark), el("p", {}, ...inline(text)), hint ? el("p", { class: "hint" }, ...inline(hint)) : null);
}

function section(s: Section, isAlone: boolean): HTMLElement {
  const box = el("section", { id: s.anchor, "aria-labelledby": `${s.anchor}-heading` },
    el("h2", { id: `${s.anchor}-heading` }, s.heading));
  if (s.prose) box.append(prose(s.prose));
  for (const block of s.blocks) box.append(drawSafely(block, isAlone));
  if (s.blocks.length === 0 && !s.prose) box.append(el("div", { class: "state" }, el("p", {}, "Nothing in this section.")));
  return box;
}

/** A photograph has no buttons to press, and nothing below its edge. */
function renderPicture(doc: Document, into: HTMLElement): void {
  into.classList.add("bare");
  append(into, el("main", { id: "content" }, ...doc.sections.slice(0, 1).flatMap((s) => s.blocks.slice(0, 1).map((b) => drawSafely(b, true)))));
}

export function renderPage(doc: Document, into: HTMLElement): void {
  if (doc.picture) { renderPicture(doc, into); return; }
  const head = el("div", { class: "head" }, el("h1", {}, doc.title), doc.subtitle ? el("p", { class: "subtitle" }, ...inline(doc.subtitle)) : null, status(doc));
  if (doc.figures.length > 0) head.append(el("ul", { class: "figures", "aria-label": "Headline figures" }, ...doc.figures.map(figureCell)));
  const main = el("main", { id: "content" }, head);
  append(into, top(doc), main);
  const isAlone = doc.sections.length === 1 && doc.sections[0]!.blocks.length === 1;
  append(main, ...doc.sections.map((s) => section(s, isAlone)));
  if (doc.sections.length === 0) main.append(el("div", { class: "state" }, el("p", {}, "This report has no sections.")));
  append(into, el("footer", {},
    el("dl", {}, ...doc.footer.map(({ label, value }) => el("div", {}, el("dt", {}, label), el("dd", {}, value)))),
    el("p", {}, "Charts: ", el("a", { href: "https://www.tradingview.com/" }, "TradingView"),
      " Lightweight Charts™ © 2025 TradingView, Inc. (Apache-2.0); uPlot © 2022 Leon Sorokin (MIT).")));
}

export function renderFailure(into: HTMLElement, error: unknown): void {
  into.replaceChildren(el("main", { id: "content" }, el("div", { class: "head" },
    el("h1", {}, "This report cannot be shown"),
    el("div", { class: "status failed", role: "alert" }, el("span", { class: "mark", "aria-hidden": "true" }, "✗"),
      el("p", {}, error instanceof Error ? error.message : String(error)),
      el("p", { class: "hint" }, ...inline("Write it anew: `tapemill demo`, `tapemill backtest report RUN_ID` or `tapemill chart SYMBOL`."))))));
}
