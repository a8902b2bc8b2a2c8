"""What a table is, its lake says: a spec of that name in the current folder is for the next ingest, and changes no answer."""
import datetime
import json
import pathlib
import shutil

import pytest
from program import Program

SPEC = (pathlib.Path(__file__).parents[2] / "datasets" / "sp500.yaml").read_text()
# Of another exchange, in another currency, closed on other days, of bars of a minute, with prices that are no prices.
OTHER = (SPEC.replace("calendar: nyse", "calendar: nse").replace("currency: USD", "currency: INR").replace("bar: 1d", "bar: 1m")
         .replace("exchange: US", "exchange: NSE").replace('close: {type: "decimal(18,4)"', 'close: {type: "decimal(18,1)"'))
STRATEGY = """\
name: own
universe: {table: sp500}
capital: 100000 USD
entry: {when: "close > sma(close, 3)", size: 10 %, at: next_open}
exit: {when: "close < sma(close, 3)", at: next_open}
"""
FEATURES = """\
features: own
version: 1.0.0
from: {table: sp500, adjusted: false}
columns: {up: "close / ref(close, 1) - 1"}
"""
ANSWERS = (("show", "sp500", "--json"),
           ("indicators", "run", "sp500", "--indicators", "SMA_3", "--json"),
           ("describe", "sp500", "--json"),
           ("status", "--json"),
           ("backtest", "run", "own.yaml", "--json"))


@pytest.fixture
def made(program, tmp_path):
    tapemill = Program(tmp_path)
    start, rows = datetime.date(2014, 1, 2), "date,open,high,low,close,volume,Name\n"
    for day in (start + datetime.timedelta(n) for n in range(60)):
        if day.weekday() < 5 and day not in (datetime.date(2014, 1, 20), datetime.date(2014, 2, 17)):
            price = 100 + (day.toordinal() * 7) % 13 + 0.25
            rows += f"{day},{price},{price + 1},{price - 1},{price + 0.5},1000,AAA\n"
    (tmp_path / "rows.csv").write_text(rows)
    (tmp_path / "own.yaml").write_text(STRATEGY)
    (tmp_path / "group.yaml").write_text(FEATURES)
    tapemill("ingest", "sp500", "rows.csv")
    return tapemill


def answers(tapemill):
    found = [tapemill(*command).stdout for command in ANSWERS]
    run = json.loads(found[-1])
    return [*found[:-1], {key: run[key] for key in ("run_id", "ledger_hash", "metrics") if key in run}]


def store(tapemill):
    tapemill("features", "build", "group.yaml")
    tapemill("export", "qlib", "sp500")
    folder = tapemill.lake / "gold" / "qlib"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.bin")) + sorted(folder.rglob("*.txt"))}


def test_a_spec_in_the_current_folder_changes_no_answer(made):
    before, stored = answers(made), store(made)
    assert before[-1]
    assert stored
    (made.folder / "datasets").mkdir()
    for text in (OTHER, "no spec at all"):
        (made.folder / "datasets" / "sp500.yaml").write_text(text)
        assert answers(made) == before
        shutil.rmtree(made.lake / "gold")
        assert store(made) == stored


def test_it_is_what_the_next_ingest_goes_by(made):
    (made.folder / "datasets").mkdir()
    (made.folder / "datasets" / "sp500.yaml").write_text(SPEC.replace("currency: USD", "currency: INR"))
    rows = (made.folder / "rows.csv").read_text().splitlines()
    (made.folder / "more.csv").write_text(f"{rows[0]}\n2014-04-01,9,9,9,9,1,AAA\n")
    assert "INR" not in made("backtest", "run", "own.yaml").stdout
    made("ingest", "sp500", "more.csv")
    (made.folder / "datasets" / "sp500.yaml").unlink()
    assert "INR" in made("backtest", "run", "own.yaml", code=2).stderr  # its capital is in USD
