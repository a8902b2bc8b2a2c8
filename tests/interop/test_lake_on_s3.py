"""A table of a lake in an object store, as delta-rs reads it there, and what delta-rs adds beside the program."""
import json
import os
import pathlib
import subprocess
import sys

import pytest
from interop_program import PROGRAM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import object_store  # noqa: E402

deltalake = pytest.importorskip("deltalake")
pa = pytest.importorskip("pyarrow")
pytestmark = pytest.mark.skipif(not object_store.installed(),
                                reason="SKIPPED: no object store is installed; scripts/install test brings one")
HEADER = "ticker,volume,open,close,high,low,window_start,transactions\n"
OPTIONS = {"AWS_ACCESS_KEY_ID": object_store.KEY, "AWS_SECRET_ACCESS_KEY": object_store.SECRET, "AWS_REGION": "us-east-1",
           "AWS_ALLOW_HTTP": "true", "AWS_CONDITIONAL_PUT": "etag"}


@pytest.fixture
def remote(tmp_path):
    with object_store.server(tmp_path) as endpoint:
        env = {k: v for k, v in os.environ.items() if not k.startswith("TAPEMILL")} | object_store.environment(endpoint, tmp_path)
        env |= {"TAPEMILL_LAKE": "s3://lake/interop", "HOME": str(tmp_path)}

        def tapemill(*arguments):
            done = subprocess.run([PROGRAM, *map(str, arguments), "--json"], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)
        tapemill.folder, tapemill.options = tmp_path, OPTIONS | {"AWS_ENDPOINT_URL": endpoint}
        yield tapemill


def write(folder, date, start):
    (folder / f"{date}.csv").write_text(HEADER + "".join(f"T{i:03},{100 + i},10,11.25,12.5,9,{start}000000000,7\n" for i in range(20)))


def test_delta_rs_reads_and_adds_over_s3(remote):
    for n in range(12):  # past a checkpoint
        start = 1704171600 + 86400 * n
        date = f"2024-01-{2 + n:02}"
        if n % 7 in (4, 5):
            continue  # no session
        write(remote.folder, date, start)
        remote("ingest", "stocks_daily", f"{date}.csv")
    uri = "s3://lake/interop/bronze/stocks_daily"
    table = deltalake.DeltaTable(uri, storage_options=remote.options)
    theirs = pa.table(table.to_pyarrow_table()) if hasattr(table, "to_pyarrow_table") else pa.table(table)
    ours = remote("query", "SELECT symbol, session, close, volume FROM bronze.stocks_daily ORDER BY ALL")
    assert theirs.num_rows == len(ours["rows"]) > 100
    assert sum(float(v) for v in theirs["volume"].to_pylist()) == sum(float(row[3]) for row in ours["rows"])
    assert table.version() == remote("history", "bronze.stocks_daily")["commits"][0]["version"]
    first = theirs.slice(0, 1)
    deltalake.write_deltalake(uri, first, mode="append", storage_options=remote.options)
    assert len(remote("query", "SELECT symbol FROM bronze.stocks_daily")["rows"]) == theirs.num_rows + 1
    assert remote("history", "bronze.stocks_daily")["commits"][0]["version"] == table.version() + 1
