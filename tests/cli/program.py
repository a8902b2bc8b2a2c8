"""The program as its users run it, and the files it is given."""
import os
import pathlib
import pty
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TAPEMILL_BIN") or os.environ.get("TAPEMILL") or ROOT / "build" / "tapemill")
HEADER = "ticker,volume,open,close,high,low,window_start,transactions\n"


def day(date, start, good=5, bad=1, salt=0):
    """A Polygon day file: rows in order, then rows whose high lies below their low. start: midnight in New York, s."""
    rows = [f"T{i:03},{100 + i},10,{11 + salt}.25,{12 + salt}.5,9,{start}000000000,7\n" for i in range(good)]
    return HEADER + "".join(rows) + "".join(f"X{i:03},5,10,10,9,11,{start}000000000,1\n" for i in range(bad))


DAYS = {"2024-01-02": 1704171600, "2024-01-03": 1704258000, "2024-01-04": 1704344400}


class Program:
    """The program as its users run it, away from their settings and ours."""

    def __init__(self, folder):
        self.folder = folder
        self.lake = folder / "lake"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("TAPEMILL") and k != "NO_COLOR"}
        self.env |= {"TAPEMILL_LAKE": str(self.lake), "TAPEMILL_CONFIG": str(folder / "config.yaml"), "HOME": str(folder)}

    def __call__(self, *arguments, code=0, env=None):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder,
                              env=self.env | (env or {}), timeout=120, check=False)
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


def on_a_terminal(program, columns, *arguments):
    """What a command prints on a terminal so many columns wide."""
    leader, follower = pty.openpty()
    subprocess.run(["stty", "cols", str(columns)], stdin=follower, check=True)
    with subprocess.Popen([PROGRAM, *arguments], stdout=follower, stderr=follower, env=program.env, cwd=program.folder) as running:
        os.close(follower)
        text = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
        running.wait()
    os.close(leader)
    return text.decode().replace("\r", "")
