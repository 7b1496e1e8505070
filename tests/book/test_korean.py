"""What chapter 5 says of Korean: by Unicode's own tables, and by the law."""

import unicodedata

import pytest

from tests.house import ROOT
from tools import board, korean

SYLLABLES = [chr(n) for n in range(0xAC00, 0xAC00 + 11_172)]


def test_finals_are_those_that_unicode_decomposes_to():
    for c in SYLLABLES:
        letters = unicodedata.normalize("NFD", c)
        last = korean.FINALS[korean.final(c)]
        assert len(letters) == 2 + (last != ""), c
        if last:
            assert unicodedata.name(last).removeprefix("HANGUL LETTER ") == \
                unicodedata.name(letters[2]).removeprefix("HANGUL JONGSEONG ")
    assert not unicodedata.name(chr(0xAC00 + 11_172), "").startswith("HANGUL")


@pytest.mark.parametrize("right", (
    "헌법은 헌법이 헌법을 헌법으로 국가는 국가가 국가를 국가로 법률은 법률이 법률을 법률로 "
    "서울로 부엌으로 값이 값으로 꽃은 꽃으로 나무로").split())
def test_forms_that_a_speaker_knows(right):
    pair, = (p for p in korean.FORMS if right.endswith(p))
    noun = right.removesuffix(next(x for x in pair if right.endswith(x)))
    assert noun + korean.form(noun, *pair) == right


def test_the_law_knows_them_too(monkeypatch):
    told = korean.foretold()
    assert {p for _, p, _ in told} == {p for f in korean.FORMS for p in f}
    assert all(p == want for _, p, want in told)
    monkeypatch.setattr(korean, "FINALS", [    # as if ㄹ were any final
        "ㄴ" if x == "ㄹ" else x for x in korean.FINALS])
    wrong = [(a, p) for a, p, want in korean.foretold() if p != want]
    assert ("법률", "로") in wrong and {p for _, p in wrong} == {"로"}


def test_what_a_single_byte_tells():
    told = []
    for place in range(3):
        seen: dict[int, set[bool]] = {}
        for c in SYLLABLES:
            assert len(c.encode()) == 3
            seen.setdefault(c.encode()[place], set()).add(
                korean.final(c) > 0)
        told.append((list(seen.values()).count({True}), len(seen)))
        assert {False} not in seen.values()
    assert told[0][0] == told[1][0] == 0 and told[2] == (48, 64)


def test_letters_and_bytes_as_unicode_counts_them():
    rows = [r.split("|")[1:-1] for r in korean.spelling().split("\n")[2:]]
    taken = unicodedata.normalize("NFD", korean.SAID[0])
    for row, said in zip(rows[:4], ("국", korean.SAID[0], taken,
                                    korean.SAID[1])):
        n, blocks, letters, size = (int(x.replace(",", ""))
                                    for x in row[1:5])
        assert (n, size) == (len(said), len(said.encode()))
        assert letters == len(unicodedata.normalize("NFD", said))
        assert blocks == sum(unicodedata.name(c, "").startswith(
            "HANGUL SYLLABLE") for c in unicodedata.normalize("NFC", said))
        assert row[5:] == [f" `{size / n:.2f}` ", f" `{size / letters:.2f}` "]
    assert " 93 " in rows[1] and " 100 " in rows[3]   # fewer than in English


def test_a_changed_cell_is_noticed():
    text = (ROOT / "chapters" / "5-language.md").read_text("utf-8")
    for cell in ("법률로 (30)", "| 93 |", "gets none wrong"):
        assert text.count(cell) == 1
        planted = text.replace(cell, cell.replace("0", "1").replace(
            "93", "39").replace("none", "one"))
        assert board.build(planted) == text != planted
