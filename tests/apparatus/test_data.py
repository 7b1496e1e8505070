"""The data keep what their docstrings promise.  A checker returns its problems in words, and is
shown at work on planted failures."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency
from torch.nn.functional import conv2d

from lab1784.data import (AFFECTS, CATEGORIES, COLOURS, COLOURS_OF_DIGITS, PARTS, RANGES, SHAPES,
                          avatar_factors, coloured_digits, counterfactual, decode, digits,
                          draw_avatars, encode, mnist5k, on_all_colours, part_patterns, scenes,
                          two_part)

FACTORS = avatar_factors(120, 3)
PAPER = torch.tensor([0.94, 0.93, 0.90])[:, None, None]
PURE = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
ONE = re.compile(r"a (\w+ \w+) at the (top|bottom) (left|right)")
TWO = re.compile(r"a (\w+ \w+) (left of|right of|above|below) a (\w+ \w+)")


def edit_problems(before, after, name):
    """Before and after: (images, masks).  Where may an edit of the factor `name` be seen?"""
    parts = [PARTS.index(p) for p in AFFECTS[name]]
    touched = ((before[1] + after[1])[:, parts] > 0).any(1)
    changed = (before[0] != after[0]).any(1)
    found = [f"{name}: changed outside its parts"] if (changed & ~touched).any() else []
    return found + ([] if (changed & touched).flatten(1).any(1).all() else [f"{name}: no effect"])


@pytest.mark.parametrize("size", [16, 32])
def test_a_counterfactual_changes_its_parts_and_no_other_bit(size):
    before, kept = draw_avatars(FACTORS, size), {k: v.clone() for k, v in FACTORS.items()}
    assert set(AFFECTS) == set(FACTORS)
    for name, value in FACTORS.items():
        low, high = RANGES.get(name, (0, 0))
        other = ((value + 1) % len(CATEGORIES[name]) if name in CATEGORIES else
                 torch.where(value > (low + high) / 2, low, high))
        after = draw_avatars(counterfactual(FACTORS, **{name: other}), size)
        assert edit_problems(before, after, name) == []
    assert all(torch.equal(kept[k], FACTORS[k]) for k in kept)


def test_a_background_changed_by_one_bit_is_caught():
    before = draw_avatars(FACTORS, 16)
    images, masks = draw_avatars(counterfactual(FACTORS, smile=1 - FACTORS["smile"]), 16)
    images[5, 0, 0, 0] = images[5, 0, 0, 0].nextafter(torch.tensor(2.0))
    assert edit_problems(before, (images, masks), "smile") == ["smile: changed outside its parts"]
    assert edit_problems(before, before, "smile") == ["smile: no effect"]


@pytest.mark.parametrize("size", [16, 25, 32])
def test_masks_are_the_shares_of_each_pixel(size):
    images, masks = draw_avatars(FACTORS, size)
    assert images.shape == (120, 3, size, size) and images.abs().max() <= 1
    assert masks.min() >= 0 and (masks.sum(1) - 1).abs().max() < 1e-6
    for name, step in (("background", 0.24), ("hair", 0.28)):   # a shade moves colours by `step`
        dark, light = (draw_avatars(counterfactual(FACTORS, **{f"{name}_shade": v}), size)[0]
                       for v in (-1, 1))
        share = masks[:, PARTS.index(name), None]
        assert (light - dark - share * step).abs().max() < 1e-5


def dependent(**columns):
    """Pairs of categorical columns that a chi-square test says are not independent."""
    found, pairs = [], list(itertools.combinations(columns.items(), 2))
    for (a, u), (b, v) in pairs:
        table = np.zeros((int(u.max()) + 1, int(v.max()) + 1))
        np.add.at(table, (u.numpy(), v.numpy()), 1)
        found += [(a, b)] if chi2_contingency(table).pvalue < 0.01 / len(pairs) else []
    return found


def test_factors_are_independent():
    f, s = avatar_factors(6000, 0), scenes(3000, 0, two=1.0)
    halves = {k: (f[k] > sum(RANGES[k]) / 2).long() for k in RANGES}
    assert dependent(**{k: f[k] for k in CATEGORIES}, **halves) == []
    (a, b), (c, d) = s.classes.T, s.colours.T
    assert dependent(a=a, b=b, c=c, d=d) == []
    follows = torch.where(halves["skin"] * halves["x"] * f["smile"] > 0, f["long"], f["hat"] * 0)
    assert dependent(long=f["long"], hat=f["hat"], f=follows) == [("long", "f")]    # planted
    assert all(lo <= f[k].min() < f[k].max() <= hi for k, (lo, hi) in RANGES.items())


def part_problems(drawn, empty, parts, patch):
    """`empty` is the noise alone: where does a picture differ, and where should it?"""
    images, labels, masks = drawn
    wanted = torch.tensor([patch**2.0 * (p in parts) for p in "AB"]).expand(len(labels), 2)
    changed = (images != empty[0])[:, 0].float()
    return [word for word, fine in {
        "labels moved": torch.equal(labels, empty[1]),
        "masks of another size": torch.equal(masks.sum((2, 3)), wanted),
        "seen beside masks": torch.equal(changed, masks.sum(1))}.items() if not fine]


@pytest.mark.parametrize("more", [{}, {"classes": 9, "patch": 5, "size": 20, "patterns": 1}])
def test_a_hidden_part_is_gone_and_nothing_else_moves(more):
    patch = more.get("patch", 4)
    empty, both = two_part(200, 1, strong=0, weak=0, **more), two_part(200, 1, **more)
    for parts in ("AB", "B", "A"):
        images, labels, masks = two_part(200, 1, parts, **more)
        assert part_problems((images, labels, masks), empty, parts, patch) == []
        hidden = (both[2] - masks).sum(1, keepdim=True) > 0
        assert torch.equal(images, torch.where(hidden, empty[0], both[0]))
    row, column = both[2][7, 1].nonzero()[0]
    images[7, 0, row, column] = both[0][7, 0, row, column]       # planted: a cell of B stays
    assert part_problems((images, labels, masks), empty, "A", patch) == ["seen beside masks"]


@pytest.mark.parametrize("parts", ["A", "B"])
def test_either_part_alone_tells_the_class(parts):
    known = part_patterns(classes=6).transpose(0, 1).reshape(12, 1, 4, 4)     # A's, then B's
    images, labels, _ = two_part(400, 2, parts, noise=0, classes=6)
    best = conv2d(images, known).amax((2, 3)).argmax(1)           # told neither part nor place
    assert torch.equal(best, labels + 6 * (parts == "B")) and (known.sum((1, 2, 3)) == 0).all()


def read_object(image, box):
    """Colour and shape of what fills the box, from its pixels alone; None if it does not."""
    x1, y1, x2, y2 = box
    patch, q = image[:, y1:y2, x1:x2], (x2 - x1) // 4
    full = (patch != PAPER).any(0)
    tight = full[0].any() and full[-1].any() and full[:, 0].any() and full[:, -1].any()
    if not tight or y2 - y1 != x2 - x1 or patch[:, full].std(1).max() > 1e-6:
        return None
    colour = COLOURS[int((PURE - patch[:, full][:, 0]).square().sum(1).argmin())]
    return f"{colour} " + ("square" if full[0, 0] else "triangle" if full[-1, 0] else
                           "circle" if full[q, q] else "cross")


def scene_problems(s, i, size):
    boxes = [b for b in (s.boxes[i] * size).round().int().tolist() if any(b)]
    seen, free = [read_object(s.images[i], b) for b in boxes], s.images[i].clone()
    for x1, y1, x2, y2 in boxes:
        free[:, y1:y2, x1:x2] = PAPER
    one, two = ONE.fullmatch(s.captions[i]), TWO.fullmatch(s.captions[i])
    told = [one[1]] if one else [two[1], two[3]]
    known = [f"{COLOURS[c]} {SHAPES[k]}" for c, k in zip(s.colours[i], s.classes[i]) if k >= 0]
    half, (x1, y1, x2, y2), (u1, v1, u2, v2) = size // 2, boxes[0], boxes[-1]
    alone = {"top": y2 <= half, "bottom": y1 >= half, "left": x2 <= half, "right": x1 >= half}
    related = {"left of": x2 <= half <= u1, "right of": u2 <= half <= x1,
               "above": y2 <= half <= v1, "below": v2 <= half <= y1}
    return [word for word, fine in {
        "drawn outside a box": (free == PAPER).all(), "not what is seen": told == seen,
        "not what the classes say": told == known,
        "elsewhere": alone[one[2]] and alone[one[3]] if one else related[two[2]],
        "absent, but with a class": two or s.classes[i, 1] == s.colours[i, 1] == -1,
        "not the tokens": decode(s.tokens[i]) == s.captions[i]
        and encode(s.captions[i]) == s.tokens[i].tolist()}.items() if not fine]


@pytest.mark.parametrize("size", [20, 32, 64])
def test_captions_boxes_and_pixels_say_the_same(size):
    s = scenes(200, 4, size)
    assert [p for i in range(200) for p in scene_problems(s, i, size)] == []
    assert 60 < sum("at the" in c for c in s.captions) < 140


def test_false_captions_and_boxes_are_caught():
    s = scenes(60, 4, two=1.0)
    i = next(i for i in range(60) if s.colours[i, 0] != s.colours[i, 1])
    a, *words, b, shape = s.captions[i].split()[1:]
    turn = {"left": "right", "right": "left", "above": "below", "below": "above"}
    for line, problem in (["a", b, *words, a, shape], "not what is seen"), (
            ["a", a, *(turn.get(w, w) for w in words), b, shape], "elsewhere"):
        told = [*s.captions[:i], " ".join(line), *s.captions[i + 1:]]
        found = scene_problems(s._replace(captions=told), i, 32)
        assert found[0] == problem and found[-1] == "not the tokens"
    wide = (s.boxes - torch.tensor([1, 1, 0, 0]) / 32).clamp(0)
    assert "not what is seen" in scene_problems(s._replace(boxes=wide), i, 32)


@pytest.mark.parametrize("load,n", [(digits, 1797), (mnist5k, 5000)])
def test_splits_are_disjoint_balanced_and_keep_their_test_set(load, n):
    whole, few = load(5), load(5, labels=50)
    assert len(whole.train_images) + len(whole.test_images) == n
    train, tests, small = (Counter(x.numpy().tobytes() for x in images) for images in (
        whole.train_images, whole.test_images, few.train_images))
    assert not train.keys() & tests.keys() and small <= train
    assert (whole.test_labels.bincount() == len(whole.test_labels) // 10).all()
    assert few.train_labels.bincount().tolist() == [5] * 10
    assert all(torch.equal(u, v) for u, v in zip(whole[2:], few[2:]))
    assert whole.train_images.min() == 0 and whole.train_images.max() == 1
    assert not torch.equal(whole.test_images, load(6).test_images)


def colour_problems(images, colours, grey, ink):
    paper = (COLOURS_OF_DIGITS[colours] / 255)[:, :, None, None]
    off = {"ink": (images - 1).abs() * (grey > ink),
           "background": (images - paper).abs() * (grey <= ink)}
    return [name for name, distance in off.items() if distance.max() > 1e-6]


@pytest.mark.parametrize("source,load,ink", [("digits", digits, 0.5), ("mnist5k", mnist5k, 0)])
def test_coloured_digits(source, load, ink):
    plain = load(8, labels=1000, test=500)
    for rho in (0.0, 0.1, 0.7, 1.0):
        c = coloured_digits(8, rho, source=source, labels=1000, test=500)
        x, y, z, u, v, w = c
        assert torch.equal(y, plain.train_labels) and torch.equal(v, plain.test_labels)
        assert abs((y == z).float().mean() - rho) <= 3 * (rho * (1 - rho) / 1000)**0.5 + 1e-6
        assert colour_problems(x, z, plain.train_images, ink) == []
        assert colour_problems(u, w, plain.test_images, ink) == [] == dependent(label=v, colour=w)
        assert bool(dependent(label=y, colour=z)) == (rho > 0.1)
    assert colour_problems(u, (w + 1) % 10, plain.test_images, ink) == ["background"]
    papers, n = on_all_colours(u), torch.arange(len(u))
    assert papers.shape == (len(u), 10, *u.shape[1:]) and torch.equal(papers[n, w], u)
    for k in range(10):
        assert colour_problems(papers[:, k], torch.full_like(w, k), plain.test_images, ink) == []
