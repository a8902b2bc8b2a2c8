// What the frame around a picture (picture.ts) asks of the library inside it. x is in units of the time axis.
export interface Plot {
  readonly element: HTMLElement;
  setView(from: number, to: number): void;
  view(): [number, number];
  /** Crosshair at point i; null takes it away. */
  setCursor(i: number | null): void;
  resize(width: number): void;
  restyle(): void;
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
