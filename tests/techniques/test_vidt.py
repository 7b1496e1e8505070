"""ViDT: what its page must survive (see test_every_page.py)."""

import functools
import itertools
import math
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F


# ---------------------------------- the same network, written anew, no windows

@functools.cache
def may_meet(H, w, shift):
    """By coordinates: in one window of the shifted grid, not round the
    border."""
    def cell(i):       # the strip of a shifted map in which row i lies
        return (i - shift) // w if i >= shift else -1
    n = range(H * H)
    return torch.tensor([[cell(a // H) == cell(b // H)
                          and cell(a % H) == cell(b % H) for b in n]
                         for a in n])


@functools.cache
def place(H, C):
    """Sines of rows, then of columns, one number at a time."""
    out, n = torch.zeros(H * H, C, dtype=torch.float64), C // 2
    for p, c in itertools.product(range(H * H), range(C)):
        at = p // H if c < n else p % H
        angle = 2 * math.pi * (at + 1) / (H + 1e-6) / 10_000 ** (
            2 * (c % n // 2) / n)
        out[p, c] = math.sin(angle) if c % 2 == 0 else math.cos(angle)
    return out


def dense(b, t, code, H, h, w, shift, seen, everyone=False):
    """A block as one attention of (P + D) queries on (P + m + D) keys,
    from its weights b, by torch's own function and a mask."""
    def lin(name, x):
        return F.linear(x, b[name + ".weight"], b[name + ".bias"])

    def norm(name, x):
        return F.layer_norm(x, x.shape[-1:], b[name + ".weight"],
                            b[name + ".bias"])
    P, C, D = H * H, t.shape[2], code.shape[1]
    z = norm("norm1", t)
    x, det = z[:, :P], z[:, P:] + lin("code", code)
    look = (x + place(H, C).to(x))[:, :seen]
    m = look.shape[1]
    q, k, v = (y.unflatten(2, (h, -1)).transpose(1, 2) for y in lin(
        "qkv", torch.cat([x, look, det], 1)).chunk(3, 2))
    bias = torch.full((h, P + D, P + m + D), -math.inf, dtype=t.dtype)
    table = b["table"]
    i, j = may_meet(H, w, shift).nonzero(as_tuple=True)
    row, column = ((a - shift) % H % w - (c - shift) % H % w
                   for a, c in ((i // H, j // H), (i % H, j % H)))
    row = (row + w - 1) * (2 * w - 1) + column + w - 1
    bias[:, i, j] = table[row].T
    bias[:, P:, P:] = 0
    q = torch.cat([q[:, :, :P], q[:, :, P + m:]], 2)
    if everyone:
        q = torch.cat([lin("qkv", look).chunk(3, 2)[0].unflatten(
            2, (h, -1)).transpose(1, 2), q[:, :, P:]], 2)
        bias[:], bias[..., :P] = 0, -math.inf
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    t = t + lin("proj", y.transpose(1, 2).flatten(2))
    return t + lin("mlp.2", F.gelu(lin("mlp.0", norm("norm2", t))))


def merged(b, t, D):
    H = math.isqrt(t.shape[1] - D)
    x = t[:, :-D].unflatten(1, (H, H))
    rows = [torch.cat([x[:, 2 * r, 2 * c], x[:, 2 * r + 1, 2 * c],
                       x[:, 2 * r, 2 * c + 1], x[:, 2 * r + 1, 2 * c + 1]],
                      1) for r in range(H // 2) for c in range(H // 2)]
    rows += [torch.cat([t[:, -D + i]] * 4, 1) for i in range(D)]
    z = torch.stack(rows, 1)
    return F.linear(F.layer_norm(z, z.shape[-1:], b["norm.weight"],
                                 b["norm.bias"]), b["reduction.weight"])


def part(weights, name):
    return {k[len(name) + 1:]: v for k, v in weights.items()
            if k.startswith(name + ".")}


def detector(weights, x, seen, h=2, w=2, everyone=False):
    """The whole network from its weights: patches by unfold."""
    e = weights
    z = F.unfold(x, 3, stride=3).mT @ e["embed.weight"].flatten(1).T
    z = F.layer_norm(z + e["embed.bias"], z.shape[-1:], e["norm0.weight"],
                     e["norm0.bias"])
    D = e["det"].shape[1]
    t = torch.cat([z, e["det"].expand(len(x), -1, -1)], 1)
    for i in range(4):
        if i == 2:
            t = merged(part(e, "merge"), t, D)
        t = dense(part(e, f"blocks.{i}"), t, e["code"], 4 >> i // 2,
                  h << i // 2, w, i % 2 * (w // 2), seen[i // 2], everyone)
    det = F.layer_norm(t[:, -D:], t.shape[-1:], e["norm.weight"],
                       e["norm.bias"])
    box = F.linear(det, e["box.0.weight"], e["box.0.bias"]).clamp(min=0)
    box = F.linear(box, e["box.2.weight"], e["box.2.bias"])
    return (F.linear(det, e["name.weight"], e["name.bias"]),
            1 / (1 + (-box).exp()))


def blocks_by_mask(page):
    """RAM in its block: other sizes, shifts, heads, codes and some of the
    patches in view; all weights random."""
    for H, w, shift, h, seen, C, code in (
            (4, 2, 1, 2, 16, 8, 5), (6, 3, 1, 4, 36, 16, 3),
            (6, 3, 2, 1, 7, 8, 4), (6, 2, 0, 2, 0, 12, 2)):
        torch.manual_seed(H + shift + seen)
        block = page["Block"](C, H, h, w, shift, code).double()
        for p in block.parameters():
            torch.nn.init.normal_(p, std=0.5)
        t = torch.randn(2, H * H + 3, C, dtype=torch.float64)
        det = torch.randn(1, 3, code, dtype=torch.float64)
        with torch.no_grad():
            got = block(t, det, seen)
            want = dense(block.state_dict(), t, det, H, h, w, shift, seen)
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def merging_by_hand(page):
    torch.manual_seed(7)
    merge = page["PatchMerging"](3).double()
    for p in merge.parameters():
        torch.nn.init.normal_(p)
    t = torch.randn(2, 16 + 2, 3, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(merge(t, 2), merged(merge.state_dict(), t,
                                                       2))


def who_can_move_whom(page):
    """Shares no derivation: set a token to something else, and see which
    others become another."""
    H, w, D = 4, 2, 2
    for shift, seen in ((0, 16), (1, 16), (1, 0), (0, 5)):
        torch.manual_seed(shift + seen)
        block = page["Block"](8, H, 2, w, shift, 4).double()
        t = torch.randn(1, 18, 8, dtype=torch.float64)
        code = torch.randn(1, D, 4, dtype=torch.float64)
        inside = may_meet(H, w, shift)
        with torch.no_grad():
            before = block(t, code, seen)[0]
            for j in range(18):
                other = t.clone()
                other[0, j] = torch.randn(8, dtype=torch.float64)
                moved = (block(other, code, seen)[0] - before).abs().amax(1)
                for i in range(18):
                    want = (j >= 16 or j < seen) if i >= 16 else (
                        j < 16 and bool(inside[i, j]))
                    assert (moved[i] > 1e-9) == (want or i == j), (i, j)


# ------------------------------------------------------------ the experiment

def counted_in_pixels(page):
    """IoU and GIoU of boxes on a grid, by counting its pixels."""
    rng = np.random.default_rng(0)
    at = np.arange(40)
    for _ in range(60):
        boxes, marks, ends = [], [], []
        for _ in range(2):
            w, h = rng.integers(2, 20, 2)
            x, y = rng.integers(0, 40 - w), rng.integers(0, 40 - h)
            boxes.append([(x + w / 2) / 40, (y + h / 2) / 40, w / 40, h / 40])
            marks.append(((at >= y) & (at < y + h))[:, None]
                         & ((at >= x) & (at < x + w)))
            ends.append((x, y, x + w, y + h))
        a, b = marks
        iou = (a & b).sum() / (a | b).sum()
        (p, q, r, s), (t, u, v, z) = ends
        hull = (max(r, v) - min(p, t)) * (max(s, z) - min(q, u))
        got = page["overlap"](*torch.tensor(boxes).float())
        np.testing.assert_allclose(
            [float(g) for g in got],
            [iou, iou - (hull - (a | b).sum()) / hull], atol=1e-5)


def ious(a, b):
    """IoU and GIoU of two boxes, as numbers."""
    (al, ah), (bl, bh) = (([c[i] - c[i + 2] / 2 for i in (0, 1)],
                           [c[i] + c[i + 2] / 2 for i in (0, 1)])
                          for c in (a, b))
    both = math.prod(max(0.0, min(ah[i], bh[i]) - max(al[i], bl[i]))
                     for i in (0, 1))
    union = a[2] * a[3] + b[2] * b[3] - both
    hull = math.prod(max(ah[i], bh[i]) - min(al[i], bl[i]) for i in (0, 1))
    return both / union, both / union - (hull - union) / hull


def best(p, boxes, colours, truth):
    """The best assignment of one image, by trying them all."""
    n = sum(c >= 0 for c in colours)

    def cost(tokens):
        return sum(5 * sum(abs(u - v) for u, v in zip(boxes[t], truth[j]))
                   - 2 * ious(boxes[t], truth[j])[1] - 2 * p[t][colours[j]]
                   for j, t in enumerate(tokens))
    return min(itertools.permutations(range(len(boxes)), n), key=cost)


def some_answers(page, n, seed):
    g = torch.Generator().manual_seed(seed)
    x, colour, truth = page["scenes"](n, g)
    scores = 2 * torch.randn(n, 4, 4, generator=g)
    boxes = (truth.repeat(1, 2, 1) + 0.15 * torch.randn(
        n, 4, 4, generator=g)).clamp(0.05, 0.95)
    return scores, boxes, colour, truth


def matched_by_trying_all(page):
    """Matching, loss and measures, from all 12 assignments."""
    scores, boxes, colour, truth = some_answers(page, 60, 3)
    p = scores.double().softmax(2).tolist()
    token = page["match"](scores, boxes, colour, truth)
    names, weights, box, iou, named = 0.0, 0.0, [], [], []
    for i in range(60):
        b, c, t = boxes[i].tolist(), colour[i].tolist(), truth[i].tolist()
        tokens = best(p[i], b, c, t)
        assert token[i].tolist() == [*tokens, *[-1] * (2 - len(tokens))]
        for k in range(4):
            kind = c[tokens.index(k)] if k in tokens else 3
            weight = 0.3 if kind == 3 else 1.0
            names -= weight * math.log(p[i][k][kind])
            weights += weight
        for j, k in enumerate(tokens):
            one, wide = ious(b[k], t[j])
            box.append(5 * sum(abs(u - v) for u, v in zip(b[k], t[j]))
                       + 2 * (1 - wide))
            iou.append(one)
            named.append(max(range(4), key=p[i][k].__getitem__) == c[j])
    loss = page["loss"](scores, boxes, colour, truth).item()
    assert abs(loss - names / weights - np.mean(box)) < 1e-4
    got = page["measure"](scores, boxes, colour, truth)
    want = {"iou": np.mean(iou), "named": np.mean(named), "found": np.mean(
        [n and i >= 0.5 for n, i in zip(named, iou)])}
    assert got.keys() == want.keys()
    for key in want:
        assert abs(got[key] - want[key]) < 1e-5, key


def scenes_are_what_they_say(page):
    """Without noise, boxes and colours draw the images again."""
    with mock.patch.dict(page, NOISE=0.0):
        x, colour, truth = page["scenes"](400, torch.Generator().manual_seed(
            4))
    again = torch.zeros_like(x)
    for i in range(400):
        for k, (a, b, w, h) in zip(colour[i].tolist(), (
                12 * truth[i]).tolist()):
            if k >= 0:
                rows = slice(round(b - h / 2), round(b + h / 2))
                columns = slice(round(a - w / 2), round(a + w / 2))
                assert not again[i, :, rows, columns].any()
                assert 3 <= round(w) <= 6 and 3 <= round(h) <= 6
                again[i, k, rows, columns] = 1
    assert torch.equal(again, x)
    assert (colour[:, 0] >= 0).all()
    assert 0.3 < (colour[:, 1] >= 0).float().mean() < 0.6
    assert colour[:, 0].bincount().min() > 90


def the_experiment_anew(page):
    """Every arm again: own network, own matching by trying all, own loop
    and schedule; the answers on the exam agree."""
    looks = {"none": (0, 0), "first": (16, 0), "last": (0, 4),
             "all": (16, 4), "global": (16, 4), "prior": (0, 0)}
    assert [*page["LOOKS"]] == ["prior", "none", "first", "last", "all",
                                "global"]
    g = torch.Generator().manual_seed(1003)
    learn, exam = page["scenes"](2000, g), page["scenes"](500, g)
    after = g.get_state()
    for arm, seen in looks.items():
        lr = 0.005 if arm == "first" else None
        with mock.patch.dict(page, measure=lambda *all_: all_):
            theirs = page["run"](arm, 1003, steps=3, lr=lr)
        g.set_state(after)
        for a, b in zip(theirs[2:], exam[1:]):
            assert torch.equal(a, b), arm
        torch.manual_seed(1003)
        if arm == "prior":
            free = {"all": torch.randn(1, 4, 8) / 2}
        else:
            free = {k: v.clone() for k, v in
                    page["Detector"]().state_dict().items()}
        for v in free.values():
            v.requires_grad_()

        def answer(x, arm=arm, free=free, seen=seen):
            if arm == "prior":
                z = free["all"].expand(len(x), -1, -1)
                return z[..., :4], z[..., 4:].sigmoid()
            return detector(free, x, seen, everyone=arm == "global")
        rate = lr or {"prior": 0.08, "first": 1.6e-2}.get(arm, 0.008)
        first, second = ({k: torch.zeros_like(v) for k, v in free.items()}
                         for _ in range(2))
        for step in range(3):
            i = torch.randint(2000, (32,), generator=g)
            x, colour, truth = (part[i] for part in learn)
            for v in free.values():
                v.grad = None
            scores, boxes = answer(x)
            page["loss"](scores, boxes, colour, truth).backward()
            grads = {k: v.grad for k, v in free.items()
                     if v.grad is not None}
            size = math.sqrt(sum(float((d.double() ** 2).sum())
                                 for d in grads.values()))
            now = one_cycle(step, 3, rate)
            with torch.no_grad():
                for k, d in grads.items():
                    d = d * min(1.0, 1.0 / (size + 1e-6))
                    b1 = momentum(step, 3)
                    free[k] *= 1 - now * 1e-4
                    first[k].mul_(b1).add_(d, alpha=1 - b1)
                    second[k].mul_(0.999).add_(d * d, alpha=0.001)
                    a = first[k] / (1 - b1 ** (step + 1))
                    s = (second[k] / (1 - 0.999 ** (step + 1))).sqrt()
                    free[k] -= now * a / (s + 1e-8)
        with torch.no_grad():
            mine = answer(exam[0])
        for a, b in zip(mine, theirs):
            assert (a - b).abs().mean() < 2e-3, (arm, (a - b).abs().mean())


def one_cycle(step, steps, rate):
    """Up from a 25th along a cosine in a tenth of the steps, then down."""
    top = 0.1 * steps - 1
    low, last = rate / 25, rate / 25 / 1e4
    if step <= top:
        return rate + (low - rate) * (1 + math.cos(
            math.pi * step / top)) / 2
    return last + (rate - last) * (1 + math.cos(
        math.pi * (step - top) / (steps - 1 - top))) / 2


def momentum(step, steps):
    """Adam's first beta goes the other way, from 0.95 to 0.85 and back."""
    top = 0.1 * steps - 1
    if step <= top:
        return 0.85 + 0.1 * (1 + math.cos(math.pi * step / top)) / 2
    return 0.95 - 0.1 * (1 + math.cos(
        math.pi * (step - top) / (steps - 1 - top))) / 2


ORACLES = [blocks_by_mask, merging_by_hand, who_can_move_whom,
           counted_in_pixels, matched_by_trying_all, scenes_are_what_they_say,
           the_experiment_anew]

WINDOWS = ("    q, k, v = heads(to_windows(x, w))              "
           "# (B, HW / w², h, w², d)")
MISTAKES = {
    "Patches look back": (WINDOWS, WINDOWS + """
    _, more_k, more_v = (y[:, None].expand(-1, k.shape[1], -1, -1, -1)
                         for y in heads(det))
    k, v = torch.cat([k, more_k], 3), torch.cat([v, more_v], 3)
    bias = F.pad(bias, (0, det.shape[1]))"""),
    "Two softmaxes": (
        "    k, v = torch.cat([seen_k, k], 2), torch.cat([seen_v, v], 2)\n"
        "    return torch.cat([patch.flatten(1, 2), attend(q, k, v)], 1)",
        "    both = attend(q, seen_k, seen_v) + attend(q, k, v)\n"
        "    return torch.cat([patch.flatten(1, 2), both], 1)"),
    "Tokens interleaved": ("det.repeat(1, 1, 4)",
                           "det.repeat_interleave(4, 2)"),
    "Open border": ("torch.where(apart, -torch.inf, 0.0)",
                    "torch.where(apart, 0.0, 0.0)"),
    "Rolled on": ("patch = patch.roll((shift, shift)",
                  "patch = patch.roll((-shift, -shift)"),
    "Place in the windows": ("torch.cat([x, look[:, :seen], det], 1)",
                             "torch.cat([look, look[:, :seen], det], 1)"),
    "Place shifted": ("look = x + self.sines ",
                      "look = x + self.sines.roll(1, 0) "),
    "No place": ("look = x + self.sines ", "look = x "),
    "Scale forgotten": (" / q.shape[-1] ** 0.5 + bias", " + bias"),
    "Merged by columns": ("for c in (0, 1) for r in (0, 1)]",
                          "for r in (0, 1) for c in (0, 1)]"),
}
TRAIN = dict(arm="all", seed=1000, steps=3)
SETTINGS = {
    "attend": (lambda space, **s: space["attend"](*torch.randn(
        3, 1, 1, 3, 2, generator=torch.Generator().manual_seed(0)), **s),
        {"bias": torch.eye(3)}),
    "ram": (lambda space, **s: space["ram"](*(
        y.unflatten(1, shape) for y, shape in zip(torch.randn(
            1, 24, 3, 1, 4, generator=torch.Generator().manual_seed(
                1)).split([16, 4, 4], 1), ((4, 4), (4,), (4,)))), 2, **s),
        {"bias": torch.eye(4), "shift": 1}),
    "Layers": (lambda space, **s: space["Layers"](
        8, 4, 2, 2, 0, 3, **s).attention is space["ram"],
        {"attention": max})}

TRACES = {"run": dict(
    arms=["last", "none", "first", "all", "global"], steps=3, updates=3,
    rates=[("last", {}, one_cycle(0, 3, 8e-3)),
           ("prior", {}, one_cycle(0, 3, 8e-2)),
           ("first", {}, one_cycle(0, 3, 1.6e-2)),
           ("global", {"lr": 0.01}, one_cycle(0, 3, 0.01))])}


def scramble(space):
    """Colours and boxes of other scenes, to learn from and in the exam."""
    real = space["scenes"]

    def dealt(n, g):
        x, colour, truth = real(n, g)
        i = torch.randperm(n, generator=g)
        return x, colour[i], truth[i]
    space["scenes"] = dealt


# Without meaning a colour is named for a third of the objects at most,
# and half of an object's box is not found by one of four guesses.
CHANCE = dict(scramble=scramble, metric="found", chance=0.0, room=0.1,
              arm="last", seed=1000, steps=40)
EXPERIMENT = {
    "exam: asked about what was learned": (
        "learn, exam = scenes(2000, g), scenes(500, g)",
        "learn, exam = scenes(2000, g), scenes(500, g)\n"
        "    exam = tuple(part[:500] for part in learn)"),
    "labels: the colour of the first box is a pixel": (
        "            if k >= 0:\n", "            image[k, 0, 0] += 2\n"
                                    "            if k >= 0:\n"),
    "metric: the hull in place of the union": (
        "return both / union,", "return both / hull,"),
    "metric: found without a name": ("(named & (iou >= 0.5))",
                                     "(iou >= 0.5)"),
    "metric: objects matched in their order": (
        "row[:n] = linear_sum_assignment(c[:n])[1]",
        "row[:n] = np.arange(n)"),
    "rival: first looks in the last stage": ('"first": (1, 0)',
                                             '"first": (0, 1)'),
    "rival: all tokens look at patches only": (
        "heads(torch.cat([look, det], 1))",
        "[torch.cat([look, det], 1)[:, :, 0].transpose(1, 2),\n"
        "                    *heads(look)[1:]]"),
    "rival: the prior cannot learn its boxes": (
        "x[..., -4:].sigmoid()", "x[..., -4:].detach().sigmoid()"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)",
                                         "    torch.manual_seed(0)"),
    "pairing: every seed has the same scenes": (
        "g = torch.Generator().manual_seed(seed)",
        "g = torch.Generator().manual_seed(0)"),
    "counting: one step less": ("for _ in range(steps):",
                                "for _ in range(steps - 1):"),
    "counting: second objects left out": (
        "(colour >= 0).sum(1).tolist()",
        "(colour[:, :1] >= 0).sum(1).tolist()"),
    "search: the given rate is ignored": ("rate = lr or {", "rate = {"),
    "search: one rate for all": ('{"prior": 8e-2, "first": 1.6e-2}.get('
                                 "arm, 8e-3)", "8e-3"),
    "search: the rival has another's rate": ('"first": 1.6e-2',
                                             '"first": 8e-3'),
}
NOT = {"mode": "no layer of this page behaves differently while it learns"}

NULL = dict(arm="last", baseline="none", strength=0.0, steps=5)

WRONG = {
    "vidt-1": [("attended = 4196 ** 2", "global attention"),
               ("attended = 1091344", "look back"),
               ("attended = 272144", "cross-attention is on"),
               ("attended = 671744", "looks at [DET], too"),
               ("attended = 5", "sees its window")],
    "vidt-2": [("four = torch.full((4, 4), 0.5)", "spread them"),
               ("four = torch.rand(4, 2)", "shape (4, 4)"),
               ("four = torch.full((4, 4), 6.0)", "between 0 and 1")],
    "vidt-3": [
        ("mended = det_looks", "compete"),
        ("mended = lambda q, k, v, a, b: (q @ torch.cat([k, a], 2).mT)"
         ".softmax(-1) @ torch.cat([v, b], 2)", "root of d"),
        ("mended = lambda q, k, v, a, b: v.sum(2)", "one row a query"),
        ("mended = lambda q, k, v, a, b: F.scaled_dot_product_attention("
         "q, a, b)", "compete")],
}
# Exercises that many answers solve, each with its reason.
OPEN = {"vidt-2": "many sets of four boxes reach the number that is asked"}
