#!/usr/bin/env python3
"""Asks the program for what its door answers alone (--version, every --help, completion) and writes it as C++.

usage: help_texts.py PROGRAM OUTPUT.cpp
"""
import os
import re
import subprocess
import sys


def commands_under(text: str) -> list:
    """The words listed under the headings of a --help that are not its options' and places'."""
    names, listed = [], False
    for line in text.partition("\nExamples:\n")[0].splitlines():
        if re.match(r"\S.*:$", line):
            listed = line not in ("Positionals:", "Options:")
        elif listed and (name := re.match(r"  ([a-z][\w-]*)", line)):
            names.append(name[1])
    return names


def main(program: str, output: str) -> None:
    no_config = os.path.abspath(output) + ".no_config"  # in the build folder: nobody else can put something there
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", TAPEMILL_CONFIG=no_config, NO_COLOR="1")
    environment.pop("TAPEMILL_LAKE", None)

    def ask(words):
        done = subprocess.run([program, *words], stdout=subprocess.PIPE, text=True, env=environment, check=False)
        if done.returncode != 0:
            sys.exit(f"help_texts.py: {program} {' '.join(words)} ends with {done.returncode}; what it said stands above")
        return done.stdout

    texts = {"--version": ask(["--version"])}

    def helps(words):
        text = ask([*words, "--help"])
        texts[" ".join([*words, "--help"])] = text
        for name in commands_under(text):
            helps([*words, name])

    helps([])
    for shell in ("bash", "zsh", "fish"):
        texts[f"completion {shell}"] = ask(["completion", shell])

    def literal(text):  # pieces of at most 8 KB: compilers need not take longer ones
        pieces = [text[i:i + 8000] for i in range(0, len(text), 8000)]
        return "\n    ".join(f'R"TAPE({piece})TAPE"' for piece in pieces)

    with open(output, "w", encoding="utf-8") as out:
        out.write("// Written by scripts/help_texts.py out of the program's own answers.\n#include <cstddef>\n\nnamespace tapemill::app {\n"
                  "struct Text {\n  const char* key;\n  const char* text;\n};\nextern const Text kTexts[];\nextern const std::size_t kTextCount;\nconst Text kTexts[] = {\n")
        for key, text in texts.items():
            out.write(f'    {{"{key}", {literal(text)}}},\n')
        out.write(f"}};\nconst std::size_t kTextCount = {len(texts)};\n}}  // namespace tapemill::app\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
