"""A ceiling is a promise: what a command holds at most, as the kernel counts it, and the answer it gives without one."""
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import zoneinfo

import pytest

from program import HEADER, PROGRAM, ROOT, Program
from test_reference_data import SHARED

CEILING = 96  # MB
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
HOLIDAYS = {"2023-01-16", "2023-02-20", "2023-04-07"}

MEASURE = """
import os, subprocess, sys, tempfile
with tempfile.TemporaryFile() as complaint:
    run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=complaint)
    said = run.stdout.read()
    _, status, used = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    complaint.seek(0)
    sys.stdout.buffer.write(b"%d %d\\n" % (run.returncode, used.ru_maxrss // 1024) + said + (complaint.read() if run.returncode else b""))
"""
pytestmark = pytest.mark.skipif("asan" in str(PROGRAM) or "tsan" in str(PROGRAM), reason="a sanitizer's memory is counted too")


def measured(tapemill, *arguments, memory=f"{CEILING}MB"):
    """Exit code, MB held at most, and what was said. A small process starts it: a child counts what its parent held at the fork."""
    ceiling = ["--memory", memory] if memory else []
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, PROGRAM, *map(str, arguments), *ceiling, "--threads", "2"], cwd=tapemill.folder,
                          env=tapemill.env, stdout=subprocess.PIPE, text=True, check=True)
    first, said = done.stdout.split("\n", 1)
    code, peak = map(int, first.split())
    return code, peak, said


def within(tapemill, *arguments):
    code, peak, said = measured(tapemill, *arguments)
    assert code == 0, said
    assert peak <= CEILING * 1.1, f"{peak} MB of {CEILING}"
    return said


def beyond(tapemill, *arguments, times=1.5):
    """Without a ceiling: it takes more, or nothing is shown."""
    code, peak, said = measured(tapemill, *arguments, memory=None)
    assert code == 0, said
    assert peak > CEILING * times, f"{peak} MB: the data are too small to show anything"
    return said


def digest(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def large(program, tmp_path_factory):
    """A lake of 540,000 daily bars and 990,000 one-second quotes."""
    tapemill = Program(tmp_path_factory.mktemp("memory"))
    flat = tapemill.folder / "flat"
    flat.mkdir()
    days = [datetime.date(2023, 1, 3) + datetime.timedelta(days=n) for n in range(100)]
    days = [one for one in days if one.weekday() < 5 and str(one) not in HOLIDAYS][:60]
    forms = ["".join(f"S{i:05},{1000 + i * form % 977},{10 + i % 90}.{(i * form) % 100:02},{11 + i % 90}.{(i + form) % 100:02},{13 + i % 90}.5,9.25,@,7\n" for i in range(9_000))
             for form in range(1, 8)]
    for n, one in enumerate(days):
        stamp = int(datetime.datetime(one.year, one.month, one.day, tzinfo=NEW_YORK).timestamp()) * 10**9
        (flat / f"{one}.csv").write_text(HEADER + forms[n % len(forms)].replace("@", str(stamp)))
    tapemill("ingest", "stocks_daily", flat, "--quiet")
    made = tapemill.folder / "made"
    tapemill("generate", made, "--symbols", "10", "--years", "1", "--minute-symbols", "0", "--minute-days", "0", "--chain-days", "3", "--strikes", "31", "--quiet")
    tapemill("ingest", "snapshots", made / "drop1" / "nse_snapshots", "--quiet")
    return tapemill


def test_a_backtest_of_an_option_chain(large):
    plan = ROOT / "strategies/opening_straddle.yaml"
    inside = json.loads(within(large, "backtest", "run", plan, "--json"))
    runs = digest(large.lake / "runs" / inside["run_id"])
    outside = json.loads(beyond(large, "backtest", "run", plan, "--json", times=0))  # days at once as they come: 100 to 140 MB
    assert outside["existed"] and outside["trades"] > 0
    assert outside["ledger_hash"] == inside["ledger_hash"]
    assert digest(large.lake / "runs" / inside["run_id"]) == runs


def test_a_graph(large, tmp_path):
    document = json.loads((ROOT / "graphs/technical_analysis.json").read_text())
    written = []
    for run in (within, beyond):
        out = tmp_path / f"{run.__name__}.jsonl"
        document["nodes"][2]["config"]["destination"] = f"file://{out}"
        (tmp_path / "graph.json").write_text(json.dumps(document))
        run(large, "graph", "run", tmp_path / "graph.json", "--json")
        written.append(hashlib.sha256(out.read_bytes()).hexdigest())
        out.unlink()
    assert written[0] == written[1]


def test_a_graph_over_files_of_no_order(large, tmp_path):
    rows = "".join(f"T{i * 7919 % 5000:04},@T{i * 104729 % 24:02}:{i % 60:02}:00Z,{i}.5,{'n' * 240}\n" for i in range(10_000))
    data = tmp_path / "rows.csv"
    with open(data, "w") as file:
        file.write("ticker,time,close,note\n")
        for n in range(45):
            file.write(rows.replace("@", str(datetime.date(2024, 1, 2) + datetime.timedelta(days=n * 37 % 45))))
    graph = {"name": "copy", "nodes": [{"name": "in", "type": "DataSubscriberNode", "config": {"source": f"file://{data}"}},
                                       {"name": "out", "type": "DataPublisherNode", "config": {}}],
             "edges": [{"from": "in", "to": "out"}]}
    written = []
    for run in (within, lambda *given: beyond(*given, times=1.2)):
        out = tmp_path / f"out-{len(written)}.csv"
        graph["nodes"][1]["config"]["destination"] = f"file://{out}"
        (tmp_path / "copy.json").write_text(json.dumps(graph))
        run(large, "graph", "run", tmp_path / "copy.json", "--json")
        written.append(hashlib.sha256(out.read_bytes()).hexdigest())
        out.unlink()
    data.unlink()
    assert written[0] == written[1]


def test_a_qlib_store(large, tmp_path):
    within(large, "export", "qlib", "stocks_daily", "--out", tmp_path / "inside")
    beyond(large, "export", "qlib", "stocks_daily", "--out", tmp_path / "outside", times=1.3)
    assert digest(tmp_path / "inside") == digest(tmp_path / "outside")


def test_a_feature_build(large):
    built = large.lake / "gold/features_momentum"
    within(large, "features", "build", "momentum")
    inside = {name: bytes for name, bytes in digest(built).items() if name.endswith(".parquet")}
    os.rename(built, large.folder / "built within")
    beyond(large, "features", "build", "momentum")
    assert {name: bytes for name, bytes in digest(built).items() if name.endswith(".parquet")} == inside


@pytest.mark.parametrize("command", [["quality", "stocks_daily"], ["status"], ["query", "select symbol, avg(close), count(*) n from stocks_daily group by all order by n, symbol limit 9"],
                                     ["show", "stocks_daily", "--symbols", "S00042"], ["indicators", "run", "stocks_daily", "--symbols", "S00042", "--indicators", "SMA_20"]])
def test_commands_that_read_less_than_they_judge(large, command):
    assert within(large, *command, "--json")


@pytest.mark.parametrize("command", [["show", "stocks_daily"], ["query", "select * from stocks_daily"]])
def test_an_answer_that_has_no_room_is_an_error_and_no_more(large, command):
    code, peak, said = measured(large, *command)
    assert code == 3 and "--memory" in said, said
    assert peak <= CEILING * 1.1, f"{peak} MB of {CEILING}"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_answer_that_goes_to_a_file_is_not_held(large, form, tmp_path):
    """Five million rows leave as they come."""
    within(large, "query", "select i, i * 2 a, i * 0.5 b, (i % 1000)::varchar c from range(5000000) t(i)", "--output", tmp_path / f"rows.{form}")


def test_a_ceiling_below_the_program_itself_is_refused(large):
    code, _, said = measured(large, "tables", memory="16MB")
    assert code == 2 and "the program itself takes" in said and "give at least" in said, said
    least = said.split("give at least ")[1].split()[0]
    code, peak, said = measured(large, "tables", memory=least)
    assert code == 0, said
    assert peak <= int(least.removesuffix("MB")) * 1.1


@pytest.mark.parametrize("sql", ["select count(distinct symbol || session::varchar) n from stocks_daily",
                                 "select * from (select instrument_id, session, close, row_number() over (order by close, instrument_id, session) r from stocks_daily) where r % 100000 = 0 order by r"])
def test_sql_that_holds_every_row(large, sql):
    """What DuckDB takes beside the limit that it keeps is its threads' decoding and their tables of values."""
    assert json.loads(within(large, "query", sql, "--json")) == json.loads(beyond(large, "query", sql, "--json", times=1.05))


@pytest.mark.skipif(not (SHARED / "us_daily_sp500_5yr").is_dir(), reason="needs ../shared/data")
def test_the_least_that_is_named_shows_a_table(tapemill):
    tapemill("ingest", "sp500", *sorted((SHARED / "us_daily_sp500_5yr").glob("all_stocks*")), "--quiet")
    least = measured(tapemill, "tables", memory="16MB")[2].split("give at least ")[1].split()[0]
    code, peak, said = measured(tapemill, "show", "sp500", "--limit", "1", memory=least)
    assert code == 0, said
    assert "of 619" in said
    assert peak <= int(least.removesuffix("MB")) * 1.1
