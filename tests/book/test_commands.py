"""Every command, in a copy of the project: what it does, that a second run
does nothing, and what it says when it cannot."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.book.commands import call, edit, files, make, page, refused
from tests.house import ROOT
from tools import repoint


# ------------------------------------------------------------ new, run, fill

def test_new_notebook_passes_the_check(small):
    done = make(small, "check", "NB=first")
    assert done.returncode == 0, done.stdout
    assert re.search(r"- file: notebooks/3-[\w-]+/first\n",
                     (small / "_toc.yml").read_text(encoding="utf-8"))
    assert (small / "tests/techniques/test_first.py").exists()
    assert "NAME" not in page(small).read_text(encoding="utf-8")


def test_running_twice_changes_nothing(small):
    before = files(small)
    done = make(small, "run", "NB=first")
    assert done.returncode == 0 and "unchanged" in done.stdout, done.stdout
    assert make(small, "fill").returncode == 0
    assert files(small) == before


def test_a_twin_names_no_time_and_no_place(small):
    twin = page(small, ".ipynb").read_text(encoding="utf-8")
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
        twin = json.loads(path.read_text(encoding="utf-8"))
        change(twin["cells"], [c for c in twin["cells"]
                               if c["cell_type"] == "code"])
        path.write_text(json.dumps(twin), encoding="utf-8")
    return plant


def record(code):
    return next(o["metadata"]["lab1784"]["claim"] for c in code
                for o in c["outputs"] if "lab1784" in o.get("metadata", {}))


def text(name, addition):
    def plant(folder):
        path = next(folder.glob(name))
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{addition}\n")
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


# ----------------------------------------------------------------------- fork

def addresses(folder: Path, repository: str) -> int:
    """How often the repository's address stands in the project's text."""
    forms = [form.format(repository, repoint.site(repository)) for form in (
        "github.com/{0}", "research.google.com/github/{0}",
        "https://{1}/", "[{1}]")]
    listed = set(call(folder, "git", "ls-files", "-z").stdout.split("\0"))
    return sum((folder / n).read_bytes().decode(errors="ignore").count(form)
               for n in listed - {"", "alike.md"} for form in forms)


def test_fork_points_every_link_elsewhere_and_works_twice(small):
    book, kept = small, small / "assets" / "repository"
    first = kept.read_text(encoding="utf-8").strip()
    one, two = "some-one/a-book", "kim/kim.github.io"
    alike = (f"See data/{one}, github.com/{one}-2, github.com/x{one}, "
             f"{one.replace('/', '.github.io/')}s, github.com/{one}.js\n")
    (book / "alike.md").write_text(alike, encoding="utf-8")
    call(book, "git", "add", "alike.md")
    count = addresses(book, first)
    assert count > 10
    for new in (one, two):
        done = make(book, "fork", f"REPO={new}")
        assert done.returncode == 0, done.stdout
        assert "settings/pages" in done.stdout
        assert f"https://{repoint.site(new)}/" in done.stdout
        assert kept.read_text(encoding="utf-8") == f"{new}\n"
        assert addresses(book, new) == count
        # Nothing but links ever named the placeholder.
        found = call(book, "git", "grep", "-lF", first).stdout
        assert not found, f"{first} is left in {found}"
        assert (book / "alike.md").read_text(encoding="utf-8") == alike
    before = files(book)
    assert "already" in make(book, "fork", f"REPO={two}").stdout
    assert files(book) == before
    assert make(book, "check").returncode == 0


@pytest.mark.parametrize("first", [1, 9])
def test_a_fork_that_was_stopped_goes_on(small, first):
    """Ctrl-C after so many files; then the same command, and another."""
    before = addresses(small, "OWNER/REPO")
    stop = (f"from tools import fork, nb\nkeep, left = nb.write, [{first}]\n"
            "def write(*of):\n    if not left[0]: raise KeyboardInterrupt\n"
            "    left[0] -= 1\n    return keep(*of)\n"
            "nb.write = write\nfork.main(['kim/a-book'])\n")
    assert call(small, sys.executable, "-c", stop).returncode
    refused(make(small, "student"), "make fork was stopped half-way")
    for new in ("kim/kim.github.io", "kim/a-book"):
        done = make(small, "fork", f"REPO={new}")
        assert done.returncode == 0 and "now point" in done.stdout
        assert addresses(small, new) == before
        assert call(small, "cat", "assets/repository").stdout == f"{new}\n"
    assert make(small, "check").returncode == 0


@pytest.mark.parametrize("old,new,before,after", [
    ("a/b", "k/k.github.io", "https://a.github.io/b/c.html",
     "https://k.github.io/c.html"),
    ("k/k.github.io", "a/b", "[k.github.io](https://k.github.io/) "
     "github.com/k/k.github.io.git", "[a.github.io/b](https://a.github.io/b/)"
     " github.com/a/b.git"),
    ("k/k.github.io", "k/b", "https://k.github.io/c", None),
    ("k/b", "k/K.github.io", "k.github.io/b.", "k.github.io."),
    ("a/b", "c/d", "x/a/b github.com/a/b-2 ya.github.io/b", ""),
])
def test_addresses_of_pages(old, new, before, after):
    made = repoint.repoint(before, old, new)
    assert made == {None: "https://k.github.io/b/c", "": before}.get(
        after, after)
    assert repoint.repoint(made, old, new) == made  # once more changes nothing


@pytest.mark.parametrize("origin,found", [
    ("https://github.com/kim/book.git", "kim/book"),
    ("https://x:y@github.com/kim/book", "kim/book"),
    ("git@github.com:kim/my.book.git", "kim/my.book"),
    ("ssh://git@github.com/kim/book/", "kim/book"),
    ("https://gitlab.com/kim/book.git", ""), ("/home/kim/book", "")])
def test_the_repository_of_a_clone(tmp_path, monkeypatch, origin, found):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.setattr(repoint, "ROOT", tmp_path)
    assert repoint.home() == ""
    call(tmp_path, "git", "init", "-q")
    call(tmp_path, "git", "remote", "add", "origin", origin)
    assert repoint.home() == found
    monkeypatch.setenv("GITHUB_REPOSITORY", "lee/fork")
    assert repoint.home() == "lee/fork"


# -------------------------------------------------- environment, book, others

def fake_python(folder: Path, version: str) -> Path:
    path = folder / f"python-{version}"
    path.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
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


def test_an_intel_mac_is_told_where_to_go(made, tmp_path):
    mac = fake_python(tmp_path, "3.12")
    mac.write_text('#!/bin/sh\ncase $2 in *platform*) echo Darwin x86_64;; '
                   '*) echo 3.12;; esac\n', encoding="utf-8")
    refused(environment(made, tmp_path / "venv", mac), "Intel Macs", "Colab")
    assert not (tmp_path / "venv").exists()


def test_no_network_is_said(made, tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(made / "tools/env.sh", tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n",
                                               encoding="utf-8")
    done = environment(
        tmp_path, "venv", sys.executable, PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert done.returncode != 0 and len(done.stdout.splitlines()) == 2
    assert "no connection to the package index" in done.stdout, done.stdout
    assert not (tmp_path / "venv/requirements.installed").exists()


BUILDER = """# ruff: noqa
import pathlib, sys, time
def main():
    if pathlib.Path("broken").exists():
        sys.exit("x.md: WARNING: odd")
    html, trees = pathlib.Path("_build/html"), pathlib.Path("_build/.doctrees")
    assert html.exists() == trees.exists() == (html / "index.html").exists()
    for folder in (html, trees):
        folder.mkdir(exist_ok=True)
    time.sleep(99 * pathlib.Path("slow").exists())
    (html / "index.html").touch()
"""
FIRST = "Building the book, a minute or two."
LAST = ["The book is built: open _build/html/index.html",
        "Its badges and links to the repository are placeholders until there "
        "is one: make fork REPO=owner/name"]


@pytest.fixture
def book(small) -> Path:
    """A copy in which something quick stands for the builder: it wants to
    find what a whole build has left, or nothing."""
    (small / "jupyter_book/cli").mkdir(parents=True)
    (small / "jupyter_book/__init__.py").touch()
    (small / "jupyter_book/cli/__init__.py").touch()
    (small / "jupyter_book/cli/main.py").write_text(BUILDER, encoding="utf-8")
    return small


def build(folder: Path, **variables) -> list[str]:
    return make(folder, "book", **variables).stdout.splitlines()


def test_book_is_built_once_and_a_failed_build_is_not_kept(book):
    assert build(book) == [FIRST, *LAST]
    assert build(book) == LAST
    # Elsewhere: other links.
    assert build(book, GITHUB_REPOSITORY="kim/book") == [FIRST, LAST[0]]
    assert build(book) == [FIRST, *LAST]
    page(book).touch()
    old = book / "_build/html/old.html"
    old.touch()
    assert build(book) == [FIRST, *LAST] and old.exists()
    # What makes the pages has changed: none of the old ones stays.
    (book / "tools/board.py").touch()
    assert build(book) == [FIRST, *LAST] and not old.exists()
    shutil.rmtree(book / "_build/html")
    assert build(book) == [FIRST, *LAST]
    time.sleep(0.05)  # file times are coarse
    (book / "broken").touch()
    next(book.glob("chapters/3-*.md")).unlink()
    for _ in range(2):
        said = build(book)
        assert said[:2] == [FIRST, "x.md: WARNING: odd"]
        assert "was not built" in said[2] and not set(LAST) & set(said)


def interrupt(folder: Path, *words, until) -> list[str]:
    """Ctrl-C when until() is true; what is said, without make's own line."""
    env = {k: v for k, v in os.environ.items() if k[:4] not in ("MAKE", "PYTE")}
    running = subprocess.Popen(
        ["make", "-s", f"PY={sys.executable}", *words], cwd=folder, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        start_new_session=True)
    while not until() and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate()[0].splitlines()
    assert running.returncode
    return [x for x in said if x and not x.startswith("make: ***")]


def test_a_build_that_was_stopped_begins_anew(book):
    (book / "slow").touch()
    said = interrupt(book, "book", until=(book / "_build/.doctrees").exists)
    assert said[0] == FIRST and len(said) == 2 and "Interrupted" in said[1]
    (book / "slow").unlink()
    assert build(book) == [FIRST, *LAST]


def test_ctrl_c_is_one_sentence_in_every_command(book):
    for name in ("fork", "student", "new"):
        (book / f"tools/{name}.py").write_text(
            "import pathlib, time\npathlib.Path('begun').touch()\n"
            "time.sleep(99)\n", encoding="utf-8")  # while it still imports
        (book / "begun").unlink(missing_ok=True)
        said = interrupt(book, name, until=(book / "begun").exists)
        assert len(said) == 1 and "Interrupted" in said[0], said
    # All commands go the same way.
    rules = (book / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"\$\(PY\) -m tools\.(?!command\n)", rules)
    assert rules.count("$(RUN) ") >= 12


# -------------------------------------------------------- where it may stand

def test_a_copy_without_git(small):
    shutil.rmtree(small / ".git")
    there = files(small)
    for words in (["check"], ["fork", "REPO=kim/book"], ["student"]):
        done = make(small, *words)
        assert done.returncode == 0, done.stdout
    assert {f for f in files(small) if "_student" not in f} == set(there)


def test_a_clone_that_belongs_to_somebody_else(small):
    done = make(small, "fork", "REPO=kim/book",
                GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert done.returncode == 0 and "now point" in done.stdout, done.stdout


def test_a_disk_that_cannot_be_written(small):
    """Every file and folder is read-only; root gives up its right to write
    all the same."""
    call(small, "chmod", "-R", "a-w", small)
    rights = (["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
              if os.getuid() == 0 else [])
    if rights and call(small, *rights, "true").returncode:
        pytest.skip("root keeps its rights here")

    def run(*words):
        return call(small, *rights, "make", "-s", f"PY={sys.executable}",
                    *words)

    assert run("check").returncode == 0
    for words in (["fork", "REPO=kim/book"], ["student"], ["book"],
                  ["new", "NB=other", "CHAPTER=3"]):
        refused(run(*words), "cannot be written", "copy of the book")
    call(small, "chmod", "-R", "u+w", small)


def test_other_peoples_languages(small, tmp_path):
    """Korean EUC-KR and plain ASCII terminals."""
    call(tmp_path, "localedef", "-f", "EUC-KR", "-i", "ko_KR",
         tmp_path / "ko_KR.EUC-KR")
    for settings in ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
                     {"LC_ALL": "ko_KR.EUC-KR", "LOCPATH": str(tmp_path)}):
        done = make(small, "check", **settings)
        assert done.returncode == 0, done.stdout
        done = call(small, sys.executable, "-m", "tools.command", "nb",
                    "check", PYTHONUTF8="0", **settings)
        assert done.returncode == 0, done.stdout


def unnamed_encodings(text: str) -> list[int]:
    """Lines that open a text file, or read a program's words, without
    saying in which encoding."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            keys = {k.arg: getattr(k.value, "value", "?")
                    for k in node.keywords}
            words = [str(getattr(a, "value", "")) for a in node.args]
            plain = isinstance(node.func, ast.Name)  # else a path's
            mode = keys.get("mode", (words[1:] if plain else words)[:1])
            opens = name in ("read_text", "write_text") or name == "open" \
                and "b" not in str(mode) and (
                    plain or not words or len(words[0]) in (1, 2))
            if (opens or keys.get("text") is True) \
                    and "encoding" not in keys and "utf-8" not in words:
                found.append(node.lineno)
    return found


def test_utf_8_is_named_wherever_a_file_is_opened():
    found = [f"{p.relative_to(ROOT)}:{n}" for folder in ("tools", "lab1784")
             for p in sorted((ROOT / folder).rglob("*.py"))
             for n in unnamed_encodings(p.read_text(encoding="utf-8"))]
    assert not found
    planted = ("p.read_text()\nopen(p)\nopen(p, 'rb')\nrun(a, text=True)\n"
               "p.open('w')\np.read_text(encoding='utf-8')\n")
    assert unnamed_encodings(planted) == [1, 2, 4, 5]


def test_file_names_with_blanks_and_colons_break_nothing(book):
    for name in ("notebooks/3-machine-learning/first copy.py",
                 "notebooks/3-machine-learning/first: old.ipynb",
                 "notebooks/3-machine-learning/a b/c: d.md",
                 "chapters/two words.md", "assets/a: b.txt"):
        (book / name).parent.mkdir(exist_ok=True)
        (book / name).write_text("x = 1\n", encoding="utf-8")
    assert build(book) == [FIRST, *LAST]
    assert build(book) == LAST
    for words in (["check"], ["fill"], ["student"], ["fork", "REPO=k/b"],
                  ["clean"]):
        done = make(book, *words)
        assert done.returncode == 0, done.stdout


# ------------------------------------------------------------ small commands

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
    listed = (made / "tests/colab-packages.txt").read_text(encoding="utf-8")
    for text, code, said in (
            (listed, 0, "No package"),
            (listed.replace("numpy==2", "numpy==3"), 1, "numpy was 2."),
            (listed.replace("\nscipy==", "\nold-scipy=="), 1, "scipy is no"),
            (listed.replace("\ntorch==2.11.0", "\ntorch @ https://a/torch-"
                            "3.0.1%2Bcpu-cp313.whl#x"), 1, "now 3.0.1")):
        done = subprocess.run(
            [sys.executable, "-m", "tools.colab_versions"], cwd=made,
            input=text, encoding="utf-8", capture_output=True)
        assert done.returncode == code and said in done.stdout, done.stdout


def test_clean_leaves_what_was_written_by_hand(small):
    before = files(small)
    (small / "_build/html").mkdir(parents=True)
    (small / "_student").mkdir()
    assert "Removed" in make(small, "clean").stdout
    assert files(small) == before
