#!/usr/bin/env python3
"""The layer test and the owner test: every #include of the tree against src/CMakeLists.txt and owners.txt.

usage: layers.py [ROOT]     prints every violation with file:line, and exits 1 when there is one
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
# Every way to write the directive, and the one that the tree uses.
ANY_INCLUDE = re.compile(r'^(?:[ \t]|/\*.*?\*/)*(?:#|%:|\?\?=)(?:[ \t]|/\*.*?\*/|\\\n)*i(?:\\\n)?n(?:\\\n)?c(?:\\\n)?l(?:\\\n)?u'
                         r'(?:\\\n)?d(?:\\\n)?e(?:_next)?\b', re.MULTILINE | re.DOTALL)
OTHER_SUFFIXES = (".hpp", ".hh", ".hxx", ".inl", ".ipp", ".inc", ".tpp", ".cc", ".cxx", ".c++", ".ixx", ".cppm")
NAMESPACE = re.compile(r"(?:inline )?namespace\b\s*([\w:]*)\s*\{")
TYPE = re.compile(r"(?:struct|class)\s+(\w+)\s*(?:final\s*)?(?::[^:;]*)?\{")
STAGE = re.compile(r"^stage\((\w+)([^)]*)\)", re.MULTILINE)
# The platform's headers; C++'s own have neither a dot nor a slash.
PLATFORM = re.compile(r"(sys|linux|netinet|arpa|net)/\w+\.h$|(fcntl|glob|fnmatch|unistd|dirent|dlfcn|signal|termios|poll|pthread|sched|"
                      r"netdb|pwd|grp|spawn|time|errno|limits|stdio|stdlib|string|stdint|malloc|getopt|link|cxxabi)\.h$")


def stages(root: pathlib.Path) -> dict:
    """Stage -> what it declares, in the order of the list."""
    text = (root / "src/CMakeLists.txt").read_text()
    found = {}
    for name, rest in STAGE.findall(text):
        depends = re.search(r"\bDEPENDS\s+([\w\s]*?)\s*(?:\bLIBRARIES\b|$)", rest)
        found[name] = depends[1].split() if depends else []
    return found


def owners() -> list:
    """[(header or folder/, owners)]"""
    rows = []
    for line in (HERE / "owners.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            headers, names = line.split("=")
            rows += [(header, names.split()) for header in headers.split()]
    return rows


def closure(declared: dict, stage: str) -> set:
    seen, todo = set(), [stage]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += declared.get(name, [])
    return seen


class Tree:
    def __init__(self, root: pathlib.Path):
        self.root = root
        self.declared = stages(root)
        self.owners = owners()
        self.violations = []

    def fail(self, place: str, what: str, do: str) -> None:
        self.violations.append(f"{place}: {what}\n  do: {do}")

    def check_list(self) -> None:
        """The list is in flow order: what a stage depends on stands before it, so there can be no cycle."""
        before = []
        for name, depends in self.declared.items():
            for other in depends:
                if other not in before:
                    self.fail("src/CMakeLists.txt", f"stage {name} depends on {other}, which does not stand before it",
                              "data flows one way; what must return is a table in the lake")
            before.append(name)
        for folder in sorted(p.name for p in (self.root / "src").iterdir() if p.is_dir()):
            if folder not in self.declared:
                self.fail(f"src/{folder}", "a folder without a stage", "declare it in src/CMakeLists.txt")

    def allowed(self, top: str, folder: str) -> set:
        if top == "src":
            return {folder, *self.declared.get(folder, [])}
        if top == "tests" and folder in self.declared:
            return closure(self.declared, folder)
        return set(self.declared)

    def check_own(self, place: str, path: pathlib.Path, header: str, allowed: set) -> None:
        first = header.split("/")[0]
        if ".." in header.split("/"):
            self.fail(place, f'"{header}" climbs out of its folder', 'write "stage/file.h"')
        elif "/" in header and first in self.declared:
            if not (self.root / "src" / header).exists():
                self.fail(place, f'"{header}" does not exist', "name the file that does")
            elif first not in allowed:
                self.fail(place, f'"{header}": an arrow to {first} that is not declared',
                          f"move the code, or argue for the arrow in src/CMakeLists.txt (now: {' '.join(sorted(allowed))})")
        elif not any((base / header).exists() for base in (path.parent, self.root / "tests", self.root / "bench",
                                                           self.root / "apps")):
            self.fail(place, f'"{header}" is neither "stage/file.h" nor a file beside this one',
                      "third-party headers stand in <>")

    def check_foreign(self, place: str, header: str, folders: set) -> None:
        if "/" not in header and "." not in header or PLATFORM.match(header) or folders == {"tests", "shape"}:
            return
        rows = [names for prefix, names in self.owners
                if header == prefix or prefix.endswith("/") and header.startswith(prefix)]
        if not rows:
            self.fail(place, f"<{header}> has no owner", "say in tests/shape/owners.txt whose it is")
        elif "all" not in rows[0] and not folders & set(rows[0]):
            self.fail(place, f"<{header}> belongs to {', '.join(rows[0])}", "go through the owner's header")

    def check_names(self) -> None:
        """A type's name stands once in a namespace: of two, the linker keeps one's destructor for both (ODR)."""
        first = {}
        for top in ("src", "apps"):
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix not in (".h", ".cpp"):
                    continue
                inside = []
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    if opened := NAMESPACE.match(line):
                        inside.append(opened[1])
                    elif inside and re.match(r"\}\s*// (inline )?namespace", line):
                        inside.pop()
                    elif (found := TYPE.match(line)) and "" not in inside:
                        place = f"{path.relative_to(self.root)}:{number}"
                        name = "::".join([*inside, found[1]])
                        if name in first:
                            self.fail(place, f"{name} is a type of {first[name]} too: one name, two destructors",
                                      "give it another name, or an unnamed namespace")
                        first.setdefault(name, place)

    def check(self) -> list:
        self.check_list()
        self.check_names()
        for top in ("src", "apps", "tests", "bench", "examples"):
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix in OTHER_SUFFIXES:
                    self.fail(str(path.relative_to(self.root)), f"C++ in a file that ends in {path.suffix}",
                              "end it in .h or .cpp, which are looked into")
                if path.suffix not in (".h", ".cpp") or "compile_fail" in path.parts:
                    continue
                inside = path.relative_to(self.root).parts
                folder = inside[1] if len(inside) > 2 else ""
                text = path.read_text()
                plain = {match.start() for match in INCLUDE.finditer(text)}
                for match in ANY_INCLUDE.finditer(text):
                    if match.start() not in plain:
                        self.fail(f"{path.relative_to(self.root)}:{text.count(chr(10), 0, match.start()) + 1}",
                                  "an #include that is not written out", '#include "stage/file.h" alone on its line')
                for match in INCLUDE.finditer(text):
                    place = f"{path.relative_to(self.root)}:{text.count(chr(10), 0, match.start()) + 1}"
                    if match[1] == '"':
                        self.check_own(place, path, match[2], self.allowed(top, folder))
                    else:
                        self.check_foreign(place, match[2], {folder} if top == "src" else {top, folder})
        return self.violations


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[1]
    violations = Tree(root).check()
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
