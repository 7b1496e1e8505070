"""policy_modulation: what its page must survive (see test_every_page.py)."""

import math
from unittest import mock

import numpy as np
import torch
from scipy import optimize, stats

NOISE, PRICE, PENALTY = (0.1, 1.2), (0.01, 0.15), (0.0, 2.0)


def body(z):
    """The task of one user, written from the page's words: (P, R, click)
    with P[a][d] the chances of the twelve distances after move a."""
    noise, price, penalty = (lo + (hi - lo) * (x + 1) / 2 for x, (lo, hi) in
                             zip(z, (NOISE, PRICE, PENALTY)))
    P = np.zeros((3, 12, 12))
    for a, k in enumerate((1.0, 0.4, 0.13)):
        for d in range(12):
            left = stats.norm.cdf(np.arange(12) - 0.5, 0,
                                  0.15 + noise * k * d)
            right = stats.norm.cdf(np.arange(12) + 0.5, 0,
                                   0.15 + noise * k * d)
            P[a, d] = right - left
            P[a, d, 1:] *= 2                 # missed on either side
            P[a, d] /= P[a, d].sum()
    hit = np.exp(-(np.arange(12) / 2.5) ** 2)
    click = hit - (1 - hit) * penalty - price
    return P, -price * np.array([1, 2, 3.5]), click


def by_linear_programming(z):
    """Q of one user: the smallest values that no action can beat."""
    P, cost, click = body(z)
    A, b = [-np.eye(12)], [-click]
    for a in range(3):
        A.append(0.95 * P[a] - np.eye(12))
        b.append(np.full(12, -cost[a]))
    got = optimize.linprog(np.ones(12), np.concatenate(A), np.concatenate(b),
                           bounds=(None, None), method="highs")
    assert got.success
    Q = [cost[a] + 0.95 * P[a] @ got.x for a in range(3)]
    return np.stack([*Q, click], 1)


def task_by_scipy(page):
    z = page["users"](5, 3)
    landing, cost, click = page["task"](z)
    for n, one in enumerate(z.tolist()):
        for got, want in zip((landing, cost, click), body(one)):
            np.testing.assert_allclose(got[n], want, atol=1e-6)


def values_by_linear_programming(page):
    """Made by others: HiGHS; no iteration, no max."""
    z = page["users"](6, 4)
    got = page["solve"](page["task"](z))
    for n, one in enumerate(z.double().tolist()):
        np.testing.assert_allclose(got[n], by_linear_programming(one),
                                   atol=2e-5)


def policy_by_hand(page):
    q = torch.tensor([[[0.1, 0.2, 0.0, 0.4]]])
    w = [math.exp(x) for x in (1, 2, 0, 4)]
    np.testing.assert_allclose(page["policy"](q)[0, 0].exp(),
                               np.array(w) / sum(w), rtol=1e-5)


def in_numpy(net, z, strength, more=(0, 0, 0)):
    """Both kinds of networks from their weights."""
    w = {k: p.detach().double().numpy() for k, p in net.named_parameters()}
    out = []
    for one in z.double().numpy():
        h = np.eye(12)
        for k in range(3):
            if k and strength is not None:
                s = f"secondary.{k - 1}"
                inner = np.maximum(w[f"{s}.0.weight"] @ one
                                   + w[f"{s}.0.bias"], 0)
                change = strength * (w[f"{s}.2.weight"] @ inner
                                     + w[f"{s}.2.bias"])
                half = len(change) // 2
                h = (1 + change[:half]) * h + change[half:]
            if more[k]:
                h = np.concatenate([h, np.tile(one, (12, 1))], 1)
            h = h @ w[f"primary.{k}.weight"].T + w[f"primary.{k}.bias"]
            h = np.maximum(h, 0) if k < 2 else h
        out.append(h)
    return np.array(out)


def networks_in_numpy(page):
    z = page["users"](4, 5)
    for strength in (0.0, 0.6, 1.0):
        torch.manual_seed(1)
        net = page["Modulated"](width=7, inner=5, strength=strength)
        np.testing.assert_allclose(net(z).detach(),
                                   in_numpy(net, z, strength), atol=1e-5)
    torch.manual_seed(1)
    assert not torch.allclose(page["Modulated"]()(z)[0],
                              page["Modulated"]()(z)[1])
    for arm, more in (("plain", (0, 0, 0)), ("input", (3, 0, 0)),
                      ("layers", (3, 3, 3))):
        net = page["Told"](arm)
        wide = net.primary[0].out_features
        assert [layer.in_features for layer in net.primary] == [
            n + m for n, m in zip((12, wide, wide), more)]
        np.testing.assert_allclose(net(z).detach(),
                                   in_numpy(net, z, None, more), atol=1e-5)
    sizes = {arm: sum(p.numel() for p in page["Told"](arm).parameters())
             for arm in ("plain", "input", "layers")}
    film = sum(p.numel() for p in page["Modulated"]().parameters())
    assert all(0.9 < sizes[a] / film < 1.1 for a in ("input", "layers"))
    assert sizes["plain"] < film


def zeroed_modulation_is_the_plain_network(page):
    z = page["users"](9, 6)
    torch.manual_seed(2)
    film = page["Modulated"](strength=0.0)
    torch.manual_seed(2)
    assert torch.equal(film(z), page["Told"]("plain")(z))


def fitted_again(page):
    """Fitted Q iteration in other words: the page's network, SGD loop by
    hand, targets state by state."""
    for sweeps, steps, batch, rate in ((3, 2, 5, 0.02), (2, 3, 7, 0.01)):
        z = page["users"](8, 7)
        torch.manual_seed(3)
        got = page["fit"](page["Modulated"](width=6, inner=4), z,
                          torch.Generator().manual_seed(8), rate, sweeps,
                          steps, batch)
        torch.manual_seed(3)
        net = page["Modulated"](width=6, inner=4)
        bodies = [body(one) for one in z.double().tolist()]
        rng = torch.Generator().manual_seed(8)
        adam = torch.optim.Adam(net.parameters())
        for t in range(sweeps * steps):
            if t % steps == 0:
                best = net(z).detach().double().max(2)[0].numpy()
                targets = torch.tensor(np.array([
                    [[*(c[a] + 0.95 * P[a, d] @ v for a in range(3)), k[d]]
                     for d in range(12)]
                    for (P, c, k), v in zip(bodies, best)])).float()
            i = torch.randint(8, (batch,), generator=rng)
            gap = (net(z[i]) - targets[i]).abs()
            loss = torch.where(gap < 0.1, 5 * gap ** 2, gap - 0.05).mean()
            adam.param_groups[0]["lr"] = rate * (
                1 + math.cos(math.pi * t / (sweeps * steps))) / 2
            adam.zero_grad()
            loss.backward()
            adam.step()
        for a, b in zip(got.parameters(), net.parameters()):
            torch.testing.assert_close(a, b, atol=2e-4, rtol=1e-3)


def one_constant_user_is_one_users_network(page):
    """Told the same z always, the modulated network becomes the exact
    policy of that user."""
    z = torch.tensor([[0.3, -0.4, 0.6]])
    torch.manual_seed(0)
    net = page["fit"](page["Modulated"](), z, torch.Generator(), 0.02,
                      sweeps=30, batch=1)
    want = torch.tensor(by_linear_programming(z[0].double().tolist()))
    own, got = (page["policy"](q.detach().float()) for q in (want, net(z)[0]))
    assert (own.exp() * (own - got)).sum(1).mean() < 0.01


def inferred_by_bayes(page):
    """Products of probabilities, candidate by candidate."""
    rng = torch.Generator().manual_seed(9)
    log_p = torch.randn(5, 3, 4, generator=rng).log_softmax(2)
    z = torch.randn(5, 3, generator=rng)
    counts = torch.randint(4, (6, 3, 4), generator=rng).float()
    got = page["infer"](log_p, z, counts)
    for u in range(6):
        chance = np.array([np.prod(log_p[c].double().exp().numpy()
                                   ** counts[u].numpy()) for c in range(5)])
        np.testing.assert_allclose(got[u], chance @ z.double().numpy()
                                   / chance.sum(), atol=1e-5)


def watched_and_earned_by_visits(page):
    """Expected counts and earnings from the chance of being somewhere."""
    z = page["users"](3, 10)
    world = page["task"](z)
    log_p = page["policy"](page["solve"](world).flip(0) * 0.5)
    trials = 4000
    got = page["behave"](log_p, world, torch.Generator().manual_seed(1),
                         trials)
    one = page["behave"](log_p, world, torch.Generator().manual_seed(1), 7, 1)
    assert (one.sum((1, 2)) == 7).all()
    earned = page["earned"](log_p, world)
    for n, row in enumerate(z.double().tolist()):
        P, cost, click = body(row)
        pi = log_p[n].double().exp().numpy()
        here, want = np.zeros(12), np.zeros((12, 4))
        here[4:] = 1 / 8
        for _ in range(20):
            acts = here[:, None] * pi
            want += acts
            here = sum(acts[:, a] @ P[a] for a in range(3))
        spread = np.sqrt(want / trials) * 6 + 0.002
        assert (abs(got[n].numpy() / trials - want) < spread).all()
        at = pi.argmax(1)                # one linear equation a state
        moves = np.where(at < 3, at, 0)
        on = (at < 3)[:, None] * P[moves, np.arange(12)]
        got_now = np.where(at < 3, cost[moves], click)
        value = np.linalg.solve(np.eye(12) - 0.95 * on, got_now)
        assert abs(earned[n].item() - value[4:].mean()) < 1e-4


def run_by_hand(page):
    """Every arm's numbers once more, from policies found anew."""
    real = page["users"]
    with mock.patch.dict(page, {"users": lambda count, seed: real(
            {2000: 90, 200: 30, 128: 40}.get(count, count), seed)}):
        _run_by_hand(page, dict(sweeps=2))


def _run_by_hand(page, settings):
    policy, task, users = page["policy"], page["task"], page["users"]
    z, met, drawn = users(200, 21_004), users(128, 11_004), users(2000,
                                                                  31_004)
    exact = policy(page["solve"](task(z)))
    counts = page["behave"](exact, task(z),
                            torch.Generator().manual_seed(41_004), 100)
    many = policy(page["solve"](task(met))).exp().mean(0).log()
    exact_middle = policy(torch.tensor(by_linear_programming(
        [0, 0, 0]))).float()
    for arm in page["ARMS"]:
        if arm == "own":
            answer = lambda x: policy(page["solve"](task(x)))  # noqa: E731
        elif arm == "middle":
            answer = lambda x: exact_middle.repeat(len(x), 1, 1)  # noqa: E731
        elif arm == "shared":
            answer = lambda x: many.repeat(len(x), 1, 1)       # noqa: E731
        else:
            torch.manual_seed(1004)
            net = (page["Modulated"]() if arm == "film"
                   else page["Told"](arm))
            rate = {"film": 0.02, "layers": 0.02}.get(arm, 0.01)
            page["fit"](net, met, torch.Generator().manual_seed(1004), rate,
                        **settings)
            answer = lambda x, net=net: policy(net(x)).detach()  # noqa: E731
        got = page["run"](arm, 1004, **({} if arm in ("own", "shared",
                                                   "middle")
                                        else settings))
        other = answer(z)
        kl = sum((p * np.log(p / q)).sum() for p, q in zip(
            exact.double().exp().numpy(), other.double().exp().numpy()))
        assert abs(got["kl"] - kl / 360) < 1e-5, arm
        assert abs(got["earned"] - page["earned"](
            other, task(z)).mean().item()) < 1e-6
        log_p = answer(drawn).double().flatten(1).numpy()
        fits = counts.double().flatten(1).numpy() @ log_p.T
        w = np.exp(fits - fits.max(1, keepdims=True))
        guess = w / w.sum(1, keepdims=True) @ drawn.double().numpy()
        missed = ((guess - z.numpy()) ** 2).mean(0) / z.double().numpy().var(
            0)
        for k, name in enumerate(("noise", "price", "penalty")):
            assert abs(got[name] - 1 + missed[k]) < 2e-3, (arm, name)
        assert abs(got["r2"] - 1 + missed.mean()) < 2e-3, arm


ORACLES = [policy_by_hand, networks_in_numpy,
           zeroed_modulation_is_the_plain_network, inferred_by_bayes,
           task_by_scipy, values_by_linear_programming, fitted_again,
           watched_and_earned_by_visits, run_by_hand,
           one_constant_user_is_one_users_network]

MISTAKES = {
    "No discount": ("cost[:, None] + DISCOUNT * move",
                    "cost[:, None] + move"),
    "Mean for max": ("value = q.amax(2)", "value = q.mean(2)"),
    "A click goes on": ("click[..., None]], 2)",
                        "(click + value)[..., None]], 2)"),
    "Temperature forgotten": ("(q / HEAT)", "q"),
    "Unnormalised": ("self.secondary[k](z)[:, None]",
                     "self.secondary[k](LOW + (HIGH - LOW) * (z + 1) / 2)"
                     "[:, None]"),
    "No shift": ("(1 + gamma) * h + beta", "(1 + gamma) * h + 0 * beta"),
    "One place": ("self.primary[2](self.film(1, h, z))",
                  "self.primary[2](h + 0 * self.film(1, h, z))"),
    "Target not told": ("backup(net(z).amax(2), world)",
                        "backup(net(0 * z).amax(2), world)"),
    "Shuffled": ("backup(net(z).amax(2), world)",
                 "backup(net(z.flip(0)).amax(2), world)"),
    "Greedy": ('torch.einsum("usa,csa->uc", counts, log_policy)',
               'torch.einsum("usa,csa->uc", counts, (30 * log_policy)'
               '.log_softmax(2))'),
    "Normalised over users": ("fits.softmax(1) @", "fits.softmax(0) @"),
}
SETTINGS = {
    "solve": (lambda page, **how: page["solve"](
        page["task"](page["users"](3, 1)), **how), {"sweeps": 2}),
    "layers": (lambda page, **how: torch.tensor(
        [layer.in_features for layer in page["layers"](5, **how)]),
        {"more": (1, 2, 3)}),
    "Modulated": (lambda page, **how: torch.cat([
        p.flatten() for p in seeded(page["Modulated"], **how).parameters()]
        + [seeded(page["Modulated"], **how)(page["users"](2, 1)).flatten()]),
        {"width": 9, "inner": 5, "strength": 0.5}),
    "fit": (lambda page, **how: page["fit"](
        seeded(page["Modulated"], width=4, inner=3), page["users"](8, 1),
        torch.Generator().manual_seed(0), 0.01, **{
            "sweeps": 2, "steps": 2, "batch": 3, **how})(
                page["users"](2, 1)),
        {"sweeps": 3, "steps": 3, "batch": 4}),
}


def seeded(make, **how):
    torch.manual_seed(0)
    return make(**how)


TRAIN = dict(arm="film", seed=1000, sweeps=2)
NULL = dict(arm="film", baseline="plain", strength=0.0, sweeps=3, rate=0.01)


def small(space):
    """Sixty candidates and thirty users to be watched."""
    real = space["users"]
    space["users"] = lambda count, seed: real(
        {2000: 60, 200: 30}.get(count, count), seed)


def scramble(space):
    """What the network is told is of somebody else's body."""
    real = space["task"]
    space["task"] = lambda z: real(z[torch.randperm(
        len(z), generator=torch.Generator().manual_seed(len(z)))])


SMALL = small
TRACES = {"run": dict(
    arms=["film", "plain", "input", "layers"], sweeps=1, updates=10,
    rates=[("film", {}, 0.02), ("plain", {"rate": 0.3}, 0.3)],
    but={"start": "the kinds of networks have weights of other shapes; film "
                  "and plain are compared by the null strength"})}
CHANCE = dict(scramble=scramble, metric="kl", chance=0.065, room=0.045,
              arm="film", seed=1000, sweeps=12)
EXPERIMENT = {
    "exam: watched users are those of the training": (
        "z = users(200, 20_000 + seed)", "z = users(200, 10_000 + seed)"),
    "metric: divergence of the wrong side": (
        "(own.exp() * (own - other))", "(other.exp() * (own - other))"),
    "metric: the sum over distances": (".sum(2).mean().item()",
                                       ".sum((1, 2)).mean().item()"),
    "metric: the sign of R2": ("(1 - missed).tolist()",
                               "(missed - 1).tolist()"),
    "metric: earned by the best action": (
        "value = backup(value, world).gather(2, a)[..., 0]",
        "value = backup(value, world).amax(2)"),
    "rival: shared is the policy of the mean value": (
        "mean = policy(solve(task(met))).exp().mean(0).log()",
        "mean = policy(solve(task(met)).mean(0))"),
    "rival: layers are told once": ('"layers": (3, 3, 3)',
                                    '"layers": (3, 0, 0)'),
    "rival: own gives up early": (
        "return lambda z: policy(solve(task(z)))",
        "return lambda z: policy(solve(task(z), 3))"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "pairing: every seed has the same batches": (
        "rng = torch.Generator().manual_seed(seed)\n    return fit",
        "rng = torch.Generator().manual_seed(0)\n    return fit"),
    "pairing: every seed has the same users": ("10_000 + seed), rng",
                                               "10_000), rng"),
    "counting: the last distance is left out": (
        "torch.randint(4, FAR,", "torch.randint(4, FAR - 1,"),
    "counting: trials go on after the click": ("going * (a < 3)",
                                               "going * (a < 4)"),
    "search: the rate is ignored": ("rng, rate or RATE[arm],",
                                    "rng, RATE[arm],"),
}
NOT = {"labels": "the parameters are what the networks are told, by design",
       "mode": "no layer of these networks knows a training mode"}

WRONG = {
    "policy_modulation-1": [("even = 0.27", "discounted"),
                            ("even = 0.256", "a click takes a beat"),
                            ("even = 0.123", "A miss costs 1"),
                            ("even = 0.1", "Set -3.5 c")],
    "policy_modulation-2": [("content = (1.0, 1.0, 1.0)", "loses"),
                            ("content = (0.0, 0.0, 3.0)", "between -1"),
                            ("content = (0.0, 0.0)", "three numbers")],
    "policy_modulation-3": [("mended = suspect", "surer"),
                            ("mended = infer", "the page's own"),
                            ("mended = lambda p, c, n: c", "One row a user")],
}
OPEN = {"policy_modulation-2": "many users lie near the shared policy"}
