"""make bench, on small data: answers compared with the peers', and the keys that later issues read from bench.json."""
import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".deps/venv-bench/bin/python"
KEYS = {"id", "peer", "peer_version", "threads", "rounds", "ours_median_s", "peer_median_s", "ratio", "floor", "aim", "answers_equal"}


def run(tmp_path, ids, before="pass"):
    for needed in (PYTHON, ROOT / "build/tapemill", ROOT / "build/tapemill-bench"):
        if not needed.exists():
            pytest.skip(f"{needed} is not there: make bench makes it")
    for name in ("tapemill", "tapemill-program", "tapemill-bench"):
        (tmp_path / name).symlink_to(ROOT / "build" / name)
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'bench')!r}); import peers, run; {before}; sys.exit(run.main())"
    done = subprocess.run([PYTHON, "-B", "-c", code, "--quick", "--only", ids, "--build", tmp_path], capture_output=True, text=True,
                          timeout=300)
    return done


def test_range_is_compared_and_measured(tmp_path):
    done = run(tmp_path, "range.symbol")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [(row["id"], row["peer"]) for row in rows] == [("range.symbol", "polars"), ("range.symbol", "duckdb")]
    for row in rows:
        assert set(row) == KEYS and row["answers_equal"] is True and row["floor"] == 20 and row["aim"] == 40
        assert row["threads"] == 2 and row["rounds"] == 3
        assert row["ratio"] == pytest.approx(row["peer_median_s"] / row["ours_median_s"]) and row["ours_median_s"] > 0


def test_the_shell_and_the_cache_are_compared_and_measured(tmp_path):
    done = run(tmp_path, "range.shell,cache.hit")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [(row["id"], row["peer"], row["answers_equal"]) for row in rows] == [("range.shell", "duckdb-cli", True), ("cache.hit", "duckdb", True)]
    assert rows[1]["ratio"] > 10  # on small data and a busy machine; the floor is for make bench


def test_an_unknown_id_is_named(tmp_path):
    done = run(tmp_path, "range.symbols")
    assert done.returncode == 2 and "no such id: range.symbols" in done.stderr and "range.symbol" in done.stderr


def test_nothing_is_timed_where_answers_differ(tmp_path):
    done = run(tmp_path, "suite.batch", before="peers.SUITE['sma'] = 'sma(close, period=21)'")
    assert done.returncode == 1 and "sma differs in" in done.stderr
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [(row["id"], row["answers_equal"], row["ratio"], row["ours_median_s"]) for row in rows] == [("suite.batch", False, None, None)]
