"""Point every link of the book at another repository.

    python -m tools.fork owner/name

assets/repository says where the book points now. A link is changed where
that address stands as an address: after github.com/ (or colab's /github/),
or as owner.github.io/name. Text that merely looks alike stays.
"""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from pathlib import Path

from tools import nb
from tools.repoint import FILE, NAME, OWNER, git, named, repoint, site

ROOT = Path(__file__).resolve().parents[1]


def tracked(new: bool = True) -> list[Path]:
    """Files that belong to the project: tracked and, where `new` is set,
    those that are new and not ignored. In a copy without git: all files
    but the ignored ones."""
    listed = git("ls-files", "-z", "--cached", *(
        ["--others", "--exclude-standard"] if new else []))
    names = set(listed.split("\0")) - {""} if listed else walked()
    return [p for p in (ROOT / n for n in sorted(names)) if p.is_file()]


def walked() -> set[str]:
    """Every file that no line of .gitignore leaves out by its name."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = [line.strip("/") for line in lines
               if line and not line.startswith("#")] + [".git"]

    def kept(name: str) -> bool:
        return not any(fnmatch.fnmatch(name, i) for i in ignored)

    found = set()
    for folder, inside, files in os.walk(ROOT):
        inside[:] = filter(kept, inside)
        found |= {(Path(folder) / f).relative_to(ROOT).as_posix()
                  for f in filter(kept, files)}
    return found


def fork(new: str) -> str:
    """Re-point the book; says what was done and what is left to do.

    Until every file is written, assets/repository holds the old and the
    new address, so that a run that was stopped is known as such.
    """
    if not new:
        raise nb.Stop("Which repository? make fork REPO=owner/name")
    if not re.fullmatch(f"{OWNER}/{NAME}", new) or new.endswith(
            (".git", "/.", "/..")):
        raise nb.Stop(f"REPO should read owner/name, as it stands after "
                      f"github.com/ in the address; got {new!r}.")
    old = named()
    if old == [new]:
        return f"Every link points at {new} already; nothing was changed."
    nb.write(FILE, "\n".join(dict.fromkeys([*old, new])) + "\n")
    count = 1
    for path in tracked():
        if path == FILE:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an image, a font
        for one in old:
            text = repoint(text, one, new)
        count += nb.write(path, text)
    nb.fill()  # a link in a cell is part of what its id is made from
    nb.write(FILE, f"{new}\n")
    return (f"{count} files now point at {new}. Next: commit and push, then "
            f"in github.com/{new}/settings/pages choose GitHub Actions as "
            f"the source; the book appears at https://{site(new)}/")


def main(arguments: list[str]) -> int:
    try:
        print(fork(arguments[0] if arguments else ""))
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
