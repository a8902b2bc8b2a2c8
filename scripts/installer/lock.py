"""Reads deps.lock."""
import dataclasses
import pathlib
import re


@dataclasses.dataclass(frozen=True)
class Entry:
    name: str
    version: str
    hash: str = ""
    files: tuple = ()  # ((path in the package, place in .deps), ...)


@dataclasses.dataclass
class Section:
    kind: str
    group: str
    wanted: list
    entries: list
    text: str = ""  # its lines without comments: what stamps are taken of


HEADER = re.compile(r"\[(\w+)(?: (\w+))?(?:: *([^\]]*))?\]$")


def read(path: pathlib.Path) -> list:
    sections = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        header = HEADER.match(line)
        if header:
            sections.append(Section(header[1], header[2] or "", (header[3] or "").split(), []))
        elif sections and len(line.split()) >= 2:
            name, version, *rest = line.split()
            files = tuple(tuple(f.split("=")) for f in rest[1:])
            sections[-1].entries.append(Entry(name, version, rest[0] if rest else "", files))
        else:
            raise SystemExit(f"error: {path}:{number}: neither a section nor 'name version hash'\n    {line}")
        sections[-1].text += line + "\n"
    return sections
