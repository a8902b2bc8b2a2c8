"""Messages: what to do is what can be done, in words that hold for one and for many."""
import json

import pytest
from program import on_a_terminal


def test_advice_for_narrow_windows_can_be_followed(filled):
    assert "--columns" in on_a_terminal(filled, 80, "show", "stocks_daily")
    for command in (["describe", "stocks_daily"], ["tables"], ["query", "select * from stocks_daily"]):
        text = on_a_terminal(filled, 40, *command)
        assert "more column" in text and "--columns" not in text, text


def test_sql_suggests_the_lakes_tables(filled):
    done = filled("query", "select * from stocks_dayly", code=2)
    assert "did you mean stocks_daily? tables: " in done.stderr and "pg_" not in done.stderr
    done = filled("query", "select list(range) from range(30000000)", "--memory", "96MB", code=3)
    assert "--memory" in done.stderr and "SET " not in done.stderr, done.stderr


def test_describe_names_what_was_asked_and_writes_prices_as_show_does(filled):
    text = filled("describe", "silver.stocks_daily").stdout
    assert text.startswith("silver.stocks_daily, a view of bronze.stocks_daily")
    assert filled("describe", "bronze.stocks_daily").stdout.startswith("bronze.stocks_daily · ")
    row = next(line for line in text.splitlines() if line.startswith("open "))
    assert "10.0000" in row, row


def test_graphs_that_are_not_there_are_suggested(tapemill):
    done = tapemill("graph", "check", "technical_analysi", code=2)
    assert "did you mean technical_analysis?" in done.stderr


def test_a_wrong_graph_is_wrong_use(filled):
    nodes = [{"name": "in", "type": "DataSubscriberNode", "config": {"source": "lake://silver.stocks_daily"}},
             {"name": "calc", "type": "CalculatorNode", "config": {"calculator_class": "TechnicalIndicatorCalculator", "indicators": ["NOPE_3"]}},
             {"name": "out", "type": "DataPublisherNode", "config": {"destination": "file://out.jsonl"}}]
    edges = [{"from": "in", "to": "calc"}, {"from": "calc", "to": "out"}]
    for name, document in {"indicator": {"name": "g", "nodes": nodes, "edges": edges},
                           "edge": {"name": "g", "nodes": nodes, "edges": [*edges, {"from": "calc", "to": "none"}]}}.items():
        (filled.folder / f"{name}.json").write_text(json.dumps(document))
        filled("graph", "check", f"{name}.json", code=2)


def test_a_graph_runs_over_a_table_of_ones_own(filled):
    nodes = [{"name": "in", "type": "DataSubscriberNode", "config": {"source": "lake://silver.other"}},
             {"name": "out", "type": "DataPublisherNode", "config": {"destination": "file://rows.jsonl"}}]
    (filled.folder / "any.json").write_text(json.dumps({"name": "any", "nodes": nodes, "edges": [{"from": "in", "to": "out"}]}))
    filled("graph", "run", "any.json", code=(1, 2))
    assert json.loads(filled("graph", "run", "any.json", "--table", "stocks_daily", "--json").stdout)["rows"] == 15


def test_features_without_their_table_say_how_to_name_another(tapemill):
    (tapemill.folder / "one.csv").write_text("date,open,high,low,close,volume,Name\n2016-01-04,1,1,1,1,1,A\n")
    tapemill("ingest", "sp500", "one.csv")
    done = tapemill("features", "build", "momentum", code=2)
    assert "momentum computes over stocks_daily" in done.stderr and "--table NAME" in done.stderr
    assert "of 1 file read" in tapemill("show", "sp500").stdout


def test_an_empty_setting_is_refused(tapemill):
    done = tapemill("config", "set", "lake", "", code=2)
    assert "config set lake: the value is empty" in done.stderr


def test_a_folder_of_wrong_files_is_summed_up(tapemill):
    for i in range(12):
        (tapemill.folder / f"{i}.csv").write_text("a,b\n1,2\n")
    done = tapemill("ingest", "sp500", ".", code=1)
    assert done.stdout.count("the header is not that of sp500") == 5
    assert "refused: and 7 more files" in done.stdout and "nearest is csv" not in done.stdout


def test_explain_says_what_there_is_to_say(tapemill):
    text = tapemill("indicators", "explain", "close/ref(close,5)-1").stdout
    assert "resolves to" not in text and "warm-up     5 bars" in text
    assert "output=" not in tapemill("indicators", "explain", "VOLUME_SMA_10").stdout


def test_help_is_of_this_program(tapemill):
    assert "live feeds" not in tapemill("--help").stdout
    run = tapemill("backtest", "run", "--help").stdout
    assert "[from -1]" in run and "1e+18" not in run and "1000000000]" not in run
    assert "--tables" not in tapemill("compact", "--help").stdout


@pytest.mark.parametrize("command", ["compact", "vacuum --dry-run", "manifest"])
def test_one_is_not_many(tapemill, command):
    (tapemill.folder / "one.csv").write_text("date,open,high,low,close,volume,Name\n2016-01-04,1,1,1,1,1,A\n")
    tapemill("ingest", "sp500", "one.csv")
    done = tapemill(*command.split()).stdout
    assert any(one in done for one in ("1 file", "1 session", "nothing"))
    assert " 1 files" not in done and " 1 rows" not in done and "1 sessions" not in done
