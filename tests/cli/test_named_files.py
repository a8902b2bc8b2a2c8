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
