"""Every command of README.md and examples/*.md, as a reader would type it: exit status 0 on a fresh lake, in the order of the page.

Commands are the lines of ```sh blocks. They run where the checkout's examples, strategies and .deps lie, but what they write stays
in a temporary folder. `tapemill serve` is started, asked for its health, and stopped by Ctrl-C.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TAPEMILL_BIN") or os.environ.get("TAPEMILL") or ROOT / "build" / "tapemill").resolve()
DATA = pathlib.Path(os.environ.get("TAPEMILL_SHARED_DATA") or ROOT.parent / "shared" / "data").resolve()
PAGES = sorted(["README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "examples").glob("*.md"))])
NOT_RUN = ("make ", "apt-get ")


def commands(page):
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.strip() and not line.startswith(("#", *NOT_RUN))]


@pytest.fixture
def desk(tmp_path):
    """A folder like the checkout's top, and the environment of the README."""
    for name in ("examples", "strategies", ".deps"):
        (tmp_path / name).symlink_to(ROOT / name)
    env = {k: v for k, v in os.environ.items() if not k.startswith("TAPEMILL")}
    env |= {"PATH": f"{PROGRAM.parent}:{env['PATH']}", "TAPEMILL_LAKE": str(tmp_path / "lake"), "DATA": str(DATA),
            "TAPEMILL_CONFIG": str(tmp_path / "config.yaml"), "TAPEMILL_SHARE": str(ROOT)}
    return tmp_path, env


def serve_and_stop(line, folder, env):
    with subprocess.Popen(f"exec {line} --port 0", shell=True, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
            assert port, f"{line}: does not say where it listens"
            with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/health", timeout=10) as answer:
                assert json.load(answer)["status"] == "ok"
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=20) == 0, line
        finally:
            server.kill()


def test_pages_have_commands():
    assert commands("README.md")
    for page in ("examples/my_csv.md", "examples/my_features.md", "examples/my_strategy.md"):
        assert commands(page), page


def test_every_command_is_named():
    """The README's way through the program meets the commands that a first hour needs."""
    text = "\n".join(commands("README.md"))
    for name in ("ingest", "quarantine list", "show", "query", "indicators run", "indicators explain", "features build", "chart", "backtest run",
                 "export qlib", "serve"):
        assert f"tapemill {name}" in text, name


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_commands(page, desk):
    folder, env = desk
    lines = commands(page)
    if any("$DATA" in line for line in lines) and not DATA.exists():
        pytest.skip(f"{page}: {DATA} is not there; set TAPEMILL_SHARED_DATA")
    for line in lines:
        if re.match(r"tapemill serve\b", line):
            serve_and_stop(line, folder, env)
            continue
        done = subprocess.run(["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{page}: {line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    # In the checkout itself, git would see nothing of what they wrote; examples/ say themselves what to put beside them.
    if page == "README.md" and (ROOT / ".git").exists():
        written = sorted(one.name + "/" * one.is_dir() for one in folder.iterdir() if not one.is_symlink())
        ignored = subprocess.run(["git", "check-ignore", *written], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
        assert sorted(ignored) == written
