"""docs/reference is what the program says of itself."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_reference_pages_are_current(program):
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs", "--check", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
