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


def known_readers(space):
    """Through run(): who reads the truth errs never, a mute always, who is
    mute at times misses these texts; flickers of one frame count for CTC
    alone."""
    x, frames, texts, truth = space["corpus"](11_003, 200)
    rows = [row[:n].tolist() for row, n in zip(truth, frames.tolist())]
    spoken = sum(k > 0 for text in texts.tolist() for k in text)
    still = sum(row[:2] == [0, 0] for row in rows)
    flicker = [[10 if row[:2] == [0, 0] and t == 0 else k
                for t, k in enumerate(row)] for row in rows]
    half = [[0] * len(r) if n % 2 else r for n, r in enumerate(rows)]
    missed = sum(k > 0 for text in texts[1::2].tolist() for k in text)
    assert still > 100
    real = space["train"], space["read"]
    space["train"] = lambda *_, **__: (None, None)
    try:
        for answers, want in ((rows, {"aligned": 0.0, "ctc": 0.0}),
                              ([[0] * len(r) for r in rows],
                               {"aligned": 1.0, "ctc": 1.0}),
                              (flicker, {"aligned": 0.0,
                                         "ctc": still / spoken}),
                              (half, dict.fromkeys(
                                  ("aligned", "ctc"), missed / spoken))):
            space["read"] = lambda *_, answers=answers: answers
            for arm, cer in want.items():
                got = space["run"](arm, 1003)
                assert abs(got["cer"] - cer) < 1e-12, (arm, got)
        space["read"] = lambda *_: rows
        frames_named = sum(k > 0 for row in rows for k in row)
        assert abs(space["run"]("ctc", 1003)["unmerged"]
                   - (frames_named - spoken) / spoken) < 1e-12
    finally:
        space["train"], space["read"] = real


def steps_by_hand(space):
    """Two steps of each arm, with torch's own losses on a network with the
    same start: cross-entropy on truth or equal parts, ctc_loss."""
    data = space["corpus"](1005, 40)
    x, frames, texts, truth = data
    longest = x.shape[1]
    parts = torch.zeros_like(truth)
    for row, text, n in zip(parts, texts.tolist(), frames.tolist()):
        places = [0]
        for k in (k for k in text if k):
            places += [k, 0]
        for t in range(n):
            row[t] = places[t * len(places) // n]
    real, space["corpus"] = space["corpus"], lambda *_: data
    make, made = space["make_net"], []
    try:
        for arm in ("aligned", "uniform", "ctc"):
            space["make_net"] = lambda: made.append(make()) or made[-1]
            net, curve = space["train"](arm, 1006, 1.0, 2, lr=3e-3, batch=8)
            space["make_net"], losses = make, []
            torch.manual_seed(1006)
            mine = space["make_net"]()
            order = torch.Generator().manual_seed(1006)
            adam = torch.optim.Adam(mine.parameters(), 3e-3, (0.9, 0.95))
            for rate in (3e-3, 1.5e-3):          # a cosine over two steps
                adam.param_groups[0]["lr"] = rate
                i = torch.randint(40, (8,), generator=order)
                T = int(frames[i].max())
                log_y = space["listen"](mine, x[i, :T])
                inside = torch.arange(T)[:, None] < frames[i]
                if arm == "ctc":
                    loss = torch.nn.functional.ctc_loss(
                        log_y, texts[i], frames[i], (texts[i] != 0).sum(1),
                        reduction="sum")
                else:
                    right = (truth if arm == "aligned" else parts)[i, :T].T
                    loss = -(log_y.gather(2, right[:, :, None])[..., 0]
                             * inside).sum()
                adam.zero_grad()
                (loss / 8).backward()
                losses.append(loss.item() / 8)
                adam.step()
            # The slopes of the last step too: Adam would hide their scale.
            for name in ("6.weight", "9.weight"):
                torch.testing.assert_close(
                    dict(made[-1].named_parameters())[name].grad,
                    dict(mine.named_parameters())[name].grad,
                    atol=2e-2, rtol=2e-2)
            np.testing.assert_allclose(
                curve, losses if arm == "ctc" else [], rtol=1e-3)
            # By what they say: a bias before a normalisation has no slope,
            # and Adam makes steps of what rounding leaves of it.
            with torch.no_grad():
                a, b = (space["listen"](one.train(), x[:20])
                        for one in (net, mine))
            torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-3)
    finally:
        space["corpus"], space["make_net"] = real, make
    assert longest == truth.shape[1]


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


def lattice_may_be_exchanged(space):
    """`make` is used, by occupancy and, at every step, by train: a lattice
    without jumps has fewer paths."""
    u, texts, frames = cases()

    def stiff(labels):
        asked.append(len(labels))
        z, jump = space["lattice"](labels)
        return z, jump & False
    asked, log_y = [], u.log_softmax(2)
    full = space["occupancy"](log_y, texts, frames)[0][[0, 3, 5]]
    assert (space["occupancy"](log_y, texts, frames, stiff)[0][[0, 3, 5]]
            < full - 1e-3).all()
    data = space["corpus"](1005, 12)
    real, space["corpus"] = space["corpus"], lambda *_: data
    try:
        space["train"]("ctc", 1007, 1.0, 2, stiff, batch=5)
    finally:
        space["corpus"] = real
    assert asked == [6, 5, 5]


def every_seed_has_its_recordings(space):
    """What is learned and what is read is drawn by the seed, and other
    recordings are read than were learned."""
    asked, real = [], space["corpus"]

    def corpus(seed, count):
        asked.append((seed, count))
        return real(seed, 12)
    space["corpus"] = corpus
    try:
        for seed in (1008, 1009):
            space["run"]("uniform", seed, steps=1)
    finally:
        space["corpus"] = real
    assert asked == [(1008, 500), (11_008, 200), (1009, 500), (11_009, 200)]


def whole_network_by_hand(space):
    """From torch.nn.functional alone, weights copied, sizes away from the
    defaults; as it learns and as it is examined."""
    torch.manual_seed(5)
    F, net = torch.nn.functional, space["make_net"](width=7, labels=4)
    w = dict(net.named_parameters()) | dict(net.named_buffers())
    for name, value in w.items():
        if value.is_floating_point() and value.dim() == 1:
            torch.nn.init.uniform_(value, 0.5, 1.5)
    x = torch.randn(3, 12, 20)
    for learns in (False, True):
        before = {k: v.clone() for k, v in w.items()}
        h = x.transpose(1, 2)                            # (N, bands, T)
        for k in (0, 3, 6):
            h = F.conv1d(h, w[f"{k}.weight"][:, :, 0], w[f"{k}.bias"],
                         padding=2)
            mean, var = ((h.mean((0, 2)), h.var((0, 2), unbiased=False))
                         if learns else (before[f"{k + 1}.running_mean"],
                                         before[f"{k + 1}.running_var"]))
            h = ((h - mean[:, None]) / (var[:, None] + 1e-5).sqrt()
                 * w[f"{k + 1}.weight"][:, None]
                 + w[f"{k + 1}.bias"][:, None]).clamp(min=0)
        y = torch.einsum("nct,kc->tnk", h, w["9.weight"][:, :, 0, 0])
        want = (y + w["9.bias"]).log_softmax(2)
        torch.testing.assert_close(space["listen"](net.train(learns), x),
                                   want, atol=1e-4, rtol=1e-4)


def reading_ends_with_the_recording(space):
    """The best label of each frame, and none after the last."""
    paths = torch.tensor([[3, 0, 0, 7, 7], [1, 1, 10, 0, 2]])
    real, space["listen"] = space["listen"], lambda net, x: (
        torch.nn.functional.one_hot(paths, 11).transpose(0, 1).float())
    try:
        assert space["read"](None, None, torch.tensor([5, 3])) == [
            [3, 0, 0, 7, 7], [1, 1, 10]]
    finally:
        space["listen"] = real


def ears_by_loops(space):
    """Loudness in triangles on the mel scale, frame by frame: a window
    around the middle of each 25 ms, each band less its own mean."""
    sound = np.random.default_rng(6).standard_normal(5 * 200)
    sound[400:] *= 3                    # the window hears its neighbours
    mel = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 22)
    edges = 700 * (10 ** (mel / 2595) - 1)
    rows = []
    for t in range(5):
        power = np.zeros(129)
        at = np.arange(t * 200 - 28, t * 200 + 228)
        cut = np.array([sound[i] if 0 <= i < 1000 else 0.0 for i in at])
        cut *= 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 255)
        for f in range(129):
            wave = np.exp(-2j * np.pi * f * np.arange(256) / 256)
            power[f] = abs((cut * wave).sum()) ** 2
        hz = np.arange(129) * 8000 / 256
        rows.append([np.log((power * np.interp(
            hz, edges[b:b + 3], [0, 1, 0], left=0, right=0)).sum() + 0.01)
            for b in range(20)])
    want = np.array(rows) - np.mean(rows, 0)
    np.testing.assert_allclose(space["hear"](sound), want, atol=1e-4)


def said_where_the_truth_says(space):
    """Without noise: silence where the truth is blank, but for half a frame
    that runs over, and all ten digits from first frame to last, none
    louder than its sounds."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        digits = rng.integers(0, 10, 5)
        sound, label = space["speak"](digits, rng, noise=0.0)
        assert len(sound) == 200 * len(label)
        loud = np.abs(sound).reshape(-1, 200)
        for t, k in enumerate(label):
            inner = loud[t, 60:140].max()
            assert (inner > 0) == (k > 0), (seed, t)
        assert list(label[np.flatnonzero(np.diff(label, prepend=0)
                                         * label)] - 1) == list(digits)
        assert 1.2 < loud[np.isin(label, [2, 3, 6])].max() <= 1.6


ORACLES = [loss_and_slope_are_torchs, no_path_is_no_chance,
           steady_by_hand, every_path_is_listed, error_rate_is_jiwers,
           truth_reads_itself, known_readers, steps_by_hand,
           lattice_may_be_exchanged, every_seed_has_its_recordings,
           whole_network_by_hand, reading_ends_with_the_recording,
           ears_by_loops, said_where_the_truth_says]

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

def scramble(space):
    """The speaker says other digits than the text and the truth tell."""
    real = space["speak"]

    def speak(digits, rng, noise=0.3):
        other = (np.asarray(digits) + rng.integers(1, 10, len(digits))) % 10
        sound, label = real(other, rng, noise)
        turn = np.flatnonzero(np.diff(label, prepend=0, append=0))
        for d, a, b in zip(digits, turn[::2], turn[1::2]):
            label[a:b] = d + 1
        return sound, label
    space["speak"] = speak


def small(space):
    """Sixty recordings to learn from, forty to read."""
    real = space["corpus"]
    space["corpus"] = lambda seed, count: real(
        seed, {500: 60, 200: 40}.get(count, count))


SMALL = small
TRACES = {"run": dict(arms=["aligned", "uniform", "ctc"], steps=3,
                      updates=3, rates=[("ctc", {}, 1e-2)])}
CHANCE = dict(scramble=scramble, metric="cer", chance=1.0, room=0.3,
              arm="aligned", seed=1000, steps=60)
EXPERIMENT = {
    "rival: the true labels are a frame late": (
        "label[a:b] = d + 1", "label[a + 1:b + 1] = d + 1"),
    "pairing: all seeds learn from one corpus": (
        "truth = corpus(seed, 500)", "truth = corpus(0, 500)"),
    "exam: read what was learned": ("x, frames, texts, _ = corpus(10_000 + "
                                    "seed, 200)",
                                    "x, frames, texts, _ = corpus(seed, 500)"),
    "labels: the truth is a band": (
        "heard = [hear(sound) for sound, _ in spoken]",
        "heard = [torch.cat((hear(s)[:, 1:], torch.tensor(k)[:, None] * 9.)"
        ", 1) for s, k in spoken]"),
    "mode: measured as it learns": ("return net.eval(), curve",
                                    "return net.train(), curve"),
    "metric: padding is text": (
        "texts = [[k for k in text if k] for text in texts.tolist()]",
        "texts = [[k for k in text] for text in texts.tolist()]"),
    "metric: blanks kept": (
        '"unmerged": error_rate([[k for k in p if k] for p in paths],',
        '"unmerged": error_rate([[k for k in p] for p in paths],'),
    "rival: parts without the last silence": (
        "z[torch.arange(n) * len(z) // n]",
        "z[torch.arange(n) * (len(z) - 1) // n]"),
    "rival: aligned has equal parts": ('if arm == "uniform":',
                                       'if arm != "ctc":'),
    "rival: the truth comes late": ("hard = F.one_hot(truth, 11) *",
                                    "hard = F.one_hot(truth.roll(2, 1), 11)"
                                    " *"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "pairing: every seed has the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "pairing: every seed has the same texts": (
        "    rng = np.random.default_rng(seed)\n    texts",
        "    rng = np.random.default_rng(count)\n    texts"),
    "counting: a frame more": ("k if n >= least else 0",
                               "k if n > least else 0"),
    "search: another rate": ("torch.optim.Adam(net.parameters(), lr,",
                             "torch.optim.Adam(net.parameters(), 5e-3,"),
    "search: every run counts": (
        'least = LEAST[arm if strength else "aligned"]', "least = 1"),
}
NOT = {}
UNKNOWN = ["train('aline', 1000, 1.0, 1)", "identity('pages', 1000)"]

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
