"""The scoreboard and the trust table, written from the results alone, and
the tables on Korean of chapter 5.

    python -m tools.board          rewrites chapters/scoreboard.md, trust.md
                                   and 5-language.md between their marks

The pages keep their prose; what stands between `<!-- table: NAME -->` and
`<!-- end -->` is made here.  A test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from lab1784 import claims as claims_of
from tools import korean, prose

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("scoreboard", "trust", "5-language")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def read(name: str) -> dict:
    path = ROOT / "assets" / name
    return (json.loads(path.read_text(encoding="utf-8")) if path.exists()
            else {})


def source(notebook: str) -> str:
    return (ROOT / f"{notebook}.py").read_text(encoding="utf-8")


def heading(text: str) -> str:
    """The first heading of a notebook's source."""
    return re.search(r"(?m)^# # (.+)$", text)[1]


def title(notebook: str) -> str:
    return heading(source(notebook))


def link(notebook: str, text: str | None = None) -> str:
    return f"[{text or title(notebook)}](../{notebook})"


def name_of(notebook: str) -> str:
    """What a page is called where there is little room: its title up to
    the colon."""
    return title(notebook).partition(":")[0]


def mark(claim: str, field: str, places: int, sign: bool = True) -> str:
    """A marker, and what `make fill` will write into it; a plus before it
    where the number is above zero."""
    record = read("results.json")[claim]
    value = dict(zip(("effect", "low", "high"),
                     (record["effect"], *record["interval"])))[field]
    return (f"{'+' * (sign and value > 0)}"
            f"<!--={claim}.{field}:{places}-->0<!--/-->")


def settings(text: str) -> str:
    """Text of a table; a number in it is a setting, hence a formula."""
    return re.sub(r"\d+\.\d+", r"$\g<0>$", text.replace("|", r"\|"))


def effect(name: str, r: dict) -> str:
    """Effect and interval with unit and direction, with as many decimals
    as show two digits of the interval's half and none of the effect as 0."""
    if r["kind"] == "exact":
        return ("equal within the tolerance" if r["verdict"] == "holds" else
                "further apart than the tolerance")
    low, high = r["interval"]
    places = claims_of.digits((high - low) / 2 or r["effect"])
    while r["effect"] and abs(r["effect"]) < 0.5 * 10 ** -places:
        places += 1
    numbers = [mark(name, field, places) for field in ("effect", "low", "high")]
    return (f"{numbers[0]} [{numbers[1]}, {numbers[2]}] in "
            f"{settings(claims_of.unit_of(r))}; {r['better']} is better")


def verdicts(records: list[dict]) -> str:
    """How many hold, do not hold, are not settled; what is none is left
    out."""
    said = []
    for verdict, one, many in (("holds", "holds", "hold"),
                               ("does not hold", "**does not hold**",
                                "**do not hold**"),
                               ("not settled", "**is not settled**",
                                "**are not settled**")):
        n = sum(r["verdict"] == verdict for r in records)
        said += [f"{n} {one if n == 1 else many}"] * (n > 0)
    return ", ".join(said)


def found(text: str) -> str | None:
    """What a page found: its **In short** without the question and without
    what it does not show, or None."""
    short = re.search(r"(?m)^# \*\*In short\.\*\*(.*(?:\n# .+)*)", text)
    lines = re.sub(r"(?m)^# ", "", short[1]).split("\n") if short else []
    lines = [line.strip() for line in lines if line.strip()]
    return " ".join(lines[1:-1]) or None


def chapters() -> dict[str, list[str]]:
    """Chapter -> its notebooks, in the order of _toc.yml."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return {c["file"]: [s["file"] for s in c.get("sections", [])]
            for part in toc["parts"] for c in part["chapters"]
            if re.match(r"chapters/\d", c["file"])}


def chapter_title(chapter: str) -> str:
    text = (ROOT / f"{chapter}.md").read_text(encoding="utf-8")
    number = re.search(r"/(\d+)", chapter)[1]
    return number + ". " + re.search(r"(?m)^# (.+)$", text)[1]


def pages() -> str:
    """One row a page: what it shows, and what became of its claims."""
    behind: dict[str, list[dict]] = {}
    for _, r in by_page():
        behind.setdefault(r["notebook"], []).append(r)
    lines = ["| page | what it shows | claims |", "|---|---|---|"]
    for notebook in [page for row in chapters().values() for page in row]:
        records = behind.get(notebook, [])
        held = [r for r in records if r["verdict"] == "holds"]
        told = found(source(notebook)) or settings(
            claims_of.stated(held[0]) if held else "")
        lines.append(f"| {link(notebook, name_of(notebook))} | {told} | "
                     f"{verdicts(records) or 'none: a stop'} |")
    return "\n".join(lines)


def claims() -> str:
    """One fold a chapter, one row a claim."""
    lines = []
    for chapter, notebooks in chapters().items():
        rows = [(n, r) for n, r in by_page() if r["notebook"] in notebooks]
        if not rows:
            continue
        lines += ["<details>", f"<summary>{chapter_title(chapter)}: "
                  f"{len(rows)} claims</summary>", "",
                  "| page | claim, with its bar | effect | seeds | verdict |",
                  "|---|---|---|---|---|"]
        for name, r in rows:
            held = r["verdict"] == "holds"
            lines.append(
                f"| {link(r['notebook'], name_of(r['notebook']))} | "
                f"{settings(claims_of.stated(r))} | {effect(name, r)} | "
                f"{len(r['seeds'])} | "
                f"{r['verdict'] if held else '**' + r['verdict'] + '**'} |")
        lines += ["", "</details>", ""]
    return "\n".join(lines).rstrip()


def by_page() -> list[tuple[str, dict]]:
    """Claims of technique pages, page by page in the order of the book;
    those that teach how to read a claim (chapter 0) are not results."""
    order = [page for row in chapters().values() for page in row]
    kept = [(k, r) for k, r in read("results.json").items()
            if r["notebook"] in order]
    return sorted(kept, key=lambda item: order.index(item[1]["notebook"]))


def failures() -> str:
    """What did not reproduce, or was not settled: the pages in a line, the
    claims behind a fold."""
    failed = [(n, r) for n, r in by_page() if r["verdict"] != "holds"]
    if not failed:
        return "Nothing so far."
    notebooks = list(dict.fromkeys(r["notebook"] for _, r in failed))
    told = [link(page, name_of(page)) + ": "
            + verdicts([r for _, r in failed if r["notebook"] == page])
            for page in notebooks]
    lines = ["; ".join(told) + ".", "", "<details>",
             f"<summary>These {len(failed)} claims, one by one</summary>", ""]
    for name, r in failed:
        lines.append(f"- {link(r['notebook'], name_of(r['notebook']))}: "
                     f"{settings(claims_of.stated(r))} "
                     f"**{r['verdict'].capitalize()}**: {effect(name, r)}.")
    return "\n".join([*lines, "", "</details>"])


def planned() -> str:
    """Techniques that a chapter's table names and that have no page."""
    lines = []
    for chapter in chapters():
        text = (ROOT / f"{chapter}.md").read_text(encoding="utf-8")
        rows = re.search(r"(?m)^## Planned\n+((?:\|.*\n)+)", text)
        names = [re.sub(r" \(`\w+`\)", "", row.split("|")[1].strip())
                 for row in (rows[1].splitlines()[2:] if rows else [])]
        if names:
            lines.append(f"- [{chapter_title(chapter)}](../{chapter}): "
                         + "; ".join(names) + ".")
    return "\n".join(lines) or "Nothing: every technique has its page."


FAITHFUL = {
    "paper": "Pages whose algorithm was read in the paper or its official "
             "code",
    "second hand": "pages with a rule that was read elsewhere, or in part, "
                   "as their cards say",
    "sketch": "sketches after a paper",
}


def faithful(text: str) -> str:
    """How near a page's algorithm is to the paper's, a key of FAITHFUL.

    text: of the page's .py.  A sketch says so in its title.  A
    page with a rule from elsewhere than the paper's whole text and its
    official code says so in its card, in a row `# | Rule read in | SOURCE |`.
    """
    if heading(text).lower().startswith("a sketch after "):
        return "sketch"
    card = text.split("\n# %%", 2)[1]
    row = re.search(r"(?m)^# \| Rule read in \|(.*)\|[ \t]*$", card)
    if row is None:
        return "paper"
    told = row[1].strip()
    if not told:
        raise ValueError("the card's row `Rule read in` names no source")
    if told == "sketch":
        return "sketch"
    return "paper" if re.fullmatch("(?:paper|official code)(?: and official "
                                   "code)?", told) else "second hand"


def count() -> str:
    rows = by_page()
    pages: dict[str, list[str]] = {kind: [] for kind in FAITHFUL}
    for page in dict.fromkeys(r["notebook"] for _, r in rows):
        pages[faithful(source(page))].append(page)
    told = []
    for kind, names in pages.items():
        links = "; ".join(link(page, name_of(page)) for page in names
                          if kind != "paper")
        told.append(f"{FAITHFUL[kind]}: {len(names)}"
                    + (f" ({links})" if links else ""))
    return (f"The book has {sum(map(len, pages.values()))} technique pages "
            f"with {len(rows)} claims: "
            f"{verdicts([r for _, r in rows])}.\n" + ";\n".join(told) + ".")


def untried() -> list[str]:
    """Claims that no trust run has shifted on the seeds they have now."""
    pages = read("trust.json").get("pages", {})
    return [name for name, r in by_page() if pages.get(
        r["notebook"], {}).get("claims", {}).get(name, {}).get(
        "seeds") != r["seeds"]]


def trust() -> str:
    """Null strength, noise and shifts of every claim, page by page; a claim
    that was not shifted on its present seeds reads "not yet"."""
    pages, missing = read("trust.json").get("pages", {}), set(untried())
    lines = ["| claim | null strength | noise | effect at three shifts | "
             "same verdict | stable | run |", "|---|---|---|---|---|---|---|"]
    for name, r in by_page():
        page, row = r["notebook"], pages.get(r["notebook"], {})
        if name in missing:
            lines.append(f"| {link(page, name)} | not yet | | | | | |")
            continue
        claim, run = row["claims"][name], (
            f"{row['date']}, `{row['commit'][:7]}`, {row['cpu']}")
        if "anew" in row:
            lines.append(
                f"| {link(page, name)} | {row['null']} | recorded | "
                f"{anew(row['anew'])} | | | {run} |")
            continue
        effects = ", ".join(f"`{e:+.3f}`" for e in claim["effects"])
        lines.append(
            f"| {link(page, name)} | {spans(row['null'])} | "
            f"{spans(claim['noise'])} | "
            f"{effects} | {claim['again']} of {len(claim['effects'])} | "
            f"{'yes' if claim['stable'] else 'no'} | {run} |")
    return "\n".join(lines)


def trusted() -> str:
    """What the table of trust says, in a few lines: how many claims are
    stable and pass the noise test, and which do not."""
    kept, missing = read("trust.json").get("pages", {}), set(untried())
    records = {n: r for n, r in by_page() if n not in missing
               and "anew" not in kept[r["notebook"]]}
    shifted = {n: kept[r["notebook"]]["claims"][n] for n, r in records.items()}
    rivals = [n for n, r in records.items() if r["kind"] == "superior"]
    wild = [n for n, c in shifted.items() if not c["stable"]]
    loud = [n for n in rivals if shifted[n]["noise"] != "passes"]

    def named(claims: list[str]) -> str:
        return ", ".join(link(records[n]["notebook"], n)
                         for n in claims) or "none"

    return (
        f"- Of {len(shifted)} claims that were shifted "
        f"{len(shifted) - len(wild)} are stable. Not stable: "
        f"{named(wild)}.\n"
        f"- Of {len(rivals)} claims that one arm is ahead of a rival "
        f"{len(rivals) - len(loud)} pass the noise test. Not passed: "
        f"{named(loud)}. By chance a rival is ahead of itself in "
        "one comparison of forty, and each claim has three; its bar makes "
        "that rarer.")


def spans(text: str) -> str:
    """Its decimals as code: what a run printed, and no number of prose."""
    return re.sub(r"\d+\.\d+", r"`\g<0>`", text)


def anew(kept: dict) -> str:
    """What `make trust` proves of a page with recorded runs."""
    left = kept["unfinished"]
    return (f"one run of {kept['runs']} trained anew, {kept['arm']} at seed "
            f"{kept['seed']}: "
            + spans(kept["repeats"])
            + (f"; started and not finished: {', '.join(left)}" if left
               else ""))


def build(text: str) -> str:
    """`text` with every table made anew."""
    makers = {f.__name__: f for f in (
        pages, claims, failures, planned, count, trust, trusted,
        korean.particles, korean.spelling)}
    return BLOCK.sub(lambda m: m[1] + makers[m[2]]() + "\n" + m[3], text)


def update() -> list[str]:
    """Rewrite the pages; returns the names of those that changed.  The
    numbers in the tables are markers: fill them afterwards."""
    changed = []
    for name in PAGES:
        path = ROOT / "chapters" / f"{name}.md"
        if not path.exists():
            continue
        old = path.read_text(encoding="utf-8")
        new = prose.fill(build(old), prose.Values(ROOT))
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed.append(f"chapters/{name}.md")
    return changed


if __name__ == "__main__":
    print("\n".join(update()) or "All tables are as the results say.")
