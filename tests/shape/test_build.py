"""make, and what the build bakes into the program."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Make(unittest.TestCase):
    def test_help_lists_every_target(self):
        told = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
        for target in ("build", "demo", "test", "test-interop", "bench", "lint", "docs", "clean"):
            self.assertRegex(told, rf"(?m)^  {target} +\S")


class SourceHash(unittest.TestCase):
    """A hash of src/ without git: the same for the same tree, another for any change in it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        shutil.copytree(ROOT / "src/core", self.root / "src/core")

    def tearDown(self):
        self.folder.cleanup()

    def hash(self) -> str:
        out = self.root / "build_info.cpp"
        subprocess.run(["cmake", f"-DSOURCE_DIR={self.root}", "-DVERSION=1.2.3", f"-DOUTPUT={out}", "-P",
                        ROOT / "cmake/build_info.cmake"], check=True)
        self.written = out.stat().st_mtime_ns
        return re.search(r'source_hash\(\) { return "([0-9a-f]{64})"', out.read_text())[1]

    def test_same_tree_same_hash_and_nothing_is_written(self):
        first, written = self.hash(), None
        written = self.written
        self.assertEqual(self.hash(), first)
        self.assertEqual(self.written, written)

    def test_every_change_counts(self):
        seen = {self.hash()}
        header = self.root / "src/core/status.h"
        header.write_text(header.read_text() + "\n")
        seen.add(self.hash())
        header.rename(header.with_name("renamed.h"))
        seen.add(self.hash())
        (self.root / "src/core/new.cpp").write_text("int x;\n")
        seen.add(self.hash())
        self.assertEqual(len(seen), 4)
        (self.root / "src/core/notes.md").write_text("documents do not compute\n")
        self.assertIn(self.hash(), seen)


if __name__ == "__main__":
    unittest.main()
