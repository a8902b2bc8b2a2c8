// Candles with panes by lightweight-charts. Its time axis is the index of the bar: bars lie side by side.
import {
  CandlestickSeries, createChart, createSeriesMarkers, CrosshairMode, HistogramSeries, LineSeries, LineStyle,
  type IChartApi, type ISeriesApi, type ISeriesMarkersPluginApi, type SeriesMarker, type Time,
  type UTCTimestamp, type WhitespaceData,
} from "lightweight-charts";
import { compact, number } from "../format";
import { palette, type Palette } from "../theme";
import { iso } from "./axis";
import { fill, stroke, type Model, type ModelPane, type Track } from "./model";
import { AXIS_WIDTH, clampView, LEGEND_HEIGHT, type Plot } from "./plot";
import { FONT } from "./svg";
import { isOneDay, sessionForm, written, type Form } from "./ticks";

const TIME_AXIS = 28;
const WIDEST_BAR = 40; // pixels: a chart of one bar is no wall
const LABEL = 11 * 0.625 * 12; // pixels that the library keeps for a mark of eleven characters
type AnySeries = ISeriesApi<"Candlestick" | "Line" | "Histogram">;

export class CandlesPlot implements Plot {
  readonly element = document.createElement("div");
  onHover: (i: number | null) => void = () => {};
  onLayout: () => void = () => {};
  private chart: IChartApi;
  private styled: ((p: Palette) => void)[] = [];
  private anchors: AnySeries[] = []; // the first series of each pane
  private height: number;
  private settingCursor = false;

  constructor(private model: Model, private width: number, visible: number) {
    this.height = model.panes.reduce((sum, p) => sum + p.height + LEGEND_HEIGHT, 0) + TIME_AXIS;
    this.chart = createChart(this.element, {
      width, height: this.height,
      layout: { attributionLogo: false, fontFamily: FONT, fontSize: 11, panes: { enableResize: true } },
      rightPriceScale: { minimumWidth: AXIS_WIDTH, borderVisible: false, entireTextOnly: true },
      timeScale: {
        borderVisible: false, minBarSpacing: 0.001, maxBarSpacing: WIDEST_BAR, rightOffset: 0, fixLeftEdge: true, fixRightEdge: true,
        timeVisible: !model.axis.isSession, tickMarkMaxCharacterLength: 11,
        tickMarkFormatter: (time: Time) => written(time as number, this.form()),
      },
      crosshair: { mode: CrosshairMode.Normal },
      localization: { timeFormatter: (time: Time) => iso(time as number, !model.axis.isSession) },
      handleScroll: { vertTouchDrag: false },
    });
    model.panes.forEach((pane, i) => this.pane(pane, i));
    model.panes.forEach((pane, i) => this.chart.panes()[i]?.setStretchFactor(pane.height + LEGEND_HEIGHT));
    this.restyle();
    const last = model.axis.length - 1;
    this.setView(Math.max(0, last + 1 - visible), last);
    this.chart.subscribeCrosshairMove((e) => {
      if (this.settingCursor) return;
      const i = e.logical === undefined || e.point === undefined ? null : Math.round(e.logical);
      this.onHover(i === null ? null : Math.min(last, Math.max(0, i)));
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.onLayout());
    // A plain wheel scrolls the page; with ctrl it is the chart's.
    this.element.addEventListener("wheel", (e) => {
      if (!e.ctrlKey && !e.metaKey && Math.abs(e.deltaX) <= Math.abs(e.deltaY)) e.stopPropagation();
    }, { capture: true });
    const watch = new ResizeObserver(() => this.onLayout());
    for (const pane of this.chart.panes()) { const row = pane.getHTMLElement(); if (row) watch.observe(row); }
  }

  private form(): Form {
    const { axis } = this.model;
    if (!axis.isSession) return isOneDay(axis) ? "clock" : "day and clock";
    return sessionForm(this.chart.timeScale().options().barSpacing, LABEL);
  }

  private time(i: number): UTCTimestamp { return this.model.axis.local[i] as UTCTimestamp; }

  private pane(pane: ModelPane, index: number): void {
    const series: AnySeries[] = [];
    if (pane.candles) series.push(this.candles(pane));
    for (const t of pane.tracks) series.push(this.track(t, index));
    const first = series[0];
    if (!first) return;
    this.anchors[index] = first;
    for (const level of pane.levels) {
      const guide = first.createPriceLine({ price: level, lineStyle: LineStyle.Dashed, lineWidth: 1, axisLabelVisible: false });
      this.styled.push((p) => guide.applyOptions({ color: p.context }));
    }
    first.priceScale().applyOptions({ mode: pane.log ? 1 : 0, scaleMargins: margins(pane, LEGEND_HEIGHT) });
  }

  private candles(pane: ModelPane): AnySeries {
    const c = pane.candles!;
    const series = this.chart.addSeries(CandlestickSeries, {
      priceLineVisible: false, lastValueVisible: true,
      priceFormat: { type: "custom", minMove: 10 ** -c.decimals, formatter: (v: number) => number(v, c.decimals) },
    });
    series.setData(Array.from(this.model.axis.local, (_, i) => {
      const close = c.close[i];
      if (close === null || close === undefined) return { time: this.time(i) } satisfies WhitespaceData;
      const open = c.open[i] ?? close;
      return {
        time: this.time(i), open, close,
        high: c.high[i] ?? Math.max(open, close), low: c.low[i] ?? Math.min(open, close),
      };
    }));
    const marks = createSeriesMarkers(series, []);
    this.styled.push((p) => {
      // Up is hollow and down is full: told apart without colour, too.
      series.applyOptions({
        upColor: p.surface, borderUpColor: p.up, wickUpColor: p.up, downColor: p.down, borderDownColor: p.down, wickDownColor: p.down,
      });
      this.mark(marks, pane, p);
    });
    return series;
  }

  private mark(marks: ISeriesMarkersPluginApi<Time>, pane: ModelPane, p: Palette): void {
    marks.setMarkers((pane.markers ?? []).map((m): SeriesMarker<Time> => ({
      time: this.time(m.index),
      position: m.side === "buy" ? "belowBar" : "aboveBar",
      shape: m.side === "buy" ? "arrowUp" : "arrowDown",
      color: m.side === "buy" ? p.up : p.down,
      ...(m.text ? { text: m.text } : {}),
    })));
  }

  private track(t: Track, pane: number): AnySeries {
    let most = 0;
    for (const v of t.values) most = Math.max(most, Math.abs(v ?? 0));
    const options = {
      priceLineVisible: false, lastValueVisible: false,
      priceFormat: { type: "custom" as const, minMove: 10 ** -t.decimals, formatter: (v: number) => short(v, most, t.decimals) },
    };
    const series: AnySeries = t.style === "bars"
      ? this.chart.addSeries(HistogramSeries, options, pane)
      : this.chart.addSeries(LineSeries, { ...options, lineWidth: t.thin ? 1 : 2, crosshairMarkerRadius: 3 }, pane);
    const values = t.values;
    series.setData(Array.from(this.model.axis.local, (_, i) => {
      const value = values[i];
      return value === null || value === undefined ? { time: this.time(i) } : { time: this.time(i), value };
    }));
    this.styled.push((p) => series.applyOptions({ color: t.style === "bars" ? fill(t, p) : stroke(t, p) }));
    return series;
  }

  setView(from: number, to: number): void {
    const last = this.model.axis.length - 1;
    const [a, b] = clampView(from, to, 0, last, 5);
    this.chart.timeScale().setVisibleLogicalRange({ from: a - 0.5, to: b + 0.5 });
    this.onLayout();
  }

  view(): [number, number] {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    const last = this.model.axis.length - 1;
    return range ? [Math.max(0, range.from), Math.min(last, range.to)] : [0, last];
  }

  setCursor(i: number | null): void {
    this.settingCursor = true;
    const series = this.anchors[0];
    if (i === null || !series) this.chart.clearCrosshairPosition();
    else this.chart.setCrosshairPosition(this.model.panes[0]?.candles?.close[i] ?? 0, this.time(i), series);
    this.settingCursor = false;
  }

  resize(width: number): void {
    const view = this.view();
    this.width = width;
    this.chart.resize(this.width, this.height, true);
    this.setView(...view);
  }

  reserve(heights: number[]): void {
    this.model.panes.forEach((pane, i) => this.anchors[i]?.priceScale().applyOptions({ scaleMargins: margins(pane, heights[i] ?? LEGEND_HEIGHT) }));
  }

  restyle(): void {
    const p = palette();
    this.chart.applyOptions({
      layout: { background: { color: p.surface }, textColor: p.quiet, panes: { separatorColor: p.line, separatorHoverColor: p.grid } },
      grid: { vertLines: { color: p.grid }, horzLines: { color: p.grid } },
      crosshair: {
        vertLine: { color: p.quiet, labelBackgroundColor: p.quiet }, horzLine: { color: p.quiet, labelBackgroundColor: p.quiet },
      },
    });
    for (const style of this.styled) style(p);
    this.chart.resize(this.width, this.height, true);
  }

  paneTops(): number[] {
    const own = this.element.getBoundingClientRect().top;
    return this.chart.panes().map((pane) => (pane.getHTMLElement()?.getBoundingClientRect().top ?? own) - own);
  }
}

/** Air above the data for a readout of `legend` pixels; bars that stand on zero have none below. */
function margins(pane: ModelPane, legend: number): { top: number; bottom: number } {
  const onZero = !pane.candles && pane.tracks.length === 1 && pane.tracks[0]!.style === "bars";
  return { top: Math.min(0.6, legend / (pane.height + LEGEND_HEIGHT) + 0.03), bottom: onZero ? 0 : 0.06 };
}

/** For the axis, every mark to the same decimals: the exact value stands in the readout. */
function short(v: number, most: number, decimals: number): string {
  if (most < 1e4) return number(v, decimals);
  return compact(v, 10 ** (Math.floor(Math.log10(most) / 3) * 3 - 1), most);
}
