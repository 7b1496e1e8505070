"""automl: what its page must survive (see test_every_page.py)."""

import io
import math
from unittest import mock

import numpy as np
import optuna
import torch
import torch.nn.functional as F
from optuna.pruners import SuccessiveHalvingPruner

from lab1784 import data
from tests import anew

optuna.logging.set_verbosity(optuna.logging.ERROR)
LADDER = (1, 3, 9, 27)


def optuna_lets_go(values, k, eta):
    """Whether Optuna's pruner lets trial k go on from a rung at which all
    the others have been measured before."""
    study = optuna.create_study(direction="maximize")
    for j, value in enumerate(values):
        if j != k:
            study.add_trial(optuna.trial.create_trial(
                value=value, system_attrs={"completed_rung_0": value}))
    trial = study.ask()
    trial.report(float(values[k]), step=5)
    frozen = study.get_trials(deepcopy=False)[-1]
    pruner = SuccessiveHalvingPruner(min_resource=5, reduction_factor=eta)
    return not pruner.prune(study, frozen)


def same_promotions_as_optuna(page):
    """Made by others: every decision of a search, synchronous or not, on
    curves of the page without ties."""
    rng = np.random.default_rng(0)
    scores = page["curves"](10001, 3)[0]
    scores = np.concatenate([scores, rng.random((27, 24))], axis=1)
    scores += 1e-6 * rng.random(scores.shape)
    reached, done, _ = page["halving"](scores)
    assert sorted(done.tolist()) == [1] * 18 + [3] * 6 + [9] * 2 + [27]
    for rung, now, then in zip(LADDER, reached, reached[1:]):
        values = scores[now, rung - 1]
        lets = [t for i, t in enumerate(now) if optuna_lets_go(values, i, 3)]
        assert sorted(then) == sorted(lets)
    seen = rng.choice([0, 1, 2, 3, 5, 9], 27)
    goal = np.array([min(r for r in LADDER if r >= e) for e in seen])
    for eta in (2, 3):
        got = page["promote"](scores, seen, goal, LADDER, eta)
        for rung, above in zip(LADDER, LADDER[1:]):
            at = np.flatnonzero(seen >= rung)
            for i, k in enumerate(at):
                if len(at) >= eta and goal[k] == rung:
                    go = optuna_lets_go(scores[at, rung - 1], i, eta)
                    assert got[k] == (above if go else rung)
        assert (got >= goal).all() and (goal <= 27).all()


def counts_in_closed_form(page):
    """Rungs and epochs: n_k = floor(n_(k-1) / eta), each epoch paid once."""
    rng = np.random.default_rng(1)
    for n, eta, rungs in ((27, 3, LADDER), (81, 3, (1, 3, 9, 27, 81)),
                          (20, 2, (2, 4, 8)), (17, 3, (1, 4, 5))):
        scores = rng.random((n, max(rungs)))
        reached, done, spent = page["halving"](scores, rungs, eta)
        sizes = [n]
        for _ in rungs[1:]:
            sizes.append(sizes[-1] // eta)
        assert [len(r) for r in reached] == sizes
        steps = np.diff((0, *rungs))
        assert spent == (np.array(sizes) * steps).sum() == done.sum()
        for rung, now, then in zip(rungs, reached, reached[1:]):
            out = set(now) - set(then)
            assert min(scores[then, rung - 1]) > max(
                scores[list(out), rung - 1])
            assert set(done[list(out)]) == {rung}
    reached, _, spent = page["halving"](rng.random((27, 27)))
    assert [len(r) for r in reached] == [27, 9, 3, 1]
    assert spent == 81 and 27 * 27 == 9 * spent
    assert list(page["best"](np.array([1., 2, 2, 0, 3, 1, 2]), 2)) == [
        4, 1, 2]


def draws(page):
    """The settings, starts and digits again."""
    for key in (10020, 10031):
        rng = np.random.default_rng([key, 1])
        s = page["settings"](key)
        for name, want in (("rate", 10 ** rng.uniform(-3, 0.5, 27)),
                           ("decay", 10 ** rng.uniform(-5, -1, 27)),
                           ("momentum", rng.choice([0, .5, .9], 27)),
                           ("width", rng.choice([4, 8, 16, 32], 27))):
            np.testing.assert_allclose(s[name].ravel(), want, rtol=1e-6)
        assert s["keep"].shape == (27, 1, 32)
        assert (s["keep"].sum((1, 2)) == s["width"].ravel()).all()
        rng, w = torch.Generator().manual_seed(key), page["start"](key, s)
        for name, shape, scale in (
                ("in", (27, 64, 32), torch.tensor(32.)),
                ("out", (27, 32, 10), s["width"])):
            torch.testing.assert_close(
                w["w"][name] * scale.sqrt(), torch.randn(shape,
                                                         generator=rng))
        want = data.digits(key, labels=600, test=1000)
        learn, rank, judge = page["thirds"](key)
        for (x, y), images, labels in (
                (learn, want[0][:300], want[1][:300]),
                (rank, want[0][300:], want[1][300:]),
                (judge, want[2], want[3])):
            assert torch.equal(x + 0.3, images.flatten(1) - 0.3 + 0.3)
            assert torch.equal(y, labels)


class Net(torch.nn.Module):
    """Trial k by modules, with the units that it has and no others."""

    def __init__(self, w, k, width):
        super().__init__()
        self.a, self.b = torch.nn.Linear(64, width), torch.nn.Linear(width,
                                                                     10)
        with torch.no_grad():
            self.a.weight.copy_(w["in"][k, :, :width].T)
            self.b.weight.copy_(w["out"][k, :width].T)
            self.a.bias.zero_()
            self.b.bias.zero_()

    def forward(self, x):
        return self.b(self.a(x).relu())


def trained_by_modules(page):
    """Six trials, three epochs, by torch.optim.SGD."""
    key = 10050
    got, s = page["curves"](key, 3), page["settings"](key)
    learn, rank, judge = page["thirds"](key)
    first = page["start"](key, s)
    assert len({p.sum().item() for p in first["w"]["in"]}) == 27
    for k in range(0, 27, 5):
        net = Net(first["w"], k, int(s["width"][k]))
        sgd = torch.optim.SGD(net.parameters(), s["rate"][k].item(),
                              momentum=s["momentum"][k].item(),
                              weight_decay=s["decay"][k].item())
        for epoch in range(3):
            g = torch.Generator().manual_seed(1000 * key + epoch)
            order = torch.randperm(300, generator=g)
            for i in range(0, 300, 60):
                batch = order[i:i + 60]
                sgd.zero_grad()
                F.cross_entropy(net(learn[0][batch]),
                                learn[1][batch]).backward()
                sgd.step()
            for part, (x, y) in enumerate((rank, judge)):
                right = (net(x).argmax(1) == y).float().mean().item()
                assert abs(got[part, k, epoch] - right) < 0.008, (k, epoch)


def stopped_is_uninterrupted(page):
    """Through a file or not, the same bits; alone, the same to rounding."""
    s, (learn, _, _) = page["settings"](10060), page["thirds"](10060)
    there, state = [page["start"](10060, s)], page["start"](10060, s)
    for _ in range(4):
        there.append(page["one_epoch"](there[-1], s, *learn))
    for _ in range(2):
        state = page["one_epoch"](state, s, *learn)
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    state = torch.load(file)
    for _ in range(2):
        state = page["one_epoch"](state, s, *learn)
    assert state["epoch"] == there[4]["epoch"] == 4
    again = page["one_epoch"](there[3], s, *learn)   # nothing was overwritten
    for part in ("w", "v"):
        for k, p in state[part].items():
            for q in (there[4][part][k], again[part][k]):
                assert torch.equal(p.nan_to_num(), q.nan_to_num())
    one = {k: v[4:5] for k, v in s.items()}
    alone = page["start"](10060, s)
    alone = {**alone, **{part: {k: v[4:5] for k, v in alone[part].items()}
                         for part in ("w", "v")}}
    for _ in range(4):
        alone = page["one_epoch"](alone, one, *learn)
    for k, p in alone["w"].items():
        torch.testing.assert_close(p[0], there[4]["w"][k][4], rtol=1e-3,
                                   atol=1e-4)


def one_step_by_hand(page):
    """The weights after two batches, strong decay inside the momentum."""
    s, (x, y) = page["settings"](10050), page["thirds"](10050)[0]
    s = {**s, "rate": 0 * s["rate"] + 0.1, "decay": 0 * s["decay"] + 0.1,
         "momentum": 0 * s["momentum"] + 0.9}
    state, k = page["start"](10050, s), 3
    net = Net(state["w"], k, int(s["width"][k]))
    sgd = torch.optim.SGD(net.parameters(), 0.1, 0.9, weight_decay=0.1)
    g = torch.Generator().manual_seed(1000 * 10050)
    for batch in torch.randperm(120, generator=g).split(60):
        sgd.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        sgd.step()
    w, n = page["one_epoch"](state, s, x[:120], y[:120])["w"], len(net.a.bias)
    for got, want in ((w["in"][k, :, :n], net.a.weight.T),
                      (w["bias"][k, 0, :n], net.a.bias),
                      (w["out"][k, :n], net.b.weight.T),
                      (w["shift"][k, 0], net.b.bias)):
        torch.testing.assert_close(got, want.detach(), rtol=1e-4, atol=1e-6)


class Trial:
    def __init__(self, number, curve, goal):
        self.number, self.curve, self.goal = number, curve, goal
        self.state = self.known = 0
        self.on = self.dead = False


def played_anew(scores, free, stop, halve, rungs, eta):
    """The farm by objects: epochs kept, and who ran in each tick."""
    trials = [Trial(k, c, rungs[0] if halve else rungs[-1])
              for k, c in enumerate(scores)]
    ran = []
    for gpus in free:
        for i, rung in enumerate(rungs[:-1] if halve else ()):
            there = [t for t in trials if t.known >= rung]
            there.sort(key=lambda t: (-t.curve[rung - 1], t.number))
            for t in there[:len(there) // eta]:
                if t.goal == rung and not t.dead:
                    t.goal = rungs[i + 1]
        ready = [t for t in trials if t.state < t.goal and not t.dead]
        ready.sort(key=lambda t: (not t.on, -t.goal, -t.state, t.number))
        for t in ready[gpus:]:
            if t.on and stop == "rung":
                while t.state and t.state not in rungs:
                    t.state -= 1
            elif t.on and stop != "stop-and-go":
                t.state, t.dead = 0, stop == "lost"
        for t in trials:
            t.on = t in ready[:gpus]
            t.state += t.on
            t.known = max(t.known, t.state)
        ran.append({t.number for t in ready[:gpus]})
    return [t.state for t in trials], ran


def the_farm_by_objects(page):
    """Every fate of a stopped trial, other ladders and factors."""
    rng = np.random.default_rng(5)
    for case in range(16):
        scores = np.round(rng.random((27, 27)), 1 + case % 2)
        free = rng.integers(0, 5, size=60)
        rungs, eta = ((LADDER, 3), ((2, 4, 9, 20), 2))[case % 2]
        for stop in ("stop-and-go", "rung", "scratch", "lost"):
            for halve in (True, False):
                done, ran = page["play"](scores, free, stop, halve, rungs,
                                         eta)
                want, who = played_anew(scores, free, stop, halve, rungs,
                                        eta)
                assert done.tolist() == want, (stop, halve)
                assert [set(on.tolist()) for on in ran] == who
                assert all(len(on) <= g for on, g in zip(ran, free))
                if stop == "stop-and-go":
                    assert done.sum() == sum(map(len, ran))
    calm = [page["play"](scores, np.full(90, 3), stop)[0].tolist()
            for stop in ("stop-and-go", "rung", "scratch", "lost")]
    assert calm[0] == calm[1] == calm[2] == calm[3]


def users_by_hand(page):
    """What they leave lies in 0 to 4, night is freer than noon, jumps hold
    three ticks; the first is computed by hand."""
    for seed in range(5):
        free = page["left_over"](np.random.default_rng(seed))
        jumps = np.random.default_rng(seed).uniform(-.5, .5, 16)
        want = [4 - min(4, max(0, round(4 * (
            0.5 - 0.5 * math.cos(2 * math.pi * t / 12) + jumps[t // 3]))))
            for t in range(48)]
        assert free.tolist() == want
        assert (page["left_over"](np.random.default_rng(seed), 0.0)
                == 4).all()


def made_up(key, epochs=27):
    rng = np.random.default_rng([key, 7])
    return np.sort(rng.random((2, 27, epochs)), axis=2)


def hand(done, scores, test):
    """By a loop: the best validated state, more epochs where equal."""
    kept = [(scores[k, d - 1], d, -k, test[k, d - 1])
            for k, d in enumerate(done) if d]
    return max(kept)[3] if kept else 0.1


def searches_anew(page):
    """Every arm again on curves that are made up."""
    with mock.patch.dict(page, curves=made_up):
        for arm in ("all", "halving", "lottery", "three"):
            got, rows = page["run"](arm, 1003, draws=4), []
            for key in (10030, 10031):
                scores, test = made_up(key)
                for draw in range(4):
                    luck = np.random.default_rng([key, 2, draw])
                    if arm == "all":
                        done = [27] * 27
                    elif arm == "three":
                        chosen = luck.permutation(27)[:3]
                        done = [27 * (k in chosen) for k in range(27)]
                    else:
                        by = (scores if arm == "halving" else
                              luck.random((27, 27)))
                        done, alive = [0] * 27, range(27)
                        for rung in LADDER:
                            for k in alive:
                                done[k] = rung
                            alive = sorted(alive, key=lambda k: (
                                -by[k, rung - 1], k))[:len(alive) // 3]
                    top = max(range(27), key=lambda k: scores[k, 26])
                    rows.append([hand(done, scores, test), sum(done),
                                 done[top] < 27])
            np.testing.assert_allclose(
                [got[k] for k in ("accuracy", "epochs", "missed")],
                np.mean(rows, axis=0), err_msg=arm)
        half = page["run"]("halving", 1003, strength=0.5, draws=4)
        assert half != page["run"]("halving", 1003, draws=4)
    ties = np.array([[.5, .9], [.9, .9], [.9, .1]])
    test = np.arange(6).reshape(3, 2) / 10
    assert page["handed_in"](np.array([2, 1, 1]), ties, test) == 0.1
    assert page["handed_in"](np.array([1, 1, 1]), ties, test) == 0.2
    assert page["handed_in"](np.array([0, 0, 2]), ties, test) == 0.5
    assert page["handed_in"](np.zeros(3, int), ties, test) == 0.1


def farms_anew(page):
    """Every farm again on curves that are made up."""
    fates = {"stop-and-go": ("stop-and-go", True), "rung": ("rung", True),
             "scratch": ("scratch", True), "lost": ("lost", True),
             "random": ("stop-and-go", False),
             "random-scratch": ("scratch", False)}
    assert set(page["FARMS"]) == set(fates)
    with mock.patch.dict(page, curves=made_up):
        for arm, (stop, halve) in fates.items():
            got, rows = page["farm"](arm, 1003, draws=3), []
            for key in (10030, 10031):
                for draw in range(3):
                    luck = np.random.default_rng([key, 3, draw])
                    order = luck.permutation(27)
                    scores, test = (c[order] for c in made_up(key))
                    free = page["left_over"](luck)
                    done, ran = played_anew(scores, free, stop, halve,
                                            LADDER, 3)
                    used = sum(map(len, ran))
                    rows.append([hand(done, scores, test), sum(free), used,
                                 used - sum(done)])
            np.testing.assert_allclose(
                [got[k] for k in ("accuracy", "offered", "used", "wasted")],
                np.mean(rows, axis=0), err_msg=arm)
        calm = [page["farm"](arm, 1003, strength=0.0, draws=2)
                for arm in ("stop-and-go", "rung", "scratch", "lost")]
        assert calm[0] == calm[1] == calm[2] == calm[3]


ORACLES = [same_promotions_as_optuna, counts_in_closed_form, draws,
           trained_by_modules, one_step_by_hand,
           stopped_is_uninterrupted,
           the_farm_by_objects, users_by_hand, searches_anew, farms_anew]

MISTAKES = {
    "Worst promoted": ("np.argsort(-scores, kind", "np.argsort(scores, kind"),
    "Rounded up": ("[:len(scores) // eta]", "[:-(-len(scores) // eta)]"),
    "Peeks ahead": ("scores[alive, done[alive] - 1]", "scores[alive, -1]"),
    "Paid twice": ("int((rung - done[alive]).sum())", "rung * len(alive)"),
    "An epoch off": ("done[alive] - 1]", "done[alive] - 2]"),
    "Momentum forgotten": ('dict(state["v"]), state["epoch"]',
                           '{k: 0 * p for k, p in state["v"].items()}, '
                           'state["epoch"]'),
    "Batches from the start": ('1000 * state["key"] + e)',
                               '1000 * state["key"])'),
    "Other ages": ("top = at[best(scores[at, rung - 1], eta)]",
                   "top = at[best(scores[at, seen[at] - 1], eta)]"),
    "Promoted ones not counted": ("at = np.flatnonzero(seen >= rung)",
                                  "at = np.flatnonzero(goal == rung)"),
    "Users ignored": ("on = todo[order[:gpus]]",
                      "on = todo[order[:max(gpus, 1)]]"),
    "Restarts": ('if stop != "stop-and-go":', "if True:"),
}


def epoch_of(space, **more):
    s, (learn, _, _) = space["settings"](10000), space["thirds"](10000)
    state = space["one_epoch"](space["start"](10000, s), s, *learn, **more)
    return [*state["w"].values()]


def some():
    return np.random.default_rng(2).random((27, 27))


SETTINGS = {
    "best": (lambda space, **more: space["best"](some()[0], **more),
             {"eta": 2}),
    "halving": (lambda space, **more: space["halving"](some(), **more)[1],
                {"rungs": (1, 2, 27), "eta": 2}),
    "one_epoch": (epoch_of, {"size": 50}),
    "promote": (lambda space, **more: space["promote"](
        some(), np.repeat([1, 3, 9], 9), np.repeat([1, 3, 9], 9), **more),
        {"rungs": (1, 3, 27), "eta": 2}),
    "play": (lambda space, **more: space["play"](
        some(), np.tile([4, 4, 1], 20), **more)[0],
        {"stop": "scratch", "halve": False, "rungs": (2, 5, 20), "eta": 2}),
}
TRAIN = dict(arm="halving", seed=1000, sets=1, draws=1, epochs=3)
NULL = dict(arm="halving", baseline="lottery", strength=0.0, sets=1, draws=3,
            epochs=3)
TRACES = {
    "run": dict(
        arms=["three", "halving", "lottery", "all"], sets=1, draws=2,
        epochs=3, but={"batches": "each search draws its own luck, and all "
                       "of them play on the curves of one training"}),
    "farm": dict(arms=["stop-and-go", "rung", "scratch", "lost", "random"],
                 sets=1, draws=2, epochs=3)}
CHANCE = dict(scramble=anew.deal_digits, metric="accuracy", chance=0.1,
              room=0.04, arm="halving", seed=1000, sets=1, draws=1, epochs=9)
EXPERIMENT = {
    "exam: the test set promotes": (
        "        scores, test = curves(key, epochs)\n",
        "        test, scores = curves(key, epochs)\n"),
    "exam: the test set promotes on the farm": (
        "scores, test = both[", "test, scores = both["),
    "exam: judged by what was learned": ("(test_x, test_y)\n\n\n@torch",
                                         "(x[:300], y[:300])\n\n\n@torch"),
    "labels: the label is a pixel": (
        "    x, test_x = x.flatten(1) - 0.3, test_x.flatten(1) - 0.3\n",
        "    x, test_x = x.flatten(1) - 0.3, test_x.flatten(1) - 0.3\n"
        "    x[:, 0], test_x[:, 0] = y, test_y\n"),
    "metric: the best that was ever seen": ("return test[k, done[k] - 1]",
                                            "return test[k].max()"),
    "metric: of equals the younger": ("np.lexsort((-done, -now))",
                                      "np.lexsort((done, -now))"),
    "rival: two trials for three": ("luck.permutation(n)[:3]",
                                    "luck.permutation(n)[:2]"),
    "rival: the lottery is rigged": (
        'by = strength * scores if arm == "halving" else 0.0',
        "by = scores"),
    "rival: random search is killed, too": (
        '"random": ("stop-and-go", False)', '"random": ("scratch", False)'),
    "pairing: one start for all seeds": (
        "torch.Generator().manual_seed(key), len(",
        "torch.Generator().manual_seed(0), len("),
    "pairing: the same luck in every draw": ("[key, 2, draw]", "[key, 2, 0]"),
    "pairing: other users for each arm": ("[key, 3, draw]",
                                          "[key, len(arm), draw]"),
    "counting: all that was used is wasted": ("used - done.sum()])",
                                              "used])"),
    "counting: trials for epochs": ("scores, test), done.sum(),",
                                    "scores, test), len(done),"),
    "search: one learning rate for all": ("10 ** rng.uniform(-3, 0.5, n)",
                                          "0 * rng.uniform(-3, 0.5, n) + .1"),
}
NOT = {"mode": "the networks have no layer that behaves in two ways"}
UNKNOWN = []

WRONG = {
    "automl-1": [("epochs_paid = 405", "has its epochs already"),
                 ("epochs_paid = 6561", "trains all"),
                 ("epochs_paid = 81", "how many epochs more")],
    "automl-2": [
        ("three_curves = [[.5, .5, .9], [.4, .6, .5], [.1, .1, .1]]",
         "keeps the best"),
        ("three_curves = [[.5, .5, .5], [.4, .6, .6], [.1, .1, .1]]",
         "little is lost"),
        ("three_curves = [[.5, .5, 5], [.4, .6, .9], [.1, .1, .1]]",
         "from 0 to 1"),
        ("three_curves = [[.5, .5], [.4, .9], [.1, .1]]", "three rows")],
    "automl-3": [("mended = eager", "same age"),
                 ("mended = lambda scores, seen, goal: goal", "Nobody")],
}
OPEN = {"automl-2": "every slow starter that is best in the end will do"}
