// The saved picture: what is in view, with its title, legend, axes and source. PNG is this, drawn at twice its size.
import { compact } from "../format";
import type { Palette } from "../theme";
import { fill, readings, stroke, valueRange, type Model, type ModelPane } from "./model";
import { thin } from "./minmax";
import { timeTicks, valueTicks } from "./ticks";

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const RIGHT = 76, LEFT = 12, GAP = 30;

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}
export function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(words)}</text>`;
}
export function frame(width: number, height: number, title: string, source: string, p: Palette, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${FONT}" font-size="12" role="img"><title>${escapeXml(title)}</title>` +
    `<rect width="${width}" height="${height}" fill="${p.surface}"/>` +
    text(LEFT, 24, title, `fill="${p.text}" font-size="15" font-weight="600"`) + body +
    text(LEFT, height - 10, source, `fill="${p.quiet}" font-size="11"`) + "</svg>\n";
}

interface Place { x(i: number): number; y(v: number): number; top: number; bottom: number; step: number }

function candles(pane: ModelPane, i0: number, i1: number, at: Place, p: Palette): string {
  const c = pane.candles!;
  const w = Math.max(1, Math.min(9, at.step * 0.7));
  let out = "";
  for (let i = i0; i <= i1; i++) {
    const o = c.open[i], h = c.high[i], l = c.low[i], e = c.close[i];
    if (e === null || e === undefined) continue;
    const open = o ?? e, high = h ?? Math.max(open, e), low = l ?? Math.min(open, e);
    const up = e >= open, colour = up ? p.up : p.down, x = at.x(i);
    const top = at.y(Math.max(open, e)), body = Math.max(1, at.y(Math.min(open, e)) - top);
    out += `<path d="M${x.toFixed(1)} ${at.y(high).toFixed(1)}V${at.y(low).toFixed(1)}" stroke="${colour}"/>` +
      `<rect x="${(x - w / 2).toFixed(1)}" y="${top.toFixed(1)}" width="${w.toFixed(1)}" height="${body.toFixed(1)}" ` +
      `fill="${up ? p.surface : colour}" stroke="${colour}"/>`;
  }
  for (const m of pane.markers ?? []) {
    if (m.index < i0 || m.index > i1) continue;
    const buy = m.side === "buy";
    const y = at.y((buy ? c.low[m.index] : c.high[m.index]) ?? c.close[m.index] ?? 0) + (buy ? 8 : -8);
    const x = at.x(m.index), d = buy ? 7 : -7;
    out += `<path d="M${x.toFixed(1)} ${y.toFixed(1)}l5 ${d}h-10z" fill="${buy ? p.up : p.down}"/>`;
  }
  return out;
}

function tracks(pane: ModelPane, i0: number, i1: number, at: Place, p: Palette): string {
  let out = "";
  for (const t of pane.tracks) {
    const zero = Math.min(at.bottom, Math.max(at.top, at.y(0)));
    if (t.style === "bars") {
      const w = Math.max(0.5, Math.min(9, at.step * 0.7));
      let d = "";
      for (let i = i0; i <= i1; i++) {
        const v = t.values[i];
        if (v !== null && v !== undefined) d += `M${at.x(i).toFixed(1)} ${zero.toFixed(1)}V${at.y(v).toFixed(1)}`;
      }
      out += `<path d="${d}" stroke="${fill(t, p)}" stroke-width="${w.toFixed(1)}" fill="none"/>`;
      continue;
    }
    for (const run of thin(t.values, i0, i1, at.x)) {
      const d = run.map(([i, v], k) => `${k ? "L" : "M"}${at.x(i).toFixed(1)} ${at.y(v).toFixed(1)}`).join("");
      if (t.style === "area") {
        const ends = [run[run.length - 1]!, run[0]!].map(([i]) => `L${at.x(i).toFixed(1)} ${zero.toFixed(1)}`).join("");
        out += `<path d="${d}${ends}Z" fill="${fill(t, p)}"/>`;
      }
      out += `<path d="${d}" stroke="${stroke(t, p)}" stroke-width="${t.thin ? 1 : 1.5}" fill="none" stroke-linejoin="round"/>`;
    }
  }
  return out;
}

function pane(model: Model, of: ModelPane, top: number, width: number, view: [number, number], i0: number, i1: number, p: Palette): string {
  const [lo, hi] = valueRange(of, i0, i1);
  const scale = (v: number) => (of.log ? Math.log(Math.max(v, 1e-300)) : v);
  const plot = width - LEFT - RIGHT, bottom = top + of.height;
  const span = view[1] - view[0] || 1;
  const at: Place = {
    top, bottom, step: plot / Math.max(1, i1 - i0),
    x: (i) => LEFT + ((model.axis.x[i]! - view[0]) / span) * plot,
    y: (v) => bottom - ((scale(v) - scale(lo)) / (scale(hi) - scale(lo))) * of.height,
  };
  let out = "";
  const marks = valueTicks(lo, hi, Math.max(2.5, of.height / 40));
  for (const v of marks) {
    const y = at.y(v);
    out += `<path d="M${LEFT} ${y.toFixed(1)}H${LEFT + plot}" stroke="${p.grid}"/>` +
      text(width - 8, y + 4, compact(v, (marks[1] ?? 1) - (marks[0] ?? 0), Math.max(...marks.map(Math.abs))), `fill="${p.quiet}" text-anchor="end" font-size="11"`);
  }
  for (const level of of.levels) {
    out += `<path d="M${LEFT} ${at.y(level).toFixed(1)}H${LEFT + plot}" stroke="${p.context}" stroke-dasharray="4 4"/>`;
  }
  out += (of.candles ? candles(of, i0, i1, at, p) : "") + tracks(of, i0, i1, at, p);
  let x = LEFT;
  const unit = of.unit ? (of.title ? ` (${of.unit})` : of.unit) : "";
  if (of.title || of.unit) {
    out += text(x, top - 8, of.title + unit, `fill="${p.text}" font-weight="600"`);
    x += (of.title + unit).length * 7.6 + 14;
  }
  for (const r of readings(of, i1, p).filter((reading) => reading.colour !== "")) {
    out += `<path d="M${x} ${top - 12}h14" stroke="${r.colour}" stroke-width="3"/>` +
      text(x + 19, top - 8, r.name, `fill="${p.text}"`);
    x += 19 + r.name.length * 7.2 + 14;
  }
  return out;
}

/** `view` in units of the axis; bare: without title and source, where the page says them beside it. */
export function modelSvg(model: Model, view: [number, number], width: number, p: Palette, bare = false): string {
  const { axis } = model;
  let i0 = axis.nearest(view[0]), i1 = axis.nearest(view[1]);
  while (i0 < i1 && axis.x[i0]! < view[0]) i0++;
  while (i1 > i0 && axis.x[i1]! > view[1]) i1--;
  let top = bare ? 8 : 40, body = "";
  for (const each of model.panes) {
    body += pane(model, each, top + GAP - 8, width, view, i0, i1, p);
    top += each.height + GAP;
  }
  const plot = width - LEFT - RIGHT, span = view[1] - view[0] || 1, foot = top + 8;
  for (const tick of timeTicks(axis, view[0], view[1], plot / 90)) {
    const x = LEFT + ((tick.x - view[0]) / span) * plot;
    body += `<path d="M${x.toFixed(1)} ${top - 8}v4" stroke="${p.quiet}"/>` +
      text(x, foot + 10, tick.text, `fill="${p.quiet}" text-anchor="middle" font-size="11"`);
  }
  const words = [model.source, axis.zone && `times ${axis.zone}`].filter(Boolean).join(" · ");
  return bare ? frame(width, foot + 16, "", "", p, body) : frame(width, foot + 44, model.title, words, p, body);
}
