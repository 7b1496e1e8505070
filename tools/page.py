"""One page's source, looked at without running it: roles, parts, limits.

`problems` lists what is wrong as 'LINE: sentence'.  `make check` shows
them and the tests of the pages ask for none; the numbers stand in
tools/limits.py.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tools import limits

ROOT = Path(__file__).resolve().parents[1]
# role -> the tag by which the site folds such a cell, or None
ROLES = {"setup": "hide-input", "imports": "hide-input", "technique": None,
         "experiment": None, "results": None, "figure": "hide-input",
         "details": "hide-cell", "exercise": None, "bug": None,
         "check": "hide-input", "solution": "hide-cell"}
TITLE = re.compile(r"# @title (\S.*)")
# What draws, of lab1784 and its modules; a page's own `draw` is its own.
DRAW = {"subplots", "image_grid", "show", "overview", "draw_claim",
        "choose", "draw", "play"}


# What `make new` writes into the chapter's table.
QUESTION = "Which question does this page answer?"


class Cell(NamedTuple):
    """A cell of a percent source; `line` is that of its first line."""
    line: int
    markdown: bool
    tags: tuple[str, ...]
    source: str

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.source.split("\n"), self.line)


def cells(text: str) -> list[Cell]:
    """The cells of a source; Markdown without its comment signs."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if line.startswith("# %%")]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        head, body = lines[start], lines[start + 1:end]
        markdown = head.startswith("# %% [markdown]")
        if markdown:
            body = [b.removeprefix("#").removeprefix(" ") for b in body]
        tags = re.search(r"tags=\[([^]]*)\]", head)
        found.append(Cell(start + 2, markdown, tuple(re.findall(
            r'"([^"]+)"', tags[1])) if tags else (),
            "\n".join(body).strip("\n")))
    return found


def fold(tags: Iterable[str], source: str) -> dict:
    """Metadata of a code cell in the twin: its tags and, where its role
    folds it, what Jupyter, Colab and the book's site need for that."""
    tags = [t for t in tags if t not in ("hide-input", "hide-cell")]
    how = next((ROLES[t] for t in tags if ROLES.get(t)), None)
    made = {"tags": tags} if tags else {}
    if how:
        made = {"cellView": "form", "jupyter": {"source_hidden": True},
                "tags": [*tags, how]}
    if "hide-output" in tags:  # in the students' edition
        made |= {"collapsed": True, "jupyter": {
            **made.get("jupyter", {}), "outputs_hidden": True}}
    title = TITLE.match(source)
    if how and title:
        made["mystnb"] = {"code_prompt_show": title[1].strip(),
                          "code_prompt_hide": title[1].strip()}
    return made


def kind(found: list[Cell], name: str = "") -> str:
    """'technique', or 'stop' (the short form), or 'reading' (chapter 0,
    which teaches how a claim is read)."""
    if any("technique" in c.tags for c in found):
        return "technique"
    return "reading" if name.startswith("how_to_") else "stop"


def words(found: list[Cell]) -> int:
    """How many words of Markdown a reader is asked to read: without
    comments, tags and addresses; a formula is one word."""
    text = "\n".join(c.source for c in found if c.markdown)
    text = re.sub(r"<!--.*?-->|<[a-zA-Z/][^<>]*>|\]\([^()\s]*\)", " ", text,
                  flags=re.S)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " x ", text, flags=re.S)
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def code_lines(found: list[Cell], *roles: str) -> int:
    """Lines of the cells with one of these roles, blank ones left out."""
    return sum(bool(line.strip()) for c in found if not c.markdown
               and set(roles) & set(c.tags or ("",))
               for line in c.source.split("\n"))


def _tree(cell: Cell) -> ast.Module:
    return ast.parse(re.sub(r"(?m)^[%!].*$", "pass", cell.source))


def _calls(found: list[Cell], name: str) -> list[int]:
    """Lines on which the function `name` is called."""
    return [c.line + node.lineno - 1 for c in found if not c.markdown
            for node in ast.walk(_tree(c)) if isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == name]


# --------------------------------------------------------- set-up cell

SETUP = re.compile(r'(?ms)^# %% tags=\["setup"\]\n.*?(?=^# %%)')


def with_setup(text: str) -> str:
    """`text` with the template's set-up cell, which every page has letter
    for letter; a text without one stays as it is."""
    template = (ROOT / "assets" / "template.py").read_text(encoding="utf-8")
    wanted = SETUP.search(template)
    return SETUP.sub(lambda _: wanted[0], text, count=1)


# ------------------------------------------------------------------ roles

def _drawing(found: list[Cell]) -> tuple[set[str], set[str]]:
    """(functions, modules) that draw, by the names they have here."""
    functions, modules = set(), set()
    for node in (n for c in found if not c.markdown
                 for n in ast.walk(_tree(c))):
        if isinstance(node, ast.Import):
            modules |= {a.asname or a.name for a in node.names
                        if "pyplot" in a.name}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] == "lab1784":
                for a in node.names:
                    into = (functions if a.name in DRAW else
                            modules if a.name in ("figures", "interactive")
                            else set())
                    into.add(a.asname or a.name)
    return functions, modules


def role_problems(found: list[Cell]) -> Iterator[str]:
    """Every code cell has a role that is known, or none and only prints;
    what folds has a title; what draws folds."""
    functions, modules = _drawing(found)
    for cell in (c for c in found if not c.markdown):
        folded = [t for t in cell.tags if ROLES.get(t)]
        for tag in cell.tags:
            if tag in ("hide-input", "hide-cell"):
                yield (f"{cell.line - 1}: take {tag!r} away: the role says "
                       "what folds")
            elif tag not in ROLES:
                yield (f"{cell.line - 1}: no role is called {tag!r}; the "
                       f"roles are {', '.join(ROLES)}")
        roles = [t for t in cell.tags if not t.startswith("hide-")]
        if len(roles) > 1 and set(roles) != {"exercise", "bug"}:
            yield (f"{cell.line - 1}: a cell has one role, this one has "
                   f"{', '.join(roles)}")
        if folded and not TITLE.match(cell.source):
            yield (f"{cell.line}: a folded cell ({folded[0]}) begins with "
                   "a line '# @title' and words that say what is behind it")
        for node in ast.walk(_tree(cell)):
            name = getattr(node, "func", None)
            drawn = (getattr(name, "id", "") in functions
                     or isinstance(name, ast.Attribute)
                     and getattr(name.value, "id", "") in modules
                     and (name.attr in DRAW
                          or name.value.id not in ("figures", "interactive")))
            if isinstance(node, ast.Call) and drawn and not folded:
                yield (f"{cell.line + node.lineno - 1}: this cell draws: "
                       "give it the role figure (or details), and what it "
                       "computes a cell of its own")
                break


# ------------------------------------------------------------ its parts

def paragraph(found: list[Cell], opening: str) -> tuple[int, list[str]]:
    """(line, sentences) of the paragraph that begins with `opening`, one
    sentence a line; (0, []) where there is none."""
    for cell in (c for c in found if c.markdown):
        lines = list(cell.lines())
        for at, (n, line) in enumerate(lines):
            if line.startswith(opening):
                said = [line.removeprefix(opening).strip()]
                for _, more in lines[at + 1:]:
                    if not more.strip():
                        break
                    said.append(more.strip())
                return n, [s for s in said if s]
    return 0, []


def opening_problems(found: list[Cell], what: str) -> Iterator[str]:
    """The Korean sentences; In short, which a stop needs not."""
    n, said = paragraph(found, "**요약.**")
    korean = limits.STOP_KOREAN if what == "stop" else limits.KOREAN
    if len(said) != korean:
        yield (f"{n or 1}: **요약.** should be {korean} Korean sentences, "
               f"one a line; it has {len(said)}")
    for at, line in enumerate(said, n + 1):
        letters = re.findall(r"[^\W\d_]", line)
        share = sum("가" <= c <= "힣" for c in letters) / max(len(letters), 1)
        if share < limits.HANGUL:
            yield f"{at}: this sentence of **요약.** is not Korean"
    if what == "stop":
        return
    n, said = paragraph(found, "**In short.**")
    if len(said) != limits.IN_SHORT:
        yield (f"{n or 1}: **In short.** should be {limits.IN_SHORT} "
               "sentences, one a line (the question; what was found; what "
               f"it does not show); it has {len(said)}")
    elif what == "technique" and "<!--=" not in " ".join(said):
        yield (f"{n}: **In short.** should tell what was found with a "
               "number of the records, between markers")


def row(found: list[Cell], name: str) -> tuple[int, str] | None:
    """(line, text) of a row of the card, the first cell."""
    for n, line in found[0].lines():
        parts = [p.strip() for p in line.split("|")]
        if len(parts) > 3 and parts[1] == name:
            return n, "|".join(parts[2:-1])
    return None


def read_in(found: list[Cell]) -> Iterator[str]:
    choice = ("one of: " + ", ".join(limits.READ_IN)
              + ", other: NAME OF THE SOURCE")
    said = row(found, "Rule read in")
    if said is None:
        yield f"1: the card has no row 'Rule read in', {choice}"
    elif said[1] not in limits.READ_IN and not re.match(
            r"other: \S", said[1]):
        yield f"{said[0]}: 'Rule read in' should say {choice}"


def folds(found: list[Cell]) -> Iterator[tuple[int, str, str]]:
    """(line, summary, text) of every <details> in Markdown."""
    for cell in (c for c in found if c.markdown):
        for fold in re.finditer(r"<details[^>]*>\s*<summary>(.*?)</summary>"
                                r"(.*?)</details>", cell.source, re.S):
            yield (cell.line + cell.source[:fold.start()].count("\n"),
                   fold[1], fold[2])


def tries_problems(found: list[Cell]) -> Iterator[str]:
    tries = [f for f in folds(found) if "tries" in f[1].lower()]
    if not tries:
        yield ("1: the page has no folded Tries "
               "(<details><summary>Tries</summary>, a blank line, the rows)")
    for n, _, text in tries:
        table = re.findall(r"(?m)^\|(?!\s*:?-)", text)
        rows = max(len(table) - 1, 0) + len(re.findall(r"(?m)^[-*\d]+\.? ",
                                                       text))
        if rows > limits.TRIES:
            yield (f"{n}: Tries has {rows} rows, {limits.TRIES} at most: "
                   "those that a reader learns from")


def exercise_problems(found: list[Cell], least: int, most: int
                      ) -> Iterator[str]:
    checks = [c for c in found if "check" in c.tags]
    prose = "\n".join(c.source for c in found if c.markdown).lower()
    if not least <= len(checks) <= most:
        yield (f"1: the page has {len(checks)} exercises that check "
               f"themselves, it should have {least} to {most}")
    for wanted in (("refute", "find the bug") if most > least else ()):
        if wanted not in prose:
            yield f"1: no exercise of the kind '{wanted}'"


def limit_problems(found: list[Cell], name: str, counts: dict[str, int],
                   most: dict[str, int]) -> Iterator[str]:
    """Counts over their limits, but for the old pages in limits.OVER."""
    said = {"words": "words of Markdown", "claims": "claims",
            "code": "lines of code"}
    old = limits.OVER.get(name, {})
    for what, count in counts.items():
        if what not in old and count > most[what]:
            yield (f"1: the page has {count} {said[what]}, "
                   f"{most[what]} at most")
        elif what in old and count > old[what]:
            yield (f"1: the page has {count} {said[what]}; it had "
                   f"{old[what]}, over the limit of {most[what]}, and may "
                   "only shrink")
        elif what in old and count <= most[what]:
            yield (f"1: the page is within the limit of {most[what]} "
                   f"{said[what]}: take it out of OVER in tools/limits.py")
        elif what in old and count < 0.98 * old[what]:
            yield (f"1: the page has shrunk to {count} {said[what]}: write "
                   "that into OVER in tools/limits.py")


# --------------------------------------------------- what a template says

WORD = "(?:[A-Za-z][A-Za-z']+|[가-힣]+)"
SAID = re.compile(f"(?:{WORD}[,.]? +){{3}}{WORD}")  # four words in a row


@functools.cache
def _template() -> frozenset[str]:
    """Lines of both templates that speak: each is to be written anew."""
    found: set[str] = set()
    for path in sorted((ROOT / "assets").glob("template*.py")):
        if path.stem.endswith("_test"):
            continue
        for cell in cells(path.read_text(encoding="utf-8")):
            if not {"setup", "imports"} & set(cell.tags):
                found |= {_bare(line) for line in cell.source.split("\n")
                          if SAID.search(line) and not TITLE.match(line)}
    return frozenset(found)


def standing(found: list[Cell]) -> list[int]:
    """Lines of a page that are still those of its template."""
    return [n for c in found for n, line in c.lines()
            if _bare(line) in _template()]


def _bare(line: str) -> str:
    """A line without the numbers that are filled in."""
    return re.sub(r"<!--=.*?<!--/-->", "", line).strip()


# ------------------------------------------------------------- the page

def problems(name: str, text: str) -> list[str]:
    """Everything that is wrong with the source of the page `name`, each
    'LINE: sentence', in the order of its lines."""
    found = cells(text)
    for cell in (c for c in found if not c.markdown):
        try:
            _tree(cell)
        except SyntaxError as error:
            return [f"{cell.line + (error.lineno or 1) - 1}: this is not "
                    f"Python: {error.msg}"]
    told = list(role_problems(found))
    told += [f"{n}: this line of code has {len(line)} columns, "
             f"{limits.COLUMNS} at most" for c in found if not c.markdown
             for n, line in c.lines() if len(line) > limits.COLUMNS]
    told += [f"{c.line}: this technique cell has "
             f"{len(c.source.splitlines())} lines, {limits.TECHNIQUE_CELL} "
             "at most" for c in found if "technique" in c.tags
             and len(c.source.splitlines()) > limits.TECHNIQUE_CELL]
    if with_setup(text) != text or not SETUP.search(text):
        told.append("1: the set-up cell is not the template's (make fill)")
    left = standing(found)
    if left:
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        told.append(f"{left[0]}: still the template's, write your own: line "
                    f"{', '.join(map(str, left[:5]))}{more}")
    claims, what = len(_calls(found, "claim")), kind(found, name)
    told += opening_problems(found, what)
    if what == "technique":
        told += _technique(found, name, claims)
    elif what == "stop":
        told += _stop(found, name, claims)
    return sorted(told, key=lambda said: int(said.partition(":")[0]))


def _technique(found: list[Cell], name: str, claims: int) -> Iterator[str]:
    yield from read_in(found)
    yield from tries_problems(found)
    yield from exercise_problems(found, *limits.EXERCISES)
    yield from limit_problems(
        found, name, {"words": words(found), "claims": claims,
                      "code": code_lines(found, "technique", "experiment")},
        {"words": limits.WORDS, "claims": limits.CLAIMS[1],
         "code": limits.CODE})
    if claims < limits.CLAIMS[0]:
        yield (f"1: the page has {claims} claim{'s' * (claims != 1)}, it "
               f"should have {limits.CLAIMS[0]} to {limits.CLAIMS[1]}")
    if claims > 1 and not _calls(found, "overview"):
        yield ("1: a page with more than one claim ends its claims with "
               "overview(...) in a figure cell")
    if claims > 1 and not any("details" in c.tags for c in found):
        yield ("1: a page with more than one claim draws each of them in "
               "one cell with the role details")


def _stop(found: list[Cell], name: str, claims: int) -> Iterator[str]:
    yield from exercise_problems(found, limits.STOP_EXERCISES,
                                 limits.STOP_EXERCISES)
    yield from limit_problems(
        found, name, {"words": words(found), "claims": claims,
                      "code": code_lines(found, "", "experiment")},
        {"words": limits.STOP_WORDS, "claims": 0, "code": limits.STOP_CODE})
    if not any("figure" in c.tags for c in found):
        yield "1: a stop has one picture, in a cell with the role figure"
    if not any(isinstance(node, ast.Assert) for c in found
               if not c.markdown and not set(c.tags) - {"experiment"}
               for node in ast.walk(_tree(c))):
        yield "1: a stop has one exact check: an assert in an open cell"
    if "](http" not in (row(found, "Library") or (0, ""))[1]:
        yield "1: the card has no row 'Library' with a link to one"


TERM = re.compile(r"[A-Za-z*] \(([가-힣][가-힣 ·-]*[가-힣])\)")


def terms(found: list[Cell], glossary: str) -> list[str]:
    """Korean terms after English ones that the glossary does not have."""
    missing = {term: n for c in reversed(found) if c.markdown
               for n, line in c.lines() for term in TERM.findall(line)
               if term not in glossary}
    return [f"{min(missing.values())}: chapters/glossary.md does not have "
            + ", ".join(sorted(missing, key=missing.get))] if missing else []


def test_problems(name: str, tests: str, page: list[Cell]) -> Iterator[str]:
    """What a page's test file lacks, as far as its literals tell."""
    made = {t.id: node.value for node in ast.parse(tests).body
            if isinstance(node, ast.Assign) for t in node.targets
            if isinstance(t, ast.Name)}
    wanted = {"ORACLES": limits.ORACLES, "MISTAKES": limits.MISTAKES,
              "EXPERIMENT": limits.EXPERIMENT}
    if kind(page, name) != "technique":
        wanted = {"ORACLES": 1}
    for what, least in wanted.items():
        value = made.get(what)
        parts = getattr(value, "elts", getattr(value, "keys", None))
        if value is None or parts is not None and len(parts) < least:
            at = getattr(value, "lineno", 1)
            yield (f"{at}: {what} should hold at least {least}, it holds "
                   f"{len(parts or ())}")
    folded = "\n".join(text for _, _, text in folds(page)).lower()
    keys = [k for k in getattr(made.get("MISTAKES"), "keys", ())
            if isinstance(k, ast.Constant)]
    missing = [k.value for k in keys
               if f"**{k.value}**".lower() not in folded]
    if missing:
        yield (f"{keys[0].lineno}: the page's folded list of mistakes "
               "(<details> under Break it) does not name in bold: "
               + ", ".join(missing))
