"""The program under test and the real files beside the repository."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TAPEMILL_BIN") or os.environ.get("TAPEMILL") or ROOT / "build" / "tapemill")
SHARED = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA") or ROOT.parent / "shared" / "data")


def tapemill(lake, *arguments):
    """The document that a command prints with --json."""
    done = subprocess.run([PROGRAM, *map(str, arguments), "--lake", lake, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
