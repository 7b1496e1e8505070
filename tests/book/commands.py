"""The commands of the book, run in copies of the project.

The copies use the interpreter of these tests, so that no environment is
made; `small` holds one notebook, fresh from the template.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT
from tools import fork
from tools import page as pages

MARKER = re.compile(r"<!--=[^<>]+-->(.*?)<!--/-->")


def call(folder: Path, *command, **variables) -> subprocess.CompletedProcess:
    """Run a command in `folder`; stdout and stderr together."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(
        ("MAKE", "MFLAGS", "PYTEST", "PYTHON", "LAB1784", "PIP_", "GITHUB_"))
        and k not in ("PY", "VENV")}
    return subprocess.run(
        list(map(str, command)), cwd=folder, encoding="utf-8",
        errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=env | {"PYTHONPATH": str(folder)} | variables)


def make(folder: Path, *words, **variables) -> subprocess.CompletedProcess:
    return call(folder, "make", "-s", f"PY={sys.executable}", *words,
                **variables)


def refused(done: subprocess.CompletedProcess, *words: str) -> None:
    """It failed, in one clear sentence that holds these words."""
    assert done.returncode != 0, done.stdout
    said = [line for line in done.stdout.splitlines()
            if line and not line.startswith("make: ***")]
    assert len(said) == 1 and "Traceback" not in said[0], done.stdout
    for word in words:
        assert word in said[0], done.stdout


def files(folder: Path) -> dict[str, str]:
    """Path -> hash of every file outside .git and the caches."""
    return {p.relative_to(folder).as_posix():
            hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*") if p.is_file()
            and not {".git", "__pycache__"} & set(p.parts)}


def copy_to(folder: Path) -> Path:
    """The project as it stands, committed in a repository of its own."""
    for path in fork.tracked():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return committed(folder)


def committed(folder: Path) -> Path:
    """All of a folder in git's history, which is made where there is none."""
    call(folder, "git", "init", "-qb", "main")
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=test", "-c", "user.email=a@b.c",
         "commit", "-qm", "copy")
    return folder


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Path:
    """A copy of everything. Tests that write there make their own copy."""
    return copy_to(tmp_path_factory.mktemp("whole"))


def written(folder: Path, name: str) -> None:
    """Make a page of a template: one letter more in each of its lines, and
    what `make check` asks for in the texts around it."""
    path = next(folder.glob(f"notebooks/*/{name}.py"))
    text = path.read_text(encoding="utf-8").replace("| ??? |", "| paper |")
    lines = text.split("\n")
    for n in pages.standing(pages.cells(text)):
        end = pages.SAID.search(lines[n - 1]).end()
        lines[n - 1] = f"{lines[n - 1][:end]}x{lines[n - 1][end:]}"
    path.write_text("\n".join(lines), encoding="utf-8")
    chapter = folder / "chapters" / f"{path.parent.name}.md"
    edit(chapter, pages.QUESTION, "Why?")
    for other, words in (("teaching", f"notebooks/{path.parent.name}/{name}"),
                         ("glossary", "절사평균, 선착순")):
        near = folder / "chapters" / f"{other}.md"
        with near.open("a", encoding="utf-8") as file:
            file.write(f"\n{words}\n")


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A copy whose only notebook is `first`, made and run by commands."""
    folder = copy_to(tmp_path_factory.mktemp("small"))
    for name in ("book", "apparatus"):
        shutil.rmtree(folder / "tests" / name)
    for path in [*folder.glob("notebooks/*/*.*"),
                 *folder.glob("tests/techniques/test_*.py"),
                 *folder.glob("assets/results.json")]:
        path.unlink()
    for path in [*folder.glob("*.md"), *folder.glob("chapters/*.md")]:
        path.write_text(MARKER.sub("", path.read_text(encoding="utf-8")),
                        encoding="utf-8")
    toc = folder / "_toc.yml"
    toc.write_text(re.sub(r"( *- caption: .*\n +chapters:\n| +sections:\n)"
                          r"( +- file: notebooks/.*\n)+", "",
                          toc.read_text(encoding="utf-8")), encoding="utf-8")
    done = make(folder, "new", "NB=first", "CHAPTER=3")
    assert done.returncode == 0, done.stdout
    assert "make run NB=first" in done.stdout
    written(folder, "first")
    done = make(folder, "run", "NB=first")
    assert done.returncode == 0, done.stdout
    assert "first-heavy holds" in done.stdout.splitlines()[-1]
    return committed(folder)


@pytest.fixture
def small(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "small"))


def page(folder: Path, suffix: str = ".py") -> Path:
    return next(folder.glob(f"notebooks/3-*/first{suffix}"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
