import assert from "node:assert/strict";
import { test } from "node:test";
import { timeAxis } from "../src/charts/axis";
import { thin } from "../src/charts/minmax";
import { extremes, linesModel, modelCsv, valueRange } from "../src/charts/model";
import { clampView } from "../src/charts/plot";
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

test("sessions lie side by side, and a year is marked at its first session", () => {
  const days = ["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03", "2020-02-03"];
  const axis = timeAxis({ kind: "sessions", values: days });
  assert.equal(axis.ordinal, true);
  assert.equal(axis.nearest(2.4), 2);
  assert.deepEqual(timeTicks(axis, 0, 4, 2), [{ x: 2, text: "2020" }, { x: 4, text: "2020-02" }]);
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
