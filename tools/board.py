"""The scoreboard and the trust table, written from the results alone.

    python -m tools.board          rewrites chapters/scoreboard.md and
                                   chapters/trust.md between their marks

Both pages keep their prose; what stands between `<!-- table: NAME -->` and
`<!-- end -->` is made here.  A test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tools import prose

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("scoreboard", "trust")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def read(name: str) -> dict:
    path = ROOT / "assets" / name
    return json.loads(path.read_text()) if path.exists() else {}


def source(notebook: str) -> str:
    return (ROOT / f"{notebook}.py").read_text()


def heading(text: str) -> str:
    """The first heading of a notebook's source."""
    return re.search(r"(?m)^# # (.+)$", text)[1]


def title(notebook: str) -> str:
    return heading(source(notebook))


def link(notebook: str, text: str | None = None) -> str:
    return f"[{text or title(notebook)}](../{notebook})"


def mark(claim: str, field: str) -> str:
    """A marker; `make fill` writes the number into it."""
    return f"<!--={claim}.{field}-->0.00<!--/-->"


def stated(record: dict) -> str:
    """The statement; a number in it is a setting, hence a formula."""
    text = record["statement"].replace("|", r"\|")   # no cell ends there
    return re.sub(r"\d+\.\d+", r"$\g<0>$", text)


def claims() -> str:
    """One row a claim, page by page."""
    lines = ["| page | claim | kind | effect and interval | least effect or "
             "margin | seeds | verdict |", "|---|---|---|---|---|---|---|"]
    for name, r in by_page():
        lines.append(
            f"| {link(r['notebook'])} | {stated(r)} | "
            f"{r['kind'].replace('_', ' ')} | effect {mark(name, 'effect')},"
            f" from {mark(name, 'low')} to {mark(name, 'high')} | bound "
            f"{mark(name, 'least')} | {len(r['seeds'])} | "
            f"{'**' * (r['verdict'] == 'holds')}{r['verdict']}"
            f"{'**' * (r['verdict'] == 'holds')} |")
    return "\n".join(lines)


def by_page() -> list[tuple[str, dict]]:
    """Claims of technique pages in the order of the book; those that teach
    how to read a claim (chapter 0) are not results."""
    kept = [(k, r) for k, r in read("results.json").items()
            if not r["notebook"].startswith("notebooks/0-")]
    return sorted(kept, key=lambda item: item[1]["notebook"])


def failures() -> str:
    """What did not reproduce, or was not settled."""
    lines = []
    for name, r in by_page():
        if r["verdict"] != "holds":
            lines.append(
                f"- {link(r['notebook'])}: {stated(r)} "
                f"**{r['verdict'].capitalize()}**: the effect is "
                f"{mark(name, 'effect')}, from {mark(name, 'low')} to "
                f"{mark(name, 'high')}.")
    return "\n".join(lines) or "Nothing so far."


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
    if not row[1].strip():
        raise ValueError("the card's row `Rule read in` names no source")
    return "second hand"


def count() -> str:
    rows = by_page()
    held = sum(r["verdict"] == "holds" for _, r in rows)
    pages: dict[str, list[str]] = {kind: [] for kind in FAITHFUL}
    for page in dict.fromkeys(r["notebook"] for _, r in rows):
        pages[faithful(source(page))].append(page)
    told = []
    for kind, names in pages.items():
        links = "; ".join(map(link, names)) if kind != "paper" else ""
        told.append(f"{FAITHFUL[kind]}: {len(names)}"
                    + (f" ({links})" if links else ""))
    return (f"The book has {sum(map(len, pages.values()))} technique pages "
            f"with {len(rows)} claims; {held} hold, {len(rows) - held} do "
            f"not or are not settled.\n" + ";\n".join(told) + ".")


def trust() -> str:
    """Null strength, noise and shifts of every claim."""
    table = read("trust.json")
    if not table:
        return "No trust run has been made yet (`make trust`)."
    lines = [f"Commit `{table['commit'][:12]}`, {table['date']}, on "
             f"{table['cpu']}.", "",
             "| claim | null strength | noise | effect at three shifts | "
             "same verdict | stable |", "|---|---|---|---|---|---|"]
    for page, row in table["pages"].items():
        for name, claim in row["claims"].items():
            if "anew" in row:
                lines.append(
                    f"| {link(page, name)} | {row['null']} | recorded | "
                    f"{anew(row['anew'])} | | |")
                continue
            effects = ", ".join(f"`{e:+.3f}`" for e in claim["effects"])
            lines.append(
                f"| {link(page, name)} | {row['null']} | {claim['noise']} | "
                f"{effects} | {claim['again']} of {len(claim['effects'])} | "
                f"{'yes' if claim['stable'] else 'no'} |")
    return "\n".join(lines)


def anew(kept: dict) -> str:
    """What `make trust` proves of a page with recorded runs."""
    left = kept["unfinished"]
    return (f"one run of {kept['runs']} trained anew, {kept['arm']} at seed "
            f"{kept['seed']}: {kept['repeats']}"
            + (f"; started and not finished: {', '.join(left)}" if left
               else ""))


def build(text: str) -> str:
    """`text` with every table made anew."""
    makers = {f.__name__: f for f in (claims, failures, count, trust)}
    return BLOCK.sub(lambda m: m[1] + makers[m[2]]() + "\n" + m[3], text)


def update() -> list[str]:
    """Rewrite both pages; returns the names of those that changed.  The
    numbers in the tables are markers: fill them afterwards."""
    changed = []
    for name in PAGES:
        path = ROOT / "chapters" / f"{name}.md"
        if not path.exists():
            continue
        old = path.read_text()
        new = prose.fill(build(old), prose.Values(ROOT))
        if new != old:
            path.write_text(new)
            changed.append(f"chapters/{name}.md")
    return changed


if __name__ == "__main__":
    print("\n".join(update()) or "Both tables are as the results say.")
