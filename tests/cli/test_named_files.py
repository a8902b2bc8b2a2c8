"""Files and names that a user gives: a folder that is not there, a name that is nearly right."""
import json

import pytest

STRATEGY = """\
name: hold
universe:
  table: {table}
  symbols: [{symbol}]
capital: 100000 USD
entry: {{when: "close > 1", size: 50 %, at: next_open}}
exit: {{when: "close < 0", at: next_open}}
"""
PRICES = "date,open,high,low,close,volume,Name\n" + "".join(
    f"2017-01-{day:02},{day}.5,{day + 1},{day},{day}.25,100,AAPL\n" for day in (3, 4, 5, 6))


@pytest.fixture
def stocks(tapemill):
    (tapemill.folder / "stocks.csv").write_text(PRICES)
    tapemill("ingest", "sp500", "stocks.csv")
    return tapemill


def test_a_folder_that_is_not_there_is_not_made(stocks):
    (stocks.folder / "hold.yaml").write_text(STRATEGY.format(table="sp500", symbol="AAPL"))
    run = json.loads(stocks("backtest", "run", "hold.yaml", "--json").stdout)["run_id"]
    for command in (("chart", "AAPL", "--out", "nowhere/x.html"), ("quality", "sp500", "--html", "nowhere/x.html"),
                    ("infer", "stocks.csv", "--out", "nowhere/x.yaml"), ("backtest", "report", run, "--out", "nowhere/x.html")):
        said = stocks(*command, code=2).stderr
        assert "no such folder: nowhere" in said and "mkdir -p nowhere" in said, command
    assert not (stocks.folder / "nowhere").exists()
    (stocks.folder / "pages").mkdir()
    stocks("chart", "AAPL", "--out", "pages/x.html")
    assert [one.name for one in (stocks.folder / "pages").iterdir()] == ["x.html"], "and nothing beside it"


def test_two_letters_that_changed_places_are_one_slip(stocks):
    assert 'did you mean "tapemill chart"?' in stocks("chrat", code=2).stderr
    (stocks.folder / "other.csv").write_text("SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
                                             "APPX,EQ,10,11,9,10,10,10,5,50,03-JAN-2017,3,INE144J01027,\n")
    stocks("ingest", "nse_cash", "other.csv")
    assert "did you mean AAPL of sp500?" in stocks("chart", "APAL", code=2).stderr, "not the table that is first"
    assert "did you mean APPX of nse_cash or AAPL of sp500?" in stocks("chart", "APPL", code=2).stderr


def test_the_table_is_named_by_the_spec_that_is_written(stocks):
    stocks("infer", "stocks.csv", "--out", "acme.yaml")
    assert "\ntable: acme\n" in (stocks.folder / "acme.yaml").read_text()
    assert "\ntable: stocks\n" in stocks("infer", "stocks.csv").stdout


def test_a_strategys_table_and_symbol_are_said_with_their_place(stocks):
    (stocks.folder / "table.yaml").write_text(STRATEGY.format(table="sp50", symbol="AAPL"))
    (stocks.folder / "index.yaml").write_text(STRATEGY.format(table="sp500_indx", symbol="AAPL"))
    (stocks.folder / "symbol.yaml").write_text(STRATEGY.format(table="sp500", symbol="APAL"))
    (stocks.folder / "empty.yaml").write_text(STRATEGY.format(table="sp500_index", symbol="SPX"))
    for command in ("check", "run"):
        said = stocks("backtest", command, "table.yaml", code=2).stderr
        assert "table.yaml:3:10: there is no table sp50 in " in said and "did you mean sp500?" in said
        assert "  table: sp50\n" in said and "^" in said
        assert "did you mean sp500_index?" in stocks("backtest", command, "index.yaml", code=2).stderr
        said = stocks("backtest", command, "symbol.yaml", code=2).stderr
        assert "symbol.yaml:4:13: " in said and 'has no rows of "APAL" (did you mean AAPL?)' in said and "^" in said
        said = stocks("backtest", command, "nothing.yaml", code=2).stderr
        assert "nothing.yaml: no such file\n" in said and "strategies/index_cross.yaml" in said
    said = stocks("backtest", "run", "empty.yaml", code=2).stderr
    assert "empty.yaml:3:10: " in said and "tapemill ingest sp500_index PATH" in said
    assert "are not checked" in stocks("backtest", "check", "empty.yaml").stdout


def test_a_strategy_in_json_has_places_too(stocks):
    (stocks.folder / "s.json").write_text(
        '{"name": "hold", "universe": {"table": "sp50", "symbols": ["AAPL"]}, "capital": "100000 USD",\n'
        ' "entry": {"when": "close > 1", "size": "50 %", "at": "next_open"}, "exit": {"when": "close < 0", "at": "next_open"}}\n')
    assert "s.json:1:" in stocks("backtest", "check", "s.json", code=2).stderr


def test_words_that_are_nearly_right(stocks):
    said = stocks("query", "select 1", "--memory", "512", code=2).stderr
    assert "512 is 512 bytes" in said and "did you mean 512MB?" in said
    said = stocks("show", "--symbol", "AAPL", "sp500", code=2).stderr
    assert "tapemill show has no option --symbol" in said and "did you mean --symbols?" in said
    assert "did you mean --symbols?" in stocks("show", "--symbol=AAPL", "sp500", code=2).stderr
    assert "not expected: AAPL" in stocks("show", "sp500", "AAPL", code=2).stderr
    for sql in ("delete from sp500", "insert into sp500 select * from sp500", "drop view sp500", "UPDATE sp500 SET close = 1"):
        said = stocks("query", sql, code=2).stderr
        assert "SQL here is read-only" in said and "SELECT" in said, sql


def test_a_graphs_file_in_a_folder_that_is_not_there(stocks):
    graph = {"name": "copy", "nodes": [{"name": "in", "type": "DataSubscriberNode", "config": {"source": "file://stocks.csv", "time_column": "date"}},
                                       {"name": "out", "type": "DataPublisherNode", "config": {"destination": "file://nowhere/rows.jsonl"}}],
             "edges": [{"from": "in", "to": "out"}]}
    (stocks.folder / "copy.json").write_text(json.dumps(graph))
    assert "no such folder: nowhere" in stocks("graph", "run", "copy.json", code=2).stderr
    assert not (stocks.folder / "nowhere").exists()
