"""What a contributor is told: each fault planted in a page of the template
that has been written, and the sentence that `make check` gives with its
line.  No kernel is needed but for the last tests."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from tests.book.commands import call, edit, make, page, refused, written
from tests.house import ROOT
from tools import limits, nb, new
from tools import page as pages

NAMES = {"NAME": "first", "CHAPTER": "3-x", "TITLE": "First"}


def fresh(template: str) -> str:
    text = (ROOT / "assets" / f"{template}.py").read_text(encoding="utf-8")
    return pages.with_setup(re.sub(r"\b(NAME|CHAPTER|TITLE)\b",
                                   lambda word: NAMES[word[0]], text))


@pytest.fixture(scope="module")
def drafts(tmp_path_factory) -> dict[str, str]:
    """Both templates, written: kind -> source that nothing is said of."""
    folder = tmp_path_factory.mktemp("written")
    for name in ("teaching", "glossary", "3-x"):
        (folder / "chapters").mkdir(exist_ok=True)
        (folder / "chapters" / f"{name}.md").write_text(pages.QUESTION)
    found = {}
    for kind, template in new.KINDS.items():
        path = folder / "notebooks" / "3-x" / "first.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fresh(template), encoding="utf-8")
        (folder / "chapters" / "3-x.md").write_text(pages.QUESTION)
        written(folder, "first")
        found[kind] = path.read_text(encoding="utf-8")
        assert pages.problems("first", found[kind]) == []
    return found


LONG = "#\n# " + "word " * limits.WORDS + "\n\n# %% [markdown]\n# ## Predict"
CELL = "".join(f"    x = x + {n}\n" for n in range(limits.TECHNIQUE_CELL))
ROWS = "".join(f"# | {n} | tried |\n" for n in range(limits.TRIES + 1))

# fault -> (kind, what stands, what is planted, what is said)
PLANTED = {
    "a folded cell without title": (
        "technique", "# @title Imports\n", "", "begins with a line '# @title'"),
    "a drawing without its role": (
        "technique", '# %% tags=["figure"]\n# @title Draw: five', "# %%\n# five",
        "this cell draws: give it the role figure"),
    "an overview left open": (
        "technique", '# %% tags=["figure"]\n# @title Draw: both',
        '# %% tags=["results"]\n# both', "this cell draws"),
    "a role that is none": ("technique", 'tags=["results"]', 'tags=["result"]',
                            "no role is called 'result'"),
    "two roles": ("technique", 'tags=["results"]',
                  'tags=["results", "figure"]', "a cell has one role"),
    "a fold by hand": ("technique", 'tags=["check"]',
                       'tags=["check", "hide-input"]', "take 'hide-input'"),
    "a long line": ("technique", "    n = x.shape[-1]\n",
                    f"    n = x.shape[-1]  # {'long' * 20}\n", "columns, 79"),
    "a long technique cell": ("technique", "    n = x.shape[-1]\n", CELL,
                              "this technique cell has"),
    "many words": ("technique", "\n# ## Predict", LONG,
                   "words of Markdown, 3000"),
    "one claim": ("technique", "light = claim(", "light = dict(",
                  "has 1 claim, it should have 2 to 4"),
    "no overview": ("technique", "overview(heavy, light)", "pass",
                    "ends its claims with overview"),
    "no details": ("technique", '# %% tags=["details"]',
                   '# %% tags=["figure"]', "with the role details"),
    "no In short": ("technique", "# **In short.**", "# In short.",
                    "**In short.** should be 3 sentences"),
    "In short without a number": (
        "technique", "<!--=first-heavy.effect-->0.00<!--/-->", "much",
        "with a number of the records"),
    "four Korean sentences": ("technique", "# 무엇을 재는지", "#\n# 무엇을 재는지",
                              "**요약.** should be 5 Korean sentences"),
    "Korean that is English": ("technique", "# 무엇을 재는지 셋째", "# What the page "
                               "measures, told in English", "not Korean"),
    "no source of the rule": ("technique", "# | Rule read in | paper |\n", "",
                              "no row 'Rule read in'"),
    "a source nobody chose": ("technique", "| paper |\n# | Time",
                              "| the paper |\n# | Time",
                              "'Rule read in' should say one of: paper"),
    "Tries left open": ("technique", "<details><summary>Tries</summary>",
                        "## Tries", "no folded Tries"),
    "seven tries": ("technique", "# None yet", "# | try | what |\n# |---|---|\n"
                    + ROWS + "#\n# None yet", "Tries has 7 rows, 6 at most"),
    "six exercises": ("technique", "# ## Exercises\n", "# ## Exercises\n"
                      + '\n# %% tags=["check"]\n# @title Check\npass\n' * 3
                      + "\n# %% [markdown]\n", "has 6 exercises"),
    "nothing to refute": ("technique", "Refute", "Look at",
                          "no exercise of the kind 'refute'"),
    "another set-up": ("technique", "import importlib.util, os", "import os",
                       "the set-up cell is not the template's"),
    "no Python": ("technique", "def run(", "def run((", "not Python"),
    "a claim on a stop": ("stop", "print(\"equal", "claim(\"equal",
                          "has 1 claims, 0 at most"),
    "a stop without check": ("stop", "assert (waits", "print(waits",
                             "a stop has one exact check"),
    "a stop without picture": (
        "stop", '# %% tags=["figure"]', '# %% tags=["details"]',
        "a stop has one picture"),
    "a stop without library": ("stop", "# | Library |", "# | Books |",
                               "no row 'Library'"),
    "a long stop": ("stop", "# ## Who waits", "# " + "word " * 900
                    + "\n# ## Who waits", "words of Markdown, 900"),
    "much code on a stop": ("stop", "free, again = 0, []", "x = 1\n" * 30
                            + "free, again = 0, []", "lines of code, 40"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_told_with_its_line(drafts, fault):
    kind, old, planted, said = PLANTED[fault]
    assert old in drafts[kind], f"{old!r} is not in the template"
    told = pages.problems("first", drafts[kind].replace(old, planted, 1))
    assert any(re.match(r"\d+: ", t) and said in t for t in told), told


def test_the_line_is_the_right_one(drafts):
    lines = drafts["technique"].split("\n")
    at = lines.index("    n = x.shape[-1]")
    lines[at] += "  " + "#" * 80
    told = pages.problems("first", "\n".join(lines))
    assert [t.partition(":")[0] for t in told] == [str(at + 1)]


@pytest.mark.parametrize("kind", new.KINDS)
def test_a_template_is_no_page(drafts, kind):
    """Each of its sentences alone is refused, and its open choice."""
    text = fresh(new.KINDS[kind])
    told = pages.problems("first", text)
    assert any("still the template's" in t for t in told)
    assert kind == "stop" or any("'Rule read in' should" in t for t in told)
    left = pages.standing(pages.cells(text))
    assert len(left) > 20
    mine, lines = drafts[kind].split("\n"), text.split("\n")
    for n in left:
        one = [*mine[:n - 1], lines[n - 1], *mine[n:]]
        assert any(t.startswith(f"{n}: still the template's") for t in
                   pages.problems("first", "\n".join(one))), lines[n - 1]


def test_a_page_over_the_limits_may_only_shrink(drafts, monkeypatch):
    text = drafts["technique"]
    said = {}
    for words, count in ((3000, 3100), (3100, 3100), (4000, 3100)):
        monkeypatch.setattr(limits, "OVER", {"first": {"words": words}})
        found = list(pages.limit_problems(
            pages.cells(text), "first", {"words": count}, {"words": 3000}))
        said[words] = " ".join(found)
    assert "may only shrink" in said[3000] and not said[3100]
    assert "write that into OVER" in said[4000]
    monkeypatch.setattr(limits, "OVER", {"first": {"words": 3100}})
    assert any("take it out of OVER" in t
               for t in pages.problems("first", text))


def test_the_test_file_is_looked_at(drafts):
    found = pages.cells(drafts["technique"])
    tests = (ROOT / "assets" / "template_test.py").read_text(encoding="utf-8")
    assert not list(pages.test_problems("first", tests, found))
    for old, planted, said in (
            ("ORACLES = [equals_scipy, by_hand, experiment_by_others]",
             "ORACLES = [by_hand]", "ORACLES should hold at least 2"),
            ('    "Unsorted"', '    "Not sorted"', "Not sorted"),
            ("EXPERIMENT =", "OTHERS =", "EXPERIMENT should hold at least 3"),
            ('    "Unsorted": ("np.sort(x, axis=-1)[..., k:n - k]", '
             '"x[..., k:n - k]"),\n', "", "MISTAKES should hold at least 4")):
        assert old in tests
        told = list(pages.test_problems("first", tests.replace(old, planted),
                                        found))
        assert any(said in t for t in told), told


def test_korean_terms_are_in_the_glossary(drafts):
    found = pages.cells(drafts["technique"])
    assert not pages.terms(found, "trimmed mean\n절사평균")
    assert "does not have 절사평균" in pages.terms(found, "")[0]


def test_cells_are_those_of_jupytext():
    for path in nb.sources().values():
        ours = pages.cells(path.read_text(encoding="utf-8"))
        assert [(c.markdown, c.source) for c in ours] == [
            (c.cell_type == "markdown", c.source)
            for c in nb.build(path).cells], path.name


@pytest.mark.parametrize("role,tag", pages.ROLES.items())
def test_a_role_folds(role, tag):
    got = pages.fold([role], "# @title What it is\nx = 1")
    assert got["tags"] == [role] + [tag] * bool(tag)
    assert got.get("mystnb", {}).get("code_prompt_show") == (
        "What it is" if tag else None)
    assert ("cellView" in got) == ("jupyter" in got) == bool(tag)


def test_contributing_lists_every_limit():
    """Each number of tools/limits.py stands there as it is."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    said = {row: [int(n.replace(",", "")) for n in re.findall(
        r"\d[\d,]*", told)] for row, told in re.findall(
        r"(?m)^\| ([^|]+?) \| (.*) \|$", text)}
    assert said["columns of a line of code"] == [limits.COLUMNS] * 2
    assert said["words of Markdown"] == [limits.WORDS, limits.STOP_WORDS]
    assert said["claims"] == [*limits.CLAIMS, 0]
    assert said["lines of a technique cell"] == [limits.TECHNIQUE_CELL] * 2
    assert said["lines of technique and experiment"] == [
        limits.CODE, limits.STOP_CODE]
    assert said["Korean sentences"] == [limits.KOREAN, limits.STOP_KOREAN]
    assert said["sentences of In short"] == [limits.IN_SHORT]
    assert said["rows of Tries"] == [limits.TRIES]
    assert said["exercises that check themselves"] == [
        *limits.EXERCISES, limits.STOP_EXERCISES]
    assert said["oracles"] == [limits.ORACLES, 1]
    assert said["mistakes of technique cells"] == [limits.MISTAKES]
    assert said["mistakes of experiment cells"] == [limits.EXPERIMENT]
    for choice in limits.READ_IN:
        assert f"`{choice}`" in text


# ------------------------------------------------------- with a small book

def test_words_typed_into_a_twin_are_not_lost(small):
    path = page(small, ".ipynb")
    twin = nbformat.read(path, 4)
    cell = next(c for c in twin.cells if c.source.startswith("## The idea"))
    cell.source += "\n\nA thought typed in Jupyter."
    nbformat.write(twin, path)
    before = path.read_bytes()
    for words in (["fill"], ["run", "NB=first"]):
        refused(make(small, *words), "was edited here", "first.py",
                "git checkout")
        assert path.read_bytes() == before
    assert "was edited here" in make(small, "check").stdout
    edit(page(small), "# ## The technique\n", "# A thought typed in Jupyter."
         "\n#\n# ## The technique\n")
    twin.cells[twin.cells.index(cell)].source = cell.source.split("\n\nA")[0]
    nbformat.write(twin, path)
    assert make(small, "fill").returncode == 0


def test_a_try_keeps_nothing(small):
    before = {p: p.read_bytes() for p in small.rglob("*") if p.is_file()
              and "__pycache__" not in p.parts}
    edit(page(small), "lies closer to the centre", "lies closer to it")
    before[page(small)] = page(small).read_bytes()
    done = make(small, "try", "NB=first", "SEED=2000")
    assert done.returncode == 0, done.stdout
    assert "seeds 2000 to 2004" in done.stdout, done.stdout
    after = {p: p.read_bytes() for p in small.rglob("*") if p.is_file()
             and "__pycache__" not in p.parts}
    assert {p.relative_to(small).as_posix() for p in after
            if after[p] != before.get(p)} == {"_build/try/first.ipynb"}


def test_trust_of_one_page_leaves_the_others(small):
    """It wants a commit, writes this page's row, and has it at hand the
    second time; rows of pages that are no more go."""
    table = small / "assets" / "trust.json"
    row = {"shifts": [1], "claims": {}}
    other = small / "notebooks" / "2-stack" / "other"
    other.parent.mkdir(exist_ok=True)
    other.with_suffix(".py").touch()
    table.write_text(json.dumps({"pages": {
        "notebooks/2-stack/other": row, "notebooks/2-stack/gone": row}}))
    (small / "lab1784" / "more.py").touch()       # not committed
    refused(make(small, "trust", "NB=first"), "commit notebooks/3-",
            "drawn from the commit's hash")
    call(small, "git", "add", "-A")
    call(small, "git", "-c", "user.name=t", "-c", "user.email=a@b.c",
         "commit", "-qm", "page")
    for _ in range(2):
        done = make(small, "trust", "NB=first")
        assert done.returncode == 0, done.stdout
        assert "first: first-heavy stable, first-light" in done.stdout
        pages_ = json.loads(table.read_text())["pages"]
        assert list(pages_) == ["notebooks/2-stack/other", next(
            k for k in pages_ if k.endswith("/first"))]
        assert pages_["notebooks/2-stack/other"] == row
    refused(make(small, "trust", "NB=frist"), "did you mean first?")


def test_the_seeds_of_a_claim_are_kept(small):
    for seed in ("0", "4", "999", "x"):
        refused(make(small, "try", "NB=first", f"SEED={seed}"), "from 1000 on")
    refused(make(small, "try", "NB=frist"), "did you mean first?")
    refused(make(small, "run", "NB=first", LAB1784_SEED="1000"),
            "LAB1784_SEED is set", "make try")


def test_a_new_page_is_where_it_belongs(small):
    chapter = next(small.glob("chapters/3-*.md"))
    chapter.write_text(chapter.read_text() + "\n## Planned\n\n"
                       "| technique | question |\n|---|---|\n"
                       "| A toy (`toy`) | Does it move? |\n")
    done = make(small, "new", "NB=toy", "CHAPTER=3", "KIND=stop")
    assert done.returncode == 0, done.stdout
    entry = f"notebooks/{chapter.stem}/toy"
    row = next(line for line in chapter.read_text().splitlines()
               if f"/{entry})" in line)
    assert "Does it move?" in row and "(`toy`)" not in chapter.read_text()
    assert "## Planned" not in chapter.read_text()   # no row is left
    refused(make(small, "new", "NB=x", "CHAPTER=3", "KIND=stopp"), "KIND is")
    edit(chapter, f"/{entry})", "/elsewhere)")
    said = make(small, "check").stdout
    assert f"chapters/{chapter.name}: does not link to {entry}" in said
    (small / "tests" / "techniques" / "test_toy.py").unlink()
    edit(Path(small, "_toc.yml"), entry, "index")
    edit(Path(small, "chapters/teaching.md"), "/first", "/last")
    said = make(small, "check").stdout
    assert f"_toc.yml: does not list {entry}" in said
    assert "test_toy.py: is missing" in said
    assert re.search(r"teaching.md: has no plan .* with a link for notebooks/\S+/first", said)


def test_what_ruff_finds_is_told(small):
    (small / "tools" / "planted.py").write_text("import os\n")
    said = make(small, "check").stdout
    assert "tools/planted.py:1:8: F401" in said, said


def test_the_set_up_cell_finds_a_clone(small, tmp_path):
    import subprocess
    import sys
    cell = pages.SETUP.search((ROOT / "assets" / "template.py").read_text(
        encoding="utf-8"))[0]

    def say(folder: Path, **env) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", f"{cell}\nimport lab1784\n"
             "print(lab1784.__file__)"], cwd=folder, text=True, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.strip().splitlines()[-1]
    assert say(small / "notebooks" / "deep" / "er") == str(
        small / "lab1784" / "__init__.py")
    alone = tmp_path / "alone"
    assert "is not here: open a clone" in say(alone)
    (alone / "lab1784").mkdir()
    assert f"Rename {alone / 'lab1784'}" in say(alone)
