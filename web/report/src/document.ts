// The document that src/exports/html_report.cpp writes: the two files change together, `format` counts the forms.

export const FORMAT = 1;

export type Tone = "good" | "bad" | "neutral";
export type Cell = string | number | null;
export type Values = (number | null)[];

export interface Document {
  format: number;
  title: string;
  subtitle?: string;
  status?: { state: "ok" | "failed" | "partial"; text: string; hint?: string };
  figures: Figure[];
  sections: Section[];
  footer: { label: string; value: string }[];
  picture?: boolean; // to be photographed: the first block alone, filling the window
}

export interface Figure {
  label: string;
  value: Cell;
  unit?: string;
  decimals?: number;
  signed?: boolean;
  tone: Tone;
  anchor?: string; // id of the section or block that holds the rows it came from
}

export interface Section {
  anchor: string;
  heading: string;
  prose?: string; // paragraphs parted by an empty line; `code` and **strong** are understood
  blocks: Block[];
}

export type Block = TableBlock | LinesBlock | CandlesBlock | ChecksBlock | BarsBlock | CodeBlock | NoticeBlock;

export interface Captioned {
  anchor?: string;
  title: string; // says what was found
  source?: string; // table, version
  empty?: string; // what to say, and do, when there is nothing to show
}

export interface Column {
  name: string;
  unit?: string;
  kind: "text" | "number" | "signed" | "date" | "time" | "code";
  decimals?: number;
}

export interface TableBlock extends Captioned {
  kind: "table";
  columns: Column[];
  rows: Cell[][];
  total?: number; // rows there are, where `rows` is only the first of them
  zone?: string; // of its times
  hint?: string; // where the rest can be read
}

/** Sessions lie side by side, whatever the days between them; instants lie where they fell, unless ordinal. */
export type Axis =
  | { kind: "sessions"; values: string[] }
  | { kind: "instants"; values: number[]; zone: string; ordinal?: boolean };

export interface Series {
  name: string;
  unit?: string;
  decimals?: number;
  values: Values;
  style?: "line" | "area" | "bars" | "context"; // area: filled to zero, as a drawdown; context: grey
  family?: string; // series of one family share one colour, such as the three lines of Bollinger bands
}

export interface Pane {
  title?: string;
  unit?: string;
  log?: boolean;
  height?: number; // pixels
  levels?: number[]; // guide lines, such as 30 and 70
  series: Series[];
}

export interface LinesBlock extends Captioned {
  kind: "lines";
  axis: Axis;
  panes: Pane[];
}

export interface Marker {
  index: number; // on the axis
  side: "buy" | "sell";
  text?: string;
}

export interface CandlesBlock extends Captioned {
  kind: "candles";
  axis: Axis;
  name: string;
  unit?: string;
  decimals: number;
  open: Values;
  high: Values;
  low: Values;
  close: Values;
  volume?: Values;
  overlays: Series[];
  panes: Pane[];
  markers: Marker[];
  visible?: number; // bars shown at first, the newest ones
}

export interface ChecksBlock extends Captioned {
  kind: "checks";
  checks: { name: string; ok: boolean | null; detail?: string }[]; // null: not run
}

export interface BarsBlock extends Captioned {
  kind: "bars";
  categories: string[];
  unit?: string;
  decimals?: number;
  series: { name: string; values: Values; decimals?: number; style?: Series["style"] }[];
}

export interface CodeBlock extends Captioned {
  kind: "code";
  language?: string;
  text: string;
}

export interface NoticeBlock {
  kind: "notice";
  anchor?: string;
  tone: "info" | "warning" | "error";
  text: string;
  hint?: string;
}

/** The document inside the page; an error in words where there is none, or one of another form. */
export function readDocument(): Document {
  const text = document.getElementById("tapemill-document")?.textContent ?? "";
  if (text.trim() === "") throw new Error("This file holds no document: it is the empty template.");
  let parsed: Document;
  try {
    parsed = JSON.parse(text) as Document;
  } catch (e) {
    throw new Error(`The document in this file cannot be read, the file may be cut short: ${(e as Error).message}`);
  }
  if (parsed.format !== FORMAT) {
    throw new Error(`The document has form ${String(parsed.format)}, this page draws form ${FORMAT}.`);
  }
  return parsed;
}
