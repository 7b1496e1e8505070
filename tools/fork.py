"""Point every link of the book at another repository.

    python -m tools.fork owner/name

assets/repository says where the book points now. A link is changed where
that address stands as an address: after github.com/ (or colab's /github/),
or as owner.github.io/name. Text that merely looks alike stays.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tools import nb

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "assets" / "repository"
OWNER, NAME = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", r"[A-Za-z0-9._-]{1,100}"
# What may follow an address: no letter, digit or hyphen, which would make
# it another repository's; a full stop only at a sentence's end or in .git.
END = r"(?![\w-])(?!\.(?!git\b)[\w-])"


def repoint(text: str, old: str, new: str) -> str:
    """`text` with every address of the repository `old` now `new`'s."""
    (old_owner, old_name), (owner, name) = old.split("/"), new.split("/")
    for site in ("github", r"raw\.githubusercontent"):
        text = re.sub(
            rf"(?<![\w-])({site}(?:\.com)?[/:]){re.escape(old)}{END}",
            rf"\g<1>{new}", text)
    return re.sub(
        rf"(?<![\w.-]){re.escape(old_owner)}(\.github\.io/)"
        rf"{re.escape(old_name)}{END}", rf"{owner}\g<1>{name}", text)


def tracked() -> list[Path]:
    """Files that belong to the project: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    return [p for p in (ROOT / n for n in sorted(
        set(listed.stdout.decode().split("\0")) - {""})) if p.is_file()]


def fork(new: str) -> str:
    """Re-point the book; says what was done and what is left to do."""
    if not new:
        raise nb.Stop("Which repository? make fork REPO=owner/name")
    if not re.fullmatch(f"{OWNER}/{NAME}", new) or new.endswith(
            (".git", "/.", "/..")):
        raise nb.Stop(f"REPO should read owner/name, as it stands after "
                      f"github.com/ in the address; got {new!r}.")
    old = FILE.read_text().strip()
    if new == old:
        return f"Every link points at {new} already; nothing was changed."
    count = 0
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # an image, a font
        count += nb.write(path, f"{new}\n" if path == FILE else
                          repoint(text, old, new))
    nb.fill()  # a link in a cell is part of what its id is made from
    return (f"{count} files now point at {new}. Next: commit and push, then "
            f"in github.com/{new}/settings/pages choose GitHub Actions as "
            "the source; the book appears at "
            f"https://{new.replace('/', '.github.io/', 1)}/")


def main(arguments: list[str]) -> int:
    try:
        print(fork(arguments[0] if arguments else ""))
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
