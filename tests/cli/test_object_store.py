"""A lake in an object store, and files that come from one: every command, a bad network, keys that are not there."""
import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import object_store  # noqa: E402
from program import DAYS, PROGRAM, Program, day  # noqa: E402

pytestmark = pytest.mark.skipif(not object_store.installed(),
                                reason="SKIPPED: no object store is installed; scripts/install test brings one")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    with object_store.server(tmp_path_factory.mktemp("store")) as one:
        yield one


@pytest.fixture
def remote(program, endpoint, tmp_path, request):
    made = Program(tmp_path)
    made.lake = f"s3://lake/{request.node.name}"
    made.env |= object_store.environment(endpoint, tmp_path) | {"TAPEMILL_LAKE": made.lake}
    for date, start in DAYS.items():
        (tmp_path / f"{date}.csv").write_text(day(date, start))
    return made


def ingest(program, *more, **how):
    return program("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS), *more, **how)


def rows(program):
    answer = program("query", "SELECT symbol, session, close, volume FROM stocks_daily ORDER BY ALL", "--json").stdout
    return json.loads(answer)["rows"]


def test_every_command_works_on_it(remote):
    assert "there is no lake at" in remote("tables", code=2).stderr
    assert "15 stored + 3 quarantined" in ingest(remote).stdout
    assert "3 unchanged" in ingest(remote).stdout
    local = Program(remote.folder)
    ingest(local)
    assert rows(remote) == rows(local) and len(rows(remote)) == 15
    for command in (["show", "stocks_daily"], ["tables"], ["describe", "stocks_daily"], ["history", "stocks_daily"], ["status"],
                    ["quarantine", "list", "stocks_daily"], ["sql", "SELECT count(*) FROM stocks_daily"],
                    ["show", "stocks_daily", "--symbols", "T001"], ["query", "SELECT count(*) FROM stocks_daily", "--cache"], ["cache", "stats"], ["cache", "clear"],
                    ["compact", "stocks_daily", "--dry-run"], ["compact", "stocks_daily"], ["vacuum", "stocks_daily"], ["manifest", "stocks_daily"],
                    ["features", "list"], ["features", "build", "momentum"], ["runs"], ["doctor"],
                    ["export", "qlib", "stocks_daily", "--out", remote.folder / "qlib"]):
        done = remote(*command, "--json", code=(0, 1, 2, 3))
        assert done.returncode == 0, (command, done.stderr)
        assert object_store.SECRET not in done.stdout + done.stderr
    assert rows(remote) == rows(local)
    assert "--out" in remote("export", "qlib", "stocks_daily", code=2).stderr
    assert "--lake" in remote("demo", code=2).stderr
    done = json.loads(remote("archive", "stocks_daily", "--older-than", "1d", "--json").stdout)["tables"][0]
    assert done["rows"] == 15 and done["copied"] == done["files"], done
    assert rows(remote) == []


def test_a_restated_day_and_time_travel(remote):
    ingest(remote)
    (remote.folder / "2024-01-03.csv").write_text(day("2024-01-03", DAYS["2024-01-03"], salt=5))
    assert "1 restated" in ingest(remote).stdout
    one = "SELECT close FROM stocks_daily {} WHERE symbol = 'T000' AND session = DATE '2024-01-03'"
    version = json.loads(remote("history", "stocks_daily", "--json").stdout)["commits"][0]["version"]
    then, now = (json.loads(remote("query", one.format(at), "--json").stdout)["rows"] for at in (f"AT (VERSION => {version - 1})", ""))
    assert then != now


def test_a_wrong_secret_is_told_and_not_shown(remote):
    done = remote("tables", code=3, env={"AWS_SECRET_ACCESS_KEY": "hidden-and-wrong"})
    assert "403" in done.stderr and "AWS_SECRET_ACCESS_KEY" in done.stderr
    assert "hidden-and-wrong" not in done.stderr and object_store.KEY not in done.stderr


def test_credentials_come_from_a_file_that_nobody_else_reads(remote, endpoint):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        del remote.env[name]
    path = remote.folder / "credentials.yaml"
    path.write_text(f"s3_key: {object_store.KEY}\ns3_secret: {object_store.SECRET}\n")
    path.chmod(0o644)
    remote("config", "set", "s3_endpoint", endpoint)
    assert "chmod 600" in ingest(remote, code=3).stderr
    path.chmod(0o600)
    assert "15 stored" in ingest(remote).stdout
    path.write_text(f"s3_keys: {object_store.SECRET}\n")
    assert object_store.SECRET not in remote("tables", code=2).stderr
    assert object_store.SECRET not in remote("config", "show").stdout


def test_two_writers_race_and_every_row_is_there_once(remote):
    dates = list(DAYS)
    running = [subprocess.Popen([PROGRAM, "ingest", "stocks_daily", *(f"{d}.csv" for d in some)], cwd=remote.folder, env=remote.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for some in (dates[:2], dates[1:])]
    for one in running:
        assert one.wait(120) == 0, one.stderr.read()
        one.stderr.close()
    assert len(rows(remote)) == 15
    assert "3 unchanged" in ingest(remote).stdout


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_day_of_the_store_is_waited_out(remote, endpoint, seed):
    """Every fourth request fails in one of six ways: all of them are repeated, and nothing is there twice."""
    with object_store.Proxy(endpoint, object_store.at_random(seed, 0.25)) as proxy:
        patient = {"AWS_ENDPOINT_URL": proxy.endpoint, "TAPEMILL_S3_RETRIES": "30", "TAPEMILL_S3_TIMEOUT": "1"}
        remote("config", "set", "retry_delay_seconds", "0.01")
        ingest(remote, env=patient)
        assert len({fault for fault, _, _ in proxy.faults}) >= 4, proxy.faults
    assert len(rows(remote)) == 15
    versions = [c["version"] for c in json.loads(remote("history", "bronze.stocks_daily", "--json").stdout)["commits"]]
    assert versions == [1, 0]


@pytest.mark.parametrize("fault", object_store.Proxy.FAULTS)
def test_a_store_that_stays_down_is_a_clean_error(remote, endpoint, fault):
    """From some request on nothing goes: exit 3, and what is there is a table of before or after."""
    remote("config", "set", "retry_delay_seconds", "0.01")
    for stop in (2, 16) if fault == "stall" else (2, 9, 16, 25):  # a stall takes its time
        with object_store.Proxy(endpoint, lambda method, path, number, stop=stop: fault if number > stop else None) as proxy:
            env = {"AWS_ENDPOINT_URL": proxy.endpoint, "TAPEMILL_S3_RETRIES": "1", "TAPEMILL_S3_TIMEOUT": "1"}
            done = ingest(remote, code=(0, 3), env=env)
        if done.returncode:
            assert "error" in done.stderr and object_store.SECRET not in done.stderr
        there = remote("query", "SELECT count(*) AS n FROM stocks_daily", "--json", code=(0, 2))
        if there.returncode == 0:
            assert json.loads(there.stdout)["rows"][0][0] in (0, 15)
    ingest(remote)
    assert len(rows(remote)) == 15


@pytest.fixture
def flat(remote, endpoint):
    """Polygon's bucket with two of the three days."""
    remote("config", "set", "polygon_endpoint", endpoint)

    def put(date, salt=0):
        bytes_ = gzip.compress(day(date, DAYS[date], salt=salt).encode(), mtime=0)
        object_store.ask(endpoint, "PUT", f"/flatfiles/us_stocks_sip/day_aggs_v1/{date[:4]}/{date[5:7]}/{date}.csv.gz", bytes_)
    for date in list(DAYS)[:2]:
        put(date)
    remote.put = put
    return remote


def test_flat_files_come_by_prefix_and_by_date(flat, endpoint):
    local = {"TAPEMILL_LAKE": str(flat.folder / "lake")}
    done = flat("ingest", "stocks_daily", "s3://flatfiles/us_stocks_sip/day_aggs_v1/2024/", env=local).stdout
    assert "2 files downloaded" in done and "10 stored + 2 quarantined" in done
    again = json.loads(flat("download", "polygon", "stocks_daily", "--start", "2024-01-01", "--end", "2024-01-05", "--json", env=local).stdout)
    told = again["deliveries"][0]
    assert (told["keys"], told["ok"], told["unchanged"], told["missing"]) == (4, 0, 2, 2)  # the 1st is no session
    assert [one["why"].split(" of ")[0] for one in told["absent"]] == ["a session", "a session"]
    flat.put("2024-01-02", salt=9)  # replaced, as Polygon does
    flat.put("2024-01-04")
    done = flat("download", "polygon", "stocks_daily", "--start", "2024-01-01", "--end", "2024-01-05", env=local).stdout
    assert "1 restated" in done and "2 files downloaded, 1 unchanged, 1 missing" in done
    holiday = flat("ingest", "stocks_daily", "s3://flatfiles/us_stocks_sip/day_aggs_v1/2024/01/2024-01-01.csv.gz", env=local).stdout
    assert "no session of nyse" in holiday


def test_flat_files_403_429_and_failures_are_told_apart(flat, endpoint):
    """Each key has an outcome of its own; one that fails does not stop the others."""
    local = {"TAPEMILL_LAKE": str(flat.folder / "lake"), "TAPEMILL_S3_RETRIES": "2"}
    flat.put("2024-01-04")

    def judge(method, path, number):
        return "503" if "2024-01-03" in path else None
    flat("config", "set", "retry_delay_seconds", "0.01")
    with object_store.Proxy(endpoint, judge) as proxy:
        flat("config", "set", "polygon_endpoint", proxy.endpoint)
        done = flat("download", "polygon", "stocks_daily", "--start", "2024-01-02", "--end", "2024-01-04", "--json", env=local, code=3)
        assert proxy.count > 4
    told = json.loads(done.stdout)["deliveries"][0]
    assert (told["ok"], told["failed"]) == (2, 1) and "503" in told["absent"][0]["why"]
    assert "1 of 3 files could not be fetched" in done.stderr
    flat("config", "set", "polygon_endpoint", endpoint)
    done = flat("download", "polygon", "stocks_daily", "--start", "2024-01-02", "--end", "2024-01-04", "--json", env=local | {"AWS_SECRET_ACCESS_KEY": "wrong"}, code=3)
    told = json.loads(done.stdout)["deliveries"][0]
    assert told["forbidden"] == 3 and "outside" in told["absent"][0]["why"]


def test_a_download_that_was_cut_goes_on(flat, endpoint):
    """The rest is asked for by range, of the same object."""
    local = {"TAPEMILL_LAKE": str(flat.folder / "lake")}
    body = gzip.compress(os.urandom(400_000).hex().encode(), mtime=0)
    object_store.ask(endpoint, "PUT", "/flatfiles/us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz", body)
    cut = []

    def judge(method, path, number):
        if method == "GET" and "2024-01-05" in path and len(cut) < 3:
            cut.append(number)
            return "cut_middle"
        return None
    flat("config", "set", "retry_delay_seconds", "0.01")
    with object_store.Proxy(endpoint, judge) as proxy:
        flat("config", "set", "polygon_endpoint", proxy.endpoint)
        flat("download", "polygon", "stocks_daily", "--start", "2024-01-05", "--end", "2024-01-05", "--no-ingest", env=local)
    file = flat.folder / "lake/downloads/flatfiles/us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz"
    assert len(cut) == 3 and file.read_bytes() == body
    assert not list(file.parent.glob("*.partial*"))


def test_the_program_starts_without_the_network_library(program):
    done = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True)
    assert "libcurl" not in done.stdout
