"""Ratios to Polars and DuckDB: answers compared first, then timed in interleaved rounds. usage: run.py [--only id,id] [--quick]

Ids: ingest.minute, ingest.udiff, ingest.csv, scan.all, range.symbol, range.shell, cache.hit, suite.batch,
compact.small; of sizes bytes.minute, bytes.csv, memory.flat. Writes BUILD/bench.json; a ratio above 1 means ours is ahead.
Where answers differ nothing is timed: answers_equal is false and the exit status 1.
"""
import argparse
import datetime
import gzip
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

THREADS = 2
os.environ["POLARS_MAX_THREADS"] = str(THREADS)  # before Polars is loaded
import polars as pl  # noqa: E402

import files as made  # noqa: E402
import peers  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
TABLE = "stocks_minute"
KEY = ["symbol", "time"]
TOLERANCE = 1e-9  # relative; below 1 absolute, as differences of prices may be 0


class Different(Exception):
    pass


class Ours:
    """The child process that runs our side; it answers with the seconds of the work alone."""

    def __init__(self, program: Path, threads: int = THREADS):
        self.threads = threads
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, do: str, **arguments) -> dict:
        self.child.stdin.write(json.dumps({"do": do, "table": TABLE, "threads": self.threads} | arguments, default=str) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        answer = json.loads(line) if line else {"error": f"{self.child.args[0]} ended: status {self.child.wait()}"}
        if "error" in answer:
            sys.exit(f"error: {do}: {answer['error']}")
        return answer


def numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Decimals as doubles, times as microseconds, NaN as null: what can be compared."""
    frame = frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col(pl.Datetime).dt.epoch("us"))
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def compare(what: str, ours: pl.DataFrame, peer: pl.DataFrame, warm_up: bool = False) -> None:
    """Row by row and column by column. warm_up: bars that we leave null while an average fills are not compared."""
    if ours.height != peer.height or ours.height == 0:
        raise Different(f"{what}: {ours.height} rows, the peer {peer.height}")
    ours, peer = numbers(ours), numbers(peer)
    for name in ours.columns:
        a, b = ours[name], peer[name]
        if warm_up:
            known = a.is_not_null()
            if known.sum() * 2 < len(a):
                raise Different(f"{what}: {name} is null in most rows")
            a, b = a.filter(known), b.filter(known)
        if a.dtype == pl.Float64 or b.dtype == pl.Float64:
            pair = pl.DataFrame({"a": a.cast(pl.Float64), "b": b.cast(pl.Float64)})
            off = (pl.col("a") - pl.col("b")).abs() > TOLERANCE * pl.max_horizontal(pl.col("a").abs(), pl.col("b").abs(), pl.lit(1.0))
            wrong = pair.filter(off.fill_null(True) & ~(pl.col("a").is_null() & pl.col("b").is_null()))
        else:
            wrong = pl.DataFrame({"a": a, "b": b}).filter(pl.col("a").ne_missing(pl.col("b")))
        if wrong.height:
            raise Different(f"{what}: {name} differs in {wrong.height} of {len(a)} rows, first {wrong.row(0)}")


def seconds(work, *arguments) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


class Bench:
    def __init__(self, build: Path, quick: bool):
        self.build, self.quick = build, quick
        self.folder = build / "bench-data" / ("quick" if quick else "full")
        symbols, days = (20, 4) if quick else (300, 10)
        files = self.folder / "exchange"
        if not (files / "defects.json").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            print(f"bench: generating {symbols} symbols x {days} days of minute bars", flush=True)
            subprocess.run([build / "tapemill", "--quiet", "generate", files, "--symbols", str(max(symbols, 20)), "--years", "1",
                            "--minute-symbols", str(symbols), "--minute-days", str(days), "--chain-days", "0"], check=True)
        # Files without planted defects: ours would quarantine those rows, the peers keep them, and the answers could not be equal.
        defects = {one["file"] for one in json.loads((files / "defects.json").read_text())["defects"] if "file" in one}
        found = sorted(files.glob("drop1/us_stocks_sip/minute_aggs_v1/**/*.csv.gz"))
        self.csv = [str(path) for path in found if str(path.relative_to(files)) not in defects]
        self.ours = Ours(build / "tapemill-bench")
        self.db = peers.connection(THREADS)
        self.lake = str(self.folder / "lake")
        shutil.rmtree(self.lake, ignore_errors=True)  # made anew: a lake of an older program is not what is measured
        self.ingest()
        self.own = {name: str(self.folder / f"{name}.parquet") for name in ("polars", "duckdb")}  # each reads what it wrote
        if not all(os.path.exists(path) for path in self.own.values()):
            peers.polars_ingest(self.csv, self.own["polars"])
            peers.duckdb_ingest(self.db, self.csv, self.own["duckdb"])
        found = self.ours("parts", lake=self.lake, table=f"bronze.{TABLE}")  # silver is a view of it
        self.parts, self.rows, self.bytes = found["paths"], found["rows"], found["bytes"]

    def bars(self, paths: list, symbol: str = "symbol") -> pl.DataFrame:
        return numbers(pl.scan_parquet(paths, hive_partitioning=False).rename({symbol: "symbol"}).sort(KEY).collect())

    def ingest(self) -> float:
        shutil.rmtree(self.lake, ignore_errors=True)
        found = self.ours("ingest", dataset=TABLE, lake=self.lake, paths=self.csv)
        if found["refused"] or found["rows_quarantined"]:
            raise Different(f"ingest: {found['refused']} files refused, {found['rows_quarantined']} rows quarantined")
        return found["seconds"]

    def ingest_files(self, table: str, paths: list, **more) -> float:
        lake = str(self.folder / f"lake-{table}")
        shutil.rmtree(lake, ignore_errors=True)
        found = self.ours("ingest", dataset=table, lake=lake, paths=paths, **more)
        if found["refused"] or found["rows_quarantined"]:
            raise Different(f"{table}: {found['refused']} files refused, {found['rows_quarantined']} rows quarantined")
        return found["seconds"]

    def stored(self, table: str, names: list, by: list) -> pl.DataFrame:
        parts = self.ours("parts", lake=str(self.folder / f"lake-{table}"), table=f"bronze.{table}")["paths"]
        return numbers(pl.scan_parquet(parts, hive_partitioning=False).select(names).sort(by).collect())

    # Each returns ours, and the peers by name, as things to time; answers have been compared by then.
    def ingest_udiff(self):
        paths = made.udiff(self.folder / "udiff", *((4, 500) if self.quick else (60, 33_000)))
        out = {name: str(self.folder / f"udiff-{name}.parquet") for name in ("polars", "duckdb")}
        work = {"polars": lambda: made.polars_udiff(paths, out["polars"]),
                "duckdb": lambda: made.duckdb_udiff(self.db, paths, out["duckdb"], self.folder / "udiff")}
        self.ingest_files("nse_fo", paths)
        by = ["contract", "session"]
        mine = self.stored("nse_fo", list(made.UDIFF_NAMES.values()), by)
        for name, do in work.items():
            do()
            theirs = pl.read_parquet(out[name], columns=list(made.UDIFF_NAMES)).rename(made.UDIFF_NAMES)
            compare(f"udiff by {name}", mine, numbers(theirs.select(mine.columns).sort(by)))
        return lambda: self.ingest_files("nse_fo", paths), {name: lambda w=w: seconds(w) for name, w in work.items()}

    def ingest_csv(self):
        paths = made.generic(self.folder / "generic", *((2, 500) if self.quick else (8, 250_000)))
        out = {name: str(self.folder / f"generic-{name}.parquet") for name in ("polars", "duckdb")}
        work = {"polars": lambda: made.polars_csv(paths, out["polars"]), "duckdb": lambda: made.duckdb_csv(self.db, paths, out["duckdb"])}
        spec = str(self.folder / "generic.yaml")
        self.ingest_files("generic", paths, infer=spec)
        by = ["symbol", "session"]
        names = [*by, "open", "high", "low", "close", "volume", "trades", "venue", "halted"]
        mine = self.stored("generic", names, by)
        for name, do in work.items():
            do()
            compare(f"csv by {name}", mine, numbers(pl.read_parquet(out[name]).rename({"date": "session"}).select(names).sort(by)))
        return lambda: self.ingest_files("generic", paths, infer=spec), {name: lambda w=w: seconds(w) for name, w in work.items()}

    def ingest_minute(self):
        out = {name: str(self.folder / f"{name}.parquet") for name in ("polars", "duckdb")}
        work = {"polars": lambda: peers.polars_ingest(self.csv, out["polars"]),
                "duckdb": lambda: peers.duckdb_ingest(self.db, self.csv, out["duckdb"])}
        columns = [*KEY, *peers.NUMBERS, "transactions"]
        mine = self.bars(self.parts).select(columns)
        for name in work:
            work[name]()
            compare(f"ingest by {name}", mine, self.bars([out[name]], "ticker").select(columns))
        return self.ingest, {name: lambda w=w: seconds(w) for name, w in work.items()}

    def scan_all(self):
        out = str(self.folder / "scan.arrow")
        self.ours("scan", lake=self.lake, columns=peers.NUMBERS, out=out)
        mine = numbers(pl.read_ipc(out))
        work = {"polars": lambda: peers.polars_scan([self.own["polars"]]), "duckdb": lambda: peers.duckdb_scan(self.db, [self.own["duckdb"]])}
        for name, w in work.items():  # they promise no order: sorted by value for the comparison
            peer = numbers(pl.DataFrame(w()))
            compare(f"scan by {name}", mine.sort(peers.NUMBERS), peer.sort(peers.NUMBERS))
        return (lambda: self.ours("scan", lake=self.lake, columns=peers.NUMBERS)["seconds"],
                {name: lambda w=w: seconds(w) for name, w in work.items()})

    def one_symbol(self):
        """A symbol in the middle, its second to fourth session."""
        found = pl.scan_parquet(self.parts, hive_partitioning=False)
        symbols = found.select(pl.col("symbol").unique().sort()).collect()["symbol"].to_list()
        sessions = found.select(pl.col("session").unique().sort()).collect()["session"].to_list()
        return symbols[len(symbols) // 2], sessions[1], sessions[min(3, len(sessions) - 1)]

    def range_symbol(self):
        symbol, start, end = self.one_symbol()
        wanted = dict(lake=self.lake, columns=["time", *peers.NUMBERS], symbols=[symbol], start=start, end=end)
        out = str(self.folder / "range.arrow")
        self.ours("scan", **wanted, out=out)
        mine = pl.read_ipc(out)
        work = {"polars": lambda: peers.polars_range(self.own["polars"], symbol, start, end),
                "duckdb": lambda: peers.duckdb_range(self.db, self.own["duckdb"], symbol, start, end)}
        for name, w in work.items():
            compare(f"range by {name}", mine.select("time", *peers.NUMBERS), pl.DataFrame(w()))
        return lambda: self.ours("scan", **wanted)["seconds"], {name: lambda w=w: seconds(w) for name, w in work.items()}

    def range_shell(self):
        """The same as a command that prints its first forty rows, start of the program included."""
        symbol, start, end = self.one_symbol()
        columns = ["time", *peers.NUMBERS]
        mine = [str(self.build / "tapemill"), "show", TABLE, "--lake", self.lake, "--symbols", symbol, "--start", str(start), "--end", str(end),
                "--columns", ",".join(columns)]
        theirs = [peers.shell(), "-c", peers.duckdb_range_sql(self.own["duckdb"], symbol, start, end)]

        def rows(command: list) -> list:
            return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

        a = pl.DataFrame([[float(x) for x in row[1:]] for row in rows([*mine, "--json", "--limit", "0"])["rows"]], schema=peers.NUMBERS, orient="row")
        b = pl.DataFrame([[float(row[name]) for name in peers.NUMBERS] for row in rows([theirs[0], "-json", *theirs[1:]])],
                         schema=peers.NUMBERS, orient="row")
        compare("range by the shell", a, b)

        def run(command: list) -> None:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        return lambda: seconds(run, mine), {"duckdb-cli": lambda: seconds(run, theirs)}

    def cache_hit(self):
        """An aggregate that is in our cache already, against DuckDB computing it."""
        sql = peers.AGGREGATE.format(symbol="symbol", table=TABLE)
        out = str(self.folder / "cached.arrow")
        time.sleep(2.5)  # folders that changed a moment ago are looked at anew each time
        self.ours("cached", lake=self.lake, sql=sql)
        found = self.ours("cached", lake=self.lake, sql=sql, out=out)
        if not found["in_memory"]:
            raise Different("cache: the second answer did not come from memory")
        compare("cached aggregate", pl.read_ipc(out), pl.DataFrame(peers.duckdb_aggregate(self.db, self.own["duckdb"])))
        return (lambda: self.ours("cached", lake=self.lake, sql=sql)["seconds"],
                {"duckdb": lambda: seconds(peers.duckdb_aggregate, self.db, self.own["duckdb"])})

    def suite_batch(self):
        out = str(self.folder / "suite.arrow")
        self.ours("suite", lake=self.lake, expressions=peers.SUITE, out=out)
        mine = numbers(pl.read_ipc(out))
        bars = self.bars(self.parts).select(*KEY, "session", *peers.NUMBERS)
        compare("bars of the suite", mine.select(*KEY), bars.select(*KEY))
        compare("suite by polars", mine.select(list(peers.SUITE)), peers.polars_suite(bars), warm_up=True)
        print(f"bench: suite.batch compared {len(peers.SUITE)} columns after warm-up: {', '.join(peers.SUITE)}", flush=True)
        return (lambda: self.ours("suite", lake=self.lake, expressions=peers.SUITE)["seconds"],
                {"polars": lambda: seconds(peers.polars_suite, bars)})


    def compact_small(self):
        """Ten years of days, a file a session, in 120 partitions. Each round starts from a copy of the same table."""
        table, small = "bronze.stocks_daily", self.folder / "small"
        files = self.folder / "days"
        if not (files / "defects.json").exists():
            symbols, years = ("20", "1") if self.quick else ("500", "10")
            subprocess.run([self.build / "tapemill", "--quiet", "generate", files, "--symbols", symbols, "--years", years,
                            "--minute-symbols", "1", "--minute-days", "1", "--chain-days", "0"], check=True)
        if not (small / "made").exists():
            shutil.rmtree(small, ignore_errors=True)
            paths = sorted(str(path) for path in files.glob("drop1/us_stocks_sip/day_aggs_v1/**/*.csv.gz"))
            self.ours("ingest", dataset="stocks_daily", lake=str(small / "lake"), paths=paths)
            (small / "made").write_text("")
        copies = [0]

        def fresh() -> Path:  # another path each time: nothing of an earlier copy is remembered
            copies[0] += 1
            shutil.rmtree(self.folder / "copy", ignore_errors=True)
            to = self.folder / "copy" / str(copies[0])
            shutil.copytree(small / "lake" / "bronze", to / "bronze")
            return to

        def ours() -> float:
            return self.ours("compact", table=table, lake=str(fresh()))["seconds"]

        def theirs() -> float:
            return seconds(peers.deltalake_compact, str(fresh() / "bronze/stocks_daily"))

        def rows(lake: Path) -> pl.DataFrame:
            paths = peers.delta_files(str(lake / "bronze/stocks_daily"))
            return numbers(pl.scan_parquet(paths, hive_partitioning=False).sort("instrument_id", "session").collect())

        one, other = fresh(), rows(small / "lake")
        found = self.ours("compact", table=table, lake=str(one))
        compare("compaction, ours", rows(one), other)
        one = fresh()
        peers.deltalake_compact(str(one / "bronze/stocks_daily"))
        compare("compaction by deltalake", rows(one), other)
        print(f"bench: compact.small: {found['files_before']} files of {found['bytes_before'] / 1e6:.1f} MB to {found['files_after']} of "
              f"{found['bytes_after'] / 1e6:.1f} MB; by deltalake {len(peers.delta_files(str(one / 'bronze/stocks_daily')))}, "
              f"{sum(os.path.getsize(p) for p in peers.delta_files(str(one / 'bronze/stocks_daily'))) / 1e6:.1f} MB", flush=True)
        return ours, {"deltalake": theirs}

    # Of sizes: by name of what ours is compared with, bytes of ours and of it, and the most that ours may be of it.
    def compacted_minutes(self) -> int:
        lake = self.folder / "compacted"
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(self.lake, lake)
        before = self.bars(self.parts)
        self.ours("compact", table=f"bronze.{TABLE}", lake=str(lake))
        found = self.ours("parts", lake=str(lake), table=f"bronze.{TABLE}")
        compare("minute bars after compaction", self.bars(found["paths"]), before)
        return found["bytes"]

    def bytes_minute(self):
        out = str(self.folder / "polars.parquet")
        peers.polars_ingest(self.csv, out)
        columns = [*KEY, *peers.NUMBERS, "transactions"]
        compare("minute bars by polars", self.bars(self.parts).select(columns), self.bars([out], "ticker").select(columns))
        return {"polars zstd": (self.compacted_minutes(), os.path.getsize(out), 0.78)}

    def bytes_csv(self):
        ours, packed = self.compacted_minutes(), sum(os.path.getsize(path) for path in self.csv)
        raw = sum(len(gzip.decompress(Path(path).read_bytes())) for path in self.csv)
        return {"csv": (ours, raw, 0.20), "csv.gz": (ours, packed, 0.65)}

    def memory_flat(self):
        """Peak memory of the command that takes in one file, and one twenty times as long, under one ceiling."""
        rows, ceiling = 20_000 if self.quick else 400_000, "96MB"
        spec, peaks = str(self.folder / "flat.yaml"), []
        for times in (1, 20):
            path = made.generic(self.folder / f"flat{times}", 1, rows * times, symbols=4000)[0]
            lake = self.folder / "lake-flat"
            shutil.rmtree(lake, ignore_errors=True)
            if times == 1:
                Path(spec).unlink(missing_ok=True)
                subprocess.run([self.build / "tapemill", "--quiet", "infer", path, "--table", "flat", "--out", spec], check=True, stdout=subprocess.DEVNULL)
            # By a small process between: what a child has at most is counted from its parent's size on.
            small = ("import os, sys; child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); _, status, used = os.wait4(child, 0);"
                     "print(used.ru_maxrss, file=sys.stderr); sys.exit(os.waitstatus_to_exitcode(status))")
            done = subprocess.run([sys.executable, "-S", "-c", small, str(self.build / "tapemill"), "--quiet", "ingest", spec, path, "--lake", str(lake),
                                   "--memory", ceiling, "--threads", str(THREADS), "--json"], capture_output=True, text=True)
            stored = json.loads(done.stdout)["rows_stored"] if done.returncode == 0 else 0
            if stored != rows * times:
                raise Different(f"memory.flat: status {done.returncode}, {stored} of {rows * times} rows stored: {done.stderr}")
            peaks.append(int(done.stderr.split()[-1]) << 10)
        return {f"a twentieth, {ceiling}": (peaks[1], peaks[0], 1.10)}


IDS = {"ingest.minute": Bench.ingest_minute, "ingest.udiff": Bench.ingest_udiff, "ingest.csv": Bench.ingest_csv, "scan.all": Bench.scan_all, "range.symbol": Bench.range_symbol, "range.shell": Bench.range_shell,
       "cache.hit": Bench.cache_hit, "suite.batch": Bench.suite_batch, "compact.small": Bench.compact_small}
SIZES = {"bytes.minute": Bench.bytes_minute, "bytes.csv": Bench.bytes_csv, "memory.flat": Bench.memory_flat}
FLOORS = {"ingest.minute": (2.5, 4), "ingest.udiff": (3, 6), "ingest.csv": (1.2, 2), "scan.all": (3, 5), "range.symbol": (20, 40), "range.shell": (2, 4), "cache.hit": (100, None), "compact.small": (2, 4)}  # ratio: floor, aim
VERSIONS = {"polars": pl.__version__, "duckdb": peers.duckdb.__version__, "duckdb-cli": importlib.metadata.version("duckdb-cli"),
            "deltalake": importlib.metadata.version("deltalake")}


def measure(bench: Bench, name: str, rounds: int) -> list:
    row = {"id": name, "peer": None, "peer_version": None, "threads": THREADS, "rounds": rounds, "ours_median_s": None,
           "peer_median_s": None, "ratio": None, "floor": FLOORS.get(name, (None, None))[0], "aim": FLOORS.get(name, (None, None))[1],
           "answers_equal": False}
    try:
        ours, others = IDS[name](bench)
    except Different as different:
        print(f"bench: {name}: answers differ, nothing is timed: {different}", file=sys.stderr, flush=True)
        return [row]
    mine, theirs = [], {peer: [] for peer in others}
    for _ in range(rounds):
        mine.append(ours())
        for peer, work in others.items():
            theirs[peer].append(work())
    ours_median = statistics.median(mine)
    return [{**row, "peer": peer, "peer_version": VERSIONS[peer], "ours_median_s": ours_median,
             "peer_median_s": statistics.median(times), "ratio": statistics.median(times) / ours_median, "answers_equal": True}
            for peer, times in theirs.items()]


def weigh(bench: Bench, name: str) -> list:
    """Bytes instead of seconds; a ratio below the floor is what is wanted."""
    row = {"id": name, "peer": None, "ours_bytes": None, "peer_bytes": None, "ratio": None, "floor": None, "answers_equal": False}
    try:
        found = SIZES[name](bench)
    except Different as different:
        print(f"bench: {name}: answers differ, nothing is weighed: {different}", file=sys.stderr, flush=True)
        return [row]
    return [{**row, "peer": peer, "ours_bytes": ours, "peer_bytes": theirs, "ratio": ours / theirs, "floor": floor, "answers_equal": True}
            for peer, (ours, theirs, floor) in found.items()]


def table(rows: list) -> str:
    head = f"{'id':14} {'ours':>10} {'peer':>10} {'ratio':>7}  {'peer':16} threads rounds"
    lines = [head, "-" * len(head)]
    for row in rows:
        if row["answers_equal"] and "ours_bytes" in row:
            lines.append(f"{row['id']:14} {row['ours_bytes'] / 1e6:7.2f} MB {row['peer_bytes'] / 1e6:7.2f} MB {row['ratio']:7.3f}  "
                         f"{row['peer']:18} (at most {row['floor']})")
        elif row["answers_equal"]:
            lines.append(f"{row['id']:14} {row['ours_median_s'] * 1e3:7.3f} ms {row['peer_median_s'] * 1e3:7.1f} ms {row['ratio']:7.2f}  "
                         f"{row['peer'] + ' ' + row['peer_version']:16} {row['threads']:>7} {row['rounds']:>6}")
        else:
            lines.append(f"{row['id']:14} answers differ")
    return "\n".join(lines)


def processor() -> str:
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.machine()}"


def write_results(bench: Bench, rows: list, load: float) -> None:
    text = f"""# Measured

`make bench`, written by `bench/run.py --write-results`. A ratio above 1 means ours is ahead; answers were compared first.

- machine: {processor()}, {platform.system()} {platform.release()}; load average when it began: {load:.1f}
- date: {datetime.date.today()}; Polars {VERSIONS['polars']}, DuckDB {VERSIONS['duckdb']}, Python {platform.python_version()}; {THREADS} threads each
- data: {bench.rows:,} generated minute bars, {len(bench.csv)} .csv.gz files of {sum(os.path.getsize(p) for p in bench.csv) / 1e6:.1f} MB; in the lake {len(bench.parts)} Parquet files of {bench.bytes / 1e6:.1f} MB

```
{table(rows)}
```

What each id is, medians of interleaved rounds (ours, peer, peer, ours, ...), warm page cache:

- `ingest.minute`: .csv.gz files to sorted zstd Parquet. Ours also copies the files to landing, hashes them, checks every row, keeps
  prices as decimals and commits to the Delta log; the peers parse doubles and write one sorted file.
- `ingest.udiff`: 60 generated zips in the form of NSE's FO files, 33,000 rows each, by the data set nse_fo: eight checks, and silver as a
  second table. Polars and DuckDB get the text from Python's zipfile in two threads, DuckDB by a folder in memory, and keep the same columns.
- `ingest.csv`: eight plain files of ten columns, 2,000,000 rows by date; ours infers a spec from the first and ingests all by it.
- `scan.all`: open, high, low, close and volume of the whole table in memory. Ours returns them in the table's sort order and looks for
  a new commit each time; each peer reads the one file it wrote itself (`ingest.minute`), and may return any order.
- `range.symbol`: one symbol, three sessions, in time order, in process; the peers from their own sorted files. Kept in our memory
  between rounds: the log's state, the parts' footers and page indexes, and which rows of a part are whose. Never a value: pages are
  read from the file system, unpacked and decoded every time.
- `range.shell`: the same as a command, `tapemill show` against `duckdb -c`; starting the program is most of both.
- `cache.hit`: five figures a symbol over all bars, from the query cache in memory, against DuckDB computing them. Whether a table
  has a new commit is looked at every time.
- `compact.small`: small files of a Delta table joined, ours sorted and synced to the disk, deltalake's `optimize.compact` (zstd 3)
  appended as they come; both start from copies of one table.
- `bytes.minute`, `bytes.csv`: bytes of the minute bars after `tapemill compact`, with instrument, session and time of availability,
  as a share of Polars' one sorted file (zstd 3), of the files as raw CSV, and of them as .csv.gz. Less is better.
- `memory.flat`: peak resident memory of `tapemill ingest --memory 96MB` on 8,000,000 rows, as a share of the same on 400,000.
- `suite.batch`: nine indicators ({len(peers.SUITE)} columns) over every symbol, from doubles in memory; Polars' expressions over groups. All columns
  are compared, to {TOLERANCE:g}, in the bars after warm-up. DuckDB has no exponential averages and is left out.
"""
    (ROOT / "bench" / "RESULTS.md").write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help=f"ids, comma-separated: {', '.join([*IDS, *SIZES])}")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="build folder with tapemill and tapemill-bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="small data, three rounds: for tests, not for figures")
    parser.add_argument("--write-results", action="store_true", help="also write bench/RESULTS.md")
    options = parser.parse_args()
    wanted = [one for one in options.only.split(",") if one] or [*IDS, *SIZES]
    unknown = [one for one in wanted if one not in IDS and one not in SIZES]
    if unknown:
        parser.error(f"no such id: {', '.join(unknown)}; there are {', '.join([*IDS, *SIZES])}")
    load = os.getloadavg()[0]
    try:
        bench = Bench(options.build.resolve(), options.quick)
    except Different as different:
        sys.exit(f"error: {different}")
    rounds = 3 if options.quick else options.rounds
    rows = [row for name in wanted for row in (measure(bench, name, rounds) if name in IDS else weigh(bench, name))]
    print(table(rows))
    (options.build / "bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    equal = all(row["answers_equal"] for row in rows)
    if options.write_results and equal:
        write_results(bench, rows, load)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
