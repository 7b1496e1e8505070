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

    def spy(base, true, false, words, *rest):
        seen.append((true.clone(), false.clone(), words))
        return page["guide"](base, true, false, words, *rest)

    def base(text, first):
        return torch.full((*text[:, first:].shape, 40), -math.log(40))
    text = page["write"](base, gedi, torch.zeros(6, 1).long(),
                         torch.full((6,), 50.0),
                         torch.Generator().manual_seed(1), 0.0, 0.0,
                         steer=spy)
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


def networks_in_numpy(page):
    """Both networks away from their defaults, weights copied, position by
    position in plain NumPy."""
    torch.manual_seed(0)
    small, gedi = page["Writer"](width=7, size=5), page["Gedi"]()
    rng = np.random.default_rng(4)
    words = rng.integers(40, size=(3, 6))
    v = np.array([10.0, 50.0, 85.0])

    def by_hand(net, x):
        w = {k: p.detach().double().numpy()
             for k, p in net.named_parameters()}
        out = []
        for n in range(len(x)):
            for t in range(x.shape[1]):
                seen = w["bias"][t] + sum(x[n, s] @ w["view"][s]
                                          for s in range(t + 1))
                h = w["top.1.weight"] @ np.maximum(seen, 0) + w["top.1.bias"]
                h = w["top.3.weight"] @ np.maximum(h, 0) + w["top.3.bias"]
                out.append(h - np.log(np.exp(h).sum()))
        return np.array(out).reshape(*x.shape[:2], 40)

    given = torch.tensor(words)
    with torch.no_grad():
        for p in (*small.parameters(), *gedi.parameters()):
            p.add_(0.1 * torch.randn(p.shape))
        np.testing.assert_allclose(
            small(given), by_hand(small, small.word(given).double().numpy()),
            atol=1e-5)
        for code in (page["FALSE"], page["TRUE"]):
            ends = gedi.level.weight.numpy()
            level = np.stack([[np.interp(x, [0, 50, 100], e) for e in ends.T]
                              for x in v])
            head = np.stack([np.tile(gedi.code.weight[code], (3, 1)), level],
                            1)
            x = np.concatenate([head, gedi.word(given).numpy()], 1)
            want = by_hand(gedi, x.astype(float))[:, 1:]
            asked = torch.tensor(v).float()
            np.testing.assert_allclose(gedi(code, asked, given), want,
                                       atol=1e-5)
            np.testing.assert_allclose(gedi(code, asked, given, -1),
                                       want[:, -1:], atol=1e-5)


def rivals_by_hand(page):
    """Every arm against a few lines that call neither `sentences` nor
    `alone`: what is kept, at which temperature, of how many."""
    rng = np.random.default_rng(5)
    step = torch.tensor(rng.normal(size=(40, 40)) * 2).log_softmax(1)
    gedi = Recorder(torch.tensor(rng.normal(size=(2, 40, 40))).log_softmax(2))
    v, place = page["heights"](1003, 40)

    def base(text, first=0):
        return step[text][:, first:]

    def seeded():
        return torch.Generator().manual_seed(9)

    def chain(logits, made):
        text = place
        for _ in range(page["LENGTH"]):
            word = torch.multinomial(logits(text).softmax(1), 1,
                                     generator=made)
            text = torch.cat([text, word], 1)
        return text

    def likeliest(text):
        last = text[:, -1] if text.shape[1] > 1 else 0 * place[:, 0]
        out = gedi.table[page["TRUE"]][last] / 0.7
        for row in out:
            chance, held = row.softmax(0).tolist(), 0.0
            for i in sorted(range(40), key=lambda i: -chance[i]):
                if held >= 0.8:
                    row[i] = -1e4
                held += chance[i]
        return out

    made = seeded()
    tries = [chain(lambda text: step[text[:, -1]], made) for _ in range(3)]
    far = [(page["fortune"](text) - v).abs().tolist() for text in tries]
    best = [min(range(3), key=lambda k: far[k][n]) for n in range(40)]
    want = {
        "unguided": tries[0],
        "three": torch.stack([tries[k][n] for n, k in enumerate(best)]),
        "cold": chain(lambda text: 5 * step[text[:, -1]], seeded()),
        "direct": chain(likeliest, seeded()),
        "vote": page["write"](base, gedi, place, v, seeded(), 1.0, 0.0),
        "filter": page["write"](base, gedi, place, v, seeded(), 0.0, 0.8),
        "guided": page["write"](base, gedi, place, v, seeded(), 1.0, 0.8)}
    assert set(want) == set(page["ARMS"])
    for arm, text in want.items():
        got = page["sentences"](arm, base, gedi, place, v, seeded())
        assert torch.equal(got, text), arm
    assert all(torch.equal(asked, v) for _, asked, _ in gedi.asked)


def measured_by_hand(page):
    """Four known sentences, two of them equal and one against the grammar;
    a base that gives every word one chance in forty."""
    text = torch.tensor([[0, 4, 6, 11, 15, 18, 24, 30, 32]] * 2
                        + [[1, 5, 10, 12, 16, 23, 29, 31, 39],
                           [1, 4, 10, 12, 16, 23, 29, 31, 4]])
    v = torch.tensor([100.0, 0.0, 50.0, 0.0])
    read = page["fortune"](text)
    got = page["measure"](lambda x: torch.full((*x.shape, 40),
                                               -math.log(40)), text, v)
    gaps = [abs(a - b) for a, b in zip(read.tolist(), v.tolist())]
    assert max(gaps) > 50 > min(gaps)
    assert abs(got["error"] - sum(gaps) / 4) < 1e-4
    assert got["distinct"] == 0.75 and abs(got["slips"] - 0.25) < 1e-6
    assert abs(got["surprise"] - math.log(40)) < 1e-5
    want = np.corrcoef(v.numpy(), read.numpy())[0, 1]
    assert abs(got["correlation"] - want) < 1e-5


def a_line_is_as_asked(page):
    """All 21 heights and four places, each about as often as the others."""
    v, place = page["heights"](1005, 8400)
    counts = torch.bincount((v / 5).long(), minlength=21)
    assert len(counts) == 21 and (counts - 400).abs().max() < 100
    assert (torch.bincount(place[:, 0]) - 2100).abs().max() < 200


ORACLES = [bayes_by_enumeration, guide_by_the_words,
           asks_only_what_it_may, remembers_the_sentence,
           levels_like_numpy, loss_by_hand, the_judge_is_bayes,
           networks_in_numpy, rivals_by_hand, measured_by_hand,
           a_line_is_as_asked]

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


def small(space):
    """A hundred heights to write for; three hundred sentences to learn
    from, again and again."""
    lines, real = space["heights"], space["draw"]
    space["heights"] = lambda seed, count=1000: lines(seed, min(count, 100))

    def draw(v, rng):
        text = real(v[:300], rng)
        return text.repeat(len(v) // len(text) + 1, 1)[:len(v)]
    space["draw"] = draw


def scramble(space):
    """The sentences were drawn at other fortunes than their labels say."""
    real = space["draw"]
    space["draw"] = lambda v, rng: real(v[torch.randperm(len(v))], rng)


SMALL = small
TRACES = {"run": dict(
    arms=["unguided", "cold", "three", "direct", "vote", "filter", "guided"],
    steps=3, updates=7, rates=[("guided", {}, 1e-2)],
    but={"test": "every arm is judged on what it writes itself",
         "every test": "what is noted first is one of four places",
         "exam": "what is noted first is the level, and 0, 50 and 100 are "
                 "learned and asked"})}
CHANCE = dict(scramble=scramble, metric="correlation", chance=0.0, room=0.4,
              arm="guided", seed=1000, steps=60)
EXPERIMENT = {
    "exam: the heights come from the draws of training": (
        "manual_seed(10_000 + seed)", "manual_seed(seed)"),
    "metric: the gap has a sign": ("(got - v).abs().mean().item(),",
                                   "(got - v).mean().item(),"),
    "metric: different words for sentences": (
        "len(text.unique(dim=0)) / len(text)",
        "len(text.unique()) / text.numel()"),
    "metric: likelihood for surprise": (
        '"surprise": -per_word(', '"surprise": per_word('),
    "metric: one word that fits is enough": (
        "(SLOT[text[:, 1:]] == torch.arange(LENGTH)).all(1)",
        "(SLOT[text[:, 1:]] == torch.arange(LENGTH)).any(1)"),
    "rival: two of three": ("range(3 if arm", "range(2 if arm"),
    "rival: the farthest is kept": ("gap.argmin(0)", "gap.argmax(0)"),
    "rival: direct asks for anything else": (
        "gedi(TRUE, v, text[:, 1:], -1)[:, 0] / cold",
        "gedi(FALSE, v, text[:, 1:], -1)[:, 0] / cold"),
    "rival: direct without its level": (
        "gedi(TRUE, v, text[:, 1:], -1)[:, 0] / cold",
        "gedi(TRUE, 50 + 0 * v, text[:, 1:], -1)[:, 0] / cold"),
    "rival: a word too few in top-p": ("ascending.cumsum(1) < 1 - top_p",
                                       "ascending.cumsum(1) - ascending < "
                                       "1 - top_p"),
    "rival: the filter has a weight": ('"filter": (0.0, 0.8)',
                                       '"filter": (1.0, 0.8)'),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "pairing: every seed has the same batches": (
        "rng = torch.Generator().manual_seed(seed)\n    base, gedi",
        "rng = torch.Generator().manual_seed(0)\n    base, gedi"),
    "pairing: every seed has the same heights": (
        "manual_seed(10_000 + seed)", "manual_seed(10_000)"),
    "counting: the best height is left out": ("torch.randint(21,",
                                              "torch.randint(20,"),
    "counting: the small model learns less": ("steps + steps // 3)",
                                              "steps)"),
    "search: the temperature is ignored": ("[:, 0] / cold, top_p)",
                                           "[:, 0], top_p)"),
    "search: another rate": ("torch.optim.Adam(parameters, 1e-2,",
                             "torch.optim.Adam(parameters, 1e-3,"),
}
NOT = {"labels": "the level is what the small model is given, by design",
       "mode": "no layer of these networks knows a training mode"}

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
