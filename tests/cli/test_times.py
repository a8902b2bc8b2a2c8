"""Times on a terminal are the exchange's, with the zone; --utc for UTC. --json is ISO in UTC, always."""
import datetime
import json
import re
import zoneinfo

import pytest
from program import DAYS, Program, day
from test_reference_data import bars

LOCAL = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Z]{3})\b")
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


@pytest.fixture(scope="module")
def both(program, tmp_path_factory):
    """A lake with a table of New York, its quarantine, and one of India."""
    made = Program(tmp_path_factory.mktemp("both"))
    for date, start in DAYS.items():
        (made.folder / f"{date}.csv").write_text(day(date, start))
    made("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    made("ingest", "nse_cash", bars(made.folder, "25-Oct-2024", TCS="4057.55"))
    return made


def instant(local, zone):
    return datetime.datetime.fromisoformat(local).replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows_of(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def test_tables(both):
    """Each in the zone of its exchange, which is named beside it."""
    commits = {table["table"]: table["last_commit"] for table in json.loads(both("tables", "--json").stdout)["tables"]}
    assert {"bronze.stocks_daily", "bronze.nse_cash"} < set(commits)
    text, utc = both("tables").stdout, both("tables", "--utc").stdout
    assert not UTC.search(text) and not LOCAL.search(utc)
    for table, commit in commits.items():
        line, = (line for line in text.splitlines() if line.split()[:1] == [table])
        local, name = LOCAL.search(line).groups()
        india = "nse_cash" in table
        assert name in (("IST",) if india else ("EST", "EDT"))
        assert instant(local, "Asia/Kolkata" if india else "America/New_York") == commit
        assert commit in next(line for line in utc.splitlines() if line.split()[:1] == [table])


def test_history(both):
    text, document = both("history", "nse_cash").stdout, json.loads(both("history", "nse_cash", "--json").stdout)
    found = [instant(local, "Asia/Kolkata") for local, name in LOCAL.findall(text) if name == "IST"]
    assert found == [commit["time"] for commit in document["commits"]]
    assert UTC.findall(both("history", "nse_cash", "--utc").stdout) == found
    assert not UTC.search(text)


def test_describe(both):
    line, = rows_of(both("describe", "nse_cash").stdout, "available_at")
    assert "2024-10-25 15:30:00 IST" in line
    line, = rows_of(both("describe", "nse_cash", "--utc").stdout, "available_at")
    assert "2024-10-25T10:00:00Z" in line
    column, = (one for one in json.loads(both("describe", "nse_cash", "--json").stdout)["columns"] if one["name"] == "available_at")
    assert column["min"].startswith("2024-10-25T10:00:00")


def test_runs(both):
    (both.folder / "s.yaml").write_text("name: s\nuniverse: {table: stocks_daily, symbols: [T000]}\ncapital: 1000 USD\n"
                                        "entry: {when: \"close > 0\", size: 50 %}\nexit: {when: \"close < 0\"}\n")
    both("backtest", "run", "s.yaml")
    started = json.loads(both("runs", "--json").stdout)["runs"][0]["started"]
    assert UTC.fullmatch(started)
    local, name = LOCAL.search(both("runs").stdout).groups()
    assert name in ("EST", "EDT")
    assert instant(local, "America/New_York")[:19] == started[:19]
    assert UTC.search(both("runs", "--utc").stdout)[0][:19] == started[:19]


def test_graph_run_says_the_last_event(both):
    graph = {"name": "g", "nodes": [{"name": "in", "type": "DataSubscriberNode", "config": {"source": "lake://silver.stocks_daily"}},
                                    {"name": "out", "type": "DataPublisherNode", "config": {"destination": "file://out.jsonl"}}],
             "edges": [{"from": "in", "to": "out"}]}
    (both.folder / "g.json").write_text(json.dumps(graph))
    assert "event time 2024-01-04\n" in both("graph", "run", "g.json").stdout  # of sessions a date, in every zone


def test_query(both):
    """Of one exchange: its zone. Of several, or of none: UTC. What is no instant, such as the midnight of a date, is left as it is."""
    ask = "select session, available_at, date_trunc('month', session)::timestamp m from {} limit 1"
    india = both("query", ask.format("nse_cash")).stdout
    assert "2024-10-25 15:30:00" in india
    assert "2024-10-01 00:00:00" in india
    assert "times in Asia/Kolkata" in india
    assert "times in America/New_York" in both("query", "select available_at from bronze.stocks_daily").stdout
    assert "2024-10-25T10:00:00Z" in both("query", ask.format("nse_cash"), "--utc").stdout
    assert json.loads(both("query", "select available_at from nse_cash", "--json").stdout)["rows"] == [["2024-10-25T10:00:00Z"]]
    two = both("query", "select max(a.available_at) t from nse_cash a, stocks_daily b").stdout
    assert "2024-10-25 10:00:00" in two
    assert "UTC" in two
