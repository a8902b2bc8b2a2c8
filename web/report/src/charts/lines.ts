// Long series by uPlot: panes under one another that share view and crosshair. uPlot draws dense lines by the least
// and greatest value of each pixel column, so a million points keep their spikes.
import uPlot from "uplot";
import { compact } from "../format";
import { palette, type Palette } from "../theme";
import { fill, padded, stroke, type Model, type ModelPane } from "./model";
import { AXIS_WIDTH, clampView, LEGEND_HEIGHT, type Plot } from "./plot";
import { FONT } from "./svg";
import { timeTicks, valueTicks } from "./ticks";

const TIME_AXIS = 28;
const FEW = 12;

/** Points with no neighbour, which a line would not show. */
function lonely(values: (number | null)[]): number[] {
  const out: number[] = [];
  const has = (i: number) => values[i] !== null && values[i] !== undefined;
  for (let i = 0; i < values.length; i++) if (has(i) && !has(i - 1) && !has(i + 1)) out.push(i);
  return out;
}

export class Lines implements Plot {
  readonly element = document.createElement("div");
  onHover: (i: number | null) => void = () => {};
  onLayout: () => void = () => {};
  private plots: uPlot[] = [];
  private range: [number, number];
  private colours: Palette = palette();
  private cursor: number | null = null;
  private legends: number[] = [];

  constructor(private model: Model, private width: number) {
    const { x } = model.axis;
    this.range = [x[0]!, x[x.length - 1]!];
    this.build();
  }

  private build(): void {
    this.colours = palette();
    this.element.replaceChildren();
    this.plots = this.model.panes.map((pane, i) => this.pane(pane, i));
    this.plots.forEach((plot) => this.listen(plot));
  }

  private pane(pane: ModelPane, index: number): uPlot {
    const isLast = index === this.model.panes.length - 1;
    const { axis } = this.model;
    const p = this.colours;
    const line = { stroke: () => this.colours.grid, width: 1 };
    const options: uPlot.Options = {
      width: this.width,
      height: pane.height + LEGEND_HEIGHT + (isLast ? TIME_AXIS : 6),
      // The words below a few points reach over the edge, and belong to them all the same.
      padding: [() => this.legends[index] ?? LEGEND_HEIGHT, 0, isLast ? 0 : 8, axis.length <= FEW ? 36 : 0],
      legend: { show: false },
      cursor: {
        drag: { x: false, y: false, setScale: false },
        points: { size: 6 },
        dataIdx: (_u, _s, closest) => closest,
      },
      scales: {
        x: { time: false, range: () => this.range },
        y: { distr: pane.log ? 3 : 1, range: (_u, lo, hi) => padded(pane, lo ?? NaN, hi ?? NaN) },
      },
      axes: [
        {
          show: isLast, size: TIME_AXIS, font: `11px ${FONT}`, stroke: () => this.colours.quiet, grid: { show: false },
          ticks: { ...line, size: 4 },
          splits: (_u, _a, min, max) => timeTicks(axis, min, max, this.plotWidth / 90).map((t) => t.x),
          values: (u, splits) => {
            const words = new Map(timeTicks(axis, this.range[0], this.range[1], this.plotWidth / 90).map((t) => [t.x, t.text]));
            // A word half outside the picture is worse than none.
            return splits.map((s) => (u.valToPos(s, "x") + u.bbox.left / devicePixelRatio < 18 ? "" : words.get(s) ?? ""));
          },
        },
        {
          side: 1, size: AXIS_WIDTH, font: `11px ${FONT}`, stroke: () => this.colours.quiet, grid: line,
          ticks: { show: false }, gap: 8,
          splits: (_u, _a, min, max) => valueTicks(min, max, Math.max(2.5, pane.height / 40)),
          values: (_u, splits) => splits.map((s) => compact(s, (splits[1] ?? 1) - (splits[0] ?? 0), Math.max(...splits.map(Math.abs)))),
        },
      ],
      series: [
        {},
        ...pane.tracks.map((t): uPlot.Series => {
          const alone = lonely(t.values);
          return {
            label: t.name, stroke: () => stroke(t, this.colours), width: t.style === "bars" ? 0 : 1.5, spanGaps: false,
            ...(t.style !== "line" ? { fill: () => fill(t, this.colours) } : {}),
            ...(t.style === "bars" ? { paths: uPlot.paths.bars!({ size: [0.8, 12] }) } : {}),
            points: { show: alone.length > 0, filter: () => alone, size: 4, fill: () => stroke(t, this.colours) },
          };
        }),
      ],
      hooks: {
        drawAxes: [(u) => this.drawLevels(u, pane, p)],
        setCursor: [(u) => this.hovered(u)],
      },
    };
    // A logarithmic scale has no place for zero or less: a hole, and the numbers below the picture still have them.
    const values = pane.tracks.map((t) => (pane.log ? t.values.map((v) => (v !== null && v > 0 ? v : null)) : t.values));
    return new uPlot(options, [axis.x, ...values] as unknown as uPlot.AlignedData, this.element);
  }

  private get plotWidth(): number { return this.width - AXIS_WIDTH; }

  private drawLevels(u: uPlot, pane: ModelPane, p: Palette): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = p.context;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const level of pane.levels) {
      const y = Math.round(u.valToPos(level, "y", true)) + 0.5;
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  private settingCursor = false;
  private hovered(u: uPlot): void {
    if (this.settingCursor) return;
    const left = u.cursor.left ?? -1;
    const i = left < 0 ? null : this.model.axis.nearest(u.posToVal(left, "x"));
    if (i === this.cursor) return;
    this.cursor = i;
    this.mirror(u);
    this.onHover(i);
  }

  private mirror(except?: uPlot): void {
    this.settingCursor = true;
    const x = this.cursor === null ? null : this.model.axis.x[this.cursor]!;
    for (const u of this.plots) {
      if (u === except) continue;
      const left = x === null ? -10 : u.valToPos(x, "x");
      u.setCursor({ left, top: -10 }, false);
    }
    this.settingCursor = false;
  }

  setCursor(i: number | null): void { this.cursor = i; this.mirror(); }

  private listen(u: uPlot): void {
    let grip: { x: number; range: [number, number] } | null = null;
    const perPixel = () => (this.range[1] - this.range[0]) / u.over.clientWidth;
    u.over.addEventListener("pointerdown", (e) => {
      if (e.button !== 0) return;
      grip = { x: e.clientX, range: this.range };
      u.over.setPointerCapture(e.pointerId);
    });
    u.over.addEventListener("pointermove", (e) => {
      if (!grip) return;
      const by = (grip.x - e.clientX) * perPixel();
      this.setView(grip.range[0] + by, grip.range[1] + by);
    });
    for (const end of ["pointerup", "pointercancel"]) u.over.addEventListener(end, () => { grip = null; });
    u.over.addEventListener("wheel", (e) => {
      if (e.ctrlKey || e.metaKey) {
        const middle = u.posToVal(e.offsetX, "x"), by = Math.exp(Math.max(-1, Math.min(1, e.deltaY / 200)));
        this.setView(middle - (middle - this.range[0]) * by, middle + (this.range[1] - middle) * by);
      } else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
        this.setView(this.range[0] + e.deltaX * perPixel(), this.range[1] + e.deltaX * perPixel());
      } else return; // a plain wheel scrolls the page
      e.preventDefault();
    }, { passive: false });
  }

  setView(from: number, to: number): void {
    const { x, length } = this.model.axis;
    const narrowest = (x[length - 1]! - x[0]!) / Math.max(1, length - 1) * 5;
    this.range = clampView(from, to, x[0]!, x[length - 1]!, narrowest);
    for (const u of this.plots) u.setScale("x", { min: this.range[0], max: this.range[1] });
    this.onLayout();
  }

  view(): [number, number] { return this.range; }

  resize(width: number): void {
    this.width = width;
    for (const u of this.plots) u.setSize({ width, height: u.height });
  }

  reserve(heights: number[]): void {
    this.legends = heights;
    for (const u of this.plots) u.redraw(true, true);
  }

  restyle(): void {
    this.colours = palette();
    for (const u of this.plots) u.redraw(false, true);
  }

  paneTops(): number[] {
    let top = 0;
    return this.plots.map((u) => { const at = top; top += u.height; return at; });
  }
}
