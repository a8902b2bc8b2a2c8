// Bundles test/*.test.ts and runs them under node's own test runner: node test.mjs [NPMDIR/node_modules]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.argv[2] ?? join(here, "node_modules"));
const { build } = await import(join(modules, "esbuild/lib/main.js"));
const out = mkdtempSync(join(tmpdir(), "tapemill-report-"));
const tests = readdirSync(join(here, "test")).filter((f) => f.endsWith(".test.ts"));
await build({
  entryPoints: tests.map((f) => join(here, "test", f)), outdir: out, outExtension: { ".js": ".mjs" },
  bundle: true, format: "esm", platform: "node", logLevel: "warning", nodePaths: [modules],
  define: { REPORT_DIR: JSON.stringify(here) },
});
const run = spawnSync(process.execPath, ["--test", ...tests.map((f) => join(out, f.replace(".ts", ".mjs")))], { stdio: "inherit" });
rmSync(out, { recursive: true });
process.exit(run.status ?? 1);
