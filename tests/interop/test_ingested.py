"""delta-rs, Polars and DuckDB read the lake that the program wrote, and agree with it and with the files."""
import csv
import gzip
import subprocess
from decimal import Decimal

import pytest
from interop_program import PROGRAM, SHARED, tapemill

deltalake = pytest.importorskip("deltalake", reason="delta-rs is missing: the lake is NOT tested with it")
pl = pytest.importorskip("polars", reason="Polars is missing: the lake is NOT tested with it")
duckdb = pytest.importorskip("duckdb", reason="DuckDB is missing: the lake is NOT tested with it")


@pytest.fixture
def lake(sp500_lake):
    return sp500_lake


@pytest.fixture(scope="module")
def truth():
    """What the file says, by Python's csv alone: rows that keep their order and have no hole."""
    path = next((SHARED / "us_daily_sp500_5yr").glob("*.csv*"))
    text = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    rows = []
    for row in csv.DictReader(text):
        prices = [row[name] for name in ("open", "high", "low", "close")]
        if any(price == "" for price in prices):
            continue
        o, h, l, c = map(Decimal, prices)
        if h >= max(o, c, l) and l <= min(o, c):
            rows.append((row["Name"], row["date"], o, h, l, c, int(row["volume"])))
    return rows


def sums(rows):
    return len(rows), sum(row[5] for row in rows), sum(row[6] for row in rows)


def test_delta_rs(lake, truth):
    table = deltalake.DeltaTable(str(lake / "bronze" / "sp500"))
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    assert table.version() == 1
    rows = table.to_pyarrow_table(columns=["symbol", "session", "open", "high", "low", "close", "volume"])
    ours = [tuple(row.values()) for row in rows.to_pylist()]
    assert sums(ours) == sums(truth)
    assert sorted((r[0], str(r[1]), *r[2:]) for r in ours) == sorted(truth)
    assert deltalake.DeltaTable(str(lake / "bronze" / "sp500"), version=0).to_pyarrow_table().num_rows == 0
    adds = table.get_add_actions(flatten=True)
    frame = pl.from_arrow(adds).struct.unnest()
    assert frame["num_records"].sum() == len(truth)
    assert str(frame["min.session"].min())[:10] == min(row[1] for row in truth)
    assert str(frame["max.session"].max())[:10] == max(row[1] for row in truth)


def test_a_table_that_delta_rs_rewrote(tmp_path):
    """Its parts say nothing of their files: nothing goes in twice, and nothing is said that cannot be told."""
    header = "date,open,high,low,close,volume,Name\n"
    for name, day in (("one", 2), ("two", 3)):
        (tmp_path / f"{name}.csv").write_text(header + "".join(f"2014-01-0{day},1,1,1,1,1,{symbol}\n" for symbol in "AB"))
    lake = tmp_path / "lake"
    for name in ("one", "two"):
        tapemill(lake, "ingest", "sp500", tmp_path / f"{name}.csv")
    table = deltalake.DeltaTable(str(lake / "bronze" / "sp500"))
    assert table.optimize.compact()["numFilesRemoved"] == 2

    def run(*arguments):
        return subprocess.run([PROGRAM, *map(str, arguments), "--lake", lake], capture_output=True, text=True, check=False)

    again = run("ingest", "sp500", tmp_path / "one.csv")
    assert again.returncode == 1
    assert "another program rewrote bronze.sp500 in version 3 (OPTIMIZE" in again.stderr
    assert tapemill(lake, "query", "SELECT count(*) FROM sp500")["rows"] == [[4]]
    listed = run("quarantine", "list", "sp500")
    assert listed.returncode == 1 and "another program rewrote" in listed.stderr
    status = run("status")
    assert status.returncode == 0 and "another program rewrote" in status.stdout
    assert tapemill(lake, "status")["datasets"][0]["rows_quarantined"] is None
    table.restore(2)  # as the error says
    done = tapemill(lake, "ingest", "sp500", tmp_path / "one.csv", tmp_path / "two.csv")
    assert tapemill(lake, "query", "SELECT count(*) FROM sp500")["rows"] == [[4]], done


def test_polars(lake, truth):
    frame = pl.scan_delta(str(lake / "bronze" / "sp500"))
    total = frame.select(pl.len(), pl.col("close").cast(pl.Decimal(38, 4)).sum().alias("close"), pl.col("volume").sum()).collect().row(0)
    assert total == sums(truth)
    apple = frame.filter(pl.col("symbol") == "AAPL", pl.col("session") == pl.date(2014, 6, 9)).select("open", "high", "low", "close", "volume").collect().rows()
    assert apple == [row[2:] for row in truth if row[:2] == ("AAPL", "2014-06-09")]
    assert len(apple) == 1


def test_duckdb(lake, truth):
    try:
        duckdb.sql("load delta")
        source = f"delta_scan('{lake}/bronze/sp500')"
    except duckdb.Error:  # the extension comes from a server of its own: then by the log's files
        files = deltalake.DeltaTable(str(lake / "bronze" / "sp500")).file_uris()
        source = f"read_parquet({files!r})"
    assert duckdb.sql(f"select count(*), sum(close), sum(volume) from {source}").fetchone() == sums(truth)
    by_year = duckdb.sql(f"select year(session), count(*) from {source} group by 1 order by 1").fetchall()
    expected = {}
    for row in truth:
        expected[int(row[1][:4])] = expected.get(int(row[1][:4]), 0) + 1
    assert dict(by_year) == expected


def test_ours_agrees(lake, truth):
    answer = tapemill(lake, "query", "select count(*), cast(sum(close) as varchar), cast(sum(volume) as varchar) from sp500")["rows"][0]
    n, close, volume = sums(truth)
    assert (answer[0], Decimal(answer[1]), int(answer[2])) == (n, close, volume)


def test_quarantine_is_a_table_like_the_others(lake):
    frame = pl.read_delta(str(lake / "bronze" / "sp500_quarantine"))
    assert frame.height == 23
    assert dict(frame.group_by("check").len().rows()) == {"null": 11, "ohlc_order": 12}


def test_after_restatements_and_checkpoints(tmp_path):
    """More commits than a checkpoint needs, every one of them replacing a day."""
    lake, path = tmp_path / "lake", tmp_path / "2024-01-02.csv"
    header = "ticker,volume,open,close,high,low,window_start,transactions\n"
    for turn in range(13):
        path.write_text(header + "".join(f"T{i},{turn + 1},10,{10 + turn}.5,99,9,1704171600000000000,1\n" for i in range(4)))
        tapemill(lake, "ingest", "stocks_daily", path)
    table = deltalake.DeltaTable(str(lake / "bronze" / "stocks_daily"))
    assert (lake / "bronze/stocks_daily/_delta_log/_last_checkpoint").exists()
    assert table.version() == 13
    for version, turn in ((13, 12), (7, 6), (1, 0)):
        rows = deltalake.DeltaTable(str(lake / "bronze" / "stocks_daily"), version=version).to_pyarrow_table().to_pylist()
        assert [row["volume"] for row in rows] == [turn + 1] * 4
        assert {row["close"] for row in rows} == {Decimal(f"{10 + turn}.5000")}
    assert pl.read_delta(str(lake / "bronze" / "stocks_daily")).height == 4
