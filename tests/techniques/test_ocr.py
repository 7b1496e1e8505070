"""Text in images: oracles, mistakes, null and wrong answers."""

import itertools
import re
import unicodedata

import jiwer
import numpy as np
import torch
from scipy import ndimage
from torch import nn

from lab1784.data.handwriting import digits
from lab1784.data.written import text_lines


def boxes_by_scipy(space):
    """Lines are scipy's connected runs of rows, whatever ink and least."""
    rng = np.random.default_rng(0)
    for ink, least in ((0.5, 3), (0.3, 5)):
        page = rng.uniform(0, 0.29, (70, 50))
        for top in (2, 13, 24, 41, 58):
            h, left = 2 + top % 5, int(rng.integers(1, 20))
            page[top:top + h, left:left + 20] = rng.choice(
                [0.0, 0.4, 0.9], (h, 20))
            page[top:top + h, left + 3] = 0.9
        dark = page > ink
        want = []
        for rows, in ndimage.find_objects(ndimage.label(dark.any(1))[0]):
            at = np.flatnonzero(dark[rows].any(0))
            if rows.stop - rows.start >= least:
                want.append((at[0], rows.start, at[-1] + 1, rows.stop))
        assert len(want) > 1
        np.testing.assert_array_equal(space["boxes"](page, ink, least), want)
    assert space["spans"]([0, 2, 1, 0, 0, 3]) == [(1, 3), (5, 6)]


def iou_by_counting(space):
    """Pixels of both over pixels of either, also for boxes that lie apart
    in both directions."""
    rng = np.random.default_rng(1)
    apart = 0
    for _ in range(200):
        a, b = (np.sort(rng.integers(0, 16, (2, 2)), 0) for _ in range(2))
        a[1], b[1] = a[1] + 1, b[1] + 1
        dark = np.zeros((2, 18, 18), bool)
        for one, ((x0, y0), (x1, y1)) in zip(dark, (a, b)):
            one[y0:y1, x0:x1] = True
        both, either = (dark[0] & dark[1]).sum(), (dark[0] | dark[1]).sum()
        apart += both == 0
        got = space["iou"](a.ravel().tolist(), b.ravel().tolist())
        assert abs(got - both / either) < 1e-12
    assert apart > 20


def jamo_by_unicode(space):
    """Letters by their names in the character database, all squares."""
    def letters(text):
        return "".join(unicodedata.lookup(
            "HANGUL LETTER " + unicodedata.name(c).split(maxsplit=2)[2])
            for c in unicodedata.normalize("NFD", text))
    squares = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert space["spell"](squares) == letters(squares)
    rng = np.random.default_rng(2)
    for _ in range(300):
        word = "".join(rng.choice(list(squares), rng.integers(1, 6)))
        assert space["compose"](letters(word)) == word
    for word in ("나무", "바나나", "각오", "값이"):
        assert space["compose"](letters(word)) == word
    assert space["compose"]("ㄱㄴㅏㅏ강ㄳ") == "ㄱ나ㅏ강ㄳ"
    assert space["spell"]("ㄱ나ㅏ") == "ㄱㄴㅏㅏ"


def error_rate_is_jiwers(space):
    rng = np.random.default_rng(3)

    def text(least):
        return "".join(rng.choice(list("0123"), rng.integers(least, 7)))
    texts, guesses = [text(1) for _ in range(60)], [text(0) for _ in range(60)]
    assert abs(space["error_rate"](guesses, texts)
               - jiwer.cer(texts, guesses)) < 1e-12


def loss_and_reading_by_listing(space):
    """Each of 3^T paths, its text by regular expressions, its chance."""
    g = torch.Generator().manual_seed(4)
    logits = torch.randn(4, 5, 3, generator=g, dtype=torch.double)
    texts = torch.tensor([[1, 2, 0], [1, 1, 0], [2, 0, 0], [1, 2, 2]])
    y, want = logits.softmax(2), []
    for one, row in zip(y, texts.tolist()):
        text, p = "".join(str(k) for k in row if k), 0.0
        for path in itertools.product(range(3), repeat=5):
            said = re.sub("0", "", re.sub(r"(.)\1+", r"\1", "".join(
                map(str, path))))
            assert "".join(map(str, space["greedy"](path))) == said
            if said == text:
                p += float(np.prod([one[t, k] for t, k in enumerate(path)]))
        want.append(-np.log(p) / len(text))
    assert abs(float(space["ctc"](logits, texts)) - np.mean(want)) < 1e-9
    long = torch.tensor([[1, 1, 1, 1], [2, 0, 0, 0]])     # needs seven
    got = space["ctc"](logits[[0, 2]], long)
    assert abs(float(got) - want[2] / 2) < 1e-9


def network_by_hand(space):
    """From torch.nn.functional alone, every size away from its default."""
    torch.manual_seed(5)
    F, net = torch.nn.functional, space["make_net"](4, 16, (3, 5, 7))
    start = net[-1].bias.detach()
    assert float(start[0]) == 3 and float(start[1:].abs().max()) < 1
    w = dict(net.named_parameters()) | dict(net.named_buffers())
    for value in w.values():
        if value.is_floating_point() and value.dim() == 1:
            nn.init.uniform_(value, 0.5, 1.5)
    x = torch.randn(3, 1, 16, 24)
    h = x
    with torch.no_grad():
        for k, pad, pool in ((0, 1, 2), (4, 1, (2, 1)), (8, (0, 1), None)):
            h = F.conv2d(h, w[f"{k}.weight"], w.get(f"{k}.bias"),
                         padding=pad)
            m, v = (w[f"{k + 1}.running_{s}"][:, None, None]
                    for s in ("mean", "var"))
            h = ((h - m) / (v + 1e-5).sqrt()
                 * w[f"{k + 1}.weight"][:, None, None]
                 + w[f"{k + 1}.bias"][:, None, None]).clamp(min=0)
            h = F.max_pool2d(h, pool) if pool else h
        assert h.shape == (3, 7, 1, 12)
        want = torch.einsum("nct,kc->ntk", h[:, :, 0],
                            w["11.weight"][:, :, 0, 0]) + w["11.bias"]
        torch.testing.assert_close(space["columns"](net.eval(), x), want,
                                   atol=1e-4, rtol=1e-4)


def steps_by_hand(space):
    """Two steps of each loss and of a mixture, with torch's own classes,
    and slots of two widths; the narrower leave columns over."""
    x, texts = space["lines"](1005, "varied", "train", 40)
    for weight, wide in ((0.0, 8), (1.0, 12), (0.3, 6)):
        net = space["learn"](x, texts, 11, 1006, 2, weight, batch=8, lr=6e-3,
                             wide=wide)
        assert not net.training
        torch.manual_seed(1006)
        mine = space["make_net"](11, 12)
        order = torch.Generator().manual_seed(1006)
        adam = torch.optim.Adam(mine.parameters(), 6e-3, (0.9, 0.95))
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            adam, 6e-3, total_steps=10, pct_start=0.2, cycle_momentum=False)
        for _ in range(2):
            i = torch.randint(40, (8,), generator=order)
            y = space["columns"](mine, x[i])
            slots = torch.stack([part.mean(1) for part in y.split(
                wide // 2, 1)][:5], 1)
            one = nn.CrossEntropyLoss()(slots.transpose(1, 2), texts[i])
            other = nn.CTCLoss(zero_infinity=True)(
                y.log_softmax(2).permute(1, 0, 2), texts[i],
                torch.full((8,), 30), (texts[i] != 0).sum(1))
            adam.zero_grad()
            ((1 - weight) * one + weight * other).backward()
            adam.step()
            cycle.step()
        # A bias before a normalisation has no slope; so by what they say.
        with torch.no_grad():
            a, b = (space["columns"](n.train(), x[:20]) for n in (net, mine))
        torch.testing.assert_close(a, b, atol=5e-3, rtol=5e-3)
        off = (net[-1].weight - mine[-1].weight).detach().abs().mean()
        assert float(off) < 1e-6, "other steps"


def cuts_by_hand(space):
    """Pieces at empty columns, wide ones where the ink is thinnest; each
    is read in the middle of a slot, and blank is no answer."""
    line = np.zeros((12, 60), np.float32)
    line[3:9, 4:9] = line[2:8, 12:17] = line[4:9, 30:43] = line[4, 50] = 0.9
    line[4:8, 37] = 0.0
    assert space["pieces"](line) == [(4, 9), (12, 17), (30, 37), (37, 43)]
    assert space["pieces"](line, 0.95) == []
    assert space["pieces"](line, wide=20) == [(4, 9), (12, 17), (30, 43)]
    real = space["columns"]

    def columns(net, x):
        dark = (x[:, 0].amax(1) > 0.4).float()               # (n, CELL)
        middle = (dark * torch.arange(12)).sum(1) / dark.sum(1)
        assert ((middle - 5.5).abs() <= 1).all()
        y = nn.functional.one_hot(dark.sum(1).long(), 11).float()
        y[:, 0] = 9
        return y[:, None].expand(-1, 6, -1)
    space["columns"] = columns
    try:
        two = torch.from_numpy(np.stack([line, line * 0]))[:, None]
        assert space["read"](None, two, "cuts") == [[5, 5, 7, 6], []]
        space["columns"] = lambda net, x: nn.functional.one_hot(
            torch.tensor([[3] * 7 + [0] * 5 + [2] * 6 + [0] * 11 + [7]]),
            11).float()
        assert space["read"](None, two[:1], "ctc") == [[3, 2, 7]]
        assert space["read"](None, two[:1], "slots") == [[3, 2]]
        assert space["read"](None, two[:1], "slots", 10) == [[3, 2, 2]]
    finally:
        space["columns"] = real


def lines_hold_their_digits(space):
    """In cells without noise: the images and labels of that part, in
    seed's own split, and other draws for learning than for reading."""
    split = digits(1007)
    for part, images, labels in (("train", *split[:2]),
                                 ("test", *split[2:])):
        x, texts = space["lines"](1007, "even", part, 6, noise=0.0)
        for line, text in zip(x[:, 0], texts.tolist()):
            assert not line[:, 12 * sum(k > 0 for k in text):].any()
            for c, k in enumerate(k for k in text if k):
                cell = line[:, 12 * c + 2:12 * c + 10]
                same = [(images[:, 0] == cell[y:y + 8]).flatten(1).all(1)
                        for y in (1, 2, 3)]
                at = torch.stack(same).any(0).nonzero()[:, 0]
                assert (labels[at] == k - 1).any()
            assert not line[:, :2].any()
    for gap, between in space["GAPS"].items():
        images, labels = split[2:]
        want, _ = text_lines(images[:, 0].numpy(), (labels + 1).tolist(),
                             2 * 1007 + 1, 9, between, (12, 60))
        if between:                        # begun where the ink begins
            want = np.stack([np.roll(line, -np.argwhere(line > 0.4)[
                :, 1].min(), 1) for line in want])
        got, _ = space["lines"](1007, gap, "test", 9)
        np.testing.assert_array_equal(got[:, 0].numpy(), want)
        alone, _ = space["lines"](1007, gap, "test", 9, most=1)
        want, _ = text_lines(images[:, 0].numpy(), (labels + 1).tolist(),
                             2 * 1007 + 1, 9, between, (12, 12), 1)
        np.testing.assert_array_equal(alone[:, 0].numpy(), want)
    wide = {g: [int((row.amax(0) > 0.2).sum()) / max(1, int((t > 0).sum()))
                for row, t in zip(*(v[:, 0] if n == 0 else v for n, v in
                                    enumerate(space["lines"](
                                        1008, g, "train", 40, noise=0.0))))]
            for g in ("apart", "touching")}
    assert np.mean(wide["touching"]) < np.mean(wide["apart"])


def known_readers(space):
    """Through run(): who knows errs never, a mute always; each is read in
    its own way, CTC's code without CTC as slots are."""
    real = space["train"], space["read"]
    asked, made = [], space["lines"]
    texts = {}

    def lines(seed, gap, part, count, **more):
        x, t = made(seed, gap, part, 30, **more)
        texts[x[:, 0].double().sum().item()] = t
        assert (seed, part, count) == (1009, "test", 200)
        return x, t

    def read(net, x, way, wide):
        asked.append((way, wide))
        t = texts[x[:, 0].double().sum().item()].tolist()
        return [[k for k in row if k] * net for row in t]
    space["lines"], space["read"] = lines, read
    try:
        for times, want in ((1, 0.0), (0, 1.0), (2, 1.0)):
            space["train"] = lambda *_, times=times: times
            got = space["run"]("ctc", 1009)
            assert got == dict.fromkeys(
                ("even", "apart", "touching", "varied"), want)
        space["run"]("cuts", 1009)
        space["run"]("ctc", 1009, strength=0)
        assert [way for way, _ in asked] == (
            ["ctc"] * 12 + ["cuts"] * 4 + ["slots"] * 4)
        space["run"]("slots", 1009, gap="even")
        assert asked[-8:] == [("slots", 8)] * 4 + [("slots", 12)] * 4
    finally:
        space["train"], space["read"] = real
        space["lines"] = made


def who_learns_what(space):
    """Lines, loss and sizes that each arm's network gets, digits and
    Hangul; unseen syllables are never in training, their jamo are."""
    asked, widths, real = [], [], space["learn"]

    def learn(x, texts, labels, seed, steps, weight=1.0, batch=16, wide=12):
        asked.append((tuple(x.shape), tuple(texts.shape)[1], labels, seed,
                      steps, weight, batch))
        widths.append(wide)
        return nn.Identity()
    space["learn"] = learn
    try:
        for arm in space["ARMS"]:
            space["train"](arm, 1010, steps=7)
        space["train"]("ctc", 1010, 0.25, 7)
        for arm in ("syllable", "jamo"):
            space["train_hangul"](arm, 1010, 7)
        space["train"]("slots", 1010, 1.0, 7, "even")
    finally:
        space["learn"] = real
    wide, narrow = (3000, 1, 12, 60), (3000, 1, 12, 12)
    assert asked[:4] == [
        (wide, 5, 11, 1010, 7, 0.0, 16), (narrow, 1, 11, 1010, 7, 0.0, 32),
        (wide, 5, 11, 1010, 7, 1.0, 16), (wide, 5, 11, 1010, 7, 0.25, 16)]
    assert asked[6] == (wide, 5, 11, 1010, 7, 0.0, 16)
    assert widths == [8, 12, 8, 8, 12, 12, 12]
    assert [a[2] for a in asked[4:6]] == [49, 10]
    assert all(a[6] == 32 for a in asked[4:6])
    assert [a[1] for a in asked[4:6]] == [2, 6]
    seen = set("".join(space["signs"](1010, "train", 400)[1]))
    same = set("".join(space["signs"](1010, "seen", 400)[1]))
    new = set("".join(space["signs"](1010, "unseen", 200)[1]))
    assert (len(seen), len(new)) == (36, 12) and not seen & new
    assert same <= seen and set("".join(map(space["spell"], new))) <= set(
        "".join(map(space["spell"], seen)))
    codes = space["coded"](["ㄱㅏ", "ㅏㄴㄱ"], "ㄱㄴㅏ")
    assert codes.tolist() == [[1, 3, 0], [3, 2, 1]]


def hangul_by_hand(space):
    """Through hangul_run(): jiwer on jamo of what is said."""
    real = space["train_hangul"], space["read"]
    x, texts = space["signs"](1011, "unseen", 200)
    space["train_hangul"] = lambda *_: None

    def read(net, x, way):
        assert way == "ctc"
        return [[1, 5, 2]] * len(x)
    space["read"] = read
    try:
        for arm, names in (("syllable", space["SYLLABLES"]),
                           ("jamo", space["JAMO"])):
            said = names[0] + names[4] + names[1]
            got = space["hangul_run"](arm, 1011)
            want = jiwer.cer([space["spell"](t) for t in texts],
                             [space["spell"](said)] * len(texts))
            assert abs(got["unseen"] - want) < 1e-12
            assert got["unseen ok"] == 0
    finally:
        space["train_hangul"], space["read"] = real


ORACLES = [boxes_by_scipy, iou_by_counting, jamo_by_unicode,
           error_rate_is_jiwers, loss_and_reading_by_listing,
           network_by_hand, steps_by_hand, cuts_by_hand,
           lines_hold_their_digits, known_readers, hangul_by_hand,
           who_learns_what]

MISTAKES = {
    "Width for height": (
        "found.append((across[0][0], top, across[-1][1], bottom))",
        "found.append((top, across[0][0], bottom, across[-1][1]))"),
    "Overlap below zero": (
        "wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))\n"
        "    high = max(0, min(a[3], b[3]) - max(a[1], b[1]))",
        "wide = min(a[2], b[2]) - max(a[0], b[0])\n"
        "    high = min(a[3], b[3]) - max(a[1], b[1])"),
    "Union counts twice": ("(sum(areas) - wide * high)", "sum(areas)"),
    "Time runs down": ("return net(x)[:, :, 0]",
                       "return net(x.transpose(2, 3))[:, :, 0]"),
    "A text too long is infinite": ("zero_infinity=True",
                                    "zero_infinity=False"),
    "Blanks dropped first": (
        "itertools.groupby(path) if k != 0]",
        "itertools.groupby(\n        k for k in path if k != 0)]"),
    "No final is a jamo": ("FINALS[n % 28].strip())", "FINALS[n % 28])"),
    "Final before looking ahead": (
        "if f in FINALS and after not in VOWELS else 0",
        "if f in FINALS else 0"),
}
TRAIN = dict(arm="ctc", seed=1000, steps=100)
NULL = dict(arm="ctc", baseline="slots", strength=0.0, steps=60)


def small(space):
    """Forty lines to learn from, twelve to read."""
    for name in ("lines", "signs"):
        real = space[name]
        space[name] = lambda *args, real=real, **more: real(
            *args[:-1], {3000: 40, 200: 12}.get(args[-1], args[-1]), **more)


SMALL = small


def scramble(space):
    """Every image of a digit gets a label by chance."""
    real = space["text_lines"]

    def text_lines(glyphs, codes, seed, *more):
        codes = np.random.default_rng(seed + 1).integers(1, 11, len(codes))
        return real(glyphs, codes.tolist(), seed, *more)
    space["text_lines"] = text_lines


TRACES = {"run": dict(arms=["slots", "ctc"], steps=3, updates=3,
                      rates=[("ctc", {}, 2e-2 / 25)])}
CHANCE = dict(scramble=scramble, metric="apart", chance=0.93, room=0.15,
              arm="cuts", seed=1000, steps=20)
EXPERIMENT = {
    "exam: read what was learned": ('"test": split[2:]',
                                    '"test": split[:2]'),
    "labels: the text stands in the first row": (
        "    return torch.from_numpy(x)[:, None], torch.from_numpy(texts)",
        "    x[:, 0, :most] = texts\n"
        "    return torch.from_numpy(x)[:, None], torch.from_numpy(texts)"),
    "mode: read as it learns": ("return net.eval()", "return net.train()"),
    "metric: edits a line": ("/ sum(map(len, texts))", "/ len(texts)"),
    "rival: cuts divides nothing": (
        "for k in range(1, round((b - a) / wide)):",
        "for k in range(1, 1):"),
    "rival: a slot is its strongest column": (
        "(count, -1)).mean(2)", "(count, -1)).amax(2)"),
    "rival: slots as wide as on even lines": (
        "dict.fromkeys(GAPS, 8)", "dict.fromkeys(GAPS, CELL)"),
    "rival: slots begin at the edge": (
        "if GAPS[gap] and most > 1:", "if False:"),
    "rival: the single digits of cuts begin with their ink": (
        "if GAPS[gap] and most > 1:", "if GAPS[gap]:"),
    "rival: slots learn a width and are read at another": (
        "MOST, wide).argmax(2)", "MOST).argmax(2)"),
    "rival: slots' losses added": ("(1 - weight) * F.cross_entropy(",
                                   "5 * F.cross_entropy("),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "pairing: every seed has the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "counting: one unseen syllable is learned": ("else mixed[12:]",
                                                 "else mixed[11:]"),
    "search: gradients clipped": (
        "        loss.backward()\n",
        "        loss.backward()\n"
        "        nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"),
    "search: another rate": ("adam, lr, total_steps",
                             "adam, 1e-2, total_steps"),
}
NOT = {}
UNKNOWN = ["train('cut', 1000)", "train_hangul('jamos', 1000)",
           "lines(1000, 'odd', 'test', 2)", "lines(1000, 'even', 'all', 2)",
           "signs(1000, 'all', 2)", "hangul_run('jamos', 1000)"]

WRONG = {
    "ocr-1": [("too_low = 4", "larger than a box"),
              ("too_low = 3", "8 + s")],
    "ocr-2": [("width = 8", "a blank is compulsory"),
              ("width = 6", "how many pixels"),
              ("width = 20", "that must stand")],
    "ocr-3": [("two_boxes = ((10, 10, 50, 18), (6, 8, 54, 21))",
               "should miss a part"),
              ("two_boxes = ((10, 10, 46, 18), (10, 10, 48, 18))",
               "hold the whole"),
              ("two_boxes = ((10, 10, 20, 18), (9, 9, 51, 19))",
               "the higher IoU"),
              ("two_boxes = ((10, 10, 9, 18), (6, 8, 54, 21))",
               "left < right")],
    "ocr-4": [("mended = careless", "what follows the consonant"),
              ("mended = compose", "should agree with"),
              ("mended = lambda jamo: jamo", "careless version has right"),
              ("mended = lambda j: careless(j.replace('ㄱㄴ', 'ㄱ ㄴ'))",
               "what follows the consonant")],
}
# Exercises that many answers solve, each with its reason.
OPEN = {"ocr-3": "every box that loses a digit has a roomier one below it"}
