"""The data are the same everywhere, leave the rest of the process alone, and refuse nonsense."""

import random
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch

from lab1784.data import (CATEGORIES, RANGES, avatar_factors, coloured_digits, digits, draw_avatars, mnist5k, part_patterns, scenes,
                          two_part)

FACTORS = avatar_factors(120, 3)


def exact(*things):
    """A checksum of whole numbers and words, the same on every machine."""
    return zlib.crc32(b"|".join(
        t.to(torch.int64).numpy().astype("<i8").tobytes() if isinstance(t, torch.Tensor)
        else "\n".join(t).encode() for t in things))


def rough(x):
    """Mean, spread and a weighted mean, which the last bits of a number do not reach."""
    ramp, x = torch.linspace(-1, 1, x.numel(), dtype=torch.float64), x.double().flatten()
    return [x.mean().item(), x.std().item(), (x * ramp.cos() * (9 * ramp).sin()).mean().item()]


def drawn():
    """name -> (checksum, rough statistics) of every generator at a fixed seed."""
    f, s, t = avatar_factors(64, 1784), scenes(64, 1784), two_part(64, 1784)
    images, masks = draw_avatars(f)
    d, m, c = digits(1784, 100), mnist5k(1784, 100, size=14), coloured_digits(1784, 0.9)
    return {
        "avatar_factors": (exact(*(f[k] for k in CATEGORIES)),
                           rough(torch.stack([f[k] for k in RANGES]))),
        "draw_avatars": (exact(masks.argmax(1)[:, ::5, ::5]), rough(images) + rough(masks)),
        "scenes": (exact(s.captions, s.tokens, (s.boxes * 32).round(), s.classes, s.colours),
                   rough(s.images)),
        "part_patterns": (exact(part_patterns(), part_patterns(16, 3, 5)), [0.0]),
        "two_part": (exact(t[1], t[2]), rough(t[0])),
        "digits": (exact(d.train_labels, d.test_labels, d.train_images * 16), rough(d[2])),
        "mnist5k": (exact(m.train_labels, m.test_labels, (m[0] * 1020).round()), rough(m[2])),
        "coloured_digits": (exact(c.train_labels, c.train_colours, c.test_labels, c.test_colours,
                                  (c.train_images * 255).round()), rough(c.test_images))}


EXPECTED = {
    "avatar_factors": (261875441, [0.13652, 0.40854, -0.00562]),
    "draw_avatars": (270507475, [0.22577, 0.46612, 0.0058, 0.14286, 0.32545, -0.0002]),
    "scenes": (1527486338, [0.85442, 0.19961, -0.00057]),
    "part_patterns": (4154208686, [0.0]),
    "two_part": (2106581895, [0.00025, 0.41587, -0.00092]),
    "digits": (2895344353, [0.3048, 0.37571, -0.00021]),
    "mnist5k": (4046048699, [0.13191, 0.28123, 0.0004]),
    "coloured_digits": (665670570, [0.63549, 0.43191, 0.0004])}


def test_every_machine_draws_the_same_and_leaves_global_randomness_alone():
    def states():
        return [torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()]

    before, kind = states(), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)          # which should not matter either
    try:
        found = drawn()
    finally:
        torch.set_default_dtype(kind)
    assert states() == before
    assert {k: v[0] for k, v in found.items()} == {k: v[0] for k, v in EXPECTED.items()}
    for name, (_, numbers) in EXPECTED.items():
        assert found[name][1] == pytest.approx(numbers, abs=1e-4), name
    assert exact(torch.tensor([1, 2])) != exact(torch.tensor([2, 1]))


def test_a_generator_moves_on():
    g, h = (torch.Generator().manual_seed(7) for _ in "gh")
    first, second, again = two_part(9, g)[0], two_part(9, g)[0], two_part(9, h)[0]
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_importing_is_light():
    code = "import sys, lab1784.data; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                            text=True).stdout.split()
    assert "torch" in loaded and not {"sklearn", "mlxtend", "matplotlib"} & set(loaded)
