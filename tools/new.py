"""A new notebook from the template, with its test file.

    python -m tools.new NAME CHAPTER [KIND]

KIND is `technique` (the default) or `stop`, the short form.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools import nb, page

ROOT = Path(__file__).resolve().parents[1]


KINDS = {"technique": "template", "stop": "template_stop"}


def new(name: str, chapter: str, kind: str = "technique") -> str:
    """A notebook from its template, with its test file; listed in the
    table of contents and in its chapter's table of pages."""
    if not name or not chapter:
        raise nb.Stop("A new notebook needs a name and a chapter: "
                      "make new NB=name CHAPTER=3")
    if kind not in KINDS:
        raise nb.Stop(f"KIND is technique or stop; got {kind!r}.")
    if not nb.NAME.fullmatch(name):
        raise nb.Stop("A notebook's name is lower case letters, digits and "
                      f"_, for example pair_loss; got {name!r}.")
    if name in nb.sources():
        raise nb.Stop(f"{nb.short(nb.sources()[name])} exists: choose "
                      "another name.")
    pages = sorted(ROOT.glob("chapters/[0-9]-*.md"))
    text = next((p for p in pages if p.name.startswith(f"{chapter}-")), None)
    if text is None:
        raise nb.Stop(f"No chapter has the number {chapter!r}: there are "
                      f"{', '.join(p.stem for p in pages)}.")
    path = ROOT / "notebooks" / text.stem / f"{name}.py"
    plan = planned(text, name)
    title = plan[1] if plan else name.replace("_", " ").capitalize()
    words = {"NAME": name, "CHAPTER": text.stem, "TITLE": title}
    test = ROOT / "tests" / "techniques" / f"test_{name}.py"
    for template, target in ((f"{KINDS[kind]}.py", path),
                             (f"{KINDS[kind]}_test.py", test)):
        made = (ROOT / "assets" / template).read_text(encoding="utf-8")
        nb.write(target, page.with_setup(re.sub(
            r"\b(NAME|CHAPTER|TITLE)\b", lambda word: words[word[0]], made)))
    entry = nb.short(path.with_suffix(""))
    told = [nb.short(path), nb.short(test)]
    if contents(entry, f"chapters/{text.stem}"):
        told.append("_toc.yml")
    if table(text, entry, title):
        told.append(nb.short(text))
    return (f"Written: {', '.join(told)}. Develop with make try NB={name} "
            f"SEED=1000; make check names what is missing, then make run "
            f"NB={name}")


def table(text: Path, entry: str, title: str) -> bool:
    """Link `entry` in the chapter's table of pages, in a new last row; a
    row with its name among the planned ones moves there.  False where the
    chapter has no such table."""
    lines = text.read_text(encoding="utf-8").splitlines()
    plan = planned(text, entry.rsplit("/", 1)[1])
    if plan:
        lines.remove(plan[0])
    head = next((n for n, line in enumerate(lines)
                 if line.startswith("| page | question |")), None)
    if head is None:
        return False
    end = next((n for n in range(head, len(lines))
                if not lines[n].startswith("|")), len(lines))
    lines.insert(end, f"| [{title}](../{entry}) | "
                      f"{plan[2] if plan else page.QUESTION} | |")
    # A table of planned pages that has no row left goes with its heading.
    nb.write(text, re.sub(r"(?m)^## Planned\n\n(\|.*\n){2}(?!\|)\n?", "",
                          "\n".join(lines) + "\n"))
    return True


def planned(text: Path, name: str) -> tuple[str, str, str] | None:
    """(line, title, question) of the page `name` among those planned."""
    row = re.search(rf"(?m)^\| ([^|]*?)(?:, [^|]*)? \(`{name}`\) \| (.*?) \|$",
                    text.read_text(encoding="utf-8"))
    return row and (row[0], row[1], row[2])


def contents(entry: str, chapter: str) -> bool:
    """Add `entry` as the last section of `chapter` in _toc.yml, whose
    comments and order stay; False where the chapter is not found."""
    toc = ROOT / "_toc.yml"
    lines = toc.read_text(encoding="utf-8").splitlines() if toc.exists() else []
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
        name, chapter, kind = (arguments + [""] * 3)[:3]
        print(new(name, chapter, kind or "technique"))
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
