"""Figures, exercises, the progress bar and the time to import."""

import base64
import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from lab1784 import compare, figures, image_grid
from lab1784.figures import palette, subplots

matplotlib.use("Agg")


def test_alt_text_reaches_the_output(monkeypatch):
    kept = []
    monkeypatch.setattr(figures, "leave", lambda *a: kept.append(a))
    image_grid(torch.rand(3, 1, 4, 4), alt="Three grey squares of noise, "
               "side by side.", titles=list("abc"))
    (bundle, meta), = kept
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert meta["image/png"]["alt"].startswith("Three grey")


def test_a_live_start_lies_on_the_recorded_curve(monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "show", lambda fig, alt: drawn.append(fig))
    told = {"loss": "loss", "title": "It begins so", "smooth": 2,
            "alt": "Two curves and the beginning of one, live."}
    kept = {"a": torch.tensor([4.0, 2, 1, 1, 9]), "b": [3.0, 3, 3, 3]}
    figures.draw_start([4.0, 2.0], kept, arm="a", ylim=(0, 5), **told)
    a, b, live = drawn[0].axes[0].lines
    assert a.get_xdata().tolist() == [0.5, 2.5]      # in the middle of two
    assert a.get_ydata().tolist() == [3, 1] and set(b.get_ydata()) == {3}
    assert list(live.get_ydata()) == [4, 2] and "2 steps live" in live.get_label()
    with pytest.raises(ValueError, match="arm"):
        figures.draw_start([4.0], kept, arm="c", **told)


def test_a_film_is_still_until_it_is_opened(monkeypatch):
    kept = []
    monkeypatch.setattr(figures, "leave", lambda *a: kept.append(a[0]))
    frames = torch.rand(5, 3, 16, 16) * 2 - 1
    figures.film({"true": frames, "made <b>": frames.flip(0)}, after=2,
                 alt="Two films of noise, one the other way round.")
    still, moving = kept
    assert still["image/png"] and "image/gif" not in still
    text = moving["text/html"]
    assert text.startswith("<details><summary>") and "open" not in text[:20]
    assert 'width="300" height="150"' in text      # nothing jumps
    assert "made &lt;b&gt;" in text and "one the other way round" in text
    shown = Image.open(io.BytesIO(base64.b64decode(
        text.split("base64,")[1].split('"')[0])))
    assert shown.n_frames == 5 and len(text) < 20_000
    for i in range(5):                    # the border says what comes after
        shown.seek(i)
        red = np.asarray(shown.convert("RGB")).astype(int)[0, 0]
        assert (red[0] > 180 and red[1] < 80) == (i >= 3)
    with pytest.raises(ValueError, match="frames"):
        figures.strip({"a": frames, "b": frames[:3]}, "Two of other length.")


def test_the_bar_is_seen_by_people_only(monkeypatch):
    seen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    compare(lambda a, s: {"m": 1.0}, ["a", "b"])
    assert seen.getvalue() == ""  # under pytest, hence under nbval
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("LAB1784_QUIET", raising=False)
    compare(lambda a, s: {"m": 1.0}, ["a", "b"])
    assert "0/10" in seen.getvalue()
    assert seen.getvalue().endswith(" \r"), "it wipes its own line"


def test_a_bar_left_by_an_error_is_wiped(monkeypatch):
    seen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("LAB1784_QUIET", raising=False)
    with pytest.raises(TypeError, match="run should return"):
        compare(lambda a, s: None, ["a", "b"])
    assert seen.getvalue().endswith(" \r")


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_pictures_are_lighter_and_look_the_same():
    fig, ax = subplots()
    for k in range(6):
        ax.plot(np.sin(np.linspace(k, k + 9, 200)), alpha=0.8)
    plain = io.BytesIO()
    fig.savefig(plain, format="png")
    light = figures.lighter(plain.getvalue())
    assert len(light) < 0.5 * len(plain.getvalue())
    assert light == figures.lighter(plain.getvalue())
    a, b = pixels(plain.getvalue()), pixels(light)
    assert np.abs(a - b).max() <= 24 and np.abs(a[0, 0] - b[0, 0]).max() <= 1


def test_a_picture_of_many_colours_keeps_them():
    """Planted: random pixels, whose colours no palette holds."""
    rng, plain = np.random.default_rng(0), io.BytesIO()
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(plain, format="png")
    assert (pixels(figures.lighter(plain.getvalue())) == noise).all()


def contrast(a, b):
    def light(colour):
        c = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        c = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4
             for x in c]
        return np.dot(c, (0.2126, 0.7152, 0.0722))
    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_palette_is_legible():
    for name, colour in palette.items():
        if name not in ("card", "grid"):
            assert contrast(colour, palette["card"]) >= 4, name
    assert contrast(palette["ink"], palette["card"]) >= 7


def test_importing_is_quick():
    code = ("import torch, time; t = time.perf_counter(); import lab1784;"
            "print(time.perf_counter() - t)")
    times = [float(subprocess.run([sys.executable, "-c", code], check=True,
                                  capture_output=True, text=True).stdout)
             for _ in range(3)]
    assert min(times) < 0.2
