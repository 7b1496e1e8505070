"""Gates 1 and 2: every committed notebook repeats where it stands alone.

Each is copied by itself into an empty folder, with lab1784 installed from
its wheel and with every package out of reach that Colab does not have.
nbval runs it and compares the outputs; the records of its claims are then
compared with the committed ones.
"""

import importlib.metadata as metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.gates import compare_records
from tests.house import ROOT, records, sources, twin

BLOCKER = Path(__file__).parent / "alone"
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS",
                         "OPENBLAS_NUM_THREADS"), "1")


def in_colab() -> set[str]:
    """Names of the packages that Colab has, as published."""
    lines = (ROOT / "tests" / "colab-packages.txt").read_text().splitlines()
    return {canonicalize_name(line.partition("==")[0]) for line in lines
            if line and not line.startswith("#")}


def closure(name: str) -> set[str]:
    """A package and all that it needs, as installed here."""
    found, todo = set(), [name]
    while todo:
        name = canonicalize_name(todo.pop())
        if name in found:
            continue
        found.add(name)
        try:
            needs = map(Requirement, metadata.requires(name) or ())
        except metadata.PackageNotFoundError:
            continue
        todo += [n.name for n in needs
                 if n.marker is None or n.marker.evaluate({"extra": ""})]
    return found


def missing() -> list[str]:
    """Modules that are here and not in Colab: what a kernel must do
    without.  The kernel itself needs its own closure."""
    there = in_colab() | closure("ipykernel") | {"lab1784"}
    return sorted(
        module for module, owners in metadata.packages_distributions().items()
        if not there & set(map(canonicalize_name, owners))
        and module.isidentifier())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """lab1784's wheel, built from a copy: the tree stays clean."""
    source, out = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("w")
    for name in ("pyproject.toml", "README.md", "LICENSE", "lab1784"):
        path = ROOT / name
        (shutil.copytree if path.is_dir() else shutil.copy)(
            path, source / name)
    subprocess.run([sys.executable, "-m", "build", "--wheel",
                    "--no-isolation", "--outdir", out, source],
                   check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder that holds what the wheel installs, and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q",
                    "--no-deps", "--no-index", "--target", target, wheel],
                   check=True, capture_output=True)
    return target


def nbval(notebook: Path, installed: Path, kept: Path):
    """Run nbval on `notebook` in its own folder; its claims' records go
    to `kept`.  Returns the finished process."""
    kept.mkdir(exist_ok=True)
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("LAB1784_", "PYTEST_"))}
    env |= THREADS | {
        "PYTHONPATH": os.pathsep.join(map(str, (BLOCKER, installed))),
        "LAB1784_MISSING": " ".join(missing()), "LAB1784_QUIET": "1",
        "LAB1784_RECORDS": str(kept), "PYTHONDONTWRITEBYTECODE": "1",
        "IPYTHONDIR": str(kept.parent / "ipython")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--nbval",
         "--nbval-current-env", "--nbval-cell-timeout=1200",
         f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval.cfg'}",
         "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir=.",
         "--color=no", notebook.name],
        cwd=notebook.parent, env=env, text=True, capture_output=True)


@pytest.mark.parametrize("page", sources())
def test_alone(page, installed, tmp_path):
    path = sources()[page].with_suffix(".ipynb")
    unrun = [c["source"] for c in twin(page)["cells"]
             if c["cell_type"] == "code" and c["execution_count"] is None]
    assert not unrun, f"cells that were never executed: {unrun}"
    folder, kept = tmp_path / "empty", tmp_path / "records"
    folder.mkdir()
    shutil.copy(path, folder)
    done = nbval(folder / path.name, installed, kept)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert not [p for p in folder.iterdir() if p.suffix != ".ipynb"
                and p.name != "__pycache__"], "a run leaves files behind"
    # A kernel sorts the keys of what it displays: so are these.
    fresh = [json.loads(json.dumps(json.loads(p.read_text()), sort_keys=True))
             for p in sorted(kept.glob("*.json"))]
    assert not compare_records(records(twin(page)), fresh)


def test_gate_1_sees_what_it_should(installed, tmp_path):
    """Planted: a changed word and a package that Colab does not have fail,
    a neighbour file is out of reach; another decimal passes."""
    def cell(source, text="", output="stream"):
        outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        return nbformat.v4.new_code_cell(source, execution_count=1,
                                         outputs=outputs if text else [])
    planted = nbformat.v4.new_notebook(cells=[
        cell("print('loss -0.1 after 12 steps,  9.99')",
             "loss 0.25 after 12 steps, 10.01\n"),
        cell("print('verdict: holds')", "verdict: does not hold\n"),
        cell("print('after 13 steps')", "after 12 steps\n"),
        cell("import lab1784, numpy"),
        cell("import adamp"),
        cell("from tests import house"),
        cell("open('../README.md')"),
    ])
    folder = tmp_path / "empty"
    folder.mkdir()
    nbformat.write(planted, folder / "planted.ipynb")
    done = nbval(folder / "planted.ipynb", installed, tmp_path / "records")
    said = re.findall(r"::Cell (\d+) (PASSED|FAILED)", done.stdout)
    assert [word for _, word in sorted(set(said))] == [
        "PASSED", "FAILED", "FAILED", "PASSED", "FAILED", "FAILED",
        "FAILED"], done.stdout


def first_cell(page: str) -> dict:
    return next(c for c in twin(page)["cells"] if c["cell_type"] == "code")


def test_install_cell_is_the_same_everywhere():
    """First, folded, short, and letter for letter the template's."""
    import jupytext
    template = jupytext.read(ROOT / "assets" / "template.py", fmt="py:percent")
    first = next(c for c in template.cells if c.cell_type == "code")
    assert len(first.source.splitlines()) <= 18
    for page in sources():
        cell = first_cell(page)
        assert "".join(cell["source"]) == first.source, page
        assert cell["metadata"]["tags"] == ["setup", "hide-input"], page


def test_install_cell_changes_nothing_else(wheel, tmp_path):
    """In an environment without lab1784, as in Colab: afterwards it is
    there, and every other package is the one that was there before."""
    import venv
    venv.create(tmp_path / "colab", with_pip=False, symlinks=True)
    python = tmp_path / "colab" / "bin" / "python"
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("PYTHON", "VIRTUAL_ENV", "PIP_"))}
    env |= {"LAB1784_SOURCE": str(wheel), "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def call(*arguments: str) -> str:
        done = subprocess.run([python, *arguments], env=env, cwd=tmp_path,
                              text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    own, ours = (subprocess.run(
        [exe, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        text=True, capture_output=True, check=True).stdout.strip()
        for exe in (python, sys.executable))
    Path(own, "book.pth").write_text(ours + "\n")
    before = call("-m", "pip", "freeze", "--all").splitlines()
    cell = "".join(first_cell(next(iter(sources())))["source"])
    assert call("-c", cell).strip() == (
        "Installed lab1784 only; no other package was changed.")
    after = call("-m", "pip", "freeze", "--all").splitlines()
    assert [p for p in after if p not in before] == [
        p for p in after if p.startswith("lab1784")]
    assert not [p for p in before if p not in after]
    assert call("-c", cell + "\nimport lab1784") == ""


def test_setup_cell_without_the_helper(tmp_path):
    """Outside Colab nothing is installed unasked: one sentence says what to
    do; a clone's own helper is found from anywhere in the clone."""
    import venv
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    cell = "".join(first_cell(next(iter(sources())))["source"])
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("PYTHON", "LAB1784_", "COLAB_"))}

    def told(folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [tmp_path / "bare" / "bin" / "python", "-c", cell + "\nprint("
             "importlib.util.find_spec('lab1784').origin)"], env=env,
            cwd=folder, text=True, capture_output=True)
        return (done.stdout + done.stderr).strip().splitlines()[-1]

    assert "pip install" in told(tmp_path / "empty")
    (tmp_path / "way" / "lab1784").mkdir(parents=True)
    assert told(tmp_path / "way").startswith("ImportError: Rename ")
    there = tmp_path / "clone" / "lab1784" / "__init__.py"
    there.parent.mkdir(parents=True)
    there.write_text("")
    assert told(tmp_path / "clone" / "notebooks" / "x") == str(there)


def lacking(script: str) -> set[str]:
    """Packages that the techniques' tests import and `script` does not
    install, with all that comes along; or alone, where it asks the lock."""
    names = re.search(r"-c \S+ (torch .*?)>", script, re.S)[1]
    there = set().union(*map(closure, re.findall(r"[\w.-]+", names)))
    if "s/^# Alone: //p" in script:
        there |= {canonicalize_name(n) for n in re.findall(
            r"(?m)^# Alone: ([\w.-]+)==",
            (ROOT / "requirements.txt").read_text())}
    owners = metadata.packages_distributions()
    used = {module for file in (ROOT / "tests/techniques").glob("*.py")
            for module in re.findall(r"^ *(?:from|import) (\w+)",
                                     file.read_text(), re.M)}
    return {name for module in used for name in owners.get(module, ())
            if canonicalize_name(name) not in there | {"lab1784"}}


def test_make_colab_installs_what_the_oracles_import():
    script = (ROOT / "tools/colab.sh").read_text()
    assert not lacking(script)
    assert lacking(script.replace(" jiwer", "")) == {"jiwer"}
    assert lacking(script.replace("Alone", "")) == {"torchattacks"}
