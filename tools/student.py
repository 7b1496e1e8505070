"""The edition without solutions, in _student/.

    python -m tools.student

It holds the pages that _toc.yml lists, and passes its own `make check`,
`make book` and `make test`. Cells tagged `solution` are taken out; `bug`
cells stay, because a bug is what students are asked to find. What a cell
showed that used a solution is cleared. Where a page asks to *Predict*, all
that tells the outcome is folded until *Break it*. What is written for
teachers stays out. Links that open a file of the repository point at the
branch `student`, on which the edition is published.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import nb
from tools.fork import tracked
from tools.repoint import named

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "_student"
BRANCH = "student"
LEFT_OUT = ("tests/", ".ci/", ".github/",
            "chapters/teaching.md", "assets/student_test.py",
            "tools/bench.py", "tools/colab", "tools/drawings.py",
            "tools/record.py", "tools/student.py", "tools/trust.py")
NO_TARGETS = ("record", "student", "trust", "bench", "colab")
TO_TEACHERS = re.compile(r"\((?:\.\./)*(?:chapters/)?teaching(?:\.md)?\)")
TOLD = re.compile(r"\*\*(?:요약|In short)\.\*\*|<!--=(?!published\.|bench\.)")
END = ("Break it", "What we shrank", "Tries", "In the lab", "Exercises")
HEADING = re.compile(r"(?m)^((?:\([\w-]+\)=\n)?#{2,} .*\n?)")
BET = "After your bet"
NOTE = """
**Students' edition**, on the branch `student`: without solutions and plans for teachers, and `make test` takes a few minutes.
"""


# ------------------------------------------------------ what used a solution

def names(source: str) -> tuple[set[str], set[str]]:
    """(names that a cell binds for the cells below, names that it reads)."""
    bound, read = set(), set()

    def visit(node, top: bool) -> None:
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                read.add(node.id)
            elif top:
                bound.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and top:
            bound.update((a.asname or a.name).split(".")[0]
                         for a in node.names)
        inner = isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda,
                                  ast.ListComp, ast.SetComp, ast.DictComp,
                                  ast.GeneratorExp))
        if top and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        for child in ast.iter_child_nodes(node):
            visit(child, top and not inner)

    visit(ast.parse(re.sub(r"(?m)^[%!].*$", "pass", source)), True)
    return bound, read


def solved(cell) -> bool:
    return "solution" in cell.metadata.get("tags", [])


def users(cells: list) -> set[int]:
    """Numbers of the cells that read what a solution has bound."""
    given: set[str] = set()
    found = set()
    for n, cell in enumerate(cells):
        if cell.cell_type == "code":
            bound, read = names(cell.source)
            if solved(cell) or read & given:
                given |= bound
                found.add(n)
            else:
                given -= bound
    return found


# ------------------------------------------------------------- the outcomes

def fold(text: str) -> str:
    """Markdown behind a line to click on, its headings in front of it."""
    parts = re.split(HEADING, text)
    return "".join(
        part if n % 2 or not part.strip() else
        f"\n<details class=\"folded\">\n<summary>{BET}</summary>\n\n"
        f"{part.strip()}\n\n</details>\n\n"
        for n, part in enumerate(parts)).strip("\n")


def unnamed(text: str, count: Iterator[int]) -> str:
    """Markdown whose headings do not say what came out."""
    def neutral(heading: re.Match) -> str:
        if re.search(r"# The (claims?|experiment)\n?\Z", heading[0]):
            return heading[0]
        return re.sub(r"(?m)^(#+ ).*", rf"\g<1>Result {next(count)}",
                      heading[0])
    return re.sub(HEADING, neutral, text)


def fold_told(text: str) -> str:
    """The summaries before *Predict*, and what has a claim's number."""
    blocks = re.split(r"\n\n+", text)
    return "\n\n".join(fold(b) if TOLD.search(b) else b for b in blocks)


def before(text: str, headings) -> tuple[str, str]:
    """`text` up to the first of these headings, and from there on."""
    start = re.search(rf"(?m)^## (?:{'|'.join(headings)})\b", text)
    at = start.start() if start else len(text)
    return text[:at], text[at:]


def edit(head: str, text: str, tags: list[str]) -> str:
    """A code cell of a source, with these tags."""
    head = re.sub(r"\s*tags=\[[^]]*\]", "", head)
    return f"{head} tags={json.dumps(tags)}\n{text}"


def page(text: str, cells: list) -> str:
    """The source of a page as students get it; cells: its twin's."""
    top, *parts = re.split(r"(?m)^(?=# %%)", text)
    if len(parts) != len(cells):
        raise nb.Stop("A '# %%' stands inside a cell: write it otherwise.")
    asks = any(re.search(r"(?m)^## Predict\b", c.source) for c in cells)
    uses, stage, kept = users(cells), "story" if asks else "end", []
    results = itertools.count(1)
    for n, (part, cell) in enumerate(zip(parts, cells)):
        if solved(cell):
            continue
        head, _, body = part.partition("\n")
        if cell.cell_type == "markdown":
            said, rest = cell.source, ""
            if stage == "told":
                said, rest = before(said, END)
                said = fold(unnamed(said, results))
                stage = "end" if rest else stage
            elif stage == "story":
                said, rest = before(said, ["Predict"])
                said = fold_told(said)
                stage = "asked" if rest else stage
            said = without_teachers("\n\n".join(filter(None, [said, rest])))
            part = head + "\n" + "".join(
                f"# {line}".rstrip() + "\n" for line in said.split("\n"))
            kept.append(part + "\n")
            continue
        tags = [t for t in cell.metadata.get("tags", [])
                if not t.startswith("hide-")]
        if n in uses:
            part = edit(head, body, [*tags, "unanswered"])
        elif stage in ("asked", "told") and cell.outputs:
            stage = "told"
            body = re.sub(r"\A# @title .*\n", "", body)
            part = edit(head, f"# @title {BET}\n{body}",
                        ["details", "hide-output"])
        kept.append(part)
    return top + "".join(kept)


def twin(path: Path, old: list) -> str:
    """The twin of a source of the edition; old: the cells that it has of
    the book's twin, whose outputs it keeps."""
    made = nb.build(path)
    if [c.cell_type for c in made.cells] != [c.cell_type for c in old]:
        raise nb.Stop(f"{path.stem}: a cell is lost on the way into the "
                      "edition.")
    for cell, was in zip(made.cells, old):
        if cell.cell_type == "code" \
                and "unanswered" not in cell.metadata.get("tags", []):
            cell.outputs, cell.execution_count = (was.outputs,
                                                  was.execution_count)
        elif nb.records({"cells": [was]}):
            raise nb.Stop(f"{path.stem}: a claim uses what a solution has "
                          "made; the edition would lose its record.")
    return nb.dump(made)


# ------------------------------------------------------------- other files

def without_teachers(text: str) -> str:
    """Without the lines (sentences, rows, items) that lead to what is
    written for teachers; a definition goes with its term."""
    blocks = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        left = [x for x in lines if not TO_TEACHERS.search(x)]
        if len(left) < len(lines) and any(x.startswith(":") for x in lines):
            left = []
        if left or not block:
            blocks.append("\n".join(left))
    return "\n\n".join(blocks)


def point_at_branch(text: str, repository: str) -> str:
    """Links that open a file of the repository open it on the branch."""
    text = re.sub(rf"({re.escape(repository)}/(?:blob|tree|raw)/)main\b",
                  rf"\g<1>{BRANCH}", text)
    return re.sub(r"(?m)^(\s*(?:branch|repository_branch)\s*:\s*)main\b",
                  rf"\g<1>{BRANCH}", text)


def other(name: str, text: str, pages: set[str]) -> str:
    """A file that is no page, as the edition has it."""
    if name == "_toc.yml":
        return re.sub(r"(?m)^\s*- file: chapters/teaching\n", "", text)
    if name == "README.md":
        text = text.replace("\n", "\n" + NOTE, 1)
    if name == "Makefile":
        text = re.sub(rf"(?m)^(?:{'|'.join(NO_TARGETS)}):.*\n(?:\t.*\n)*\n?",
                      "", text)
        text = re.sub(r"(?m)^\.PHONY:(?:.*\\\n)*.*\n", lambda m: re.sub(
            rf"\b(?:{'|'.join(NO_TARGETS)})\b ?", "", m[0]), text)
        return re.sub(
            r"(?m)^test:.*\n(?:(?:\t|ifdef|else|endif).*\n)*",
            "test: env ## the edition's own tests, a few minutes\n"
            "\t@$(RUN) nb check\n\t@$(RUN) book\n"
            "\t@$(PY) -m pytest tests -n $(JOBS) -q\n", text)
    if name == "assets/results.json":
        kept = {k: r for k, r in json.loads(text).items()
                if r["notebook"] in pages}
        return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    if name.endswith(".md"):
        return without_teachers(text)
    if name.endswith(".svg"):
        return re.sub(r'<a href="root:chapters/teaching\.html">(.*?)</a>',
                      r"<g>\1</g>", text, flags=re.S)
    return text


def listed() -> set[str]:
    """What _toc.yml lists, without endings."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^[^#\n]*\b(?:file|root): *(\S+)", toc))


def plain(pages: set[str]) -> dict[str, str | bytes]:
    """Path -> content of the files that are no pages: those that git knows,
    and of the chapters those that are listed."""
    files: dict[str, str | bytes] = {"assets/edition": "student\n"}
    for path in tracked(new=False):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith((*LEFT_OUT, "notebooks/")) or (
                name.startswith("chapters/")
                and name.removesuffix(".md") not in listed()):
            continue
        data = path.read_bytes()
        try:
            text = data.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            files[name] = data
        else:
            files[name] = point_at_branch(other(name, text, pages),
                                          named()[0])
    files["tests/test_edition.py"] = (
        ROOT / "assets" / "student_test.py").read_text(encoding="utf-8")
    return files


def student() -> str:
    """Write the edition; says where it is."""
    if nb.EDITION.exists():
        raise nb.Stop("This is the edition without solutions already.")
    if len(named()) > 1:
        raise nb.Stop("make fork was stopped half-way: run it again first.")
    paths = [p for p in nb.sources().values()
             if nb.short(p.with_suffix("")) in listed()]
    found = [p for path in paths for p in nb.twin_problems(path)]
    if found:
        raise nb.Stop(f"{found[0]}: mend that before the edition is made.")
    files = plain({nb.short(p.with_suffix("")) for p in paths})
    for path in paths:
        cells, name = nb.read_twin(path).cells, nb.short(path)
        text = point_at_branch(page(path.read_text(encoding="utf-8"), cells),
                               named()[0])
        nb.write(OUT / name, text)
        files[name] = text
        files[name.removesuffix(".py") + ".ipynb"] = twin(
            OUT / name, [c for c in cells if not solved(c)])
    sweep(files)
    for name, content in files.items():
        if isinstance(content, str):
            nb.write(OUT / name, content)
        else:
            (OUT / name).parent.mkdir(parents=True, exist_ok=True)
            (OUT / name).write_bytes(content)
    return (f"The edition without solutions is in _student/ ({len(files)} "
            "files); CONTRIBUTING.md says how to publish it as the branch "
            f"{BRANCH}.")


def sweep(files: dict) -> None:
    """Take away what an earlier edition left; a repository that was made
    in there to publish from stays, and so does a built book."""
    for path in sorted(OUT.rglob("*"), reverse=True):
        name = path.relative_to(OUT).as_posix()
        if name.split("/")[0] in (".git", "_build") or name in files:
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink()


def main() -> int:
    try:
        print(student())
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
