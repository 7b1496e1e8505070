"""CutMix: oracles, mistakes, null and wrong answers."""

from fractions import Fraction

import numpy as np
import torch


class Fixed:
    """A generator that returns what it was given: lam, partner, centre."""

    def __init__(self, lam, partner, centre):
        self.lam, self.partner, self.centre = lam, partner, list(centre)

    def beta(self, a, b):
        return self.lam

    def permutation(self, n):
        return np.array(self.partner)

    def integers(self, *_, **__):
        return self.centre.pop(0)


def box_by_counting(height, width, lam, cy, cx):
    """A box drawn pixel by pixel, from the paper's words: a side is the
    whole number below sqrt(1 - lam) of the image's, half of it (rounded
    down) lies on each side of the centre, what sticks out is lost."""
    inside = np.zeros((height, width), bool)
    high = max(k for k in range(height + 1) if k * k <= height ** 2 * (
        1 - lam) + 1e-12) // 2
    wide = max(k for k in range(width + 1) if k * k <= width ** 2 * (
        1 - lam) + 1e-12) // 2
    for r in range(height):
        for c in range(width):
            inside[r, c] = (cy - high <= r < cy + high
                            and cx - wide <= c < cx + wide)
    return inside


def every_box_and_every_pixel(space):
    """All centres of a 6 x 5 image at many lam: pixels, label share."""
    x = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 2, 6, 5)
    y = torch.tensor([10, 11, 12])
    for lam in (0.02, 0.13, 0.3, 0.5, 0.77, 0.9, 0.995):
        for cy in range(6):
            for cx in range(5):
                rng = Fixed(lam, [1, 2, 0], [cy, cx])
                mixed, y_a, y_b, kept = space["cutmix"](x.clone(), y, rng)
                inside = box_by_counting(6, 5, lam, cy, cx)
                for i, j in enumerate([1, 2, 0]):
                    want = np.where(inside, j, i)
                    assert (mixed[i].numpy() == want).all()
                assert y_a.tolist() == [10, 11, 12]
                assert y_b.tolist() == [11, 12, 10]
                assert abs((1 - kept) * 30 - inside.sum()) < 1e-9


def mean_share_by_enumeration(space):
    """E[lam] at beta = 1: every side has probability (2k + 1) / S^2, every
    centre 1 / S; exact in fractions, against 20,000 draws."""
    size, kept = 14, Fraction(0)
    for side in range(size):
        spans = [min(c + side // 2, size) - max(c - side // 2, 0)
                 for c in range(size)]
        pasted = Fraction(sum(spans), size * size) ** 2
        kept += Fraction(2 * side + 1, size * size) * (1 - pasted)
    assert kept > Fraction(2, 3)  # far from the raw 1/2
    rng = np.random.default_rng(0)
    x, y = torch.zeros(2, 1, size, size), torch.zeros(2, dtype=torch.long)
    drawn = [space["cutmix"](x, y, rng)[3] for _ in range(20_000)]
    assert abs(np.mean(drawn) - float(kept)) < 5 * np.std(drawn) / 141


def loss_is_soft_cross_entropy(space):
    """torch's own cross-entropy on the blended one-hot target."""
    logits = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    a, b = torch.arange(8) % 5, (torch.arange(8) * 3 + 1) % 5
    for lam in (0.0, 0.25, 0.9, 1.0):
        target = (lam * torch.eye(5)[a] + (1 - lam) * torch.eye(5)[b])
        want = torch.nn.functional.cross_entropy(logits, target)
        torch.testing.assert_close(space["mixed_loss"](logits, a, b, lam),
                                   want)


def the_batch_is_left_alone(space):
    """x is not written to; lam = 1 is the identity; numpy agrees."""
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    y, before = torch.arange(5), x.clone()
    for seed in range(20):
        mixed, _, y_b, lam = space["cutmix"](x, y, np.random.default_rng(seed))
        assert torch.equal(x, before)
        foreign = (mixed != x).flatten(1).any(1)
        assert all(y_b[i] != i for i in range(5) if foreign[i])
        for i in range(5):
            assert torch.isin(mixed[i], torch.cat((x[i], x[y_b[i]]))).all()
    same = space["cutmix"](x, y, Fixed(1.0, [1, 2, 3, 4, 0], [3, 3]))
    assert torch.equal(same[0], x) and same[3] == 1.0


ORACLES = [every_box_and_every_pixel, mean_share_by_enumeration,
           loss_is_soft_cross_entropy, the_batch_is_left_alone]

MISTAKES = {
    "Raw λ": ("    lam = 1 - pasted / (height * width)\n", ""),
    "Swapped shares": ("lam = 1 - pasted / (height * width)",
                       "lam = pasted / (height * width)"),
    "Labels not mixed": ("return mixed, y, y.index_select(0, partner), lam",
                         "return mixed, y, y, lam"),
    "No square root": ("ratio = math.sqrt(1 - lam)", "ratio = 1 - lam"),
    "Box always inside": (
        "cy, cx = rng.integers(height), rng.integers(width)   # centre: "
        "anywhere",
        "cy = h // 2 + rng.integers(height - 2 * (h // 2) + 1)\n"
        "    cx = w // 2 + rng.integers(width - 2 * (w // 2) + 1)"),
    "Aliased paste": (
        "    torch.index_select(x[box], 0, partner, out=mixed[box])   # paste",
        "    for i, j in enumerate(partner):\n"
        "        mixed[i, :, top:bottom, left:right] = mixed[\n"
        "            j, :, top:bottom, left:right]"),
    "Another partner's label": (
        "return mixed, y, y.index_select(0, partner), lam",
        "return mixed, y, y[torch.from_numpy(rng.permutation(len(x)))], lam"),
    "Rounded up": ("h, w = int(height * ratio), int(width * ratio)",
                   "h, w = math.ceil(height * ratio) + 1, "
                   "math.ceil(width * ratio) + 1"),
}
TRAIN = dict(arm="cutmix", seed=1000, steps=1)
# At one rate: the page gives each arm the rate that suits it.
NULL = dict(arm="cutmix", baseline="plain", strength=0.0, steps=20, lr=12e-3)

WRONG = {
    "cutmix-1": [("mean_share = 0.5", "raw mean"),
                 ("mean_share = 0.8125", "rounding alone"),
                 ("mean_share = 85 / 128", "rounded once"),
                 ("mean_share = 0.9", "16 centres")],
    "cutmix-2": [("mean_inside = 0.73", "with clipping"),
                 ("mean_inside = 0.5", "raw mean"),
                 ("mean_inside = 0.8", "probability (2k + 1)/196")],
    "cutmix-3": [("witness = 'cutmix'", "labels are mixed"),
                 ("witness = 'mixup'", "labels are mixed"),
                 ("witness = 'cutout'", "pastes nothing"),
                 ("witness = 'plain'", "of the gain"),
                 ("witness = 'gap'", "Name an arm")],
    "cutmix-4": [("mended = lambda x, y, rng: (cutmix(x, y, rng)[:3] "
                  "+ (0.5,))", "share of the pixels"),
                 ("mended = in_place", "its label speaks of"),
                 ("mended = lambda x, y, rng: (x, y, y, 1.0)",
                  "Hardly any")],
}
