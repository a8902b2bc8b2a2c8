// Where the time axis is marked, and with what words: the finest calendar step that leaves room for its labels.
import { iso, lowerBound, type TimeAxis } from "./axis";

type Step = { unit: "year" | "month" | "second"; by: number };
const DAY = 86400;
const LADDER: Step[] = [
  ...[100, 50, 20, 10, 5, 2, 1].map((by): Step => ({ unit: "year", by })),
  ...[6, 3, 1].map((by): Step => ({ unit: "month", by })),
  ...[7 * DAY, DAY, 6 * 3600, 3 * 3600, 3600, 1800, 900, 300, 60, 30, 15, 5, 1].map((by): Step => ({ unit: "second", by })),
];
const MONDAY = 4 * DAY; // 1970-01-05

function approximate(step: Step): number {
  return step.by * (step.unit === "year" ? 365.25 * DAY : step.unit === "month" ? 30.4 * DAY : 1);
}

function* boundaries(from: number, to: number, step: Step): Generator<number> {
  if (step.unit === "second") {
    const phase = step.by === 7 * DAY ? MONDAY : 0;
    for (let t = Math.ceil((from - phase) / step.by) * step.by + phase; t <= to; t += step.by) yield t;
    return;
  }
  const months = step.unit === "year" ? step.by * 12 : step.by;
  const start = new Date(from * 1000);
  let m = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
  for (; ; m += months) {
    const t = Date.UTC(Math.floor(m / 12), m % 12) / 1000;
    if (t > to) return;
    if (t >= from) yield t;
  }
}

/** How the marks of one axis are written: all alike, with as much of the time as tells the finest of them. */
export type Form = "year" | "month" | "day" | "clock" | "day and clock";

export function written(local: number, form: Form, withSeconds = false): string {
  const text = iso(local, true);
  switch (form) {
    case "year": return text.slice(0, 4);
    case "month": return text.slice(0, 7);
    case "day": return text.slice(0, 10);
    case "clock": return text.slice(11, withSeconds ? 19 : 16);
    case "day and clock": return text.slice(5, withSeconds ? 19 : 16);
  }
}

function formOf(step: Step, isSession: boolean, oneDay: boolean): Form {
  if (step.unit !== "second") return step.unit;
  return isSession || step.by >= DAY ? "day" : oneDay ? "clock" : "day and clock";
}

export function isOneDay(axis: TimeAxis): boolean {
  return Math.floor(axis.local[0]! / DAY) === Math.floor(axis.local[axis.length - 1]! / DAY);
}

/** Bars of daily charts are named by month until there is room for days between the months. */
export function sessionForm(barWidth: number, labelWidth: number): Form {
  return barWidth * 24 >= labelWidth * 2 ? "day" : "month";
}

export interface Tick { x: number; text: string }

/** At most `room` marks between x = `min` and x = `max`. */
export function timeTicks(axis: TimeAxis, min: number, max: number, room: number): Tick[] {
  if (axis.length === 0) return [];
  const at = (x: number) => axis.ordinal ? axis.local[Math.min(axis.length - 1, Math.max(0, Math.round(x)))]! : x;
  const from = at(Math.ceil(min)), to = at(Math.floor(max));
  let best: Tick[] = [];
  let finest: Step = LADDER[0]!;
  for (const step of LADDER) {
    if (axis.isSession && step.unit === "second" && step.by < DAY) break;
    if ((to - from) / approximate(step) > 200 * room) break;
    const ticks: Tick[] = [];
    let before = -1;
    for (const t of boundaries(from, to, step)) {
      if (!axis.ordinal) { ticks.push({ x: t, text: "" }); continue; }
      const i = lowerBound(axis.local, t); // the first bar of the new year, month, day
      if (i === before || i >= axis.length) continue;
      ticks.push({ x: i, text: "" });
      before = i;
    }
    if (ticks.length > room) break;
    if (ticks.length > best.length) { best = ticks; finest = step; }
  }
  if (best.length < 2 && axis.ordinal) {
    // Too few bars for a calendar step: mark bars.
    const i0 = Math.max(0, Math.ceil(min)), i1 = Math.min(axis.length - 1, Math.floor(max));
    const every = Math.max(1, Math.ceil((i1 - i0 + 1) / Math.max(1, room)));
    best = [];
    for (let i = i0; i <= i1; i += every) best.push({ x: i, text: "" });
    finest = axis.isSession ? { unit: "second", by: DAY } : { unit: "second", by: 60 };
  }
  const local = best.map((t) => (axis.ordinal ? axis.local[t.x]! : t.x));
  const withSeconds = local.some((t) => t % 60 !== 0);
  const form = formOf(finest, axis.isSession, isOneDay(axis));
  return best.map((t, k) => ({ x: t.x, text: written(local[k]!, form, withSeconds) }));
}

/** Round marks on a value axis, about `room` of them. */
export function valueTicks(min: number, max: number, room: number): number[] {
  if (!(max > min)) return [min];
  const raw = (max - min) / Math.max(1, room);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((m) => power * m >= raw * 0.999)!;
  const out: number[] = [];
  for (let k = Math.ceil(min / step - 1e-9); k * step <= max + step * 1e-9; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}
