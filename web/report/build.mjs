// Bundles src/ into one HTML template: OUTDIR/report_template.html, with @TITLE@ and @DOCUMENT@ left for exports/html_report.cpp.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "dist"));
const modules = resolve(process.argv[3] ?? join(here, "node_modules"));
const { build } = await import(join(modules, "esbuild/lib/main.js"));

const result = await build({
  entryPoints: [join(here, "src/main.ts")],
  bundle: true, minify: true, write: false, format: "iife", target: ["es2022"], charset: "utf8",
  legalComments: "inline", outdir: out, nodePaths: [modules], logLevel: "warning",
});
const text = (end) => result.outputFiles.find((f) => f.path.endsWith(end)).text.trim();
const script = text(".js"), style = text(".css");
if (/<\/(script|style)/i.test(script) || /<\/style/i.test(style)) throw new Error("The bundle would end its own element.");
// The licences ask for their words in every copy, and every report is one.
const licence = (name) => readFileSync(join(modules, name, "LICENSE"), "utf8").trim();
const notices = `uPlot:\n${licence("uplot")}\n\n` +
  "TradingView Lightweight Charts\u2122, Copyright (c) 2025 TradingView, Inc. https://www.tradingview.com/\n" +
  "Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0\n\n" +
  "fancy-canvas (inside it): MIT License, TradingView, Inc.";
if (notices.includes("--")) throw new Error("A licence would end its comment.");
const template = readFileSync(join(here, "src/template.html"), "utf8");
// Functions: a replacement string would give $ a meaning.
const html = template.replace("@NOTICES@", () => notices).replace("@STYLE@", () => style).replace("@SCRIPT@", () => script);
for (const hole of ["@TITLE@", "@DOCUMENT@"]) {
  if (html.split(hole).length !== 2) throw new Error(`The template must hold ${hole} once.`);
}
mkdirSync(out, { recursive: true });
const target = join(out, "report_template.html");
writeFileSync(`${target}.new`, html);
renameSync(`${target}.new`, target);
console.log(`${target}: ${(html.length / 1024).toFixed(0)} KiB`);
