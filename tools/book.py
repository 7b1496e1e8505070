"""Build the book where something has changed: python -m tools.book

_build/.built is written when a build has ended well: when the youngest file
that the pages are made of was changed, where the links point, and when what
makes the pages was changed. Without it nothing of an earlier build is
trusted, for that was stopped or failed: pages that were written and not
finished would stay so. Nor is it after a change of what makes them, for
only pages whose text has changed would be made by the new.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.repoint import PLACEHOLDER, target

ROOT = Path(__file__).resolve().parents[1]
MAKERS = ("tools/book_ext.py", "tools/slim.py", "tools/repoint.py",
          "tools/board.py", "tools/paper_map.py", "assets/papers.yml",
          "requirements.txt")
MADE_OF = ("_config.yml", "_toc.yml", "index.md", "chapters", "notebooks",
           "assets", *MAKERS)
BUILD = ROOT / "_build"
BUILT, LOG = BUILD / ".built", BUILD / "build.log"
BUILDER = "from jupyter_book.cli.main import main; main()"


def parts(names: tuple[str, ...]) -> Iterator[Path]:
    """Files and folders of these names, with what is in them; a folder
    changes when a page in it is taken away."""
    for name in names:
        yield ROOT / name
        for folder, inside, files in os.walk(ROOT / name):
            inside[:] = [n for n in inside if n[0] != "."]
            yield from (Path(folder, n) for n in inside + files
                        if n[0] != ".")


def state() -> str:
    """What the stamp of a build made now would say."""
    text, makers = (max(p.stat().st_mtime_ns for p in parts(names)
                        if p.exists()) for names in (MADE_OF, MAKERS))
    return f"{text}\n{target()}\n{makers}\n"


def build() -> int:
    """Build what has changed, all where an earlier build did not end well.
    Of the builder's words only the warnings are shown, or the last lines
    where there are none."""
    now = state()
    was = BUILT.read_text(encoding="utf-8") if BUILT.exists() else ""
    if (was.splitlines()[2:] != now.splitlines()[2:]
            or not (BUILD / "html/index.html").exists()):
        for old in ("html", ".doctrees"):
            shutil.rmtree(BUILD / old, ignore_errors=True)
    elif was == now:
        return 0
    BUILD.mkdir(exist_ok=True)
    BUILT.unlink(missing_ok=True)
    print("Building the book, a minute or two.", flush=True)
    with LOG.open("w", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, "-c", BUILDER, "build", ".", "-W", "-n",
             "--keep-going"], cwd=ROOT, stdout=log, stderr=log,
            env=os.environ | {"NO_COLOR": "1"})
    if done.returncode:
        said = re.sub(r"\x1b\[[\d;]*m", "", LOG.read_text(
            encoding="utf-8", errors="replace")).splitlines()  # no colours
        print("\n".join([s for s in said if re.search(
            "(WARNING|ERROR|CRITICAL):", s)] or said[-9:]), flush=True)
        print("The book was not built: the lines above say why (all of "
              f"them: {LOG.relative_to(ROOT)}).", file=sys.stderr)
        return 1
    BUILT.write_text(now, encoding="utf-8")
    return 0


def main() -> int:
    if build():
        return 1
    print("The book is built: open _build/html/index.html")
    if target() == PLACEHOLDER:
        print("Its badges and links to the repository are placeholders "
              "until there is one: make fork REPO=owner/name")
    return 0


if __name__ == "__main__":
    sys.exit(main())
