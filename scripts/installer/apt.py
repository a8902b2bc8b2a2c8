"""Debian packages: what is missing, and how it comes."""
import os
import re
import subprocess
import sys

STATUS = "/var/lib/dpkg/status"


def installed() -> dict:
    """Name -> version, out of dpkg's own file: apt itself would take seconds."""
    if not os.path.exists(STATUS):
        return {}
    with open(STATUS, encoding="utf-8") as file:
        text = file.read()
    pattern = r"^Package: (\S+)\nStatus: \S+ \S+ installed\n(?:.+\n)*?Version: (\S+)"
    return dict(re.findall(pattern, text, re.MULTILINE))


def missing(entries: list) -> list:
    have = installed()
    return [e for e in entries if e.name not in have]


def run(arguments: list) -> int:
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    done = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write((done.stdout + done.stderr)[-2000:])
    return done.returncode


def install(entries: list, say) -> None:
    say(f"{len(entries)} Debian packages: " + " ".join(e.name for e in entries))
    run(["apt-get", "update", "-qq"])
    names = [e.name for e in entries]
    listing = subprocess.run(["apt-cache", "madison", *names], capture_output=True, text=True).stdout
    served = {tuple(part.strip() for part in line.split("|")[:2]) for line in listing.splitlines()}
    wanted = []
    for e in entries:
        locked = (e.name, e.version) in served
        wanted.append(f"{e.name}={e.version}" if locked else e.name)
        if not locked:
            say(f"{e.name}: the mirror no longer serves {e.version}; taking its candidate")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    if run(command + wanted) == 0:
        return
    say("the locked versions do not go together with what is installed; taking the mirror's candidates")
    if run(command + names):
        raise SystemExit("error: apt-get install failed\n  " + " ".join(names) +
                         "\n  do: see its message above; then run this again")
