import assert from "node:assert/strict";
import { test } from "node:test";
import { columnDecimals, compact, csv, decimalsOf, grouped, number, plural } from "../src/format";

const T = "\u202f";

test("numbers: thin spaces, a true minus, an en dash for null", () => {
  assert.equal(number(1234567.5), `1${T}234${T}567.5`);
  assert.equal(number(-0.125), "\u22120.125");
  assert.equal(number(null), "\u2013");
  assert.equal(number(NaN, 2), "\u2013");
  assert.equal(number(999, 2), "999.00");
  assert.equal(number(1e6, 2, true), `+1${T}000${T}000.00`);
});

test("a zero after rounding has no sign", () => {
  assert.equal(number(-0.0001, 2), "0.00");
  assert.equal(number(0, 2, true), "0.00");
});

test("a column has the decimals of its neediest value", () => {
  assert.equal(decimalsOf(0.1), 1);
  assert.equal(decimalsOf(1 / 3), 6);
  assert.equal(columnDecimals([1, 2.25, null, "x", 0.5]), 2);
});

test("axis words are short and tell neighbours apart", () => {
  assert.equal(compact(2_500_000, 500_000), `2.5${T}M`);
  assert.equal(compact(12e9, 4e9), `12${T}B`);
  assert.deepEqual([0, 5e9, 1e10].map((v) => compact(v, 1e8, 1e10)), ["0.0", "5.0", "10.0"].map((n) => `${n}${T}B`), "one unit along an axis");
  assert.equal(compact(12_000, 1000), `12${T}000`);
  assert.equal(compact(3200, 200), `3${T}200`);
  assert.equal(compact(1_000_200, 200), `1${T}000${T}200`);
  assert.equal(compact(-0.05, 0.01), "\u22120.05");
});

test("plural", () => {
  assert.equal(plural(1, "row"), "1 row");
  assert.equal(plural(0, "row"), "0 rows");
});

test("CSV keeps numbers exact and quotes what needs it", () => {
  assert.equal(csv([["a,b", 0.1 + 0.2, null], ['say "x"', -1, undefined]]), '"a,b",0.30000000000000004,\n"say ""x""",-1,\n');
});

test("a number that came as text keeps its digits, and its thousands are parted", () => {
  assert.equal(grouped("2641504"), "2\u202f641\u202f504");
  assert.equal(grouped("-123"), "\u2212123");
  assert.equal(grouped("\u22121234"), "\u22121\u202f234");
});
