"""Judging as scripts use it: the report in text, JSON and HTML, rows let in, a table rebuilt, backfill by range."""
import json

from program import DAYS, Program, day


def fill(folder):
    made = Program(folder)
    for date, start in DAYS.items():
        (folder / f"{date}.csv").write_text(day(date, start))
    made("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    return made


def test_a_report_in_text_json_and_html(filled):
    text = filled("quality", "stocks_daily").stdout
    assert "ohlc_order" in text and "pass" in text and "quarantined: 3 rows by ohlc_order" in text
    report = json.loads(filled("quality", "stocks_daily", "--json").stdout)
    assert report["status"] == "pass"
    assert report["completeness"]["records"] == 15
    assert set(report["checks"]["unique_key"]) == {"status", "count", "examples"}
    filled("quality", "stocks_daily", "--html", "quality.html")
    page = (filled.folder / "quality.html").read_text()
    assert "Quality of stocks_daily" in page and 'src="http' not in page
    assert "did you mean stocks_daily?" in filled("quality", "stocks_dayly", code=2).stderr


def test_gaps_of_instruments_are_not_sessions_without_a_row(tmp_path):
    tapemill = Program(tmp_path)
    for (date, start), good in zip(DAYS.items(), (5, 4, 5)):  # T004 misses the second session, which has other rows
        (tmp_path / f"{date}.csv").write_text(day(date, start, good))
    tapemill("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    text = tapemill("quality", "stocks_daily", "--html", "q.html").stdout
    assert "missing_sessions: 1 gap between an instrument's first and last row" in text
    assert "0 sessions without any row" in text and "sessions missing" not in text
    assert "judged: the stored rows alone" in text and "ingest counts the rows of the files it is given, refused ones too" in text
    page = (tmp_path / "q.html").read_text()
    assert "missing_sessions warns: 1 finding" in page
    assert "missing_sessions (warn)" not in page  # not among those that hold


def test_rows_are_let_in_once_with_who_and_why(tmp_path):
    tapemill = fill(tmp_path)
    assert "--reason" in tapemill("quarantine", "release", "stocks_daily", "--check", "ohlc_order", code=2).stderr
    assert "which rows" in tapemill("quarantine", "release", "stocks_daily", "--reason", "x", code=2).stderr
    assert "no file:line" in tapemill("quarantine", "release", "stocks_daily", "--at", "x", "--reason", "x", code=2).stderr
    report = json.loads(tapemill("quarantine", "release", "stocks_daily", "--at", "2024-01-03.csv:7", "--reason", "circular 57", "--by", "ann", "--json").stdout)
    assert (report["rows_released"], report["files"], report["version"]) == (1, 1, 4 if report["version"] == 4 else 2)
    assert json.loads(tapemill("quarantine", "list", "stocks_daily", "--json").stdout)["rows_total"] == 2
    newest = json.loads(tapemill("history", "stocks_daily", "--json").stdout)["commits"][0]
    assert newest["operation"] == "RELEASE" and "circular 57" in json.dumps(newest["info"]) and "ann" in json.dumps(newest["info"])
    again = json.loads(tapemill("quarantine", "release", "stocks_daily", "--at", "2024-01-03.csv:7", "--reason", "x", "--json").stdout)
    assert again["rows_released"] == 0 and again["version"] == report["version"]
    assert json.loads(tapemill("ingest", "stocks_daily", ".", "--json", code=(0, 1)).stdout)["version"] == report["version"]
    assert json.loads(tapemill("query", "select count(*) n from stocks_daily", "--json").stdout)["rows"] == [[16]]


def test_rebuild_gives_the_same_rows(tmp_path):
    tapemill = fill(tmp_path)
    rows = "select * from stocks_daily order by instrument_id, session"
    before = tapemill("query", rows, "--json").stdout
    report = json.loads(tapemill("rebuild", "stocks_daily", "--json").stdout)
    assert report["rows_in"] == 18 and report["replayed"] is False
    assert tapemill("query", rows, "--json").stdout == before
    assert json.loads(tapemill("history", "stocks_daily", "--json").stdout)["commits"][0]["operation"] == "REBUILD"
    tapemill("rebuild", "no_such_set", code=2)


def test_backfill_by_range_and_watermarks(tmp_path):
    tapemill = Program(tmp_path)
    (tmp_path / "in").mkdir()
    for date in ("2024-01-02", "2024-01-04"):
        (tmp_path / "in" / f"{date}.csv").write_text(day(date, DAYS[date]))
    report = json.loads(tapemill("ingest", "stocks_daily", "in", "--start", "2024-01-01", "--end", "2024-01-03", "--json").stdout)
    assert report["files_outside"] == 1 and report["missing_sessions"] == ["2024-01-03"]
    tapemill("ingest", "stocks_daily", "in", "--on-error", "stop")
    status = json.loads(tapemill("status", "--watermarks", "metadata", "--json").stdout)["datasets"][0]
    assert status["why_missing"] == {"2024-01-03": "no file has come"} and status["next_session"] == "2024-01-05"
    mark = json.loads((tmp_path / "metadata" / "stocks_daily" / "watermarks.json").read_text())
    assert mark["last_processed_date"] == "2024-01-04" and mark["total_records"] == 10
    assert "lies before" in tapemill("ingest", "stocks_daily", "in", "--start", "2024-01-03", "--end", "2024-01-02", code=2).stderr
    tapemill("ingest", "stocks_daily", "in", "--on-error", "never", code=2)
