import type { Cell, Column, TableBlock } from "../document";
import { el } from "../dom";
import { columnDecimals, csv, grouped, NONE, number, plural } from "../format";
import { saveButtons } from "../charts/picture";
import { caption, emptyState } from "./caption";

const FIRST = 50; // rows shown before the reader asks for more
const LONG = 60; // characters from which a cell may have several lines
const numeric = (c: Column) => c.kind === "number" || c.kind === "signed";

const align = (c: Column) => (numeric(c) ? "right" : c.kind === "date" || c.kind === "time" ? "whole" : "");

/** Digits behind the point of a number that came as text; null where it is none. */
function written(value: Cell | undefined): { whole: string; fraction: string } | null {
  const parts = typeof value === "string" ? /^([-\u2212+]?\d+)(?:\.(\d+))?$/.exec(value) : null;
  return parts ? { whole: parts[1]!, fraction: parts[2] ?? "" } : null;
}

/** A number as its source wrote it, thousands parted, its point under those of the column: zeros that nobody sees stand
 * where others have digits. */
function lined(text: { whole: string; fraction: string }, most: number): (Node | string)[] {
  const shown = grouped(text.whole) + (text.fraction ? `.${text.fraction}` : "");
  const missing = (text.fraction === "" && most > 0 ? "." : "") + "0".repeat(most - text.fraction.length);
  return missing === "" ? [shown] : [shown, el("span", { class: "pad", "aria-hidden": "true" }, missing)];
}

function show(value: Cell | undefined, c: Column, decimals: number, fractions: number): HTMLElement {
  if (value === null || value === undefined) return el("td", { class: `${align(c)} none` }, NONE);
  if (typeof value === "number") {
    const tone = c.kind === "signed" && value !== 0 ? (value < 0 ? "down" : "up") : "";
    return el("td", { class: `${align(c)} ${tone}` }, number(value, decimals, c.kind === "signed"));
  }
  const digits = numeric(c) ? written(value) : null;
  if (digits) return el("td", { class: align(c) }, ...lined(digits, fractions));
  // A quoted line stays one line, cut where it is long: the CSV and its title have all of it.
  if (c.kind === "code") return el("td", { class: "quoted", title: value.length > LONG ? value : undefined }, el("code", {}, value));
  return el("td", { class: `${align(c)} ${value.length > LONG ? "long" : ""}` }, value);
}

/** Nulls last, whichever way. */
function compare(a: Cell | undefined, b: Cell | undefined, way: number): number {
  const none = (v: Cell | undefined) => v === null || v === undefined;
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  return way * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
}

/** Says that there is more to the side, where there is: a bar that shows itself only while it moves tells nobody. */
function wider(scroll: HTMLElement): HTMLElement {
  const note = el("p", { class: "wider", hidden: true }, "Wider than the window: scroll sideways, or save the CSV.");
  new ResizeObserver(() => {
    const is = scroll.scrollWidth > scroll.clientWidth + 1;
    note.hidden = !is;
    scroll.classList.toggle("is-wide", is);
  }).observe(scroll);
  return note;
}

export function table(block: TableBlock): HTMLElement {
  const { columns, rows } = block;
  const total = block.total ?? rows.length;
  const toCsv = () => csv([columns.map((c) => (c.unit ? `${c.name} (${c.unit})` : c.name)), ...rows]);
  const box = el("figure", { class: `block table ${rows.length <= 15 ? "short" : ""}`, id: block.anchor },
    caption(block, rows.length > 0 ? saveButtons(block.title, toCsv) : null));
  if (rows.length === 0) { box.append(emptyState(block, "No rows.")); return box; }

  const decimals = columns.map((c, k) => c.decimals ?? (numeric(c) ? columnDecimals(rows.map((r) => r[k])) : 0));
  const fractions = columns.map((c, k) => (numeric(c) ? Math.max(0, ...rows.map((r) => written(r[k])?.fraction.length ?? 0)) : 0));
  let order = rows, sorted = -1, way = 1, all = false, wanted = "";
  const body = el("tbody", {});
  const foot = el("div", { class: "more" });
  const heads = columns.map((c, k) => el("th", { scope: "col", class: align(c) },
    el("button", { type: "button", title: "Sort", onclick: () => { way = sorted === k ? -way : 1; sorted = k; fill(); } },
      c.name, c.unit ? el("span", { class: "unit" }, ` ${c.unit}`) : null)));

  const fill = () => {
    const kept = wanted === "" ? rows : rows.filter((r) => r.some((v) => String(v ?? "").toLowerCase().includes(wanted)));
    order = sorted < 0 ? kept : [...kept].sort((a, b) => compare(a[sorted], b[sorted], way));
    heads.forEach((h, k) => k === sorted ? h.setAttribute("aria-sort", way > 0 ? "ascending" : "descending") : h.removeAttribute("aria-sort"));
    const visible = all ? order : order.slice(0, FIRST);
    body.replaceChildren(...visible.map((r) => el("tr", {}, ...columns.map((c, k) => show(r[k], c, decimals[k]!, fractions[k]!)))));
    foot.replaceChildren();
    if (order.length === 0) foot.append(el("span", {}, `No row holds “${wanted}”.`));
    else if (visible.length < order.length) {
      foot.append(el("span", {}, `${number(visible.length)} of ${plural(order.length, "row")} shown.`),
        el("button", { type: "button", onclick: () => { all = true; fill(); } }, `Show all ${number(order.length)}`));
    }
  };
  fill();
  if (rows.length > 20) {
    box.append(el("label", { class: "filter" }, "Filter ", el("input", {
      type: "search", placeholder: "any column", oninput: (e: Event) => { wanted = (e.target as HTMLInputElement).value.toLowerCase(); fill(); },
    })));
  }
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": block.title },
    el("table", {}, el("caption", { class: "visually-hidden" }, block.title), el("thead", {}, el("tr", {}, ...heads)), body));
  box.append(scroll, wider(scroll), foot);
  if (total > rows.length) {
    box.append(el("p", { class: "cut" }, `This file holds ${number(rows.length)} of ${plural(total, "row")}.`,
      block.hint ? el("span", {}, " The rest: ", el("code", {}, block.hint)) : null));
  }
  const small = [block.source, block.zone && `times ${block.zone}`].filter(Boolean).join(" · ");
  if (small) box.append(el("p", { class: "source" }, small));
  return box;
}
