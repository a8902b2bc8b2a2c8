"""Polars and DuckDB at the same work, each in the fastest form known to us. run.py sets their threads before this is read."""
import datetime
from pathlib import Path

import duckdb
import polars as pl

NUMBERS = ["open", "high", "low", "close", "volume"]
CSV = {"ticker": pl.String, "volume": pl.Float64, "open": pl.Float64, "close": pl.Float64, "high": pl.Float64, "low": pl.Float64,
       "window_start": pl.Int64, "transactions": pl.Int64}
CSV_DUCKDB = {"ticker": "VARCHAR", "volume": "DOUBLE", "open": "DOUBLE", "close": "DOUBLE", "high": "DOUBLE", "low": "DOUBLE",
              "window_start": "BIGINT", "transactions": "BIGINT"}


def shell() -> str:
    """DuckDB's own program out of PyPI's duckdb-cli, without Python's start in front of it."""
    import duckdb_cli

    program = Path(duckdb_cli.__file__).with_name("duckdb")
    program.chmod(program.stat().st_mode | 0o111)
    return str(program)


def connection(threads: int) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": threads})


# .csv.gz to one sorted Parquet file
def polars_ingest(paths: list, out: str) -> None:
    time = pl.from_epoch(pl.col("window_start") // 1000, "us").alias("time")
    (pl.scan_csv(paths, schema=CSV).with_columns(time).drop("window_start").sort("ticker", "time")
     .sink_parquet(out, compression="zstd", compression_level=3))


def duckdb_ingest(db, paths: list, out: str) -> None:
    db.execute(f"COPY (SELECT * EXCLUDE window_start, make_timestamp(window_start // 1000) AS time"
               f" FROM read_csv({paths}, columns = {CSV_DUCKDB}, header = true, auto_detect = false) ORDER BY ticker, time)"
               f" TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")


# small files of a Delta table joined
def deltalake_compact(table: str) -> None:
    import deltalake  # for this id alone

    deltalake.DeltaTable(table).optimize.compact(target_size=256 << 20, writer_properties=deltalake.WriterProperties(compression="ZSTD", compression_level=3))


def delta_files(table: str) -> list:
    import deltalake

    return [path.removeprefix("file://") for path in deltalake.DeltaTable(table).file_uris()]


# every number of the table in memory
def polars_scan(paths: list) -> pl.DataFrame:
    return pl.scan_parquet(paths, hive_partitioning=False).select(NUMBERS).collect()


def duckdb_scan(db, paths: list):
    return db.sql(f"SELECT {', '.join(NUMBERS)} FROM read_parquet({paths}, hive_partitioning = false)").to_arrow_table()


# one symbol, from a day to a day, out of the file that the peer wrote itself
def polars_range(path: str, symbol: str, start, end) -> pl.DataFrame:
    wanted = (pl.col("ticker") == symbol) & (pl.col("time") >= start) & (pl.col("time") < end + datetime.timedelta(days=1))
    return pl.scan_parquet(path).filter(wanted).select("time", *NUMBERS).sort("time").collect()


def duckdb_range_sql(path: str, symbol: str, start, end) -> str:
    return (f"SELECT time, {', '.join(NUMBERS)} FROM read_parquet('{path}') WHERE ticker = '{symbol}'"
            f" AND time >= '{start}' AND time < '{end + datetime.timedelta(days=1)}' ORDER BY time")


def duckdb_range(db, path: str, symbol: str, start, end):
    return db.sql(duckdb_range_sql(path, symbol, start, end)).to_arrow_table()


# a figure or two per symbol over everything
AGGREGATE = "SELECT {symbol} AS symbol, count(*) AS n, sum(volume) AS volume, max(high) AS high, min(low) AS low FROM {table} GROUP BY 1 ORDER BY 1"


def duckdb_aggregate(db, path: str):
    return db.sql(AGGREGATE.format(symbol="ticker", table=f"read_parquet('{path}')")).to_arrow_table()


# ours by name, and the same for Polars below
SUITE = {
    "sma": "sma(close, period=20)",
    "ema": "ema(close, period=12, seed=first)",
    "rsi": "rsi(close, period=14, smoothing=span)",
    "macd": "macd(close, seed=first, output=line)",
    "macd_signal": "macd(close, seed=first, output=signal)",
    "macd_histogram": "macd(close, seed=first, output=histogram)",
    "bb_upper": "bb(close, period=20, ddof=1, output=upper)",
    "bb_middle": "bb(close, period=20, ddof=1, output=middle)",
    "bb_lower": "bb(close, period=20, ddof=1, output=lower)",
    "atr": "atr(period=14, smoothing=span)",
    "vwap": "vwap()",
    "obv": "obv(close, volume)",
    "stoch_k": "stoch(fast_k=5, slow_k=3, slow_d=3, output=k)",
    "stoch_d": "stoch(fast_k=5, slow_k=3, slow_d=3, output=d)",
}


def polars_suite(bars: pl.DataFrame) -> pl.DataFrame:
    """Three steps, so that what several columns need is computed once; one group per symbol, shared by the expressions."""
    high, low, close, volume = (pl.col(name) for name in ("high", "low", "close", "volume"))
    last, change = close.shift(1), close.diff()

    def ewm(x, span):
        return x.ewm_mean(span=span, adjust=False, ignore_nulls=True)

    def each(**columns):
        return [x.over("symbol").alias(name) for name, x in columns.items()]

    true_range = pl.when(last.is_not_null()).then(pl.max_horizontal(high - low, (high - last).abs(), (low - last).abs()))
    lowest, highest = low.rolling_min(5), high.rolling_max(5)
    fast = pl.when(highest.is_null()).then(None).when(highest > lowest).then(100 * (close - lowest) / (highest - lowest)).otherwise(0.0)
    vwap = ((high + low + close) / 3 * volume).cum_sum() / volume.cum_sum()
    rises, falls, line, middle, spread = (pl.col(name) for name in ("rises", "falls", "macd", "bb_middle", "spread"))
    return (bars.lazy()
            .with_columns(*each(sma=close.rolling_mean(20), ema=ewm(close, 12), rises=ewm(change.clip(lower_bound=0), 14),
                                falls=ewm((-change).clip(lower_bound=0), 14), macd=ewm(close, 12) - ewm(close, 26),
                                bb_middle=close.rolling_mean(20), spread=2 * close.rolling_std(20, ddof=1), atr=ewm(true_range, 14),
                                obv=(change.sign().fill_null(1.0) * volume).cum_sum(), stoch_k=fast.rolling_mean(3)),
                          vwap.over("symbol", "session").alias("vwap"))
            .with_columns(*each(macd_signal=ewm(line, 9), stoch_d=pl.col("stoch_k").rolling_mean(3)))
            .select(*[name for name in SUITE if name not in ("rsi", "macd_histogram", "bb_upper", "bb_lower")],
                    (100 * rises / (rises + falls)).fill_nan(50.0).alias("rsi"), (line - pl.col("macd_signal")).alias("macd_histogram"),
                    (middle + spread).alias("bb_upper"), (middle - spread).alias("bb_lower"))
            .collect())
