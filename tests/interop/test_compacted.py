"""A table that was compacted, restated, compacted again and vacuumed by the program, as other engines read it: the newest version, the
versions before, and the files beside it for those who know no Delta log."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

deltalake = pytest.importorskip("deltalake")
duckdb = pytest.importorskip("duckdb")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
import pyarrow.dataset as ds  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TAPEMILL_BIN") or os.environ.get("TAPEMILL") or ROOT / "build" / "tapemill")
HEADER = "ticker,volume,open,close,high,low,window_start,transactions\n"
DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-31", "2024-02-01", "2024-02-02"]
START = {day: 1704171600 + 86400 * n for n, day in ((0, DAYS[0]), (1, DAYS[1]), (2, DAYS[2]), (3, DAYS[3]), (6, DAYS[4]), (7, DAYS[5]),
                                                    (29, DAYS[6]), (30, DAYS[7]), (31, DAYS[8]))}
SYMBOLS = 20


def rows(salts):
    """(symbol, session, close, volume) of days by the salt of their file."""
    return sorted((f"T{i:03}", day, 11.25 + salt, 100.0 + i) for day, salt in salts.items() for i in range(SYMBOLS))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip(f"NO PROGRAM: build tapemill first ({PROGRAM})")
    folder = tmp_path_factory.mktemp("compacted")
    env = {k: v for k, v in os.environ.items() if not k.startswith("TAPEMILL")} | {"TAPEMILL_LAKE": str(folder / "lake")}

    def tapemill(*arguments):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=env, cwd=folder, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ingest(day, salt):
        text = HEADER + "".join(f"T{i:03},{100 + i},10,{11 + salt}.25,{12 + salt}.5,9,{START[day]}000000000,7\n" for i in range(SYMBOLS))
        (folder / "in").mkdir(exist_ok=True)
        (folder / "in" / f"{day}.csv").write_text(text)
        tapemill("ingest", "stocks_daily", folder / "in" / f"{day}.csv")

    table = folder / "lake/bronze/stocks_daily"
    expected, salts = {0: []}, {}

    def record():
        expected[deltalake.DeltaTable(table).version()] = rows(salts)

    for day in DAYS:
        ingest(day, 0)
        salts[day] = 0
        record()
    tapemill("compact", "stocks_daily")
    record()
    salts["2024-01-04"] = 5
    ingest("2024-01-04", 5)  # out of the middle of a compacted part
    record()
    tapemill("compact", "stocks_daily")
    record()
    return table, expected, tapemill


def found(frame):
    frame = frame.select("symbol", pl.col("session").cast(pl.String), pl.col("close").cast(pl.Float64), pl.col("volume").cast(pl.Float64))
    return sorted(frame.rows())


def duckdb_connection():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    extension = next((pathlib.Path(duckdb.__file__).parents[1] / "duckdb_extension_delta").rglob("delta.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    return connection


def test_delta_rs_reads_the_compacted_table_and_every_version_before(made):
    table, expected, _ = made
    delta = deltalake.DeltaTable(table)
    assert delta.version() == max(expected)
    assert len(delta.file_uris()) == 2  # January and February
    for version, wanted in expected.items():
        delta.load_as_version(version)
        assert found(pl.from_arrow(pa.table(delta.to_pyarrow_table()))) == wanted if wanted else delta.version() == version, version


def test_polars_and_duckdb_read_it(made):
    table, expected, _ = made
    for version in (max(expected), max(expected) - 1, max(expected) - 2, 5):
        assert found(pl.read_delta(str(table), version=version)) == expected[version], version
    one = duckdb_connection().sql(f"SELECT symbol, session, close, volume FROM delta_scan('{table}')")
    assert found(pl.from_arrow(one.to_arrow_table())) == expected[max(expected)]


def test_its_commits_say_that_no_data_changed(made):
    table, expected, _ = made
    history = {one["version"]: one for one in deltalake.DeltaTable(table).history()}
    assert [history[max(expected) - n]["operation"] for n in range(3)] == ["OPTIMIZE", "RESTATE", "OPTIMIZE"]
    for version in (max(expected), max(expected) - 2):
        lines = [json.loads(line) for line in (table / f"_delta_log/{version:020}.json").read_text().splitlines()]
        actions = [one.get("add") or one.get("remove") for one in lines if "add" in one or "remove" in one]
        assert actions and not any(action["dataChange"] for action in actions)


def test_a_table_that_delta_rs_optimized_is_compacted_further(made, tmp_path):
    """Two engines at one table: the parts of theirs carry no tags of ours, and are joined among themselves."""
    table, expected, _ = made
    copy = tmp_path / "lake/bronze/stocks_daily"
    shutil.copytree(table, copy)
    env = {k: v for k, v in os.environ.items() if not k.startswith("TAPEMILL")} | {"TAPEMILL_LAKE": str(tmp_path / "lake")}
    wanted = list(expected[max(expected)])
    for n, day in ((34, "2024-02-05"), (35, "2024-02-06")):
        text = HEADER + f"LATE,7,10,11.25,12.5,9,{1704171600 + 86400 * n}000000000,7\n"
        (tmp_path / f"{day}.csv").write_text(text)
        assert subprocess.run([PROGRAM, "ingest", "stocks_daily", tmp_path / f"{day}.csv"], env=env, timeout=120, capture_output=True).returncode == 0
        wanted.append(("LATE", day, 11.25, 7.0))
    deltalake.DeltaTable(copy).optimize.compact()
    for _ in range(2):
        done = subprocess.run([PROGRAM, "compact", "stocks_daily", "--json"], capture_output=True, text=True, env=env, timeout=120)
        assert done.returncode == 0, done.stderr
        assert found(pl.read_delta(str(copy))) == sorted(wanted)
    assert json.loads(done.stdout)["tables"][0]["files_merged"] == 0


def test_the_files_beside_it(made):
    table, expected, tapemill = made
    report = json.loads(tapemill("manifest", "stocks_daily", "--json"))["tables"][0]
    assert report["days"] == len(DAYS)
    dataset = ds.parquet_dataset(table / "_metadata", partitioning=ds.partitioning(flavor="hive"))
    assert found(pl.from_arrow(dataset.to_table(columns=["symbol", "session", "close", "volume"]))) == expected[max(expected)]
    import pyarrow.parquet as pq

    assert pq.read_schema(table / "_common_metadata").names == pq.read_schema(next(table.rglob("part-*.parquet"))).names
    day = json.loads((table / "_manifests/2024-01-04.json").read_text())
    assert day["rows"] == SYMBOLS and len(day["sources"]) == 1
    assert (table / "year=2024/month=02/_SUCCESS").read_bytes() == b""
    assert found(pl.read_delta(str(table))) == expected[max(expected)]  # and Delta's readers pass them over


def test_after_vacuum_the_newest_version_is_whole(made):
    table, expected, tapemill = made
    kept = json.loads(tapemill("vacuum", "stocks_daily", "--json"))["tables"][0]
    assert kept["files"] == 0 and kept["readable_from"] == 0  # a week is promised
    assert found(pl.read_delta(str(table), version=3)) == expected[3]
    report = json.loads(tapemill("vacuum", "stocks_daily", "--retain", "0s", "--force", "--json"))["tables"][0]
    assert report["files"] > len(DAYS)
    assert len(list(table.rglob("part-*.parquet"))) == 2
    assert found(pl.from_arrow(pa.table(deltalake.DeltaTable(table).to_pyarrow_table()))) == expected[max(expected)]
    one = duckdb_connection().sql(f"SELECT symbol, session, close, volume FROM delta_scan('{table}')")
    assert found(pl.from_arrow(one.to_arrow_table())) == expected[max(expected)]
