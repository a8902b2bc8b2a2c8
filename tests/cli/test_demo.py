"""The main job: every check of the demo holds, a second run finds everything up to date, and what is gone is missed."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from program import PROGRAM

SOURCE = pathlib.Path(__file__).parents[2]


def demo(lake, code=0, **more):
    environment = {name: value for name, value in os.environ.items() if name != "TAPEMILL_LAKE"} | more
    done = subprocess.run([PROGRAM, "demo", "--json", "--lake", lake], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lake that the demo filled, and what it said."""
    lake = tmp_path_factory.mktemp("demo") / "lake"
    return lake, demo(lake)


@pytest.fixture
def copy(made, tmp_path):
    """Files of the same bytes, by hard links: a plant replaces a file, it does not write into it."""
    shutil.copytree(made[0], tmp_path / "copy", copy_function=os.link)
    return tmp_path / "copy"


def flip(path):
    """Other bytes in the middle of a file."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle:middle + 16] = bytes(byte ^ 0x5A for byte in data[middle:middle + 16])
    path.unlink()
    path.write_bytes(data)


def remove(pattern):
    return lambda lake: [shutil.rmtree(path) if path.is_dir() else path.unlink() for path in sorted(lake.glob(pattern))]


def spoil(pattern):
    return lambda lake: flip(max(lake.glob(pattern), key=lambda path: (path.stat().st_size, path)))


PLANTS = {
    "a Qlib store without features": (remove("gold/qlib/stocks_daily/features"), "the Qlib store holds the table's values"),
    "a value of the Qlib store": (spoil("gold/qlib/stocks_daily/features/*/close.day.bin"), "the Qlib store holds the table's values"),
    "bytes of a feature part": (spoil("gold/features_momentum/**/*.parquet"), "stored features = batch, bit for bit"),
    "feature parts that are gone": (remove("gold/features_volatility/**/year=2024"), "stored features = batch, bit for bit"),
    "bronze parts that are gone": (remove("bronze/stocks_minute/year*"), "SQL counts the rows of the commits"),
    "landing's files that are gone": (remove("landing/*/files"), "landing keeps every file as it came"),
    "bytes of a landed file": (spoil("landing/stocks_daily/files/*"), "landing keeps every file as it came"),
}


@pytest.mark.parametrize("what", PLANTS)
def test_what_is_planted_is_found(copy, what):
    plant, check = PLANTS[what]
    before = sorted(copy.rglob("*"))
    plant(copy)
    assert what.startswith(("bytes", "a value")) or sorted(copy.rglob("*")) != before
    said = demo(copy, code=1)
    assert not said["ok"]
    assert [one["check"] for one in said["checks"] if not one["ok"]] == [check], said["checks"]


def test_a_graph_of_nulls_proves_nothing(copy, tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    for path in SOURCE.iterdir():
        if path.name != "graphs":
            (share / path.name).symlink_to(path)
    shutil.copytree(SOURCE / "graphs", share / "graphs")
    graph = share / "graphs/technical_analysis.json"
    document = json.loads(graph.read_text())
    calculators = [node for node in document["nodes"] if node.get("config", {}).get("indicators")]
    assert len(calculators) == 1
    calculators[0]["config"]["indicators"] = ["SMA_9999"]
    graph.write_text(json.dumps(document))
    said = demo(copy, code=1, TAPEMILL_SHARE=str(share))
    assert [one["check"] for one in said["checks"] if not one["ok"]] == ["tick by tick = batch, bit for bit"]
    assert any(one["detail"].startswith("0 values and") for one in said["checks"])


def test_a_feature_build_stops_when_it_is_asked_to(copy, tmp_path):
    def deep(n):
        return "close" if n == 0 else f"std({deep(n - 1)} + {n}, {n + 1})"

    group = tmp_path / "slow.yaml"
    columns = "".join(f"  c{i}: {deep(30)} * {i}.5 + max(close + {i}.5, {400 + i})\n" for i in range(8))
    columns += "".join(f"  d{i}: {deep(30).replace('close', f'(close + {i})')}\n" for i in range(1, 9))
    group.write_text(f"features: slow\nversion: 1.0.0\nfrom: {{table: stocks_daily}}\ncolumns:\n{columns}")
    build = subprocess.Popen([PROGRAM, "features", "build", group, "--lake", copy], stderr=subprocess.PIPE, text=True)
    log = copy / "gold/features_slow/_delta_log/00000000000000000000.json"
    while not log.exists():  # the table is made, nothing computed
        assert build.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)
    build.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, said = build.communicate(timeout=60)
    assert build.returncode == 130, said
    assert time.monotonic() - asked < 5  # a second, on a machine that is not shared
    left = [path.name for path in log.parents[1].rglob("*") if path.is_file()]
    assert left == [log.name], left


def measured(*arguments):
    """Exit code, what was said, and the most memory it held, in MB. A small process starts it: a child counts what its
    parent held when it was forked."""
    small = ("import os, subprocess, sys\n"
             "run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)\n"
             "said = run.stdout.read()\n"
             "_, status, used = os.wait4(run.pid, 0)\n"
             "run.returncode = os.waitstatus_to_exitcode(status)\n"
             "sys.stdout.buffer.write(b'%d %d\\n' % (run.returncode, used.ru_maxrss) + said)\n")
    done = subprocess.run([sys.executable, "-c", small, PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
    first, said = done.stdout.split("\n", 1)
    code, kilobytes = map(int, first.split())
    return code, said, kilobytes / 1024


def test_features_by_blocks_of_instruments_are_the_same_files(copy):
    folder = copy / "gold/features_momentum"
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.parquet")}
    shutil.rmtree(folder)
    code, said, _ = measured("features", "build", "momentum", "--memory", "96MB", "--lake", copy)
    assert code == 0, said
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.parquet")} == files


def test_a_backtest_of_every_instrument_keeps_its_ceiling(copy, tmp_path):
    plan = tmp_path / "all.yaml"
    plan.write_text((SOURCE / "strategies/index_cross.yaml").read_text().replace("{table: sp500_index, symbols: [SPX]}", "{table: stocks_daily}").replace("index_cross", "all"))
    code, said, peak = measured("backtest", "run", plan, "--memory", "112MB", "--lake", copy)
    assert code == 3 and "--memory" in said, said
    assert peak <= 112 * 1.1, f"{peak:.0f} MB with the program itself"  # 220 where the bars stood outside of it


def test_the_demo_holds_and_the_second_run_changes_nothing(made, tmp_path):
    lake, first = made
    assert first["ok"] and len(first["checks"]) >= 20 and all(check["ok"] for check in first["checks"])
    assert {table["table"]: table["rows_stored"] for table in first["tables"]} == {
        "sp500_index": 5105, "stocks_daily": 250988, "stocks_minute": 35399, "snapshots": 386634}
    commits = sorted(path.relative_to(lake) for path in lake.rglob("_delta_log/*.json"))
    pages = [(lake / "reports/demo.html").read_text(encoding="utf-8")]
    second = demo(lake)
    values = next(one["detail"] for one in second["checks"] if one["check"] == "tick by tick = batch, bit for bit")
    assert int(values.split(" values")[0]) > 1_000_000
    assert second["ok"]
    assert sorted(path.relative_to(lake) for path in lake.rglob("_delta_log/*.json")) == commits
    unchanged = {stage["stage"]: stage["unchanged"] for stage in second["stages"]}
    assert all(unchanged[stage] for stage in unchanged if stage.startswith(("generate", "ingest", "features", "qlib", "backtest")))
    what = {stage["stage"]: stage["what"] for stage in second["stages"]}
    assert what["ingest stocks_daily drop1"] == "1 file refused, as before; the others landed before"
    assert what["ingest stocks_daily drop2"] == "all landed before"
    for run, named in ((first, pages[0]), (second, (lake / "reports/demo.html").read_text(encoding="utf-8"))):
        events = run["events"]
        assert [pathlib.Path(one["path"]).name for one in events["refused"]] == ["2024-08-08.csv.gz"]
        assert [one["unit"] for one in events["restated"]] == ["2023-10-19"]
        assert "gzip data ends early" in named and "2023-10-19 was restated" in named
        assert "ingest stocks_daily drop1" in named and "k rows/s in" in named  # its speed is drawn
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
