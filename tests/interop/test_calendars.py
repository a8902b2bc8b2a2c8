"""The calendars against what really traded: every date of the files at hand is a session, and no other day is."""
import csv
import datetime as dt
import gzip
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is missing: calendars are not checked")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
NAMES = ["nyse", "nse", "nse_fo"]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAY = dt.timedelta(days=1)


def load(name):
    return yaml.safe_load((ROOT / "calendars" / f"{name}.yaml").read_text())


def sessions(calendar, first=None, last=None):
    holidays = {row["date"] for row in calendar["holidays"]}
    special = {row["date"] for row in calendar["sessions"]}
    day, last = first or calendar["valid"][0], last or calendar["valid"][1]
    found = []
    while day <= last:
        if day in special or (WEEKDAYS[day.weekday()] in calendar["weekdays"] and day not in holidays):
            found.append(day)
        day += DAY
    return found


def hours(calendar, day):
    """The intervals of a session, as written: [("09:15", "15:30")]."""
    for row in calendar["sessions"]:
        if row["date"] == day:
            return [tuple(segment.split("-")) for segment in row["segments"]]
    row = [row for row in calendar["hours"] if row["from"] <= day][-1]
    return [(row["open"], row["close"])]


def need(path):
    if not path.exists():
        pytest.skip(f"{path} is not there: this check did NOT run")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_ordered_sourced_and_within_the_span(name):
    calendar = load(name)
    first, last = calendar["valid"]
    assert calendar["calendar"] == name
    for part in ("holidays", "sessions"):
        dates = [row["date"] for row in calendar[part]]
        assert dates == sorted(set(dates))
        assert all(first <= date <= last for date in dates)
    assert not {r["date"] for r in calendar["holidays"]} & {r["date"] for r in calendar["sessions"]}
    assert all(WEEKDAYS[r["date"].weekday()] in calendar["weekdays"] for r in calendar["holidays"])
    assert calendar["hours"][0]["from"] == first
    for row in calendar["hours"] + calendar["holidays"] + calendar["sessions"]:
        assert len(row["source"]) >= 3, row
    for row in calendar["sessions"]:
        times = [time for segment in row["segments"] for time in segment.split("-")]
        assert all(re.fullmatch(r"[0-2]\d:[0-5]\d", time) for time in times), row
        assert times == sorted(set(times)), row


def test_nyse_has_every_session_of_the_sp500_stocks_and_no_other():
    path = need(SHARED / "us_daily_sp500_5yr" / "all_stocks_5yr.csv.gz")
    with gzip.open(path, "rt", newline="") as file:
        dates = sorted({dt.date.fromisoformat(row["date"]) for row in csv.DictReader(file)})
    assert len(dates) == 1259
    assert dates == sessions(load("nyse"), dates[0], dates[-1])


def test_nyse_has_every_session_of_the_sp500_index_and_no_other():
    path = need(ROOT / ".deps" / "data" / "sp500-2000.csv")
    with open(path, newline="") as file:
        dates = [dt.date.fromisoformat(row["date"]) for row in csv.DictReader(file)]
    assert len(dates) == 5105
    assert dates == sessions(load("nyse"), dates[0], dates[-1])


def test_nse_has_a_session_for_every_file_of_2024_and_no_other():
    files = need(SHARED / "nse_cash_2024").glob("*.csv.gz")
    dates = sorted(dt.date.fromisoformat(file.name[:10]) for file in files)
    assert len(dates) == 249
    assert dates == sessions(load("nse"), dt.date(2024, 1, 1), dt.date(2024, 12, 31))


def test_nse_holiday_feed_agrees():
    feed = json.loads(need(SHARED / "feeds" / "holidays.json").read_text())
    for segment, name in (("CM", "nse"), ("FO", "nse_fo")):
        closed = {row["date"] for row in load(name)["holidays"]}
        for row in feed[segment]:
            assert dt.datetime.strptime(row["tradingDate"], "%d-%b-%Y").date() in closed


@pytest.mark.parametrize("day, expected", [
    ("2018-11-07", "17:30-18:30"), ("2020-11-14", "18:15-19:15"), ("2021-11-04", "18:15-19:15"),
    ("2022-10-24", "18:15-19:15"), ("2023-11-12", "18:15-19:15"), ("2024-11-01", "18:00-19:00"),
    ("2025-10-21", "13:45-14:45"), ("2020-02-01", "09:15-15:30"), ("2024-01-20", "09:15-15:30"),
    ("2025-02-01", "09:15-15:30"), ("2026-02-01", "09:15-15:30"), ("2024-03-02", "09:15-10:00 11:30-12:30"),
    ("2021-02-24", "09:15-11:40 15:45-17:00"), ("2010-10-18", "09:15-15:30")])
def test_nse_special_sessions(day, expected):
    for name in ("nse", "nse_fo"):
        calendar, date = load(name), dt.date.fromisoformat(day)
        assert date in sessions(calendar, date, date)
        assert " ".join("-".join(part) for part in hours(calendar, date)) == expected


def test_nse_derivatives_close_later_since_august_2026():
    before, after = dt.date(2026, 7, 31), dt.date(2026, 8, 3)
    assert hours(load("nse_fo"), before) == [("09:15", "15:30")]
    assert hours(load("nse_fo"), after) == [("09:15", "15:40")]
    assert sessions(load("nse_fo")) == sessions(load("nse"))


def test_nse_fo_is_what_the_script_makes():
    subprocess.run([sys.executable, ROOT / "scripts" / "make_nse_fo_calendar.py", "--check"], check=True)


def peer(name, calendar):
    if importlib.util.find_spec("exchange_calendars") is None:
        pytest.skip("exchange_calendars is missing: the comparison with it did NOT run")
    import exchange_calendars
    first, last = calendar["valid"]
    return exchange_calendars.get_calendar(name, start=first.isoformat(), end=last.isoformat())


@pytest.mark.heavy
def test_nyse_agrees_with_exchange_calendars():
    calendar = load("nyse")
    other = peer("XNYS", calendar)
    assert sessions(calendar) == [day.date() for day in other.sessions]
    closes = other.schedule["close"].dt.tz_convert("America/New_York")
    early = {day.date(): time.strftime("%H:%M") for day, time in closes.items() if time.hour < 16}
    ours = {r["date"]: hours(calendar, r["date"])[-1][1] for r in calendar["sessions"]}
    ours = {day: close for day, close in ours.items() if close != "16:00"}
    assert ours.pop(dt.date(2005, 6, 1)) == "15:56"  # a systems problem: exchange_calendars leaves it out
    assert ours == early


@pytest.mark.heavy
def test_nse_agrees_with_exchange_calendars_but_for_special_sessions():
    calendar = load("nse")
    ours, theirs = set(sessions(calendar)), {day.date() for day in peer("XBOM", calendar).sessions}
    special = {row["date"] for row in calendar["sessions"]}
    assert ours - theirs <= special      # evenings of holidays, Saturdays and Sundays that they lack
    assert theirs - ours == set()
