"""download nse | yahoo against a local stand-in (stand_in_site.py), which is not the exchange and not Yahoo."""
import json
import signal
import subprocess
import time

import pytest
from program import PROGRAM
from stand_in_site import StandIn
from test_reference_data import FULL, action

NAME = "sec_bhavdata_full_{}032024.csv".format
PATH = "/products/content/sec_bhavdata_full_{}032024.csv".format


@pytest.fixture
def site():
    made = StandIn()
    yield made
    made.close()


def nse(tapemill, site, *arguments, code=0):
    return tapemill("download", "nse", *arguments, "--archive", site.url, "--site", site.url, "--json", code=code)


def full(day, close):
    return (FULL + f"X, EQ, {day}, {close}, {close}, {close}, {close}, {close}, {close}, {close}, 7, 1, 1, 1, 100\n").encode()


def delivery(done):
    return json.loads(done.stdout)["deliveries"][0]


def counts(done):
    return {outcome: n for outcome in ("ok", "unchanged", "missing", "forbidden", "failed") if (n := delivery(done)[outcome]) > 0}


def absent(done):
    return {one["key"]: (one["outcome"], one["why"]) for one in delivery(done)["absent"]}


def test_by_date_through_the_calendar_into_the_lake(tapemill, site):
    # 2024-03-02 was a Saturday with a session, 2024-03-03 a Sunday without, 2024-03-08 a holiday.
    site.files |= {PATH("01"): full("01-Mar-2024", 100), PATH("02"): full("02-Mar-2024", 101), PATH("04"): [503, 429, full("04-Mar-2024", 102)],
                   PATH("05"): 403, PATH("06"): b"<html>gone</html>"}
    done = nse(tapemill, site, "full", "--start", "2024-03-01", "--end", "2024-03-08", "--pace", "0.2", code=3)
    assert counts(done) == {"ok": 3, "missing": 1, "forbidden": 1, "failed": 1}
    assert absent(done) == {NAME("05"): ("forbidden", "the site answered 403"), NAME("06"): ("failed", "a page came instead of a file"),
                            NAME("07"): ("missing", "a session of nse, but no such file on the site")}
    assert json.loads(done.stdout)["rows_stored"] == 3
    # The pace holds, repetitions too (the stand-in notes a request some time after it was made).
    assert len(site.asked) == 8
    assert site.asked[-1][0] - site.asked[0][0] >= 0.2 * 7 - 0.4
    assert all("tapemill" in headers["User-Agent"] for _, _, headers in site.asked)
    folder = tapemill.lake / "downloads/nse/full"
    assert not list(folder.glob("*.csv"))  # landing has them
    # Again: what came is not asked for, what did not is.
    before = len(site.asked)
    site.files |= {PATH("05"): full("05-Mar-2024", 103), PATH("06"): full("06-Mar-2024", 104)}
    again = nse(tapemill, site, "full", "--start", "2024-03-01", "--end", "2024-03-08", "--pace", "0")
    assert [path for _, path, _ in site.asked[before:]] == [PATH("05"), PATH("06"), PATH("07")]
    assert counts(again) == {"ok": 2, "unchanged": 3, "missing": 1}
    # And all of them on request: a file that changed is a restated day.
    site.files[PATH("01")] = full("01-Mar-2024", 99)
    anew = json.loads(nse(tapemill, site, "full", "--start", "2024-03-01", "--end", "2024-03-01", "--again").stdout)
    assert anew["restated"] or anew["rows_stored"] == 1
    query = tapemill("query", "select close from nse_cash where session = date '2024-03-01'", "--json").stdout
    assert json.loads(query)["rows"] == [[99.0]]


def test_throttling_is_no_missing_day(tapemill, site):
    site.files[PATH("01")] = 429
    done = nse(tapemill, site, "full", "--start", "2024-03-01", "--end", "2024-03-01", "--pace", "0", code=3)
    outcome, why = absent(done)[NAME("01")]
    assert outcome == "failed" and why.startswith("throttled: the site answered 429 6 times")
    waits = [after[0] - before[0] for before, after in zip(site.asked, site.asked[1:], strict=False)]
    assert len(waits) == 5 and all(0.12 * 2**n <= wait <= 0.25 * 2**n + 0.5 for n, wait in enumerate(waits)), waits


def test_a_run_that_was_cut_off_goes_on(tapemill, site):
    days = ["01", "02", "04", "05", "06", "07"]
    site.files |= {PATH(day): full(f"{day}-Mar-2024", 100) for day in days}
    arguments = ["download", "nse", "full", "--start", "2024-03-01", "--end", "2024-03-07", "--archive", site.url, "--site", site.url]
    with subprocess.Popen([PROGRAM, *arguments, "--pace", "0.3"], env=tapemill.env, cwd=tapemill.folder,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as cut:
        while len(site.asked) < 3:
            time.sleep(0.01)
        cut.send_signal(signal.SIGINT)
        assert "interrupted" in cut.communicate(timeout=20)[1].decode()
    asked = len(site.asked)
    assert asked < len(days)
    tapemill(*arguments, "--pace", "0")
    assert len(site.asked) <= len(days) + 1  # the one that was under way
    assert json.loads(tapemill("query", "select count(*) n from nse_cash", "--json").stdout)["rows"] == [[6]]


def test_a_refused_file_is_asked_for_again(tapemill, site):
    site.files[PATH("01")] = b"no,such,columns\n1,2,3\n"
    arguments = ["full", "--start", "2024-03-01", "--end", "2024-03-01", "--pace", "0"]
    nse(tapemill, site, *arguments, code=1)
    stays = tapemill.lake / "downloads/nse/full" / NAME("01")
    assert stays.exists()
    stays.unlink()
    site.files[PATH("01")] = full("01-Mar-2024", 100)
    assert json.loads(nse(tapemill, site, *arguments).stdout)["rows_stored"] == 1


def test_forms_by_date(tapemill, site):
    nse(tapemill, site, "cash", "--start", "2024-07-05", "--end", "2024-07-08", "--pace", "0", "--no-ingest")
    nse(tapemill, site, "fo", "--start", "2024-07-05", "--end", "2024-07-08", "--pace", "0", "--no-ingest")
    nse(tapemill, site, "index", "--start", "2024-07-08", "--end", "2024-07-08", "--pace", "0", "--no-ingest")
    assert [path for _, path, _ in site.asked] == [
        "/content/historical/EQUITIES/2024/JUL/cm05JUL2024bhav.csv.zip", "/content/cm/BhavCopy_NSE_CM_0_0_0_20240708_F_0000.csv.zip",
        "/content/historical/DERIVATIVES/2024/JUL/fo05JUL2024bhav.csv.zip", "/content/fo/BhavCopy_NSE_FO_0_0_0_20240708_F_0000.csv.zip",
        "/content/indices/ind_close_all_08072024.csv"]
    wrong = nse(tapemill, site, "cahs", "--start", "2024-07-05", code=2).stderr
    assert "cash|full|fo|index|actions|holidays" in wrong
    assert "no session" in nse(tapemill, site, "cash", "--start", "2024-07-06", "--end", "2024-07-07", code=2).stderr
    assert "--start" in nse(tapemill, site, "cash", code=2).stderr


def test_the_site_gives_cookies_and_wants_them(tapemill, site):
    site.files["/api/corporates-corporateActions"] = json.dumps([action("X", "Bonus 1:1", "28-Oct-2024")]).encode()
    done = nse(tapemill, site, "actions", "--start", "2024-10-01", "--end", "2024-10-31", "--pace", "0", "--folder", "kept")
    assert counts(done) == {"ok": 1}
    assert json.loads(done.stdout)["rows_stored"] == 1
    assert "from_date=01-10-2024&to_date=31-10-2024" in site.asked[-1][1]
    assert "kind=stand-in" in site.asked[-1][2]["Cookie"]
    assert site.asked[-1][2]["Referer"].startswith(site.url)
    assert (tapemill.folder / "kept/CF-CA-2024-10.json").exists()  # a folder of one's own is left as it is


def test_cookies_that_wear_out_are_renewed(tapemill, site):
    site.files["/api/corporates-corporateActions"] = [401, json.dumps([action("X", "Bonus 1:1", "28-Oct-2024")]).encode()]
    done = nse(tapemill, site, "actions", "--start", "2024-10-01", "--end", "2024-11-15", "--pace", "0")
    assert counts(done) == {"ok": 2}
    assert site.visits == 2
    assert (tapemill.lake / "downloads/nse/actions/CF-CA-2024-11-01-to-2024-11-15.json.fetched").exists()  # a month that is not over


def test_holidays_for_calendar_check(tapemill, site):
    day = {"tradingDate": "26-Jan-2024", "weekDay": "Friday", "description": "Republic Day"}
    site.files["/api/holiday-master"] = json.dumps({"CM": [day], "FO": [day]}).encode()
    done = tapemill("download", "nse", "holidays", "--archive", site.url, "--site", site.url, "--pace", "0")
    path = done.stdout.split("tapemill calendar check ")[1].split()[0]
    assert "2024-01-26" in tapemill("calendar", "check", path).stdout


def chart(symbol, days):
    at = [1739889000 + 86400 * n for n in range(days)]  # from 2025-02-18 on, at the open
    prices = [244.14999389648438 + n for n in range(days)]
    return json.dumps({"chart": {"result": [{
        "meta": {"symbol": symbol, "currency": "USD", "exchangeTimezoneName": "America/New_York"}, "timestamp": at,
        "indicators": {"quote": [{"open": prices, "high": prices, "low": prices, "close": prices, "volume": [48769700] * days}]},
        "events": {"dividends": {"1739197800": {"amount": 0.25, "date": 1739197800}}}}], "error": None}}).encode()


def test_yahoo(tapemill, site):
    def yahoo(*arguments, code=0):
        return json.loads(tapemill("download", "yahoo", *arguments, "--pace", "0", "--site", site.url, "--json", code=code).stdout)

    site.files |= {"/v8/finance/chart/AAPL": chart("AAPL", 2), "/v8/finance/chart/RELIANCE.NS": chart("RELIANCE.NS", 1)}
    report = yahoo("NOSUCH", "AAPL", "RELIANCE.NS", "--start", "2025-02-10", "--end", "2025-02-19")
    came = report["yahoo_daily"]["deliveries"][0]
    assert (came["ok"], came["missing"], came["absent"][0]["key"]) == (1, 1, "NOSUCH.json")
    assert report["yahoo_daily"]["rows_stored"] == 2
    assert report["us_corporate_actions"]["rows_stored"] == 1
    assert report["not_ingested"]["deliveries"][0]["ok"] == 1
    assert "period1=1739145600&period2=1740009600" in site.asked[1][1]
    # Two days later: the same symbol, more rows; the file restates the symbol. The same range once more is not asked for.
    site.files["/v8/finance/chart/AAPL"] = chart("AAPL", 4)
    later = yahoo("AAPL", "--start", "2025-02-10", "--end", "2025-02-21")
    assert later["yahoo_daily"]["rows_stored"] == 4
    assert json.loads(tapemill("query", "select count(*) n from yahoo_daily", "--json").stdout)["rows"] == [[4]]
    before = len(site.asked)
    yahoo("AAPL", "--start", "2025-02-10", "--end", "2025-02-21")
    assert len(site.asked) == before
