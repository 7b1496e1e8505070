"""CutMix: oracles, mistakes, null and wrong answers."""

from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import torch
from torch import nn

from lab1784 import data


class Fixed:
    """A generator that returns what it was given: lam, partner, centre."""

    def __init__(self, lam, partner, centre):
        self.lam, self.partner, self.centre = lam, partner, list(centre)
        self.asked, self.drawn = None, []

    def beta(self, a, b):
        self.asked = a, b
        self.drawn.append("lam")
        return self.lam

    def permutation(self, n):
        self.drawn.append("partner")
        return np.array(self.partner)

    def integers(self, *_, **__):
        self.drawn.append("centre")
        return self.centre.pop(0)

    def random(self):
        return 0.999


@contextmanager
def spy(space, **names):
    """Functions of the page replaced for a while."""
    before = {name: space[name] for name in names}
    space.update(names)
    try:
        yield
    finally:
        space.update(before)


# ------------------------------------------------------------- technique

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
    """The whole technique against one that counts pixels, away from its
    defaults: all centres of 6 x 5 images of two channels, many lam, beta
    0.3; the loss by hand on the soft label that the picture deserves."""
    x = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 2, 6, 5)
    y, partner = torch.tensor([2, 0, 1]), [1, 2, 0]
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
    log_p = logits.double().log_softmax(1).numpy()
    for lam in (0.02, 0.13, 0.3, 0.5, 0.77, 0.9, 0.995):
        for cy in range(6):
            for cx in range(5):
                rng = Fixed(lam, partner, [cy, cx])
                mixed, y_a, y_b, kept = space["cutmix"](x.clone(), y, rng,
                                                        beta=0.3)
                assert rng.asked == (0.3, 0.3)
                assert rng.drawn == ["lam", "partner", "centre", "centre"]
                inside, loss = box_by_counting(6, 5, lam, cy, cx), 0.0
                for i, j in enumerate(partner):
                    want = np.where(inside, j, i)
                    assert (mixed[i].numpy() == want).all()
                    for owner in want.flat:       # a pixel, a thirtieth
                        loss -= log_p[i, int(y[owner])] / 30 / 3
                assert y_a.tolist() == y.tolist()
                assert y_b.tolist() == y[partner].tolist()
                assert abs((1 - kept) * 30 - inside.sum()) < 1e-9
                got = space["mixed_loss"](logits, y_a, y_b, kept)
                assert abs(got.item() - loss) < 1e-5


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
    """x is not written to; lam = 1 is the identity."""
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


# ------------------------------------------------------------ experiment

def rivals_by_hand(space):
    """Cutout with a hole an image, odd sides rounded down, nothing but the
    hole erased; Mixup's shares; paste has CutMix's pixels and one label;
    at strength 0 every arm is plain."""
    x = 1 + torch.rand(4, 2, 7, 9, generator=torch.Generator().manual_seed(3))
    y = torch.arange(4)
    for length in (1, 2, 3, 4, 7):
        centre = np.random.default_rng(length).integers(7, size=(2, 4, 1))
        got = space["cutout"](x.clone(), length, Fixed(0, [], centre))
        for i, (cy, cx) in enumerate(centre[:, :, 0].T):
            for r in range(7):
                for c in range(9):
                    hole = all(k - length // 2 <= at < k + length // 2
                               for at, k in ((r, cy), (c, cx)))
                    want = torch.zeros(2) if hole else x[i, :, r, c]
                    assert torch.equal(got[i, :, r, c], want)
    partner = [2, 0, 3, 1]

    def augment(arm, strength=1.0, side=None):
        centre = [3, 5] if side is None else [np.full((4, 1), 3)] * 2
        return space["augment"](arm, x.clone(), y,
                                Fixed(0.3, partner, centre), strength)

    mixed, y_a, y_b, lam = augment("mixup")
    torch.testing.assert_close(mixed, 0.3 * x + 0.7 * x[partner])
    assert y_a.tolist() == [0, 1, 2, 3] and y_b.tolist() == partner
    assert lam == 0.3
    ours, theirs = augment("cutmix"), augment("paste")
    assert torch.equal(ours[0], theirs[0]) and not torch.equal(ours[0], x)
    assert ours[2].tolist() == partner and ours[3] < 1
    assert theirs[1].tolist() == theirs[2].tolist() == [0, 1, 2, 3]
    for arm in space["ARMS"]:
        got = augment(arm, strength=0.0)
        assert torch.equal(got[0], x) and got[3] == 1.0
        assert got[1].tolist() == got[2].tolist() == [0, 1, 2, 3]
    for side, hole in ((8, 2), (16, 4)):     # a quarter of the side
        got = space["augment"]("cutout", torch.ones(1, 1, side, side), y[:1],
                               Fixed(0, [], [np.full((1, 1), 4)] * 2), 1.0)
        assert (got[0] == 0).sum() == hole ** 2 and got[3] == 1.0


def maps_with_known_answers(space):
    """A map is the weighted sum of channels for the class asked, stretched;
    IoU is counted in pixels, image by image."""
    g = torch.Generator().manual_seed(4)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(3, 5)
            self.seen = torch.rand(6, 3, 4, 4, generator=g)

        def features(self, x):
            return self.seen

    net, y = Net(), torch.tensor([4, 0, 1, 1, 3, 2])
    got = space["activation_map"](net, torch.zeros(6, 1, 4, 4), y)
    weight = net.head.weight.detach().numpy()
    for i in range(6):
        want = sum(weight[y[i], k] * net.seen[i, k].numpy()
                   for k in range(3))
        want = (want - want.min()) / (want.max() - want.min())
        assert np.abs(got[i].numpy() - want).max() < 1e-5
    large = space["activation_map"](net, torch.zeros(6, 1, 8, 8), y)
    assert large.shape == (6, 8, 8)
    assert (large.amin((1, 2)) == 0).all() and (large.amax((1, 2)) == 1).all()
    # In the middle of an even image bilinear is the mean of four places.
    blocks = large.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4))
    assert np.corrcoef(blocks.flatten(), got.flatten())[0, 1] > 0.9

    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, :2] = True                       # eight pixels
    mask[1, 0, :2] = True                    # two pixels
    for maps, threshold, want in (
            (mask.float(), 0.5, 1.0), ((~mask).float(), 0.5, 0.0),
            (torch.ones(2, 4, 4), 0.5, (8 / 16 + 2 / 16) / 2),
            (0.4 * torch.ones(2, 4, 4) + 0.6 * mask, 0.3, 5 / 16),
            (0.4 * torch.ones(2, 4, 4) + 0.6 * mask, 0.7, 1.0)):
        assert abs(space["iou"](maps, mask, threshold) - want) < 1e-6
    half = mask.float()
    half[0, 0] = 0
    assert abs(space["iou"](half, mask, 0.5) - 0.75) < 1e-6


class Answers(nn.Module):
    """A network that knows some pictures: right on the first n of them."""

    def __init__(self, known, mask=None):
        super().__init__()
        self.known, self.mask = known, mask
        self.head = nn.Linear(4, 10)
        self.head.weight = nn.Parameter(torch.eye(10, 4))

    def forward(self, x):
        for images, labels, n in self.known:
            if torch.equal(x, images):
                said = (labels + (torch.arange(len(x)) >= n)) % 4
                return torch.eye(10)[said]
        raise AssertionError("asked about other pictures than it should be")

    def features(self, x):
        self.forward(x)
        labels = torch.eye(4)[self.known[0][1]]      # (N, 4)
        return labels[:, :, None, None] * self.mask[:, None]


def scores_with_known_answers(space):
    """run and look, with a network that is right on a known share of fresh
    pictures, and a map that is the truth: examined on those, and only."""
    seen = []

    def train(net, arm, x, y, seed, strength, steps, lr, batch):
        seen.append((x, y, [p.clone() for p in net.parameters()], lr))
        return answers

    x, y, fresh, labels = data.digits(1003, labels=50, test=1000)
    answers = Answers([(fresh, labels % 4, 250)])
    with spy(space, train=train):
        found = space["run"]("cutmix", 1003)["accuracy"]
        right = (answers(fresh).argmax(1) == labels).float().mean().item()
        assert abs(found - right) < 1e-6
    assert torch.equal(seen[-1][0], x) and torch.equal(seen[-1][1], y)

    whole, truth, masks = data.two_part(1000, 11_003, noise=0.25, size=16)
    tails, _, _ = data.two_part(1000, 11_003, "B", noise=0.25, size=16)
    x, y, _ = data.two_part(500, 1003, noise=0.25, size=16)
    answers = Answers([(whole, truth, 900), (tails, truth, 300)],
                      masks.sum(1) > 0)
    with spy(space, train=train):
        found = space["look"]("cutmix", 1003)
    assert torch.equal(seen[-1][0], x) and torch.equal(seen[-1][1], y)
    assert abs(found["whole"] - 0.9) < 1e-6
    assert abs(found["hidden"] - 0.3) < 1e-6
    assert abs(found["iou"] - 1.0) < 1e-6
    # Arms of a seed share their start, two seeds do not; rates are used.
    with spy(space, train=train):
        for arm, seed in (("cutmix", 7), ("plain", 7), ("plain", 8)):
            space["learn"](arm, seed)
        answers = Answers([])
        for arm, seed in (("cutmix", 7), ("plain", 7), ("plain", 8)):
            try:
                space["run"](arm, seed)
            except AssertionError:
                pass
    for a, b, c in (seen[-6:-3], seen[-3:]):
        assert all(map(torch.equal, a[2], b[2]))
        assert not all(map(torch.equal, b[2], c[2]))
    assert seen[-6][3] == space["RECIPE"]["cutmix"][0]
    assert seen[-2][3] == space["RATE"]["plain"]


def training_by_hand(space):
    """Same batches for the arms of a seed, others for the next; the first
    step of Adam moves weights by the rate; the net comes back for use."""
    x = torch.arange(40.0).view(40, 1, 1, 1).expand(40, 1, 4, 4) / 40
    y, batches = torch.arange(40) % 2, []

    def augment(arm, x, y, rng, strength):
        batches.append(x[:, 0, 0, 0])
        return x, y, y, 1.0

    def net():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2),
                             nn.Flatten(), nn.Linear(8, 2))

    def train(arm, seed, lr=1e-2, steps=1):
        batches.clear()
        with spy(space, augment=augment):
            made = space["train"](net(), arm, x, y, seed, 1.0, steps, lr, 16)
        return made, torch.cat(batches)

    made, first = train("plain", 5)
    assert not made.training and not made[1].training
    assert torch.equal(first, train("cutmix", 5)[1])
    assert not torch.equal(first, train("plain", 6)[1])
    assert len(train("plain", 5, steps=4)[1]) == 64
    for lr in (1e-2, 3e-3):
        step = (train("plain", 5, lr)[0][3].weight - net()[3].weight).abs()
        assert abs(step.max().item() / lr - 1) < 0.01


ORACLES = [every_box_and_every_pixel, mean_share_by_enumeration,
           loss_is_soft_cross_entropy, the_batch_is_left_alone,
           rivals_by_hand, maps_with_known_answers,
           scores_with_known_answers, training_by_hand]

PASTE = "mixed[:, :, top:bottom, left:right] = x[partner, :, top:bottom, left:right]"
MISTAKES = {
    "Raw λ": ("    lam = 1 - pasted / (height * width)\n", ""),
    "Swapped shares": ("lam = 1 - pasted / (height * width)",
                       "lam = pasted / (height * width)"),
    "Labels not mixed": ("return mixed, y, y[partner], lam",
                         "return mixed, y, y, lam"),
    "No square root": ("ratio = math.sqrt(1 - lam)", "ratio = 1 - lam"),
    "Box always inside": (
        "cy, cx = rng.integers(height), rng.integers(width)   # centre: "
        "anywhere",
        "cy = h // 2 + rng.integers(height - 2 * (h // 2) + 1)\n"
        "    cx = w // 2 + rng.integers(width - 2 * (w // 2) + 1)"),
    "Aliased paste": (
        f"    {PASTE}",
        "    for i, j in enumerate(partner):\n"
        "        mixed[i, :, top:bottom, left:right] = mixed[\n"
        "            j, :, top:bottom, left:right]"),
    "Another partner's label": (
        "return mixed, y, y[partner], lam",
        "return mixed, y, y[torch.from_numpy(rng.permutation(len(x)))], "
        "lam"),
    "Rounded up": ("h, w = int(height * ratio), int(width * ratio)",
                   "h, w = math.ceil(height * ratio) + 1, "
                   "math.ceil(width * ratio) + 1"),
    "Setting not handed on": ("lam = rng.beta(beta, beta)",
                              "lam = rng.beta(1.0, 1.0)"),
}


def scrambled(space):
    """Objects whose labels are those of other objects."""
    class Data:
        def two_part(self, *args, **settings):
            x, y, masks = data.two_part(*args, **settings)
            return x, y[torch.randperm(len(y), generator=torch.Generator()
                                       .manual_seed(len(y)))], masks

        digits = staticmethod(data.digits)
    space["data"] = Data()


TRACES = {
    "run": dict(arms=["plain", "cutout", "mixup", "paste", "cutmix"],
                steps=3, updates=3, rates=[("cutout", {}, 1e-3),
                                           ("plain", {"lr": 0.5}, 0.5)]),
    "look": dict(arms=["plain", "cutout", "mixup", "paste", "cutmix"],
                 steps=3, updates=3, rates=[("plain", {"lr": 0.5}, 0.5)])}
CHANCE = dict(scramble=scrambled, run="look", metric="whole", chance=0.25,
              room=0.08, arm="plain", seed=1000, steps=40)
NOT = {}
EXPERIMENT = {
    "exam: on the objects that were learned": (
        "net, fresh = learn(arm, seed, **settings), 10_000 + seed",
        "net, fresh = learn(arm, seed, **settings), seed"),
    "labels: an object as bright as its class": (
        "    return x, y, masks.sum(1) > 0",
        "    return x + y.view(-1, 1, 1, 1), y, masks.sum(1) > 0"),
    "mode: training mode while measuring": ("return net.eval()",
                                            "return net"),
    "metric: the map of another class": (
        "weight = net.head.weight[y]", "weight = net.head.weight[0 * y]"),
    "metric: pixels of all images pooled": (
        "return (both / either).mean().item()",
        "return (both.sum() / either.sum()).item()"),
    "metric: outside for inside": ("shown = maps > threshold",
                                   "shown = maps < threshold"),
    "metric: union counted twice": ("(shown | mask).sum((1, 2))",
                                    "(shown.int() + mask).sum((1, 2))"),
    "metric: the tail hidden in place of the head": (
        'objects(1000, fresh, parts="B")', 'objects(1000, fresh, parts="A")'),
    "metric: every map for one class": (
        "maps = activation_map(net, x, y)",
        "maps = activation_map(net, x, y * 0)"),
    "rival: Cutout with one hole a batch": (
        "cy = torch.from_numpy(rng.integers(height, size=(n, 1)))",
        "cy = torch.from_numpy(rng.integers(height, size=(n, 1)))[:1]"),
    "rival: a hole of odd sides": ("row = (-half <= row) & (row < half)",
                                   "row = (-half <= row) & (row <= half)"),
    "rival: half of the side": ("x.shape[-1] // 4", "x.shape[-1] // 2"),
    "rival: swapped Mixup shares": ("x[partner], y, y[partner], lam\n",
                                    "x[partner], y, y[partner], 1 - lam\n"),
    "rival: paste with mixed labels": (
        'return (mixed, y, y, 1.0) if arm == "paste"',
        'return (mixed, y_a, y_b, lam) if arm == "paste"'),
    "pairing: the batches of seed 0 for every seed": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "pairing: the method's draws are the batches'": (
        "i = torch.randint(len(x), (batch,), generator=order)",
        "i = torch.from_numpy(rng.integers(len(x), size=batch))"),
    "counting: a step too few": ("for _ in range(steps):",
                                 "for _ in range(steps - 1):"),
    "search: the rate is ignored": (
        "torch.optim.Adam(net.parameters(), lr, fused=True)",
        "torch.optim.Adam(net.parameters(), 1e-3, fused=True)"),
}
TRAIN = dict(arm="cutmix", seed=1000, steps=10)   # fewer: all at chance
# At one rate: the page gives each arm the rate that suits it.
NULL = dict(arm="cutmix", baseline="plain", strength=0.0, steps=20, lr=2e-3)
UNKNOWN = ["run('CutMix', 0)", "look('pasted', 0)",
           "augment('cut', None, None, None, 1.0)"]

WRONG = {
    "cutmix-1": [("mean_share = 0.5", "raw mean"),
                 ("mean_share = 0.8125", "rounding alone"),
                 ("mean_share = 85 / 128", "rounded once"),
                 ("mean_share = 0.9", "16 centres")],
    "cutmix-2": [("mean_inside = 0.73", "with clipping"),
                 ("mean_inside = 0.5", "raw mean"),
                 ("mean_inside = 0.8", "probability (2k + 1)/196")],
    "cutmix-3": [
        ("pasted_share = fit('paste') - fit('plain')",
         "divide by what CutMix gains"),
        ("pasted_share = 1 - (fit('paste') - fit('plain')) / (fit('cutmix') "
         "- fit('plain'))", "left for the mixed label"),
        ("pasted_share = fit('paste') / fit('cutmix')", "take it off"),
        ("pasted_share = 0.5", "two gains over plain training")],
    "cutmix-4": [("mended = lambda x, y, rng: (cutmix(x, y, rng)[:3] "
                  "+ (0.5,))", "share of the pixels"),
                 ("mended = in_place", "its label speaks of"),
                 ("mended = cutmix", "needs no mending"),
                 ("mended = lambda x, y, rng: (x, y, y, 1.0)",
                  "Hardly any")],
}
