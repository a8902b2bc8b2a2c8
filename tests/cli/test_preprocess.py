"""tapemill preprocess as users run it."""
import json
import os
import pathlib

import pytest
from program import DAYS, ROOT, day

SHARED = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA") or ROOT / "../shared/data")

STEPS = """preprocess: tiny
version: 1.0.0
from: {table: stocks_daily, columns: [close, volume]}
fit: {start: 2024-01-02, end: 2024-01-03}
steps:
  - clean_data: {handle_missing_values: ffill}
  - engineer_features: {time_features: [day_of_week]}
  - normalize: {method: standard, columns: [volume], by: all}
  - optimize_types
"""


def test_a_document(tapemill):
    for date, start in DAYS.items():
        (tapemill.folder / f"{date}.csv").write_text(day(date, start, good=5, bad=0))
    tapemill("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    (tapemill.folder / "tiny.yaml").write_text(STEPS)
    report = json.loads(tapemill("preprocess", "tiny.yaml", "--fitted-to", "tiny.json", "--json").stdout)
    assert (report["rows"], report["fit_rows"], report["lookahead"]) == (5, 10, [])
    assert report["narrowed"] == {"close": "float", "day_of_week": "int8"}
    fitted = {one["statistic"]: one["value"] for one in json.loads((tapemill.folder / "tiny.json").read_text())["fitted"]}
    assert fitted["mean"] == 102 and abs(fitted["std"] - 2 ** 0.5) < 1e-12 and fitted["rows"] == 10
    rows = json.loads(tapemill("query", "select close, volume, day_of_week from gold.prepared_tiny order by instrument_id", "--json").stdout)["rows"]
    assert [row[0] for row in rows] == [11.25] * 5 and [row[2] for row in rows] == [3] * 5
    assert rows[2][1] == 0 and abs(rows[4][1] - 2 ** 0.5) < 1e-12
    kept = json.loads(tapemill("query", "select value from gold.prepared_tiny_fitted where statistic = 'mean'", "--json").stdout)
    assert kept["rows"] == [[102.0]]
    text = tapemill("preprocess", "tiny.yaml").stdout
    assert "up to date" in text and "fitted on 10 rows" in text and "narrowed: close float" in text
    assert tapemill("preprocess", "tiny.yaml", "--fitted-from", "tiny.json").returncode == 0
    (tapemill.folder / "tiny.yaml").write_text(STEPS.replace("ffill", "bfill"))
    refused = tapemill("preprocess", "tiny.yaml", code=2)
    assert "looks ahead" in refused.stderr and "tiny.yaml:" in refused.stderr


def test_the_example_in_any_room(tapemill):
    if not (SHARED / "us_daily_sp500_5yr").exists():
        pytest.skip("no ../shared/data: the example of preprocessing is NOT tested")
    tapemill("ingest", "sp500", SHARED / "us_daily_sp500_5yr")
    document = ROOT / "examples" / "preprocess.yaml"
    report = json.loads(tapemill("preprocess", document, "--json").stdout)
    assert report["rows"] > 100_000 and report["fit_rows"] > 400_000

    def content():
        columns = ", ".join(["instrument_id", "session", *(one["name"] for one in report["columns"])])
        return tapemill("query", f"select count(*), bit_xor(hash({columns})) from gold.prepared_sp500_model", "--json").stdout

    whole = content()
    other = document.read_text().replace("by: instrument", "by: all")
    (tapemill.folder / "other.yaml").write_text(other)
    tapemill("preprocess", "other.yaml")
    assert content() != whole
    tapemill("preprocess", document, "--memory", "256MB", "--threads", "1")
    assert content() == whole
