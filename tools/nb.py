"""Notebooks: sources (.py) and their executed twins (.ipynb).

    python -m tools.nb run NAME...     execute sources into their twins
    python -m tools.nb try NAME SEED   develop: on other seeds, nothing kept
    python -m tools.nb fill            no kernel: numbers, prose and cell ids
    python -m tools.nb check [NAME]    no kernel: what is missing, too long
                                       or out of step

The .py is what people edit; the twin is written by `run` alone and is
committed.  Cell ids are hashes of what the cell says and nothing in a twin
names a time or a place, so that running twice changes nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import jupytext
import nbformat

from lab1784.claims import BOUND
from tools import board, page, prose

ROOT = Path(__file__).resolve().parents[1]
KEEP = ("mystnb", "slideshow")  # of a source's metadata, beside the tags
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python",
                         "name": "python3"},
          "language_info": {"name": "python"}}
THREADS = {f"{name}_NUM_THREADS": "1"
           for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
NAME = re.compile(r"[a-z][a-z0-9_]*")
EDITION = ROOT / "assets" / "edition"  # stands in the students' edition
FIRST = 1000  # seeds below are the claims'
WIDGET = "application/vnd.jupyter.widget-view+json"


class Stop(Exception):
    """Ends a command; str() is the one sentence that the reader sees."""


def sources() -> dict[str, Path]:
    """name -> source of every notebook of the book; a copy or a note that
    lies beside them is none."""
    return {p.stem: p for p in sorted(ROOT.glob("notebooks/*/*.py"))
            if NAME.fullmatch(p.stem)}


def source(name: str) -> Path:
    """Where the source of `name` stands; raises Stop with close names."""
    known = sources()
    name = Path(name).stem
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 3, 0.4)
    hint = (f"did you mean {' or '.join(near)}?" if near else
            f"there are {', '.join(known)}." if known else
            "there is none yet.")
    raise Stop(f"No notebook is called {name!r}: {hint}")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def identity(cell) -> str:
    """The id of a cell: a hash of what it says."""
    key = f"{cell.cell_type}\n{cell.source}".encode()
    return hashlib.sha256(key).hexdigest()[:12]


def build(path: Path):
    """The twin of a source as it is before execution: no outputs.  What
    folds, and under which words, follows from the roles (tools/page.py)."""
    read = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    seen: Counter[str] = Counter()
    cells = []
    for cell in read.cells:
        name = identity(cell)
        seen[name] += 1
        kept = {k: cell.metadata[k] for k in KEEP if k in cell.metadata}
        kept |= page.fold(cell.metadata.get("tags", []), cell.source)
        made = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")(
            cell.source, metadata=kept)
        made.id = name if seen[name] == 1 else f"{name}-{seen[name]}"
        cells.append(made)
    return nbformat.v4.new_notebook(
        cells=cells, metadata=nbformat.from_dict(KERNEL))


def read_twin(path: Path):
    """The committed twin of a source, or None."""
    twin = path.with_suffix(".ipynb")
    return nbformat.read(twin, 4) if twin.exists() else None


def write(path: Path, text: str) -> bool:
    """Write whole or not at all; False where nothing changed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    if path.exists():
        draft.chmod(path.stat().st_mode)
    draft.replace(path)
    return True


def dump(notebook) -> str:
    return nbformat.writes(notebook) + "\n"


# ---------------------------------------------------------------- execution

def play(notebook, folder: Path, env: dict, **settings) -> None:
    """Run every cell in a fresh kernel in `folder`.  Ctrl-C ends the kernel
    and raises KeyboardInterrupt, whatever nbclient makes of it."""
    from nbclient import NotebookClient

    class Client(NotebookClient):
        async def _async_cleanup_kernel(self):
            if self.km is not None:
                await super()._async_cleanup_kernel()

    client = Client(notebook, record_timing=False, kernel_name="python3",
                    resources={"metadata": {"path": str(folder)}}, **settings)
    try:
        # ipykernel warns there that it listens on this machine.
        client.execute(env=env, stderr=subprocess.DEVNULL)
    except Exception:
        if hasattr(client, "_async_cleanup_kernel_future"):  # it had SIGINT
            raise KeyboardInterrupt from None
        raise


def execute(notebook, name: str, trying: bool = False, **environment: str):
    """Run `notebook` alone in an empty folder, one thread; returns it with
    outputs.  Raises Stop that names the cell and the error.

    trying: for development; a verdict may surprise, and what could not
    stand in a committed notebook is let through.
    """
    from nbclient.exceptions import (CellExecutionError, CellTimeoutError,
                                     DeadKernelError)
    with tempfile.TemporaryDirectory() as folder:
        empty, profile = Path(folder, "empty"), Path(folder, "ipython")
        empty.mkdir()
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("LAB1784_")}
        env |= THREADS | {"PYTHONPATH": str(ROOT),
                          "IPYTHONDIR": str(profile)} | environment
        if not trying:
            env["LAB1784_QUIET"] = "1"
        begun: list = []
        try:
            play(notebook, empty, env, timeout=900, on_cell_execute=lambda
                 cell, cell_index: begun.append(cell))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as e:
            raise Stop(_failure(notebook, name, begun[-1], e)) from None
    notebook.metadata = nbformat.from_dict(KERNEL)
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = tidy(cell.outputs)
            for fault in () if trying else output_problems(cell):
                raise Stop(f"{name}: cell {number}{_quote(cell)} {fault}. "
                           "The committed notebook is unchanged.")
    return notebook


def _quote(cell) -> str:
    """How a cell begins: by its title or its first line that says much."""
    lines = [line for line in cell.source.splitlines() if line.strip()]
    title = page.TITLE.match(cell.source)
    first = (line for line in lines
             if not line.startswith(("#", "import", "from")))
    said = title[1] if title else next(first, (lines or ["(empty)"])[0])
    return f' ("{said[:50].strip()}")'


def _failure(notebook, name: str, cell, error: Exception) -> str:
    """One sentence: which cell, which error; the whole run is kept."""
    output = next((o for o in cell.outputs if o.output_type == "error"), None)
    if output is not None:
        said = (output.evalue.strip().splitlines() or [""])[0]
        what = f"stopped with {output.ename}: {said}"
    elif "Timeout" in type(error).__name__:
        what = "took more than 15 minutes"
    else:
        what = "ended the kernel (out of memory?)"
    kept = ROOT / "_build" / "failed" / f"{name}.ipynb"
    write(kept, dump(notebook))
    number = notebook.cells.index(cell) + 1
    return (f"{name}: cell {number}{_quote(cell)} {what}. The committed "
            f"notebook is unchanged; the failed run is {short(kept)}")


def tidy(outputs: list) -> list:
    """Outputs without what differs between two equal runs."""
    kept: list = []
    for output in outputs:
        if output.output_type == "stream":
            if kept and kept[-1].output_type == "stream" \
                    and kept[-1].name == output.name:
                kept[-1].text += output.text
                continue
        elif "metadata" in output:
            output.metadata = nbformat.from_dict({
                k: v for k, v in output.metadata.items()
                if k == "lab1784" or "/" in k})
        kept.append(output)
    return kept


def output_problems(cell) -> Iterator[str]:
    """What may not stand in a committed output, as '... does this'."""
    for output in cell.outputs:
        kind = output.output_type
        if kind == "error":
            yield f"ends in an error, {output.ename}: {output.evalue}"
        elif kind == "stream":
            if output.name == "stderr":
                yield ("writes to stderr: "
                       + (output.text.strip().splitlines() or ["(blank)"])[0])
            texts = [output.text]
        else:
            texts = [v for k, v in output.data.items()
                     if k.startswith("text/") and isinstance(v, str)]
            if WIDGET in output.data:
                yield "leaves a widget, which no page can show"
            for mime in output.data:
                if mime.startswith("image/") and not output.metadata.get(
                        mime, {}).get("alt", "").strip():
                    yield ("shows a figure without alt text "
                           "(use lab1784.show)")
        if kind != "error" and any(re.search(r"\b0x[0-9a-f]{7,}", t)
                                   for t in texts):
            yield "prints a memory address, which differs in every run"


# ------------------------------------------------------------- the record

def records(notebook) -> list[dict]:
    """Records of the claims in a twin's output metadata."""
    return [o["metadata"]["lab1784"]["claim"]
            for c in notebook["cells"] for o in c.get("outputs", [])
            if "claim" in o.get("metadata", {}).get("lab1784", {})]


def results() -> str:
    """assets/results.json as the twins have it: claims by id, each with
    the notebook that it stands in.  Raises Stop where an id comes twice."""
    table: dict[str, dict] = {}
    for name, path in sources().items():
        for record in records(read_twin(path) or {"cells": []}):
            if record["id"] in table:
                raise Stop(f"The claim {record['id']!r} stands twice: in "
                           f"{table[record['id']]['notebook']} and in "
                           f"{short(path.with_suffix(''))}; rename one.")
            table[record["id"]] = {
                "notebook": short(path.with_suffix("")), **record}
    return json.dumps(dict(sorted(table.items())), indent=1,
                      ensure_ascii=False) + "\n"


def prose_files() -> list[Path]:
    """Every text that may hold a marker."""
    pages = [ROOT / "README.md", ROOT / "index.md",
             *sorted(ROOT.glob("chapters/*.md"))]
    return [p for p in pages if p.exists()] + list(sources().values())


def fill() -> tuple[list[str], list[str]]:
    """Collect the claims, fill the numbers, copy prose and ids into the
    twins; run nothing.  Returns the files that changed, and the notebooks
    left alone because their code is not the code that their twin ran."""
    edited = [p for path in sources().values() for p in edits(path)]
    if edited:
        raise Stop(edited[0])
    changed = []
    if write(ROOT / "assets" / "results.json", results()):
        changed.append("assets/results.json")
    changed += board.update()
    values = prose.Values(ROOT)
    for path in prose_files():
        text = prose.fill(path.read_text(encoding="utf-8"), values)
        if path.suffix == ".py":
            text = page.with_setup(text)
        if write(path, text):
            changed.append(short(path))
    stale = []
    for name, path in sources().items():
        new, old = build(path), read_twin(path)
        if old is None or not carry(old, new):
            stale.append(name)
        elif write(path.with_suffix(".ipynb"), dump(new)):
            changed.append(short(path.with_suffix(".ipynb")))
    return changed, stale


def code_of(cell) -> str:
    """What a cell runs; '' for the set-up cell."""
    tags = cell.metadata.get("tags", [])
    return "" if "setup" in tags and not cell.outputs else cell.source


def edits(path: Path) -> Iterator[str]:
    """Cells of a twin that somebody typed into: their id is not that of
    their words, and the source does not have the words either."""
    old = read_twin(path)
    if old is None:
        return
    have = {c.source for c in build(path).cells}
    for number, cell in enumerate(old.cells, 1):
        if cell.source not in have \
                and cell.id.partition("-")[0] != identity(cell):
            twin = short(path.with_suffix(".ipynb"))
            yield (f"{twin}: cell {number}{_quote(cell)} was edited here, "
                   f"and would be lost: copy it into {short(path)}, the "
                   f"source, or take it back with git checkout {twin}")


def carry(old, new) -> bool:
    """Give the cells of `new` the outputs of `old`; False where the code
    differs, which only a run can mend.  The set-up cell, which has no
    output and is the same on every page, may differ."""
    ran, fresh = ([c for c in n.cells if c.cell_type == "code"]
                  for n in (old, new))
    if [code_of(c) for c in ran] != [code_of(c) for c in fresh]:
        return False
    for before, after in zip(ran, fresh):
        after.outputs = before.outputs
        after.execution_count = before.execution_count
    return True


# ----------------------------------------------------------------- checks

def twin_problems(path: Path) -> Iterator[str]:
    """What is wrong with one twin, each problem a sentence."""
    name, old = path.stem, read_twin(path)
    if old is None:
        yield f"{name}: has no executed twin (make run NB={name})"
        return
    edited = next(edits(path), None)
    if edited:
        yield edited
        return
    new = build(path)
    again = f"(make run NB={name})"
    pairs, tags = list(zip(old.cells, new.cells)), ""
    if len(old.cells) != len(new.cells):
        yield (f"{name}: the twin has {len(old.cells)} cells, the source "
               f"{len(new.cells)} {again}")
    for number, (was, now) in enumerate(pairs, 1):
        where = f"{name}: cell {number}{_quote(now)}"
        if (was.cell_type, was.source) != (now.cell_type, now.source):
            yield f"{where} differs between source and twin {again}"
            break  # the rest is only shifted
        if was.id != now.id:
            yield f"{where} has the id {was.id}, not {now.id} (make fill)"
        if was.metadata != now.metadata and not tags:
            tags = f"{where} has other tags in the twin than in the source"
            yield f"{tags} (make fill)"
    if old.metadata != new.metadata:
        yield f"{name}: the twin's own metadata is not what run writes {again}"
    for number, cell in enumerate(old.cells, 1):
        if cell.cell_type != "code":
            continue
        where = f"{name}: cell {number}{_quote(cell)}"
        left = "unanswered" in cell.metadata.get("tags", [])
        if cell.execution_count is None and not (left and EDITION.exists()):
            yield f"{where} was not executed {again}"
        for fault in output_problems(cell):
            yield f"{where} {fault}"


def prose_problems(values: prose.Values, paths: Iterable[Path]
                   ) -> Iterator[str]:
    """Markers out of step and typed decimals, in these texts."""
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for problem in prose.marker_problems(text, values):
            yield f"{short(path)}:{problem}"
        parts = ([(1, text)] if path.suffix == ".md"
                 else prose.markdown_cells(text))
        for first, part in parts:
            for problem in prose.typed_numbers(part, first):
                yield f"{short(path)}:{problem}"


def page_problems(path: Path) -> Iterator[str]:
    """What a page's source, its tests and the texts around it lack."""
    name, text = path.stem, path.read_text(encoding="utf-8")
    for problem in page.problems(name, text):
        yield f"{short(path)}:{problem}"
    cells, tests = page.cells(text), ROOT / "tests" / "techniques"
    what = page.kind(cells, name)
    if what == "reading":
        return
    test = tests / f"test_{name}.py"
    if test.exists():
        for problem in page.test_problems(
                name, test.read_text(encoding="utf-8"), cells):
            yield f"{short(test)}:{problem}"
    else:
        yield f"{short(test)}: is missing"
    entry = short(path.with_suffix(""))
    for where, verb in (("_toc.yml", "does not list"),
                        (f"chapters/{path.parent.name}.md",
                         "does not link to"),
                        ("chapters/teaching.md", "has no plan (a section "
                         "'Ninety minutes on ...') with a link for")):
        near = ROOT / where
        said = near.read_text(encoding="utf-8") if near.exists() else ""
        if not re.search(rf"{re.escape(entry)}\b", said) \
                and (what == "technique" or "teaching" not in where):
            yield f"{where}: {verb} {entry}"
        for n, line in enumerate(said.splitlines(), 1):
            if page.QUESTION in line and entry in line:
                yield f"{where}:{n}: write the question of {name}"
    glossary = ROOT / "chapters" / "glossary.md"
    if glossary.exists():
        for problem in page.terms(cells, glossary.read_text(
                encoding="utf-8")):
            yield f"{short(path)}:{problem}"


def absent() -> list[str]:
    """Pages that the contents list and that are not there."""
    toc = ROOT / "_toc.yml"
    said = toc.read_text(encoding="utf-8") if toc.exists() else ""
    return [f"_toc.yml: lists {entry}, which is not there: add the page or "
            "take the line out" for entry in re.findall(
                r"(?m)^\s*- file: *(notebooks/\S+)", said)
            if not (ROOT / f"{entry}.py").exists()]


def lint(*about: str) -> list[str]:
    """What ruff finds by the rules in pyproject.toml, in these files or
    everywhere."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--quiet",
         "--output-format", "concise", *(about or ["."])], cwd=ROOT, encoding="utf-8",
        capture_output=True)
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def check(only: str = "") -> list[str]:
    """Every problem of every notebook and every text, each a sentence; of
    the notebook `only` and its text alone where it is named."""
    found = absent()
    names = Counter(p.stem for p in ROOT.glob("notebooks/*/*.py"))
    found += [f"{n}: {k} notebooks have this name" for n, k in names.items()
              if k > 1]
    found += [f"{short(p)}: has no source beside it"
              for p in sorted(ROOT.glob("notebooks/*/*.ipynb"))
              if NAME.fullmatch(p.stem)
              and not p.with_suffix(".py").exists()]
    paths = [source(only)] if only else list(sources().values())
    for path in paths:
        found += twin_problems(path)
        if not EDITION.exists():  # its pages have no solutions
            found += page_problems(path)
    try:
        kept = ROOT / "assets" / "results.json"
        if not kept.exists() or kept.read_text(
                encoding="utf-8") != results():
            found.append("assets/results.json: is not what the notebooks' "
                         "records say (make fill)")
    except Stop as error:
        found.append(str(error))
    found += prose_problems(prose.Values(ROOT),
                            paths if only else prose_files())
    test = ROOT / "tests" / "techniques" / f"test_{only}.py"
    about = [short(p) for p in [*paths, test] if p.exists()] if only else []
    return found + ([] if EDITION.exists() else lint(*about))


# --------------------------------------------------------------- commands

def run(names: list[str]) -> str:
    """Execute sources into their twins, then fill the numbers."""
    if "LAB1784_SEED" in os.environ:
        raise Stop("LAB1784_SEED is set, and make run is for the claim's own "
                   "seeds: unset it, or develop with make try NB=name "
                   "SEED=1000.")
    paths = (list(sources().values()) if names == ["all"]
             else [source(n) for n in names])
    edited = absent() + [p for path in paths for p in edits(path)]
    if edited:
        raise Stop(edited[0])
    for path in paths:
        write(path, page.with_setup(path.read_text(encoding="utf-8")))
    lines: list[str] = []
    for path in paths:
        start = time.perf_counter()
        done = execute(build(path), path.stem)
        seconds = time.perf_counter() - start
        changed = write(path.with_suffix(".ipynb"), dump(done))
        said = "; ".join(f"{r['id']} {r['verdict']}" for r in records(done))
        lines.append(f"{short(path.with_suffix('.ipynb'))}: executed in "
                     f"{seconds:.0f} s, {said or 'no claim'}"
                     + ("" if changed else ", unchanged"))
    others = [c for c in fill()[0] if c.endswith((".md", ".py"))]
    if others:
        lines.insert(0, f"numbers rewritten in {', '.join(others)}")
    bad = [p for p in prose_problems(prose.Values(ROOT), paths)
           if "assets/" in p or "claim" in p]
    if bad:
        raise Stop("\n".join(lines + bad))
    return "\n".join(lines)


def told(record: dict) -> str:
    """A record in one line."""
    low, high = record["interval"]
    return (f"{record['id']}: {record['verdict']}, {record['arm']} - "
            f"{record['baseline']} = {record['effect']:+.3g} "
            f"[{low:+.3g}, {high:+.3g}], bar "
            f"{record[BOUND[record['kind']]]:.3g}, seeds "
            f"{record['seeds'][0]} to {record['seeds'][-1]}")


def attempt(name: str, seed: str) -> str:
    """Run a source on seeds shifted by `seed`; keep nothing but the run
    itself, in _build/try."""
    if not name or not seed.isdecimal() or int(seed) < FIRST:
        raise Stop("A try needs a notebook and a seed from "
                   f"{FIRST} on, those below are the claims': make try "
                   "NB=name SEED=1000")
    path, start = source(name), time.perf_counter()
    done = execute(build(path), path.stem, True, LAB1784_SEED=seed)
    kept = ROOT / "_build" / "try" / f"{path.stem}.ipynb"
    write(kept, dump(done))
    return "\n".join([*map(told, records(done)),
                      f"{short(kept)}: executed in "
                      f"{time.perf_counter() - start:.0f} s; nothing else "
                      "was written"])


def main(arguments: list[str]) -> int:
    command, *rest = arguments or ["help"]
    try:
        if command == "run":
            if not rest:
                raise Stop("Which notebook? make run NB=name, or NB=all; "
                           f"there are {', '.join(sources()) or 'none yet'}.")
            print(run(rest))
        elif command == "try":
            print(attempt(*(rest + ["", ""])[:2]))
        elif command in ("fill", "ids"):
            changed, stale = fill()
            if stale:
                raise Stop(f"The code of {', '.join(stale)} was never run "
                           f"as it stands: make run NB={stale[0]}")
            print(f"Filled: {', '.join(changed)}" if changed else
                  "Every number and every cell id is in step already.")
        elif command == "check":
            found = check(*rest[:1])
            print("\n".join(found) if found else
                  f"Every notebook ({len(sources())}) is within its limits "
                  "and in step with its source, every number with the "
                  "results." if not rest else f"{rest[0]} is as it should be.")
            return bool(found)
        else:
            print(__doc__)
    except Stop as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: no notebook was left half written.",
              file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
