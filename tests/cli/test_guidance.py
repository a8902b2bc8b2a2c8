"""What the program says where a user goes wrong, and what a damaged table does not take with it."""
import json
import os
import pathlib
import re
import shutil

import pytest
from program import HEADER, Program

SPEC = """\
table: desk
title: Quotes of our desk
source: csv
calendar: nse
currency: INR
exchange: NSE
key: [instrument_id, session]
partitions: [year]
columns:
  instrument_id: {type: string, null: refuse}
  symbol:        {type: string, null: refuse}
  session:       {type: date, null: refuse}
  open:          {type: "decimal(18,2)", unit: INR}
  high:          {type: "decimal(18,2)", unit: INR}
  low:           {type: "decimal(18,2)", unit: INR}
  close:         {type: "decimal(18,2)", unit: INR, help: last trade}
  volume:        {type: int64, unit: shares}
csv:
  columns:
    instrument_id: {template: "NSE:{symbol}"}
    symbol:  {from: ticker}
    session: {from: day, format: "%Y-%m-%d"}
    open:    {from: open}
    high:    {from: high}
    low:     {from: low}
    close:   {from: close}
    volume:  {from: volume}
"""
ROWS = "ticker,day,open,high,low,close,volume\n" + "".join(
    f"{symbol},2024-01-{date:02},100.5,101,99,{100 + i},10\n" for i, symbol in enumerate(("RELIANCE", "TCS")) for date in (1, 2, 3))


def document(done):
    return json.loads(done.stdout)


@pytest.fixture
def desk(program, tmp_path):
    """A lake with a data set whose spec lay somewhere else and is gone."""
    made = Program(tmp_path)
    (tmp_path / "desk.csv").write_text(ROWS)
    (tmp_path / "spec.yaml").write_text(SPEC)
    made("ingest", "spec.yaml", "desk.csv")
    (tmp_path / "spec.yaml").unlink()
    return made


@pytest.fixture
def copy(filled, tmp_path):
    """A lake of one's own to damage."""
    (tmp_path / "copy").mkdir()
    made = Program(tmp_path / "copy")
    shutil.copytree(filled.lake, made.lake)
    return made


def test_the_lake_remembers_a_spec(desk):
    assert "times in Asia/Kolkata" in desk("show", "desk").stdout
    close = next(one for one in document(desk("describe", "desk", "--json"))["columns"] if one["name"] == "close")
    assert (close["unit"], close["help"]) == ("INR", "last trade")
    assert [one["dataset"] for one in document(desk("status", "--json"))["datasets"]] == ["desk"]
    assert desk("indicators", "run", "desk", "--symbols", "TCS", "--indicators", "SMA_2").stdout.count("2024-01-") == 3
    desk("export", "qlib", "desk")
    desk("chart", "TCS", "--indicators", "SMA_2")
    again = document(desk("ingest", "desk", "desk.csv", "--json"))
    assert (again["files_unchanged"], again["version"]) == (1, 1)
    (desk.folder / "group.yaml").write_text("features: mine\nversion: 1.0.0\nfrom: {table: desk}\ncolumns:\n  sma: sma(close, 2)\n")
    desk("features", "build", "group.yaml")
    assert "times in Asia/Kolkata" in desk("show", "gold.features_mine").stdout
    (desk.folder / "s.yaml").write_text("name: s\nuniverse: {table: desk, symbols: [TCS]}\ncapital: 100000 INR\n"
                                        "entry: {when: \"close > 1\", size: 100 %, at: next_open}\nexit: {when: \"close < 0\", at: next_open}\n")
    desk("backtest", "check", "s.yaml")
    desk("backtest", "run", "s.yaml")
    assert "unknown data set \"none\"" in desk("ingest", "none", "desk.csv", code=2).stderr


def test_a_changed_spec_is_remembered_with_the_next_rows(desk):
    (desk.folder / "spec.yaml").write_text(SPEC.replace("last trade", "the last trade"))
    (desk.folder / "more.csv").write_text(ROWS.replace("2024-01-", "2024-02-").replace("2024-02-03", "2024-02-05"))
    desk("ingest", "spec.yaml", "more.csv")
    (desk.folder / "spec.yaml").unlink()
    assert "the last trade" in desk("describe", "desk").stdout


def test_symbols_that_are_not_there(filled):
    done = filled("show", "stocks_daily", "--symbols", "T001,T0O2", "--json")
    assert len(document(done)["rows"]) == 3
    assert "warning: silver.stocks_daily has no rows of T0O2 (did you mean T002?)" in done.stderr
    done = filled("show", "stocks_daily", "--symbols", "t001", code=2)
    assert "has no rows of t001 (did you mean T001?)" in done.stderr and done.stdout == ""
    done = filled("show", "stocks_daily", "--symbols", "T001", "--start", "2025-06-01")
    assert "has rows of T001 from 2024-01-02 to 2024-01-04" in done.stderr
    done = filled("show", "stocks_daily", "--start", "2025-06-01")
    assert "has sessions from 2024-01-02 to 2024-01-04" in done.stderr
    assert filled("show", "stocks_daily", "--symbols", "T001,T002").stderr == ""


def test_one_damaged_table_does_not_hide_the_others(copy, desk):
    shutil.copytree(desk.lake / "bronze" / "desk", copy.lake / "bronze" / "desk")
    (copy.lake / "bronze/desk/_delta_log/00000000000000000001.json").write_text("{ not json\n")
    done = copy("tables", "--json", code=1)
    tables = {one["table"]: one for one in document(done)["tables"]}
    assert "damaged" in tables["bronze.desk"] and tables["bronze.stocks_daily"]["rows"] == 15
    assert "bronze.desk" in copy("tables", code=1).stdout and "damaged" in copy("tables", code=1).stdout
    done = copy("status", "--json", code=1)
    assert [one["rows"] for one in document(done)["datasets"] if one["dataset"] == "stocks_daily"] == [15]
    assert "damaged" in copy("doctor", code=(1, 3)).stdout


def test_parts_that_are_gone_or_of_another_size_are_found(copy):
    copy("status")
    parts = sorted((copy.lake / "bronze/stocks_daily").rglob("*.parquet"))
    assert len(parts) == 3
    parts[0].unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:-1])
    done = copy("status", code=1)
    assert "damaged: bronze.stocks_daily: 1 part missing, 1 part of another size" in done.stdout
    assert "bronze.stocks_daily" in copy("doctor", code=(1, 3)).stdout
    for command in (["show", "stocks_daily"], ["query", "select * from stocks_daily"]):
        done = copy(*command, code=1)
        assert str(parts[0]) in done.stderr and "read_parquet" not in done.stderr, done.stderr


@pytest.mark.parametrize("command", ["show nope", "history nope", "describe nope", "quarantine list nope", "export qlib nope",
                                     "indicators run nope --indicators SMA_2", "chart T001 --table nope", "features build momentum --table nope"])
def test_an_unknown_table_is_wrong_use(filled, command):
    filled(*command.split(), code=2)
    filled("query", "select * from nope", code=2)


def test_a_version_that_is_not_there_is_wrong_use(filled):
    filled("show", "stocks_daily", "--version", "99", code=2)
    filled("query", "select * from stocks_daily at (version => 99)", code=2)


def test_quarantine_has_no_silver(filled):
    names = [one["table"] for one in document(filled("tables", "--json"))["tables"]]
    assert "bronze.stocks_daily_quarantine" in names and "silver.stocks_daily_quarantine" not in names
    assert "silver" not in filled("query", "select * from stocks_daily_quarantine", code=2).stdout
    assert document(filled("query", "select count(*) from bronze.stocks_daily_quarantine", "--json"))["rows"] == [[3]]


def test_nothing_is_announced_before_the_arguments_are_good(filled):
    for command in ("backtest run nope.yaml", "ingest stocks_daily nope.csv", "features build momentum --table nope"):
        assert filled(*command.split(), code=2).stdout == ""


def test_backtest_check_refuses_what_run_refuses(desk):
    text = ("name: s\nuniverse: {table: desk, symbols: [%s]}\ncapital: 100000 %s\n"
            "entry: {when: \"close > 1\", size: 100 %%, at: next_open}\nexit: {when: \"close < 0\", at: next_open}\n")
    for symbol, currency, said in (("NOPE", "INR", "NOPE"), ("TCS", "USD", "the capital is in USD")):
        (desk.folder / "s.yaml").write_text(text % (symbol, currency))
        for command in ("check", "run"):
            done = desk("backtest", command, "s.yaml", code=2)
            assert said in done.stderr and done.stdout == ""
    done = desk("backtest", "check", "s.yaml", "--lake", desk.folder / "none", code=(0, 2))


def test_a_headers_error_says_what_the_file_has(desk):
    (desk.folder / "spec.yaml").write_text(SPEC)
    (desk.folder / "bad.csv").write_text(ROWS.replace("ticker", "tickers"))
    done = desk("ingest", "spec.yaml", "bad.csv", code=1)
    assert "ticker (did you mean tickers?)" in done.stdout + done.stderr
    for separator, shown in ((";", ";-separated"), ("\t", "tab-separated")):
        (desk.folder / "bad.csv").write_text(ROWS.replace(",", separator))
        done = desk("ingest", "spec.yaml", "bad.csv", code=1)
        assert f"the file looks {shown}" in done.stdout + done.stderr


def test_groups_name_their_commands(tapemill):
    for group, names in {"graph": "list, check, run, draw", "features": "list, build", "config": "show, set, path", "export": "qlib"}.items():
        assert f"tapemill {group} needs one of its commands: {names}" in tapemill(group, code=2).stderr
        assert "Try: tapemill demo" not in tapemill(group, "--help").stdout
    assert "(1x)" not in tapemill("ingest", "--help").stdout
    assert "momentum" in [one["group"] for one in document(tapemill("features", "list", "--json"))["groups"]]
    assert "technical_analysis" in [one["graph"] for one in document(tapemill("graph", "list", "--json"))["graphs"]]
    assert "momentum" in tapemill("features", "list").stdout and "technical_analysis" in tapemill("graph", "list").stdout


def test_config_show_says_where_each_setting_comes_from(tapemill):
    tapemill("config", "set", "threads", "2")
    tapemill("config", "set", "lake", "/of/the/file")
    shown = document(tapemill("config", "show", "--json", "--memory", "1GB"))
    assert shown["values"]["lake"] == str(tapemill.lake)
    assert shown["origins"].items() >= {"lake": "$TAPEMILL_LAKE", "memory": "--memory", "threads": "file", "utc": "default"}.items()
    del tapemill.env["TAPEMILL_LAKE"]
    assert document(tapemill("config", "show", "--json"))["values"]["lake"] == "/of/the/file"
    text = tapemill("config", "show", "--lake", "/of/the/flag").stdout
    assert "/of/the/flag" in text and "--lake" in text


def test_generate_says_what_it_will_write_and_keeps_off_other_folders(tapemill):
    options = ["--symbols", "10", "--years", "1", "--minute-days", "0", "--chain-days", "0"]
    said = tapemill("generate", *options).stdout.splitlines()
    assert said[0].startswith(f"Writing an exchange to {tapemill.folder}/generated: about 2") and len(said) == 2
    assert "up to date" in tapemill("generate", *options).stdout
    (tapemill.folder / "mine").mkdir()
    (tapemill.folder / "mine/keep.txt").write_text("mine")
    done = tapemill("generate", "mine", *options, code=2)
    assert "did not make" in done.stderr and done.stdout == "" and os.listdir(tapemill.folder / "mine") == ["keep.txt"]


def test_a_chart_without_rows_names_the_dates_it_was_given(filled, tmp_path):
    done = filled("chart", "T001", "--start", "2030-01-01", "--out", tmp_path / "x.html", code=2)
    assert "no bars of T001 from 2030-01-01\n" in done.stderr


def test_a_request_is_explained_with_its_formula(tapemill):
    assert "100 * G / (G + L)" in tapemill("indicators", "explain", "RSI_14").stdout
    assert document(tapemill("indicators", "explain", "RSI_14", "--json"))["indicators"]["rsi"]["formula"].startswith("100 * G")


def test_times_in_utc_say_so_in_their_heading(filled):
    assert "available_at (UTC)" in filled("query", "select available_at from stocks_daily limit 1", "--utc").stdout
    assert "(UTC)" not in filled("show", "stocks_daily").stdout


def test_skips_say_their_reason():
    root = pathlib.Path(__file__).resolve().parents[2]
    assert (root / "scripts/test").read_text().count("pytest -q -rs") == 2
    assert "TAPEMILL_SHARED_DATA" in (root / "README.md").read_text()


def test_files_without_rows_are_told_the_same(tapemill):
    """An empty one and a header alone: one thing to do about both."""
    (tapemill.folder / "2024-01-02.csv").write_text("")
    (tapemill.folder / "2024-01-03.csv").write_text(HEADER)
    said = {name: tapemill("ingest", "stocks_daily", f"{date}.csv", code=1).stdout for name, date in (("empty", "2024-01-02"), ("header", "2024-01-03"))}
    hints = {name: re.search(r"refused: .*\n +(.*)\n", text)[1] for name, text in said.items()}
    assert "the file is empty" in said["empty"] and "a header but no row" in said["header"]
    assert hints["empty"] == hints["header"] == "a session without trades has no file: get this one again, or leave it out"
