"""sg_opt: what its page must survive (see test_every_page.py)."""

import contextlib
import copy
import functools
import math
from collections import Counter
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import pearsonr, rankdata
from torch import nn

from tests.house import load


def draws(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64,
                       generator=torch.Generator().manual_seed(seed))


@contextlib.contextmanager
def float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def by_loops(c, h, tau):
    """The loss from its sum, one logarithm after the other."""
    def phi(u, v):
        return math.exp(float(u @ v) / math.sqrt(float(u @ u) * float(v @ v))
                        / tau)
    B, K = h.shape[:2]
    total = 0.0
    for i in range(B):
        others = sum(phi(c[i], h[j, m]) for j in range(B) if j != i
                     for m in range(K))
        for k in range(K):
            p = phi(c[i], h[i, k])
            total -= math.log(p / (p + others))
    return total / (B * K)


def loss_by_loops(page):
    for B, K, tau in ((5, 4, 0.3), (2, 1, 1.7), (3, 6, 0.05)):
        c, h = draws(1, B, 7), draws(2, B, K, 7)
        np.testing.assert_allclose(page["sg_opt_loss"](c, h, tau),
                                   by_loops(c, h, tau), rtol=1e-9)


def official(cls, cont, tau):
    """After NTXentLoss of galsang/SG-BERT: layer by layer, then tiled."""
    n, layers = len(cls), cont.size(1)
    positives, negatives = [], []
    for k in range(layers):
        s = nn.CosineSimilarity(dim=-1)(cls[:, None], cont[None, :, k])
        positives.append(s.diagonal())
        negatives.append(s[~torch.eye(n).bool()].view(n, -1))
    rest = torch.cat([torch.cat(negatives, 1)] * layers)
    logits = torch.cat([torch.cat(positives)[:, None], rest], 1) / tau
    return F.cross_entropy(logits, torch.zeros(n * layers).long())


def loss_of_the_code(page):
    c, h = draws(3, 6, 5), draws(4, 6, 3, 5)
    np.testing.assert_allclose(page["sg_opt_loss"](c, h, 0.2),
                               official(c, h, 0.2), rtol=1e-9)


def exact_parts(page):
    """InfoNCE of torch, order of sentences and layers, the collapse."""
    loss = page["sg_opt_loss"]
    c, h = draws(5, 6, 5), draws(6, 6, 4, 5)
    s = F.cosine_similarity(c[:, None], h[None, :, 0], dim=-1) / 0.3
    np.testing.assert_allclose(loss(c, h[:, :1], 0.3), F.cross_entropy(
        s, torch.arange(6)), rtol=1e-9)
    turn, other = torch.tensor([3, 0, 5, 1, 4, 2]), torch.tensor([2, 0, 3, 1])
    for same in (loss(c[turn], h[turn], 0.3), loss(c, h[:, other], 0.3),
                 loss(7 * c, h * 0.1, 0.3)):
        np.testing.assert_allclose(same, loss(c, h, 0.3), rtol=1e-9)
    assert abs(float(loss(c[turn], h, 0.3) - loss(c, h, 0.3))) > 0.01
    flat = torch.ones(16, 3, dtype=torch.float64)
    np.testing.assert_allclose(loss(flat, flat[:, None].expand(16, 13, 3),
                                    0.01), math.log(196))


def means_by_hand(page):
    h = draws(7, 3, 2, 4, 5)
    real = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]).bool()
    got = page["pooled"](h, real)
    for i, n in enumerate((4, 2, 3)):
        np.testing.assert_allclose(got[i], h[i, :, :n].numpy().mean(1))
    a, b = [draws(8, 3, 2), draws(9, 4)], [draws(10, 3, 2), draws(11, 4)]
    np.testing.assert_allclose(page["drift"](a, b), np.square(np.concatenate(
        [(x - y).numpy().ravel() for x, y in zip(a, b)])).sum())


def head_by_hand(page):
    with float64():
        torch.manual_seed(2)
        head = page["projection_head"](3, 6)
    x, w = draws(12, 2, 4, 3), [p.detach().numpy() for p in
                                head.parameters()]

    def gelu(v):
        return 0.5 * v * (1 + np.vectorize(math.erf)(v / math.sqrt(2)))
    want = gelu(gelu(x.numpy() @ w[0].T + w[1]) @ w[2].T + w[3])
    np.testing.assert_allclose(head(x).detach(), want, rtol=1e-7)
    assert len(w) == 4 and want.shape == (2, 4, 6)


def rates(steps):
    """transformers' linear schedule with a tenth of warm-up."""
    up = math.ceil(steps / 10)
    return [i / up if i < up else (steps - i) / (steps - up)
            for i in range(steps)]


def adam_by_hand(weights, grads, state, rate, betas, t):
    for w, g, m, v in zip(weights, grads, *state):
        m.mul_(betas[0]).add_((1 - betas[0]) * g)
        v.mul_(betas[1]).add_((1 - betas[1]) * g * g)
        w.data -= rate * (m / (1 - betas[0] ** t)) / (
            (v / (1 - betas[1] ** t)).sqrt() + 1e-8)


def taught(bert, head, batches, tau, lam, rate, strength, pick):
    """The whole training again: views computed once, Adam by hand."""
    def views(x):
        return torch.stack([layers[:, :k].mean(1) for layers, k in zip(
            bert(x).detach(), (x != 0).sum(1))])
    h = [views(x) for x in batches]
    student = copy.deepcopy(bert)
    mine = [p for n, p in student.named_parameters() if "embed" not in n]
    first = [p.detach().clone() for p in mine]
    both = [*mine, *head.parameters()]
    state = [[torch.zeros_like(p) for p in both] for _ in range(2)]
    for t, x in enumerate(batches):
        view = h[t] if pick is None else torch.stack(
            [h[t][i, k] for i, k in enumerate(pick[t])])[:, None]
        loss = strength * official(head(student(x)[:, -1, 0]), head(view),
                                   tau)
        loss = loss + lam * sum(((p - q) ** 2).sum()
                                for p, q in zip(mine, first))
        adam_by_hand(both, torch.autograd.grad(loss, both), state,
                     rate * rates(len(batches))[t], (0.9, 0.9), t + 1)
    return student


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def small(page, seed=0, steps=12, batch=6):
    torch.manual_seed(seed)
    bert, head = page["TinyBert"](), page["projection_head"](32, 10)
    g = torch.Generator().manual_seed(seed)
    x = page["spoken"](page["meanings"](steps * batch, g), g)
    return bert, head, x.view(steps, batch, -1)


HOW = dict(tau=0.3, lam=0.02, rate=3e-3, strength=0.6)
PICKS = None, torch.arange(72).view(12, 6) % 4


@functools.cache
def wanted():
    """What training should give on the page as it stands, computed once."""
    with float64():
        found = []
        for pick in PICKS:
            bert, head, x = small(load("sg_opt"))
            net = taught(bert, head, x, pick=pick, **HOW)
            # Not weight by weight: a key's bias changes nothing.
            with torch.no_grad():
                found.append((net(x[0]), head(bert(x[0])[:, 1, 0])))
        return found


def training_again(page):
    for pick, (want, want_head) in zip(PICKS, wanted()):
        with float64():
            bert, head, x = small(page)
            was = flat(bert)
            got = page["self_guided"](bert, head, x, pick=pick, **HOW)
            with torch.no_grad():
                np.testing.assert_allclose(got(x[0]), want, atol=1e-5)
                np.testing.assert_allclose(head(bert(x[0])[:, 1, 0]),
                                           want_head, atol=1e-5)
            assert torch.equal(flat(bert), was)      # the teacher stays
            assert not torch.equal(flat(got), was)


def weight_without_end(page):
    """The larger lambda the less drift; without contrast none at all."""
    with float64():
        bert, head, x = small(page, 1, steps=12)
        gone = []
        for lam, strength in ((0.0, 1.0), (1.0, 1.0), (1e9, 1.0), (1.0, 0.0)):
            got = page["self_guided"](bert, copy.deepcopy(head), x, tau=0.3,
                                      lam=lam, rate=1e-3, strength=strength,
                                      pick=None)
            gone.append(float((flat(got) - flat(bert)).square().sum()))
        assert gone[0] > 2 * gone[1] > 2 * gone[2]
        assert gone[2] < 0.02 * gone[0] and gone[3] == 0


def block_of_torch(page):
    """Made by others: torch's own encoder layer with one head."""
    with float64():
        torch.manual_seed(4)
        block = page["Block"](8)
        other = nn.TransformerEncoderLayer(8, 1, 16, 0.0, "gelu",
                                           batch_first=True)
        names = {"self_attn.in_proj_weight": "qkv.weight",
                 "self_attn.in_proj_bias": "qkv.bias",
                 "self_attn.out_proj.weight": "out.weight",
                 "self_attn.out_proj.bias": "out.bias",
                 "linear1.weight": "mlp.0.weight",
                 "linear1.bias": "mlp.0.bias", "linear2.weight":
                 "mlp.2.weight", "linear2.bias": "mlp.2.bias"}
        state = block.state_dict()
        other.load_state_dict({k: state[names.get(k, k)]
                               for k in other.state_dict()})
        h = draws(13, 3, 5, 8)
        real = torch.tensor([5, 3, 4])[:, None] > torch.arange(5)
        want = other(h, src_key_padding_mask=~real)
        got = block(h, real)
        for i, n in enumerate((5, 3, 4)):
            np.testing.assert_allclose(got[i, :n].detach(),
                                       want[i, :n].detach(), atol=1e-9)
        bert = page["TinyBert"]()
        x = page["spoken"](torch.tensor([[0, 1, 2, 3], [4, 5, 6, 7]]),
                           torch.Generator().manual_seed(3))
        got, now = bert(x), bert.embed.word(x) + bert.embed.place
        now = F.layer_norm(now, (32,), bert.embed.norm.weight,
                           bert.embed.norm.bias)
        for k in range(4):
            np.testing.assert_allclose(got[:, k].detach(), now.detach())
            now = bert.blocks[k](now, x != 0) if k < 3 else now


ROLE = {}


def told(page, sentence):
    """Concept of every role, read from the words; how many fillers."""
    if not ROLE:
        for r, role in enumerate(page["LEXICON"]):
            for c, pair in enumerate(role.split()):
                ROLE.update({word: (r, c) for word in pair.split("/")})
    words = [page["WORDS"][t] for t in sentence]
    n = len([w for w in words if w != "[PAD]"])
    assert words[0] == "[CLS]" and words[n:] == ["[PAD]"] * (7 - n)
    said = dict(ROLE[w] for w in words if w in ROLE)
    assert len(said) == 4 and n == 5 + len(
        [w for w in words if w in page["FILLERS"]])
    return tuple(said[r] for r in range(4)), n - 5


def language_as_told(page):
    g = torch.Generator().manual_seed(0)
    concepts = page["meanings"](3000, g)
    x = page["spoken"](concepts, g).tolist()
    means = [told(page, s) for s in x]
    assert [m for m, _ in means] == [tuple(c) for c in concepts.tolist()]
    assert len(ROLE) == 64 == len(set(page["WORDS"])) - 9
    for count, share in ((Counter(n for _, n in means), 1 / 3),
                         (Counter(t for s in x for t in s if 2 < t < 67),
                          4 / 64), (Counter(s[1] for s in x), None)):
        assert share is None or all(abs(n / 3000 - share) < 0.03
                                    for n in count.values())
    assert len({s[1] for s in x}) == 70      # any word may come first
    apart = {(a - 5 * r - b) % 8 for c, _ in means for r, a in enumerate(c)
             for b in [c[0]]}
    assert apart == {0, 1, 2, 6, 7}          # three suit a topic


def pairs_as_told(page):
    none = torch.ones(1, 7).long()
    g = torch.Generator()
    x, y, gold = page["examination"](1500, g.manual_seed(5), none)
    assert len(x) == len(y) == len(gold) == 1500
    for one, two, share in zip(*(v.tolist() for v in (x, y, gold))):
        a, b = told(page, one)[0], told(page, two)[0]
        assert share == sum(u == v for u, v in zip(a, b)) / 4
    kept = Counter(gold.tolist())
    assert set(kept) == {0, 0.25, 0.5, 0.75, 1} and kept[1.0] > 300
    for old in (x[::2], y[::2]):
        u, v, _ = page["examination"](1500, g.manual_seed(5), old)
        assert not {*map(tuple, old.tolist())} & {
            *map(tuple, torch.cat([u, v]).tolist())}


def hidden_as_told(page):
    g = torch.Generator().manual_seed(1)
    x = page["spoken"](page["meanings"](2000, g), g)
    masked, at = page["hide"](x, g)
    assert torch.equal(masked, torch.where(at, 2, x)) and not at[x < 3].any()
    assert abs(float(at[x > 2].double().mean()) - 0.4) < 0.02


def rank(u, v, gold):
    cosine = np.array([a @ b for a, b in zip(u.numpy(), v.numpy())])
    cosine = cosine / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    return pearsonr(rankdata(cosine), rankdata(gold))[0]


def judged_by_hand(page):
    with float64(), torch.no_grad():
        bert = small(page, 3)[0]
        x, y, gold = page["examination"](60, torch.Generator().manual_seed(
            2), torch.ones(1, 7).long())
        got = page["lottery"](bert, x, y, gold)
        told = [[bert(t[None])[0, :, :int((t != 0).sum())] for t in s]
                for s in (x, y)]
        assert got.shape == (4, 3) and np.isnan(got[0, 0])
        for k in range(4):
            for i, way in enumerate((lambda w: w[0], lambda w: w.mean(0),
                                     lambda w: w.max(0)[0])):
                if k or i:
                    u, v = (torch.stack([way(h[k]) for h in side])
                            for side in told)
                    np.testing.assert_allclose(got[k, i], rank(u, v, gold),
                                               atol=1e-6)


def pretraining_again(page, seed, pre, N=2560, batch=128):
    torch.manual_seed(seed)
    g, new = (torch.Generator().manual_seed(4 * seed + i) for i in (0, 1))
    bert, corpus = page["TinyBert"](), page["spoken"](page["meanings"](N, g),
                                                      g)
    read = nn.Linear(32, 73)
    both = [*bert.parameters(), *read.parameters()]
    state = [[torch.zeros_like(p) for p in both] for _ in range(2)]

    def nats(x, g):
        at = (torch.rand(x.shape, generator=g) < 0.4) & (x > 2)
        p = read(bert(torch.where(at, 2, x))[:, 3]).log_softmax(-1)
        return -p.gather(2, x[..., None])[..., 0][at].mean()
    for t in range(pre):
        x = corpus[torch.randint(N, (batch,), generator=g)]
        adam_by_hand(both, torch.autograd.grad(nats(x, g), both), state,
                     1e-2 * rates(pre)[t], (0.9, 0.999), t + 1)
    return bert, corpus, nats(page["spoken"](page["meanings"](
        1000, new), new), new).item()


def SMALL(page):
    """A fifth of the pairs that are asked for."""
    real = page["examination"]
    page["examination"] = lambda n, *rest: real(n // 5, *rest)


TINY = dict(seed=1003, strength=0.7, steps=3, batch=8, pre=4, lam=0.03,
            tau=0.5, rate=2e-2)


@functools.cache
def arms_by_hand():
    """sts, found and nats of every arm, from the text of the experiment,
    on the page as it stands: computed once."""
    page, seed, (steps, batch) = load("sg_opt"), 1003, (3, 8)
    found = {}
    with float64():
        bert, corpus, nats = pretraining_again(page, seed, 4)
        for arm in page["ARMS"]:
            g = torch.Generator().manual_seed(4 * seed + 2)
            order = torch.randperm(2560, generator=g)[:steps * batch]
            pick = torch.randint(4, (steps, batch), generator=torch.Generator(
            ).manual_seed(4 * seed + 3))
            torch.manual_seed(10 ** 5 + seed)
            head, student = nn.Identity(), bert
            if arm in ("sg-opt", "one layer", "no head"):
                if arm != "no head":
                    head = nn.Sequential(nn.Linear(32, 128), nn.GELU(),
                                         nn.Linear(128, 128), nn.GELU())
                student = taught(bert, head, corpus[order].view(
                    steps, batch, -1), 0.5, 0.03, 2e-2, 0.7,
                    pick if arm == "one layer" else None)
            g = torch.Generator().manual_seed(10 ** 6 + seed)
            x, y, gold = page["examination"](200, g, corpus)
            same = page["meanings"](100, g)
            one, two = page["spoken"](same, g), page["spoken"](same, g)
            second = two.tolist()

            def vectors(s):
                h, n = student(s), (s != 0).sum(1)
                if arm in ("mean", "all views"):
                    means = torch.stack([h[i, :, 1:k].sum(1) + h[i, :, 0]
                                         for i, k in enumerate(n)])
                    means = means / n[:, None, None]
                    return means[:, 3] if arm == "mean" else means.sum(1)
                return h[:, 3, 0]
            with torch.no_grad():
                want = rank(vectors(x), vectors(y), gold)
                if arm == "best cell":
                    want = max(w for w in page["lottery"](
                        bert, x, y, gold).ravel() if w == w)
                one, two = vectors(one), vectors(two)
                hits = sum(told(page, second[i])[0] == tuple(same[k].tolist())
                           for k, i in enumerate(F.cosine_similarity(
                               one[:, None], two[None], dim=-1).argmax(1)))
            found[arm] = want, hits / 100, nats
    return found


def arms_again(page):
    """Every arm on a seed; no two of the trained ones are alike."""
    by_hand = arms_by_hand()
    assert set(by_hand) == set(page["ARMS"])
    assert len({round(want[0], 3) for want in by_hand.values()}) == 7
    for arm, (sts, found, nats) in by_hand.items():
        with float64(), mock.patch.dict(page):
            SMALL(page)
            got = page["run"](arm, **TINY)
        assert abs(got["nats"] - nats) < 1e-5
        np.testing.assert_allclose(got["sts"], sts, atol=1e-4)
        np.testing.assert_allclose(got["found"], found, atol=0.011)


ORACLES = [loss_by_loops, loss_of_the_code, exact_parts, means_by_hand,
           head_by_hand, block_of_torch, language_as_told, pairs_as_told,
           hidden_as_told, training_again, judged_by_hand, arms_again,
           weight_without_end]

MISTAKES = {
    "Gradient into the teacher": (
        "teacher, student = copy.deepcopy(bert), copy.deepcopy(bert)\n"
        "    teacher.eval().requires_grad_(False)",
        "teacher = student = copy.deepcopy(bert)"),
    "Own views pushed away": (
        "negative = s[~own].view(B, -1).logsumexp(1, keepdim=True)   # (B, 1)"
        "\n    return F.softplus(negative - positive).mean()",
        "everyone = s.flatten(1).logsumexp(1, keepdim=True)\n"
        "    return (everyone - positive).mean()"),
    "Wrong sentence": ("h, dim=-1).flatten(0, 1)",
                       "h, dim=-1).transpose(0, 1).flatten(0, 1)"),
    "Temperature multiplied": ("@ views.T / tau)", "@ views.T * tau)"),
    "Long vectors win": ("views = F.normalize(h, dim=-1).flatten(0, 1)",
                         "views = h.flatten(0, 1)"),
    "Padding counts": ("weight = real[:, None, :, None].to(h.dtype)",
                       "weight = torch.ones_like(h[..., :1])"),
    "First word": ("c = student(x)[:, -1, 0]", "c = student(x)[:, -1, 1]"),
    "Last layer alone": ("h = pooled(teacher(x), x != PAD) ",
                         "h = pooled(teacher(x), x != PAD)[:, -1:].expand("
                         "-1, 4, -1) "),
    "Root of the drift": ("(w - v).square().sum() for",
                          "(w - v).norm() for"),
    "Words set free": ("student.embed.requires_grad_(False)",
                       "student.embed.requires_grad_(True)"),
    "Head without training": ("[*weights, *head.parameters()], rate",
                              "[*weights], rate"),
    "Last GELU forgotten": ("nn.Linear(wide, wide), nn.GELU())",
                            "nn.Linear(wide, wide))"),
    "Slow averages": ("betas=(0.9, 0.9)", "betas=(0.9, 0.999)"),
    "No warm-up": ("lambda i: i / up if i < up else (steps",
                   "lambda i: 1.0 if i < up else (steps"),
}
TRAIN = dict(arm="one layer", seed=1000, steps=3, batch=8, pre=2)
NULL = dict(arm="sg-opt", baseline="cls", strength=0.0, steps=4, batch=8,
            pre=2)
UNKNOWN = []
TRACES = {"run": dict(arms=["sg-opt", "one layer"], steps=2, batch=16, pre=2,
                      updates=4)}


def scramble(page):
    """Gold similarities are dealt anew among the examination's pairs."""
    real = page["examination"]

    def examination(n, *rest):
        x, y, gold = real(5 * n, *rest)          # see SMALL: all the pairs
        return x, y, gold[torch.randperm(len(gold), generator=torch.Generator(
            ).manual_seed(7))]
    page["examination"] = examination


CHANCE = dict(scramble=scramble, metric="sts", chance=0.0, room=0.1,
              arm="sg-opt", seed=1000, steps=15, pre=10)
EXPERIMENT = {
    "exam: pairs of the corpus are kept": (
        "not {tuple(u), tuple(v)} & old", "True"),
    "labels: only the concepts that were kept count as equal": (
        "(a == b)[new][:n].float().mean(1)",
        "(kept[new][:n, 0] / ROLES)"),
    "metric: a distance in place of the cosine": (
        "spearmanr(F.cosine_similarity(u, v, dim=-1), gold)",
        "spearmanr((u - v).norm(dim=-1), gold)"),
    "metric: the inner product": (
        "F.cosine_similarity(u, v, dim=-1), gold", "(u * v).sum(-1), gold"),
    "metric: the maximum sees the padding": (
        "h.masked_fill(\n            no, -1e9).amax(2)", "h.amax(2)"),
    "metric: the nearest of the other side": (
        "F.normalize(two).T).argmax(1)", "F.normalize(two).T).argmax(0)"),
    "rival: the mean of the first block": ("return views[:, -1] if",
                                           "return views[:, 1] if"),
    "rival: all views without the words": ("else views.mean(1)",
                                           "else views[:, 1:].mean(1)"),
    "rival: the worst cell": ("np.nanmax(lottery", "np.nanmin(lottery"),
    "rival: one layer has all": ('pick if arm == "one layer" else',
                                 'pick if arm == "a layer" else'),
    "rival: the last layer is never drawn": ("torch.randint(4, (steps, batch)",
                                             "torch.randint(3, (steps, batch)"),
    "rival: no head has one": ('nn.Identity() if arm == "no head"',
                               'nn.Identity() if arm == "no hat"'),
    "pairing: pre-training of every seed": (
        "torch.manual_seed(seed)\n    g, new", "torch.manual_seed(0)\n"
        "    g, new"),
    "pairing: sentences of every seed": (
        "manual_seed(4 * seed + i) for i in (0, 1))",
        "manual_seed(i) for i in (0, 1))"),
    "pairing: the order of an arm": (
        "manual_seed(4 * seed + i) for i in (2, 3))",
        "manual_seed(4 * seed + i + 9 * len(arm)) for i in (2, 3))"),
    "counting: a pre-training step too few": ("for _ in range(pre):",
                                              "for _ in range(pre - 1):"),
    "counting: a batch too few": (
        "corpus[order].view(steps, batch, -1), tau",
        "corpus[order].view(steps, batch, -1)[1:], tau"),
    "search: what is set is ignored": ("**{**BEST[arm], **settings}",
                                       "**{**settings, **BEST[arm]}"),
    "search: the penalty is not handed on": (
        "batch, lam=lam,", "batch, lam=1e-3,"),
}
NOT = {"mode": "no layer of the network behaves differently in training"}

WRONG = {
    "sg_opt-1": [("terms, logarithms = 208, 208", "other views"),
                 ("terms, logarithms = 195, 208", "positive stands"),
                 ("terms, logarithms = 16, 208", "All views of 15"),
                 ("terms, logarithms = 196, 16", "13 positives"),
                 ("terms, logarithms = 196, 195", "One logarithm")],
    "sg_opt-2": [("collapsed = 0", "alike"),
                 ("collapsed = math.log(16)", "has 13"),
                 ("collapsed = math.log(208)", "no negatives"),
                 ("collapsed = 196", "is the same")],
    "sg_opt-3": [("weight = 0", "still gains"),
                 ("weight = 0.001", "still gains"),
                 ("weight = -1", "not negative")],
    "sg_opt-4": [("mended = suspect", "which views"),
                 ("mended = lambda c, h, tau: sg_opt_loss(c, h, 1.0)",
                  "which views"),
                 ("mended = lambda c, h, tau: sg_opt_loss(c, h[:, :1], tau)",
                  "which views")],
}
OPEN = {"sg_opt-3": "every weight that is large enough holds the student"}
