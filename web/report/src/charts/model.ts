// One form for every picture over time, whichever library draws it: out of it come the readout, the table of
// numbers, the CSV and the SVG.
import type { CandlesBlock, LinesBlock, Marker, Pane, Series, Values } from "../document";
import { alpha, type Palette } from "../theme";
import { columnDecimals, csv, number } from "../format";
import { timeAxis, type TimeAxis } from "./axis";

export interface Track {
  name: string;
  unit: string;
  decimals: number;
  values: Values;
  style: "line" | "area" | "bars";
  thin: boolean; // one of a family, of which none is the line
  colour: number; // index into the palette's series; -1: context
}

export interface Candles { open: Values; high: Values; low: Values; close: Values; decimals: number; name: string }

export interface ModelPane {
  title: string;
  unit: string;
  log: boolean;
  height: number;
  levels: number[];
  tracks: Track[];
  candles?: Candles;
  markers?: Marker[];
}

export interface Model {
  title: string;
  source: string;
  axis: TimeAxis;
  panes: ModelPane[];
}

// One meaning, one colour, in every picture of the document: a name keeps the colour it was given first, unless
// another series of the same pane has it.
const colourOf = new Map<string, number>();

function colours(pane: Series[], avoid: number[] = []): (s: Series) => number {
  const names = pane.filter((s) => s.style !== "context").length;
  const taken: number[] = [];
  const families = new Map<string, number>();
  return (s) => {
    if (s.style === "context" || (s.style === "bars" && names > 1)) return -1; // bars behind lines
    const free = [0, 1, 2, 3, 4, 5].filter((i) => !taken.includes(i));
    const calm = free.filter((i) => !avoid.includes(i));
    const kin = s.family === undefined ? undefined : families.get(s.family);
    if (kin !== undefined) return kin;
    let index = colourOf.get(s.name);
    if (index === undefined || taken.includes(index)) {
      const used = [...colourOf.values()];
      index = calm.find((i) => !used.includes(i)) ?? calm[0] ?? free[0] ?? taken.length % 6;
      if (!colourOf.has(s.name)) colourOf.set(s.name, index);
    }
    taken.push(index);
    if (s.family !== undefined) families.set(s.family, index);
    return index;
  };
}

/** Decimals to read a series by, where its document names none: about five digits; the CSV has them all. */
function legible(values: Values): number {
  let most = 0;
  for (const v of values) if (v !== null) most = Math.max(most, Math.abs(v));
  return columnDecimals(values, most >= 10 ? 2 : most >= 1 ? 3 : 4);
}

/** MACD_signal is signal in the pane MACD; RSI_14 stays what it is. */
function shortName(name: string, title: string): string {
  const rest = title !== "" && name.startsWith(`${title}_`) ? name.slice(title.length + 1) : "";
  return /^[A-Za-z]/.test(rest) ? rest : name;
}

function track(s: Series, unit: string, colour: number, length: number): Track {
  if (s.values.length !== length) throw new Error(`${s.name} has ${s.values.length} values on an axis of ${length}.`);
  return {
    name: s.name, unit: s.unit ?? unit, colour, values: s.values, thin: s.family !== undefined,
    decimals: s.decimals ?? legible(s.values),
    style: s.style === "area" || s.style === "bars" ? s.style : "line",
  };
}

function pane(p: Pane, height: number, length: number, avoid: number[] = []): ModelPane {
  const colour = colours(p.series, avoid);
  const alone = p.series.length === 1 && p.series[0]!.name.startsWith(p.title ?? "");
  return {
    title: alone ? "" : p.title ?? "", unit: p.unit ?? "", log: p.log ?? false, levels: p.levels ?? [],
    height: p.height ?? height, tracks: p.series.map((s) => track(s, p.unit ?? "", colour(s), length)),
  };
}

export function linesModel(block: LinesBlock): Model {
  const axis = timeAxis(block.axis);
  return {
    title: block.title, source: block.source ?? "", axis,
    panes: block.panes.map((p, i) => pane(p, i === 0 ? 260 : 120, axis.length)),
  };
}

const UP_DOWN = [0, 1]; // the colours that candles and trades have

export function candlesModel(block: CandlesBlock): Model {
  const axis = timeAxis(block.axis.kind === "instants" ? { ...block.axis, ordinal: true } : block.axis);
  const n = axis.length;
  for (const key of ["open", "high", "low", "close"] as const) {
    if (block[key].length !== n) throw new Error(`${key} has ${block[key].length} values on an axis of ${n}.`);
  }
  const colour = colours(block.overlays, UP_DOWN);
  const unit = block.unit ?? "";
  const panes: ModelPane[] = [{
    title: block.name, unit, log: false, levels: [], height: 300, markers: block.markers,
    candles: { open: block.open, high: block.high, low: block.low, close: block.close, decimals: block.decimals, name: block.name },
    tracks: block.overlays.map((s) => track({ ...s, decimals: s.decimals ?? block.decimals }, unit, colour(s), n)),
  }];
  if (block.volume) {
    const series: Series = { name: "Volume", style: "bars", values: block.volume, decimals: columnDecimals(block.volume, 4) };
    panes.push({
      title: "", unit: "", log: false, levels: [], height: 72, tracks: [{ ...track(series, "", -1, n), style: "bars" }],
    });
  }
  for (const p of block.panes) panes.push(pane(p, 110, n, UP_DOWN));
  return { title: block.title, source: block.source ?? "", axis, panes };
}

export function stroke(t: Track, p: Palette): string {
  return t.colour < 0 ? p.context : p.series[t.colour]!;
}
export function fill(t: Track, p: Palette): string {
  return alpha(stroke(t, p), t.style === "bars" ? 0.55 : 0.18);
}

/** Least and greatest value that a pane shows between points i0 and i1, with air; areas and bars stand on zero. */
export function valueRange(pane: ModelPane, i0: number, i1: number): [number, number] {
  let lo = Infinity, hi = -Infinity;
  const look = (values: Values) => {
    for (let i = i0; i <= i1; i++) {
      const v = values[i];
      if (v === null || v === undefined || (pane.log && v <= 0)) continue;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
    }
  };
  for (const t of pane.tracks) look(t.values);
  if (pane.candles) { look(pane.candles.low); look(pane.candles.high); }
  for (const level of pane.levels) { lo = Math.min(lo, level); hi = Math.max(hi, level); }
  return padded(pane, lo, hi);
}

export function padded(pane: ModelPane, lo: number, hi: number): [number, number] {
  if (!(lo <= hi)) return [0, 1];
  if (pane.log) return lo === hi ? [lo / 1.1, hi * 1.1] : [lo / (hi / lo) ** 0.06, hi * (hi / lo) ** 0.06];
  const onZero = pane.tracks.some((t) => t.style !== "line");
  if (onZero && lo === 0 && hi === 0) return [-1, 1];
  if (onZero) { lo = Math.min(lo, 0); hi = Math.max(hi, 0); }
  const air = lo === hi ? Math.abs(lo) * 0.05 || 1 : (hi - lo) * 0.06;
  return [onZero && lo === 0 ? 0 : lo - air, onZero && hi === 0 ? 0 : hi + air];
}

/** What a pane says of point i. */
export interface Reading { name: string; value: string; unit: string; colour: string; tone?: "up" | "down" }

export function readings(pane: ModelPane, i: number, p: Palette): Reading[] {
  const out: Reading[] = [];
  if (pane.candles) {
    const c = pane.candles;
    const close = c.close[i] ?? null;
    const before = i > 0 ? c.close[i - 1] ?? null : null;
    for (const [name, values] of [["O", c.open], ["H", c.high], ["L", c.low], ["C", c.close]] as const) {
      out.push({ name, value: number(values[i], c.decimals), unit: "", colour: "" });
    }
    if (close !== null && before) {
      const change = close / before - 1;
      out.push({ name: "", value: number(change * 100, 2, true), unit: "%", colour: "", tone: change < 0 ? "down" : "up" });
    }
  }
  for (const t of pane.tracks) {
    out.push({ name: shortName(t.name, pane.title), value: number(t.values[i], t.decimals), unit: t.unit, colour: stroke(t, p) });
  }
  return out;
}

export interface Line { name: string; unit: string; values: Values; decimals: number }

/** Every series that a model shows, one a column. */
export function columns(model: Model): Line[] {
  return model.panes.flatMap((pane): Line[] => [
    ...(pane.candles
      ? (["open", "high", "low", "close"] as const).map((k): Line => (
        { name: k, unit: pane.unit, values: pane.candles![k], decimals: pane.candles!.decimals }))
      : []),
    ...pane.tracks.map((t): Line => ({ name: t.name, unit: t.unit, values: t.values, decimals: t.decimals })),
  ]);
}

export function modelCsv(model: Model): string {
  const lines = columns(model);
  const head = model.axis.isSession ? "session" : `time (${model.axis.zone})`;
  function* rows(): Generator<(string | number | null | undefined)[]> {
    yield [head, ...lines.map((l) => (l.unit ? `${l.name} (${l.unit})` : l.name))];
    for (let i = 0; i < model.axis.length; i++) yield [model.axis.label(i), ...lines.map((l) => l.values[i])];
  }
  return csv(rows());
}

export interface Extremes { first: number; last: number; low: number; high: number; nulls: number }

/** Indices of what is worth naming in a series; null when it has no value at all. */
export function extremes(values: Values): Extremes | null {
  const e: Extremes = { first: -1, last: -1, low: -1, high: -1, nulls: 0 };
  values.forEach((v, i) => {
    if (v === null) { e.nulls++; return; }
    if (e.first < 0) e.first = e.low = e.high = i;
    e.last = i;
    if (v < values[e.low]!) e.low = i;
    if (v > values[e.high]!) e.high = i;
  });
  return e.first < 0 ? null : e;
}
