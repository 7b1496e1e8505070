"""A new notebook from the template, with its test file.

    python -m tools.new NAME CHAPTER
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools import nb

ROOT = Path(__file__).resolve().parents[1]


def new(name: str, chapter: str) -> str:
    """A notebook from the template, listed in the table of contents."""
    if not name or not chapter:
        raise nb.Stop("A new notebook needs a name and a chapter: "
                      "make new NB=name CHAPTER=3")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise nb.Stop("A notebook's name is lower case letters, digits and "
                      f"_, for example pair_loss; got {name!r}.")
    if name in nb.sources():
        raise nb.Stop(f"{nb.short(nb.sources()[name])} exists: choose "
                      "another name.")
    pages = sorted(ROOT.glob("chapters/[0-9]-*.md"))
    page = next((p for p in pages if p.name.startswith(f"{chapter}-")), None)
    if page is None:
        raise nb.Stop(f"No chapter has the number {chapter!r}: there are "
                      f"{', '.join(p.stem for p in pages)}.")
    path = ROOT / "notebooks" / page.stem / f"{name}.py"
    words = {"NAME": name, "CHAPTER": page.stem,
             "TITLE": name.replace("_", " ").capitalize()}
    test = ROOT / "tests" / "techniques" / f"test_{name}.py"
    for template, target in (("template.py", path),
                             ("template_test.py", test)):
        text = (ROOT / "assets" / template).read_text()
        nb.write(target, re.sub(r"\b(NAME|CHAPTER|TITLE)\b",
                                lambda word: words[word[0]], text))
    listed = contents(nb.short(path.with_suffix("")), f"chapters/{page.stem}")
    return (f"{nb.short(path)} and {nb.short(test)} are ready to be written"
            + (" and the page is in _toc.yml" if listed else
               "; add the page to _toc.yml") + f": then make run NB={name}")


def contents(entry: str, chapter: str) -> bool:
    """Add `entry` as the last section of `chapter` in _toc.yml, whose
    comments and order stay; False where the chapter is not found."""
    toc = ROOT / "_toc.yml"
    lines = toc.read_text().splitlines() if toc.exists() else []
    depth = None
    for at, line in enumerate(lines):
        here = re.match(r"(\s*)- file: *(\S+)", line)
        if here and here[2].removesuffix(".md") == chapter:
            depth = len(here[1])
            break
    if depth is None:
        return False
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or len(
            lines[end]) - len(lines[end].lstrip()) > depth):
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    block = lines[at + 1:end]
    inside = [len(m[1]) for m in (re.match(r"(\s*)- file:", x) for x in block)
              if m]
    added = [f"{' ' * (inside[0] if inside else depth + 4)}- file: {entry}"]
    if not inside:
        added.insert(0, f"{' ' * (depth + 2)}sections:")
    nb.write(toc, "\n".join(lines[:end] + added + lines[end:]) + "\n")
    return True


def main(arguments: list[str]) -> int:
    try:
        print(new(*(arguments + ["", ""])[:2]))
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
