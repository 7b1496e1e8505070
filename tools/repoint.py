"""Which repository the book belongs to, and its links pointed there.

assets/repository names the repository that the texts point at. A copy may
belong to another one: in a clone from GitHub, `origin` says which, and in
GitHub's own runs GITHUB_REPOSITORY does. As a Sphinx extension, this file
makes the built book point there; the sources stay as they are, and
`make fork` (tools/fork.py) rewrites those.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "assets" / "repository"
PLACEHOLDER = "/".join(("OWNER", "REPO"))  # so, it is no link of ours
OWNER, NAME = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", r"[A-Za-z0-9._-]{1,100}"
# What may follow an address: no letter, digit or hyphen, which would make
# it another repository's; a full stop only at a sentence's end or in .git.
END = r"(?![\w-])(?!\.(?!git\b)[\w-])"
TEXT = (".html", ".ipynb", ".js", ".md", ".py", ".txt", ".xml")
SETTINGS = ("html_baseurl", "ogp_site_url", "html_theme_options",
            "html_context")


def named() -> list[str]:
    """What assets/repository says: the repository that the texts point at;
    after an interrupted `make fork` every one that some may point at."""
    return FILE.read_text(encoding="utf-8").split()


def site(repository: str) -> str:
    """Where GitHub shows its pages, without https:// and the last slash."""
    owner, name = repository.split("/")
    own = f"{owner}.github.io"
    return own if name.lower() == own.lower() else f"{own}/{name}"


def repoint(text: str, old: str, new: str) -> str:
    """`text` with every address of the repository `old` now `new`'s."""
    for host in ("github", r"raw\.githubusercontent"):
        text = re.sub(
            rf"(?<![\w-])({host}(?:\.com)?[/:]){re.escape(old)}{END}",
            rf"\g<1>{new}", text)
    # After a single slash it is the name of a repository; and what points
    # at kim.github.io/book already, points at kim.github.io as well.
    rest = site(new).removeprefix(site(old))
    done = f"(?!{re.escape(rest)}{END})" if rest.startswith("/") else ""
    return re.sub(rf"(?:(?<=//)|(?<![\w./-])){re.escape(site(old))}{END}"
                  f"{done}", site(new), text)


def git(*words: str) -> str:
    """What git says of this folder, '' where it can say nothing: no git, a
    copy without history. A clone of somebody else's is read all the same."""
    if not (ROOT / ".git").exists():
        return ""
    try:
        return subprocess.run(
            ["git", "-c", "safe.directory=*", *words], cwd=ROOT, check=True,
            capture_output=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def home() -> str:
    """The repository on GitHub that this copy belongs to, or ''."""
    said = os.environ.get("GITHUB_REPOSITORY", "")
    if not said:
        origin = git("config", "--get", "remote.origin.url").strip()
        match = re.fullmatch(r"(?:https://(?:[^/@]+@)?|git@|ssh://git@)"
                             r"github\.com[/:](.+?)(?:\.git)?/?", origin)
        said = match[1] if match else ""
    return said if re.fullmatch(f"{OWNER}/{NAME}", said) else ""


def target() -> str:
    """The repository that the built book points at."""
    return home() or named()[-1]


def here(value):
    """A text, or texts in lists and tables, pointed at `target()`."""
    if isinstance(value, str):
        for old in named():
            value = repoint(value, old, target())
    elif isinstance(value, list):
        value = [here(v) for v in value]
    elif isinstance(value, dict):
        value = {k: here(v) for k, v in value.items()}
    return value


# ------------------------------------------------------ the Sphinx extension

def settings(app, config) -> None:
    for name in SETTINGS:
        setattr(config, name, here(getattr(config, name)))


def pages(app, error) -> None:
    """The written pages, and the notebooks that readers download."""
    if error or named() == [target()]:
        return
    for path in Path(app.outdir).rglob("*"):
        if path.suffix in TEXT and "_static" not in path.parts:
            old = path.read_text(encoding="utf-8")
            if (new := here(old)) != old:
                path.write_text(new, encoding="utf-8")


def setup(app):
    app.connect("config-inited", settings, priority=1)
    app.connect("build-finished", pages, priority=950)
    return {"version": "1", "parallel_read_safe": True,
            "parallel_write_safe": True}
