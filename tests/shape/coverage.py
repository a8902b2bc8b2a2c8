#!/usr/bin/env python3
"""Checks docs/coverage.csv: every test that it names exists, and every row that holds names one.

Columns: id, clause, state (absent | thin | holds), test. `test` names, separated by blanks:
  Suite.Name               a GoogleTest (TEST, TEST_F, TEST_P, TYPED_TEST), in tests/
  tests/x/test_y.py::name  a Python test function, or Class.name's name
  shape.name               a test that CMake adds (tests/**/CMakeLists.txt)
  bench:id                 a benchmark (bench/)

usage: coverage.py [ROOT]    prints what is wrong with its line, and exits 1 when something is
"""
import csv
import pathlib
import re
import sys

STATES = ("absent", "thin", "holds")
COLUMNS = ["id", "clause", "state", "test"]
GTEST = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)
UNREAD = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/|^[ \t]*#[ \t]*if[ \t]+0\b.*?^[ \t]*#[ \t]*(?:endif|else)\b',
                    re.MULTILINE | re.DOTALL)
SKIPPED = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P)\(\s*(\w+)\s*,\s*(\w+)\s*\)\s*\{\s*GTEST_SKIP", re.MULTILINE)
PYTHON = re.compile(r"^\s*(?:async )?def (test_\w+)\(", re.MULTILINE)
CTEST = re.compile(r"\badd_test\(\s*NAME\s+(\S+)|\bshape_test\(\s*(\S+)")


def files(root: pathlib.Path, top: str, pattern: str):
    return sorted((root / top).rglob(pattern)) if (root / top).exists() else []


def known_tests(root: pathlib.Path) -> set:
    names = set()
    for path in files(root, "tests", "*.cpp"):
        text = UNREAD.sub(lambda match: match[0] if match[0].startswith('"') else "", path.read_text())
        never = set(SKIPPED.findall(text))
        names |= {f"{suite}.{name}" for suite, name in GTEST.findall(text)
                  if (suite, name) not in never and "DISABLED_" not in suite + name}
    for path in files(root, "tests", "*.py"):
        names |= {f"{path.relative_to(root)}::{name}" for name in PYTHON.findall(path.read_text())}
    for path in files(root, "tests", "CMakeLists.txt"):
        names |= {first or f"shape.{second}" for first, second in CTEST.findall(path.read_text())}
    return names


def has_bench(root: pathlib.Path, name: str) -> bool:
    return any(f'"{name}"' in path.read_text() for suffix in ("*.py", "*.cpp") for path in files(root, "bench", suffix))


def rows_of_the_spec(root: pathlib.Path) -> list:
    """The ids of part 1, where the project's shared folder is at hand."""
    path = root.parent / "shared/reference/spec.md"
    if not path.exists():
        return []
    part = path.read_text().split("# Part 1")[1].split("# Part 2")[0]
    return re.findall(r"^- \*\*([A-Z]\d+)\*\*", part, re.MULTILINE)


def check(root: pathlib.Path) -> list:
    path = root / "docs/coverage.csv"
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        rows = list(reader)
    if not rows or rows[0] != COLUMNS:
        return [f"docs/coverage.csv:1: the header must be {','.join(COLUMNS)}"]
    known, problems, ids = known_tests(root), [], set()
    for number, row in enumerate(rows[1:], 2):
        place = f"docs/coverage.csv:{number}"
        if len(row) != len(COLUMNS):
            problems.append(f"{place}: {len(row)} columns, not {len(COLUMNS)}; quote a clause that has commas")
            continue
        name, _, state, tests = row
        ids.add(name.split(".")[0])
        if state not in STATES:
            problems.append(f"{place}: {name}: state '{state}' is none of {', '.join(STATES)}")
        if state == "holds" and not tests.split():
            problems.append(f"{place}: {name} holds, but names no test that shows it")
        for test in tests.split():
            if not (has_bench(root, test[6:]) if test.startswith("bench:") else test in known):
                problems.append(f"{place}: {name}: there is no test {test}")
    problems += [f"docs/coverage.csv: no row for {name} of spec.md" for name in rows_of_the_spec(root) if name not in ids]
    return problems


def main() -> int:
    problems = check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
