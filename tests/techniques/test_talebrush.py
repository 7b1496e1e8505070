"""TaleBrush: oracles, mistakes, null and wrong answers."""

import math

import numpy as np
import torch


def bayes_by_enumeration(page):
    """Brute force: two joint tables over all 27 sentences of three words.
    Guidance of their mixture, word by word, must give back the first
    table; nothing of the page's derivation is used, only the tables."""
    rng = np.random.default_rng(0)
    joint = rng.dirichlet(np.ones(27) * 0.5, size=2).reshape(2, 3, 3, 3)
    for a in range(3):
        for b in range(3):
            for c in range(3):
                chain = 1.0
                for before, word in (((), a), ((a,), b), ((a, b), c)):
                    part = joint[(slice(None), *before)]     # (2, 3, ...)
                    upto = part.reshape(2, 3, -1).sum(2)     # p(x_1:t)
                    mixture = upto.sum(0) / upto.sum()       # the base
                    given = [torch.tensor(np.log(x))[None] for x in (
                        mixture, upto[0], upto[1])]
                    p = page["guide"](*given, 1, 1.0, 1.0, 0.0, 1.0)
                    chain *= p.softmax(1)[0, word].item()
                assert abs(chain - joint[0, a, b, c]) < 1e-12


def guide_by_the_words(page):
    """The formula and the filter as told in the text, one candidate at a
    time in plain Python."""
    rng = np.random.default_rng(1)
    for words, omega, filter_p, target_p in (
            (1, 1.0, 0.8, 0.8), (4, 1.0, 0.8, 0.8), (8, 30.0, 0.8, 0.8),
            (5, 3.0, 0.5, 0.6), (2, 0.0, 0.8, 0.8), (3, 1.0, 0.0, 0.8)):
        for _ in range(20):
            base, t, f = np.log(rng.dirichlet(np.ones(6), size=3))
            t, f = t * words, f * words
            # GeDi: likelihoods to the power alpha / t
            up, down = np.exp(2.5 * t / words), np.exp(2.5 * f / words)
            vote = up / (up + down)
            p = np.exp(base) * vote ** omega
            p = p / p.sum()
            gone, kept = 0.0, []
            for i in sorted(range(6), key=lambda i: vote[i]):
                gone += p[i]
                if gone >= filter_p or vote[i] >= target_p:
                    kept.append(i)
            want = np.zeros(6)
            want[kept] = p[kept] / p[kept].sum()
            got = page["guide"](*(torch.tensor(x)[None] for x in (
                base, t, f)), words, 2.5, omega, filter_p, target_p)
            np.testing.assert_allclose(got.softmax(1)[0].numpy(), want,
                                       atol=1e-9)


class Recorder:
    """A small model that notes how it is asked and answers from a table
    of log-probabilities by (code, last word)."""

    def __init__(self, table):
        self.table, self.asked = table, []
        self.scale = torch.tensor(8.0)

    def __call__(self, code, v, words, first=0):
        self.asked.append((code, v.clone(), words.clone()))
        last = torch.cat([torch.zeros_like(v[:, None]).long(), words], 1)
        return self.table[code][last][:, first:]     # (N, T + 1, 40)


def asks_only_what_it_may(page):
    """The base all but knows the next word, the next number.  So the path
    is known, and what the small model may be asked: both codes, the levels
    as drawn, the new words without the place."""
    table = torch.full((2, 40, 40), 1e-3)
    for w in range(40):
        table[page["TRUE"], w, (w + 1) % 40] = 1.0
        table[page["FALSE"], w, (w + 2) % 40] = 1.0
    table = (table / table.sum(2, keepdim=True)).log()
    gedi, v = Recorder(table), torch.tensor([10.0, 35.0, 80.0])
    step = torch.full((40, 40), -50.0)
    for w in range(40):
        step[w, w + 1 if 4 <= w < 39 else 4] = 0.0
    place = torch.tensor([[2], [0], [3]])
    text = page["write"](lambda text, first: step[text][:, first:], gedi,
                         place, v, torch.Generator().manual_seed(0))
    assert torch.equal(text[:, :1], place)
    want = torch.arange(4, page["LENGTH"] + 4).expand(3, -1)
    assert torch.equal(text[:, 1:], want)
    assert {code for code, _, _ in gedi.asked} == {page["FALSE"],
                                                   page["TRUE"]}
    for code, asked, words in gedi.asked:
        assert torch.equal(asked, v)
        assert torch.equal(words, text[:, 1:1 + words.shape[1]])


def remembers_the_sentence(page):
    """What `guide` is handed at each word is the log-likelihood of all the
    words so far and the candidate, added up here from the table."""
    table = torch.zeros(2, 40, 40)
    table[page["TRUE"], :, 1] = 3.0        # after anything: word 1
    table[page["FALSE"], :, 2] = 3.0       # after anything: word 2
    seen = []

    gedi = Recorder(table.log_softmax(2))
    original = page["guide"]

    def spy(base, true, false, words, *rest):
        seen.append((true.clone(), false.clone(), words))
        return original(base, true, false, words, *rest)

    page["guide"] = spy
    try:
        base = (lambda text, first: torch.full(
            (*text[:, first:].shape, 40), -math.log(40)))
        v = torch.full((6,), 50.0)
        text = page["write"](base, gedi, torch.zeros(6, 1).long(), v,
                             torch.Generator().manual_seed(1), 0.0, 0.0)
    finally:
        page["guide"] = original
    for t, (true, false, words) in enumerate(seen):
        assert words == t + 1
        for code, got in ((page["TRUE"], true), (page["FALSE"], false)):
            log_p = gedi.table[code]
            for row in range(6):
                said = [0, *text[row, 1:t + 1].tolist()]
                past = sum(log_p[a, b].item()
                           for a, b in zip(said, said[1:]))
                want = past + log_p[said[-1]]
                torch.testing.assert_close(got[row], want, atol=1e-5,
                                           rtol=1e-5)


def levels_like_numpy(page):
    """numpy's interp, coordinate by coordinate."""
    ends = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    v = torch.linspace(0, 100, 41)
    got = page["interpolate"](ends, v)
    for d in range(5):
        want = np.interp(v.numpy(), [0, 50, 100], ends[:, d].numpy())
        np.testing.assert_allclose(got[:, d].numpy(), want, atol=1e-6)


def loss_by_hand(page):
    """Both parts from their definitions, sentence by sentence."""
    rng = np.random.default_rng(3)
    table = torch.tensor(rng.normal(size=(2, 40, 40))).log_softmax(2)
    gedi = Recorder(table)
    gedi.scale = torch.tensor(1.7, dtype=torch.float64)
    words = torch.tensor(rng.integers(40, size=(4, 5)))
    belongs = torch.tensor([1, 0, 1, 1])
    v = torch.tensor([0.0, 50.0, 100.0, 50.0])
    generative = discriminative = 0.0
    for row, own in zip(words.tolist(), belongs.tolist()):
        mean = [np.mean([table[code, a, b].item() for a, b in zip(
            [0, *row], row)]) for code in (0, 1)]
        chosen = mean[1] if own else mean[0]
        other = mean[0] if own else mean[1]
        generative -= chosen / 4
        discriminative += math.log1p(math.exp(1.7 * (other - chosen))) / 4
    for lam in (0.0, 0.3, 0.8, 1.0):
        got = page["gedi_loss"](gedi, words, v, belongs, lam).item()
        want = lam * generative + (1 - lam) * discriminative
        assert abs(got - want) < 1e-9, (lam, got, want)


def the_judge_is_bayes(page):
    """The grammar's probabilities sum to one, and the posterior of the
    judge is that of drawn sentences: among those read as about p, the
    share that was meant as good news is about p."""
    rng = torch.Generator().manual_seed(0)
    meant = 50.0 * torch.randint(3, (6000,), generator=rng)
    text = page["draw"](meant, rng)
    for t in range(1, page["LENGTH"] + 1):
        p = page["grammar"](text[:50, :t], meant[:50]).exp().sum(1)
        torch.testing.assert_close(p, torch.ones(50))
    read = page["fortune"](text)
    for low in range(0, 100, 20):
        pick = (read >= low) & (read < low + 20)
        gap = (meant - read)[pick]
        assert abs(gap.mean()) < 4 * gap.std() / math.sqrt(int(pick.sum()))


ORACLES = [bayes_by_enumeration, guide_by_the_words,
           asks_only_what_it_may, remembers_the_sentence,
           levels_like_numpy, loss_by_hand, the_judge_is_bayes]

MISTAKES = {
    "Mirrored level": ("gedi(FALSE, v, new, -1)[:, 0]])",
                       "gedi(TRUE, 100 - v, new, -1)[:, 0]])"),
    "No vote": ("logits = base + omega * vote",
                "logits = base + 0 * omega * vote"),
    "No division": ("torch.stack([true, false], 2) / words",
                    "torch.stack([true, false], 2)"),
    "Vote for false": ("vote = votes.log_softmax(2)[..., 0]",
                       "vote = votes.log_softmax(2)[..., 1]"),
    "Forgotten sentence": ("true, false = likelihood + step",
                           "true, false = step"),
    "Gedi reads the place": ("new = text[:, 1:] ", "new = text "),
    "Ordered by the base": (
        "ascending, order = vote.sort(1)",
        "order = base.argsort(1)\n    ascending = vote.gather(1, order)"),
    "Liked words struck": ("ascending, order = vote.sort(1)",
                           "ascending, order = vote.sort(1, "
                           "descending=True)"),
    "Unweighted mass": ("mass = logits.softmax(1)",
                        "mass = base.softmax(1)"),
    "Threshold not in logs": ("ascending < math.log(target_p)",
                              "ascending < target_p"),
    "Straight mix": (
        "return (1 - low) * bad + (low - high) * neutral + high * good",
        "return bad + (low + high) / 2 * (good - bad)"),
    "Wrong code praised": ("generative = -log_p.gather(1, belongs[:, None])",
                           "generative = -log_p.gather(1, 1 - belongs[:, "
                           "None])"),
    "Weights exchanged": (
        "return lam * generative + (1 - lam) * discriminative",
        "return (1 - lam) * generative + lam * discriminative"),
    "Sum for mean": ("[..., 0].mean(1)", "[..., 0].sum(1)"),
}
TRAIN = dict(arm="guided", seed=1000, steps=3)
NULL = dict(arm="guided", baseline="unguided", strength=0.0, steps=20)

WRONG = {
    "talebrush-1": [("weighted = (0.692, 1)", "omega = 1"),
                    ("weighted = (0.405, 1)", "divide by the sum"),
                    ("weighted = (0.5, 1)", "square of its vote"),
                    ("weighted = (0.786, 2)", "The second"),
                    ("weighted = (0.786, 3)", "liked least")],
    "talebrush-2": [("class_bias = 0.0", "equally likely"),
                    ("class_bias = math.log(4)", "start behind"),
                    ("class_bias = math.log(0.2)", "prior of false"),
                    ("class_bias = -1.0", "off by")],
    "talebrush-3": [("steering = (3.0, 0.8)", "between 0 and 0.1"),
                    ("steering = (0.1, 8)", "share of probability"),
                    ("steering = (0.1, 0.0)", "Yours misses")],
    "talebrush-4": [("mended = strict", "is struck off and should stay"),
                    ("mended = lambda b, t, f, *rest: b",
                     "stays and should be struck off"),
                    ("mended = guide", "the page's own"),
                    ("mended = lambda *a: guide(*a)", "It calls `guide`"),
                    ("def mended(b, t, f, *rest):\n"
                     "    return strict(b, t, f, *rest[:-1], "
                     "math.log(0.8))", "stay"),
                    ("def mended(b, t, f, *rest):\n"
                     "    out = strict(b, t, f, *rest[:-1], "
                     "math.log(rest[-1]))\n"
                     "    return out.softmax(1)", "stay"),
                    ("def mended(b, t, f, *rest):\n"
                     "    return 1 + strict(b, t, f, *rest[:-1], "
                     "math.log(rest[-1]))", "other logits")],
}
