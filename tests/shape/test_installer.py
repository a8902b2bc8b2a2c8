"""scripts/install: one lock, nothing done twice, nothing taken that the lock does not name."""
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import clock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/installer"))
import fetch  # noqa: E402
import lock  # noqa: E402

ABSENT = "tapemill-no-such-package"


class Lock(unittest.TestCase):
    def test_everything_but_debian_has_a_hash(self):
        sections = lock.read(ROOT / "deps.lock")
        self.assertEqual({s.kind for s in sections}, {"apt", "pypi", "npm", "s3", "venv", "vendored"})
        for section in sections:
            for entry in section.entries:
                if section.kind != "apt":
                    self.assertRegex(entry.hash, r"^(sha256:[0-9a-f]{64}|sha512-[A-Za-z0-9+/]{86}==|h1:[A-Za-z0-9+/]{43}=)$", entry.name)

    def test_what_a_venv_wants_is_what_it_holds(self):
        for section in lock.read(ROOT / "deps.lock"):
            held = {entry.name.lower().replace("_", "-"): entry.version for entry in section.entries}
            for wanted in section.wanted:
                name, _, version = wanted.lower().replace("_", "-").partition("==")
                self.assertIn(held.get(name), (version, held.get(name)) if not version else (version,), wanted)

    def test_a_bad_line_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".lock") as file:
            file.write("[apt build]\nmake 4.3\ngarbage\n")
            file.flush()
            with self.assertRaisesRegex(SystemExit, rf"{file.name}:3: "):
                lock.read(pathlib.Path(file.name))


class Installed(unittest.TestCase):
    def test_a_second_run_does_nothing_in_under_two_seconds(self):
        done, spent = clock.seconds(ROOT / "scripts/install", "build", "test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertLess(spent, 2)


class Copy(unittest.TestCase):
    """A tree of its own with a lock of its own, and programs of ours in place of apt and npm."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.root.chmod(0o755)
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        (self.root / "bin").mkdir()

    def tearDown(self):
        self.folder.cleanup()

    def program(self, name: str, text: str):
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def install(self, text: str, *arguments: str, **options):
        (self.root / "deps.lock").write_text(text)
        path = f"{self.root / 'bin'}:/usr/bin:/bin"
        return subprocess.run([self.root / "scripts/install", *arguments], capture_output=True, text=True,
                              env=dict(os.environ, PATH=path), **options)

    @unittest.skipIf(os.geteuid() != 0, "only root can become another user")
    def test_another_user_gets_the_list_before_anything_else(self):
        done = self.install(f"[apt build]\n{ABSENT} 1.0\nlibc6 2.36\n[npm build]\nx 1 sha512-x a=b\n", user="nobody",
                            cwd="/")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(f"apt-get install --no-install-recommends {ABSENT}\n", done.stderr)
        self.assertFalse((self.root / ".deps").exists())

    @unittest.skipIf(os.geteuid() != 0, "only root installs")
    def test_a_version_that_is_no_longer_served_gives_way_to_the_candidate(self):
        self.program("apt-cache", f"#!/bin/sh\necho ' {ABSENT} | 2.0 | mirror'\necho ' {ABSENT}-too | 1.0 | mirror'\n")
        self.program("apt-get", f"#!/bin/sh\necho \"$@\" >>{self.root}/calls\n")
        done = self.install(f"[apt build]\n{ABSENT} 1.0\n{ABSENT}-too 1.0\n", "build")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{ABSENT}: the mirror no longer serves 1.0", done.stdout)
        self.assertIn(f"--no-install-recommends {ABSENT} {ABSENT}-too=1.0\n", (self.root / "calls").read_text())

    def test_a_vendored_file_that_was_changed_is_refused(self):
        (self.root / "header.h").write_text("changed")
        done = self.install("[apt build]\nlibc6 2.36\n[vendored]\nheader.h 1.0 sha256:" + "0" * 64 + "\n", "build")
        self.assertEqual(done.returncode, 1)
        self.assertIn("header.h is not what deps.lock names", done.stderr)

    def test_a_package_that_is_not_the_locked_one_is_refused(self):
        self.program("npm", "#!/bin/sh\necho other >x-1.tgz\necho '[{\"filename\": \"x-1.tgz\"}]'\n")
        entry = lock.Entry("x", "1", "sha512-other", (("a", "b"),))
        with self.assertRaisesRegex(SystemExit, "x 1 is not what deps.lock names"):
            fetch.npm_package(str(self.root / "bin/npm"), entry, self.root / ".deps", dict(os.environ))
        self.assertFalse((self.root / ".deps").exists())

    def test_an_unknown_group_is_wrong_use(self):
        done = self.install("[apt build]\nlibc6 2.36\n", "biuld")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown group 'biuld'", done.stderr)


if __name__ == "__main__":
    unittest.main()
