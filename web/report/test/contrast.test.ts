import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

declare const REPORT_DIR: string;
const css = readFileSync(`${REPORT_DIR}/src/style/base.css`, "utf8");

/** Variables of the rule whose selector is `selector`. */
function variables(selector: string): Record<string, string> {
  const at = css.indexOf(`${selector} {`);
  assert.ok(at >= 0, selector);
  const rule = css.slice(at, css.indexOf("}", at));
  return Object.fromEntries([...rule.matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
}
/** Relative luminance and contrast as WCAG 2.1 defines them. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
function contrast(a: string, b: string): number {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi! + 0.05) / (lo! + 0.05);
}

const light = variables(":root");
const dark = { ...light, ...variables(':root[data-theme="dark"]') };
const greenRed = variables(':root[data-updown="green-red"]');
const greenRedDark = { ...greenRed, ...variables(':root[data-updown="green-red"][data-theme="dark"]') };
const themes = { light, dark, "light, green/red": { ...light, ...greenRed }, "dark, green/red": { ...dark, ...greenRedDark } };

for (const [name, v] of Object.entries(themes)) {
  test(`${name}: every text stands 4.5:1 on every ground it can lie on`, () => {
    for (const ink of ["--text", "--quiet", "--link", "--up-text", "--down-text"]) {
      for (const ground of ["--surface", "--raised", "--good-soft", "--bad-soft"]) {
        const c = contrast(v[ink]!, v[ground]!);
        assert.ok(c >= 4.5, `${ink} ${v[ink]} on ${ground} ${v[ground]}: ${c.toFixed(2)}`);
      }
    }
  });
}

test("the series have the colours of the house, in its order", () => {
  assert.deepEqual(["--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--context"].map((k) => light[k]),
    ["#3b6fb6", "#e07b39", "#2e9e8f", "#b0487a", "#8a7a2b", "#6c5cb8", "#7a828c"]);
});
