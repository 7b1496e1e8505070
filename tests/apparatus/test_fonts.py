"""Korean words in figures: every glyph is there, under its own name and licence."""

import warnings
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import tomllib
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from lab1784.fonts import FAMILY, PATH, hangul

TEXT = "경사하강법 데이터 증강"


def render(text):
    """The pixels of a line of text, and the glyphs that the font lacks."""
    figure = Figure(figsize=(4, 0.5))
    figure.text(0.02, 0.3, text, family=hangul())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return (np.asarray(canvas.buffer_rgba()).copy(),
            [str(w.message) for w in told
             if "missing from" in str(w.message) or "findfont" in str(w.message)])


@pytest.mark.parametrize("text", [TEXT, "−1.5 → 3 %, α ≤ β", "ㄱㅏㅎ 「책」 ‘a’ “b” …·–"])
def test_words_are_drawn_without_a_missing_glyph(text):
    pixels, missing = render(text)
    assert missing == [] and pixels[..., :3].min() < 100


@pytest.mark.parametrize("outside", ["龘", "뷁"])
def test_a_character_outside_is_reported(outside):
    assert len(render(outside)[1]) > 0


def test_glyphs_differ():
    letters = sorted(set(TEXT.replace(" ", "")))
    drawn = {render(letter)[0].tobytes() for letter in letters}
    assert len(drawn) == len(letters) == 9
    assert render("龘")[0].tobytes() not in drawn


def test_all_of_ks_x_1001_and_ascii_are_there():
    held = set(FT2Font(str(PATH)).get_charmap())
    syllables = {ord(bytes((row, cell)).decode("euc-kr"))
                 for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)}
    assert len(syllables) == 2350 and syllables <= held
    assert set(range(0x20, 0x7F)) | set(range(0x3131, 0x3164)) <= held


def test_it_is_registered_once():
    assert hangul() == hangul() == FAMILY == "Lab1784 Hangul"
    mine = [f for f in font_manager.fontManager.ttflist if f.fname == str(PATH)]
    assert len(mine) == 1 and mine[0].name == FAMILY
    assert font_manager.findfont(FAMILY, fallback_to_default=False) == str(PATH)


def test_name_and_licence():
    names = {k[3]: v.decode("utf-16-be") for k, v in FT2Font(str(PATH)).get_sfnt().items()
             if k[0] == 3}
    assert names[1] == names[4] == FAMILY
    assert not any("nanum" in names.get(i, "").lower() for i in (1, 3, 4, 6, 16))   # reserved
    assert "SIL Open Font License" in names[13]
    licence = " ".join(PATH.with_name("OFL.txt").read_text().split())
    assert "Reserved Font Name Nanum" in licence and "2010, NAVER Corporation" in licence
    assert "SIL OPEN FONT LICENSE" in licence and "PERMISSION & CONDITIONS" in licence
    assert names[0] in licence                  # the notice inside the file, word for word
    assert PATH.stat().st_size <= 600_000


def test_it_travels_with_the_package():
    root = Path(__file__).resolve().parents[2]
    setup = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setup["package-data"]["lab1784"]
    for name in ("Lab1784Hangul.ttf", "OFL.txt", "README.md"):
        assert files("lab1784.fonts").joinpath(name).is_file()
        assert any(fnmatch(f"fonts/{name}", p) for p in patterns), name
    assert not any(fnmatch("fonts/make.sh", p) for p in patterns)
