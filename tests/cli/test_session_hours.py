"""The regular session is what everything shows and computes over; the rest is there on request, and in SQL."""
import datetime
import json
import zoneinfo

import pytest
from program import HEADER, Program

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
# Minutes of two sessions, the second one with an early close (13:00); price: the minute of the day.
TIMES = {"2024-07-02": ["03:30", "04:00", "09:29", "09:30", "12:00", "15:59", "16:00", "19:59", "20:30"],
         "2024-07-03": ["09:30", "12:59", "13:00", "16:59", "17:00"]}
REGULAR = ["09:30", "12:00", "15:59", "09:30", "12:59"]
EXTENDED = ["04:00", "09:29", "09:30", "12:00", "15:59", "16:00", "19:59", "09:30", "12:59", "13:00", "16:59"]
COUNTS = {"regular": 5, "extended": 11, "all": 14}


def minute(text):
    return int(text[:2]) * 60 + int(text[3:])


def flat_file(day, times):
    rows = []
    for time in times:
        at = datetime.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=NEW_YORK)
        price = minute(time)
        rows.append(f"AAPL,100,{price},{price},{price},{price},{int(at.timestamp())}000000000,1\n")
    return HEADER + "".join(rows)


@pytest.fixture(scope="module")
def minutes(program, tmp_path_factory):
    made = Program(tmp_path_factory.mktemp("minutes"))
    for day, times in TIMES.items():
        (made.folder / f"{day}.csv").write_text(flat_file(day, times))
    made.ingested = made("ingest", "stocks_minute", *(f"{day}.csv" for day in TIMES))
    return made


def shown(tapemill, *arguments):
    done = tapemill("show", "stocks_minute", "--columns", "time,close", "--json", *arguments)
    return [row[1] for row in json.loads(done.stdout)["rows"]], done.stderr


def test_all_rows_are_kept_and_those_outside_all_hours_are_a_finding(minutes):
    assert "14 rows in = 14 stored + 0 quarantined" in minutes.ingested.stdout
    assert "trading_hours" in minutes.ingested.stdout
    assert "lies outside" in minutes.ingested.stdout
    again = minutes("quality", "stocks_minute", "--json")
    assert "trading_hours" in again.stdout
    assert json.loads(minutes("query", "select count(*) n from stocks_minute", "--json").stdout)["rows"] == [[14]]  # SQL is the table


def test_show(minutes):
    assert shown(minutes) == ([float(minute(t)) for t in REGULAR],
                              "note: 9 rows outside the regular session left out; --session all shows them\n")
    assert shown(minutes, "--session", "extended")[0] == [float(minute(t)) for t in EXTENDED]
    assert "3 rows outside the extended hours left out" in shown(minutes, "--session", "extended")[1]
    everything, note = shown(minutes, "--session", "all")
    assert (len(everything), note) == (14, "")
    text = minutes("show", "stocks_minute").stdout
    assert text.splitlines()[-1].endswith("9 rows outside the regular session left out; --session all shows them")
    assert "left out" not in minutes("show", "stocks_minute", "--start", "2024-07-03", "--session", "all").stdout
    assert shown(minutes, "--start", "2024-07-03", "--quiet") == ([570.0, 779.0], "")
    assert shown(minutes, "--symbols", "AAPL", "--end", "2024-07-02")[0] == [570.0, 720.0, 959.0]
    wrong = minutes("show", "stocks_minute", "--session", "regulr", code=2).stderr
    assert "regular|extended|all" in wrong


def test_after_compaction_too(minutes):
    minutes("compact", "stocks_minute")
    assert len(shown(minutes)[0]) == COUNTS["regular"]


def test_indicators_run(minutes):
    def column(*arguments):
        done = minutes("indicators", "run", "stocks_minute", "--indicators", "SMA_2", "--json", *arguments)
        return [row[-1] for row in json.loads(done.stdout)["rows"]]

    assert column() == [None, 645.0, 839.5, 764.5, 674.5]  # no bar of the evening in any mean
    assert len(column("--session", "all")) == 14
    assert column("--session", "extended")[:3] == [None, 404.5, 569.5]


def test_features_build(minutes):
    def build(session):
        (minutes.folder / f"{session}.yaml").write_text(
            f"features: of_{session}\nversion: 1.0.0\nfrom: {{table: stocks_minute, session: {session}}}\ncolumns:\n  mean: sma(close, 2)\n")
        return json.loads(minutes("features", "build", f"{session}.yaml", "--json").stdout)

    assert {session: build(session)["rows"] for session in COUNTS} == COUNTS
    assert build("regular")["unchanged"] is True
    (minutes.folder / "of.yaml").write_text("features: of\nversion: 1.0.0\nfrom: {table: stocks_minute}\ncolumns:\n  mean: sma(close, 2)\n")
    assert json.loads(minutes("features", "build", "of.yaml", "--json").stdout)["rows"] == COUNTS["regular"]
    # The same group over other hours is another table's content: built anew.
    text = (minutes.folder / "of.yaml").read_text()
    (minutes.folder / "of.yaml").write_text(text.replace("stocks_minute}", "stocks_minute, session: all}"))
    again = json.loads(minutes("features", "build", "of.yaml", "--json").stdout)
    assert (again["rows"], again["unchanged"]) == (14, False)
    assert minutes("show", "gold.features_of", "--json").stderr == ""  # gold is shown as it was built
    bad = text.replace("stocks_minute}", "stocks_minute, session: evening}")
    (minutes.folder / "of.yaml").write_text(bad)
    assert "of.yaml:3" in minutes("features", "build", "of.yaml", code=2).stderr


def test_chart(minutes):
    minutes("chart", "AAPL", "--indicators", "SMA_2", "--out", "regular.html")
    minutes("chart", "AAPL", "--indicators", "SMA_2", "--out", "all.html", "--session", "all")
    assert "· regular session" in (minutes.folder / "regular.html").read_text()
    assert "· regular session" not in (minutes.folder / "all.html").read_text()


def test_export_qlib(minutes):
    regular = json.loads(minutes("export", "qlib", "stocks_minute", "--out", "regular", "--json").stdout)
    assert (regular["rows"], regular["rows_left_out"], regular["sessions"]) == (5, 9, 390 + 210)
    extended = json.loads(minutes("export", "qlib", "stocks_minute", "--out", "extended", "--session", "extended", "--json").stdout)
    assert (extended["rows"], extended["rows_left_out"], extended["sessions"]) == (11, 3, 16 * 60 + 13 * 60)
    # Another choice of hours is another store: the old one is replaced.
    swapped = json.loads(minutes("export", "qlib", "stocks_minute", "--out", "regular", "--session", "extended", "--json").stdout)
    assert (swapped["rows"], swapped["unchanged"]) == (11, False)


def test_graph(minutes):
    def run(query):
        graph = {"name": "g", "nodes": [
            {"name": "in", "type": "DataSubscriberNode", "config": {"source": "lake://silver.stocks_minute" + query}},
            {"name": "calc", "type": "CalculatorNode", "config": {"calculator_class": "TechnicalIndicatorCalculator", "indicators": ["SMA_2"]}},
            {"name": "out", "type": "DataPublisherNode", "config": {"destination": "file://out.jsonl"}}],
            "edges": [{"from": "in", "to": "calc"}, {"from": "calc", "to": "out"}]}
        (minutes.folder / "g.json").write_text(json.dumps(graph))
        minutes("graph", "run", "g.json")
        return len((minutes.folder / "out.jsonl").read_text().splitlines())

    assert run("") == COUNTS["regular"]
    assert run("?session=extended") == COUNTS["extended"]
    assert run("?session=all") == COUNTS["all"]
    with pytest.raises(AssertionError, match="regular.extended.all"):
        run("?session=evening")


def test_tables_of_whole_sessions_have_nothing_to_leave_out(filled):
    for session in ("regular", "extended", "all"):
        done = filled("show", "stocks_daily", "--session", session, "--json")
        assert json.loads(done.stdout)["rows_total"] == 15
        assert done.stderr == ""


def by_spec(tapemill, name, text, rows):
    (tapemill.folder / f"{name}.yaml").write_text(text)
    (tapemill.folder / "rows.csv").write_text("symbol,session,time,close\n" + rows)
    tapemill("ingest", f"./{name}.yaml", "rows.csv")


OWN = ("table: {name}\nsource: csv\ncalendar: {calendar}\nexchange: XX\nkey: [symbol, time]\n{bar}columns:\n  symbol: {{type: string, null: refuse}}\n"
       "  session: {{type: date, null: refuse}}\n  time: {{type: timestamp, null: refuse}}\n  close: {{type: double}}\n"
       "csv: {{columns: {{session: {{from: session, format: \"%Y-%m-%d\"}}, time: {{from: time, format: \"%Y-%m-%dT%H:%M:%SZ\"}}}}}}\n")


def test_the_hours_are_those_of_the_spec_that_the_rows_came_by(program, tmp_path):
    """Neither a shipped spec of the same name nor one in the current folder says when a lake's rows are."""
    made = Program(tmp_path)
    by_spec(made, "stocks_minute", OWN.format(name="stocks_minute", calendar="nse", bar="bar: 1m\n"),
            "A,2024-01-02,2024-01-02T04:00:00Z,1\nA,2024-01-02,2024-01-02T05:00:00Z,2\n")
    (tmp_path / "stocks_minute.yaml").unlink()
    (tmp_path / "datasets").mkdir()
    for spec in (None, OWN.format(name="stocks_minute", calendar="nyse", bar="bar: 1m\n"), "no spec at all"):
        if spec is not None:
            (tmp_path / "datasets" / "stocks_minute.yaml").write_text(spec)
        text = made("show", "stocks_minute").stdout
        assert "2 rows" in text
        assert "times in Asia/Kolkata" in text
        assert "left out" not in text
    assert "IST" in made("history", "stocks_minute").stdout


def test_a_table_of_times_without_a_bar_has_hours_too(program, tmp_path):
    made = Program(tmp_path)
    rows = "A,2024-01-02,2024-01-02T12:00:00Z,1\nA,2024-01-02,2024-01-02T15:00:00Z,2\nA,2024-01-02,2024-01-02T07:00:00Z,3\n"
    by_spec(made, "five", OWN.format(name="five", calendar="nyse", bar=""), rows)
    by_spec(made, "whole", OWN.format(name="whole", calendar="nyse", bar="bar: 1d\n"), rows)
    for session, count in (("regular", 1), ("extended", 2), ("all", 3)):
        assert json.loads(made("show", "five", "--session", session, "--json").stdout)["rows_total"] == count
        assert json.loads(made("show", "whole", "--session", session, "--json").stdout)["rows_total"] == 3
