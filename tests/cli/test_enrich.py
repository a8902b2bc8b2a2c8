"""Reference data beside rows, as users ask for it."""
import json

REFERENCE = """symbol,valid_from,valid_to,known_from,sector,industry,market_cap,float_shares
T000,2020-01-01,2024-01-02,2020-01-02,Energy,Oil,1000.50,7
T000,2024-01-03,,2024-01-03,Utilities,Gas,2000.00,8
"""


def test_show_enriched(tapemill):
    from program import DAYS, day
    for date, start in DAYS.items():
        (tapemill.folder / f"{date}.csv").write_text(day(date, start, good=2, bad=0))
    tapemill("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    refused = tapemill("show", "stocks_daily", "--enrich", "sector", code=2)
    assert "tapemill ingest us_instrument_reference" in refused.stderr
    (tapemill.folder / "reference.csv").write_text(REFERENCE)
    tapemill("ingest", "us_instrument_reference", "reference.csv")
    done = tapemill("show", "stocks_daily", "--columns", "session,close", "--enrich", "sector,market_cap", "--json")
    document = json.loads(done.stdout)
    assert [one["name"] for one in document["columns"]] == ["session", "close", "sector", "market_cap"]
    assert [row[2] for row in document["rows"]] == ["Energy", "Utilities", "Utilities", None, None, None]
    assert document["enriched"] == {"reference": "bronze.us_instrument_reference", "reference_version": 1,
                                    "unknown": {"sector": 3, "market_cap": 3}}
    assert "3 rows without sector" in done.stderr
    alone = tapemill("show", "stocks_daily", "--symbols", "T000", "--enrich", "industry")
    assert "without" not in alone.stderr and "Oil" in alone.stdout
    assert "--enrich" in tapemill("show", "stocks_daily", "--reference", "us_instrument_reference", code=2).stderr


def test_the_same_in_sql(tapemill):
    """The statement of docs/formats/enrichment.md."""
    from program import DAYS, ROOT, day
    page = (ROOT / "docs" / "formats" / "enrichment.md").read_text()
    statement = page.split("```sql\n")[1].split("```")[0].replace("sp500", "stocks_daily").replace("2018-02-08", "2024-01-05")
    for date, start in DAYS.items():
        (tapemill.folder / f"{date}.csv").write_text(day(date, start, good=2, bad=0))
    tapemill("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    (tapemill.folder / "reference.csv").write_text(REFERENCE)
    tapemill("ingest", "us_instrument_reference", "reference.csv")
    rows = json.loads(tapemill("query", f"select symbol, sector from ({statement}) order by symbol, session", "--json").stdout)["rows"]
    assert [row[1] for row in rows] == ["Energy", "Utilities", "Utilities", None, None, None]
