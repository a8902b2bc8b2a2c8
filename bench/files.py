"""Files of the other ingest ids, generated, and how Polars and DuckDB read them. run.py sets their threads before this is read."""
import datetime
import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
THREADS = 2
UDIFF = ["TradDt", "FinInstrmTp", "FinInstrmId", "TckrSymb", "XpryDt", "FininstrmActlXpryDt", "StrkPric", "OptnTp", "FinInstrmNm", "OpnPric",
         "HghPric", "LwPric", "ClsPric", "LastPric", "PrvsClsgPric", "UndrlygPric", "SttlmPric", "OpnIntrst", "ChngInOpnIntrst", "TtlTradgVol",
         "TtlTrfVal", "TtlNbOfTxsExctd", "NewBrdLotQty"]  # what ours keeps of the 34
UDIFF_SORT = ["TckrSymb", "XpryDt", "StrkPric", "OptnTp", "FinInstrmId", "TradDt"]
UDIFF_NAMES = {"TradDt": "session", "TckrSymb": "symbol", "StrkPric": "strike", "OpnPric": "open", "HghPric": "high", "LwPric": "low",
               "ClsPric": "close", "SttlmPric": "settlement", "TtlTrfVal": "turnover", "OpnIntrst": "open_interest", "TtlNbOfTxsExctd": "trades",
               "FinInstrmNm": "contract"}  # compared
CSV_SORT = ["symbol", "date"]


def sessions(count: int) -> list:
    closed = set(re.findall(r"- \{date: (\d{4}-\d\d-\d\d)", (ROOT / "calendars" / "nse_fo.yaml").read_text()))
    day, days = datetime.date(2025, 1, 1), []
    while len(days) < count:
        if day.weekday() < 5 and str(day) not in closed:
            days.append(day)
        day += datetime.timedelta(days=1)
    return days


def udiff_day(day: datetime.date, number: int, rows: int) -> pl.DataFrame:
    """Contracts of made-up underlyings: the columns, blanks and digits of NSE's FO file; two rows of three without a trade."""
    i, text = pl.int_range(pl.len(), dtype=pl.Int64), pl.lit
    noise = ((i * 7919 + number * 104729) * 2654435761 % 1000003).alias("noise")
    frame = pl.DataFrame({"FinInstrmId": range(30000, 30000 + rows)}).with_columns(noise, (i // 165).alias("u"), (i % 165).alias("k"))
    noise, u, k = pl.col("noise"), pl.col("u"), pl.col("k")
    traded, close = noise % 3 == 0, (noise % 90000 + 100) / 20
    strike, expiry = (k // 2 * 50 + 500).cast(pl.Float64), pl.lit(datetime.date(2025, 6, 26))
    price = lambda off: pl.when(traded).then(close + off).otherwise(0.0)  # noqa: E731
    kind = pl.when(k % 2 == 0).then(text("CE")).otherwise(text("PE"))
    symbol = pl.format("UND{}", u.cast(pl.String).str.zfill(3))
    return frame.select(
        TradDt=text(day), BizDt=text(day), Sgmt=text("FO"), Src=text("NSE"), FinInstrmTp=text("STO"), FinInstrmId="FinInstrmId", ISIN=text(""), TckrSymb=symbol,
        SctySrs=text(""), XpryDt=expiry, FininstrmActlXpryDt=expiry, StrkPric=strike, OptnTp=kind,
        FinInstrmNm=pl.format("{}25JUN{}{}", symbol, k // 2 * 50 + 500, kind), OpnPric=price(0.05), HghPric=price(0.5), LwPric=price(-0.45), ClsPric=close,
        LastPric=price(0.0), PrvsClsgPric=close + 0.1, UndrlygPric=(u * 10 + 1000) / 1.0, SttlmPric=close, OpnIntrst=noise * 75,
        ChngInOpnIntrst=noise % 999 - 500, TtlTradgVol=pl.when(traded).then(noise % 7000 + 1).otherwise(0),
        TtlTrfVal=pl.when(traded).then((noise % 7000 + 1) * 75 * close).otherwise(0.0), TtlNbOfTxsExctd=pl.when(traded).then(noise % 800 + 1).otherwise(0),
        SsnId=text("F1"), NewBrdLotQty=text(75), Rmks=text(""), Rsvd1=text(""), Rsvd2=text(""), Rsvd3=text(""), Rsvd4=text(""))


def udiff(folder: Path, files: int, rows: int) -> list:
    paths = [folder / f"BhavCopy_NSE_FO_0_0_0_{day:%Y%m%d}_F_0000.csv.zip" for day in sessions(files)]
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        for number, (day, path) in enumerate(zip(sessions(files), paths)):
            text = udiff_day(day, number, rows).write_csv(float_precision=2, quote_style="never")
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(zipfile.ZipInfo(path.name[:-4], (2025, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return [str(path) for path in paths]


def generic(folder: Path, files: int, rows: int, symbols: int = 2000) -> list:
    """Plain CSV as anybody writes it: dates, a code, numbers, a word and a flag, by date."""
    paths = [folder / f"trades-{number:02}.csv" for number in range(files)]
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(paths):
            i = pl.int_range(pl.len(), dtype=pl.Int64) + number * rows
            noise = (i * 7919 + number * 104729) * 2654435761 % 1000003
            venue = pl.Series(["XNYS", "XNAS", "ARCX", "BATS", "IEXG"])
            frame = pl.DataFrame({"row": range(rows)}).select(
                date=pl.lit(datetime.date(2015, 1, 5)) + pl.duration(days=i // symbols), symbol=pl.format("S{}", (i % symbols).cast(pl.String).str.zfill(4)),
                open=noise % 50000 / 100 + 5, high=noise % 50000 / 100 + 6, low=noise % 50000 / 100 + 4, close=noise % 50000 / 100 + 5.25, volume=noise * 100,
                trades=noise % 5000, venue=(noise % 5).replace_strict(range(5), venue), halted=noise % 97 == 0)
            frame.write_csv(path)
    return [str(path) for path in paths]


# UDiFF zips to one sorted Parquet file
def unzipped(paths: list) -> list:
    def one(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read(archive.infolist()[0])

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, paths))


def polars_udiff(paths: list, out: str) -> None:
    schema = {name: pl.Float64 for name in ("StrkPric", "OpnPric", "HghPric", "LwPric", "ClsPric", "LastPric", "PrvsClsgPric", "UndrlygPric", "SttlmPric", "TtlTrfVal")}
    schema |= {name: pl.Date for name in ("TradDt", "XpryDt", "FininstrmActlXpryDt")}
    schema |= {name: pl.Int64 for name in ("FinInstrmId", "OpnIntrst", "ChngInOpnIntrst", "TtlTradgVol", "TtlNbOfTxsExctd", "NewBrdLotQty")}
    frames = [pl.scan_csv(io.BytesIO(text), schema_overrides=schema).select(UDIFF) for text in unzipped(paths)]
    pl.concat(frames).sort(UDIFF_SORT).sink_parquet(out, compression="zstd", compression_level=3)


def duckdb_udiff(db, paths: list, out: str, folder: Path) -> None:
    """DuckDB reads no zip and no bytes of Python's at speed: unpacked to a folder in memory where there is one."""
    place = Path("/dev/shm") / "tapemill-bench" if Path("/dev/shm").is_dir() else folder
    place.mkdir(parents=True, exist_ok=True)
    files = [place / f"{number}.csv" for number in range(len(paths))]
    try:
        for file, text in zip(files, unzipped(paths)):
            file.write_bytes(text)
        db.execute(f"COPY (SELECT {', '.join(UDIFF)} FROM read_csv({[str(f) for f in files]}, header = true) ORDER BY {', '.join(UDIFF_SORT)})"
                   f" TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")
    finally:
        for file in files:
            file.unlink(missing_ok=True)


# plain CSV, types inferred, to one sorted Parquet file
def polars_csv(paths: list, out: str) -> None:
    pl.scan_csv(paths, try_parse_dates=True).sort(CSV_SORT).sink_parquet(out, compression="zstd", compression_level=3)


def duckdb_csv(db, paths: list, out: str) -> None:
    db.execute(f"COPY (SELECT * FROM read_csv({paths}) ORDER BY {', '.join(CSV_SORT)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")
