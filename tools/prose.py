"""Numbers in prose: filled from the results, and typed nowhere.

A number that was measured or published stands between two markers:

    <!--=cutmix-hidden.effect-->0.15<!--/-->        a claim's field
    <!--=published.some_key-->21.40<!--/-->         assets/published.yml
    <!--=bench.cutmix.seconds-->34<!--/-->          assets/bench.json

Fields of a claim: effect, low, high, least, n, verdict, mean.<arm>.  A
suffix :3 asks for three decimals instead of two.  `fill` writes the value
between the markers; `problems` lists markers that are out of step and
decimal numbers that somebody typed.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from lab1784.claims import BOUND

MARK = re.compile(r"<!--=([^<>\n]+?)-->(.*?)<!--/-->")
# A line that begins with a comment is raw HTML to a Markdown parser: the
# rest of the line would lose its emphasis and its links.
LEADING = re.compile(r"^(?:#\s)?[\s>]*(?:(?:[-*+]|\d+\.)\s+)?<!--=")
MINUS = "\N{MINUS SIGN}"
SLACK = 0.05  # of the last place: another CPU's last bits rewrite nothing


class Unknown(Exception):
    """A marker names a value that does not exist; str() is one sentence."""


class Values:
    """What markers may name: claims, published numbers, measured times."""

    def __init__(self, root: Path):
        assets = root / "assets"
        self.claims = _read(assets / "results.json", json.loads)
        self.bench = _read(assets / "bench.json", json.loads)
        # BaseLoader keeps every scalar as it is written: 21.40, not 21.4.
        entries = _read(assets / "published.yml", lambda text: yaml.load(
            text, yaml.BaseLoader))
        self.published = {k: v.get("value", "") if isinstance(v, dict) else ""
                          for k, v in entries.items()}

    def text(self, key: str, old: str = "") -> str:
        """The text between the markers of `key`; `old` stays where it is
        still the value, rounded.  Raises Unknown."""
        path, _, places = key.partition(":")
        if places and not places.isdigit():
            raise Unknown(f"{key}: after the colon stands a number of "
                          "decimals, for example effect:3")
        if path.startswith("published."):
            value = self._pick(self.published, path[10:],
                               "assets/published.yml")
        elif path.startswith("bench."):
            value = self._bench(path[6:])
        else:
            value = self._claim(path)
        if isinstance(value, str):
            return value
        return rounded(value, int(places) if places else
                       0 if isinstance(value, int) else 2, old)

    def _claim(self, path: str) -> float | int | str:
        name, _, field = path.partition(".")
        record = self._pick(self.claims, name, "assets/results.json")
        fields = {"effect": record["effect"], "low": record["interval"][0],
                  "high": record["interval"][1], "n": len(record["seeds"]),
                  "least": record[BOUND[record["kind"]]],
                  "verdict": record["verdict"]}
        for arm, values in record["arms"].items():
            fields[f"mean.{arm}"] = math.fsum(values) / len(values)
        return self._pick(fields, field, f"claim {name}")

    def _bench(self, path: str) -> float | int | str:
        value = self.bench
        for part in path.split("."):
            value = self._pick(value, part, "assets/bench.json")
        # Seconds of a whole notebook are read as whole seconds.
        return round(value) if path.endswith("seconds") else value

    @staticmethod
    def _pick(table: dict, key: str, where: str):
        if not isinstance(table, dict) or key not in table:
            near = difflib.get_close_matches(
                key, table if isinstance(table, dict) else [], 2, 0.5)
            hint = f"; close: {', '.join(near)}" if near else ""
            raise Unknown(f"{where} has no {key!r}{hint}")
        return table[key]


def _read(path: Path, parse) -> dict:
    return (parse(path.read_text(encoding="utf-8")) or {}
            ) if path.exists() else {}


def rounded(value: float, places: int, old: str = "") -> str:
    """`value` with `places` decimals; `old` where it still says so."""
    pattern = rf"{MINUS}?\d+" + (rf"\.\d{{{places}}}" if places else "")
    if re.fullmatch(pattern, old):
        shown = float(old.replace(MINUS, "-"))
        if abs(shown - value) <= (0.5 + SLACK) * 10 ** -places:
            return old
    text = f"{value:.{places}f}"
    if not text.strip("-0."):
        text = text.lstrip("-")  # no minus zero
    return text.replace("-", MINUS)


def fill(text: str, values: Values) -> str:
    """`text` with every marker filled; unknown ones stay as they are."""
    def put(match: re.Match) -> str:
        try:
            new = values.text(match[1], match[2])
        except Unknown:
            new = match[2]
        return f"<!--={match[1]}-->{new}<!--/-->"
    return MARK.sub(put, text)


def marker_problems(text: str, values: Values) -> Iterator[str]:
    """'line: what is wrong' for every marker that is out of step."""
    unknown: set[str] = set()
    for n, line in enumerate(text.splitlines(), 1):
        if line.count("<!--=") != len(MARK.findall(line)):
            yield f"{n}: a number's marker is not closed by <!--/-->"
        if LEADING.match(line):
            yield (f"{n}: a line may not begin with a marker (Markdown takes "
                   "it for raw HTML); put a word before it")
        for key, old in MARK.findall(line):
            try:
                new = values.text(key, old)
            except Unknown as error:
                if str(error) not in unknown:
                    unknown.add(str(error))
                    yield f"{n}: {error}"
            else:
                if new != old:
                    yield (f"{n}: <!--={key}--> says {old!r}, the results "
                           f"say {new!r} (make run NB=... or make fill)")


# What may hold a decimal number, blanked out before the search.  Order
# matters: markers first, what may hold other things before what is held.
NAMES = ("Python|PyTorch|NumPy|SciPy|scikit-learn|Jupyter Book|Sphinx|WCAG|"
         "CC BY|[Vv]ersions?")
PARTS = "[Ss]ections?|§|Tables?|Figures?|Appendix|Eqs?\\.|[Ee]quations?"
NUMBER = r"\d+(?:\.\d+)+"
ALLOWED = [re.compile(p, re.M | re.S) for p in (
    r"\A---\n.*?\n---\n",                           # front matter
    r"<!--.*?-->",                                  # other comments
    r"\$\$.*?\$\$",                                 # displayed formula
    r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}",
    r"(?<!`)(`+)(?!`)(?:[^\n]|\n(?!\n))+?(?<!`)\1(?!`)",  # code span, role
    r"(?<![\\$\w])\$(?=\S)[^$\n]+?(?<=\S)\$",       # formula in the line
    r"!?\[[^\[\]\n]*\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\]\n]*\])",
    r"!?\[[^\[\]\n]*\](?:\([^()\n]*\)|\[[^\]\n]*\])",     # badge: link around
    r"^\[[^\]\n]+\]:.*?$",                          # link definition
    r"<[a-zA-Z/][^<>]*>",                           # tag, <address>
    r"https?://[^\s)>]+",
    r"^:(?!alt:)[\w-]+:.*?$",                        # option of a directive
    rf"(?:{NAMES})\s+{NUMBER}(?:(?:,| to| and| or)\s+{NUMBER})*",
    rf"(?:{PARTS})\s*{NUMBER}(?:(?:,| to| and| or)\s+{NUMBER})*",
)]
DECIMAL = re.compile(rf"(?<![\w.])(?:\d[\d,]*)?\.\d+(?![\w.]*\w)|"
                     rf"(?<![\w.]){NUMBER}")
CODE_DIRECTIVES = {"math", "code", "code-block", "code-cell", "raw",
                   "bibliography", "mermaid", "include", "literalinclude"}


def _blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _without_code(text: str) -> str:
    """Fenced code blanked; directives such as {note} keep their text."""
    lines, stack = [], []
    for line in text.split("\n"):
        fence = re.match(r"[\s>]*(`{3,}|~{3,}|:{3,})\s*(.*)$", line)
        kept = all(prose for _, prose in stack)
        if fence and stack and fence[1].startswith(stack[-1][0]) \
                and not fence[2]:
            stack.pop()
            line = ""
        elif fence and kept:
            name = re.match(r"\{([\w:-]+)\}", fence[2])
            stack.append((fence[1], fence[1][0] == ":" or (
                name is not None and name[1] not in CODE_DIRECTIVES)))
            line = " " * 3 + fence[2][len(name[0]):] if name else ""
        elif not kept:
            line = ""
        lines.append(line)
    return "\n".join(lines)


def markdown_cells(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, Markdown) of a percent source's cells."""
    start, lines = 0, None
    for n, line in enumerate([*text.split("\n"), "# %%"], 1):
        if line.startswith("# %%"):
            if lines is not None:
                yield start, "\n".join(lines)
            start = n + 1
            lines = [] if line.startswith("# %% [markdown]") else None
        elif lines is not None:
            lines.append(line.removeprefix("#").removeprefix(" "))


def typed_numbers(text: str, first: int = 1) -> Iterator[str]:
    """'line: what is wrong' for every decimal number typed in Markdown,
    whose first line has the number `first`."""
    text = MARK.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), text)
    text = _without_code(text)
    for pattern in ALLOWED:
        text = pattern.sub(_blank, text)
    for n, line in enumerate(text.split("\n"), first):
        for match in DECIMAL.finditer(line):
            yield (f"{n}: the number {match[0]} is typed; a measured or "
                   "published number stands between markers, a setting in "
                   "code or in a formula")
