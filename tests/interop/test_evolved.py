"""Tables whose columns changed, read by delta-rs, Polars and DuckDB: nulls, defaults, wider and renamed columns as we read them."""
import pathlib
import subprocess

import pytest
from interop_program import PROGRAM, tapemill

deltalake = pytest.importorskip("deltalake", reason="delta-rs is missing: evolved tables are NOT tested with it")
pl = pytest.importorskip("polars", reason="Polars is missing: evolved tables are NOT tested with it")
duckdb = pytest.importorskip("duckdb", reason="DuckDB is missing: evolved tables are NOT tested with it")

SPEC = """table: bars
source: csv
calendar: nyse
exchange: US
key: [symbol, session]
partitions: [year]
columns:
  symbol: {type: string, null: refuse}
  session: {type: date, null: refuse}
  close: {type: "decimal(18,2)", unit: USD}
  TRADES
csv: {columns: {session: {from: session, format: "%Y-%m-%d"}}}
"""
STEPS = [
    ("trades: {type: int32}", "symbol,session,close,trades\nA,2024-01-02,1.5,7\n"),
    ("trades: {type: int32}\n  vwap: {type: double}", "symbol,session,close,trades,vwap\nA,2024-01-03,2.5,8,2.25\n"),
    ("transactions: {type: int64, aliases: [trades]}\n  vwap: {type: double}\n  venue: {type: string, default: XNYS}",
     "symbol,session,close,transactions,vwap,venue\nA,2024-01-04,3.5,9000000000,3.25,XNAS\n"),
]
NOW = [("2024-01-02", 7, None, "XNYS"), ("2024-01-03", 8, 2.25, "XNYS"), ("2024-01-04", 9_000_000_000, 3.25, "XNAS")]


def take(folder, number, columns, rows):
    spec, file = folder / "bars.yaml", folder / f"in{number}.csv"
    spec.write_text(SPEC.replace("TRADES", columns), encoding="utf-8")
    file.write_text(rows, encoding="utf-8")
    return tapemill(folder / "lake", "ingest", spec, file)


def duck(path):
    extension = next((pathlib.Path(duckdb.__file__).parents[1] / "duckdb_extension_delta").rglob("delta.duckdb_extension"))
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension}'")
    return connection.execute(
        "SELECT session::varchar, transactions, vwap, venue FROM delta_scan(?) ORDER BY session", [str(path)]).fetchall()


@pytest.fixture(scope="module")
def evolved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evolved")
    changes = [take(folder, number, *step)["evolved"] for number, step in enumerate(STEPS)]
    assert changes[0] == []
    assert changes[1] == ["vwap double is new; rows of before are null"]
    assert len(changes[2]) == 3, changes[2]
    return folder / "lake" / "bronze" / "bars"


def test_delta_rs(evolved):
    table = deltalake.DeltaTable(str(evolved))
    rows = table.to_pyarrow_table(columns=["session", "transactions", "vwap", "venue"]).to_pylist()
    assert sorted((str(r["session"]), r["transactions"], r["vwap"], r["venue"]) for r in rows) == NOW
    assert [one["operation"] for one in table.history()].count("EVOLVE") == 2
    assert deltalake.DeltaTable(str(evolved), version=1).to_pyarrow_table().column_names == [
        "symbol", "session", "close", "trades", "available_at", "year"]


def test_delta_rs_between(evolved):
    """Parts that lack a column beside parts that have it."""
    table = deltalake.DeltaTable(str(evolved), version=3)
    rows = table.to_pyarrow_table(columns=["session", "trades", "vwap"]).to_pylist()
    assert sorted((str(r["session"]), r["trades"], r["vwap"]) for r in rows) == [
        ("2024-01-02", 7, None), ("2024-01-03", 8, 2.25)]


@pytest.mark.parametrize("version", [3, None])
def test_polars(evolved, version):
    frame = pl.read_delta(str(evolved), version=version).sort("session")
    assert frame["vwap"].to_list() == [None, 2.25, 3.25][:len(frame)]
    if version is None:
        assert list(zip(frame["session"].cast(str), frame["transactions"], frame["vwap"], frame["venue"])) == NOW


def test_duckdb(evolved):
    assert duck(evolved) == NOW


def test_ours(evolved):
    lake = evolved.parents[1]
    answer = tapemill(lake, "query", "select session::varchar s, transactions, vwap, venue from bars order by s")
    assert [tuple(row) for row in answer["rows"]] == NOW


def test_what_is_forbidden_says_so(evolved):
    folder = evolved.parents[2]
    spec = folder / "other.yaml"
    spec.write_text(SPEC.replace("TRADES", "transactions: {type: string}"), encoding="utf-8")
    done = subprocess.run([PROGRAM, "schema", "diff", spec, "--lake", folder / "lake"], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert 'column "transactions" is long in the table and string in the spec' in done.stderr
    assert "forbidden" in done.stdout and "vwap" in done.stdout
    before = deltalake.DeltaTable(str(evolved)).version()
    done = subprocess.run([PROGRAM, "schema", "evolve", spec, "--lake", folder / "lake"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert deltalake.DeltaTable(str(evolved)).version() == before
