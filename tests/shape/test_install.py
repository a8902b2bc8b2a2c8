"""cmake --install gives a tree that can be moved, and a package that others build on."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["TAPEMILL_BUILD"])

CONSUMER_LIST = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(Tapemill 0.1 REQUIRED)
add_executable(consumer main.cpp)
target_compile_features(consumer PRIVATE cxx_std_20)
target_link_libraries(consumer PRIVATE Tapemill::core)
"""
CONSUMER = """
#include <cstdio>

#include "core/build_info.h"
#include "core/status.h"

int main() {
  std::puts(tapemill::version());
  std::puts(tapemill::usage_error("what", "do").ToString().c_str());
}
"""


def run(*arguments, **options) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        first = pathlib.Path(cls.folder.name, "first")
        cls.prefix = pathlib.Path(cls.folder.name, "moved/here")
        run("cmake", "--install", BUILD, "--prefix", first)
        cls.prefix.parent.mkdir()
        shutil.move(first, cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_program_runs_where_it_was_moved(self):
        program = self.prefix / "bin/tapemill"
        clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        self.assertRegex(run(program, "--version", env=clean), r"^(tapemill )?\d+\.\d+\.\d+")
        self.assertIn("config.yaml", run(program, "config", "path", env=clean))
        libraries = run("ldd", self.prefix / "bin/tapemill-program", env=clean)
        self.assertNotIn("not found", libraries)
        for path in re.findall(r"lib(?:arrow|parquet)\S* => (\S+)", libraries):
            self.assertTrue(pathlib.Path(path).resolve().is_relative_to(self.prefix.resolve()), path)

    def test_nothing_points_back_at_the_build(self):
        told = run("readelf", "-d", self.prefix / "bin/tapemill-program")
        self.assertIn("$ORIGIN/../lib/tapemill", told)
        self.assertNotIn(".deps", told)

    def test_duckdb_and_the_users_files_are_there(self):
        self.assertTrue((self.prefix / "lib/tapemill/libduckdb.so").exists())
        self.assertTrue(list((self.prefix / "share/tapemill/calendars").glob("*.yaml")))
        self.assertTrue((self.prefix / "share/tapemill/data/sp500-2000.csv").exists())

    def test_others_build_on_it(self):
        consumer = pathlib.Path(self.folder.name, "consumer")
        consumer.mkdir()
        (consumer / "CMakeLists.txt").write_text(CONSUMER_LIST)
        (consumer / "main.cpp").write_text(CONSUMER)
        run("cmake", "-S", consumer, "-B", consumer / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", consumer / "build")
        told = run(consumer / "build/consumer")
        self.assertRegex(told, r"^\d+\.\d+\.\d+\n")
        self.assertIn("what", told)


if __name__ == "__main__":
    unittest.main()
