"""tapemill stream as people use it: in a pipe."""
import gzip
import json
import os
import subprocess
import time

import pytest

TICKS = "time,symbol,price,qty\n" + "".join(
    f"2024-01-02T09:{15 + i // 60:02}:{i % 60:02}Z,{'AB'[i % 2]},{100 + (i * 7) % 13 / 4},{1 + i % 5}\n" for i in range(300))
BARS = ["--window", "1m", "--by", "symbol", "--values", "open=first(price)", "high=max(price)", "low=min(price)", "close=last(price)",
        "volume=sum(qty)", "n=count()"]


@pytest.fixture
def pipe(program, tmp_path):
    def run(*arguments, given=TICKS, code=0):
        done = subprocess.run([program, "stream", *arguments], input=given, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        return done
    return run


def test_ticks_become_bars(pipe):
    done = pipe(*BARS, "--json")
    lines = done.stdout.splitlines()
    assert lines[0] == "symbol,window_start,window_end,open,high,low,close,volume,n"
    assert len(lines) == 1 + 2 * 5
    assert sum(int(line.split(",")[-1]) for line in lines[1:]) == 300
    figures = json.loads(done.stderr)
    assert (figures["rows_in"], figures["rows_out"]) == (300, 10)
    assert [stage["stage"] for stage in figures["stages"]] == ["source", "window", "sink"]
    assert lines[1].startswith("A,2024-01-02T09:15:00Z,2024-01-02T09:16:00Z,")


def test_files_are_mapped_and_reduced_to_the_same_bits(pipe, tmp_path):
    head, *rows = TICKS.splitlines(keepends=True)
    for part in range(6):
        (tmp_path / f"{part}.csv").write_text(head + "".join(rows[part * 50:part * 50 + 50]))
    files = [f"{part}.csv" for part in range(6)]
    asked = ["--by", "symbol", "--values", "n=count()", "mean=mean(price)", "total=sum(price * qty)"]
    answers = {pipe(*files, *asked, "--workers", str(workers)).stdout for workers in (1, 2, 5)}
    assert len(answers) == 1
    assert [line.split(",")[1] for line in answers.pop().splitlines()[1:]] == ["150", "150"]


def test_a_program_in_the_middle_is_restarted(pipe, tmp_path):
    (tmp_path / "score.sh").write_text("if [ ! -e seen ]; then touch seen; echo 'model is loading' >&2; exit 9; fi\nawk -F, -v OFS=, 'NR==1{print $0,\"score\";next}{print $0,$3*2}'\n")
    done = pipe("--through", "sh score.sh", "--attempts", "2", "--columns", "time,symbol,price", "--json")
    assert done.stdout.splitlines()[0] == "time,symbol,price,score"
    assert len(done.stdout.splitlines()) == 301
    program = next(stage for stage in json.loads(done.stderr)["stages"] if stage["stage"] == "program")
    assert program["restarts"] == 1 and program["rows_out"] == 300
    (tmp_path / "seen").unlink()
    assert "exit status 9: model is loading" in pipe("--through", "sh score.sh", code=1).stderr


def test_a_slow_feed_comes_through_at_once(program, tmp_path):
    with subprocess.Popen([program, "stream", "--where", "price > 1", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, bufsize=1, cwd=tmp_path) as running:
        running.stdin.write("symbol,price\nA,0.5\nB,2.5\n")
        running.stdin.flush()
        assert running.stdout.readline() == "symbol,price\n"
        assert running.stdout.readline() == "B,2.5\n"  # though the feed goes on
        running.stdin.write("C,3.5\n")
        running.stdin.flush()
        assert running.stdout.readline() == "C,3.5\n"
        running.stdin.close()
        assert running.wait(20) == 0


def test_ctrl_c_while_nothing_comes(program, tmp_path):
    read, write = os.pipe()
    with subprocess.Popen([program, "stream"], stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as running:
        os.write(write, b"a\n1\n")
        time.sleep(0.5)
        running.send_signal(2)
        assert running.wait(20) == 130
    os.close(write), os.close(read)


def test_forms_and_a_spec(pipe, tmp_path):
    first = pipe("--to", "ndjson", "--where", "qty == 5", "--columns", "symbol,price")
    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert len(rows) == 60 and set(rows[0]) == {"symbol", "price"}
    assert pipe("--from", "ndjson", "--values", "n=count()", given=first.stdout).stdout == "n\n60\n"
    (tmp_path / "bars.yaml").write_text("window: 1m\nby: symbol\nvalues: [n=count()]\nto: ndjson\n")
    assert len(pipe("--spec", "bars.yaml").stdout.splitlines()) == 10
    assert pipe("--spec", "bars.yaml", "--to", "csv").stdout.startswith("symbol,window_start,window_end,n\n")
    (tmp_path / "bars.yaml").write_text("windw: 1m\n")
    said = pipe("--spec", "bars.yaml", code=2).stderr
    assert "bars.yaml:1:1" in said and "window" in said


def test_rows_come_out_as_they_went_in(pipe, tmp_path):
    rows = 'time,symbol,price,note\n2024-01-02T09:30:00Z,AAA,1.5,"a, ""b"""\n2024-01-02T09:30:01.25Z,BBB,2,plain\n'
    done = pipe(given=rows)
    assert done.stdout == rows and done.stderr == ""
    with gzip.open(tmp_path / "ticks.csv.gz", "wt") as packed:
        packed.write(rows)
    assert pipe("ticks.csv.gz").stdout == rows
    (tmp_path / "european.csv").write_text(rows.replace('"a, ""b"""', "a").replace(",", ";"))
    assert pipe("european.csv", "--columns", "symbol,price").stdout == "symbol,price\nAAA,1.5\nBBB,2\n"
    assert pipe("european.csv", "--delimiter", "tab", "--values", "n=count()").stdout == "n\n2\n"


def test_no_row_is_still_an_answer(pipe):
    assert pipe("--where", "price > 1e9").stdout == "time,symbol,price,qty\n"
    assert pipe("--where", "price > 1e9", "--by", "symbol", "--values", "n=count()").stdout == "symbol,n\n"


def test_an_instant_far_ahead_is_an_error(pipe):
    given = TICKS.replace("time,symbol,price,qty\n", "time,symbol,price,qty\n2099-01-01T00:00:00Z,A,1,1\n")
    assert "came too late for a window" in pipe(*BARS, given=given, code=1).stderr


def test_ctrl_c_ends_what_the_program_started(program, tmp_path):
    with subprocess.Popen([program, "stream", "--through", "sleep 4321; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=tmp_path) as running:
        running.stdin.write(TICKS.encode())
        running.stdin.close()
        sleeping = ["pgrep", "-f", "^sleep 4321$"]
        end = time.time() + 20
        while subprocess.run(sleeping, capture_output=True).returncode != 0 and time.time() < end:
            time.sleep(0.1)
        running.send_signal(2)
        assert running.wait(20) == 130
    assert subprocess.run(sleeping, capture_output=True).returncode != 0


@pytest.mark.parametrize("arguments, code, said", [
    (["--where", "prise > 1"], 2, "did you mean price?"),
    (["--window", "1m"], 2, "a window or groups without a value"),
    (["--window", "0", "--values", "n=count()"], 2, "at least one row"),
    (["--window", "5m", "--every", "2m", "--values", "n=count()"], 2, "divides"),
    (["missing.csv"], 2, "missing.csv"),
    (["."], 2, "folder"),
    (["--delimiter", "semi"], 2, "is no character"),
    (["--types", "price=money"], 2, "COLUMN=double"),
    (["--memory", "256MB"], 2, "keeps no ceiling"),
])
def test_wrong_use_says_what_to_do(pipe, arguments, code, said):
    assert said in pipe(*arguments, code=code).stderr


@pytest.mark.parametrize("given, said", [
    ("", "is empty"),
    ("a,b\n1,2\n3\n", "line 3: Expected 2 columns, got 1"),
    ("a,b\n1,\"2\n", "are not closed"),
    ("\x1f\x8b\x08\x00\x00", "no text"),
])
def test_torn_input_is_an_error_with_its_place(pipe, given, said):
    assert said in pipe(given=given, code=1).stderr
