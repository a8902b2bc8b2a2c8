"""Installs what deps.lock names. Run through scripts/install."""
import argparse
import fcntl
import hashlib
import os
import pathlib
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apt  # noqa: E402
import lock  # noqa: E402
import parts  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def say(text: str) -> None:
    print(f"install: {text}", flush=True)


def list_for_root(absent: list) -> None:
    names = " ".join(entry.name for entry in absent)
    print(f"error: {len(absent)} Debian packages are missing, and this user may not install them\n"
          f"  do: as root, run the line below; then run this again as yourself\n\n"
          f"    apt-get install --no-install-recommends {names}\n", file=sys.stderr)
    sys.exit(3)


def check_vendored(sections: list) -> None:
    for section in sections:
        for entry in section.entries if section.kind == "vendored" else []:
            digest = "sha256:" + hashlib.sha256((ROOT / entry.name).read_bytes()).hexdigest()
            if digest != entry.hash:
                raise SystemExit(f"error: {entry.name} is not what deps.lock names\n    got {digest}\n"
                                 f"  do: git checkout {entry.name}, or lock the version you mean")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/install", description="Installs what deps.lock names.")
    parser.add_argument("groups", nargs="*", default=["build"], metavar="GROUP")
    parser.add_argument("--skip-apt", action="store_true", help="leave the machine's packages alone")
    options = parser.parse_args()
    start = time.monotonic()
    sections = lock.read(ROOT / "deps.lock")
    known = {section.group for section in sections if section.group}
    for group in set(options.groups) - known:
        parser.error(f"unknown group '{group}'; deps.lock has {', '.join(sorted(known))}")

    absent = []
    if not options.skip_apt:
        wanted = [e for s in sections if s.kind == "apt" and s.group in options.groups for e in s.entries]
        absent = apt.missing(list({e.name: e for e in wanted}.values()))
    if absent and os.geteuid() != 0:
        list_for_root(absent)
    check_vendored(sections)

    deps = ROOT / ".deps"
    deps.mkdir(exist_ok=True)
    with open(deps / "lock", "w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two makes at once: the second one finds everything there
        if absent:
            apt.install(absent, say)
        todo = [p for p in parts.parts(ROOT, sections, options.groups) if not p.is_made(deps)]
        for number, part in enumerate(todo, 1):
            began = time.monotonic()
            names = ", ".join(f"{e.name} {e.version}" for e in part.entries[:2])
            more = f" and {len(part.entries) - 2} more" if len(part.entries) > 2 else ""
            print(f"install: [{number}/{len(todo)}] {part.name}: {names}{more} ...", end="", flush=True)
            part.make_it(deps)
            print(f" {time.monotonic() - began:.1f} s", flush=True)
    if absent or todo:
        say(f"done in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        print(f"\nerror: {error.filename}: {error.strerror}\n"
              "  do: see that this user may write into the checkout, and that its disk has 2 GB left", file=sys.stderr)
        sys.exit(3)
