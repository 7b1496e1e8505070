"""Shortcut cues: oracles, mistakes, null and wrong answers."""

import copy
import itertools
import math
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score
from torch import nn

from tests.trace import Says, forget

SHAPES = ((4, 3), (3, 3), (2, 3), (3, 4), (2, 5), (5, 2))


def every_cell_by_counting(page):
    """Plain Python over all cells, exact: counts, floors, and scores of
    rules, against the page's tensors."""
    known = {(4, 3): (81, 78, Fraction(4, 13)), (3, 3): (27, 24,
             Fraction(1, 4)), (2, 3): (9, 6, 0)}
    for cues, levels in SHAPES:
        cells = list(itertools.product(range(levels), repeat=cues))
        off = [c for c in cells if len(set(c)) > 1]
        got = page["all_cells"](cues, levels)
        assert sorted(map(tuple, got.tolist())) == cells
        assert page["on_diagonal"](got).sum() == levels
        floor = page["score_of_the_others"](cues, levels)
        for rule, asked in itertools.product(range(cues), repeat=2):
            exact = Fraction(sum(c[rule] == c[asked] for c in off), len(off))
            assert exact == (1 if rule == asked else floor)
            score = page["cue_score"](got[:, rule], got, asked)
            assert abs(score - exact) < 1e-6
        if (cues, levels) in known:
            assert (len(cells), len(off), floor) == known[cues, levels]


def scores_by_scikit_learn(page):
    """Made by others: accuracy of noisy guesses, off the diagonal."""
    rng = np.random.default_rng(0)
    for cues, levels in SHAPES:
        cells = rng.integers(levels, size=(400, cues))
        guess = rng.integers(levels, size=400)
        off = [len(set(row)) > 1 for row in cells.tolist()]
        for cue in range(cues):
            got = page["cue_score"](torch.tensor(guess),
                                    torch.tensor(cells), cue)
            assert abs(got - accuracy_score(cells[off, cue],
                                            guess[off])) < 1e-6


def contrast_by_pairs(page):
    """Loops over all pairs of cells that differ in one cue; and what the
    closed form promises: colour level with the weakest other cue."""
    cells = list(itertools.product(range(3), repeat=4))
    for saturation in (1.0, page["pale"]()):
        x = page["draw"](torch.tensor(cells), torch.Generator(), saturation,
                         noise=0.0, jitter=0.0).double().numpy()
        changes = [[] for _ in range(4)]
        for i, a in enumerate(cells):
            for j in range(i):
                moved = [k for k in range(4) if a[k] != cells[j][k]]
                if len(moved) == 1:
                    changes[moved[0]].append(((x[i] - x[j]) ** 2).sum())
        loops = [np.mean(c) for c in changes]
        np.testing.assert_allclose(page["contrasts"](saturation), loops,
                                   rtol=1e-4)
    assert abs(loops[0] - min(loops[1:])) < 1e-3 * loops[0]
    assert 0 < page["pale"]() < 1


def pictures_keep_their_promises(page):
    """No colour is brighter, at any saturation; no shape is larger; area
    goes with the square of the size; a turn by 60 degrees is scipy's."""
    from scipy.ndimage import rotate
    cells = page["all_cells"](4, 3)
    light = {}
    for saturation in (1.0, 0.5, 0.0):
        x = page["draw"](cells, torch.Generator(), saturation, noise=0.0,
                         jitter=0.0)
        x = x.view(3, 3, 3, 3, 3, 16, 16).double()
        grey = light[saturation] = x.sum(4)           # without the channels
        for colour in (1, 2):
            assert torch.allclose(grey[0], grey[colour], atol=1e-5)
        assert torch.allclose(grey, light[1.0], atol=1e-5)
        assert (x[1, 0, 2, 0, 1].sum() > x[1, 0, 2, 0, 0].sum()) == (
            saturation > 0)
    area = light[0.0].sum((-1, -2))[0] / (3 * page["HUES"].mean())
    for size in range(3):
        each = area[:, size]
        assert each.max() / each.min() < 1.05
        assert abs(each.mean() / page["SIZES"][size] ** 2 - 1) < 0.15
    for shape in range(3):
        level, turned = light[0.0][0, shape, 2, :2].numpy()
        expected = rotate(level, 60, reshape=False, order=1)
        wrong = rotate(level, -60, reshape=False, order=1)
        assert (np.abs(turned - expected).sum()
                < 0.5 * np.abs(turned - wrong).sum())


def training_sees_the_diagonal_only(page):
    """Three cells, a third each; the test asks every cell equally often."""
    for world, cues in page["WORLDS"].items():
        seen = page["diagonal_set"](world)
        rows, counts = np.unique(seen.numpy(), axis=0, return_counts=True)
        assert rows.tolist() == [[v] * len(cues) for v in range(3)]
        assert set(counts) == {800}
        placed = page["place"](world, seen)
        for k, cue in enumerate(page["CUES"]):
            assert set(placed[:, k].tolist()) == (
                {0, 1, 2} if cue in cues else {2})
    table, said = page["examine"]("grey", 1000, 0.0, 1)
    rows, counts = np.unique(table.numpy(), axis=0, return_counts=True)
    assert len(rows) == 27 and set(counts) == {24} and said.shape == (648,)


def rules_in_the_census(page):
    """Networks made of rules: each follows one cue, calls the classes in
    one of six orders, and prefers one class by a bias.  All pass once
    balanced, with exact scores; constants and half-blind ones do not."""
    cells = page["all_cells"](4, 3)
    on = page["on_diagonal"](cells)
    orders = list(itertools.permutations(range(3)))
    logits, cue_of = [], []
    for cue, order in itertools.product(range(4), orders):
        z = torch.zeros(81, 3)
        z[torch.arange(81), torch.tensor(order)[cells[:, cue]]] = 1.0
        logits.append(z + torch.tensor([5.0, 0.0, -3.0]))
        cue_of.append(cue)
    logits = torch.stack(logits, 1)                        # (81, 24, 3)
    assert not page["passes"](logits[on]).any()
    logits = logits + page["balance"](logits[on])
    assert logits[on].mean(0).abs().max() < 1e-5
    assert page["passes"](logits[on]).all()
    got = page["follows"](logits[on], logits[~on], cells[~on])
    for row, cue in zip(got, cue_of):
        want = [1.0 if k == cue else 4 / 13 for k in range(4)]
        np.testing.assert_allclose(row.numpy(), want, atol=1e-6)
    blind = logits[:, :6].clone()
    blind[cells[:, 0] == 2] = blind[cells[:, 0] == 1].clone()
    assert not page["passes"](blind[on]).any()


def training_by_hand(page):
    """fit() against torch's plain Adam and a cosine written out, on the
    drawing's own pictures: same answers after three steps."""
    cells = page["all_cells"](4, 3).repeat(3, 1)
    y = cells[:, 1]
    net = page["fit"](cells, y, 7, 0.5, 3, 0.02)
    torch.manual_seed(7)
    mine, g = page["make_net"](), torch.Generator().manual_seed(7)
    x = page["draw"](cells, g, 0.5)
    adam = torch.optim.Adam(mine.parameters(), 0.02)
    for step in range(3):
        adam.param_groups[0]["lr"] = 0.01 * (1 + math.cos(math.pi * step / 3))
        i = torch.randint(len(x), (64,), generator=g)
        adam.zero_grad()
        F.nll_loss(F.log_softmax(mine(x[i]), 1), y[i]).backward()
        adam.step()
    with torch.no_grad():
        assert torch.allclose(net(x), mine(x), atol=1e-3)


def the_network_is_plain(page):
    """make_net() against torch's functions, weights copied."""
    net = page["make_net"]()
    a, b, c, d, e, f, g, h = net.parameters()
    x = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    z = F.relu(F.max_pool2d(F.conv2d(x, a, b, padding=1), 2))
    z = F.relu(F.max_pool2d(F.conv2d(z, c, d, padding=1), 2))
    z = F.relu(z.flatten(1) @ e.T + f) @ g.T + h
    assert z.shape == (5, 3) and torch.allclose(net(x), z, atol=1e-5)


class Watched:
    """Puts something in place of a page's function, for a while."""

    def __init__(self, page, **others):
        self.page, self.others = page, others

    def __enter__(self):
        self.real = {k: self.page[k] for k in self.others}
        self.page.update(self.others)
        forget(self.page)

    def __exit__(self, *_):
        self.page.update(self.real)
        forget(self.page)


def scores_of_known_networks(page):
    """run(), sort_by(), alone() and taught() on networks that follow one
    cue, say one class, or are always wrong about one."""
    for world, cues in page["WORLDS"].items():
        table = page["all_cells"](len(cues), 3)
        floor = float(page["score_of_the_others"](len(cues), 3))
        for k, cue in enumerate(cues):
            said = table.repeat(648 // len(table), 1)[:, k]
            for turned in (0, 1):
                net = Says((said + turned) % 3, 3)
                with Watched(page, fit=lambda *_, net=net: net):
                    got = page["run"](world, 1000)
                    if cue != "colour" and not turned:
                        assert abs(page["sort_by"](cue, 1000, world)["score"]
                                   - 1) < 1e-6
                assert abs(got[cue] - (1 - turned)) < 1e-6
                assert abs(got["diagonal"] - (1 - turned)) < 1e-6
                if not turned:
                    assert all(abs(got[c] - floor) < 1e-6 for c in cues
                               if c != cue)
                    assert ("lead" in got) == (world != "grey")
                    want = {"colour": 1 - floor, "size": floor - 1}.get(cue,
                                                                        0)
                    assert abs(got.get("lead", want) - want) < 1e-6


def each_cue_is_taught_alone(page):
    """What alone() teaches: the label is the cue, all cells are drawn, no
    other cue tells anything; and how it is scored."""
    for k, cue in enumerate(page["CUES"]):
        seen = []

        def fit(cells, y, seed, saturation, steps, lr):
            seen.append((cells, y, seed, saturation, steps, lr))
            said = page["all_cells"](4, 3).repeat(8, 1)[:, 0]
            return Says(said, 3)
        with Watched(page, fit=fit):
            got = page["alone"](cue, 1000, 5, 0.25)
            first = page["alone"]("colour", 1001, 5)
        cells, y, seed, saturation, steps, lr = seen[0]
        assert (seed, steps, lr) == (1000, 5, 0.25)
        assert saturation == page["pale"]()
        assert len(cells) == 2400 and (y == cells[:, k]).all()
        assert len(cells.unique(dim=0)) == 81
        assert (seen[-1][0] != cells).any()
        for other in range(4):
            same = (cells[:, other] == y).float().mean().item()
            assert same == 1 if other == k else abs(same - 1 / 3) < 0.05
        assert abs(got - (1 if k == 0 else 4 / 13)) < 1e-6 and first == 1
    known = {"colour": 0.9, "shape": 0.4, "size": 0.3, "orientation": 0.1}
    with Watched(page, alone=lambda cue, *_: known[cue],
                 run=lambda *_, **__: {c: v / 2 for c, v in known.items()}):
        one, four = (page["taught"](a, 3) for a in ("alone", "together"))
    assert all(one[c] == v and four[c] == v / 2 for c, v in known.items())
    assert abs(one["left"] - 0.25) < 1e-6 and abs(four["left"] - 0.125) < 1e-6


def the_census_counts(page):
    """Networks that are known: three follow colour, one size, one agrees
    with two cues alike, one fails the diagonal."""
    cells = page["all_cells"](4, 3)
    one, two = cells[:, 0], cells[:, 2]
    made = iter([Says(v, 3) for v in (one, (one + 1) % 3, one, two)]
                + [Says(torch.where(torch.arange(81) % 2 == 0, one, two), 3),
                   Says(torch.zeros(81, dtype=torch.long), 3)])
    scores = [(torch.where(torch.arange(81) % 2 == 0, one, two)
               == c)[~page["on_diagonal"](cells)].sum() for c in cells.T]
    lean = {"colour": 0, "size": 0}
    if scores[0] != scores[2]:
        lean["colour" if scores[0] > scores[2] else "size"] = 1
    with Watched(page, make_net=lambda: next(made)):
        got, passed = page["census"]("vivid", 3, 6)
        assert len(got) == 5 and abs(passed - 5 / 6) < 1e-9
        with Watched(page, census=lambda *_: (got, passed)):
            share = {c: page["count_by"](c, 3, "vivid")["share"]
                     for c in page["CUES"]}
    assert abs(share["colour"] - (3 + lean["colour"]) / 5) < 1e-6
    assert abs(share["size"] - (1 + lean["size"]) / 5) < 1e-6
    assert share["shape"] == share["orientation"] == 0
    tie = torch.tensor([[0.5, 0.2, 0.5, 0.1], [0.6, 0.2, 0.5, 0.1]])
    with Watched(page, census=lambda *_: (tie, 1.0)):
        assert page["count_by"]("colour", 3, "vivid")["share"] == 0.5
        assert page["count_by"]("size", 3, "vivid")["share"] == 0


def the_census_draws(page):
    """Every network another, every seed others, pictures without noise."""
    seen, real = [], page["make_net"]

    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = real()

        def forward(self, x):
            seen.append((x, copy.deepcopy(self.net.state_dict())["0.weight"]))
            return self.net(x)
    with Watched(page, make_net=Seen):
        for seed in (5, 6):
            page["census"]("equal", seed, 4)
    assert len({float(w.sum()) for _, w in seen}) == 8
    want = page["draw"](page["all_cells"](4, 3), torch.Generator(),
                        page["pale"](), 0.0, 0.0)
    assert all(torch.equal(x, want) for x, _ in seen)


ORACLES = [every_cell_by_counting, scores_by_scikit_learn, contrast_by_pairs,
           pictures_keep_their_promises, training_sees_the_diagonal_only,
           rules_in_the_census, training_by_hand, the_network_is_plain,
           scores_of_known_networks, each_cue_is_taught_alone,
           the_census_counts, the_census_draws]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Diagonal left in": ("off = ~on_diagonal(cells)",
                         "off = torch.ones(len(cells), dtype=torch.bool)"),
    "Tested on the diagonal": ("off = ~on_diagonal(cells)",
                               "off = on_diagonal(cells)"),
    "One label for every cue": ("cells[off, cue]).float()",
                                "cells[off, 0]).float()"),
    "Chance is one in L": ("return Fraction(agree, off)",
                           "return Fraction(1, levels)"),
    "Trained on every cell": (
        "return (torch.arange(n) % LEVELS)[:, None].repeat(1, "
        "len(WORLDS[world]))",
        "cells = all_cells(len(WORLDS[world]), LEVELS)\n"
        "    return cells.repeat(n // len(cells) + 1, 1)[:n]"),
    "Brightness leaks": ("[0.2, 0.2, 1.0]]", "[0.5, 0.5, 1.0]]"),
    "Area betrays the shape": ("box(x, y + 0.25, 0.195, 0.71)",
                               "box(x, y + 0.25, 0.3, 0.71)"),
    "Paler and darker": ("(mean + saturation * (HUES - mean))",
                         "(saturation * HUES)"),
    "Root forgotten": ("return math.sqrt(grey[weak]", "return (grey[weak]"),
    "Others taken as fixed": (
        "(vivid[0] - vivid[weak] + grey[weak])", "vivid[0]"),
    "Two cues move at once": ("images.select(cue, b)",
                              "images.select(cue, b).flip(0)"),
    "Biases not balanced": ("return -logits.mean(0)",
                            "return 0 * logits.mean(0)"),
    "One class is enough": ("[:, None]).all(0)", "[:, None]).any(0)"),
    "Classes called the wrong way round": (
        "value = on.argmax(2).argsort(0)", "value = on.argmax(2)"),
}
TRAIN = dict(arm="equal", seed=1000, steps=40)

# strength says how far colour is paled towards equal contrast
NULL = dict(arm="equal", baseline="vivid", strength=0.0, steps=60)



def scramble(page):
    """Pictures have nothing to do with the labels, in training and test."""
    g = torch.Generator().manual_seed(0)
    page["place"] = lambda world, table: torch.randint(3, (len(table), 4),
                                                       generator=g)


TRACES = {
    "run": dict(arms=["vivid", "equal", "grey"], steps=3, updates=3,
                rates=[("vivid", {}, 5e-3), ("vivid", {"lr": 0.5}, 0.5)],
                but={"test": "the worlds differ in what they look like"}),
    "taught": dict(arms=["together"], steps=3, updates=3)}
CHANCE = dict(scramble=scramble, metric="colour", chance=1 / 3, room=0.07,
              arm="vivid", seed=1000, steps=20)
EXPERIMENT = {
    "exam: the test is drawn as the training set": (
        "manual_seed(10_000 + seed)", "manual_seed(seed)"),
    "exam: asked on the cells of training": (
        "table = table.repeat(648 // len(table), 1)",
        "table = table[on_diagonal(table)].repeat(216, 1)"),
    "labels: a pixel tells the label": (
        "    x = draw(cells, g, saturation)\n    optimizer",
        "    x = draw(cells, g, saturation)\n    x[:, 0, 0, 0] = y.float()\n"
        "    optimizer"),
    "metric: the lead without its sign": (
        'got["colour"] - got["size"]', 'abs(got["colour"] - got["size"])'),
    "metric: the lead over shape": (
        'got["colour"] - got["size"]', 'got["colour"] - got["shape"]'),
    "metric: the diagonal by all cells": (
        "(said[on] == table[on, 0])", "(said == table[:, 0])"),
    "metric: sum for mean": (
        '(got["shape"] + got["orientation"]) / 2',
        '(got["shape"] + got["orientation"])'),
    "rival: alone, but another cue tells it too": (
        "    net = fit(cells, cells[:, k],",
        "    cells[:, 2] = cells[:, k]\n    net = fit(cells, cells[:, k],"),
    "rival: alone, in full colour": (
        "cells[:, k], seed, pale(), steps", "cells[:, k], seed, 1.0, steps"),
    "rival: a tie counts": ("scores[:, k] > rest", "scores[:, k] >= rest"),
    "pairing: every seed starts alike": ("torch.manual_seed(seed)\n    net",
                                         "torch.manual_seed(0)\n    net"),
    "pairing: every seed counts the same networks": (
        "torch.manual_seed(seed)\n    logits", "torch.manual_seed(0)\n"
        "    logits"),
    "pairing: every seed has the same lessons": (
        "manual_seed(20_000 + seed)", "manual_seed(20_000)"),
    "counting: a step too few": ("for _ in range(steps)",
                                 "for _ in range(steps - 1)"),
    "counting: the share of those that pass, not of all drawn": (
        "return scores, len(scores) / n", "return scores, len(scores) / 81"),
    "search: the rate is ignored": ("net.parameters(), lr,",
                                    "net.parameters(), 5e-3,"),
}
NOT = {"mode": "no layer of this network learns and measures in two ways"}
UNKNOWN = ["paint('blue')", "sort_by('color', 1000, 'vivid')",
           "sort_by('colour', 1000, 'grey')", "alone('hue', 1000)",
           "count_by('texture', 1000, 'vivid')"]

WRONG = {
    "shortcut-1": [("others = 0.25", "diagonal left in"),
                   ("others = Fraction(16, 60)", "take them out above"),
                   ("others = 12 / 64", "take them out below"),
                   ("others = 0.5", "Count the cells")],
    "shortcut-2": [("majority = (1, 0.25, 0.25)", "the first cue always"),
                   ("majority = (0.5, 0.5, 0.5)", "all differ go to"),
                   ("majority = (21 / 27, 5 / 9, 5 / 9)",
                    "diagonal left in"),
                   ("majority = (0.75, 0.25, 0.25)", "Of 24 cells"),
                   ("majority = (0.75, 0.5)", "three scores")],
    "shortcut-3": [("saturation = 1.0", "Go paler"),
                   ("saturation = 0.0", "no colour to speak of"),
                   ("saturation = 2.0", "ends at 1")],
    "shortcut-4": [("mended = suspect", "cue 2 gets 0.000"),
                   ("mended = lambda guess, cells, cue: (guess == "
                    "cells[:, cue]).float().mean().item()", "not 0.308")],
}
