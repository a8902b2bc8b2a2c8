"""Rows for other programs: --csv and --output of every command that prints rows."""
import csv
import io
import json

import pytest
from program import DAYS, Program, day, on_a_terminal


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def test_query_csv(filled):
    sql = ("select 'a,\"b\"' t, null::varchar n, '' e, 0.1::double + 0.2 d, 1.50::decimal(18,2) m, date '2024-01-02' s, "
           "timestamptz '2024-01-02 09:30:00-05' z, timestamp '2024-01-02 09:30:00' l, true b, 'two' || chr(10) || 'lines' w, 9223372036854775807::bigint i")
    text = filled("query", sql, "--csv").stdout
    assert text == ('t,n,e,d,m,s,z,l,b,w,i\n"a,""b""",,"",0.30000000000000004,1.50,2024-01-02,2024-01-02T14:30:00Z,2024-01-02T09:30:00,true,"two\nlines",'
                    "9223372036854775807\n")
    assert rows(text)[1][0] == 'a,"b"'


def test_csv_has_every_row_and_column_and_nothing_else(filled):
    everything = json.loads(filled("query", "select * from stocks_daily", "--json").stdout)
    for words in (["query", "select * from stocks_daily", "--csv"], ["show", "stocks_daily", "--csv", "--limit", "2"], ["sql", "select * from stocks_daily", "--csv", "--cache"]):
        done = filled(*words)
        found = rows(done.stdout)
        assert len(found) == 1 + everything["rows_total"] and done.stderr == ""
    assert found[0] == [one["name"] for one in everything["columns"]]
    assert on_a_terminal(filled, 40, "show", "stocks_daily", "--csv").splitlines()[0].count(",") >= 8
    assert "2024-01-02T21:00:00Z" in filled("show", "stocks_daily", "--csv").stdout  # UTC, whatever the terminal shows


def test_csv_of_no_rows_has_its_header(filled):
    assert filled("query", "select symbol, close from stocks_daily where close < 0", "--csv").stdout == "symbol,close\n"
    assert filled("show", "stocks_daily", "--start", "2030-01-01", "--csv").stdout.startswith("instrument_id,symbol,session,")


def test_indicators_csv(filled):
    found = rows(filled("indicators", "run", "stocks_daily", "--symbols", "T001", "--indicators", "SMA_2", "--csv").stdout)
    assert found[0] == ["symbol", "session", "close", "SMA_2"] and [row[3] for row in found[1:]] == ["", "11.25", "11.25"]


def test_trades_csv(filled):
    (filled.folder / "cross.yaml").write_text("name: cross\nuniverse: {table: stocks_daily, symbols: [T000]}\ncapital: 1000 USD\n"
                                              "entry: {when: \"close > 0\", size: 50 %}\nexit: {when: \"close < 0\"}\n")
    filled("backtest", "run", "cross.yaml")
    found = rows(filled("backtest", "show", "last", "--csv").stdout)
    assert {"Symbol", "InstrumentId", "EntryBar", "EntryTime", "PnL"} <= set(found[0]) and len(found) > 1
    assert found[1][found[0].index("EntryTime")].endswith("Z")


ASKED = [["query", "select * from stocks_daily order by symbol, session"], ["show", "stocks_daily"],
         ["indicators", "run", "stocks_daily", "--indicators", "SMA_2"]]


@pytest.mark.parametrize("words", ASKED)
def test_output(filled, words, tmp_path):
    filled(*words, "--output", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == filled(*words, "--csv").stdout
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]  # nothing half done beside it


@pytest.mark.parametrize("words", ASKED)
def test_output_as_parquet(filled, words, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing: Parquet output is NOT tested")
    filled(*words, "--output", tmp_path / "rows.csv")
    said = json.loads(filled(*words, "--output", tmp_path / "rows.parquet", "--json").stdout)
    table = parquet.read_table(tmp_path / "rows.parquet")
    header, *cells = rows((tmp_path / "rows.csv").read_text())
    assert table.column_names == header and table.num_rows == len(cells) == said["rows"]
    assert [str(one) for one in table.column("symbol").to_pylist()] == [row[header.index("symbol")] for row in cells]
    assert [f"{one:.4f}" for one in table.column("close").to_pylist()] == [row[header.index("close")] for row in cells]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["rows.csv", "rows.parquet"]  # nothing half done beside them


def test_wrong_use(filled, tmp_path):
    for words in (["query", "select 1"], ["show", "stocks_daily"], ["indicators", "run", "stocks_daily", "--indicators", "SMA_2"], ["backtest", "show", "last"]):
        assert "--csv and --json" in filled(*words, "--csv", "--json", code=2).stderr
        assert ".csv or .parquet" in filled(*words, "--output", tmp_path / "rows.xlsx", code=2).stderr
        assert "no such folder" in filled(*words, "--output", tmp_path / "none/rows.csv", code=2).stderr
    filled("query", "select nothing from stocks_daily", "--output", tmp_path / "rows.csv", code=2)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_larger_than_memory_streams(filled):
    """As a table it is refused; as CSV it flows."""
    sql = "select range i, repeat('x', 100) t from range(1000000)"
    filled("query", sql, "--memory", "96MB", code=3)
    done = filled("query", sql, "--memory", "96MB", "--csv")
    assert done.stdout.count("\n") == 1_000_001 and done.stdout.endswith(f"999999,{'x' * 100}\n")


def test_csv_of_other_types(filled):
    """Lists and structs are JSON, bytes are escaped, a null alone in its row is no empty line."""
    text = filled("query", r"select [1, null] l, {'a': 1, 'b': 'x'} s, 'x'::enum('x', 'y') e, '\xAA'::blob b, 'nan'::double f", "--csv").stdout
    assert rows(text)[1] == ["[1,null]", '{"a":1,"b":"x"}', "x", r"\xAA", "nan"]
    assert list(csv.DictReader(io.StringIO(filled("query", "select null::varchar a from range(3)", "--csv").stdout))) == [{"a": ""}] * 3


def test_a_type_that_parquet_has_not(filled, tmp_path):
    assert "column iv" in filled("query", "select interval 1 day iv", "--output", tmp_path / "rows.parquet", code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_outputs_stay_out_of_lakes(filled, tmp_path):
    """A part or a commit that is overwritten would be a table that is lost."""
    before = {path: path.read_bytes() for path in filled.lake.rglob("*") if path.is_file()}
    part = next(path for path in before if path.suffix == ".parquet")
    commit = next(path for path in before if path.parent.name == "_delta_log")
    for words in (["query", "select 1 a", "--output", part], ["query", "select 1 a", "--output", filled.lake / "new.csv"],
                  ["quality", "stocks_daily", "--html", commit], ["show", "stocks_daily", "--output", filled.lake / "bronze" / "rows.csv"]):
        assert "lies in the lake" in filled(*words, code=2).stderr
    assert {path: path.read_bytes() for path in filled.lake.rglob("*") if path.is_file()} == before


def test_an_output_keeps_link_and_rights(filled, tmp_path):
    (tmp_path / "rows.csv").write_text("old")
    (tmp_path / "rows.csv").chmod(0o600)
    (tmp_path / "link.csv").symlink_to("rows.csv")
    filled("query", "select 1 a", "--output", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "rows.csv").read_text() == "a\n1\n"
    assert (tmp_path / "rows.csv").stat().st_mode & 0o777 == 0o600


def test_sql_sees_a_part_of_another_size(program, tmp_path):
    made = Program(tmp_path)
    date, start = next(iter(DAYS.items()))
    (tmp_path / f"{date}.csv").write_text(day(date, start))
    made("ingest", "stocks_daily", f"{date}.csv")
    part = next((made.lake / "bronze" / "stocks_daily").rglob("*.parquet"))
    part.write_bytes(part.read_bytes() + b"junk")
    assert "the log says" in made("query", "select count(*) from stocks_daily", code=1).stderr
