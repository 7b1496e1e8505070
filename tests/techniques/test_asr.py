"""Speech recognition by CTC: oracles, mistakes, null and wrong answers."""

import itertools
import re

import jiwer
import numpy as np
import torch


def cases():
    """Random outputs, texts with repeats, of every length, frames too."""
    g = torch.Generator().manual_seed(0)
    u = torch.randn(14, 6, 4, generator=g, dtype=torch.double)
    texts = torch.tensor([[1, 2, 2, 3], [3, 0, 0, 0], [1, 1, 1, 0],
                          [1, 2, 3, 1], [2, 2, 0, 0], [2, 1, 0, 0]])
    return u, texts, torch.tensor([14, 9, 10, 4, 3, 12])


def loss_and_slope_are_torchs(space):
    """F.ctc_loss in double precision, loss and gradient of the logits."""
    u, texts, frames = cases()
    u.requires_grad_()
    loss = torch.nn.functional.ctc_loss(
        u.log_softmax(2), texts, frames, (texts != 0).sum(1),
        reduction="none")
    slope, = torch.autograd.grad(loss.sum(), u)
    u = u.detach()
    log_p, gamma = space["occupancy"](u.log_softmax(2), texts, frames)
    torch.testing.assert_close(-log_p, loss.detach(), atol=1e-10, rtol=0)
    inside = torch.arange(14)[:, None, None] < frames[:, None]
    torch.testing.assert_close(u.softmax(2) * inside - gamma, slope,
                               atol=1e-10, rtol=0)


def no_path_is_no_chance(space):
    """A text too long for its recording: infinite loss, as torch has it,
    and nothing is learned from it; its neighbour in the batch is as ever."""
    u, texts, frames = cases()
    frames[0] = 4                       # 1 2 2 3 needs five
    log_y = u.log_softmax(2)
    log_p, gamma = space["occupancy"](log_y, texts, frames)
    loss = torch.nn.functional.ctc_loss(log_y, texts, frames,
                                        (texts != 0).sum(1), reduction="none")
    assert torch.isinf(loss[0]) and log_p[0] == -torch.inf
    torch.testing.assert_close(-log_p[1:], loss[1:], atol=1e-10, rtol=0)
    assert (gamma[:, 0] == 0).all() and gamma.isfinite().all()


def steady_by_hand(space):
    """Runs shorter than asked for become blanks, others stay."""
    path = [1, 0, 2, 2, 3, 3, 3, 0, 0, 4]
    assert space["steady"](path, 1) == path
    assert space["steady"](path, 2) == [0, 0, 2, 2, 3, 3, 3, 0, 0, 0]
    assert space["steady"](path, 3) == [0, 0, 0, 0, 3, 3, 3, 0, 0, 0]


def merged(path):
    """B by regular expressions, on a text of digits."""
    return re.sub("0", "", re.sub(r"(.)\1+", r"\1", "".join(map(str, path))))


def every_path_is_listed(space):
    """Brute force: each of 3^T paths, its text, and what it passes."""
    for T in (1, 2, 3, 5, 6):
        g = torch.Generator().manual_seed(T)
        y = torch.rand(T, 3, generator=g, dtype=torch.double) + 0.05
        y /= y.sum(1, keepdim=True)
        chance, passed = {}, {}
        for path in itertools.product(range(3), repeat=T):
            p = float(np.prod([y[t, k] for t, k in enumerate(path)]))
            text = merged(path)
            chance[text] = chance.get(text, 0.0) + p
            seen = passed.setdefault(text, torch.zeros(T, 3).double())
            seen[range(T), list(path)] += p
            assert "".join(map(str, space["collapse"](path))) == text
        longest, names = T, [t for t in chance if t]
        labels = torch.tensor([[int(k) for k in t.ljust(longest, "0")]
                               for t in names])
        log_p, gamma = space["occupancy"](
            y.log()[:, None].expand(T, len(names), 3), labels,
            torch.full((len(names),), T))
        want = torch.tensor([chance[t] for t in names]).double()
        torch.testing.assert_close(log_p.exp(), want)
        for n, t in enumerate(names):
            torch.testing.assert_close(gamma[:, n], passed[t] / chance[t])


def error_rate_is_jiwers(space):
    """jiwer's character error rate, on random guesses; in its words too."""
    rng = np.random.default_rng(0)

    def text():
        return "".join(rng.choice(list("공일이삼"), rng.integers(1, 7)))

    texts = [text() for _ in range(60)]
    guesses = [text() for _ in range(59)] + [""]
    ours = space["error_rate"](guesses, texts)
    assert abs(ours - jiwer.cer(texts, guesses)) < 1e-12
    for a, b in zip(guesses, texts):
        words = jiwer.process_words(" ".join(b), " ".join(a))
        edits = words.substitutions + words.insertions + words.deletions
        assert space["edit_distance"](a, b) == edits


def truth_reads_itself(space):
    """The true labels collapse to the text; so do the equal parts."""
    x, frames, texts, truth = space["corpus"](1000, 30)
    parts = space["equal_parts"](texts, frames, x.shape[1])
    assert x.shape[:2] == truth.shape == parts.shape
    for alignment in (truth, parts):
        for row, text, n in zip(alignment, texts, frames.tolist()):
            assert (row[n:] == 0).all()
            assert space["collapse"](row[:n].tolist()) == [
                k for k in text.tolist() if k]


ORACLES = [loss_and_slope_are_torchs, no_path_is_no_chance,
           steady_by_hand, every_path_is_listed, error_rate_is_jiwers,
           truth_reads_itself]

MISTAKES = {
    "Skip across equal labels": ("return z, (z != 0) & (z != before)",
                                 "return z, z != 0"),
    "No skip at all": ("return z, (z != 0) & (z != before)",
                       "return z, (z != 0) & (z == -1)"),
    "Must end on the blank": ("        place >= last - 1)",
                              "        place >= last)"),
    "Must start on the blank": ("start, end = (place < 2)",
                                "start, end = (place < 1)"),
    "Emission counted twice": ("(alpha + beta - emit - log_p[:, None])",
                               "(alpha + beta - log_p[:, None])"),
    "Jumps not mirrored": ("F.pad(jump, (0, 2))[:, 2:].flip(1)",
                           "jump.flip(1)"),
    "Lengths ignored": ("[:, None, None] >= frames[:, None]\n    filler",
                        "[:, None, None] >= T + 0 * frames[:, None]\n"
                        "    filler"),
    "Padding counted as text": (
        "2 * (labels != 0).sum(1, keepdim=True)",
        "2 * (labels > -1).sum(1, keepdim=True)"),
    "Blanks dropped first": (
        "return [k for k, _ in itertools.groupby(path) if k != 0]",
        "return [k for k, _ in itertools.groupby(\n"
        "        k for k in path if k != 0)]"),
    "Divided by the guess": ("return edits / sum(map(len, texts))",
                             "return edits / max(1, sum(map(len, guesses)))"),
}
TRAIN = dict(arm="ctc", seed=1000, steps=1)
NULL = dict(arm="ctc", baseline="aligned", strength=0.0, steps=20)

WRONG = {
    "asr-1": [("paths_of = (15, 5)", "a label may also last"),
              ("paths_of = (210, 45)", "by hand first"),
              ("paths_of = (45, 45)", "a blank is compulsory"),
              ("paths_of = (45, 36)", "its frame, then count"),
              ("paths_of = 45", "yours is an int")],
    "asr-2": [("readable = {'1784'}", "equal neighbours only"),
              ("readable = ['1784', '17841', '1778', '11784']",
               "a frame more"),
              ("readable = {'1784', '17841'}", "you left out"),
              ("readable = {'4', '17841'}", "Choose from")],
    "asr-3": [("refuting = [[0.9, 0.1], [0.2, 0.8]]", "three weak paths"),
              ("refuting = [[0.9, 0.2], [0.2, 0.8]]", "add up to one"),
              ("refuting = [[0.5, 0.5], [0.5, 0.5]]", "equally likely"),
              ("refuting = [[0.5, 0.5]]", "Two frames")],
    "asr-4": [("mended = careless", "then merges them"),
              ("mended = lambda y: (lattice(y)[0], lattice(y)[0] < 0)",
               "may jump"),
              ("mended = lambda y: (y, y > 0)", "a blank around each"),
              ("def mended(labels):\n"
               "    z, jump = lattice(labels)\n"
               "    for row, places in zip(jump, z):\n"
               "        for s in range(2, len(places)):\n"
               "            row[s] &= places[s] not in places[:s]\n"
               "    return z, jump", "two places before")],
}
