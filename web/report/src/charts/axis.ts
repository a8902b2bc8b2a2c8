// The time axis of every picture. Instants are moved to the clock of their exchange once, and then read as if they
// were UTC: so ticks, labels and both chart libraries need to know of no zone.
import type { Axis } from "../document";

export interface TimeAxis {
  length: number;
  /** Seconds of the exchange's clock, ascending. */
  local: Float64Array;
  /** Bars lie side by side: x is the index. Otherwise x is `local`. */
  ordinal: boolean;
  zone: string;
  isSession: boolean;
  /** x of each point, for a chart. */
  x: Float64Array;
  /** Full words for point i: 2024-10-28, or 2024-10-28 09:31:05. */
  label(i: number): string;
  /** Nearest point to x. */
  nearest(x: number): number;
}

const QUARTER = 900; // every zone's clock moves at a whole quarter of an hour

/** Seconds to add to an instant for the wall clock of `zone`; remembered per quarter of an hour. */
function zoneOffsets(zone: string): (epoch: number) => number {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric",
    minute: "numeric", second: "numeric",
  });
  const known = new Map<number, number>();
  return (epoch) => {
    const slot = Math.floor(epoch / QUARTER);
    let offset = known.get(slot);
    if (offset === undefined) {
      const p: Record<string, number> = {};
      for (const { type, value } of format.formatToParts(slot * QUARTER * 1000)) p[type] = Number(value);
      const wall = Date.UTC(p["year"]!, p["month"]! - 1, p["day"]!, p["hour"]!, p["minute"]!, p["second"]!) / 1000;
      offset = wall - slot * QUARTER;
      known.set(slot, offset);
    }
    return offset;
  };
}

export function iso(local: number, withTime: boolean, withSeconds = true): string {
  const text = new Date(Math.round(local * 1000)).toISOString();
  return withTime ? `${text.slice(0, 10)} ${text.slice(11, withSeconds ? 19 : 16)}` : text.slice(0, 10);
}

export function lowerBound(a: Float64Array, value: number): number {
  let lo = 0, hi = a.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (a[mid]! < value) lo = mid + 1; else hi = mid;
  }
  return lo;
}

function isAscending(a: Float64Array): boolean {
  for (let i = 1; i < a.length; i++) if (!(a[i]! > a[i - 1]!)) return false;
  return true;
}

export function timeAxis(axis: Axis): TimeAxis {
  const isSession = axis.kind === "sessions";
  let local: Float64Array;
  let zone = "";
  if (axis.kind === "sessions") {
    local = Float64Array.from(axis.values, (d) => Date.parse(`${d}T00:00:00Z`) / 1000);
  } else {
    const offset = zoneOffsets(axis.zone);
    local = Float64Array.from(axis.values, (t) => t + offset(t));
    zone = axis.zone;
    // An hour that a clock lives twice cannot be drawn on that clock.
    if (!isAscending(local)) { local = Float64Array.from(axis.values); zone = "UTC"; }
  }
  if (!isAscending(local)) throw new Error("The times of this picture are not in ascending order.");
  const ordinal = isSession || (axis.kind === "instants" && axis.ordinal === true);
  const x = ordinal ? Float64Array.from(local, (_, i) => i) : local;
  const withSeconds = local.some((t) => t % 60 !== 0);
  return {
    length: local.length, local, ordinal, zone, isSession, x,
    label: (i) => iso(local[i]!, !isSession, withSeconds),
    nearest(value) {
      const i = lowerBound(x, value);
      if (i <= 0) return 0;
      if (i >= x.length) return x.length - 1;
      return value - x[i - 1]! < x[i]! - value ? i - 1 : i;
    },
  };
}
