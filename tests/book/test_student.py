"""The students' edition: nothing that it should not hold, and its own check,
book and tests pass in a clean clone."""

import json
import re
import shutil
import sys
from pathlib import Path

from tests.book.commands import (call, committed, edit, files, make, page)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def leaks(book: Path, edition: Path) -> list[str]:
    """Solutions of `book` that stand somewhere in `edition`."""
    solutions = [
        "".join(c["source"]) for path in book.glob("notebooks/*/*.ipynb")
        for c in json.loads(read(path))["cells"]
        if "solution" in c["metadata"].get("tags", [])]
    assert solutions, "there is no solution to look for"
    found = []
    for path in (p for p in edition.rglob("*") if p.is_file()):
        text = path.read_bytes().decode(errors="ignore")
        if path.suffix == ".ipynb":
            text = "\n\n".join("".join(c["source"])
                               for c in json.loads(text)["cells"])
        if path.suffix in (".py", ".ipynb", ".md"):
            found += [f"{path.name}: {s}" for s in solutions if s in text]
    return found


def edition_of(book: Path) -> Path:
    done = make(book, "student")
    assert done.returncode == 0 and "_student/" in done.stdout, done.stdout
    return book / "_student"


def clone(edition: Path, target: Path) -> Path:
    """What a student gets who clones the published branch."""
    committed(edition)
    call(edition, "git", "clone", "-q", edition, target)
    return target


def without_the_others(book: Path) -> None:
    """No page leads to those that `small` does not have: it can be built."""
    for path in [book / "index.md", *book.glob("chapters/*.md")]:
        text = re.sub(r"\[([^]]*)\]\([^)]*notebooks/(?!\S*/first)[^)]*\)",
                      r"\1", read(path))
        text = re.sub(r"\{doc\}`[^`]*notebooks/[^`]*`", "a page", text)
        path.write_text(text, encoding="utf-8")
    toc = book / "_toc.yml"
    toc.write_text("\n".join(
        line for line in read(toc).split("\n") if "- file: notebooks" not in
        line or line.endswith("/first")) + "\n", encoding="utf-8")
    empty = re.compile(r"(?m)^ +sections:\n(?! +- file: notebooks)")
    toc.write_text(empty.sub("", read(toc)), encoding="utf-8")


def with_user_of_a_solution(book: Path) -> None:
    """A cell that shows what a solution has made, and a run."""
    edit(page(book), "# **3. Find the bug.**", "# Look at it:\n\n# %%\n"
         "print(freedom)\n\n# %% [markdown]\n# **3. Find the bug.**")
    done = make(book, "run", "NB=first")
    assert done.returncode == 0, done.stdout


def test_an_edition_without_solutions(small):
    repository = read(small / "assets/repository").strip()
    with_user_of_a_solution(small)
    # Lying around: copies with solutions, a chapter and a note of answers.
    for suffix in (".py", ".ipynb"):
        for name in ("first copy", "first_copy"):
            shutil.copy(page(small, suffix),
                        page(small).with_name(name + suffix))
    for name in ("chapters/answers.md", "answers.md"):
        (small / name).write_text("remaining = 12\n", encoding="utf-8")
    edition = edition_of(small)
    assert not leaks(small, edition)
    there = files(edition)
    assert not [f for f in there if "copy" in f or "answers" in f
                or "teaching" in f]
    cells = json.loads(read(page(edition, ".ipynb")))["cells"]
    tags = [t for c in cells for t in c["metadata"].get("tags", [])]
    assert "bug" in tags and "exercise" in tags and "check" in tags
    uses = next(c for c in cells if c["source"] == ["print(freedom)"])
    assert uses["outputs"] == [] and uses["execution_count"] is None
    assert uses["metadata"]["tags"] == ["unanswered"]
    ran = next(c for c in cells if "details" in c["metadata"].get("tags", []))
    assert ran["outputs"], "what no solution touched keeps its outputs"
    assert ran["metadata"]["jupyter"] == {"outputs_hidden": True,
                                          "source_hidden": True}
    text = read(page(edition))
    assert f"{repository}/blob/student/notebooks" in text
    assert f"{repository}/blob/main/notebooks" not in text
    assert "branch: student" in read(edition / "_config.yml")
    assert make(small, "student").returncode == 0
    assert files(edition) == there
    assert "No rule" in make(edition, "student").stdout
    # Planted: a solution left in.
    shutil.copy(page(small), page(edition))
    assert leaks(small, edition)


def test_a_clone_of_the_edition_passes_its_own_commands(small, tmp_path):
    without_the_others(small)
    with_user_of_a_solution(small)
    book = clone(edition_of(small), tmp_path / "clone")
    done = make(book, "test", GITHUB_REPOSITORY="kim/kim.github.io")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout and "placeholders" not in done.stdout
    # The book points where it was cloned to, the sources do not.
    html = (book / "_build/html" / page(book).relative_to(book)
            ).with_suffix(".html").read_text(encoding="utf-8")
    for address in ("colab.research.google.com/github/kim/kim.github.io/"
                    "blob/student/notebooks", "https://kim.github.io/note"):
        assert address in html
    assert "OWNER" not in html and "OWNER" in read(page(book))
    down = book / "_build/html/_sources" / page(book, ".ipynb").relative_to(
        book)
    assert "OWNER" not in read(down)
    assert not call(book, "git", "status", "--short").stdout
    # Planted: a solution, an outcome in sight, a cell that was not run.
    for plant, said in (
            (lambda t: t.replace("details", "solution", 1), "solution"),
            (lambda t: t.replace("<details", "<p", 1), "no_outcome"),
            (lambda t: t.replace("unanswered", "forgotten"), "was not exec")):
        for suffix in (".py", ".ipynb"):
            old = read(page(book, suffix))
            page(book, suffix).write_text(plant(old), encoding="utf-8")
        make(book, "fill")
        told = make(book, "check").stdout + call(
            book, sys.executable, "-m", "pytest", "-q", "tests", "-k",
            "outcome").stdout
        assert said in told, told
        call(book, "git", "checkout", "-q", ".")


def test_the_edition_of_the_whole_book(whole, tmp_path):
    book = Path(shutil.copytree(whole, tmp_path / "book"))
    edition = edition_of(book)
    assert not leaks(book, edition)
    there = clone(edition, tmp_path / "clone")
    done = make(there, "check")
    assert done.returncode == 0, done.stdout
    done = call(there, sys.executable, "-m", "pytest", "-q", "tests", "-k",
                "outcome")
    assert done.returncode == 0, done.stdout
