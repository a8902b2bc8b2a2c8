import type { Values } from "../document";

/**
 * Points of a line between indices i0 and i1, thinned to `width` columns of pixels: of each column the first, the
 * least, the greatest and the last value in the order they came, so that no spike is ever skipped. Nulls part runs.
 */
export function thin(values: Values, i0: number, i1: number, toPixel: (i: number) => number): [number, number][][] {
  const runs: [number, number][][] = [];
  let run: [number, number][] = [];
  let column = NaN;
  let first = -1, low = -1, high = -1, last = -1;
  const flush = () => {
    if (first < 0) return;
    for (const i of [...new Set([first, low, high, last])].sort((a, b) => a - b)) run.push([i, values[i]!]);
    first = -1;
  };
  const cut = () => { flush(); if (run.length > 0) runs.push(run); run = []; column = NaN; };
  for (let i = i0; i <= i1; i++) {
    const v = values[i];
    if (v === null || v === undefined) { cut(); continue; }
    const x = Math.floor(toPixel(i));
    if (x !== column) { flush(); column = x; }
    if (first < 0) first = low = high = i;
    if (v < values[low]!) low = i;
    if (v > values[high]!) high = i;
    last = i;
  }
  cut();
  return runs;
}
