"""--help: commands by purpose, and examples that run as they are printed."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from program import DAYS, PROGRAM, ROOT, Program, day

sys.path.insert(0, str(ROOT / "scripts"))
from help_texts import commands_under  # noqa: E402

DATA = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA") or ROOT.parent / "shared" / "data").resolve()
# What an example needs that a test has not: another machine, a terminal that waits, minutes.
NOT_RUN = {"tapemill download": "the network", "s3://": "an object store", "tapemill serve": "runs until stopped; test_serve", "curl ": "a running server",
           "tail -f": "runs until stopped", "tapemill demo": "test_demo", "/data/lake": "a folder of another machine"}


@pytest.fixture(scope="module")
def helps(program):
    """The words of every command and group, and what --help says of it."""
    texts = {}

    def ask(words):
        texts[words] = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True).stdout
        for name in commands_under(texts[words]):
            ask((*words, name))

    ask(())
    return texts


def examples(text):
    lines = text.partition("\nExamples:\n")[2].partition("\n\n")[0].splitlines()
    return [line.strip() for line in lines]


def test_commands_stand_under_their_purpose(helps):
    text = helps[()]
    headings = re.findall(r"^([A-Z][a-z ]+):$", text, re.MULTILINE)
    assert headings == ["Options", "Start here", "Files in", "Look and ask", "Research", "Graphs and streams", "Upkeep of the lake", "Operate"]
    under = {heading: commands_under(f"{heading}:\n" + text.split(f"\n{heading}:\n")[1].split("\n\n")[0]) for heading in headings[1:]}
    assert "ingest" in under["Files in"] and "query" in under["Look and ask"] and "compact" in under["Upkeep of the lake"]
    assert "backtest" in under["Research"] and "graph" in under["Graphs and streams"] and "serve" in under["Operate"]
    listed = [name for names in under.values() for name in names]
    assert len(listed) == len(set(listed)) and all(len(line) <= 112 for line in text.splitlines() if not line.startswith(("  -", "Exit")))
    one_line = [line for line in text.splitlines() if re.match(r"  [a-z]", line)]
    assert len(one_line) == len(listed)


def test_help_is_a_word_too(helps, tapemill):
    assert tapemill("help").stdout == tapemill("--help").stdout == helps[()]
    for words in (("graph",), ("backtest", "run"), ("ingest",)):
        assert tapemill("help", *words).stdout == helps[words]
        program = subprocess.run([PROGRAM.parent / "tapemill-program", "help", *words], capture_output=True, text=True, check=True)
        assert program.stdout == helps[words]


def test_every_command_has_examples(helps):
    for words, text in helps.items():
        if words:
            assert examples(text), words
            name = "query" if words == ("sql",) else " ".join(words)  # the same command
            assert all(f"tapemill {name}" in line or not line.startswith("tapemill") for line in examples(text)), words
    group = examples(helps[("graph",)])
    assert [line.split()[:3] for line in group] == [["tapemill", "graph", name] for name in ("list", "check", "run", "draw")]


GRAPH = "graphs/technical_analysis.json"
SPEC = (ROOT / "examples/my_csv.yaml").read_text()


@pytest.fixture(scope="module")
def desk(program, tmp_path_factory):
    """Where a newcomer sits after the README: real files in the lake, files of one's own beside it."""
    if not DATA.exists():
        pytest.skip(f"{DATA} is not there: the examples of --help are NOT run")
    made = Program(tmp_path_factory.mktemp("desk"))
    at = made.folder
    made.env |= {"PATH": f"{PROGRAM.parent.resolve()}:{made.env['PATH']}", "TAPEMILL_SHARE": str(ROOT)}
    for name in ("examples", "strategies", "graphs"):
        (at / name).symlink_to(ROOT / name)
    (at / "all_stocks_5yr.csv.gz").symlink_to(next((DATA / "us_daily_sp500_5yr").rglob("all_stocks_5yr.csv.gz")))
    (at / "bhavcopies").symlink_to(DATA / "nse_cash_2024")
    (at / "datasets").mkdir()
    (at / "datasets/my_prices.yaml").write_text(SPEC)
    (at / "prices.csv").write_text("date,symbol,open,high,low,close,volume\n2024-01-02,ACME,1.5,2.5,1,2,100\n2024-01-03,ACME,2,3,1.5,2.5,200\n")
    shutil.make_archive(str(at / "prices.csv"), "zip", at, "prices.csv")
    (at / "my_features.yaml").write_text((ROOT / "examples/my_features.yaml").read_text())
    (at / "my").mkdir()
    shutil.copy(ROOT / GRAPH, at / "my/graph.json")
    (at / "holidays.json").write_text(json.dumps({"CM": [{"tradingDate": "26-Jan-2024", "weekDay": "Friday", "description": "Republic Day"}],
                                                  "CD": [{"tradingDate": "26-Jan-2024", "weekDay": "Friday", "description": "Republic Day"}]}))
    (at / "raw_equity_ohlc_v1.avsc").write_text(json.dumps(
        {"type": "record", "name": "Bar", "fields": [{"name": "symbol", "type": "string"}, {"name": "close", "type": ["null", "double"], "default": None}]}))
    (at / "bars.yaml").write_text(SPEC.replace("table: my_prices", "table: bars"))
    ticks = "ts,symbol,price,qty\n" + "".join(f"2024-01-02T14:30:{i:02}Z,ACME,{10 + i}.5,{90 + i}\n" for i in range(30))
    (at / "day").mkdir()
    for name in ("trades.csv", "ticks.csv", "quotes.csv", "day/one.csv", "day/two.csv"):
        (at / name).write_text(ticks)
    (at / "score.py").write_text("import sys\nfor line in sys.stdin:\n    sys.stdout.write(line)\n    sys.stdout.flush()\n")
    for dataset, path in (("sp500", DATA / "us_daily_sp500_5yr"), ("nse_cash", DATA / "nse_cash_2024"), ("nse_fo", DATA / "nse_fo_udiff"),
                          ("sp500_index", ROOT / ".deps/data/sp500-2000.csv"), ("datasets/my_prices.yaml", ROOT / "examples/my_prices.csv"),
                          ("bars.yaml", ROOT / "examples/my_prices.csv")):
        made("ingest", dataset, path)
    for date, start in DAYS.items():
        (at / f"{date}.csv").write_text(day(date, start).replace("T000", "AAPL"))
    made("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    made("generate", "made", "--symbols", "10", "--years", "1", "--minute-days", "2", "--chain-days", "1")
    for dataset in ("stocks_minute", "snapshots", "options_daily"):
        found = [path for path in (at / "made").rglob("*") if path.is_dir() and dataset in path.name]
        for path in found:
            made("ingest", dataset, path)
    (at / "reference.csv").write_text("symbol,valid_from,known_from,sector,market_cap\nAAPL,2013-02-08,2013-02-08,Information Technology,445000000000\n")
    made("ingest", "us_instrument_reference", "reference.csv")
    made("backtest", "run", "strategies/index_cross.yaml")
    return made


def test_examples_run_as_printed(helps, desk):
    """Those of all commands, in the order of --help; a group's are among them."""
    failed, ran = [], 0
    for words, text in helps.items():
        for line in examples(text) if words else []:
            if any(part in line for part in NOT_RUN) or commands_under(text):
                continue
            ran += 1
            done = subprocess.run(["bash", "-c", line], cwd=desk.folder, env=desk.env, capture_output=True, timeout=300, check=False)
            if done.returncode != 0:
                failed.append(f"{line}: exit {done.returncode}\n{done.stderr.decode(errors='replace')[-400:]}")
    assert not failed, "\n".join(failed)
    assert ran > 60


def test_examples_of_groups_are_those_of_their_commands(helps):
    for words, text in helps.items():
        if words and commands_under(text):
            own = {line for other, one in helps.items() if other[:1] == words and len(other) > 1 for line in examples(one)}
            assert set(examples(text)) <= own, words
