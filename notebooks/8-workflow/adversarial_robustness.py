# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Adversarial robustness: a change that misleads only the network
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/8-workflow/adversarial_robustness.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, [*Towards Deep Learning Models Resistant to Adversarial Attacks*](https://arxiv.org/abs/1706.06083), ICLR 2018; the one step is from I. J. Goodfellow, J. Shlens, C. Szegedy, [*Explaining and Harnessing Adversarial Examples*](https://arxiv.org/abs/1412.6572), ICLR 2015; one step from a random start is from E. Wong, L. Rice, J. Z. Kolter, [*Fast is better than free*](https://arxiv.org/abs/2001.03994), 2020; of all three we read the abstract |
# | Official code | of the authors' challenges on [MNIST](https://github.com/MadryLab/mnist_challenge) at commit `3ee3643` and [CIFAR-10](https://github.com/MadryLab/cifar10_challenge) at `f15682d`, and of [Wong and others](https://github.com/locuslab/fast_adversarial) at `1d94c4e`: attack, training loop, settings |
# | Rule read in | official code |
# | In the article | the interview names adversarial robustness, attack and defence, and a paper of the year before, which is 2019; which paper is meant we could not tell |
# | Before this page | [Regularisers on one bench](../3-machine-learning/regularisers.ipynb), where one gradient-sign step is among the exams |
# | Data | scikit-learn's real digits, 8 by 8 pixels from 0 to 1 |
# | Time | under a minute |
#
# **요약.**
# 사람은 여전히 바르게 읽는 숫자를 왜 분류기는 다른 숫자로 읽을까요?
# 이 페이지는 모든 픽셀을 `0.15`까지만 바꾸는 적대적 공격(adversarial attack)과, 바로 그렇게 바뀐 그림으로 학습하는 적대적 훈련(adversarial training)을 실제 손글씨 숫자에서 시드 다섯 개로 비교합니다.
# 공격을 받은 뒤 일반 학습은 열에 하나쯤, 가장 나은 정규화 기법도 열에 둘 미만을 맞히지만, 적대적 훈련은 잃은 정확도의 절반 넘게 되찾으면서 바뀌지 않은 숫자의 정확도는 거의 잃지 않습니다.
# 선형 분류기에서는 최악의 변화가 식으로 정해지므로 공격이 정말 최악에 닿는지 확인할 수 있고, 기울기를 숨겼을 뿐이어서 튼튼해 보이는 네트워크는 몇 가지 점검으로 가려낼 수 있습니다.
# 작은 그림과 작은 네트워크에서 얻은 결과이므로 사진이나 다른 종류의 변화에 대해서는 말해 주지 않습니다.
#
# **In short.**
# How small a change makes a network misread a digit, and what does it cost to be safe from such changes?
# When no pixel moves by more than `0.15`, our attacks leave plain training <!--=adversarial-won.mean.plain-->0.12<!--/--> of the digits, the best of three regularisers <!--=adversarial-won.mean.noise-->0.18<!--/--> and a network trained against changes of seven steps <!--=adversarial-won.mean.several-->0.64<!--/-->, which names <!--=adversarial-clean.mean.several-->0.97<!--/--> of the unchanged ones; one step from a random start, trained at equal cost, leaves <!--=adversarial-cost.mean.quick-->0.68<!--/-->.
# It does not show photographs, larger networks or changes of another kind, such as a shift; and for a network, unlike a linear one, no attack proves that none is stronger.

# %% tags=["setup"]
# @title Set-up: in Colab this installs the book's helper
import importlib.util, os, pathlib, subprocess, sys
for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents][::-1]:
    if (folder / "lab1784" / "__init__.py").exists():
        sys.path.insert(0, str(folder))    # in a clone, the clone's own
spec, env = importlib.util.find_spec("lab1784"), os.environ
if spec is None or spec.origin is None:
    book = "git+https://github.com/OWNER/REPO"
    if not {"COLAB_RELEASE_TAG", "LAB1784_SOURCE"} & env.keys():
        raise ImportError(
            f"Rename {list(spec.submodule_search_locations)[0]}: it is in the "
            "way of the book's helper" if spec else "The book's helper is not "
            f"here: open a clone of the book, or run pip install {book}")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    env.get("LAB1784_SOURCE", book)], check=True)
    importlib.invalidate_caches()
    print("Installed lab1784 only; no other package was changed.")

# %% tags=["imports"]
# @title Imports
import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import (check, claim, compare, data, draw_claim, image_grid,
                     known, near, overview, palette, remember, show)
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## What a network reads, and what you read
#
# Of 1,787 handwritten digits, these two are the closest that have different names, when only the most different pixel counts.
# Between them is the picture half-way.

# %%
images, names = data.digits(1000, test=10)[:2]
flat = images.flatten(1)
apart = torch.cdist(flat, flat, p=math.inf)
apart[names[:, None] == names] = math.inf
a, b = divmod(apart.argmin().item(), len(names))
print(f"largest difference of a pixel: {apart[a, b].item():.4f}")

# %% tags=["figure"]
# @title Draw: the two closest digits of different names
image_grid(torch.stack([images[a], (images[a] + images[b]) / 2, images[b]]),
           columns=3, size=1.2, titles=[f"a {names[a]}", "half-way",
                                        f"a {names[b]}"],
           alt="Three grey pictures of 8 by 8 pixels: two handwritten digits "
               "of different names and their mean between them.")

# %% [markdown]
# Whoever may move every pixel by half of that difference can bring both to one picture.
# We allow $\epsilon = 0.15$, which is less: no two of these digits with different names can meet, so a classifier exists that is right on each of them and all around it.
# Ordinary training does not find it: moved by so little, nearly nine in ten digits are misread.
#
# ## The idea: the worst change, and training on it
#
# An **adversarial attack** (적대적 공격) looks for the change $\delta$ that raises the loss $\ell$ the most, where no pixel may move by more than $\epsilon$ nor leave $[0, 1]$.
# **Adversarial training** (적대적 훈련) lowers the loss at that change instead of at the digit:
#
# $$\min_\theta \; \mathbb{E}_{(x, y)} \; \max_{\|\delta\|_\infty \le \epsilon,\; x + \delta \in [0, 1]^d} \ell_\theta(x + \delta,\, y).$$
#
# For a linear score $s = w \cdot x + b$ and a label $y = \pm 1$ the inner problem has an answer.
# Each pixel hurts the margin $ys$ most at one end of its range, whatever the others do, and so
#
# $$\min_{\|\delta\|_\infty \le \epsilon} y\,(w \cdot (x + \delta) + b) = y\,(w \cdot x + b) - \epsilon\,\|w\|_1 .$$
#
# One step gives the whole of it, $\delta = -\epsilon\, y\, \mathrm{sign}\, w$, and many small losses add up over many pixels.
# Goodfellow and others see the main cause in this linear nature of networks (abstract).
# In the box $[0, 1]^d$ a pixel may have less room than $\epsilon$, and the worst case is a sum of clipped terms.
# A network is not linear, so one step can miss.
# **Projected gradient descent** (투영 경사 하강법, PGD) takes several, each from where the last one ended, and brings every point back into ball and box, $\Pi$:
#
# $$z_{t+1} = \Pi\big(z_t + a \,\mathrm{sign}\, \nabla_z\, \ell_\theta(z_t, y)\big), \qquad z_0 \text{ drawn from the ball.}$$
#
# ## The technique
#
# The slope is taken with regard to the image, and the weights stay.
# Two kinds of loss are climbed: cross-entropy, and the lead that one given wrong class has over the right one.
# Where a network is sure, its cross-entropy is flat; its leads are not.

# %% tags=["technique"]
def cross(logits, y):
    """Cross-entropy of (N, K) logits and classes (N,), summed, in nats."""
    return F.cross_entropy(logits, y, reduction="sum")

def lead(logits, y, j):
    """By how much the j-th class after y leads y, summed; for j < K."""
    rival = (y + j) % logits.shape[1]
    return (logits.gather(1, rival[:, None])
            - logits.gather(1, y[:, None])).sum()

def slope(net, x, y, loss):
    """The loss's gradient at images x, of the shape of x."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(loss(net(x), y), x)[0]

# %% tags=["technique"]
def project(z, x, eps):
    """The nearest point to z within eps of x, and within [0, 1]."""
    return torch.max(torch.min(z, x + eps), x - eps).clamp(0, 1)

def one_step(net, x, y, eps):
    """FGSM: every pixel moves by eps the way that raises the loss."""
    return project(x + eps * slope(net, x, y, cross).sign(), x, eps)

def several_steps(net, x, y, eps, steps, a, g=None, loss=cross):
    """PGD: `steps` steps of `a` a pixel, each one projected.

    x: (N, ...) in [0, 1].  y: (N,) true classes.  g: generator of the start,
    uniform in the ball; None starts at x.  Source: pgd_attack.py of Madry's
    mnist_challenge.
    """
    z = x
    if g is not None:
        noise = 2 * torch.rand(x.shape, generator=g) - 1
        z = project(x + eps * noise, x, eps)
    for _ in range(steps):
        z = project(z + a * slope(net, z, y, loss).sign(), x, eps)
    return z

# %% [markdown]
# A digit **survives** when the network names it rightly as it is and after eleven attacks in turn: two on cross-entropy, then one towards each of the nine wrong classes.
# An attack takes twenty steps of an eighth of the radius from a random start of its own; digits that have fallen are not attacked again.
# The authors' code climbs cross-entropy or the lead of the best wrong class; to try each class is our addition, and the linear classifier below tells why.
# Training replaces each batch by its changed one, made against the network as it is at that moment; the clean one is not used.
# With $k = 1$ that is Goodfellow's step from the digit itself, without the clean half of his loss; with more it is Madry's loop from a random start, whose step on CIFAR-10 is a quarter of the radius.

# %% tags=["technique"]
def right(net, x, y):
    """Which of the images are named rightly: (N,) bool."""
    with torch.no_grad():
        return net(x).argmax(1) == y

def survives(net, x, y, eps, g, steps=20, starts=2, rivals=9):
    """Which images are right before and after all attacks: (N,) bool.

    `starts` attacks climb cross-entropy, then one each the leads of the
    first `rivals` classes after y.  Whoever has fallen is not asked again.
    """
    alive = right(net, x, y)
    leads = [partial(lead, j=j) for j in range(1, rivals + 1)]
    for loss in [cross] * starts + leads:
        i = alive.nonzero()[:, 0]
        z = several_steps(net, x[i], y[i], eps, steps, eps / 8, g, loss)
        alive[i] = right(net, z, y[i])
    return alive

def changed(net, x, y, eps, k, g):
    """The batch that adversarial training learns from, by k steps."""
    if k == 1:
        return one_step(net, x, y, eps)
    return several_steps(net, x, y, eps, k, eps / 4, g)

# %% [markdown]
# For a linear classifier of $K$ classes the attacker picks the rival class, too.
# Against each rival the margin has the weights $w_y - w_j$, and the smallest of the $K - 1$ worst margins decides.

# %% tags=["technique"]
def worst_margin(weight, bias, x, y, eps):
    """Exact: the smallest lead of class y that changes in ball and box allow.

    weight: (K, D).  bias: (K,).  x: (N, D) in [0, 1].  Returns (N,).
    """
    down = (x - eps).clamp(min=0) - x                 # (N, D), room below
    up = (x + eps).clamp(max=1) - x                   # (N, D), room above
    w = weight[y][:, None] - weight                   # (N, K, D)
    margin = (w * x[:, None]).sum(2) + bias[y][:, None] - bias
    loss = torch.minimum(w * down[:, None], w * up[:, None]).sum(2)
    own = F.one_hot(y, len(bias)).bool()
    return (margin + loss).masked_fill(own, math.inf).amin(1)

# %% [markdown]
# ## Predict
#
# Networks of one kind, from the same start and on the same batches, are trained plainly, with regularisers, and against attacks.
# Then each meets the eleven attacks of radius `0.15`.
# Which bets do you take?
#
# - (a) CutMix or label smoothing, tuned for this, keeps a third of the digits.
# - (b) Random noise of twice the radius in training does as well as the worst change.
# - (c) After equally many updates, training against one step is as good as training against seven.
# - (d) At equal cost, one step from a random start is as good.
# - (e) Training against seven steps wins back most of what plain training loses.
# - (f) It costs more than four unchanged digits in a hundred.
#
# ## The experiment
#
# Each seed draws 1,000 digits to learn from and 600 for the exam.

# %% tags=["experiment"]
EPS, STEPS = 0.15, {"one": 1, "several": 7, "far": 7}

def network(linear):
    layers = [] if linear else [nn.Linear(64, 128), nn.ReLU(),
                                nn.Linear(128, 128), nn.ReLU()]
    last = nn.Linear(64 if linear else 128, 10)
    return nn.Sequential(nn.Flatten(), *layers, last)

def cutmix(x, t, chance, rng):
    """A box of another image of the batch, and its share of the label."""
    if rng.random() >= chance:
        return x, t
    half = int(8 * math.sqrt(1 - rng.random())) // 2
    partner = torch.from_numpy(rng.permutation(len(x)))
    cy, cx = rng.integers(8, size=2)
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[max(cy - half, 0):cy + half, max(cx - half, 0):cx + half] = True
    share = inside.double().mean().item()
    return (torch.where(inside, x[partner], x),
            (1 - share) * t + share * t[partner])

# %% [markdown]
# Nine arms.
# *noise* moves every pixel at random, by up to `strength` times the radius, and so lacks only the worst direction.
# *smoothing* shares out `strength` of each label, *cutmix* mixes that share of the batches ([their page](../3-machine-learning/regularisers.ipynb)).
# *one* and *several* train against one step and seven, of `strength` times the radius.
# *far* does so against twice the radius, where digits of different names can meet: it is meant to be damaged.
#
# An update of *several* passes through the network eight times, seven for the attack and one for the weights.
# Two arms cost as much: *long* is plain training with eight times the updates; *quick* has four times the updates, each against one step of `1.25` radii from a random start, as in the code of Wong and others.

# %% tags=["experiment"]
def treat(arm, net, x, y, strength, g, rng):
    """One batch of images and soft labels as the arm trains on it."""
    known(arm, ARMS, "arm")
    t = F.one_hot(y, 10).to(x.dtype)
    if arm in STEPS:
        return changed(net, x, y, strength * EPS, STEPS[arm], g), t
    if arm == "quick":
        r = strength * EPS
        return several_steps(net, x, y, r, 1, 1.25 * r, g), t
    if arm == "noise":
        return several_steps(net, x, y, strength * EPS, 0, 0.0, g), t
    if arm == "smoothing":
        return x, (1 - strength) * t + strength / 10
    if arm == "cutmix":
        return cutmix(x, t, strength, rng)
    return x, t

# %% [markdown]
# All arms were searched over one grid on seeds 1000 to 1002: rates of 1, 3, 10 and 30 thousandths, and two strengths, for plain training none.
# The rule takes the setting that survives most often among those that name `0.95` of the unchanged digits.
# *far* takes the rate of *several*.

# %% tags=["experiment"]
# strengths: times the radius (1, 2), share of the label (0.2, 0.5), share of
# the batches (0.5, 1), times the radius (1, 4/3) for the next three
SETTING = {"plain": (1e-3, 0.0), "long": (1e-3, 0.0), "noise": (3e-3, 2.0),
           "smoothing": (1e-3, 0.5), "cutmix": (3e-3, 1.0),
           "one": (1e-2, 1.0), "quick": (1e-2, 4 / 3),
           "several": (1e-2, 1.0), "far": (1e-2, 2.0)}
ARMS = tuple(SETTING)

@remember(most=2)
def world(seed):
    """Images and classes to learn from, and those of the exam."""
    return data.digits(seed, labels=1000)

@remember(most=12)
def learn(arm, seed, strength, steps, lr, linear=False):
    """A network after so many updates with Adam, its rate a half cosine."""
    x, y = world(seed)[:2]
    g, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    own = torch.Generator().manual_seed(400_000 + seed)
    torch.manual_seed(seed)
    net = network(linear)
    steps = steps * {"long": 8, "quick": 4}.get(arm, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        i = torch.randint(len(x), (64,), generator=g)
        image, t = treat(arm, net, x[i], y[i], strength, own, rng)
        loss = -(t * net(image).log_softmax(1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net

# %% tags=["experiment"]
def run(arm, seed, strength=None, steps=400, lr=None):
    """Shares of the exam that are right: as they are, after one step, after
    several on cross-entropy, and after every attack."""
    rate, best = SETTING[known(arm, ARMS, "arm")]
    net = learn(arm, seed, best if strength is None else strength, steps,
                lr or rate)
    x, y = world(seed)[2:]
    g = torch.Generator().manual_seed(500_000 + seed)
    share = {"clean": right(net, x, y),
             "one": right(net, one_step(net, x, y, EPS), y),
             "several": survives(net, x, y, EPS, g, rivals=0)}
    share["all"] = share["several"].clone()
    i = share["several"].nonzero()[:, 0]
    share["all"][i] = survives(net, x[i], y[i], EPS, g, starts=0)
    return {name: hit.double().mean().item() for name, hit in share.items()}

# %% [markdown]
# How good is this exam?
# For a network nobody knows the worst change; for a linear classifier the formula gives it.
# So a plainly trained linear classifier meets one step, several on cross-entropy, and all attacks, and each count stands beside the exact one.

# %% tags=["experiment"]
def judge(arm, seed, eps=EPS, steps=400):
    """The share of the exam that a linear classifier keeps, as one way to
    look for the worst change tells it."""
    known(arm, ("exact", "all", "several", "one"), "arm")
    net = learn("plain", seed, 0.0, steps, 1e-2, linear=True)
    x, y = world(seed)[2:]
    g = torch.Generator().manual_seed(500_000 + seed)
    if arm == "exact":
        weight, bias = (p.detach() for p in net[1].parameters())
        kept = worst_margin(weight, bias, x.flatten(1), y, eps) > 0
    elif arm == "one":
        kept = right(net, one_step(net, x, y, eps), y)
    else:
        kept = survives(net, x, y, eps, g, rivals=9 * (arm == "all"))
    return {"kept": kept.double().mean().item()}

# %% [markdown]
# ## The claims
#
# **Does the exam find the worst change?**
# On the linear classifier it must: a lead has the same slope everywhere, and twenty steps of an eighth reach every corner.

# %% tags=["results"]
linear = compare(judge, ("exact", "all", "several", "one"),
                 seeds=range(5, 10))
print(linear.table())
for a, b in zip(linear["kept"]["all"], linear["kept"]["exact"]):
    assert abs(a - b) < 0.002     # one digit of 600 may lie on the border

# %% [markdown]
# Cross-entropy alone leaves more, and one step more still: with ten classes their slope points away from the right class and towards no single other one.
# For two classes one step is exact (exercise 1).
#
# For networks there is no such proof, only stronger attacks.
# On seeds 1000 to 1004, 20 further attacks of 100 steps each took at most `0.008` more from five arms, and up to `0.02` from *quick*.
#
# **Which network learned?**
# Every arm but *far* should name `0.93` of the unchanged digits on average.
# The search asked for `0.95`, two points less than logistic regression on the pixels reaches on seeds 1000 to 1004; two more are left for other seeds.

# %% tags=["results"]
runs = compare(run, ARMS, seeds=range(5, 10))
print(runs.table())
for arm in set(ARMS) - {"far"}:
    assert runs.mean("clean", arm) >= 0.93, arm
for arm in ARMS:     # several steps are never weaker than one
    assert all(s <= o for s, o in zip(runs["several"][arm],
                                      runs["one"][arm])), arm

# %% tags=["results"]
won = claim(
    "adversarial-won",
    "On real digits whose pixels may move by 0.15, a network trained against "
    "seven gradient-sign steps survives eleven attacks of twenty such steps "
    "more often than one trained on random changes, the strongest of three "
    "regularisers", runs,
    metric="all", unit="share of digits", arm="several", baseline="noise",
    least=0.21,
    reason="it is half of what such training gained on CIFAR-10, from 3.5 "
           "to 45.8 % (Raghunathan and others, 2019)",
    paper="Networks trained by these methods withstand many kinds of attack "
          "much better (abstract).",
    picture=False)

# %% tags=["results"]
clean = claim(
    "adversarial-clean",
    "On unchanged real digits a network trained against seven gradient-sign "
    "steps names no fewer than one trained plainly at equal cost", runs,
    metric="clean", unit="share of digits", kind="no_worse", arm="several",
    baseline="long", margin=0.04, bad="far",
    reason="such training cost twice as much on CIFAR-10, from 95.2 to "
           "87.3 % (Raghunathan and others, 2019)", picture=False)

# %% tags=["results"]
steps = claim(
    "adversarial-steps",
    "On real digits whose pixels may move by 0.15, a network trained against "
    "seven gradient-sign steps survives eleven attacks of twenty such steps "
    "more often than one trained for as many updates against a single step",
    runs, metric="all", unit="share of digits", arm="several",
    baseline="one", least=0.02,
    reason="12 of the 600 digits are the least for which we would pay four "
           "times the passes", picture=False)

# %% tags=["results"]
cost = claim(
    "adversarial-cost",
    "On real digits whose pixels may move by 0.15, a network trained against "
    "a single gradient-sign step from a random start survives eleven attacks "
    "of twenty such steps no less often than one trained at equal cost "
    "against seven steps", runs,
    metric="all", unit="share of digits", kind="no_worse", arm="quick",
    baseline="several", margin=0.02, bad="one",
    reason="it is the least that counts as a gain where updates are equal",
    paper="With a random start, training by one step is as effective as by "
          "several and costs less (Wong and others, abstract).",
    picture=False)

# %% tags=["figure"]
# @title Draw: all claims, in units of their bars
overview(won, clean, steps, cost)

# %% tags=["details"]
# @title Every seed of every claim
for record in (won, clean, steps, cost):
    draw_claim(record)

# %% [markdown]
# - (a) is wrong: label smoothing keeps <!--=adversarial-won.mean.smoothing-->0.15<!--/-->, CutMix <!--=adversarial-won.mean.cutmix-->0.10<!--/-->. By the column *several*, which climbs cross-entropy alone, smoothing would be the best regulariser; under all attacks random changes are.
# - (b) is wrong: random changes keep <!--=adversarial-won.mean.noise-->0.18<!--/-->, seven steps <!--=adversarial-won.mean.several-->0.64<!--/-->; the direction makes the difference, not the size.
# - (c) is nearly right: one step gives most of the gain, and seven add <!--=adversarial-steps.effect-->0.04<!--/-->. Wong and others warn that training by one step can collapse (abstract); ours did not.
# - (d) is right: *quick* keeps <!--=adversarial-cost.mean.quick-->0.68<!--/-->, <!--=adversarial-cost.effect-->0.04<!--/--> more, of which stronger attacks take a part (above). It has more updates, a random start and the radius `0.2`; we did not separate them.
# - (e) is right: plain training keeps <!--=adversarial-won.mean.plain-->0.12<!--/-->, and more than half of what it loses comes back. A third of the digits still falls.
# - (f) is wrong: with <!--=adversarial-clean.mean.several-->0.97<!--/--> against <!--=adversarial-clean.mean.long-->0.97<!--/--> it costs less. On seeds 1000 to 1004 no rate lifts plain training above `0.977`. Twice the radius, *far*, costs nearly half of the digits and protects fewer.
#
# Plain training of equal cost is no rival: *long* keeps <!--=adversarial-won.mean.long-->0.03<!--/-->, fewer than *plain*.
#
# Here is what the attack does to eight digits, and what five networks keep of 200 digits at other radii, all of the last seed.

# %% tags=["figure"]
# @title Draw: the change for two networks, stretched to black and white
def attacked(net, x, y):
    """The digits after twenty steps towards the class that leads most."""
    ways = [several_steps(net, x, y, EPS, 20, EPS / 8,
                          loss=partial(lead, j=j)) for j in range(1, 10)]
    with torch.no_grad():
        ahead = torch.stack([partial_lead(net(z), y) for z in ways])
    best = ahead.argmax(0)
    return torch.stack(ways)[best, torch.arange(len(x))]

def partial_lead(logits, y):
    """(N,): the lead of the best wrong class."""
    own = F.one_hot(y, 10).bool()
    return logits.masked_fill(own, -math.inf).amax(1) - logits[own]

last = runs.seeds[-1]                        # the memory still has these
trained = {arm: learn(arm, last, SETTING[arm][1], 400, SETTING[arm][0])
           for arm in ("plain", "noise", "one", "quick", "several")}
exam, answer = world(last)[2:]
eight = torch.stack([(answer == k).nonzero()[3, 0] for k in range(8)])
x, y = exam[eight], answer[eight]
rows, said = [x], [f"{k}" for k in y.tolist()]
for arm in ("plain", "several"):
    z = attacked(trained[arm], x, y)
    rows += [0.5 + (z - x) / (2 * EPS), z]
    said += [""] * 8 + [f"{k}" for k in
                        trained[arm](z).argmax(1).tolist()]
image_grid(torch.cat(rows), columns=8, titles=said, size=0.8,
           labels=["digit", "change", "plain\nreads", "change",
                   "several\nreads"],
           alt="Five rows of eight grey pictures: digits from 0 to 7; the "
               "change that misleads the plain network, enlarged; the "
               "changed digits with what the plain network reads; the same "
               "two rows for the network trained against seven steps.")

# %% tags=["figure"]
# @title Draw: accuracy under attack at other radii
radii = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
fig, ax = subplots(width=6.2, height=3.2)
looks = {"plain": ("rival", "s"), "noise": ("plain", "^"),
         "one": ("method", "D"), "quick": ("other", "v"),
         "several": ("method", "o")}
for arm, (colour, mark) in looks.items():
    g = torch.Generator().manual_seed(3)
    kept = [survives(trained[arm], exam[::3], answer[::3], r, g)
            .double().mean() for r in radii]
    ax.plot(radii, kept, marker=mark, color=palette[colour], label=arm,
            ls="--" if arm == "one" else "-")
ax.axvline(EPS, color=palette["ink"], lw=0.8)
ax.axvline(0.4375 / 2, color=palette["ink"], lw=0.8, ls=":")
ax.set(xlabel="radius of the attack, per pixel", ylim=(0, 1),
       ylabel="share of digits that survive",
       title="The gain reaches beyond the radius of the exam")
ax.legend()
show(fig, "Share of digits that survive all attacks against the radius, for "
          "plain training, random changes, and training against one step, "
          "one step at equal cost, and seven steps; lines at the radius of "
          "the exam and at half the distance of the two closest digits.")

# %% [markdown]
# In the rows of changes grey is no change, white `0.15` more ink and black `0.15` less.
# You see the contrast fall and still read the digits; so, mostly, does the network trained against seven steps, and the plain one does not.
# The solid line is the radius of the exam, where *quick* has trained against `0.2`; at the dotted one two digits of different names can meet.
#
# ## Break it
#
# Each of these runs, and our tests see each.
#
# <details><summary>Fifteen mistakes</summary>
#
# - **Sign dropped**: the slope itself is added, not its sign.
# - **Downhill**: the one step lowers the loss.
# - **Never brought back**: the steps leave the ball.
# - **Out of the box**: pixels leave the range from 0 to 1.
# - **Clipped before the step**: the point is brought back first and moved then.
# - **Round the last point**: each step stays near the one before, the walk does not.
# - **Start outside**: the random start lies up to two radii away.
# - **Slopes piled up**: the gradients of all steps so far are added.
# - **Its own guess for the label**: the attack pushes away from what the network says.
# - **The last attack counts**: a digit that falls to an earlier one survives.
# - **Wrong before, right after**: a misread digit survives if an attack mends it.
# - **Rival given away**: the lead is measured to the class that follows the guess.
# - **Trained on the clean batch**: the changed batch is made and not used.
# - **Ball without a box**: the exact margin lets pixels leave the range.
# - **Mean over rivals**: the exact margin averages where the smallest decides.
#
# </details>
#
# One mistake is no edit of the attack.
# The digits are stored in seventeen grey levels, so a network that first rounds every pixel to these levels, `net((16 * x).round() / 16)`, answers every unchanged digit as before.
# Its slope is zero, and beyond its random start no attack of ours moves.
# [Athalye and others](https://arxiv.org/abs/1802.00420) call such a slope **obfuscated** (기울기 은폐), and tell by what signs one knows it.
# Here are two such signs, beside the exam, for that network and for the one trained against seven steps.

# %% tags=["results"]
class Rounded(nn.Module):
    """The same network behind pixels rounded to 17 levels."""
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net((16 * x).round() / 16)

other = learn("plain", 1013, 0.0, 400, 1e-3)
sent = attacked(other, exam, answer)         # made without the network
for name, net in (("rounded", Rounded(trained["plain"])),
                  ("several", trained["several"])):
    g = torch.Generator().manual_seed(3)
    got = {"all attacks": survives(net, exam, answer, EPS, g),
           "radius 1": survives(net, exam, answer, 1.0, None),
           "sent over": right(net, sent, answer)}
    print(f"{name}: " + ", ".join(f"{k} {v.double().mean().item():.2f}"
                                  for k, v in got.items()))
    if name == "several":
        assert not got["radius 1"].any()
        assert got["all attacks"].sum() < got["sent over"].sum()

# %% [markdown]
# Under all attacks the rounded network looks like the better defence.
# With a radius of 1 every picture can become every other one, so nothing should survive an attack from the digit itself; with the rounded network nearly all do, as nothing moves.
# And changes made for a plain network of another seed do it more harm than attacks on itself.
# So the attack is blind, and the network not safe.
# Label smoothing hides less, but it does hide: see (a).
#
# ## What we shrank
#
# | | papers | here |
# |---|---|---|
# | images | MNIST, CIFAR-10 | digits of 8 by 8 pixels, 1,000 to learn from |
# | network, updates | convolutions or a wide residual net, 100,000 or 80,000 | 128 and 128 units, 400 |
# | radius, steps of training | `0.3` with 40 steps; 8 of 255 with 10 steps of 2 (code) | `0.15` with 7 steps of a quarter |
# | CIFAR-10, plain training to adversarial training, attacked | <!--=published.pgd_cifar10_plain_attacked-->3.5<!--/--> to <!--=published.pgd_cifar10_robust_attacked-->45.8<!--/--> % ([Raghunathan and others](https://arxiv.org/abs/1906.06032), their text) | <!--=adversarial-won.mean.plain-->0.12<!--/--> to <!--=adversarial-won.mean.several-->0.64<!--/--> |
# | unchanged images | <!--=published.pgd_cifar10_plain_clean-->95.2<!--/--> to <!--=published.pgd_cifar10_robust_clean-->87.3<!--/--> % | <!--=adversarial-clean.mean.long-->0.97<!--/--> to <!--=adversarial-clean.mean.several-->0.97<!--/--> |
# | MNIST, one robust network: one step, 100 steps, 100 steps from 50 starts | <!--=published.mnist_challenge_fgsm-->96.36<!--/-->, <!--=published.mnist_challenge_pgd-->92.52<!--/-->, <!--=published.mnist_challenge_pgd50-->89.62<!--/--> % (README of the challenge) | in the table, by attack |
#
# Athalye and others examined nine defences of one conference: seven relied on obfuscated slopes, and only adversarial training they were unable to defeat (README of their code).
# The Lab's [evaluation](https://arxiv.org/abs/2003.03879), on arXiv in March 2020, counts adversarial training among the solutions that are expensive and complicated, and asks how far cheap regularisers go, for blur and noise among others (abstract; we read no more).
# Against our attacker they do not go far, and the dear one pays; blur and larger networks are not tested here.
# A shift by a pixel, a turn, a thicker pen mostly lie outside such balls.
#
# <details><summary>Tries</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | radius `0.1` and `0.2` | seeds 1000 to 1002, by cross-entropy | at `0.1` one step and seven are level; at `0.2` seven lead by `0.08` |
# | an exam of cross-entropy alone | seeds 1000 to 1004 | label smoothing kept `0.28`, twice as many as when leads are climbed; so the exam was made stronger and the search run again |
# | Mixup; weight decay | seeds 1000 to 1002 | all attacks leave `0.08`; `0.19`, as many as random changes |
# | the experiment without *quick*; a fourth claim, that on the linear classifier the attacks leave the exact count | seeds 0 to 4, once | the first three claims held with `+0.462`, `−0.002`, `+0.038`, by the same bars; the fourth, too, and as it must, it is now the check above |
# | one step at equal cost, searched over the same grid, with a random start and without | search as above; seeds 1005 to 1009 | with, `0.026` more than seven steps; without, `0.016` fewer. So *quick* became an arm and a claim, and all ran once on seeds 5 to 9 |
#
# </details>
#
# ## In the lab
#
# [Regularisers on one bench](../3-machine-learning/regularisers.ipynb) asks what the cheap methods do for confidence; its attacked numbers are of one step with a smaller radius.
# The interview places attack and defence beside [active learning](active_learning.ipynb).
#
# ## Exercises
#
# **1. Derive.**
# A linear score has the weights $w = (2, -1, 0.5)$ and no bias; the image $x = (0.5, 0.9, 0.1)$ has the label $y = 1$.
# What is its worst margin for $\epsilon = 0.2$, when pixels stay between 0 and 1?

# %% tags=["exercise"]
margin = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_margin(value):
    assert not near(value, -0.55), (
        "Two pixels have less room than that: stay between 0 and 1.")
    assert not near(value, 0.15), "That is the margin before the attack."
    assert not near(value, 0.7), "Subtract what the attacker gains."
    assert near(value, -0.4), (
        "The margin is 0.15. How far may each pixel go, and what does it "
        "cost?")

check("adversarial_robustness-1", margin, judge_margin, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 1
# Down by 0.2, up by 0.1 only, down by 0.1 only.
margin = 0.15 - (2 * 0.2 + 1 * 0.1 + 0.5 * 0.1)
check("adversarial_robustness-1", margin, judge_margin)

# %% [markdown]
# **2. Refute the claim.**
# "If twenty gradient steps on cross-entropy find nothing, the network is robust."
# Write a function `hide` of a network that returns another one, a function of images.
# It should name nearly all digits as the given one does, keep nine in ten under `several_steps` on cross-entropy, and yet misread what was changed to mislead the given one.

# %% tags=["exercise"]
def hide(net):
    return net

# %% tags=["check"]
# @title Check of exercise 2
def judge_hide(function):
    net = learn("plain", 1001, 0.0, 400, 1e-3)
    x, y = (part[:200] for part in world(1001)[2:])
    z = several_steps(net, x, y, EPS, 20, EPS / 8)
    hidden = function(net)
    with torch.no_grad():
        same = (hidden(x).argmax(1) == net(x).argmax(1)).double().mean()
    assert same > 0.93, "It should name the digits as the given one does."
    assert right(hidden, z, y).double().mean() < 0.6, (
        "Changes made for the given network should break it, too: it should "
        "hide, not defend.")
    own = several_steps(lambda v: hidden(v) + 0 * v.sum(), x, y, EPS, 20,
                        EPS / 8)          # no slope at all counts as zero
    assert right(hidden, own, y).double().mean() > 0.85, (
        "Twenty steps still find the way: make the slope useless.")

check("adversarial_robustness-2", hide, judge_hide,
      asks="a function of a network")

# %% tags=["solution"]
# @title Solution of exercise 2
# So sure of itself that cross-entropy is flat to the last bit of a float.
def hide(net):
    return lambda x: 1e4 * net(x)

check("adversarial_robustness-2", hide, judge_hide)

# %% [markdown]
# **3. Find the bug.**
# Twenty steps of this attack leave even the robust network hardly a digit.
# Set `mended` to a function of `(net, x, y, eps, steps, a, g)` that returns what `several_steps` returns.

# %% tags=["exercise", "bug"]
def strong(net, x, y, eps, steps, a, g):
    noise = 2 * torch.rand(x.shape, generator=g) - 1
    z = (x + eps * noise).clamp(0, 1)
    for _ in range(steps):
        up = slope(net, z, y, cross).sign()
        z = project(z + a * up, z, eps)
    return z

mended = strong

# %% tags=["check"]
# @title Check of exercise 3
def judge_mended(function):
    for seed, eps in ((1, 0.05), (2, 0.3)):
        torch.manual_seed(seed)
        net = network(linear=False)
        g = torch.Generator().manual_seed(seed)
        x, y = torch.rand(6, 1, 8, 8, generator=g), torch.arange(6)
        want, got = (make(net, x.clone(), y, eps, 9, eps / 3,
                          torch.Generator().manual_seed(seed))
                     for make in (several_steps, function))
        assert isinstance(got, torch.Tensor) and got.shape == x.shape, (
            "Return changed images.")
        assert (got - x).abs().max() <= eps + 1e-5, (
            "A pixel has moved by more than eps.")
        assert got.min() >= 0 and got.max() <= 1, "A pixel left the range."
        assert torch.allclose(got, want, atol=1e-5), (
            "It stays in the ball, and ends elsewhere.")

check("adversarial_robustness-3", mended, judge_mended,
      asks="a function of (net, x, y, eps, steps, a, g)")

# %% tags=["solution"]
# @title Solution of exercise 3
def mended(net, x, y, eps, steps, a, g):
    noise = 2 * torch.rand(x.shape, generator=g) - 1
    z = (x + eps * noise).clamp(0, 1)
    for _ in range(steps):
        up = slope(net, z, y, cross).sign()
        z = project(z + a * up, x, eps)      # around x, not around z
    return z

check("adversarial_robustness-3", mended, judge_mended)
