import assert from "node:assert/strict";
import { test } from "node:test";
import { timeAxis } from "../src/charts/axis";
import { thin } from "../src/charts/minmax";
import { candlesModel, extremes, linesModel, modelCsv, valueRange } from "../src/charts/model";
import { activeSpan, clampView, newest } from "../src/charts/plot";
import { timeTicks, valueTicks } from "../src/charts/ticks";

const epoch = (iso: string) => Date.parse(iso) / 1000;

test("instants are read on the exchange's clock, summer and winter", () => {
  const values = [epoch("2024-10-28T13:30:05Z"), epoch("2024-11-04T14:30:05Z")];
  const axis = timeAxis({ kind: "instants", zone: "America/New_York", values });
  assert.equal(axis.label(0), "2024-10-28 09:30:05");
  assert.equal(axis.label(1), "2024-11-04 09:30:05");
  const whole = timeAxis({ kind: "instants", zone: "Asia/Kolkata", values: [epoch("2024-03-14T03:45:00Z")] });
  assert.equal(whole.label(0), "2024-03-14 09:15", "no seconds where nothing has any");
});

test("an hour that a clock lives twice falls back to UTC, and says so", () => {
  const values = Array.from({ length: 8 }, (_, i) => epoch("2024-11-03T04:30:00Z") + i * 1800);
  const axis = timeAxis({ kind: "instants", zone: "America/New_York", values });
  assert.equal(axis.zone, "UTC");
  assert.equal(axis.label(0), "2024-11-03 04:30");
});

test("times that do not ascend are refused", () => {
  assert.throws(() => timeAxis({ kind: "sessions", values: ["2024-01-03", "2024-01-02"] }), /ascending/);
});

test("sessions lie side by side, and a month is marked at its first session", () => {
  const days = ["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03", "2020-02-03"];
  const axis = timeAxis({ kind: "sessions", values: days });
  assert.equal(axis.ordinal, true);
  assert.equal(axis.nearest(2.4), 2);
  assert.deepEqual(timeTicks(axis, 0, 4, 2), [{ x: 2, text: "2020-01" }, { x: 4, text: "2020-02" }]);
});

test("the marks of one axis are all written alike", () => {
  const zone = "UTC", shape = (text: string) => text.replace(/\d/g, "9");
  const days = (from: string, n: number) => Array.from({ length: n }, (_, i) => new Date(Date.parse(from) + i * 864e5).toISOString().slice(0, 10));
  for (const n of [2, 3, 20, 90, 400, 3000]) {
    const axis = timeAxis({ kind: "sessions", values: days("2019-11-20", n) });
    const forms = new Set(timeTicks(axis, 0, n - 1, 12).map((t) => shape(t.text)));
    assert.equal(forms.size, 1, `${n} sessions: ${[...forms].join(" | ")}`);
  }
  for (const [n, step] of [[390, 60], [900, 600], [50, 86400]] as const) {
    for (const ordinal of [true, false]) {
      const values = Array.from({ length: n }, (_, i) => epoch("2024-01-30T14:30:00Z") + i * step);
      const axis = timeAxis({ kind: "instants", zone, values, ordinal });
      const forms = new Set(timeTicks(axis, axis.x[0]!, axis.x[n - 1]!, 12).map((t) => shape(t.text)));
      assert.equal(forms.size, 1, `${n} x ${step} s: ${[...forms].join(" | ")}`);
    }
  }
  const two = timeAxis({ kind: "sessions", values: ["2024-01-02", "2024-01-03"] });
  assert.deepEqual(timeTicks(two, 0, 1, 12).map((t) => t.text), ["2024-01-02", "2024-01-03"], "two sessions have two labels");
});

test("the range in view has its button marked, and none where it is another", () => {
  const values = Array.from({ length: 1500 }, (_, i) => new Date(Date.UTC(2019, 0, 1) + i * 864e5).toISOString().slice(0, 10));
  const axis = timeAxis({ kind: "sessions", values });
  const year = 365.25 * 86400, spans = [year / 4, year, Infinity];
  assert.equal(activeSpan(axis, newest(axis, year), spans), 1);
  assert.equal(activeSpan(axis, [0, 1499], spans), 2);
  assert.equal(activeSpan(axis, [200, 900], spans), -1);
});

test("series of one family share one colour, and other names keep theirs", () => {
  const line = (name: string, family?: string) => ({ name, values: [1, 2], ...(family ? { family } : {}) });
  const model = candlesModel({
    kind: "candles", title: "x", name: "X", decimals: 2, axis: { kind: "sessions", values: ["2024-01-02", "2024-01-03"] },
    open: [1, 2], high: [1, 2], low: [1, 2], close: [1, 2], markers: [],
    overlays: [line("BB_20_upper", "bb"), line("BB_20_middle", "bb"), line("BB_20_lower", "bb"), line("SMA_50")],
    panes: [{ title: "MACD", series: [line("MACD_line"), line("MACD_signal")] }],
  });
  const [upper, middle, lower, sma] = model.panes[0]!.tracks.map((t) => t.colour);
  assert.deepEqual([middle, lower], [upper, upper]);
  assert.notEqual(sma, upper);
  const [fast, signal] = model.panes[1]!.tracks.map((t) => t.colour);
  assert.notEqual(fast, signal, "lines that cross are told apart");
});

test("marks never outnumber their room, whatever the spacing", () => {
  const start = epoch("2000-01-01T00:00:00Z");
  for (const [n, step] of [[5, 1], [1000, 1], [390, 60], [5000, 86400], [1_000_000, 1], [2, 0.001]] as const) {
    const axis = timeAxis({ kind: "instants", zone: "UTC", values: Array.from({ length: n }, (_, i) => start + i * step) });
    const ticks = timeTicks(axis, axis.x[0]!, axis.x[n - 1]!, 12);
    assert.ok(ticks.length <= 12, `${n} times ${step} s: ${ticks.length}`);
    assert.equal(new Set(ticks.map((t) => t.x)).size, ticks.length);
  }
});

test("value marks are round and inside", () => {
  assert.deepEqual(valueTicks(0.3, 9.7, 5), [2, 4, 6, 8]);
  assert.deepEqual(valueTicks(-33, 0, 3), [-20, 0]);
  assert.deepEqual(valueTicks(5, 5, 3), [5]);
});

test("thinning keeps every spike, of a million points in a hundred columns", () => {
  const n = 1_000_000;
  const values: (number | null)[] = Array.from({ length: n }, (_, i) => Math.sin(i / 5000));
  values[123_457] = 900;
  values[876_543] = -900;
  values[500_000] = null;
  const runs = thin(values, 0, n - 1, (i) => (i / n) * 100);
  const points = runs.flat();
  assert.equal(runs.length, 2, "a null parts the line");
  assert.ok(points.length <= 4 * 102);
  assert.ok(points.some(([i, v]) => i === 123_457 && v === 900));
  assert.ok(points.some(([i, v]) => i === 876_543 && v === -900));
  assert.deepEqual(points[0], [0, 0]);
  for (let k = 1; k < points.length; k++) assert.ok(points[k]![0] > points[k - 1]![0]);
});

test("a view stays inside its data and keeps its width", () => {
  assert.deepEqual(clampView(-10, 10, 0, 100, 5), [0, 20]);
  assert.deepEqual(clampView(95, 115, 0, 100, 5), [80, 100]);
  assert.deepEqual(clampView(50, 51, 0, 100, 5), [48, 53]);
  assert.deepEqual(clampView(-500, 500, 0, 100, 5), [0, 100]);
});

test("drawdown stands on zero; a logarithm ignores what it cannot show", () => {
  const model = linesModel({
    kind: "lines", title: "x", axis: { kind: "sessions", values: ["2024-01-02", "2024-01-03", "2024-01-04"] },
    panes: [
      { series: [{ name: "Drawdown", style: "area", values: [0, -10, null] }] },
      { log: true, series: [{ name: "Equity", values: [0, 1, 100] }] },
    ],
  });
  const [lo, hi] = valueRange(model.panes[0]!, 0, 2);
  assert.equal(hi, 0);
  assert.ok(lo < -10);
  const [least] = valueRange(model.panes[1]!, 0, 2);
  assert.ok(least > 0 && least < 1);
  assert.equal(modelCsv(model), "session,Drawdown,Equity\n2024-01-02,0,0\n2024-01-03,-10,1\n2024-01-04,,100\n");
  assert.deepEqual(extremes(model.panes[0]!.tracks[0]!.values), { first: 0, last: 1, low: 1, high: 0, nulls: 1 });
});

test("series and axis must fit", () => {
  assert.throws(() => linesModel({
    kind: "lines", title: "x", axis: { kind: "sessions", values: ["2024-01-02"] },
    panes: [{ series: [{ name: "Equity", values: [1, 2] }] }],
  }), /Equity has 2 values on an axis of 1/);
});
