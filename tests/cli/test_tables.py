"""Tables for eyes: numbers of a column line up, a window that is too narrow is told of and helped, a pipe gets everything."""
import json
import re
import unicodedata

import pytest
from program import DAYS, Program, day, on_a_terminal

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


def widths(text):
    return max(sum(not unicodedata.combining(c) for c in line) for line in text.splitlines() if " rows" not in line and "more column" not in line)


WIDE = "select " + ", ".join(f"{i}{i}{i}{i} as column_{i}" for i in range(1, 10)) + ", {} as last_one from range({})"


def test_a_narrow_window_leaves_out_the_middle_and_says_so(filled):
    text = on_a_terminal(filled, 70, "query", WIDE.format(5, 6))
    head = text.splitlines()[0].split()
    assert head[:2] == ["column_1", "column_2"] and head[-1] == "last_one" and "…" in head
    note = next(line for line in text.splitlines() if "more columns" in line)
    left_out = int(re.search(r"(\d+) more columns", note)[1])
    assert left_out == 10 - (len(head) - 1) and "--csv" in note and widths(text) <= 70
    assert len({line.count("  ") > 0 for line in text.splitlines()[2:8]}) == 1
    assert len(filled("query", WIDE.format(5, 6)).stdout.splitlines()[0].split()) == 10  # a pipe has all of them


def test_a_few_rows_are_turned_rather_than_cut(filled):
    text = on_a_terminal(filled, 40, "query", WIDE.format(5, 2))
    lines = text.splitlines()
    assert [line.split() for line in lines[:10]] == [[f"column_{i}", str(i) * 4, str(i) * 4] for i in range(1, 10)] + [["last_one", "5", "5"]]
    assert "more column" not in text
    long = on_a_terminal(filled, 40, "query", "select 'a' as one, repeat('x', 70) as two, 'b' as three")
    assert long.count("x") == 70 and all(len(line) <= 40 for line in long.splitlines())


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
