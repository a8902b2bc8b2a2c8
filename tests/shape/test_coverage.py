"""docs/coverage.csv is true to the tests, and the checker finds each way of being untrue."""
import pathlib
import tempfile
import unittest

import coverage

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Coverage(unittest.TestCase):
    def test_table_holds(self):
        self.assertEqual(coverage.check(ROOT), [])


class Planted(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name) / "tree"
        self.write("tests/core/test_x.cpp", "TEST(Suite, Name) {}\nTEST_P(Family, Member) {}\n")
        self.write("tests/interop/test_y.py", "def test_reads():\n    pass\n")
        self.write("tests/CMakeLists.txt", "add_test(NAME shape.layers COMMAND x)\n")
        self.write("bench/run.py", 'IDS = ["scan.all"]\n')

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path: str, text: str):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def problems(self, rows: str) -> list:
        self.write("docs/coverage.csv", "id,clause,state,test\n" + rows)
        return coverage.check(self.root)

    def test_every_kind_of_test_is_known(self):
        self.assertEqual(self.problems(
            'A1,"one, two",holds,Suite.Name Family.Member tests/interop/test_y.py::test_reads\n'
            "A2,three,thin,shape.layers bench:scan.all\nA3,four,absent,\n"), [])

    def test_tests_that_do_not_exist(self):
        for name in ("Suite.Other", "tests/interop/test_y.py::test_writes", "shape.other", "bench:scan.some"):
            (problem,) = self.problems(f"A1,one,thin,{name}\n")
            self.assertIn(f"docs/coverage.csv:2: A1: there is no test {name}", problem)

    def test_tests_that_never_run(self):
        for text in ("/* TEST(Suite, Off) {} */\n", "// TEST(Suite, Off) {}\n", "#if 0\nTEST(Suite, Off) {}\n#endif\n",
                     "TEST(Suite, Off) { GTEST_SKIP(); }\n"):
            self.write("tests/core/test_off.cpp", text)
            self.assertIn("there is no test Suite.Off", self.problems("A1,one,thin,Suite.Off\n")[0])
        self.write("tests/core/test_off.cpp", "TEST(Suite, DISABLED_Off) {}\n")
        self.assertIn("there is no test", self.problems("A1,one,thin,Suite.DISABLED_Off\n")[0])

    def test_holding_without_a_test(self):
        self.assertIn("names no test", self.problems("A1,one,holds,\n")[0])

    def test_unknown_state_and_wrong_columns(self):
        self.assertIn("state 'done'", self.problems("A1,one,done,Suite.Name\n")[0])
        self.assertIn("5 columns", self.problems("A1,one,two,thin,Suite.Name\n")[0])

    def test_row_of_the_spec_that_is_missing(self):
        path = self.root.parent / "shared/reference/spec.md"
        path.parent.mkdir(parents=True)
        path.write_text("# Part 1: rows\n- **A1** one\n- **Z9** two\n# Part 2\n- **Q1** three\n")
        self.assertEqual(self.problems("A1.a,one,absent,\n"), ["docs/coverage.csv: no row for Z9 of spec.md"])


if __name__ == "__main__":
    unittest.main()
