#!/bin/sh
# A picture of a page, as the README shows it: web/report/picture.sh PAGE.html OUT.png [dark] [WIDTHxHEIGHT]
set -eu
if [ $# -lt 2 ]; then echo "usage: web/report/picture.sh PAGE.html OUT.png [dark|light] [WIDTHxHEIGHT]" >&2; exit 2; fi
command -v chromium > /dev/null || { echo "web/report/picture.sh: chromium is missing; apt-get install chromium" >&2; exit 3; }
scheme=1
[ "${3:-light}" != dark ] || scheme=0
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --virtual-time-budget=4000 \
  --blink-settings=preferredColorScheme=$scheme --window-size="$(echo "${4:-1280x800}" | tr x ,)" \
  --user-data-dir="$profile" --screenshot="$(realpath "$2")" "file://$(realpath "$1")" > "$profile/log" 2>&1 ||
  { cat "$profile/log" >&2; exit 1; }
