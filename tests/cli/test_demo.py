"""The main job: every check of the demo holds, and a second run finds everything up to date."""
import json
import os
import subprocess

from program import PROGRAM


def demo(lake):
    environment = {name: value for name, value in os.environ.items() if name != "TAPEMILL_LAKE"}
    done = subprocess.run([PROGRAM, "demo", "--json", "--lake", lake], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_demo_holds_and_the_second_run_changes_nothing(tmp_path):
    lake = tmp_path / "lake"
    first = demo(lake)
    assert first["ok"] and len(first["checks"]) >= 16 and all(check["ok"] for check in first["checks"])
    assert {table["table"]: table["rows_stored"] for table in first["tables"]} == {
        "sp500_index": 5105, "stocks_daily": 250988, "stocks_minute": 35399, "snapshots": 386634}
    commits = sorted(path.relative_to(lake) for path in lake.rglob("_delta_log/*.json"))
    second = demo(lake)
    assert second["ok"]
    assert sorted(path.relative_to(lake) for path in lake.rglob("_delta_log/*.json")) == commits
    unchanged = {stage["stage"]: stage["unchanged"] for stage in second["stages"]}
    assert all(unchanged[stage] for stage in unchanged if stage.startswith(("generate", "ingest", "features", "qlib", "backtest")))
    assert [run["ledger_hash"] for run in first["runs"]] == [run["ledger_hash"] for run in second["runs"]]
    page = (lake / "reports/demo.html").read_text(encoding="utf-8")
    assert "<script" in page and 'src="http' not in page
    run = next(run for run in first["runs"] if run["name"] == "index_cross")
    page = tmp_path / "cross.html"
    done = subprocess.run([PROGRAM, "backtest", "report", run["run_id"], "--lake", lake, "--out", page], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run["ledger_hash"][:16] in page.read_text(encoding="utf-8")
    (next(lake.glob(f"runs/{run['run_id']}")) / "metrics.json").write_text("[]")
    spoilt = subprocess.run([PROGRAM, "backtest", "report", run["run_id"], "--lake", lake, "--out", page], capture_output=True, text=True, check=False)
    assert spoilt.returncode == 1 and "metrics.json" in spoilt.stderr
