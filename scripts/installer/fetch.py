"""Packages through their own clients, each checked against the lock's hash."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile


def call(arguments: list, **options) -> str:
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode:
        sys.stderr.write((done.stdout + done.stderr)[-3000:])
        raise SystemExit(f"error: {' '.join(map(str, arguments[:4]))} ... failed with {done.returncode}\n"
                         "  do: see its message above; a network that comes back is met by running this again")
    return done.stdout


def python() -> str:
    """Debian's own, which the locked wheels (cp311) are for, whatever python3 comes first on PATH."""
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def make_venv(place: pathlib.Path, requirements: list) -> None:
    """A venv of exactly these (name, version, hash): pip refuses any other file."""
    shutil.rmtree(place, ignore_errors=True)
    call([python(), "-m", "venv", str(place)])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{r.name}=={r.version} --hash={r.hash}\n" for r in requirements)
        file.flush()
        call([str(place / "bin/pip"), "install", "-q", "--no-deps", "--require-hashes", "--no-compile", "-r", file.name])


def wheel(pip: pathlib.Path, entry, place: pathlib.Path, wanted) -> None:
    """Unpacks the members of a wheel for which wanted(name) is true."""
    with tempfile.TemporaryDirectory() as folder:
        requirement = pathlib.Path(folder, "requirements.txt")
        requirement.write_text(f"{entry.name}=={entry.version} --hash={entry.hash}\n")
        call([str(pip), "download", "-q", "--no-deps", "--require-hashes", "--only-binary", ":all:",
              "-d", folder, "-r", str(requirement)])
        (archive,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                if wanted(member.filename):
                    path = file.extract(member, place)
                    os.chmod(path, (member.external_attr >> 16) & 0o777 or 0o644)


def go_program(go: str, entry, package: str, place: pathlib.Path) -> None:
    """Builds module/package into `place`; the module's hash is the lock's (Go checks those of what it needs itself)."""
    at = f"{entry.name}@{entry.version}"
    told = json.loads(call([go, "mod", "download", "-json", at], cwd="/"))
    if told["Sum"] != entry.hash:
        raise SystemExit(f"error: {at} is not what deps.lock names\n    got {told['Sum']}\n"
                         "  do: find out who changed it before you change the lock")
    place.mkdir(parents=True)
    environment = dict(os.environ, GOBIN=str(place), CGO_ENABLED="0")
    call([go, "install", f"{entry.name}/{package}@{entry.version}"], cwd="/", env=environment)


def npm_package(npm: str, entry, deps: pathlib.Path, environment: dict) -> None:
    """Copies entry.files out of a package whose integrity is the lock's."""
    with tempfile.TemporaryDirectory() as folder:
        told = call([npm, "pack", f"{entry.name}@{entry.version}", "--json", "--pack-destination", folder],
                    cwd=folder, env=environment)
        archive = pathlib.Path(folder, os.path.basename(json.loads(told)[0]["filename"]))
        if not archive.exists():  # npm < 9 names a scoped package's file otherwise
            (archive,) = pathlib.Path(folder).glob("*.tgz")
        digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != entry.hash:
            raise SystemExit(f"error: {entry.name} {entry.version} is not what deps.lock names\n"
                             f"    got {digest}\n  do: find out who changed it before you change the lock")
        call(["tar", "xzf", str(archive), "-C", folder])
        for source, target in entry.files:
            place = deps / target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pathlib.Path(folder, "package", source), place.with_name(place.name + ".new"))
            os.replace(place.with_name(place.name + ".new"), place)
