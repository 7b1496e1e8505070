"""Music highlights: oracles, mistakes, null and wrong answers."""

import itertools
import math
from fractions import Fraction

import numpy as np
import torch

from tests.anew import descend


def small_songs(space, count=12, seed=1003):
    return space["songs"](seed, count)


def weights_of(net):
    return {k.removeprefix("listen."): v.detach().double().numpy()
            for k, v in net.named_parameters()}


def lstm(x, w, name, way):
    """One direction of one layer for one song, gate by gate."""
    (wi, wh, bi, bh), half = (w[f"{name}.{k}_l0{way}"] for k in (
        "weight_ih", "weight_hh", "bias_ih", "bias_hh")), x.shape[1] // 2
    h, c, out = np.zeros(half), np.zeros(half), []
    for row in x[::-1] if way else x:
        i, f, g, o = np.split(wi @ row + bi + wh @ h + bh, 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        out.append(h)
    return np.array(out[::-1] if way else out)


def by_hand(w, x, layers, strength):
    """Logits and attention of one song x (T, 8, bands), in loops."""
    bars = []
    for bar in x:
        padded = np.pad(bar, ((1, 1), (0, 0)))
        first = np.array([np.einsum("obk,kb->o", w["conv.0.weight"],
                                    padded[t:t + 3]) for t in range(8)])
        first = np.maximum(first + w["conv.0.bias"], 0)
        second = np.einsum("obk,kb->o", w["conv.2.weight"], first)
        bars.append(np.maximum(second + w["conv.2.bias"], 0))
    h = np.array(bars)
    for n in range(layers):
        h = np.concatenate([lstm(h, w, f"recurrent.{n}", way)
                            for way in ("", "_reverse")], 1)
    e = np.tanh(h @ w["score.0.weight"].T + w["score.0.bias"])
    e = e @ w["score.2.weight"][0] + w["score.2.bias"][0]
    a = np.exp(strength * e) / np.exp(strength * e).sum()
    return w["name.weight"] @ (a @ h) + w["name.bias"], a


def whole_network_by_hand(space):
    """Every setting away from its default, numbers of NumPy alone; the
    attention of a song adds up to one; a mean in place of attention."""
    g = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(3, 7, 8, 6, generator=g)
    for layers, strength in ((2, 1.0), (1, 2.5), (0, 0.7), (2, 0.0)):
        torch.manual_seed(layers)
        for kind in ("CRAN", "Mean"):
            net = space[kind](layers, bands=6, width=5, half=4, genres=3)
            for p in net.parameters():
                torch.nn.init.normal_(p, std=0.6)
            got, a = net(x, strength)
            w = weights_of(net)
            torch.testing.assert_close(a.sum(1), torch.ones(3))
            for row, logits, weight in zip(x.double().numpy(), got, a):
                want = by_hand(w, row, layers,
                               strength * (kind == "CRAN"))
                for mine, theirs in zip((logits, weight), want):
                    np.testing.assert_allclose(mine.detach(), theirs,
                                               atol=2e-4)


class Ear(torch.nn.Module):
    """A network whose attention is planted, and which names genre 1 as far
    as it hears the bars that are planted."""

    def __init__(self, at, length):
        super().__init__()
        self.at, self.length = at, length

    def forward(self, x, strength=1.0):
        loud = x.abs().mean((2, 3))                       # (N, T)
        place = torch.arange(x.shape[1]) - self.at[:, None]
        inside = (place >= 0) & (place < self.length)
        heard = (loud * inside).sum(1) / self.length
        a = torch.where(inside, 0.7 / self.length, 0.05 / x.shape[1])
        a[torch.arange(len(x)), (self.at + self.length) % x.shape[1]] = 0.15
        return torch.stack([0.1 + 0 * heard, heard], 1), a


def a_planted_position_is_found(space):
    """By attention and by hiding, at both ends and between; energy is
    elsewhere, and a large weight lies beside the run."""
    for T, length in ((24, 4), (9, 3)):
        at = torch.arange(T - length + 1)
        x = torch.ones(len(at), T, 8, 5)
        x[:, 1::2] = 1.5
        net = Ear(at, length)
        for ask in ("attended", "hidden"):
            assert space[ask](net, x, length).tolist() == at.tolist(), ask


def window_by_brute_force(space):
    scores = torch.rand(30, 11, dtype=torch.double,
                        generator=torch.Generator().manual_seed(2))
    for length in (1, 2, 5, 11):
        sums = [[math.fsum(row[s:s + length]) for s in range(12 - length)]
                for row in scores.tolist()]
        want = [row.index(max(row)) for row in sums]
        assert space["window"](scores, length).tolist() == want


def the_window_follows_the_song(space):
    """Without recurrence a turned song has the turned attention, exactly;
    with recurrence it has not."""
    x = small_songs(space)[0]
    for layers in (0, 2):
        torch.manual_seed(7)
        net = space["CRAN"](layers)
        with torch.no_grad():
            a, b = net(x, 30.0)[1], net(x.roll(6, 1), 30.0)[1]
        gap = (a.roll(6, 1) - b).abs().max()
        assert gap < 1e-6 if layers == 0 else gap > 1e-4


def chance_by_counting(space):
    """All pairs of places, as fractions: a window at random covers
    316/1764, the opening 10/84; the drawn songs agree with the second."""
    places = range(21)
    pairs = [Fraction(len({*range(s, s + 4)} & {*range(t, t + 4)}), 4)
             for s, t in itertools.product(places, places)]
    assert sum(pairs) / 441 == Fraction(316, 1764)
    truth = torch.tensor([t for _ in places for t in places])
    start = torch.tensor([s for s in places for _ in places])
    assert abs(space["overlap"](start, truth) - 316 / 1764) < 1e-9
    rng = np.random.default_rng(4)
    first = torch.tensor([space["compose"](rng, 0)[2][0]
                          for _ in range(3000)])
    got = space["overlap"](torch.zeros_like(first), first)
    assert abs(got - 10 / 84) < 0.02


def songs_are_as_told(space):
    """One bar four times in three passages; one has the genre's order, no
    other order is a genre's; the same notes; one decoy is louder."""
    rng, told = np.random.default_rng(5), set(space["GENRES"])
    assert len(told) == 4
    for genre in (0, 1, 2, 3) * 8:
        notes, loud, at = space["compose"](rng, genre)
        assert notes.shape == (24, 4) and loud.shape == (24,)
        bars = [b for a in at for b in range(a, a + 4)]
        assert len(set(bars)) == 12 and min(bars) >= 0 and max(bars) < 24
        for k, a in enumerate(at):
            passage = notes[a:a + 4]
            assert (passage == passage[0]).all()
            assert sorted(passage[0]) == [0, 2, 3, 5]
            order = tuple([0, 2, 3, 5].index(n) for n in passage[0])
            assert order == space["GENRES"][genre] if k == 0 else (
                order not in told)
            assert (loud[a:a + 4] == (2 if k == 1 else 1)).all()
        assert loud.sum() == 28


def a_song_sounds_as_written(space):
    """Without hiss: the strongest pitch above the bass is the note's, and
    the loud bars have more than twice the energy."""
    rng = np.random.default_rng(6)
    notes, loud, at = space["compose"](rng, 1)
    sound = space["play"](rng, notes, loud, noise=0.0)
    assert sound.shape == (24 * 4 * 400,)
    tunes, found = space["TUNES"], []
    for n, part in zip(notes.ravel(), sound.reshape(96, 400)):
        power = np.abs(np.fft.rfft(part, 4000))           # 1 Hz apart
        found.append((200 + power[200:700].argmax()) / tunes[n])
    assert max(found) / min(found) < 1.04 and 0.95 < min(found)
    energy = (sound.reshape(24, -1) ** 2).mean(1)
    assert (energy[at[1]:at[1] + 4].min()
            > 1.5 * np.median(energy[loud == 1]))
    again = space["play"](np.random.default_rng(6), notes, loud)
    hiss = again - space["play"](np.random.default_rng(6), notes, loud, 0.0)
    assert abs(hiss.std() - 0.6) < 0.02


def ears_by_loops(space):
    """Triangles on the mel scale, frame by frame, each band less its own
    mean over the song."""
    sound = np.random.default_rng(6).standard_normal(3200)
    sound[1600:] *= 3
    mel = np.linspace(0, 2595 * np.log10(1 + 2000 / 700), 22)
    edges, rows = 700 * (10 ** (mel / 2595) - 1), []
    for t in range(16):
        at = np.arange(t * 200 - 28, t * 200 + 228)
        cut = np.array([sound[i] if 0 <= i < 3200 else 0.0 for i in at])
        cut *= 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 255)
        power = np.array([abs((cut * np.exp(
            -2j * np.pi * f * np.arange(256) / 256)).sum()) ** 2
            for f in range(129)])
        hz = np.arange(129) * 4000 / 256
        rows.append([np.log((power * np.interp(
            hz, edges[b:b + 3], [0, 1, 0], left=0, right=0)).sum() + 0.01)
            for b in range(20)])
    want = np.array(rows) - np.mean(rows, 0)
    np.testing.assert_allclose(space["hear"](sound),
                               want.reshape(2, 8, 20), atol=1e-6)


def rules_by_loops(space):
    """The four rules on songs that are known, window by window."""
    x, _, truth, energy = data = small_songs(space, 10)
    real, space["songs"] = space["songs"], lambda *_: data
    near = []
    for song in x.double().numpy():
        bars = [(bar - bar.mean()).ravel() for bar in song]
        near.append([-sum(sorted(np.linalg.norm(a - b) for k, b in
                                 enumerate(bars) if k != i)[:9])
                     for i, a in enumerate(bars)])
    scores = {"opening": np.zeros((10, 24)), "loudness": energy.numpy(),
              "novelty": (x.double().numpy() ** 2).mean((2, 3)),
              "repetition": np.array(near)}
    np.testing.assert_allclose(space["repeats"](x), near, rtol=1e-3)
    try:
        for name, rows in scores.items():
            share = []
            for row, t in zip(rows, truth.tolist()):
                sums = [row[s:s + 4].sum() for s in range(21)]
                s = int(np.argmax(sums))
                share.append(len({*range(s, s + 4)}
                                 & {*range(t, t + 4)}) / 4)
            got = space["rule"](name, 1003)["overlap"]
            assert abs(got - np.mean(share)) < 1e-9, name
    finally:
        space["songs"] = real


def arms_again(space):
    """Three steps of each arm from the same start, logits by the sum over
    bars of the page's own weights in float64, Adam by torch, the measures
    by loops."""
    real = space["songs"]
    space["songs"] = lambda seed, count: real(seed, 40 if count == 400
                                              else 12)
    layers = {"two layers": 2, "one layer": 1, "no recurrence": 0,
              "no attention": 2}
    try:
        x, genre, _, _ = space["songs"](1004, 400)
        new, answer, truth, _ = space["songs"](11_004, 150)
        for arm, n in layers.items():
            torch.manual_seed(1004)
            net = space["CRAN"](n)
            how = 0.0 if arm == "no attention" else 1.0
            order = torch.Generator().manual_seed(1004)

            def loss():
                i = torch.randint(40, (32,), generator=order)
                y = net(x[i], how)[0]
                return -y.log_softmax(1)[torch.arange(32), genre[i]].mean()
            descend(net.parameters(), loss, 3, 1e-2)
            w, logs, picked, missed = weights_of(net), [], [], []
            for song in new.double().numpy():
                y, a = by_hand(w, song, n, how)
                logs.append(y - np.log(np.exp(y).sum()))
                picked.append(np.convolve(a, np.ones(4), "valid").argmax())
                if len(missed) >= 3:
                    continue
                left = []
                for s in range(21):
                    part = song.copy()
                    part[s:s + 4] = 0
                    y = by_hand(w, part, n, how)[0]
                    left.append((y - np.log(np.exp(y).sum()))[
                        logs[-1].argmax()])
                missed.append(int(np.argmin(left)))
            got, names = space["run"](arm, 1004, steps=3), answer.tolist()
            want = -np.mean([row[g] for row, g in zip(logs, names)])
            assert abs(got["loss"] - want) < 1e-3, arm
            hits = np.mean([row.argmax() == g for row, g in
                            zip(logs, names)])
            assert abs(got["accuracy"] - hits) < 1e-9, arm
            trained = space["train"](arm, 1004, steps=3)
            if arm != "no attention":    # where all weights are equal, ties
                cover = np.mean([max(0, 4 - abs(s - t)) / 4 for s, t in
                                 zip(picked, truth.tolist())])
                assert abs(got["attention"] - cover) < 1e-9, arm
            starts = space["hidden"](trained, new, 4)
            assert starts[:3].tolist() == missed, arm
            cover = np.mean([max(0, 4 - abs(s - t)) / 4 for s, t in
                             zip(starts.tolist(), truth.tolist())])
            assert abs(got["hiding"] - cover) < 1e-9, arm
    finally:
        space["songs"] = real


def every_seed_has_its_songs(space):
    """Others to learn from than to be examined on, others for each seed."""
    asked, real = [], space["songs"]

    def songs(seed, count):
        asked.append((seed, count))
        return real(seed, 12)
    space["songs"] = songs
    try:
        space["run"]("no recurrence", 1008, steps=1)
        space["rule"]("opening", 1009)
    finally:
        space["songs"] = real
    assert asked == [(1008, 400), (11_008, 150), (11_009, 150)]


ORACLES = [window_by_brute_force, a_planted_position_is_found,
           whole_network_by_hand, the_window_follows_the_song,
           chance_by_counting, songs_are_as_told, a_song_sounds_as_written,
           ears_by_loops, rules_by_loops, arms_again,
           every_seed_has_its_songs]

MISTAKES = {
    "Softmax over the songs": ("torch.softmax(strength * e, 1) ",
                               "torch.softmax(strength * e, 0) "),
    "Attention after the mean": (
        "self.name((a[..., None] * h).sum(1))", "self.name(h.mean(1))"),
    "Window off by one": ("scores.unfold(-1, length, 1)",
                          "scores.unfold(-1, length + 1, 1)"),
    "Loudest bar of the run": (".unfold(-1, length, 1).sum(-1)",
                               ".unfold(-1, length, 1).amax(-1)"),
    "Energy instead": ("window(net(x, strength)[1], length)",
                       "window(x.square().mean((2, 3)), length)"),
    "Bars of other songs": (
        ".view(N, T, -1)\n",
        ".view(T, N, -1).transpose(0, 1)\n"),
    "Hidden too little": ("part[:, s:s + length] = 0",
                          "part[:, s:s + length - 1] = 0"),
    "The window least missed": ("torch.stack(left, 1).argmin(1)",
                                "torch.stack(left, 1).argmax(1)"),
}
TRAIN = dict(arm="two layers", seed=1000, steps=1)
NULL = dict(arm="two layers", baseline="no attention", strength=0.0, steps=8)


def small(space):
    """Sixty songs to learn from, forty to examine."""
    real = space["songs"]
    space["songs"] = lambda seed, count: real(
        seed, {400: 60, 150: 40}.get(count, count))


def scramble(space):
    """Songs of other genres than they are said to be."""
    real = space["compose"]
    space["compose"] = lambda rng, genre: real(rng, int(rng.integers(4)))


SMALL = small
TRACES = {"run": dict(
    arms=["two layers", "one layer", "no recurrence", "no attention"], steps=3,
    updates=3, rates=[("two layers", {}, 1e-2),
                      ("two layers", {"lr": 3e-3}, 3e-3)])}
CHANCE = dict(scramble=scramble, metric="accuracy", chance=0.25, room=0.25,
              arm="no recurrence", seed=1000, steps=40)
EXPERIMENT = {
    "exam: examined on what was learned": (
        "x, genre, truth, _ = songs(10_000 + seed, 150)",
        "x, genre, truth, _ = songs(seed, 400)"),
    "labels: the genre is a band": (
        "heard.append(hear(sound))",
        "heard.append(hear(sound))\n        heard[-1][..., 0] = 3 * g"),
    "labels: a decoy says another genre": (
        "          if order not in GENRES]", "          if order]"),
    "metric: the signed distance": ("(LENGTH - (start - truth).abs())",
                                    "(LENGTH - (start - truth))"),
    "metric: asked by attention twice": (
        'overlap(hidden(net, x, LENGTH, strength)',
        'overlap(attended(net, x, LENGTH, strength)'),
    "rival: repetition counts the bar itself": (".values[..., 1:10]",
                                                ".values[..., :9]"),
    "rival: repetition hears loudness": (
        "bars = (x - x.mean((2, 3), keepdim=True)).flatten(2)",
        "bars = x.flatten(2)"),
    "rival: no attention takes the last bar": (
        "return torch.full(h.shape[:2], 1 / h.shape[1])",
        "return F.pad(torch.ones(len(h), 1), (h.shape[1] - 1, 0))"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "pairing: every seed has the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "pairing: every seed has the same songs": (
        "    rng = np.random.default_rng(seed)\n    heard",
        "    rng = np.random.default_rng(count)\n    heard"),
    "counting: only where the window meets the highlight": (
        "            / LENGTH).double().mean().item()",
        "            / LENGTH).double().clamp(min=0.25).mean().item()"),
    "search: the rate that is asked for is ignored": (
        "lr or RATES[arm])", "RATES[arm])"),
}
NOT = {"mode": "no layer of these networks learns and measures in two ways"}
UNKNOWN = ["train('crann', 1000)", "rule('energy', 1000)"]

WRONG = {
    "music_highlight-1": [("by_chance = 4 / 24", "lies in more windows"),
                          ("by_chance = 1 / 21", "still covers three"),
                          ("by_chance = 40 / 441", "before the highlight"),
                          ("by_chance = 0.5", "lie d bars apart")],
    "music_highlight-2": [
        ("weights = [0, 0, 1, 0, 0, 0]", "where the genre was heard"),
        ("weights = [.2, .2, 0, .2, .2, .2]", "not heard of it yet"),
        ("weights = [0, 0, 0, 1, 1, 1]", "sum to one"),
        ("weights = [0, 0, 1]", "each of six")],
    "music_highlight-3": [
        ("mended = quick", "before the first sum"),
        ("mended = lambda s, n: quick(s, n) + 1 if n < s.shape[-1] "
         "else s.argmax(-1)", "before the first sum"),
        ("mended = lambda s, n: s.argmax(-1)", "larger sum")],
}
# Exercises that many answers solve, each with its reason.
OPEN = {"music_highlight-2": "all weights on bars after the third are right"}
