"""StarGAN: what its page must survive (see test_every_page.py)."""

import math

import numpy as np
import torch
from sklearn.metrics import log_loss

CARDS = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1],
                      [0, 1, 0, 0]])              # four labels, (N, 4)


def penalty_of_a_linear_critic(page):
    """Closed form: <a, x> has the slope a everywhere, also where it is
    summed over two patches (their slopes add)."""
    g = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 12, generator=g, dtype=torch.float64)
    x, y = torch.randn(2, 5, 3, 2, 2, generator=g, dtype=torch.float64)
    alpha = torch.rand(5, 1, 1, 1, generator=g, dtype=torch.float64)
    for scale in (0.05, 0.3, 1.0):
        got = page["gradient_penalty"](
            lambda z: scale * torch.stack([z.flatten(1) @ a,
                                           z.flatten(1) @ b], 1), x, y, alpha)
        want = (scale * math.sqrt(float(((a + b) ** 2).sum())) - 1) ** 2
        assert abs(got.item() - want) < 1e-12


def penalty_between_the_pictures(page):
    """Closed form: |x|^2 / 2 has the slope x, so the penalty tells where
    it was measured; it trains the critic and leaves the pictures alone."""
    g = torch.Generator().manual_seed(2)
    x, y = torch.randn(2, 6, 3, 2, 2, generator=g, dtype=torch.float64)
    alpha = torch.rand(6, 1, 1, 1, generator=g, dtype=torch.float64)
    y.requires_grad_()
    w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    got = page["gradient_penalty"](
        lambda z: w * z.square().flatten(1).sum(1) / 2, x, y, alpha)
    lengths = [math.sqrt(sum((float(t) * p + (1 - float(t)) * q) ** 2
                             for p, q in zip(one.tolist(), two.tolist())))
               for one, two, t in zip(x.flatten(1), y.flatten(1), alpha)]
    want = sum((0.7 * n - 1) ** 2 for n in lengths) / 6
    assert abs(got.item() - want) < 1e-12
    got.backward()
    slope = sum(2 * (0.7 * n - 1) * n for n in lengths) / 6
    assert abs(w.grad.item() - slope) < 1e-12
    assert y.grad is None


def classification_by_sklearn(page):
    """Made by others: scikit-learn's log loss, attribute by attribute."""
    logit = torch.randn(7, 4, generator=torch.Generator().manual_seed(3),
                        dtype=torch.float64) * 3
    target = (torch.arange(28).view(7, 4) % 3 == 0).double()
    for known in ([1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 1]):
        want = sum(log_loss(target[:, j].numpy(),
                            torch.sigmoid(logit[:, j]).numpy(), labels=[0, 1])
                   for j in range(4) if known[j])
        got = page["classification_loss"](logit, target,
                                          torch.tensor(known).double())
        assert abs(got.item() - want) < 1e-9
    sure = 40 * (2 * target - 1)
    assert page["classification_loss"](sure, target, torch.ones(4)) < 1e-12


def unlabelled_head_gets_no_gradient(page):
    """Exact: what the data set does not label is not taught, by D's loss
    or by G's; what it labels is."""
    for side, off in ((0, [3]), (1, [0, 1, 2])):
        on = [j for j in range(4) if j not in off]
        D = page["Discriminator"](4)
        G = page["Generator"](6, skip=True)
        x = torch.rand(4, 3, 16, 16) * 2 - 1
        c, known = page["label"](CARDS, side, "joint")
        page["classification_loss"](D(x)[1], c[:, :4], known).backward()
        slope = D.cls.weight.grad.flatten(1).abs().amax(1)
        assert (slope[off] == 0).all() and (slope[on] > 0).all()
        for loss in (page["d_loss"](G, D, x, c, c, known,
                                    torch.full((4, 1, 1, 1), 0.5)),
                     page["g_loss"](G, D, x, c, c, known)):
            D.zero_grad()
            loss.backward()
            slope = D.cls.weight.grad.flatten(1).abs().amax(1)
            assert (slope[off] == 0).all() and (slope[on] > 0).all()


def labels_by_hand(page):
    """The layout of the official code's train_multi, entry by entry."""
    for side, keep in ((0, (1, 1, 1, 0)), (1, (0, 0, 0, 1))):
        want = [[v * k for v, k in zip(row, keep)] + [1 - side, side]
                for row in CARDS.tolist()]
        assert page["with_mask"](CARDS, side).tolist() == want
        c, known = page["label"](CARDS, side, "joint")
        assert c.tolist() == want and known.tolist() == list(keep)
        c, known = page["label"](CARDS, side, "zeros")
        assert c.tolist() == [row[:4] for row in want]
        assert known.tolist() == [1, 1, 1, 1]
    c, known = page["label"](CARDS, 1, "skip")
    assert torch.equal(c, CARDS) and known.tolist() == [1, 1, 1, 1]


class Toy:
    """G(x, c) = 0.8 x + v.c and a D of inner products, without autograd's
    help: numbers that a pencil can follow."""

    def __init__(self):
        g = torch.Generator().manual_seed(4)
        self.a, self.a2 = torch.randn(2, 12, generator=g,
                                      dtype=torch.float64) * 0.4
        self.b = torch.randn(12, 4, generator=g, dtype=torch.float64)
        self.x = torch.randn(4, 3, 2, 2, generator=g, dtype=torch.float64)
        self.alpha = torch.rand(4, 1, 1, 1, generator=g, dtype=torch.float64)
        self.v = torch.tensor([0.3, -0.2, 0.7, 0.5], dtype=torch.float64)
        self.org = CARDS.double()
        self.trg = self.org[[1, 2, 3, 0]]

    def G(self, x, c):
        return 0.8 * x + (c @ self.v)[:, None, None, None]

    def D(self, x):
        flat = x.flatten(1)                      # two patches
        return (torch.stack([flat @ self.a, flat @ self.a2], 1)[:, None, None],
                flat @ self.b)

    def numbers(self):
        """Everything anew in numpy: scores and losses."""
        x, org, trg = (t.numpy() for t in (self.x, self.org, self.trg))
        a, b, v = (t.numpy() for t in (self.a + self.a2, self.b, self.v))
        flat = x.reshape(4, 12)
        fake = 0.8 * flat + (trg @ v)[:, None]
        back = 0.8 * fake + (org @ v)[:, None]

        def cls(z, c):
            p = 1 / (1 + np.exp(-(z @ b)))
            return -(c * np.log(p) + (1 - c) * np.log(1 - p)).sum() / 4

        return {"real": (flat @ a).mean() / 2, "fake": (fake @ a).mean() / 2,
                "gp": (np.sqrt((a ** 2).sum()) - 1) ** 2,
                "rec": np.abs(flat - back).mean(),
                "cls real": cls(flat, org), "cls fake": cls(fake, trg)}


def both_losses_in_numpy(page):
    """No autograd, no torch: the two sums of the paper, term by term."""
    toy, known = Toy(), torch.ones(4).double()
    n = toy.numbers()
    got = page["d_loss"](toy.G, toy.D, toy.x, toy.org, toy.trg, known,
                         toy.alpha).item()
    want = n["fake"] - n["real"] + n["cls real"] + 10 * n["gp"]
    assert abs(got - want) < 1e-9
    for rec in (0.0, 10.0, 3.0):
        got = page["g_loss"](toy.G, toy.D, toy.x, toy.org, toy.trg, known,
                             rec).item()
        want = -n["fake"] + rec * n["rec"] + n["cls fake"]
        assert abs(got - want) < 1e-9
    assert page["g_loss"](toy.G, toy.D, toy.x, toy.org, toy.trg,
                          known).item() == page["g_loss"](
        toy.G, toy.D, toy.x, toy.org, toy.trg, known, 10.0).item()


def generator_learns_both_ways(page):
    """The slope of G's loss by differences: the way there and the way back
    both teach, D's part of it too."""
    toy, known, h = Toy(), torch.ones(4).double(), 1e-6
    at = toy.v.clone()
    toy.v = at.clone().requires_grad_()
    slope, = torch.autograd.grad(page["g_loss"](
        toy.G, toy.D, toy.x, toy.org, toy.trg, known, 3.0), toy.v)
    for j in range(4):
        both = []
        for sign in (1, -1):
            toy.v = at.clone()
            toy.v[j] += sign * h
            n = toy.numbers()
            both.append(-n["fake"] + 3 * n["rec"] + n["cls fake"])
        assert abs(slope[j].item() - (both[0] - both[1]) / 2 / h) < 1e-6


def discriminator_does_not_train_the_generator(page):
    torch.manual_seed(0)
    G, D = page["Generator"](4), page["Discriminator"](4)
    x = torch.rand(4, 3, 16, 16) * 2 - 1
    page["d_loss"](G, D, x, CARDS, CARDS[[1, 2, 3, 0]], torch.ones(4),
                   torch.full((4, 1, 1, 1), 0.3)).backward()
    assert all(p.grad is None for p in G.parameters())


def identity_at_the_start(page):
    """With the skip: G(x, c) = x to the bit, so no cycle error.  Without:
    the label is seen, the output stays inside the range of pictures."""
    torch.manual_seed(0)
    x = torch.rand(4, 3, 16, 16) * 2 - 1
    G, D = page["Generator"](4, skip=True), page["Discriminator"](4)
    assert torch.equal(G(x, CARDS), x)
    terms = [page["g_loss"](G, D, x, CARDS, CARDS[[1, 2, 3, 0]],
                            torch.ones(4), rec).item() for rec in (0.0, 9.0)]
    assert terms[0] == terms[1]
    plain = page["Generator"](4)
    y = plain(x, CARDS)
    assert y.abs().max() <= 1 and y.shape == x.shape
    assert not torch.allclose(y, plain(x, CARDS[[1, 2, 3, 0]]))


def label_by_pixels(page):
    """Loops: every pixel carries the whole label; the first layer by
    hand at an inner cell, from the definition of a convolution."""
    torch.manual_seed(0)
    G = page["Generator"](4)
    x = torch.rand(4, 3, 16, 16) * 2 - 1
    seen = []
    G.down.register_forward_hook(lambda m, i, o: seen.extend([i[0], o]))
    G(x, CARDS)
    stack, out = seen
    for n in range(4):
        for r in (0, 7, 15):
            want = x[n, :, r, 3].tolist() + CARDS[n].tolist()
            assert stack[n, :, r, 3].tolist() == want
        window = stack[n, :, 5:9, 7:11]          # cell (3, 4), stride 2
        by_hand = (G.down.weight[2] * window).sum() + G.down.bias[2]
        assert abs(out[n, 2, 3, 4] - by_hand) < 1e-5


def parameters_count(page):
    """Only the first layer knows how many labels there are: 16 w each."""
    def size(k):
        return sum(p.numel() for p in page["Generator"](k).parameters())
    assert size(5) - size(4) == size(9) - size(8) == 16 * 32
    assert size(4) == (7 * 16 * 32 + 32) + 2 * 2 * (
        9 * 32 * 32 + 2 * 32) + (16 * 32 * 3 + 3)


def watched(page, arm, steps):
    """What `step` hands to the losses, and when G moved."""
    seen, space = [], page
    d, g = space["d_loss"], space["g_loss"]

    def d_spy(G, D, x, c_org, c_trg, known, alpha):
        seen.append({"x": x, "org": c_org, "trg": c_trg, "known": known,
                     "alpha": alpha, "G": 0, "lr": {
                         state[k].param_groups[0]["lr"]
                         for k in ("D_opt", "G_opt")}})
        return d(G, D, x, c_org, c_trg, known, alpha)

    def g_spy(G, D, x, c_org, c_trg, known, lambda_rec):
        seen[-1]["G"] += 1
        seen[-1]["same"] = (torch.equal(seen[-1]["org"], c_org)
                            and torch.equal(seen[-1]["trg"], c_trg))
        return g(G, D, x, c_org, c_trg, known, lambda_rec)

    state = space["start"](arm, 1000)
    space["d_loss"], space["g_loss"] = d_spy, g_spy
    try:
        for t in range(steps):
            space["step"](state, t, 8, arm)
    finally:
        space["d_loss"], space["g_loss"] = d, g
    for k in ("D_opt", "G_opt"):
        assert state[k].param_groups[0]["betas"] == (0.5, 0.999)
    return seen


def order_of_training(page):
    """Targets are the batch's own labels in another order (so their
    histogram is that of the data); one alpha a picture; two updates of D
    to one of G; data sets by turns; the rate falls in the second half."""
    seen = watched(page, "skip", 8)
    images, c, _ = page["faces"](1000)
    for t, one in enumerate(seen):
        rows = [sorted(map(tuple, one[k].tolist())) for k in ("org", "trg")]
        assert rows[0] == rows[1]
        assert not torch.equal(one["org"], one["trg"])
        assert not torch.equal(one["org"].flip(0), one["trg"])
        assert len(one["x"].flatten(1).unique(dim=0)) > 20
        assert one["alpha"].shape == (32, 1, 1, 1)
        assert len(one["alpha"].unique()) > 16
        at = [(images == p).flatten(1).all(1).nonzero()[0, 0]
              for p in one["x"][:3]]
        assert torch.equal(c[torch.stack(at)], one["org"][:3])
        assert {int(i) // (len(c) // 2) for i in at} == {t // 2 % 2}
    assert [one["G"] for one in seen] == [0, 1] * 4
    assert all(one["same"] for one in seen if one["G"])
    assert all(len(one["lr"]) == 1 for one in seen)
    np.testing.assert_allclose([min(one["lr"]) / 1e-3 for one in seen],
                               [1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    sides = [one["known"].tolist() for one in watched(page, "joint", 8)]
    assert sides == ([[1, 1, 1, 0]] * 2 + [[0, 0, 0, 1]] * 2) * 2


def questions_have_true_answers(page):
    """One attribute changes and nothing else; `aside` holds pixels that
    the answer leaves alone; copying is wrong only where the answer moves."""
    x, c_org, c_trg, true, picture, aside = page["asked"](1000, n=40)
    _, _, factors = page["faces"](11_000, 40)
    for k in factors:
        changed = factors[k] != true[k]
        want = {"hair": [True] * 20 + [False] * 20,
                "glasses": [False] * 20 + [True] * 20}.get(k, [False] * 40)
        assert changed.tolist() == want
    assert ((c_org != c_trg).sum(1)[:20] == 2).all()
    assert ((c_org != c_trg).sum(1)[20:] == 1).all()
    assert not ((picture != x) & aside).any() and aside.any()
    copy = page["measure"](None, "copy", 1000)
    assert copy["outside"] == copy["aside"] == copy["target"] == 0
    assert copy["rest"] == 1 and copy["error"] > 0


def whole_networks_by_hand(page):
    """Both networks from torch.nn.functional alone, from their weights, at
    sizes and labels away from the defaults."""
    torch.manual_seed(3)
    x, c = torch.rand(3, 3, 16, 16) * 2 - 1, torch.rand(3, 5)
    F = torch.nn.functional
    for skip in (False, True):
        G = page["Generator"](5, skip=skip, w=6)
        for p in G.parameters():
            torch.nn.init.normal_(p, 0, 0.2)
        w = dict(G.named_parameters())
        tiled = torch.ones(3, 5, 16, 16) * c[:, :, None, None]
        h = F.conv2d(torch.cat([x, tiled], 1), w["down.weight"],
                     w["down.bias"], 2, 1).clamp(min=0)
        for k in (0, 1):
            r = h
            for conv, norm in ((0, 1), (3, 4)):
                r = F.conv2d(r, w[f"blocks.{k}.{conv}.weight"], None, 1, 1)
                mean = r.mean((2, 3), keepdim=True)
                var = r.var((2, 3), keepdim=True, unbiased=False)
                r = ((r - mean) / (var + 1e-5).sqrt()
                     * w[f"blocks.{k}.{norm}.weight"][:, None, None]
                     + w[f"blocks.{k}.{norm}.bias"][:, None, None])
                r = r.clamp(min=0) if conv == 0 else r
            h = h + r
        y = F.conv_transpose2d(h, w["up.weight"], w["up.bias"], 2, 1)
        torch.testing.assert_close(G(x, c), x + y if skip else y.tanh(),
                                   atol=1e-5, rtol=1e-4)
    D = page["Discriminator"](5, w=6)
    h = x
    for k in (0, 2, 4):
        conv = D.trunk[k]
        h = F.conv2d(h, conv.weight, conv.bias, 2, 1)
        h = torch.where(h > 0, h, h / 100)
    score, logit = D(x)
    torch.testing.assert_close(score, F.conv2d(h, D.src.weight, None, 1, 1))
    torch.testing.assert_close(logit, torch.einsum(
        "nchw,kchw->nk", h, D.cls.weight), atol=1e-5, rtol=1e-4)


def scores_by_hand(page):
    """measure() on known generators: the true answer, pixel errors anew."""
    x, c_org, c_trg, true, picture, aside = page["asked"](1001)
    real = page["translate"], page["networks"]

    class Given(torch.nn.Module):
        def load_state_dict(self, kept):
            pass

    page["networks"] = lambda *_: (Given(), None)
    try:
        for answer, back in ((picture, x), (-x, x + 0.25), (x + 0.1, x)):
            turns = [answer, back]
            given = []

            def translate(G, arm, z, c, turns=turns, given=given):
                given.append((z, c))
                return turns.pop(0)
            page["translate"] = translate
            got = page["measure"]({}, "skip", 1001)
            assert torch.equal(given[0][0], x) and given[1][0] is answer
            assert torch.equal(given[0][1], c_trg)
            assert torch.equal(given[1][1], c_org)
            gap = ((answer.clamp(-1, 1) - picture) ** 2).mean(1)
            moved = (picture != x).any(1)
            want = {"error": gap.mean(), "inside": gap[moved].mean(),
                    "outside": gap[~moved].mean(),
                    "aside": gap[aside[:, 0]].mean(),
                    "cycle": (back - x).abs().mean()}
            for name, value in want.items():
                assert abs(got[name] - float(value)) < 1e-6, name
            if answer is picture:
                assert got["error"] == 0 and got["target"] == 1 == got["rest"]
    finally:
        page["translate"], page["networks"] = real


def arms_are_what_they_are_called(page):
    """Only `official` draws anew; only `no cycle` lacks the cycle term."""
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    for arm, weight in (("official", 10), ("skip", 10), ("no cycle", 0),
                        ("joint", 10), ("zeros", 10)):
        state = page["start"](arm, 1000)
        c = torch.zeros(2, 6 if arm == "joint" else 4)
        assert torch.equal(state["G"](x, c), x) == (arm != "official")
        assert state["lambda_rec"] == weight
    assert page["start"]("skip", 1000, 0.5)["lambda_rec"] == 5


def each_half_has_its_question(page):
    """Hair is asked of the first half and glasses of the second, with the
    labels of that data set; arms have the names of the recorded runs."""
    x, c = torch.rand(6, 3, 16, 16), torch.rand(6, 4)
    for arm in ("joint", "zeros", "skip"):
        seen = page["translate"](lambda part, told: told, arm, x, c)
        want = torch.cat([page["label"](c[:3], 0, arm)[0],
                          page["label"](c[3:], 1, arm)[0]])
        assert torch.equal(seen, want)
    asked, real = [], page["recorded"]

    class Kept:
        @staticmethod
        def recall(name, arm, seed, *_, strength, steps, **__):
            asked.append((name, arm, seed, strength, steps))
    page["recorded"] = Kept
    measure, page["measure"] = page["measure"], lambda kept, arm, seed: {
        "arm": arm, "seed": seed}
    try:
        for arm in ("no skip", "skip", "no cycle", "joint", "zeros", "copy"):
            got = page["run"](arm, 3, 0.5, 7)
            assert got == {"arm": "official" if arm == "no skip" else arm,
                           "seed": 3}
    finally:
        page["recorded"], page["measure"] = real, measure
    assert asked == [("stargan", a, 3, 0.5, 7) for a in (
        "official", "skip", "no cycle", "joint", "zeros")]


ORACLES = [whole_networks_by_hand, scores_by_hand,
           arms_are_what_they_are_called, each_half_has_its_question,
           penalty_of_a_linear_critic, penalty_between_the_pictures,
           classification_by_sklearn, both_losses_in_numpy,
           generator_learns_both_ways,
           unlabelled_head_gets_no_gradient, labels_by_hand,
           discriminator_does_not_train_the_generator, identity_at_the_start,
           label_by_pixels, parameters_count, order_of_training,
           questions_have_true_answers]

D_CLS = "LAMBDA_CLS * classification_loss(logit, c_org[:, :k], known)"

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Cycle closed with the target": ("(x - G(fake, c_org))",
                                     "(x - G(fake, c_trg))"),
    "Penalty around zero": (".norm(dim=1) - 1)", ".norm(dim=1))"),
    "Penalty on real pictures": ("(alpha * real + (1 - alpha) * fake)",
                                 "(real + 0 * fake)"),
    "Penalty on the classifier": ("lambda z: D(z)[0]", "lambda z: D(z)[1]"),
    "One slope for the batch": (".flatten(1).norm(dim=1)", ".norm()"),
    "Classifier taught on fakes": (D_CLS, D_CLS + " + LAMBDA_CLS * "
                                   "classification_loss(D(fake)[1], "
                                   "c_trg[:, :k], known)"),
    "Mean over attributes": (".sum() / len(logit)", ".mean()"),
    "Unknown labels taken for zeros": ("(known * each)", "each"),
    "Mask vector of the other data set": ("torch.tensor(side), 2)",
                                          "torch.tensor(1 - side), 2)"),
    "Reals labelled with the target": (D_CLS, D_CLS.replace("c_org",
                                                            "c_trg")),
    "Sign of the score": ("-out.mean()", "out.mean()"),
    "Targets drawn with replacement": (
        "torch.randperm(BATCH, generator=rng)",
        "torch.randint(BATCH, (BATCH,), generator=rng)"),
    "Generator inside the critic's loss": ("c_trg).detach()", "c_trg)"),
    "Label on one pixel": (
        "[:, :, None, None].expand(-1, -1, *x.shape[2:])",
        "[:, :, None, None] * (torch.arange(256).view(16, 16) == 119)"),
}
TRAIN = {"arm": "joint", "seed": 1000, "steps": 4}

# strength multiplies lambda_rec: at 0 the cycle term is gone
NULL = {"arm": "skip", "baseline": "no cycle", "strength": 0.0, "steps": 8}

def small(space):
    """Four hundred faces to train on in place of three thousand."""
    real = space["faces"]
    space["faces"] = lambda seed, n=3000: real(seed, 400 if n == 3000 else n)


SMALL = small
TRACES = {"run": dict(
    arms=["no skip", "skip", "joint"], steps=4,
    updates=6, rates=[("skip", {}, 1e-3)],
    but={"start": "with the skip the last layer starts at zero, and the "
                  "mask adds channels",
         "exam": "the same faces are asked about twice, there and back"})}
EXPERIMENT = {
    "counting: each data set sees both halves": (
        "torch.randint(half, (BATCH,), generator=rng) + side * half",
        "torch.randint(2 * half, (BATCH,), generator=rng)"),
    "search: the generator's rate never falls": (
        'for name in ("G_opt", "D_opt"):', 'for name in ("D_opt",):'),
    "exam: asked about faces that it trained on": (
        "x, c_org, f = faces(10_000 + seed, n)",
        "x, c_org, f = (z[:n] if isinstance(z, torch.Tensor) else {k: v[:n] "
        "for k, v in z.items()} for z in faces(seed))"),
    "metric: the absolute error": (
        "(y.clamp(-1, 1) - picture).square()",
        "(y.clamp(-1, 1) - picture).abs()"),
    "metric: inside and outside exchanged": (
        '"inside": gap[moves].mean()', '"inside": gap[~moves].mean()'),
    "metric: the way back from the input": (
        "back = translate(G, arm, y, c_org)",
        "back = translate(G, arm, x, c_org)"),
    "rival: every arm has the skip": ('skip=arm != "official")',
                                      'skip=True)'),
    "rival: no cycle has half of it": (
        '0.0 if arm == "no cycle" else', '5.0 if arm == "no cycle" else'),
    "rival: zeros leave the unknown out": (
        'return (c * LABELLED[side] if arm == "zeros" else c), '
        'torch.ones(4)',
        'return (c * LABELLED[side] if arm == "zeros" else c), '
        'LABELLED[side]'),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n"
                                         "    return (Generator",
                                         "    torch.manual_seed(0)\n"
                                         "    return (Generator"),
    "pairing: every seed has the same batches": (
        'torch.Generator().manual_seed(seed), "lambda_rec"',
        'torch.Generator().manual_seed(0), "lambda_rec"'),
    "counting: G at every step": ("if (t + 1) % N_CRITIC == 0:", "if True:"),
    "search: another rate": ("RATE * min(1, 2 - 2 * t / steps)", "RATE / 3"),
}
NOT = {"labels": "no metric of this page reads a label that is trained on; "
                 "the answers are pictures",
       "mode": "neither network has a layer that learns and measures in two "
               "ways"}
UNKNOWN = []

WRONG = {
    "stargan-1": [("one_more = 7 * 7 * 64", "D has to read"),
                  ("one_more = 2 * 2 * 2048", "G has to be told"),
                  ("one_more = 49 * 64 + 2048", "2 by 2 cells"),
                  ("one_more = 9 * 64 + 8192", "One input channel")],
    "stargan-2": [("slopes = (1, 4)", "the mean is a share"),
                  ("slopes = (4, 4)", "smaller than the sum"),
                  ("slopes = (0.5, 2)", "number of patches"),
                  ("slopes = (0.25, 1)", "the sum is larger")],
    "stargan-3": [
        ("recolour = lambda x, c: x", "That is a copy"),
        ("recolour = lambda x, c: x.flip(3)", "of the pixels changed"),
        ("recolour = lambda x, c: x / 2", "The way back misses"),
        ("recolour = lambda x, c: x + c[:, 3, None, None, None]",
         "Stay within"),
        ("recolour = lambda x, c: x.roll(1, 1)", "The way back misses"),
    ],
    "stargan-4": [
        ("mended = suspect", "The cycle term is off"),
        ("mended = lambda G, D, x, o, t, k, r: "
         "g_loss(G, D, x, o, t, k, 0.0)", "The cycle term is off"),
        ("mended = lambda G, D, x, o, t, k, r: -D(G(x, t))[0].mean()",
         "as before"),
    ],
}
