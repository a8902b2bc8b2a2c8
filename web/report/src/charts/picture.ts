// The frame around a picture over time: title, range buttons, readout, keyboard, saving, numbers in words, and the
// crosshair that all pictures of the page share.
import { el } from "../dom";
import { number } from "../format";
import { onThemeChange, palette, printing } from "../theme";
import { columns, extremes, modelCsv, readings, type Model } from "./model";
import { lowerBound } from "./axis";
import { activeSpan, LEGEND_HEIGHT, newest, type Plot } from "./plot";
import { savePng, saveText } from "./save";
import { modelSvg } from "./svg";

const DAY = 86400;
const PAPER_WIDTH = 700; // A4 between the margins of print.css, in CSS pixels
const SPANS: [string, string, number][] = [
  ["1h", "One hour", 3600], ["1d", "One day", DAY], ["5d", "Five days", 5 * DAY], ["1m", "One month", 30.5 * DAY],
  ["3m", "Three months", 91.5 * DAY], ["1y", "One year", 365.25 * DAY], ["5y", "Five years", 5 * 365.25 * DAY],
];

// The shared crosshair: everyone who shows a time hears of it.
const followers = new Set<{ from: object; follow: (local: number | null) => void }>();
function announce(from: object, local: number | null): void {
  for (const f of followers) if (f.from !== from) f.follow(local);
}

export function pictureFrame(model: Model, title: HTMLElement, plotFor: (width: number) => Plot): HTMLElement {
  const { axis } = model;
  const stage = el("div", { class: "stage", tabindex: "0", role: "group", "aria-roledescription": "chart", "aria-label": spoken(model) });
  const when = el("span", { class: "when" });
  const live = el("div", { class: "visually-hidden", "aria-live": "polite" });
  const paper = el("div", { class: "paper" });
  const ranges = el("div", { class: "ranges", role: "group", "aria-label": "Time in view" });
  const figure = el("figure", { class: "picture" },
    el("figcaption", {},
      title,
      el("div", { class: "tools" }, when, ranges, saveButtons(model.title, () => modelCsv(model), () => svg()))),
    stage, paper, live, numbers(model));
  if (model.source) figure.append(el("p", { class: "source" }, model.source));

  let plot: Plot | null = null;
  let legends: HTMLElement[] = [];
  let shown: number | null = null;
  const svg = () => modelSvg(model, plot!.view(), Math.max(640, stage.clientWidth), palette());

  const show = (i: number | null) => {
    shown = i;
    const at = i ?? axis.length - 1;
    when.textContent = axis.label(at) + (axis.zone ? ` ${axis.zone}` : "");
    const colours = palette();
    model.panes.forEach((pane, k) => {
      const unit = pane.unit ? (pane.title ? ` (${pane.unit})` : pane.unit) : "";
      legends[k]?.replaceChildren(
        ...(pane.title || unit ? [el("b", {}, pane.title + unit)] : []),
        ...readings(pane, at, colours).map((r) => el("span", { class: `reading ${r.tone ?? ""}` },
          r.colour !== "" && el("i", { style: `background:${r.colour}` }),
          r.name !== "" && el("span", { class: "name" }, r.name), el("span", { class: "value" }, r.value),
          r.unit !== "" && r.unit !== pane.unit && el("span", { class: "name" }, r.unit))));
    });
  };
  // A readout that needs a second line, as on a phone, gets room of its own above the curves.
  let reserved: number[] = [];
  const makeRoom = (anew = false) => {
    const needed = legends.map((legend, k) => Math.max(legend.offsetHeight, anew ? 0 : reserved[k] ?? 0));
    if (needed.some((height, k) => height !== (reserved[k] ?? LEGEND_HEIGHT))) plot!.reserve(needed);
    reserved = needed;
  };
  const place = () => plot!.paneTops().forEach((top, k) => { if (legends[k]) legends[k]!.style.top = `${top}px`; });

  const moveTo = (i: number | null, spoke = false) => {
    plot!.setCursor(i);
    show(i);
    announce(figure, i === null ? null : axis.local[i]!);
    if (spoke && i !== null) live.textContent = `${axis.label(i)}: ${columns(model).map((c) => `${c.name} ${number(c.values[i], c.decimals)} ${c.unit}`).join(", ")}`;
  };
  const zoom = (by: number) => {
    const [a, b] = plot!.view(), middle = shown !== null && shown !== undefined ? axis.x[shown]! : (a + b) / 2;
    plot!.setView(middle - (middle - a) * by, middle + (b - middle) * by);
  };
  const all = () => plot!.setView(axis.x[0]!, axis.x[axis.length - 1]!);
  /** The newest `seconds`. */
  const span = (seconds: number) => plot!.setView(...newest(axis, seconds));

  stage.addEventListener("keydown", (e) => {
    const step = e.shiftKey ? 10 : 1, from = shown ?? axis.length - 1;
    const [a, b] = plot!.view();
    const keys: Record<string, () => void> = {
      ArrowLeft: () => moveTo(Math.max(0, from - step), true),
      ArrowRight: () => moveTo(Math.min(axis.length - 1, from + step), true),
      Home: () => moveTo(0, true), End: () => moveTo(axis.length - 1, true),
      PageUp: () => plot!.setView(a - (b - a) / 2, b - (b - a) / 2), PageDown: () => plot!.setView(a + (b - a) / 2, b + (b - a) / 2),
      "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7), "0": all, Escape: () => moveTo(null),
    };
    const act = keys[e.key];
    if (!act || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    act();
    if (shown !== null) { // keep the crosshair in view
      const x = axis.x[shown]!, [lo, hi] = plot!.view();
      if (x < lo || x > hi) plot!.setView(x - (hi - lo) / 2, x + (hi - lo) / 2);
      plot!.setCursor(shown);
    }
  });
  stage.addEventListener("dblclick", all);

  const whole = axis.length > 1 ? axis.local[axis.length - 1]! - axis.local[0]! : 0;
  const bar = whole / Math.max(1, axis.length - 1);
  const spans: number[] = [];
  for (const [label, words, seconds] of SPANS) {
    if (seconds < whole * 0.9 && seconds > bar * 10) ranges.append(el("button", { type: "button", title: words, onclick: () => span(seconds) }, label)), spans.push(seconds);
  }
  ranges.append(el("button", { type: "button", title: "All of it (0 or a double click)", onclick: all }, "all"));
  const mark = () => {
    const active = activeSpan(axis, plot!.view(), [...spans, Infinity]);
    [...ranges.children].forEach((button, k) => button.setAttribute("aria-pressed", String(k === active)));
  };

  // The frame is in the page before its width is known; the library starts then.
  const draw = () => {
    if (plot || stage.clientWidth === 0) return;
    plot = plotFor(stage.clientWidth);
    plot.onHover = (i) => { show(i); announce(figure, i === null ? null : axis.local[i]!); };
    legends = model.panes.map(() => el("div", { class: "legend", "aria-hidden": "true" }));
    for (const legend of legends) legend.style.minHeight = `${LEGEND_HEIGHT}px`;
    stage.replaceChildren(plot.element, ...legends);
    plot.onLayout = () => { place(); mark(); };
    show(null);
    place();
    makeRoom();
    mark();
    followers.add({ from: figure, follow(local) {
      const first = axis.local[0]!, last = axis.local[axis.length - 1]!;
      let i: number | null = null;
      if (local !== null && local >= first && local < last + Math.max(bar, DAY)) i = Math.min(axis.length - 1, lowerBound(axis.local, local));
      plot!.setCursor(i);
      show(i);
    } });
    onThemeChange(() => {
      // A canvas is not redrawn for paper in time, and would be blurred there: paper gets the SVG.
      paper.innerHTML = printing ? modelSvg(model, plot!.view(), PAPER_WIDTH, palette(), true) : "";
      plot!.restyle();
      show(shown);
    });
  };
  new ResizeObserver(() => {
    if (!plot) draw();
    else if (stage.clientWidth > 0) { plot.resize(stage.clientWidth); makeRoom(true); place(); }
  }).observe(stage);
  return figure;
}

export function saveButtons(title: string, toCsv: () => string, toSvg?: () => string): HTMLElement {
  const button = (label: string, what: string, act: () => void) =>
    el("button", { type: "button", title: `Save ${what}`, "aria-label": `Save "${title}" as ${label}`, onclick: act }, label);
  return el("div", { class: "save", role: "group", "aria-label": "Save" },
    toSvg && button("PNG", "the picture as PNG", () => void savePng(toSvg(), title)),
    toSvg && button("SVG", "the picture as SVG", () => saveText(toSvg(), title, "svg")),
    button("CSV", "the values as CSV", () => saveText(toCsv(), title, "csv")));
}

function spoken(model: Model): string {
  const { axis } = model;
  const parts = columns(model).map((c) => {
    const e = extremes(c.values);
    if (!e) return `${c.name}: no values.`;
    const at = (i: number) => `${number(c.values[i], c.decimals)} on ${axis.label(i)}`;
    return `${c.name}${c.unit ? ` in ${c.unit}` : ""}: from ${at(e.first)} to ${at(e.last)}, lowest ${at(e.low)}, highest ${at(e.high)}.`;
  });
  return `${model.title}. ${parts.join(" ")} Arrow keys move the crosshair, plus and minus zoom, 0 shows all.`;
}

/** The picture in numbers, for who reads rather than looks. */
function numbers(model: Model): HTMLElement {
  const { axis } = model;
  const cell = (words: string) => el("td", { class: "right" }, words);
  const rows = columns(model).map((c) => {
    const e = extremes(c.values);
    const pair = (i: number | undefined) => i === undefined
      ? [cell("\u2013"), cell("\u2013")] : [cell(number(c.values[i], c.decimals)), cell(axis.label(i))];
    return el("tr", {}, el("th", { scope: "row" }, c.name), el("td", {}, c.unit || "\u2013"),
      ...pair(e?.first), ...pair(e?.last), ...pair(e?.low), ...pair(e?.high), cell(number(e?.nulls ?? axis.length)));
  });
  const head = ["Series", "Unit", "First", "at", "Last", "at", "Lowest", "at", "Highest", "at", "Nulls"];
  return el("details", { class: "numbers" }, el("summary", {}, "In numbers"),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${model.title}: in numbers` },
      el("table", {}, el("thead", {}, el("tr", {}, ...head.map((h, i) => el("th", { scope: "col", class: i > 1 ? "right" : "" }, h)))),
        el("tbody", {}, ...rows))));
}
