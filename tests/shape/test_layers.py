"""The tree holds its layers and owners, and a planted violation of each kind is found."""
import pathlib
import shutil
import tempfile
import unittest

import layers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPS = ("src", "apps", "tests", "bench", "examples")


class Layers(unittest.TestCase):
    def test_tree_holds(self):
        self.assertEqual(layers.Tree(ROOT).check(), [])

    def test_arrows_are_those_of_the_design(self):
        declared = layers.stages(ROOT)
        self.assertEqual(next(iter(declared)), "core")
        self.assertEqual(declared["core"], [])
        self.assertEqual(declared["lake"], ["core", "quality"])
        self.assertEqual(declared["indicators"], ["core"])
        self.assertEqual(declared["exports"], ["core", "lake"])


class Planted(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        for top in TOPS:
            if (ROOT / top).exists():
                shutil.copytree(ROOT / top, self.root / top, ignore=shutil.ignore_patterns("*.csv", "*.gz", "*.json"))

    def tearDown(self):
        self.folder.cleanup()

    def plant(self, path: str, text: str = "#pragma once\n"):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def found(self, path: str, text: str) -> list:
        self.plant(path, text)
        return layers.Tree(self.root).check()

    def expect(self, violations: list, *parts: str):
        self.assertEqual(len(violations), 1, violations)
        for part in parts:
            self.assertIn(part, violations[0])

    def test_arrow_against_the_flow(self):
        self.plant("src/lake/planted.h")
        self.expect(self.found("src/core/planted.cpp", '\n#include "lake/planted.h"\n'),
                    "src/core/planted.cpp:2", "an arrow to lake that is not declared")

    def test_arrow_with_the_flow_that_nobody_declared(self):
        self.plant("src/sources/planted.h")
        self.expect(self.found("src/exports/planted.cpp", '#include "sources/planted.h"\n'), "src/exports/planted.cpp:1")

    def test_arrow_in_a_test(self):
        self.plant("src/serve/planted.h")
        self.expect(self.found("tests/core/planted.cpp", '# include "serve/planted.h"\n'), "tests/core/planted.cpp:1")

    def test_header_of_a_third_party_in_another_folder(self):
        self.expect(self.found("src/exports/planted.cpp", "#include <duckdb.h>\n"), "<duckdb.h> belongs to lake")
        self.expect(self.found("src/exports/planted.cpp", "#include <yaml-cpp/yaml.h>\n"), "belongs to core")

    def test_header_of_a_third_party_nobody_owns(self):
        self.expect(self.found("src/core/planted.cpp", "#include <unheard/of.h>\n"), "<unheard/of.h> has no owner")

    def test_two_types_of_one_name(self):
        self.expect(self.found("src/lake/planted.h", "#pragma once\nnamespace tapemill::lake {\nstruct Actions {\n"
                               "  int list;\n};\n}  // namespace tapemill::lake\n"),
                    "src/lake/planted.h:3", "tapemill::lake::Actions is a type of src/lake/actions.h")
        self.assertEqual(self.found("src/lake/planted.h", "#pragma once\n"), [])
        self.assertEqual(self.found("src/lake/planted.cpp", "namespace tapemill::lake {\nnamespace {\nstruct Actions {\n"
                                    "};\n}  // namespace\n}  // namespace tapemill::lake\n"), [])

    def test_ways_round_it(self):
        self.plant("src/lake/planted.h")
        for text in ('#define H "lake/planted.h"\n#include H\n', '/* */ #include "lake/planted.h"\n',
                     '%:include "lake/planted.h"\n', '#\\\ninclude "lake/planted.h"\n', '#inc\\\nlude "lake/planted.h"\n',
                     '# /* */ include "lake/planted.h"\n', '#include_next <lake/planted.h>\n'):
            self.expect(self.found("src/core/planted.cpp", text), "is not written out")
        self.plant("src/core/planted.cpp")
        for name in ("planted.hpp", "planted.inl"):
            self.expect(self.found(f"src/core/{name}", '#include "lake/planted.h"\n'), "which are looked into")
            (self.root / "src/core" / name).unlink()

    def test_header_that_is_not_there(self):
        self.expect(self.found("src/core/planted.cpp", '#include "core/not_there.h"\n'), "does not exist")

    def test_third_party_in_quotes(self):
        self.expect(self.found("src/core/planted.cpp", '#include "simdjson.h"\n'), "stand in <>")

    def test_climbing(self):
        self.expect(self.found("src/core/planted.cpp", '#include "../lake/lake.h"\n'), "climbs out")

    def test_folder_without_a_stage(self):
        self.expect(self.found("src/attic/planted.cpp", "int planted;\n"), "a folder without a stage")

    def test_cycle_in_the_list(self):
        path = self.root / "src/CMakeLists.txt"
        path.write_text(path.read_text().replace("stage(quality    DEPENDS core", "stage(quality    DEPENDS core lake"))
        self.expect(layers.Tree(self.root).check(), "quality depends on lake")

    def test_what_is_allowed_is_not_reported(self):
        self.assertEqual(self.found("src/lake/planted.cpp", '#include <vector>\n#include <sys/stat.h>\n#include <duckdb.h>\n'
                                                            '#include <arrow/api.h>\n#include "core/status.h"\n'), [])


if __name__ == "__main__":
    unittest.main()
