"""What a chart shows: indicators in the pane that they declare, the time that was asked for, and in a picture nothing of a page."""
import datetime
import json
import math
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest
from program import PROGRAM, Program

HOLIDAYS = {(1, 1), (1, 2), (1, 16), (2, 20), (4, 14), (5, 29), (7, 4), (9, 4), (11, 23), (12, 25)}


def sessions():
    day = datetime.date(2016, 1, 4)
    while day < datetime.date(2017, 12, 29):
        if day.weekday() < 5 and (day.month, day.day) not in HOLIDAYS:
            yield day
        day += datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def stocks(program, tmp_path_factory):
    """Prices about 50, where an oscillator's values lie among them."""
    made = Program(tmp_path_factory.mktemp("stocks"))
    rows = ["date,open,high,low,close,volume,Name\n"]
    for i, day in enumerate(sessions()):
        close = 50 + 8 * math.sin(i / 17) + (i % 5)
        rows.append(f"{day},{close - 0.5:.2f},{close + 1:.2f},{close - 1:.2f},{close:.2f},{1000 + i % 7},AAPL\n")
    (made.folder / "stocks.csv").write_text("".join(rows))
    made("ingest", "sp500", "stocks.csv")
    return made


def document(page):
    return json.loads(re.search(r'<script type="application/json" id="tapemill-document">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def candles(stocks, *options):
    out = stocks.folder / "out.html"
    stocks("chart", "AAPL", "--out", out, *options)
    return document(out)["sections"][0]["blocks"][0]


def names(block):
    return [one["name"] for one in block["overlays"]], [[one["name"] for one in pane["series"]] for pane in block["panes"]]


def test_an_indicators_pane_is_its_declarations(stocks):
    block = candles(stocks, "--indicators", "SMA_50,SMA_200,RSI_14")
    assert names(block) == (["SMA_50", "SMA_200"], [["RSI_14"]])
    assert block["panes"][0]["levels"] == [30, 70]
    assert names(candles(stocks)) == (["SMA_20", "SMA_50"], [["RSI_14"]]), "the indicators that are drawn unasked"
    over, panes = names(candles(stocks, "--indicators", "BB_20,VWAP,MACD,STOCH,ATR_14,OBV,Volume_SMA_20,EMA_12"))
    assert over == ["BB_20_upper", "BB_20_middle", "BB_20_lower", "VWAP", "EMA_12"]
    assert panes == [["BB_20_pctB"], ["BB_20_width"], ["MACD_line", "MACD_signal", "MACD_histogram"], ["stochastic_k", "stochastic_d"],
                     ["ATR_14"], ["OBV"], ["Volume_SMA_20"]]
    block = candles(stocks, "--indicators", "STOCH,ATR_14,BB_20")
    assert (block["panes"][0]["levels"], block["panes"][1]["series"][0]["unit"]) == ([20, 80], "USD")
    assert len({one["family"] for one in block["overlays"]}) == 1


def test_expressions_are_taken_as_indicators_run_takes_them(stocks):
    calls = "rsi(close, period=14),sma(close,20),close/ref(close,5)-1,sma(rsi(close, 14), 5)"
    block = candles(stocks, "--indicators", calls)
    assert names(block) == (["sma(close,20)"], [["rsi(close, period=14)"], ["close/ref(close,5)-1"], ["sma(rsi(close, 14), 5)"]])
    shown = stocks("indicators", "run", "sp500", "--symbols", "AAPL", "--indicators", calls, "--json")
    assert [one["name"] for one in json.loads(shown.stdout)["columns"]][3:] == ["rsi(close, period=14)", "sma(close,20)", "close/ref(close,5)-1",
                                                                             "sma(rsi(close, 14), 5)"]


def test_what_was_asked_for_is_in_view(stocks):
    block = candles(stocks, "--start", "2016-02-01", "--end", "2017-11-30")
    assert (block["axis"]["values"][0], block["axis"]["values"][-1]) == ("2016-02-01", "2017-11-30")
    assert block["visible"] == len(block["axis"]["values"]) > 400
    assert f"over {block['visible']} bars" in block["title"]
    block = candles(stocks)
    assert block["axis"]["values"][-block["visible"]] >= "2016-12-28" > block["axis"]["values"][-block["visible"] - 1], "a year"
    assert "over the last" in block["title"]
    assert "-" not in block["title"], "a minus is no hyphen"


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium draws PNGs")
def test_a_picture_has_no_page_about_it(stocks, tmp_path):
    assert "picture" not in document_of(stocks, "page.html")
    stocks("chart", "AAPL", "--start", "2016-02-01", "--out", tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def document_of(stocks, name):
    stocks("chart", "AAPL", "--out", stocks.folder / name)
    return document(stocks.folder / name)


def test_a_symbol_that_is_not_there(stocks):
    assert "did you mean AAPL of sp500?" in stocks("chart", "APPL", code=2).stderr
    assert "(did you mean AAPL?)" in stocks("indicators", "run", "sp500", "--symbols", "APPL", "--indicators", "SMA_20", code=2).stderr
    (stocks.folder / "s.yaml").write_text("name: s\nuniverse: {table: sp500, symbols: [APPL]}\ncapital: 100000 USD\n"
                                          "entry: {when: \"close > 1\", size: 100 %, at: next_open}\nexit: {when: \"close < 0\", at: next_open}\n")
    assert "(did you mean AAPL?)" in stocks("backtest", "check", "s.yaml", code=2).stderr


def test_a_period_out_of_range_and_a_call_in_capitals(stocks):
    assert "the period of sma is 1 to 10000" in stocks("chart", "AAPL", "--indicators", "SMA_0", code=2).stderr
    assert "did you mean rsi?" in stocks("chart", "AAPL", "--indicators", "RSI(14)", code=2).stderr


def test_a_backtests_page(stocks):
    (stocks.folder / "hold.yaml").write_text("name: hold\nuniverse: {table: sp500, symbols: [AAPL]}\ncapital: 100000 USD\n"
                                             "entry: {when: \"close > 1\", size: 50 %, at: next_open}\nexit: {when: \"close < 0\", at: next_open}\n")
    made = json.loads(stocks("backtest", "run", "hold.yaml", "--json").stdout)
    assert "Equity Final [$]" in made["metrics"], "the key is what it was"
    out = stocks("backtest", "report", made["run_id"]).stdout.strip()
    assert out.startswith("/"), "where it was written"
    page = document(stocks.folder / out)
    equity, metrics, years, trades = page["sections"][0]["blocks"]
    assert years["rows"][0][0].isdigit()
    lines = {one["name"]: one for one in equity["panes"][0]["series"]}
    held = lines["buy and hold"]
    assert held["style"] == "context"
    assert held["values"][-1] == pytest.approx(100000 * (1 + made["metrics"]["Buy & Hold Return [%]"] / 100))
    values = {row[0]: row[1] for row in metrics["rows"]}
    assert "Equity Final [USD]" in values and not any("[$]" in name for name in values)
    assert "Median Trade Duration" in values and values["Median Trade Duration"].endswith(" d")
    columns = {one["name"]: one for one in trades["columns"]}
    assert columns["Duration"]["unit"] == "bars"
    assert (columns["PnL"]["decimals"], columns["EntryPrice"]["decimals"]) == (2, 2)
    assert f"at worst {-made['metrics']['Max. Drawdown [%]']:.2f} % below its peak" in equity["title"]


def test_the_report_of_a_lake_without_a_demo_points_to_its_runs(stocks):
    (stocks.folder / "one.yaml").write_text("name: one\nuniverse: {table: sp500, symbols: [AAPL]}\ncapital: 100000 USD\n"
                                            "entry: {when: \"close > 2\", size: 50 %, at: next_open}\nexit: {when: \"close < 0\", at: next_open}\n")
    stocks("backtest", "run", "one.yaml")
    newest = json.loads(stocks("runs", "--json").stdout)["runs"][0]["run_id"]
    with subprocess.Popen([PROGRAM, "serve", "--port", "0"], env=stocks.env, cwd=stocks.folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = re.search(r":(\d+)", server.stdout.readline())[1]
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/report", timeout=20)
            assert refused.value.code == 404 and f"/report/{newest}" in refused.value.read().decode()
        finally:
            server.kill()


def test_what_few_sessions_say_of_a_year_is_starred(stocks):
    (stocks.folder / "few.yaml").write_text("name: few\nuniverse: {table: sp500, symbols: [AAPL]}\ncapital: 100000 USD\n"
                                            "when: {date_range: [2017-01-03, 2017-01-12]}\n"
                                            "entry: {when: \"close > 1\", size: 100 %, at: next_open}\nexit: {when: \"close < 0\", at: next_open}\n")
    done = stocks("backtest", "run", "few.yaml").stdout
    assert re.search(r"Sharpe Ratio +\S+\*\n", done) and re.search(r"Win Rate \[%\] +[\d.]+\n", done), done
    assert "rests on next to nothing" in done and "1 trade in" in done and "Duration [bars]" in done
    run = re.search(r"^run (\w+)", done, re.MULTILINE)[1]
    assert "* from" in stocks("backtest", "show", run).stdout
    listed = stocks("runs").stdout
    assert re.search(rf"^{run} .*\d\* ", listed, re.MULTILINE) and "* fewer than 60 sessions" in listed
