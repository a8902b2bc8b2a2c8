"""The program starts fast: what is loaded on first use is not linked."""
import os
import pathlib
import subprocess
import unittest

import clock

PROGRAM = pathlib.Path(os.environ["TAPEMILL_BUILD"]) / "tapemill"


class Program(unittest.TestCase):
    def fastest(self, *arguments) -> float:
        """Of thirty runs, in milliseconds: the others were disturbed."""
        return 1000 * min(clock.seconds(PROGRAM, *arguments)[1] for _ in range(30))

    def test_version_help_and_completion_in_ten_milliseconds(self):
        for arguments in (["--version"], ["--help"], ["completion", "bash"]):
            self.assertLess(self.fastest(*arguments), 10, arguments)

    def test_duckdb_and_connectors_are_not_linked(self):
        needed = subprocess.run(["readelf", "-d", PROGRAM.with_name("tapemill-program")], capture_output=True, text=True, check=True).stdout
        for library in ("duckdb", "rdkafka", "pq", "hiredis", "curl"):
            self.assertNotIn(f"[lib{library}.so", needed)


if __name__ == "__main__":
    unittest.main()
