import type { CandlesBlock, LinesBlock } from "../document";
import { el, inline } from "../dom";
import { CandlesPlot } from "../charts/candles";
import { Lines } from "../charts/lines";
import { candlesModel, linesModel, type Model } from "../charts/model";
import { pictureFrame } from "../charts/picture";
import { LEGEND_HEIGHT } from "../charts/plot";
import { caption, emptyState } from "./caption";

function isEmpty(block: LinesBlock | CandlesBlock): boolean {
  return block.axis.values.length === 0;
}

function blank(block: LinesBlock | CandlesBlock): HTMLElement {
  return el("figure", { class: "picture", id: block.anchor }, caption(block, null), emptyState(block, "Nothing to draw: no rows in this range."));
}

export function lines(block: LinesBlock): HTMLElement {
  if (isEmpty(block)) return blank(block);
  const model = linesModel(block);
  const figure = pictureFrame(model, el("h3", {}, ...inline(block.title)), (width) => new Lines(model, width));
  if (block.anchor) figure.id = block.anchor;
  return figure;
}

/** What `tapemill chart` draws is all of its page: it takes the window's height, with room for what stands above. */
function fitWindow(model: Model): void {
  // What stands above and below; a photograph is of the whole window.
  const free = document.querySelector(".bare") ? outerHeight - 112 : innerHeight - 260;
  const room = Math.min(1100, free) - model.panes.length * LEGEND_HEIGHT;
  const shares = model.panes.reduce((sum, p) => sum + p.height, 0);
  model.panes.forEach((p, i) => { p.height = Math.max(i === 0 ? 180 : 48, Math.round(p.height / shares * room)); });
}

export function candles(block: CandlesBlock, isAlone: boolean): HTMLElement {
  if (isEmpty(block)) return blank(block);
  const model = candlesModel(block);
  if (isAlone) fitWindow(model);
  const figure = pictureFrame(model, el("h3", {}, ...inline(block.title)), (width) => new CandlesPlot(model, width, block.visible ?? 250));
  if (block.anchor) figure.id = block.anchor;
  return figure;
}
