"""Every reference, published number and source note says where it is from.  A checker
returns its problems in words, and is shown at work on a planted failure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_string

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".md", ".py", ".ipynb", ".yml", ".bib", ".toml", ".cff", ".json", ".txt"}
KEYS = set("""yun2022talk yun2019cutmix yun2021relabel heo2021adamp song2022vidt han2021rexnet
    chun2021pcme kim2021vilt bahng2020rebias jung2022cgl kim2021calm choi2018stargan
    choi2020starganv2 kim2021stylemapgan kim2022c3gan kim2022fsmr lee2022ggdr kim2020somdst
    kim2021sgopt kim2021hyperclova chung2022talebrush moon2022policy han2022pflayer heo2021pit
    scimeca2022shortcut ha2022sumnas yu2022digan whang2022visit yonhap2022iclr
    ha2020interview chun2019empirical naeem2020prdc kim2018chopt sung2017nsml
    kim2018nsml romano2019cqr""".split())
POINTS = {f"E{n}" for n in range(1, 16)}
CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
BIB = (ROOT / "assets/references.bib").read_text()
NUMBERS = (ROOT / "assets/published.yml").read_text()
NOTES = (ROOT / "chapters/source-notes.md").read_text()
TABLE = (ROOT / "chapters/bibliography.md").read_text()


def texts(*folders: str) -> dict[str, str]:
    """Path -> text of the book's own files in these folders (default: all but the tests)."""
    skip = ("tests", "_build", "dist", "build", "node_modules")
    inside = ((p, p.relative_to(ROOT)) for p in sorted(ROOT.rglob("*")) if p.suffix in SUFFIXES)
    return {str(name): p.read_text() for p, name in inside if p.is_file()
            and not any(part.startswith(".") or part in skip for part in name.parts)
            and (not folders or name.parts[0] in folders)}


def reference_problems(bib: str) -> list[str]:
    """Every key is there, with author, title, year, venue and a way to the paper."""
    entries = parse_string(bib, "bibtex").entries
    found = [f"{key}: no such reference" for key in sorted(KEYS - set(entries))]
    for key, entry in entries.items():
        has = {k for k, v in entry.fields.items() if v.strip()} | set(entry.persons)
        text = entry.type == "misc"  # a source text or a talk
        needed = {"author", "title", "year"} | ({"note"} if text else {"booktitle"})
        found += [f"{key}: no {field}" for field in sorted(needed - has)]
        if not text and not has & {"doi", "eprint", "url"}:
            found.append(f"{key}: neither doi, eprint nor url")
    return found


def venue_problems(table: str, bib: str) -> list[str]:
    """The table names every paper, with the venue and the year of its reference."""
    cells = [line.split("|") for line in table.splitlines() if CITE.search(line)]
    said = {CITE.search(c[2])[1]: c[3].strip() for c in cells if len(c) == 8}
    found = []
    for key, entry in parse_string(bib, "bibtex").entries.items():
        if entry.type != "misc":
            name = re.search(r"\(([\w-]+)\)", entry.fields["booktitle"])[1]
            right = f"{name} {entry.fields['year']}"
            if not said.get(key, "nothing").startswith(right):
                found.append(f"{key}: the table says {said.get(key)}, the reference {right}")
    return found


def number_problems(text: str) -> list[str]:
    """Every published number is complete; a derived one follows from others by its formula."""
    numbers, found = yaml.load(text, yaml.BaseLoader), []  # BaseLoader: 21.40 stays so
    for key, entry in numbers.items():
        full = [f for f in ("value", "metric", "source", "where", "read") if not entry.get(f)]
        found += [f"{key}: no {f}" for f in full + ["unit"] * ("unit" not in entry)]
        if entry.get("derived") == "true":
            value, known = Decimal(entry["value"]), {k: v["value"] for k, v in numbers.items()}
            names = {k: Decimal(known[k]) for k in re.findall(r"[a-z]\w+", entry["formula"])}
            ours = Decimal(eval(entry["formula"], {"__builtins__": {}}, names))
            if ours.quantize(value, ROUND_HALF_UP) != value:
                found.append(f"{key}: {entry['formula']} is {ours:.4f}, not {value}")
        elif not entry.get("url", "").startswith("http") and entry.get("text") not in KEYS:
            found.append(f"{key}: neither a url nor a source text")
    return found


def page_problems(pages: dict[str, str], numbers: str = NUMBERS) -> list[str]:
    """What pages cite, print as published and point at exists; no number is unread."""
    found = []
    there = {"reference": KEYS, "number": set(yaml.safe_load(numbers)), "note": POINTS}
    for name, text in pages.items():
        used = {("reference", k.strip()) for m in CITE.findall(text) for k in m.split(",")}
        used |= {("number", k) for k in re.findall(r"<!--=published\.(\w+)", text)}
        used |= {("note", k) for k in re.findall(r"\{ref\}`(?:[^`<]*<)?(E\d+)>?`", text)}
        found += [f"{name}: no {kind} {k}" for kind, k in sorted(used) if k not in there[kind]]
        found += [f"{name}: a number that nobody read"] * ("UNVERIFIED" in text)
    return found


def note_problems(notes: str) -> list[str]:
    """Every point has one anchor, and its heading right after it."""
    return [f"{p}: no anchor with its heading" for p in sorted(POINTS)
            if notes.count(f"\n({p})=\n### {p}. ") != 1]


def test_sources() -> None:
    pages = texts("chapters", "notebooks", "assets", "lab1784", "index.md", "README.md")
    assert not (reference_problems(BIB) + venue_problems(TABLE, BIB) + number_problems(NUMBERS)
                + page_problems(pages) + note_problems(NOTES))


@pytest.mark.parametrize("problems, says", [
    (lambda: reference_problems(BIB.replace("{kim2021vilt,", "{x,")), "kim2021vilt: no such"),
    (lambda: reference_problems(BIB.replace("year = {2019},", "")), "yun2019cutmix: no year"),
    (lambda: venue_problems(TABLE.replace("ICML 2021", "ICLR 2021"), BIB), "kim2021vilt: the"),
    (lambda: number_problems(NUMBERS.replace("text: whang", "text: ", 1)), "neither a url"),
    (lambda: number_problems(NUMBERS.replace("value: 2.28", "value: 2.29")), "not 2.29"),
    (lambda: page_problems({"p": "{cite}`who2020what`"}), "no reference who2020what"),
    (lambda: page_problems({"p": "<!--=published.none-->1<!--/-->"}), "no number none"),
    (lambda: page_problems({"p": "9.9 UNVERIFIED"}), "nobody read"),
    (lambda: note_problems(NOTES.replace("(E4)=\n", "")), "E4: no anchor")])
def test_a_planted_failure_is_found(problems, says: str) -> None:
    assert any(says in line for line in problems())
