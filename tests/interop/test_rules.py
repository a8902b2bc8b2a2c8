"""The market rules: well-formed, without overlaps, and equal to what NSE's files say of every index contract at hand."""
import csv
import datetime as dt
import gzip

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is missing: rules are not checked")

from test_calendars import ROOT, SHARED, WEEKDAYS, load, need, sessions  # noqa: E402

WHATS = {"lot_size", "tick_size", "strike_step", "expiry_weekday", "expiry_on_holiday", "stt_option_sale",
         "stt_option_exercise", "brokerage_per_lot", "settlement"}
KEYS = {"what", "underlying", "series", "by", "from", "to", "traded_from", "traded_to", "value", "unit", "source"}
NAMES = sorted(path.stem for path in (ROOT / "rules").glob("*.yaml"))
INDICES = ("NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50")


def rules(name):
    return yaml.safe_load((ROOT / "rules" / f"{name}.yaml").read_text())


def ask(rows, what, underlying, trade_date, expiry=None, series=None):
    found = []
    for row in rows:
        if row["what"] != what or row.get("underlying", underlying) != underlying or row.get("series", series) != series:
            continue
        date = expiry if row["by"] == "expiry" else trade_date
        if row["from"] <= date <= row.get("to", dt.date.max) and \
                row.get("traded_from", dt.date.min) <= trade_date <= row.get("traded_to", dt.date.max):
            found.append(row)
    own = [row for row in found if "underlying" in row] or found
    assert len(own) <= 1, own
    return own[0]["value"] if own else None


def test_the_four_are_there():
    assert NAMES == ["demo_options", "nse_fo", "us_equity", "us_options"]


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_well_formed_and_sourced(name):
    document = rules(name)
    assert document["rules"] == name
    assert (ROOT / "calendars" / f"{document['calendar']}.yaml").exists()
    for row in document["rows"]:
        assert set(row) <= KEYS and row["what"] in WHATS, row
        assert row["by"] in ("expiry", "trade_date") and row["source"], row
        assert row["from"] <= row.get("to", dt.date.max), row
        assert row.get("traded_from", dt.date.min) <= row.get("traded_to", dt.date.max), row
        assert row["by"] == "expiry" or not {"traded_from", "traded_to"} & set(row), row
        if row["what"] in ("lot_size", "tick_size", "strike_step"):
            assert row["value"] > 0, row


@pytest.mark.parametrize("name", NAMES)
def test_rows_never_overlap(name):
    groups = {}
    for row in rules(name)["rows"]:
        groups.setdefault((row["what"], row.get("underlying"), row.get("series"), row["by"]), []).append(row)
    for group, rows in groups.items():
        for i, a in enumerate(rows):
            for b in rows[:i]:
                apart = a.get("to", dt.date.max) < b["from"] or b.get("to", dt.date.max) < a["from"] or \
                    a.get("traded_to", dt.date.max) < b.get("traded_from", dt.date.min) or \
                    b.get("traded_to", dt.date.max) < a.get("traded_from", dt.date.min)
                assert apart, (group, a, b)


def contracts():
    folder = need(SHARED / "nse_fo_udiff")
    for path in sorted(folder.glob("*.csv.gz")):
        with gzip.open(path, "rt", newline="") as file:
            for row in csv.DictReader(file):
                if row["TckrSymb"] in INDICES:
                    yield row


def test_lots_are_those_of_every_index_contract_in_the_files():
    rows, seen = rules("nse_fo")["rows"], 0
    for contract in contracts():
        traded, expiry = (dt.date.fromisoformat(contract[key]) for key in ("TradDt", "XpryDt"))
        assert ask(rows, "lot_size", contract["TckrSymb"], traded, expiry) == int(contract["NewBrdLotQty"]), contract
        seen += 1
    assert seen == 8304


def test_expiries_are_those_of_every_index_contract_in_the_files():
    rows, calendar = rules("nse_fo")["rows"], load("nse_fo")
    checked = set()
    for contract in contracts():
        traded, expiry = (dt.date.fromisoformat(contract[key]) for key in ("TradDt", "XpryDt"))
        symbol = contract["TckrSymb"]
        if symbol not in ("NIFTY", "BANKNIFTY") or expiry > calendar["valid"][1] or (symbol, traded, expiry) in checked:
            continue
        weekdays = {s: ask(rows, "expiry_weekday", symbol, traded, expiry, s) for s in ("weekly", "monthly")}
        next_month = (expiry.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        last = [next_month - dt.timedelta(days=n) for n in range(1, 8)]
        monthly = next(day for day in last if WEEKDAYS[day.weekday()] == weekdays["monthly"])
        week = [expiry + dt.timedelta(days=n) for n in range(0, 7)]
        weekly = next((day for day in week if WEEKDAYS[day.weekday()] == weekdays["weekly"]), None)
        shifted = [sessions(calendar, day - dt.timedelta(days=10), day)[-1] for day in (weekly, monthly) if day]
        # 2025-02-26 is a holiday; the exchange had not moved the contract yet when all were re-dated that night.
        assert expiry in shifted or (traded, expiry) == (dt.date(2025, 1, 1), dt.date(2025, 2, 26)), (symbol, traded, expiry, weekdays)
        checked.add((symbol, traded, expiry))
    assert len(checked) > 20


@pytest.mark.parametrize("underlying, traded, expiry, lot", [
    ("NIFTY", "2020-06-01", "2020-06-04", 75), ("NIFTY", "2021-07-20", "2021-07-22", 75), ("NIFTY", "2021-07-20", "2021-07-29", 50),
    ("NIFTY", "2023-06-01", "2023-06-29", 50), ("NIFTY", "2024-05-02", "2024-05-02", 25), ("NIFTY", "2024-05-20", "2024-05-30", 25),
    ("NIFTY", "2024-12-26", "2024-12-26", 25), ("NIFTY", "2025-08-28", "2025-08-28", 75), ("NIFTY", "2026-01-02", "2026-01-06", 65),
    ("NIFTY", "2024-12-26", "2025-06-26", 25), ("NIFTY", "2024-12-27", "2025-06-26", 75),
    ("BANKNIFTY", "2018-01-10", "2018-01-25", 40), ("BANKNIFTY", "2019-04-10", "2019-04-11", 20), ("BANKNIFTY", "2020-07-21", "2020-07-23", 20),
    ("BANKNIFTY", "2020-07-21", "2020-07-30", 25), ("BANKNIFTY", "2023-07-18", "2023-07-20", 25), ("BANKNIFTY", "2023-07-18", "2023-07-27", 15),
    ("BANKNIFTY", "2024-08-23", "2024-08-28", 15), ("BANKNIFTY", "2024-12-24", "2025-06-25", 15), ("BANKNIFTY", "2024-12-26", "2025-06-25", 30),
    ("BANKNIFTY", "2025-07-01", "2025-07-31", 35), ("BANKNIFTY", "2026-01-02", "2026-01-27", 30), ("BANKNIFTY", "2018-10-01", "2018-10-25", None)])
def test_lots_follow_the_contract(underlying, traded, expiry, lot):
    day = dt.date.fromisoformat
    assert ask(rules("nse_fo")["rows"], "lot_size", underlying, day(traded), day(expiry)) == lot


@pytest.mark.parametrize("day, rate", [("2016-06-01", 0.0005), ("2023-03-31", 0.0005), ("2023-04-03", 0.000625), ("2024-09-30", 0.000625),
                                       ("2024-10-01", 0.001), ("2026-03-31", 0.001), ("2026-04-01", 0.0015)])
def test_tax_on_option_sales(day, rate):
    assert ask(rules("nse_fo")["rows"], "stt_option_sale", "NIFTY", dt.date.fromisoformat(day)) == rate
