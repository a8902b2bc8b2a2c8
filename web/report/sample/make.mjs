// A document such as the demo's, out of real S&P 500 bars, to look at the template without the program:
// web/report/build.sh OUTDIR; node web/report/sample/make.mjs TEMPLATE OUT.html [empty|failed|intraday|million|chart|cut]
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [template, out, variant = "full"] = process.argv.slice(2);
const csv = join(here, "../../../.deps/data/sp500-2000.csv");
const rows = readFileSync(csv, "utf8").trim().split("\n").slice(1).map((l) => l.split(","));
const days = rows.map((r) => r[0]);
const column = (k) => rows.map((r) => Number(r[k]));
const [open, high, low, close, volume] = [1, 2, 3, 4, 6].map(column);

function sma(values, n) {
  let sum = 0;
  return values.map((v, i) => {
    sum += v - (i >= n ? values[i - n] : 0);
    return i >= n - 1 ? sum / n : null;
  });
}
function rsi(values, n) {
  let up = 0, down = 0;
  return values.map((v, i) => {
    if (i === 0) return null;
    const d = v - values[i - 1], u = Math.max(d, 0), w = Math.max(-d, 0);
    if (i <= n) { up += u / n; down += w / n; } else { up = (up * (n - 1) + u) / n; down = (down * (n - 1) + w) / n; }
    return i < n ? null : 100 * up / (up + down);
  });
}
function ema(values, n) {
  const k = 2 / (n + 1);
  let e = null;
  return values.map((v) => (v === null ? null : (e = e === null ? v : e + k * (v - e))));
}

const sma50 = sma(close, 50), sma200 = sma(close, 200);
const slow = ema(close, 26);
const macd = ema(close, 12).map((v, i) => v - slow[i]);
const signal = ema(macd, 9);
const markers = [], equity = [], trades = [];
let cash = 1e6, held = 0, entry = null;
for (let i = 0; i < days.length; i++) {
  const was = i > 0 && sma200[i - 1] !== null ? sma50[i - 1] > sma200[i - 1] : null;
  const is = sma200[i] !== null ? sma50[i] > sma200[i] : null;
  if (was === false && is && i + 1 < days.length) { entry = i + 1; markers.push({ index: i + 1, side: "buy" }); }
  if (was && is === false && entry !== null) {
    markers.push({ index: i + 1, side: "sell" });
    trades.push([days[entry], open[entry], days[i + 1], open[i + 1], i + 1 - entry, (open[i + 1] / open[entry] - 1.001) * 100]);
    cash = held * open[i] * 0.999; held = 0; entry = null;
  }
  if (entry === i) { held = cash * 0.999 / open[i]; cash = 0; }
  equity.push(Math.round((cash + held * close[i]) * 100) / 100);
}
let peak = 0;
const drawdown = equity.map((v) => (peak = Math.max(peak, v), (v / peak - 1) * 100));
const hold = close.map((v) => Math.round(v / close[0] * 1e8) / 100);
const worst = drawdown.indexOf(Math.min(...drawdown));
const bar = { open, high, low, close, volume };

const doc = {
  format: 1,
  title: "Demo: from files to backtests",
  subtitle: "S&P 500 index, 2000-01-03 to 2020-04-17, and a generated exchange of 500 symbols with declared defects",
  status: { state: "ok", text: "Every check holds: 9 of 9. Two drops were ingested, 1 file was refused and mended by the second." },
  figures: [
    { label: "Rows stored", value: 412_663, unit: "rows", tone: "neutral", anchor: "sizes" },
    { label: "Rows quarantined", value: 37, unit: "rows", tone: "bad", anchor: "quarantine" },
    { label: "Batch = tick by tick", value: "equal", unit: "bit for bit", tone: "good", anchor: "checks" },
    { label: "Return, net, index cross", value: (equity.at(-1) / 1e6 - 1) * 100, decimals: 1, signed: true, unit: "%", tone: "good", anchor: "trades" },
    { label: "Largest drawdown", value: Math.min(...drawdown), decimals: 1, unit: "%", tone: "bad", anchor: "equity" },
    { label: "Time", value: 38.4, unit: "s", tone: "neutral", anchor: "throughput" },
  ],
  sections: [
    { anchor: "cross", heading: "Index cross", blocks: [
      { kind: "lines", anchor: "equity",
        title: `Equity, net of costs: 1 M USD became ${(equity.at(-1) / 1e6).toFixed(2)} M; holding the index, ${(hold.at(-1) / 1e6).toFixed(2)} M`,
        source: "gold.backtest_trades version 1 · silver.sp500_index version 1",
        axis: { kind: "sessions", values: days },
        panes: [
          { title: "Equity", unit: "USD", log: true, height: 250, series: [
            { name: "SMA 50/200 cross", decimals: 0, values: equity },
            { name: "Buy and hold", decimals: 0, values: hold, style: "context" } ] },
          { title: "Drawdown", unit: "%", height: 100, series: [{ name: "From the peak", decimals: 2, style: "area", values: drawdown }] } ] },
      { kind: "candles", anchor: "candles", title: "S&P 500: above its 200-day mean until February 2020, then 34 % down in 23 sessions",
        source: "silver.sp500_index version 1 · gold.features.momentum 1.0.0", name: "SPX", unit: "points", decimals: 2,
        axis: { kind: "sessions", values: days }, ...bar, visible: 250, markers,
        overlays: [{ name: "SMA 50", decimals: 2, values: sma50 }, { name: "SMA 200", decimals: 2, values: sma200 }],
        panes: [{ title: "RSI 14", levels: [30, 70], series: [{ name: "RSI 14", decimals: 1, values: rsi(close, 14) }] },
          { title: "MACD 12/26/9", unit: "points", series: [
            { name: "Histogram", decimals: 2, style: "bars", values: macd.map((v, i) => v - signal[i]) },
            { name: "MACD", decimals: 2, values: macd }, { name: "Signal", decimals: 2, values: signal }] }] },
      { kind: "table", anchor: "trades", title: `${trades.length} trades, ${trades.filter((t) => t[5] > 0).length} of them with a gain`,
        source: "gold.backtest_trades version 1", rows: trades,
        columns: [{ name: "Entry", kind: "date" }, { name: "Price", unit: "USD", kind: "number", decimals: 2 }, { name: "Exit", kind: "date" },
          { name: "Price", unit: "USD", kind: "number", decimals: 2 }, { name: "Sessions", kind: "number" }, { name: "Return", unit: "%", kind: "signed", decimals: 2 }] } ] },
    { anchor: "refused", heading: "What was refused",
      prose: "For every file **rows in = rows stored + rows quarantined**. A quarantined row keeps the file, line and byte it came from; `tapemill quarantine show` prints it as it was.",
      blocks: [
        { kind: "table", anchor: "quarantine", title: "37 rows of 3 files were quarantined, 24 of them in one halted symbol",
          source: "quarantine of bronze.stocks_daily version 2", total: 37, hint: "tapemill quarantine show stocks_daily",
          columns: [{ name: "File", kind: "code" }, { name: "Line", kind: "number" }, { name: "Byte", kind: "number" }, { name: "Symbol", kind: "text" },
            { name: "Session", kind: "date" }, { name: "Close", unit: "USD", kind: "number" }, { name: "Reason", kind: "text" }],
          rows: Array.from({ length: 26 }, (_, i) => [`us_stocks_sip/day_aggs_v1/2024/0${1 + i % 9}/2024-0${1 + i % 9}-1${i % 10}.csv.gz`, 1042 + i * 977,
            118_220 + i * 113_441, ["HALT", "SPLT", "ACME"][i % 3], `2024-0${1 + i % 9}-1${i % 10}`, i % 3 === 0 ? null : 12.5 + i * 3.25,
            ["high below close: 12.10 < 12.40", "duplicate key (instrument_id, session)", "close is null"][i % 3]]) },
        { kind: "notice", tone: "warning", text: "1 file was refused: `options_1s/2024-03-14.csv.gz` ends in the middle of its gzip stream at byte 1 048 576.",
          hint: "The second drop brought it whole; the table has its rows once." } ] },
    { anchor: "lake", heading: "Lake", blocks: [
      { kind: "bars", anchor: "sizes", title: "Parquet takes 21 % of the raw bytes", unit: "MB", decimals: 1, source: "bytes of files in landing/ and of the log's current parts",
        categories: ["sp500_index", "stocks_daily", "stocks_minute", "snapshots"],
        series: [{ name: "raw", style: "context", values: [0.4, 18.2, 61.0, 244.7] }, { name: "stored", values: [0.2, 4.1, 12.9, 51.3] }] },
      { kind: "bars", anchor: "throughput", title: "Snapshots are the slowest to read: 0.4 M rows a second", unit: "rows/s", source: "this run, 2 cores",
        categories: ["landing", "parse", "check", "commit", "features", "backtest"], series: [{ name: "Throughput", values: [null, 1_840_000, 5_200_000, 912_000, 2_400_000, 402_000] }] } ] },
    { anchor: "checks-section", heading: "Checks", blocks: [
      { kind: "checks", anchor: "checks", title: "What this demo promises, checked", checks: [
        { name: "rows in = rows stored + rows quarantined", ok: true, detail: "412 700 = 412 663 + 37, over 4 datasets" },
        { name: "the declared defects are the ones found", ok: true, detail: "late file, restated day, duplicates, halt, split, cut gzip" },
        { name: "graph and batch agree bit for bit", ok: true, detail: "9 indicators × 5 104 rows, 0 of 45 936 values differ" },
        { name: "both backtests repeat to the same ledger hash", ok: true, detail: "`9f2c…41aa`, `07bd…e310`" },
        { name: "Qlib store holds what gold holds", ok: variant === "failed" ? false : true, detail: "500 symbols × 504 sessions" },
        ...(variant === "failed" ? [{ name: "second run is a no-op", ok: null, detail: "not reached" }] : []) ] },
      { kind: "code", title: "The strategy, as run", language: "yaml", source: "strategies/index_cross.yaml",
        text: "name: index_cross\nuniverse: {table: sp500_index, symbols: [SPX]}\ncapital: 1000000 USD\nentry: {when: \"crosses_above(sma(close, 50), sma(close, 200))\", size: 100 %, at: next_open}\nexit: {when: \"crosses_below(sma(close, 50), sma(close, 200))\", at: next_open}\ncosts: {commission_bps: 10}\n" } ] },
  ],
  footer: [{ label: "Run", value: "9f2c4a1be07d" }, { label: "Tapemill", value: "0.1.0 (8bf3320)" }, { label: "Lake", value: "sp500_index v1, stocks_daily v2" }, { label: "Command", value: "tapemill demo" }],
};

if (variant === "failed") {
  doc.status = { state: "failed", text: "1 of 6 checks failed: Qlib store holds what gold holds.", hint: "See below, then run `tapemill demo` again: what is done already is not done twice." };
  doc.sections[0].blocks[0].panes[0].series[0].values = [1, 2];
  doc.sections[0].blocks.push({ kind: "hologram", title: "A kind of a later version" });
}
if (variant === "empty") {
  for (const s of doc.sections) for (const b of s.blocks) {
    if (b.rows) b.rows = [];
    if (b.axis) b.axis.values = [];
    if (b.categories) b.categories = [];
    if (b.checks) b.checks = [];
  }
  doc.sections[1].blocks[0].total = 0;
  doc.sections[1].blocks[0].empty = "No row was quarantined.";
}
if (variant === "chart") {
  const block = doc.sections[0].blocks[1];
  block.overlays.push({ name: "BB_20_upper", decimals: 2, values: sma50.map((v) => v && v * 1.05) }, { name: "BB_20_lower", decimals: 2, values: sma50.map((v) => v && v * 0.95) });
  Object.assign(doc, { title: "SPX", subtitle: "silver.sp500_index version 1 · unadjusted", status: undefined, figures: [], sections: [{ anchor: "bars", heading: "Bars and indicators", blocks: [block] }], footer: [] });
}
if (variant === "intraday") {
  const t0 = Date.UTC(2024, 9, 28, 13, 30) / 1000, n = 5 * 390;
  const times = Array.from({ length: n }, (_, i) => t0 + Math.floor(i / 390) * 86400 + (i % 390) * 60 + (i >= 390 * 5 ? 3600 : 0));
  let p = 100, seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647 - 0.5;
  const c = times.map(() => (p = Math.round((p + random() * 0.2) * 100) / 100));
  const o = c.map((v, i) => (i % 500 === 77 ? null : i ? c[i - 1] : v));
  doc.sections[0].blocks = [
    { kind: "candles", title: "ACME, minute bars over five sessions", source: "silver.stocks_minute version 3", name: "ACME", unit: "USD", decimals: 2,
      axis: { kind: "instants", zone: "America/New_York", values: times }, open: o, close: c.map((v, i) => (i % 500 === 77 ? null : v)),
      high: c.map((v, i) => Math.max(v, o[i] ?? v) + 0.05), low: c.map((v, i) => Math.min(v, o[i] ?? v) - 0.05), volume: c.map(() => Math.round(1e4 * (random() + 1))),
      overlays: [{ name: "VWAP", decimals: 3, values: sma(c, 30) }], panes: [], markers: [{ index: n - 100, side: "buy", text: "+100" }, { index: n - 40, side: "sell", text: "−100" }], visible: 200 },
    { kind: "lines", title: "Premium of the straddle, second by second", axis: { kind: "instants", zone: "Asia/Kolkata", values: Array.from({ length: 22500 }, (_, i) => Date.UTC(2024, 2, 14, 3, 45) / 1000 + i) },
      panes: [{ unit: "INR", series: [{ name: "Straddle", decimals: 2, values: Array.from({ length: 22500 }, (_, i) => (i % 4000 > 3900 ? null : 200 + 20 * Math.sin(i / 900) + 4 * random())) }] }] },
    { kind: "lines", title: "Ten points on true time", axis: { kind: "instants", ordinal: true, zone: "America/New_York", values: times.slice(0, 800) },
      panes: [{ unit: "USD", series: [{ name: "ACME", decimals: 2, values: c.slice(0, 800) }] }] } ];
}
if (variant === "million") {
  const n = 1_000_000;
  let v = 0, seed = 7;
  const walk = Array.from({ length: n }, (_, i) => (seed = (seed * 48271) % 2147483647, v += seed / 2147483647 - 0.5, i === 777_777 ? v + 900 : Math.round(v * 100) / 100));
  doc.sections[0].blocks = [{ kind: "lines", title: "A million points, one of them a spike", axis: { kind: "instants", zone: "UTC", values: walk.map((_, i) => 1.7e9 + i) },
    panes: [{ unit: "USD", series: [{ name: "Walk", decimals: 2, values: walk }] }] }];
}
let json = JSON.stringify(doc).replaceAll("</", "<\\/");
if (variant === "cut") json = json.slice(0, json.length / 2);
writeFileSync(out, readFileSync(template, "utf8").replace("@TITLE@", () => "Tapemill: demo").replace("@DOCUMENT@", () => json));
