"""Symbols, sessions and chains of a table: never behind it."""
import csv
import io
import json
import os
import pathlib

import pytest
from program import DAYS, HEADER, ROOT

SHARED = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA") or ROOT / "../shared/data")


def rows(tapemill, *arguments):
    document = json.loads(tapemill(*arguments, "--json").stdout)
    names = [one["name"] for one in document["columns"]]
    return [dict(zip(names, row, strict=True)) for row in document["rows"]]


def day(tapemill, date, **closes):
    text = HEADER + "".join(f"{symbol},{100 * (i + 1)},{c},{c},{c},{c},{DAYS[date]}000000000,7\n" for i, (symbol, c) in enumerate(closes.items()))
    (tapemill.folder / f"{date}.csv").write_text(text)
    tapemill("ingest", "stocks_daily", f"{date}.csv")


def test_symbols_and_sessions(tapemill):
    day(tapemill, "2024-01-02", AA=10, BB=20, CC=30)
    day(tapemill, "2024-01-04", AA=11, BB=19)
    assert rows(tapemill, "symbols", "stocks_daily") == [
        {"symbol": "AA", "first_date": "2024-01-02", "last_date": "2024-01-04", "rows": 2, "exchange": "US", "active": True},
        {"symbol": "BB", "first_date": "2024-01-02", "last_date": "2024-01-04", "rows": 2, "exchange": "US", "active": True},
        {"symbol": "CC", "first_date": "2024-01-02", "last_date": "2024-01-02", "rows": 1, "exchange": "US", "active": False}]
    first = {"date": "2024-01-02", "symbols": 3, "rows": 3, "volume": 600.0, "advances": 0, "declines": 0}
    assert rows(tapemill, "daily", "stocks_daily") == [
        first, {"date": "2024-01-04", "symbols": 2, "rows": 2, "volume": 300.0, "advances": 1, "declines": 1}]
    # A day between them changes what came after it, and nothing is answered of before.
    day(tapemill, "2024-01-03", AA=12, BB=18, CC=31)
    assert [(one["date"], one["advances"], one["declines"]) for one in rows(tapemill, "daily", "stocks_daily", "--start", "2024-01-03")] == [
        ("2024-01-03", 2, 1), ("2024-01-04", 1, 1)]
    assert rows(tapemill, "symbols", "stocks_daily", "--symbols", "CC")[0]["last_date"] == "2024-01-03"
    assert rows(tapemill, "query", "select symbol from symbols.stocks_daily where not active") == [{"symbol": "CC"}]
    assert rows(tapemill, "query", "--cache", "select count(*) n from daily_stats.stocks_daily") == [{"n": 3}]


def test_rows_for_other_programs(tapemill):
    day(tapemill, "2024-01-02", AA=10, BB=20)
    assert tapemill("symbols", "stocks_daily", "--csv").stdout == (
        "symbol,first_date,last_date,rows,exchange,active\nAA,2024-01-02,2024-01-02,1,US,true\nBB,2024-01-02,2024-01-02,1,US,true\n")
    tapemill("daily", "stocks_daily", "--output", tapemill.folder / "daily.csv")
    assert (tapemill.folder / "daily.csv").read_text() == tapemill("daily", "stocks_daily", "--csv").stdout
    assert tapemill("daily", "stocks_daily", "--csv").stdout.startswith("date,symbols,rows,volume,advances,declines\n2024-01-02,2,2,")
    for command in ("symbols", "daily"):
        assert "--csv and --json" in tapemill(command, "stocks_daily", "--csv", "--json", code=2).stderr


def test_help_lists_what_is_taken_and_nothing_else(tapemill):
    symbols, daily = tapemill("symbols", "--help").stdout, tapemill("daily", "--help").stdout
    assert "--symbols" in symbols and "--start" not in symbols and "--end" not in symbols
    assert "--start" in daily and "--end" in daily and "--symbols" not in daily
    assert "has no option --start" in tapemill("symbols", "stocks_daily", "--start", "2024-01-02", code=2).stderr
    assert "has no option --symbols" in tapemill("daily", "stocks_daily", "--symbols", "AA", code=2).stderr


def test_what_has_no_index(tapemill):
    day(tapemill, "2024-01-02", AA=10)
    assert "stocks_daily has not what chains are made of" in tapemill("chains", "stocks_daily", code=2).stderr
    assert "2025-01-02" in tapemill("daily", "stocks_daily", "--start", "soon", code=2).stderr
    assert "sp500" in tapemill("symbols", "sp500", code=2).stderr


def test_chains(tapemill):
    if not (SHARED / "nse_fo_udiff").exists():
        pytest.skip("no ../shared/data: NSE's chains are NOT tested")
    tapemill("ingest", "nse_fo", SHARED / "nse_fo_udiff")
    chains = rows(tapemill, "chains", "--symbols", "NIFTY")
    assert {one["date"] for one in chains} == {"2025-01-02"}
    weekly = next(one for one in chains if one["expiration_date"] == "2025-01-09")
    assert weekly["strikes"] == sorted(set(weekly["strikes"])) and 23500.0 in weekly["strikes"]
    contracts = json.loads(tapemill("contracts", "--symbols", "NIFTY", "--expiry", "2025-01-09", "--json").stdout)["contracts"]
    assert weekly["contracts"] == len(contracts)
    assert weekly["strikes"] == sorted({one["strike"] for one in contracts if one["strike"] is not None})
    header, *lines = csv.reader(io.StringIO(tapemill("chains", "--symbols", "NIFTY", "--csv").stdout))
    line = next(line for line in lines if line[header.index("expiration_date")] == "2025-01-09")
    texts = json.loads(line[header.index("strikes")])
    assert [float(one) for one in texts] == weekly["strikes"]
    assert {len(one.partition(".")[2]) for one in texts} == {2}, texts  # as they are stored, and no doubles
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing: chains as Parquet are NOT tested")
    tapemill("chains", "--symbols", "NIFTY", "--output", tapemill.folder / "chains.parquet")
    strikes = parquet.read_table(tapemill.folder / "chains.parquet").column("strikes")
    assert "decimal" in str(strikes.type) and weekly["strikes"] in [[float(one) for one in row] for row in strikes.to_pylist()]
