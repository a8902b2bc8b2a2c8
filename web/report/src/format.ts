// Numbers and words as reference/look.md wants them: thousands by a thin space, a true minus, an en dash for null.

export const NONE = "\u2013";
const MINUS = "\u2212";
const THIN = "\u202f"; // narrow and unbreakable

/** Decimals that `value` needs to be shown exactly, at most `most`. */
export function decimalsOf(value: number, most = 6): number {
  if (!Number.isFinite(value) || Number.isInteger(value)) return 0;
  for (let d = 0; d < most; d++) if (Number(value.toFixed(d)) === value) return d;
  return most;
}

/** The decimals under which a whole column reads alike. */
export function columnDecimals(values: Iterable<unknown>, most = 6): number {
  let needed = 0;
  for (const v of values) {
    if (typeof v === "number") needed = Math.max(needed, decimalsOf(v, most));
    if (needed === most) break;
  }
  return needed;
}

/** Thousands of a whole number's digits by a thin space, a true minus before them. */
export function grouped(digits: string): string {
  return digits.replace(/^-/, MINUS).replace(/\B(?=(\d{3})+$)/g, THIN);
}

export function number(value: number | null | undefined, decimals?: number, signed = false): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = Math.abs(value).toFixed(decimals ?? decimalsOf(value));
  const [whole, fraction] = text.split(".") as [string, string?];
  const isZero = !/[1-9]/.test(text);
  const sign = isZero ? "" : value < 0 ? MINUS : signed ? "+" : "";
  return sign + grouped(whole) + (fraction ? `.${fraction}` : "");
}

/** Short, for an axis: 1.2 M instead of 1 200 000; B is a thousand millions, as markets write it. `most`: the largest
 * value of the axis, for one unit all along it. */
export function compact(value: number, step: number, most = Math.abs(value)): string {
  const scales: [number, string][] = [[1e12, "T"], [1e9, "B"], [1e6, "M"]];
  for (const [by, suffix] of scales) {
    const decimals = decimalsOf(Number((step / by).toPrecision(2)), 8);
    if (most >= by && decimals <= 3) return `${number(value / by, decimals)}${THIN}${suffix}`;
  }
  return number(value, decimalsOf(Number(step.toPrecision(2)), 8));
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** A cell of CSV; numbers as exact as JSON held them. */
export function csvCell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "";
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows: Iterable<(string | number | null | undefined)[]>): string {
  let out = "";
  for (const row of rows) out += `${row.map(csvCell).join(",")}\n`;
  return out;
}
