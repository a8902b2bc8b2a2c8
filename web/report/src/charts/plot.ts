// What the frame around a picture (picture.ts) asks of the library inside it. x is in units of the time axis.
import { lowerBound, type TimeAxis } from "./axis";

export interface Plot {
  readonly element: HTMLElement;
  setView(from: number, to: number): void;
  view(): [number, number];
  /** Crosshair at point i; null takes it away. */
  setCursor(i: number | null): void;
  resize(width: number): void;
  restyle(): void;
  /** Keeps so many pixels free above the data of each pane, where its readout needs several lines. */
  reserve(heights: number[]): void;
  /** Distance of each pane from the top of the element. */
  paneTops(): number[];
  onHover: (i: number | null) => void;
  onLayout: () => void;
}

export const AXIS_WIDTH = 76;
export const LEGEND_HEIGHT = 24; // kept free above the data of each pane for its readout

/** A view inside the data, not narrower than a few points; the width is kept where it meets an end. */
export function clampView(from: number, to: number, first: number, last: number, narrowest: number): [number, number] {
  const span = Math.min(Math.max(to - from, narrowest), last - first || 1);
  const middle = (from + to) / 2;
  const lo = Math.min(Math.max(middle - span / 2, first), Math.max(first, last - span));
  return [lo, lo + span];
}

/** View of the newest `seconds`; of all there is where they are Infinity. */
export function newest(axis: TimeAxis, seconds: number): [number, number] {
  const last = axis.length - 1;
  const first = Math.min(lowerBound(axis.local, axis.local[last]! - seconds), Math.max(0, last - 1));
  return [axis.x[first]!, axis.x[last]!];
}

/** Which of `spans` is in view, to a bar; -1: none of them. The longest, where several show the same. */
export function activeSpan(axis: TimeAxis, view: [number, number], spans: number[]): number {
  const bar = (axis.x[axis.length - 1]! - axis.x[0]!) / Math.max(1, axis.length - 1);
  let found = -1;
  spans.forEach((seconds, k) => {
    const [from, to] = newest(axis, seconds);
    if (Math.abs(from - view[0]) <= bar && Math.abs(to - view[1]) <= bar) found = k;
  });
  return found;
}
