import type { CandlesBlock, LinesBlock } from "../document";
import { el, inline } from "../dom";
import { CandlesPlot } from "../charts/candles";
import { Lines } from "../charts/lines";
import { candlesModel, linesModel } from "../charts/model";
import { pictureFrame } from "../charts/picture";
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

/** What `tapemill chart` draws is all of its page, and takes the window's height. */
function windowHeight(block: CandlesBlock): number {
  const below = (block.volume ? 96 : 0) + block.panes.reduce((sum, p) => sum + (p.height ?? 110) + 24, 0);
  return Math.min(900, Math.max(240, innerHeight - below - 340));
}

export function candles(block: CandlesBlock, isAlone: boolean): HTMLElement {
  if (isEmpty(block)) return blank(block);
  const model = isAlone ? candlesModel(block, windowHeight(block)) : candlesModel(block);
  const figure = pictureFrame(model, el("h3", {}, ...inline(block.title)), (width) => new CandlesPlot(model, width, block.visible ?? 250));
  if (block.anchor) figure.id = block.anchor;
  return figure;
}
