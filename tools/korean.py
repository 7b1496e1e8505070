"""Two tables of chapter 5: the form of a particle that a noun takes, and
what Korean costs in letters and bytes.  `make fill` writes them."""

from __future__ import annotations

import re
import runpy
import unicodedata
from collections import Counter
from pathlib import Path

# By its file: lab1784.data as a whole brings torch, for which every command
# would wait.
constitution = runpy.run_path(str(Path(__file__).resolve().parent.parent /
                                  "lab1784/data/law.py"))["constitution"]
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
FORMS = ("은", "는"), ("이", "가"), ("을", "를"), ("으로", "로")
NOUNS = {"헌법": "constitution", "법원": "court", "법률": "statute",
         "국가": "state", "국회": "assembly"}
SAID = ("대한민국의 주권은 국민에게 있고, 모든 권력은 국민으로부터 나온다.",
        "The sovereignty of the Republic of Korea rests with the people, "
        "and all power comes from the people.")


def final(syllable: str) -> int:
    """The number of a syllable's final consonant: 0 where it has none."""
    return (ord(syllable) - 0xAC00) % 28


def form(noun: str, closed: str, open_: str) -> str:
    """`closed` after a final, `open_` after none; 로 also after ㄹ."""
    last = FINALS[final(noun[-1])]
    return closed if last and (closed, last) != ("으로", "ㄹ") else open_


def foretold() -> list[tuple[str, str, str]]:
    """(piece, its particle, the one `form` gives): all of FORMS that the
    analyser cut off a piece in Hangul."""
    return [(a, p, form(a, *pair)) for line in constitution()
            for word in line for (a, _), (p, tag) in zip(word, word[1:])
            for pair in FORMS if p in pair and tag[0] == "J"
            and "가" <= a[-1] <= "힣"]


def particles() -> str:
    """A row a noun: its final, and how often it stands before each
    particle as a word of the Constitution."""
    words = Counter(re.sub("[.,]$", "", "".join(p for p, _ in word))
                    for line in constitution() for word in line)
    rows = ["| noun | its final | topic | subject | object | by, to | of | "
            "in, from |", "|---" * 8 + "|"]
    for noun, english in NOUNS.items():
        code, tails = final(noun[-1]), [form(noun, *pair) for pair in FORMS]
        rows.append(f"| {noun}, *{english}* | {FINALS[code] or 'none'}, "
                    f"{code} |" + "".join(f" {noun}{p} ({words[noun + p]}) |"
                                          for p in (*tails, "의", "에서")))
    wrong = sum(p != want for _, p, want in foretold())
    return "\n".join(rows) + (
        "\n\nIn brackets: how often this stands in the Constitution as a "
        f"word.\nOf {len(foretold()):,} particles of the first four kinds that "
        f"an analyser found there the rule gets {wrong or 'none'} wrong.")


def spelling() -> str:
    """A row a text: its characters, syllables, letters, bytes."""
    text = "\n".join(" ".join("".join(p for p, _ in word) for word in line)
                     for line in constitution())
    rows = ["| text | characters | syllables | letters | bytes | bytes a "
            "character | bytes a letter |", "|---" + "|--:" * 6 + "|"]
    for name, said in (
            ("one syllable, 국", "국"), ("Article 1, second paragraph", SAID[0]),
            ("the same, stored letter by letter",
             unicodedata.normalize("NFD", SAID[0])),
            ("the same, in our English", SAID[1]),
            ("the whole Constitution", text)):
        whole, size = unicodedata.normalize("NFC", said), len(said.encode())
        blocks = [c for c in whole if "가" <= c <= "힣"]
        letters = len(whole) + sum(1 + (final(c) > 0) for c in blocks)
        rows.append(f"| {name} | {len(said):,} | {len(blocks):,} | "
                    f"{letters:,} | {size:,} | `{size / len(said):.2f}` | "
                    f"`{size / letters:.2f}` |")
    return "\n".join(rows)
