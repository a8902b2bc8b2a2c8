"""Tables for eyes: numbers of a column line up, a window that is too narrow is told of and helped, a pipe gets everything."""
import json
import re

import pytest
from program import DAYS, HEADER, Program, day, on_a_terminal

NUMBERS = "select * from (values {}) t(x)"


def column(text, name):
    """The cells under a heading that is right-aligned, at the places where they stand."""
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if re.search(rf"(^ *|  ){name}$|(^ *|  ){name}  ", line))
    end = lines[head].index(name) + len(name)
    begin = len(lines[head + 1][:end].rstrip().rpartition("  ")[0]) if "  " in lines[head + 1][:end] else 0
    rows = []
    for line in lines[head + 2:]:
        if re.match(r"\d[\d\u202f]* (of|rows?)\b|…", line):
            break
        rows.append(line[begin:end].rjust(end - begin))
    return rows


@pytest.mark.parametrize("values", ["(1.5), (12.25), (-1234.125)", "(0.001), (2), (-0.30)", "(171.952), (51.9077)", "(1e5/3), (2)", "(44), (1)"])
def test_points_line_up(filled, values):
    sql = "select x::double x from (values " + values + ") t(x)"
    for text in (filled("query", sql).stdout, on_a_terminal(filled, 80, "query", sql)):
        cells = column(text, "x")
        assert len(cells) == values.count("(")
        assert len({cell.find(".") for cell in cells}) == 1, text
        assert len({len(cell.rstrip()) for cell in cells}) == 1, text


def test_numbers_keep_what_they_say(filled):
    """Common decimals are as many as the column needs; numbers of sizes too different for that stay as they are."""
    text = filled("query", "select * from (values (123456789.25::double), (0.5)) t(x)").stdout
    assert "123456789.25" in text and re.search(r"^ *0\.50$", text, re.MULTILINE)
    text = filled("query", "select * from (values (1e-12::double), (5e8), (null), ('nan'::double)) t(x)").stdout
    assert "1e-12" in text and "500000000" in text and text.count("–") == 2
    text = filled("query", "select -0.00000000001::double x union all select 4.25").stdout
    assert "-1e-11" in text


def test_thousands_on_a_terminal_only(filled):
    sql = "select * from (values (2024::bigint, 25555934::bigint, -1234567.5::decimal(18,2), 2024, 12345), (2025, 7, 1, 2025, 3)) t(n, volume, pnl, year, trade_id)"
    text = on_a_terminal(filled, 100, "query", sql)
    assert "25\u202f555\u202f934" in text and "−1\u202f234\u202f567.50" in text
    assert re.search(r"^2024 ", text, re.MULTILINE) and "12345" in text  # four digits alone, and names of things, are not parted
    piped = filled("query", sql).stdout
    assert "25555934" in piped and "-1234567.50" in piped and "\u2212" not in piped


WIDE = "select " + ", ".join(f"{i}{i}{i}{i} as column_{i}" for i in range(1, 10)) + ", {} as last_one from range({})"


def test_a_narrow_window_leaves_out_the_middle_and_says_so(filled):
    text = on_a_terminal(filled, 70, "query", WIDE.format("range", 6))
    head = text.splitlines()[0].split()
    assert head[:2] == ["column_1", "column_2"] and head[-1] == "last_one" and "…" in head
    lines = text.splitlines()
    note = text[text.index("… 4 more columns"):]
    assert len(head) - 1 == 10 - 4 and "--csv" in note and all(len(line) <= 70 for line in lines)
    assert all(line.split() == [*(name[-1] * 4 if name.startswith("column") else "…" for name in head[:-1]), line.split()[-1]] for line in lines[2:8])
    assert [line.split()[-1] for line in lines[2:8]] == list("012345")
    assert len(filled("query", WIDE.format(5, 6)).stdout.splitlines()[0].split()) == 10  # a pipe has all of them


def test_a_few_rows_are_turned_rather_than_cut(filled):
    text = on_a_terminal(filled, 40, "query", WIDE.format(5, 2))
    lines = text.splitlines()
    assert [line.split() for line in lines[:10]] == [[f"column_{i}", str(i) * 4, str(i) * 4] for i in range(1, 10)] + [["last_one", "5", "5"]]
    assert "more column" not in text
    long = on_a_terminal(filled, 40, "query", "select 'a' as one, repeat('x', 70) as two, 'b' as three")
    assert long.count("x") == 70 and all(len(line) <= 40 for line in long.splitlines())


ASKED = [(["describe", "stocks_daily"], {"column", "type"}), (["history", "stocks_daily"], {"version", "time"}), (["config", "show"], {"key", "value"}),
         (["show", "stocks_daily"], {"symbol", "session", "close"}), (["quarantine", "list", "stocks_daily"], {"where", "reason"})]


@pytest.mark.parametrize("columns", [19, 20, 40, 80])
@pytest.mark.parametrize("words, asked", ASKED)
def test_what_was_asked_for_stays_in_every_window(filled, columns, words, asked):
    text = on_a_terminal(filled, columns, *words)
    lines = text.splitlines()
    ruled = [i for i, line in enumerate(lines) if set(line) <= {"─", " "} and "─" in line]
    if ruled:  # a table
        assert asked <= set(lines[ruled[0] - 1].split())
    else:      # rows on their side
        assert asked <= {line.split()[0] for line in lines if re.match("[a-z]", line)}
    long = [line for line in lines if len(line) > columns and " " in line.strip() and not line.startswith(str(filled.folder))]
    assert not long, long


def test_a_text_is_cut_before_its_column_goes(filled):
    """Whatever it is long; of three columns the last is cut most."""
    for long in (24, 25, 26, 28, 29, 60):
        sql = f"select repeat('w', {long}) as a, range b, repeat('x', 16) as c, repeat('y', {long}) as reason, repeat('z', 60) as last from range(5)"
        text = on_a_terminal(filled, 90, "query", sql)
        assert text.splitlines()[0].split() == ["a", "b", "c", "reason", "last"], text
        assert "more column" not in text and max(map(len, text.splitlines()[:7])) <= 90
        assert "y" * 23 in text and "z" * 10 in text


def test_the_refused_row_gives_way_to_the_reason(program, tmp_path):
    made = Program(tmp_path)
    name = "a_file_of_twenty_five.csv"
    (tmp_path / name).write_text(day("2024-01-02", DAYS["2024-01-02"], bad=6).replace(",9,11,", ",9000,11000.5,"))
    made("ingest", "stocks_daily", name)
    text = on_a_terminal(made, 80, "quarantine", "list", "stocks_daily", "--limit", "4")
    assert text.splitlines()[0].split() == ["where", "check", "reason", "row"], text
    assert text.count("high 9000") == 4 and all(len(line) <= 80 for line in text.splitlines())


CONTROL = "a\x1b]0;owned\x07\x1b[31mb\r\x9b2J\x7f"


def test_what_a_file_holds_does_not_steer_a_terminal(program, tmp_path):
    """Control characters of a file's bytes are shown as what they are, in tables and in a row shown whole; CSV and JSON keep them."""
    made = Program(tmp_path)
    start = DAYS["2024-01-02"]
    row = "{},{},10,10,{},9,{}000000000,7\n"
    inside = CONTROL.replace("\r", "")
    (tmp_path / "x.csv").write_text(HEADER + row.format(inside, 5, 11, start) + row.format(inside + "2", 5, 8, start), encoding="utf-8")
    assert made("ingest", "stocks_daily", "x.csv", code=(0, 1)).stdout.isprintable() is False  # it has lines
    shown = "a\\x1b]0;owned\\x07\\x1b[31mb\\u009b2J\\x7f"
    sql = "select 'a' || chr(27) || '[31m' || chr(7) || chr(10) || chr(9) || chr(13) || chr(155) || chr(8238) as \"x\x1b[1my\""
    for words, wanted in ((["show", "stocks_daily"], shown), (["quarantine", "list", "stocks_daily"], shown), (["describe", "stocks_daily"], shown),
                          (["quarantine", "show", "stocks_daily", "x.csv:3"], shown + "2,5,10,10,8,9"), (["query", "select symbol from stocks_daily"], shown),
                          (["query", sql], "a\\x1b[31m\\x07\\n\\t\\r\\u009b\\u202e")):
        for text in (on_a_terminal(made, 200, *words), made(*words).stdout):
            assert wanted in text and all(c == "\n" or c.isprintable() or c == "\u202f" for c in text), (words, text)
    assert "x\\x1b[1my" in made("query", sql).stdout
    assert json.loads(made("show", "stocks_daily", "--columns", "symbol", "--json").stdout)["rows"] == [[inside]]
    assert inside in made("show", "stocks_daily", "--csv").stdout
    assert json.loads(made("quarantine", "show", "stocks_daily", "x.csv:3", "--json").stdout)["raw"].startswith(inside + "2,")


def test_what_gives_way_first_is_what_the_row_says_otherwise(filled):
    """In 80 columns a bar has its prices and its volume; the instrument's id and the time of its close give way."""
    text = on_a_terminal(filled, 80, "show", "stocks_daily")
    head = text.splitlines()[0].split()
    assert {"symbol", "session", "open", "high", "low", "close", "volume"} <= set(head)
    assert "(instrument_id" in text or "available_at" in text


def test_minus_signs_in_a_pipe_are_hyphens(program, tmp_path):
    """Of every command that prints numbers; on a terminal they are true minus signs."""
    made = Program(tmp_path)
    for i, (date, start) in enumerate(DAYS.items()):
        (tmp_path / f"{date}.csv").write_text(day(date, start, salt=20 - 10 * i))
    made("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    (tmp_path / "s.yaml").write_text("name: s\nuniverse: {table: stocks_daily, symbols: [T000]}\ncapital: 1000 USD\n"
                                     "entry: {when: \"close > 0\", size: 50 %}\nexit: {when: \"close < 0\"}\ncosts: {commission_bps: 1000}\n")
    run = json.loads(made("backtest", "run", "s.yaml", "--json").stdout)
    assert run["metrics"]["Return [%]"] < 0
    for words in (["backtest", "run", "s.yaml"], ["backtest", "show", "last"], ["runs"], ["describe", "stocks_daily"],
                  ["query", "select -5 a, -5.5 b, -5.5::decimal(9,2) c"], ["indicators", "run", "stocks_daily", "--indicators", "sma(close, 2) - 100"]):
        piped = made(*words).stdout
        assert "\u2212" not in piped, words
        if words[0] != "describe":
            assert re.search(r"(^|\s)-\d", piped), words
            assert "−" in on_a_terminal(made, 200, *words), words
