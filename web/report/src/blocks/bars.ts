import type { BarsBlock } from "../document";
import { el } from "../dom";
import { columnDecimals, csv, number } from "../format";
import { onThemeChange, palette, type Palette } from "../theme";
import { saveButtons } from "../charts/picture";
import { frame, text } from "../charts/svg";
import { caption, emptyState } from "./caption";

/** In the order of the house; what is only there to compare with is grey. */
function colour(block: BarsBlock, k: number, p: Palette): string {
  if (block.series[k]!.style === "context") return p.context;
  const before = block.series.slice(0, k).filter((s) => s.style !== "context").length;
  return p.series[before % p.series.length]!;
}

/** Bars to a common zero, as a table whose cells are drawn: it reads, copies and prints as one. */
export function bars(block: BarsBlock): HTMLElement {
  const decimals = block.decimals ?? block.series[0]?.decimals ?? columnDecimals(block.series.flatMap((s) => s.values), 2);
  const most = Math.max(0, ...block.series.flatMap((s) => s.values.map((v) => v ?? 0)));
  const toCsv = () => csv([["", ...block.series.map((s) => (block.unit ? `${s.name} (${block.unit})` : s.name))],
    ...block.categories.map((c, i) => [c, ...block.series.map((s) => s.values[i])])]);
  const box = el("figure", { class: "block bars", id: block.anchor });
  if (block.categories.length === 0) {
    box.append(caption(block, null), emptyState(block, "Nothing was measured."));
    return box;
  }
  if (block.series.some((s) => s.values.some((v) => v !== null && v < 0))) throw new Error("A bar begins at zero: it cannot be negative.");
  box.append(caption(block, saveButtons(block.title, toCsv, () => barsSvg(block, decimals, most, palette()))));

  const swatches: [HTMLElement, number][] = [];
  const swatch = (node: HTMLElement, k: number) => { swatches.push([node, k]); return node; };
  const several = block.series.length > 1;
  const rows = block.categories.flatMap((category, i) => block.series.map((s, k) => {
    const v = s.values[i] ?? null;
    const bar = swatch(el("i", { style: `width:${v === null || most === 0 ? 0 : (v / most) * 100}%` }), k);
    return el("tr", { class: k === 0 ? "group" : "" },
      k === 0 && el("th", { scope: "rowgroup", rowspan: block.series.length }, category),
      several && el("td", { class: "series" }, s.name),
      el("td", { class: "bar", "aria-hidden": "true" }, bar), el("td", { class: "right" }, number(v, decimals)));
  }));
  box.append(el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": block.title }, el("table", {},
    el("caption", { class: "visually-hidden" }, block.title),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), several && el("th", { scope: "col" }, ""), el("td", {}),
      el("th", { scope: "col", class: "right" }, several ? block.unit ?? "" : [...new Set([block.series[0]!.name, block.unit])].filter(Boolean).join(", ")))),
    el("tbody", {}, ...rows))));
  if (block.source) box.append(el("p", { class: "source" }, block.source));
  const paint = () => { const p = palette(); for (const [node, k] of swatches) node.style.background = colour(block, k, p); };
  paint();
  onThemeChange(paint);
  return box;
}

function barsSvg(block: BarsBlock, decimals: number, most: number, p: Palette): string {
  const width = 900, left = 24 + 7.2 * Math.max(...block.categories.map((c) => c.length)), room = width - left - 130;
  let y = 64, body = "";
  let x = 12;
  block.series.forEach((s, k) => {
    const words = k === 0 && block.unit ? `${s.name} (${block.unit})` : s.name;
    body += `<rect x="${x}" y="38" width="12" height="12" fill="${colour(block, k, p)}"/>` + text(x + 18, 48, words, `fill="${p.text}"`);
    x += 34 + words.length * 7;
  });
  block.categories.forEach((category, i) => {
    body += text(left - 10, y + 13, category, `fill="${p.text}" text-anchor="end"`);
    block.series.forEach((s, k) => {
      const v = s.values[i] ?? null, w = most ? ((v ?? 0) / most) * room : 0;
      body += `<rect x="${left}" y="${y}" width="${w.toFixed(1)}" height="16" fill="${colour(block, k, p)}"/>` +
        text(left + w + 8, y + 13, number(v, decimals), `fill="${p.text}"`);
      y += 20;
    });
    y += 8;
  });
  return frame(width, y + 30, block.title, block.source ?? "", p, body);
}
