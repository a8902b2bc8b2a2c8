"""--help: commands by purpose, examples for each."""
import re
import subprocess
import sys

import pytest
from program import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from help_texts import commands_under  # noqa: E402


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


@pytest.mark.parametrize("words, unknown, meant", [
    (("help", "ingset"), "ingset", "ingest"), (("ingset", "--help"), "ingset", "ingest"), (("help", "nonsense"), "nonsense", ""),
    (("nonsense", "--help"), "nonsense", ""), (("nonsense", "--version"), "nonsense", ""), (("help", "backtest", "rnu"), "backtest rnu", "backtest run"),
    (("backtest", "nonsense", "-h"), "backtest nonsense", ""), (("--lake", "x", "graph", "drow"), "graph drow", "graph draw")])
def test_help_of_what_is_no_command(tapemill, words, unknown, meant):
    done = tapemill(*words, code=2)
    assert done.stdout == "" and f'unknown command "{unknown}"' in done.stderr
    assert f'did you mean "tapemill {meant}"?' in done.stderr if meant else "did you mean" not in done.stderr
    group = unknown.rpartition(" ")[0]
    assert f"tapemill {group + ' ' if group else ''}--help lists the commands" in done.stderr


def test_help_says_every_exit_status(tapemill, helps):
    """Those of the program's own errors, and the one of a run that was stopped."""
    line = next(line for line in helps[()].splitlines() if line.startswith("Exit status:"))
    assert re.findall(r"\b\d+\b", line) == ["0", "1", "2", "3", "130"]
    assert tapemill("help", "ingest", "sp500").stdout == helps[("ingest",)]  # what a command is told is no command


def test_every_command_has_examples(helps):
    for words, text in helps.items():
        if words:
            assert examples(text), words
            name = "query" if words == ("sql",) else " ".join(words)  # the same command
            assert all(f"tapemill {name}" in line or not line.startswith("tapemill") for line in examples(text)), words
    group = examples(helps[("graph",)])
    assert [line.split()[:3] for line in group] == [["tapemill", "graph", name] for name in ("list", "check", "run", "draw")]


def test_examples_of_groups_are_those_of_their_commands(helps):
    for words, text in helps.items():
        if words and commands_under(text):
            own = {line for other, one in helps.items() if other[:1] == words and len(other) > 1 for line in examples(one)}
            assert set(examples(text)) <= own, words
