"""Corporate actions, contracts and holidays as users meet them."""
import json
import os
import pathlib

import pytest

SHARED = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA") or pathlib.Path(__file__).resolve().parents[2] / "../shared/data")
FULL = ("SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, TTL_TRD_QNTY, "
        "TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n")


def bars(folder, day, **closes):
    text = FULL + "".join(f"{symbol}, EQ, {day}, {c}, {c}, {c}, {c}, {c}, {c}, {c}, 1000, 1, 1, 1, 100\n" for symbol, c in closes.items())
    (folder / f"{day}.csv").write_text(text)
    return f"{day}.csv"


def action(symbol, subject, ex, announced=None):
    return {"symbol": symbol, "series": "EQ", "faceVal": "10", "subject": subject, "exDate": ex, "recDate": ex, "comp": symbol,
            "isin": "INE002A01018", "caBroadcastDate": announced}


@pytest.fixture
def market(tapemill):
    """RELIANCE around its bonus, with its real closes, and a company without any action."""
    days = [bars(tapemill.folder, "25-Oct-2024", RELIANCE="2655.70", TCS="4057.55"),
            bars(tapemill.folder, "28-Oct-2024", RELIANCE="1334.35", TCS="4090.85")]
    tapemill("ingest", "nse_cash", *days)
    actions = [action("RELIANCE", "Bonus 1:1", "28-Oct-2024", "16-Oct-2024"), action("TCS", "Demerger", "28-Oct-2024")]
    (tapemill.folder / "CF-CA-2024-10.json").write_text(json.dumps(actions))
    return tapemill


def shown(tapemill, *arguments):
    document = json.loads(tapemill("show", "nse_cash", "--json", *arguments).stdout)
    names = [column["name"] for column in document["columns"]]
    return [dict(zip(names, row, strict=True)) for row in document["rows"]]


def test_adjusted_needs_actions(market):
    refused = market("show", "nse_cash", "--adjusted", code=2)
    assert "no corporate actions of exchange NSE" in refused.stderr
    assert "tapemill ingest corporate_actions" in refused.stderr
    assert "--adjusted" in market("show", "nse_cash", "--dividends", code=2).stderr


def test_adjusted_as_known(market):
    report = json.loads(market("ingest", "corporate_actions", "CF-CA-2024-10.json", "--json").stdout)
    assert (report["rows_in"], report["rows_stored"], report["rows_quarantined"]) == (2, 1, 1)
    assert "DEMERGER" in market("quarantine", "list", "corporate_actions").stdout
    now = shown(market, "--adjusted", "--symbols", "RELIANCE,TCS")
    assert [(row["symbol"], row["close"], row["adjustment"]) for row in now] == [
        ("RELIANCE", 1327.85, "adjusted"), ("RELIANCE", 1334.35, "adjusted"), ("TCS", 4057.55, "unadjusted"), ("TCS", 4090.85, "unadjusted")]
    then = shown(market, "--adjusted", "--symbols", "RELIANCE", "--known-at", "2024-10-27")
    assert [(row["close"], row["adjustment"]) for row in then] == [(2655.7, "unadjusted")]
    text = market("show", "nse_cash", "--adjusted", "--symbols", "RELIANCE,TCS").stdout
    assert "adjusted, but unadjusted: TCS" in text
    assert "unadjusted" in market("show", "nse_cash", "--symbols", "RELIANCE").stdout
    assert [row["close"] for row in shown(market, "--symbols", "RELIANCE")] == [2655.7, 1334.35]  # nothing was written over


def test_an_adjusted_chart_says_so(market):
    market("ingest", "corporate_actions", "CF-CA-2024-10.json")
    for symbol, label in (("RELIANCE", "· adjusted"), ("TCS", "unadjusted: no action of it in effect")):
        market("chart", symbol, "--adjusted", "--out", "page.html")
        assert label in (market.folder / "page.html").read_text()


def test_contracts(tapemill):
    if not (SHARED / "nse_fo_udiff").exists():
        pytest.skip("no ../shared/data: NSE's contracts are NOT tested")
    tapemill("ingest", "nse_fo", SHARED / "nse_fo_udiff")
    expiries = json.loads(tapemill("contracts", "--symbols", "NIFTY,BANKNIFTY", "--json").stdout)
    assert expiries["session"] == "2025-01-02"
    by = {(row["symbol"], row["expiry"]): row for row in expiries["expiries"]}
    assert by["NIFTY", "2025-01-09"]["lot_size"] == 75
    assert by["NIFTY", "2025-01-09"]["common_step"] == 50
    assert by["NIFTY", "2025-01-30"]["lot_size"] == 25
    assert by["NIFTY", "2025-01-30"]["expiry_kind"] == "monthly"
    assert by["BANKNIFTY", "2025-01-30"]["lot_size"] == 15
    assert by["BANKNIFTY", "2025-02-27"]["lot_size"] == 30
    for name, rule in (("BANKNIFTY25JAN51000CE", "own name"), ("banknifty30jan2551000ce", "dated"), ("NIFTY2510924000CE", "own name")):
        found = json.loads(tapemill("contracts", name, "--json").stdout)
        assert len(found["contracts"]) == 1 and rule in found["rule"], found
    assert "in no file" in tapemill("contracts", "NIFTY25JAN11CE", code=2).stderr
    changes = json.loads(tapemill("contracts", "--changes", "--json").stdout)["changes"]
    moved = [row for row in changes if row["instrument_id"] == "NSE:39427"]
    assert moved == [{"instrument_id": "NSE:39427", "contract": moved[0]["contract"], "session": "2025-01-02", "what": "expiry",
                      "before": "2025-01-29", "after": "2025-01-30"}]
    rows = json.loads(tapemill("query", "select count(*) n from contracts", "--json").stdout)["rows"]
    assert rows == [[66145]]


def test_holidays(tapemill):
    real = SHARED / "feeds/holidays.json"
    if real.exists():
        assert json.loads(tapemill("calendar", "check", real, "--json").stdout)["disagree"] == 0
    (tapemill.folder / "wrong.json").write_text(json.dumps({"CM": [{"tradingDate": "28-Oct-2024", "description": "a day of bonuses"}], "FO": []}))
    told = tapemill("calendar", "check", "wrong.json", code=1)
    assert "the calendar trades" in told.stdout
    assert "1 day" in told.stderr
    (tapemill.folder / "muhurat.json").write_text(json.dumps({"CM": [{"tradingDate": "01-Nov-2024", "description": "Diwali"}], "FO": []}))
    assert "special session" in tapemill("calendar", "check", "muhurat.json").stdout
