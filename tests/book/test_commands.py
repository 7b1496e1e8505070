"""Every command, in a copy of the project: what it does, that a second run
does nothing, and what it says when it cannot.

The copies use the interpreter of these tests, so that no environment is
made; `small` holds one notebook, fresh from the template.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.house import ROOT
from tools import page as pages

MARKER = re.compile(r"<!--=[^<>]+-->(.*?)<!--/-->")


def call(folder: Path, *command, **variables) -> subprocess.CompletedProcess:
    """Run a command in `folder`; stdout and stderr together."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(
        ("MAKE", "MFLAGS", "PYTEST", "PYTHON", "LAB1784", "PIP_"))
        and k not in ("PY", "VENV")}
    return subprocess.run(
        list(map(str, command)), cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
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
    listed = call(ROOT, "git", "ls-files", "-z", "--cached", "--others",
                  "--exclude-standard").stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
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
    text = path.read_text().replace("| ??? |", "| paper |")
    lines = text.split("\n")
    for n in pages.standing(pages.cells(text)):
        end = pages.SAID.search(lines[n - 1]).end()
        lines[n - 1] = f"{lines[n - 1][:end]}x{lines[n - 1][end:]}"
    path.write_text("\n".join(lines))
    chapter = folder / "chapters" / f"{path.parent.name}.md"
    edit(chapter, pages.QUESTION, "Why?")
    for other, words in (("teaching", f"notebooks/{path.parent.name}/{name}"),
                         ("glossary", "절사평균, 선착순")):
        with (folder / "chapters" / f"{other}.md").open("a") as file:
            file.write(f"\n{words}\n")


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A copy whose only notebook is `first`, made and run by commands."""
    folder = copy_to(tmp_path_factory.mktemp("small"))
    for path in [*folder.glob("notebooks/*/*.*"),
                 *folder.glob("tests/techniques/test_*.py"),
                 *folder.glob("assets/results.json")]:
        path.unlink()
    for path in [*folder.glob("*.md"), *folder.glob("chapters/*.md")]:
        path.write_text(MARKER.sub("", path.read_text()))
    toc = folder / "_toc.yml"
    toc.write_text(re.sub(r"( *- caption: .*\n +chapters:\n| +sections:\n)"
                          r"( +- file: notebooks/.*\n)+", "",
                          toc.read_text()))
    done = make(folder, "new", "NB=first", "CHAPTER=3")
    assert done.returncode == 0, done.stdout
    assert "make run NB=first" in done.stdout
    written(folder, "first")
    done = make(folder, "run", "NB=first")
    assert done.returncode == 0, done.stdout
    assert "first-heavy holds" in done.stdout.splitlines()[-1]
    return folder


@pytest.fixture
def small(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "small"))


def page(folder: Path, suffix: str = ".py") -> Path:
    return next(folder.glob(f"notebooks/3-*/first{suffix}"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1))


# ------------------------------------------------------------ new, run, fill

def test_new_notebook_passes_the_check(small):
    done = make(small, "check", "NB=first")
    assert done.returncode == 0, done.stdout
    assert re.search(r"- file: notebooks/3-[\w-]+/first\n",
                     (small / "_toc.yml").read_text())
    assert (small / "tests/techniques/test_first.py").exists()
    assert "NAME" not in page(small).read_text()


def test_running_twice_changes_nothing(small):
    before = files(small)
    done = make(small, "run", "NB=first")
    assert done.returncode == 0 and "unchanged" in done.stdout, done.stdout
    assert make(small, "fill").returncode == 0
    assert files(small) == before


def test_a_twin_names_no_time_and_no_place(small):
    twin = page(small, ".ipynb").read_text()
    assert str(small) not in twin and "iopub" not in twin
    cells = json.loads(twin)["cells"]
    assert all(c["metadata"].keys() <= {"tags", "cellView", "jupyter",
                                        "mystnb"} for c in cells)


def test_prose_needs_no_run(small):
    edit(page(small), "# One picture,", "# One other picture,")
    assert make(small, "check", "NB=first").returncode != 0
    assert make(small, "fill").returncode == 0
    assert make(small, "check", "NB=first").returncode == 0
    edit(page(small), "size=(steps, 40)", "size=(steps, 41)")
    refused(make(small, "fill"), "first", "make run NB=first")


@pytest.mark.parametrize("words,said", [
    (["run", "NB=frist"], "did you mean first?"),
    (["run"], "make run NB=name"),
    (["new", "NB=first", "CHAPTER=4"], "exists"),
    (["new", "NB=First-One", "CHAPTER=4"], "lower case"),
    (["new", "NB=other", "CHAPTER=12"], "3-machine-learning"),
    (["new", "NB=other"], "make new NB=name CHAPTER=3"),
    (["new", "CHAPTER=3"], "make new NB=name CHAPTER=3"),
    (["fork"], "make fork REPO=owner/name"),
    (["fork", "REPO=name"], "owner/name"),
    (["fork", "REPO=https://github.com/a/b"], "owner/name"),
    (["fork", "REPO=a/b c"], "owner/name"),
])
def test_what_is_missing_or_wrong_is_said(made, words, said):
    before = files(made)
    refused(make(made, *words), said)
    assert files(made) == before


@pytest.mark.parametrize("line,said", [
    ("raise ValueError('planted\\nsecond line')", "ValueError: planted"),
    ("import warnings; warnings.warn('planted')", "writes to stderr"),
    ("import os; os._exit(1)", "ended the kernel"),
])
def test_a_failing_notebook_leaves_its_twin_alone(small, line, said):
    before = page(small, ".ipynb").read_bytes()
    edit(page(small), "# %% tags=[\"technique\"]\n",
         f"# %%\nplanted = 1\n{line}\n\n# %% tags=[\"technique\"]\n")
    refused(make(small, "run", "NB=first"), "first: cell 9 (\"planted = 1\")",
            said, "unchanged")
    assert page(small, ".ipynb").read_bytes() == before


# ---------------------------------------------------------- planted failures

def edit_twin(change):
    def plant(folder):
        path = page(folder, ".ipynb")
        twin = json.loads(path.read_text())
        change(twin["cells"], [c for c in twin["cells"]
                               if c["cell_type"] == "code"])
        path.write_text(json.dumps(twin))
    return plant


def record(code):
    return next(o["metadata"]["lab1784"]["claim"] for c in code
                for o in c["outputs"] if "lab1784" in o.get("metadata", {}))


def text(name, addition):
    def plant(folder):
        path = next(folder.glob(name))
        path.write_text(f"{path.read_text()}\n{addition}\n")
    return plant


def source(old, new):
    return lambda folder: edit(page(folder), old, new)


PLANTED = {
    "an unexecuted cell": (edit_twin(lambda cells, code: code[2].update(
        execution_count=None)), "was not executed"),
    "an error in an output": (edit_twin(lambda cells, code: code[2][
        "outputs"].append({"output_type": "error", "ename": "E",
                           "evalue": "e", "traceback": []})),
        "ends in an error"),
    "a figure without alt text": (edit_twin(lambda cells, code: [
        o["metadata"].clear() for c in code for o in c["outputs"]
        if "image/png" in o.get("data", {})]), "without alt text"),
    "a widget": (edit_twin(lambda cells, code: code[2]["outputs"].append(
        {"output_type": "display_data", "metadata": {}, "data": {
            "application/vnd.jupyter.widget-view+json": {}}})), "widget"),
    "code that was never run": (source("size=(steps, 40)", "size=(steps, 41)"),
                                "differs between source and twin"),
    "prose out of step": (source("One picture,", "Two pictures,"),
                          "differs between source and twin"),
    "a tag out of step": (source('tags=["results"]', 'tags=["result"]'),
                          "other tags"),
    "another id": (edit_twin(lambda cells, code: cells[3].update(
        id="0123456789ab")), "has the id"),
    "an effect edited in the record": (edit_twin(
        lambda cells, code: record(code).update(effect=0.9)), "results.json"),
    "a twin without source": (lambda folder: page(folder).unlink(),
                              "no source beside it"),
    "a source without twin": (lambda folder: page(folder, ".ipynb").unlink(),
                              "no executed twin"),
    "a number typed in a chapter": (text("chapters/3-*.md", "We got 0.83."),
                                    "0.83 is typed"),
    "a number typed in a notebook": (source("# One picture,", "# At 0.83,"),
                                     "0.83 is typed"),
    "an edited number": (source("heavy.effect-->\N{MINUS SIGN}0.",
                                "heavy.effect-->\N{MINUS SIGN}3."),
                         "the results say"),
    "an unknown claim": (text("index.md", "It is <!--=frist-heavy.effect-->"
                              "0.83<!--/-->."), "close: first-heavy"),
    "an unknown field": (text("index.md", "It is <!--=first-heavy.efect-->"
                              "0.83<!--/-->."), "close: effect"),
    "an unknown published number": (
        text("README.md", "It is <!--=published.no_such-->1.20<!--/-->."),
        "assets/published.yml has no 'no_such'"),
    "an open marker": (text("index.md", "It is <!--=first-heavy.n-->5."),
                       "not closed"),
    "a marker that begins a line": (
        text("index.md", "<!--=first-heavy.n-->5<!--/--> seeds."),
        "put a word before it"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_check_sees(small, fault):
    plant, said = PLANTED[fault]
    plant(small)
    done = make(small, "check")
    assert done.returncode != 0 and said in done.stdout, done.stdout
    assert "Traceback" not in done.stdout


# -------------------------------------------------------------- fork, student

def addresses(folder: Path, repository: str) -> int:
    """How often the repository's address stands in the project's text."""
    owner, name = repository.split("/")
    forms = [form.format(repository, owner, name) for form in (
        "github.com/{0}", "research.google.com/github/{0}",
        "{1}.github.io/{2}")]
    listed = set(call(folder, "git", "ls-files", "-z").stdout.split("\0"))
    return sum((folder / n).read_bytes().decode(errors="ignore").count(form)
               for n in listed - {"", "alike.md"} for form in forms)


def test_fork_points_every_link_elsewhere_and_works_twice(whole, tmp_path):
    book = Path(shutil.copytree(whole, tmp_path / "book"))
    kept = book / "assets" / "repository"
    first = kept.read_text().strip()
    one, two = "some-one/a-book", "long-owner/Some.Name_2"
    alike = (f"See data/{one}, github.com/{one}-2, github.com/x{one}, "
             f"{one.replace('/', '.github.io/')}s, github.com/{one}.js\n")
    (book / "alike.md").write_text(alike)
    call(book, "git", "add", "alike.md")
    count = addresses(book, first)
    assert count > 10
    for new in (one, two):
        done = make(book, "fork", f"REPO={new}")
        assert done.returncode == 0, done.stdout
        assert "settings/pages" in done.stdout
        assert kept.read_text() == f"{new}\n"
        assert addresses(book, new) == count
        # Nothing but links ever named the placeholder.
        found = call(book, "git", "grep", "-lF", first).stdout
        assert not found, f"{first} is left in {found}"
        assert (book / "alike.md").read_text() == alike
    before = files(book)
    assert "already" in make(book, "fork", f"REPO={two}").stdout
    assert files(book) == before
    found = make(book, "check").stdout
    assert "has the id" not in found and "differs" not in found, found


def leaks(book: Path, edition: Path) -> list[str]:
    """Solutions of `book` that stand somewhere in `edition`."""
    solutions = [
        "".join(c["source"]) for path in book.glob("notebooks/*/*.ipynb")
        for c in json.loads(path.read_text())["cells"]
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


def test_student_edition_has_no_solutions(small):
    repository = (small / "assets/repository").read_text().strip()
    edit(page(small), "# **3. Find the bug.**", "# Look at it:\n\n# %%\n"
         "print(freedom)\n\n# %% [markdown]\n# **3. Find the bug.**")
    assert make(small, "run", "NB=first").returncode == 0
    done = make(small, "student")
    assert done.returncode == 0 and "_student/" in done.stdout, done.stdout
    edition = small / "_student"
    assert not leaks(small, edition)
    cells = json.loads(page(edition, ".ipynb").read_text())["cells"]
    tags = [t for c in cells for t in c["metadata"].get("tags", [])]
    assert "bug" in tags and "exercise" in tags and "check" in tags
    uses = next(c for c in cells if c["source"] == ["print(freedom)"])
    assert uses["outputs"] == [] and uses["execution_count"] is None
    ran = next(c for c in cells if "results" in c["metadata"].get("tags", []))
    assert ran["outputs"], "what no solution touched keeps its outputs"
    assert f"{repository}/blob/student/notebooks" in page(edition).read_text()
    assert f"{repository}/blob/main/notebooks" not in page(edition).read_text()
    assert "branch: student" in (edition / "_config.yml").read_text()
    before = files(edition)
    assert make(small, "student").returncode == 0
    assert files(edition) == before
    # Planted: a solution left in.
    shutil.copy(page(small), page(edition))
    assert leaks(small, edition)


def test_student_edition_of_the_book(whole, tmp_path):
    book = Path(shutil.copytree(whole, tmp_path / "book"))
    done = make(book, "student")
    assert done.returncode == 0, done.stdout
    assert not leaks(book, book / "_student")


# -------------------------------------------------- environment, book, others

def fake_python(folder: Path, version: str) -> Path:
    path = folder / f"python-{version}"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def environment(folder: Path, *words, **variables):
    return call(folder, "sh", "tools/env.sh", *words, **variables)


def test_the_environment_is_made_once(made, tmp_path):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    shutil.copy(made / "requirements.txt", venv / "requirements.installed")
    done = environment(made, venv, PATH="/nowhere:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, "")


def test_an_unsuitable_python_is_named(made, tmp_path):
    old = fake_python(tmp_path, "3.9")
    refused(environment(made, tmp_path / "venv", old), "is Python 3.9",
            "PYTHON=")
    refused(environment(made, tmp_path / "venv", "python-of-my-dreams"),
            "There is no python-of-my-dreams")
    done = call(made, "make", "-s", "check", f"PYTHON={old}",
                f"VENV={tmp_path / 'venv'}")
    refused(done, "is Python 3.9")
    assert not (tmp_path / "venv").exists()


def test_no_network_is_said(made, tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(made / "tools/env.sh", tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    done = environment(
        tmp_path, "venv", sys.executable, PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert done.returncode != 0 and len(done.stdout.splitlines()) == 2
    assert "no connection to the package index" in done.stdout, done.stdout
    assert not (tmp_path / "venv/requirements.installed").exists()


def test_book_is_built_once_and_a_failed_build_is_not_kept(made, tmp_path):
    book = Path(shutil.copytree(made, tmp_path / "book"))
    builder = tmp_path / "builder"
    builder.write_text("#!/bin/sh\n[ -e broken ] && echo x.md: WARNING: odd "
                       "&& exit 1\nmkdir -p _build/html _build/.doctrees\n"
                       "echo > _build/html/index.html\n")
    builder.chmod(0o755)

    def build():
        return call(book, "make", "-s", "book",
                    f"PY={builder}").stdout.splitlines()

    first = "Building the book, a minute or two."
    last = "The book is built: open _build/html/index.html"
    assert build() == [first, last]
    assert build() == [last]
    os.utime(book / "_build/.built", (1, 1))
    assert build() == [first, last]
    shutil.rmtree(book / "_build/html")
    assert build() == [first, last]
    time.sleep(0.05)  # file times are coarse
    (book / "broken").touch()
    next(book.glob("chapters/3-*.md")).unlink()
    for _ in range(2):
        said = build()
        assert said[:2] == [first, "x.md: WARNING: odd"]
        assert "was not built" in said[2] and last not in said
        assert not (book / "_build/.doctrees").exists()


def test_help_names_every_command(made):
    said = make(made).stdout
    for command in ("book", "test", "serve", "run", "new", "student", "fork",
                    "trust", "bench", "clean", "help"):
        assert f"make {command} " in said


def test_a_busy_port_is_said(made):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(call(made, sys.executable, "-m", "tools.serve", port),
                f"Port {port}", "make serve PORT=8001")


def test_a_new_major_version_in_colab_is_seen(made):
    listed = (made / "tests/colab-packages.txt").read_text()
    for text, code, said in (
            (listed, 0, "No package"),
            (listed.replace("numpy==2", "numpy==3"), 1, "numpy was 2."),
            (listed.replace("\nscipy==", "\nold-scipy=="), 1, "scipy is no"),
            (listed.replace("\ntorch==2.11.0", "\ntorch @ https://a/torch-"
                            "3.0.1%2Bcpu-cp313.whl#x"), 1, "now 3.0.1")):
        done = subprocess.run(
            [sys.executable, "-m", "tools.colab_versions"], cwd=made,
            input=text, text=True, capture_output=True)
        assert done.returncode == code and said in done.stdout, done.stdout


def test_clean_leaves_what_was_written_by_hand(small):
    before = files(small)
    (small / "_build/html").mkdir(parents=True)
    (small / "_student").mkdir()
    assert "Removed" in make(small, "clean").stdout
    assert files(small) == before
