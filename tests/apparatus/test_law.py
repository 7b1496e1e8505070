"""The Constitution: whole, in single spaces, and in words and morphemes."""

import re
import zlib
from pathlib import Path

from lab1784 import data
from tools.law import words

LINES = data.constitution()
TEXT = [" ".join("".join(p for p, _ in word) for word in line)
        for line in LINES]


def test_the_text_is_whole():
    assert len(LINES) == 344 and TEXT[0] == "대한민국헌법"
    assert zlib.crc32("\n".join(TEXT).encode()) == 2142102261
    numbers = [int(m[1]) for line in TEXT
               if (m := re.match(r"제(\d+)조 ", line))]
    assert numbers == [*range(1, 131), *range(1, 7)]    # and its addenda
    for line in TEXT:
        assert line == " ".join(line.split())


def test_every_piece_has_letters_and_a_tag():
    for line in LINES:
        for piece, tag in (x for word in line for x in word):
            assert piece and not set(piece) & set(" |/")
            assert re.fullmatch("[A-Z]+(_[A-Z]+)?(-[A-Z]+)?", tag)


def test_a_call_gives_a_new_list():
    data.constitution()[0].clear()
    assert data.constitution() == LINES


def test_words_are_cut_where_morphemes_begin():
    class Token:
        def __init__(self, start, tag):
            self.start, self.tag = start, tag
    tokens = [Token(0, "NNG"), Token(1, "JX"), Token(3, "VV"),
              Token(3, "EF"), Token(4, "SF")]
    assert words("법은 한.", tokens) == ["법/NNG|은/JX", "한/VV|./SF"]
    assert words("가나 다", tokens[:1]) == ["가나/NNG", "다/X"]


def test_its_licence_travels():
    folder = Path(data.__file__).parent
    said = (folder / "LICENSE-constitution.txt").read_text("utf-8")
    assert "Article 7" in said and "kiwipiepy 0.24.1" in said
