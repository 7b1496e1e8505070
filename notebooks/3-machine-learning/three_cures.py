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
# # One question asked three times: when two explanations fit
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/three_cures.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Papers | L. Scimeca and others, [*Which Shortcut Cues Will DNNs Choose?*](https://arxiv.org/abs/2110.03095), ICLR 2022; H. Bahng and others, [*Learning De-biased Representations with Biased Representations*](https://arxiv.org/abs/1910.02806), ICML 2020; S. Jung and others, [*Learning Fair Classifiers with Partially Annotated Group Labels*](https://arxiv.org/abs/2111.14581), CVPR 2022 |
# | Official code | [clovaai/rebias](https://github.com/clovaai/rebias), `criterions/hsic.py` and `trainer.py`, read at commit `79d1d1d`; [naver-ai/cgl_fairness](https://github.com/naver-ai/cgl_fairness), `main_groupclf.py` and `data_handler/ssl_dataset.py`, at `268ab10` |
# | Rule read in | other: the official code of ReBias and of CGL, the abstract and figure 1 of the third paper |
# | In the article | section 2.1, machine learning, for ReBias and CGL; AI ethics, which section 2.3 names without a paper |
# | Before this page | [Shortcut cues](shortcut_cues.ipynb), [ReBias](rebias.ipynb) and [CGL](cgl.ipynb), or the first screen of each |
# | Data | handwritten digits that scikit-learn ships, on coloured paper |
# | Time | <!--=bench.three_cures.seconds-->31<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 숫자와 배경색이 함께 정답을 가리킬 때 네트워크가 무엇을 따르는지, 무엇이 그것을 바꾸는지, 누가 손해를 보는지를 한 실험대에서 묻습니다.
# 지름길 단서의 시험, ReBias의 독립성 벌점, CGL의 집단 추측과 가중치를 같은 데이터와 같은 네트워크에 적용합니다.
# 예외가 스무 장에 한 장이면 추측한 색으로 가중치를 준 방법이 ReBias보다 정확하지만, 그 대신 제 색 위에 놓인 숫자의 정확도가 떨어지며, 개발용 시드에서는 색을 전혀 알려 주지 않고 만든 가중치도 그만큼 정확합니다.
# 예외가 하나도 없으면 가중치는 할 일이 없고 ReBias도 조금밖에 돕지 못합니다.
# 작은 그림과 한 가지 편향에 대한 결과이며, 어떤 단서가 정당한지는 이 실험이 정해 주지 않습니다.
#
# **In short.**
# Where digit and colour both tell the answer, what does a network follow, what changes it, and who pays?
# With no exception <!--=three-follow.mean.colour-->0.84<!--/--> of the answers go with the colour; with one exception in twenty a network that weighs pictures by guessed colours is right for <!--=three-weigh.mean.believed-->0.68<!--/--> of all digits on all colours, against <!--=three-weigh.mean.rebias-->0.60<!--/--> for ReBias, and loses some of the pictures whose colour was a help, while on seeds for trying weights that are told no colour do as well; with none ReBias gains little, <!--=three-none.mean.rebias-->0.19<!--/--> against <!--=three-none.mean.plain-->0.17<!--/-->.
# It does not show photographs, people, deep networks, or which of two explanations is the right one.

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
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from torch import nn

from lab1784 import (check, claim, compare, data, draw_claim, image_grid,
                     known, near, overview, palette, remember, show)
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## A three on ten papers
#
# Below, the first row is what a network is taught on: each digit on paper of its own colour.
# The second row is the same three on all ten papers.
# What is the third picture of that row?
# A three, we say, because we know what was meant.
# Nothing in the first row says so.

# %% tags=["figure"]
# @title Draw: what is taught, and what is asked
world = data.coloured_digits(1000, 1.0)
taught = torch.stack([world.train_images[world.train_labels == k][0]
                      for k in range(10)])
asked = data.on_all_colours(world.test_images[world.test_labels == 3][:1])[0]
image_grid(torch.cat([taught, asked]), columns=10, size=0.7,
           labels=["taught", "asked"],
           alt="Two rows of ten small pictures: above, the digits 0 to 9, "
               "each on paper of its own colour; below, one and the same 3 "
               "on all ten papers.")

# %% [markdown]
# The article names two cures for this, and the news of the Lab's papers at ICLR 2022 a third paper, which looks for the illness.
# They speak different languages: *cues*, *bias*, *groups*.
# This page puts them on one bench.
#
# | | what it asks | what it must be told |
# |---|---|---|
# | shortcut cues | which explanation does a network take, where all fit? | which explanations there are |
# | ReBias | can it be kept from one of them? | what kind of network would take it |
# | CGL | can it be fair to those whom it fails? | for a few pictures, which group they are in |
#
# Here the group of a picture is the colour of its paper, and those whom a colour fails are the **exceptions** (예외), digits on another digit's colour.
#
# ## The idea: three handles on one loss
#
# Let $y$ be the digit, $c$ the colour, and $f$ the network, with representation $f(x)$ and logits $h(f(x))$.
# If $c = y$ in every picture, both rules bring the loss to zero.
# The examination takes them apart: on paper $k \neq y$, what share of the answers is $k$, and what share is $y$?
#
# ReBias adds a penalty.
# A second network $g$ sees one pixel at a time, so it can tell colours and not digits; $f$ is to be independent of it, as the **Hilbert-Schmidt independence criterion** (HSIC, 힐베르트-슈미트 독립 기준) measures it.
# CGL adds nothing to the loss and weighs its terms, by groups that are partly guessed:
#
# $$\mathcal{L} = \frac{1}{m} \sum_i w_i\, \mathrm{CE}\big(h(f(x_i)), y_i\big) + \lambda\, \mathrm{HSIC}\big(f(x), g(x)\big), \qquad w_i = \frac{P(y_i)\,P(c_i)}{P(y_i, c_i)}$$
#
# With $w = 1$ and $\lambda = 0$ that is plain training; ReBias has $w = 1$, the weights have $\lambda = 0$.
# The weights are those of reweighing (Kamiran and Calders, 2012), one of the shortest ways to use a group.

# %% [markdown]
# ## The technique
#
# First the question of the shortcut cues.
# The ten papers are ten examinations of one digit; on one of them both explanations say the same, and that one is left out.

# %% tags=["technique"]
def shares(answers, labels):
    """Which explanation the answers follow, where the two part.

    answers: (N, 10), to picture n on the paper of digit k.
    labels: (N,), the digits.  Returns the share of answers that is the
    paper's digit, and the share that is the digit itself.
    """
    colours = torch.arange(10)
    apart = labels[:, None] != colours                    # (N, 10)
    return tuple((answers == cue)[apart].float().mean().item()
                 for cue in (colours, labels[:, None]))

# %% [markdown]
# Then ReBias's measure, as its page has it: kernels $\exp(-d^2 / 2\sigma^2)$ of all pairs in a batch, and the unbiased estimate of HSIC.
# $\sigma^2$ is the median of the squared distances, that of a picture to itself among them, the lower of two middle ones.

# %% tags=["technique"]
def kernel(z):
    """RBF kernel of all pairs.  z: (m, d).  Returns (m, m), diagonal 0."""
    inner = z @ z.T
    square = inner.diagonal()
    apart = (square[:, None] + square - 2 * inner).clamp(min=0)
    variance = apart.detach().median().clamp(min=1e-6)
    return torch.exp(-apart / (2 * variance)) * (1 - torch.eye(len(z)))


def hsic(a, b):
    """Unbiased HSIC of two representations of one batch.

    a: (m, d), b: (m, e), m > 3.  Returns a number, which may be negative.
    Source: hsic.py of clovaai/rebias.
    """
    K, L, m = kernel(a), kernel(b), len(a)
    return ((K * L).sum() + K.sum() * L.sum() / ((m - 1) * (m - 2))
            - 2 * (K.sum(0) @ L.sum(0)) / (m - 2)) / (m * (m - 3))

# %% [markdown]
# Last, CGL's groups and the weights that are made of them, shortened from its page.
# A guess is believed from a threshold on; below it a group is drawn, in the proportions that the class has among those told, by one random number a picture.
# The threshold is the held-out confidence, or infinity, for which "right from here on, wrong below" is true of most held-out guesses; of equals the highest.
# Where every held-out guess is right, the official lines end at infinity, and no guess is believed.

# %% tags=["technique"]
def best_threshold(sure, right):
    """The confidence from which on a guess is taken to be right.

    sure, right: (M,) confidence of held-out guesses, and bool.
    Source: measure_ood in main_groupclf.py of naver-ai/cgl_fairness.
    """
    if right.all():
        return np.inf
    fpr, tpr, levels = roc_curve(right, sure)
    hits = (1 - fpr) * (~right).sum() + tpr * right.sum()
    return levels[np.argmax(hits)]


def draw_groups(y, g, told, rng):
    """A group for everybody by P(g | y), counted among those told.
    y, g: (N,) classes and groups, 0 to 9.  told: (N,) bool.  (N,)."""
    counts = np.zeros((10, 10))
    np.add.at(counts, (y[told], g[told]), 1)
    ends = (counts / counts.sum(axis=1, keepdims=True)).cumsum(axis=1)[y]
    return (rng.random(len(y))[:, None] >= ends[:, :-1]).sum(axis=1)

# %% tags=["technique"]
def reweigh(y, g):
    """P(y) P(g) / P(y, g) for everybody.  y, g: (N,).  Returns (N,)."""
    joint = np.zeros((10, 10))
    np.add.at(joint, (y, g), 1 / len(y))
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return apart[y, g] / joint[y, g]

# %% [markdown]
# What do the weights do?
# With ten classes, ten colours and one exception in twenty, spread over the nine other colours, they move nearly all of the loss to the exceptions.

# %%
y = np.repeat(np.arange(10), 180)
c = np.where(np.arange(1800) % 20, y, (y + 1 + np.arange(1800) // 20 % 9) % 10)
w, odd = reweigh(y, c), c != y
print(f"exceptions: {odd.mean():.2f} of the pictures, "
      f"{w[odd].sum() / w.sum():.2f} of the weight")
print("without exceptions the weights of", len(y), "pictures take",
      len(set(reweigh(y, y).round(12))), "value")

# %% [markdown]
# The second line is the first answer of this page: weights know groups by their exceptions, and where there is none they have nothing to say.
#
# ## Predict
#
# Nine in ten colours are not told, and a guesser, trained on the tenth that is, guesses them from the picture.
#
# - (a) ReBias does more than weights: it acts on every picture, and they on one in twenty.
# - (b) Weights by guessed colours do more: they know what each paper is.
# - (c) CGL does best of the weights: it draws where a guess is unsure.
#
# And who pays?
#
# - (d) Nobody: a network that has learned digits is right on every paper.
# - (e) The digits on their own colour, which the shortcut served.

# %% [markdown]
# ## The experiment
#
# 1,197 digits are taught, 600 others are asked on all ten papers, so that colour and digit are independent there, exactly.
# `rho` is the share of each class that stands on its own colour.
#
# | arm | what it does | what it is told |
# |---|---|---|
# | `plain` | nothing | nothing |
# | `rebias` | the penalty, with a $g$ of two 1 by 1 convolutions | what kind of network to distrust |
# | `told` | weights, and learns from the told tenth alone | a tenth of the colours |
# | `drawn` | weights; colours of the others drawn by class | the same |
# | `cgl` | weights; CGL's groups by the official lines | the same |
# | `believed` | weights; every guess is believed | the same |
# | `true` | weights | all colours |
#
# A tenth of the pictures, drawn at random, has told its colour; four fifths of them teach CGL's guesser and one fifth sets its threshold, and `believed` is taught by all of them.
# On its own page CGL asks the tenth of every class and group, rounded up, and that would tell nearly every exception here.
# All arms have the network, the starts, the rate and the steps of [ReBias](rebias.ipynb), and its $\lambda$; here batches are drawn with replacement, and HSIC counts once in the loss of $g$, as in the paper, and not $\lambda$ times.
# One thing more all were told: rate, steps and $\lambda$ were searched, on seeds for trying, by the examination itself, which nobody has where the shortcut is unknown.

# %% tags=["experiment"]
ARMS = ("plain", "rebias", "told", "drawn", "cgl", "believed", "true")


def ask(n, ratio, rng):
    """Who teaches the guesser, and who is held out: two masks (n,)."""
    order = rng.permutation(n)[:round(ratio * n)]
    cut = int(0.8 * len(order))
    return tuple(np.isin(np.arange(n), part)
                 for part in (order[:cut], order[cut:]))


def guess(x, c, taught, rest):
    """Guesses, (N,), their confidence, (N,), and which are right among
    `rest`, of a classifier of colours taught on some pictures."""
    model = LogisticRegression(max_iter=3000).fit(x[taught], c[taught])
    p = model.predict_proba(x)
    guessed = model.classes_[p.argmax(axis=1)]
    return guessed, p.max(axis=1), (guessed == c)[rest]


def groups_for(arm, x, y, c, learn, held, rng):
    """The colours (N,) from which an arm makes its weights."""
    if arm in ("told", "true"):
        return c
    told = learn | held
    drawn = draw_groups(y, c, told, rng)
    if arm == "drawn":
        return np.where(told, c, drawn)
    if arm == "believed":
        return np.where(told, c, guess(x, c, told, held)[0])
    guessed, sure, right = guess(x, c, learn, held)
    believe = sure >= best_threshold(sure[held], right)
    return np.where(told, c, np.where(believe, guessed, drawn))

# %% [markdown]
# `strength` multiplies $\lambda$ and is the power of the weights: at 0 ReBias and the weights are plain training, to the last bit.

# %% tags=["experiment"]
def weights_for(arm, x, y, c, seed, strength, ratio):
    """Weights (N,) of the pictures, and the rows that are taught on."""
    rng = np.random.default_rng(seed)
    learn, held = ask(len(y), ratio, rng)
    rows = np.flatnonzero(learn | held | (arm != "told"))
    if arm in ("plain", "rebias"):
        return np.ones(len(y)), rows
    groups = groups_for(arm, x, y, c, learn, held, rng)
    weights = np.zeros(len(y))
    weights[rows] = reweigh(y[rows], groups[rows]) ** strength
    return weights, rows


def whole():
    """f and its head: (N, 3, 8, 8) -> (N, 48) -> (N, 10)."""
    layers = [nn.Flatten()]
    for a, b in ((192, 192), (192, 48)):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()]
    return nn.Sequential(*layers), nn.Linear(48, 10)


def one_pixel():
    """g and its head: (N, 3, S, S) -> (N, 24) -> (N, 10)."""
    layers = []
    for a, b in ((3, 8), (8, 24)):
        layers += [nn.Conv2d(a, b, 1), nn.BatchNorm2d(b), nn.ReLU()]
    return (nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            nn.Linear(24, 10))

# %% [markdown]
# $g$ takes its step first, against $f$'s features: it learns the digits from single pixels and is to depend on $f$ as much as it can; then $f$ takes its own.

# %% tags=["experiment"]
def fit(x, y, w, rows, seed, lam, steps, lr):
    """f and its head, taught on `rows` of x (N, 3, 8, 8) with weights w;
    lam: strength of ReBias's penalty, or None for no g at all."""
    torch.manual_seed(seed)
    (f, head), (g, g_head) = whole(), one_pixel()
    f_opt, g_opt = (torch.optim.Adam(
        [p for part in net for p in part.parameters()], lr,
        weight_decay=1e-4, fused=True) for net in ((f, head), (g, g_head)))
    rng = torch.Generator().manual_seed(seed)
    for t in range(steps):
        for opt in (f_opt, g_opt):
            opt.param_groups[0]["lr"] = lr * (1 if 3 * t < 2 * steps else 0.1)
        i = rows[torch.randint(len(rows), (100,), generator=rng)]
        z = f(x[i])
        loss = (w[i] * F.cross_entropy(head(z), y[i], reduction="none")).mean()
        if lam is not None:
            v = g(x[i])
            descend(g_opt, F.cross_entropy(g_head(v), y[i])
                    - hsic(v, z.detach()))
            with torch.no_grad():
                v = g(x[i])
            loss = loss + lam * hsic(z, v)
        descend(f_opt, loss)
    return f.eval(), head.eval()


def descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% tags=["experiment"]
def arrays(s):
    """Pictures (N, 192), digits and colours (N,) of a training set."""
    x = (2 * s.train_images - 1).flatten(1)
    return x.numpy(), s.train_labels.numpy(), s.train_colours.numpy()


def asked(s, w, rows, seed, lam=None, steps=200, lr=0.01):
    """Answers (600, 10) to unseen digits on all papers, and the digits;
    taught on `rows` of the data set s, with weights w (N,)."""
    f, head = fit(2 * s.train_images - 1, s.train_labels,
                  torch.tensor(w, dtype=torch.float32), torch.tensor(rows),
                  seed, lam, steps, lr)
    with torch.no_grad():
        out = head(f(2 * data.on_all_colours(s.test_images).flatten(0, 1) - 1))
    return out.argmax(1).view(-1, 10), s.test_labels


@remember(most=40)
def answers(arm, seed, strength, rho, ratio, steps, lr):
    """What an arm answers on one seed; see `asked`."""
    known(arm, ARMS, "arm")
    s = data.coloured_digits(seed, rho)
    w, rows = weights_for(arm, *arrays(s), seed, strength, ratio)
    lam = 20 * strength if arm == "rebias" else None
    return asked(s, w, rows, seed, lam, steps, lr)


def run(arm, seed, strength=1.0, rho=0.95, ratio=0.1, steps=200, lr=0.01):
    """What a network answers, on unseen digits.

    all: right, of all digits on all papers.  own: right on the digit's own
    colour.  other: right on other colours.  colour: share of answers that
    is the paper's digit, on other colours.
    """
    said, y = answers(arm, seed, strength, rho, ratio, steps, lr)
    colour, digit = shares(said, y)
    own = (said.gather(1, y[:, None])[:, 0] == y).float().mean().item()
    return {"all": 0.1 * own + 0.9 * digit, "own": own, "other": digit,
            "colour": colour}


def follow(cue, seed, rho=1.0, **settings):
    """Share of a plainly trained network's answers that follow a cue, on
    papers of another digit's colour."""
    known(cue, ("colour", "digit"), "cue")
    got = run("plain", seed, rho=rho, **settings)
    return {"share": got["colour" if cue == "colour" else "other"]}

# %% [markdown]
# ## What it does
#
# Statement, rival and least effect of the claims were written down before the seeds below were run for the first time.
# First: no exceptions at all.
# Could the network learn the digits if the colours did not help?
# With `rho` at `0.1` colour says nothing; there it should be right for four in five of the digits, at least.

# %% tags=["results"]
FLOOR = 0.8         # else it says nothing that digits are not followed
free = np.mean([run("plain", seed, rho=0.1)["all"] for seed in range(1000,
                                                                     1003)])
assert free > FLOOR
lone = compare(follow, ("colour", "digit"))
followed = claim(
    "three-follow", "A small network taught digits that all stand on paper "
    "of their own colour answers with the colour of the paper rather than "
    "with the digit where the two part", lone, metric="share", arm="colour",
    baseline="digit", least=0.5, unit="share of answers", reason="the lead "
    "is then half of all answers, whatever else they follow", paper="certain "
    "cues are preferred to others, although all are equally valid",
    picture=False)
print(f"colours that say nothing: {free:.2f} of all digits right")
print(lone.table())

# %% [markdown]
# The digits can be learned, and where the colour tells as much they hardly are: <!--=three-follow.mean.colour-->0.84<!--/--> of the answers name the paper, <!--=three-follow.mean.digit-->0.08<!--/--> the digit.
# That is the finding of the shortcut cues, on another bench.
# That colour fills the picture and a digit is a few strokes may be why; no arm here tells.
#
# ## What changes it
#
# Now one picture in twenty is an exception.

# %% tags=["results"]
cures = compare(run, ARMS)
assert all(cures.mean("own", arm) > FLOOR for arm in ARMS)
weighed = claim(
    "three-weigh", "Where one coloured digit in twenty is an exception and "
    "a tenth of the colours is told, a network taught with weights by "
    "guessed colours answers digits on all colours rightly more often than "
    "one taught with ReBias", cures, metric="all", arm="believed",
    baseline="rebias", least=0.03, unit="share of digits", reason="half of "
    "what ReBias itself gains over plain training on the seeds for trying "
    "is less", picture=False)
price = claim(
    "three-price", "Where one coloured digit in twenty is an exception and "
    "a tenth of the colours is told, weights by guessed colours lower the "
    "share of right answers to digits on their own colour below that of "
    "plain training", cures, metric="own", arm="believed", baseline="plain",
    better="lower", least=0.015, unit="share of digits on their own colour",
    reason="a tenth of what the same weights gain on other colours on the "
    "seeds for trying is less", picture=False)
print(cures.table())

# %% [markdown]
# (b).
# Weights by guessed colours are right for <!--=three-weigh.mean.believed-->0.68<!--/--> of the digits on all colours, ReBias for <!--=three-weigh.mean.rebias-->0.60<!--/-->, plain training for <!--=three-weigh.mean.plain-->0.54<!--/-->.
# They were told more; whether that is why they are ahead is asked below.
#
# (c) is wrong here.
# Drawn colours lead to <!--=three-weigh.mean.drawn-->0.53<!--/-->, about where plain training is: a draw by class gives most exceptions their class's usual colour, and the weights pass them by.
# CGL by the official lines draws for everybody where all held-out guesses are right, and with two dozen held out that was so on fifteen of twenty seeds for trying: it ends at <!--=three-weigh.mean.cgl-->0.51<!--/-->, no better than plain training.
# On its own page, where half of the groups left no trace, believing every guess was what went wrong.
# Whether a guess should be believed depends on what the guesser can see.
#
# ## What else would do
#
# - Are the weights ahead *because* they were told colours? `suspect` is told what ReBias is: it takes for a picture's group the digit that its mean colour suggests.
# - Must anybody be told anything? `missed` makes those pictures heavy that a plainly taught network gets wrong early on, as in *Just Train Twice* (Liu and others, ICML 2021).
# - What fails in CGL? `mended` is CGL, but believes every guess where no held-out one is wrong.
#
# For `missed`, 15, 30 and 60 steps and weights of 10, 30 and 100 were searched on five of the seeds for trying; below are three others, and no claim is made.

# %% tags=["results"]
def suspect(s, seed):
    y = s.train_labels.numpy()
    colour = (2 * s.train_images - 1).mean(dim=(2, 3)).numpy()
    everybody = np.ones(len(y), bool)
    return reweigh(y, guess(colour, y, everybody, everybody)[0])


def missed(s, seed, steps=15, heavy=100.0):
    x = 2 * s.train_images - 1
    f, head = fit(x, s.train_labels, torch.ones(len(x)),
                  torch.arange(len(x)), seed, None, steps, 0.01)
    with torch.no_grad():
        wrong = head(f(x)).argmax(1) != s.train_labels
    return np.where(wrong, heavy, 1.0)


def mended(s, seed):
    x, y, c = arrays(s)
    rng = np.random.default_rng(seed)
    learn, held = ask(len(y), 0.1, rng)
    guessed, _, right = guess(x, c, learn, held)
    groups = (np.where(learn | held, c, guessed) if right.all() else
              groups_for("cgl", x, y, c, learn, held, rng))
    return reweigh(y, groups)

# %% [markdown]
# Each makes weights, and the network is taught and asked as the arms are.

# %% tags=["results"]
def weighed_by(way, seed):
    """Right, of all digits on all papers."""
    s = data.coloured_digits(seed, 0.95)
    w = way(s, seed)
    said, y = asked(s, w, np.arange(len(w)), seed)
    return (said == y[:, None]).float().mean().item()


for way in (suspect, missed, mended):
    print(f"{way.__name__:8s}", *(f"{weighed_by(way, seed):.2f}"
                                  for seed in range(1005, 1008)))
print("believed", *(f"{run('believed', seed)['all']:.2f}"
                    for seed in range(1005, 1008)))

# %% [markdown]
# All three are where `believed` is, or near.
# So being told colours is not why weights are ahead of ReBias here.
# This bench is kind to a suspicion: the mean colour gives every paper away.
# `missed` is told nothing, yet its setting was found by the examination; after 60 steps the network has learned more than half of the exceptions, and most of the gain is gone.
# CGL fails here by its rule for a perfect record, with few held out.
#
# ## Whom it hurts
#
# Without a cure the price is paid by the exceptions: <!--=three-price.mean.plain:3-->0.998<!--/--> right on the own colour, against about half elsewhere.
# With the weights, (e): the digits on their own colour fall to <!--=three-price.mean.believed-->0.95<!--/-->.
# That is still above the networks of the first section, taught where colour says nothing: what is lost is part of a lead that a hint had lent.

# %% tags=["figure"]
# @title Draw: who is served, by each cure
fig, ax = subplots(width=6.6, height=2.9)
at = np.arange(len(ARMS))
for shift, metric, colour, label in (
        (-0.2, "own", "rival", "on their own colour"),
        (0.2, "other", "method", "on another colour")):
    ax.bar(at + shift, [cures.mean(metric, arm) for arm in ARMS], 0.36,
           color=palette[colour], label=label)
ax.set(xticks=at, xticklabels=ARMS, ylim=(0, 1.28),
       yticks=[0, 0.25, 0.5, 0.75, 1], ylabel="share right",
       title="Guessed or true colours serve the exceptions, at a price")
ax.legend(ncols=2, loc="upper center")
show(fig, "Pairs of bars for seven arms. Digits on their own colour are "
          "nearly all right everywhere, a little fewer with weights by "
          "guessed or true colours; digits on another colour are lowest "
          "where only the told tenth is learned from, and highest with the "
          "same two.")

# %% [markdown]
# Who is guessed wrongly?
# The guesser of colours has itself learned from pictures in which digit and colour go together.

# %% tags=["results"]
def guesses(seed, rho=0.95):
    """Right guesses of colours not told: of all, and of exceptions."""
    x, y, c = arrays(data.coloured_digits(seed, rho))
    learn, held = ask(len(c), 0.1, np.random.default_rng(seed))
    told = learn | held
    odd = (c != y)[~told]
    right = guess(x, c, told, ~told)[2]
    return right.mean(), right[odd].mean()


seen = np.mean([guesses(seed) for seed in range(1000, 1005)], axis=0)
print(f"colours guessed rightly: {seen[0]:.2f} of all, {seen[1]:.2f} of the "
      "exceptions")

# %% [markdown]
# It is right for nearly all, and wrong for more than one in five of those for whose sake it was asked (five of the seeds for trying).
# Taught as many pictures where colour and digit are independent, the same guesser is wrong for fewer than one in ten of them; one that looks at a corner, which is paper, is right for all.
# A cure that is learned from the same pictures can catch the same illness, and need not.
#
# ## Where there is nothing to learn from
#
# Now no picture contradicts the colour.
# The weights have nothing to weigh but the sizes of the classes; ReBias still knows which kind of network to distrust.

# %% tags=["results"]
bare = compare(run, ("plain", "rebias", "true"), seeds=range(8), rho=1.0)
nothing = claim(
    "three-none", "Where each coloured digit stands on its own colour, a "
    "network taught with ReBias answers digits on all colours rightly more "
    "often than one taught plainly", bare, metric="all", arm="rebias",
    baseline="plain", least=0.015, unit="share of digits", reason="two "
    "standard deviations of that rival over the seeds for trying are less",
    picture=False)
print(bare.table())

# %% [markdown]
# ReBias gains something where there is no exception at all, <!--=three-none.mean.rebias:3-->0.187<!--/--> against <!--=three-none.mean.plain:3-->0.169<!--/-->, and chance is one tenth.
# Most answers still name the paper.
# Both have the rate that was searched with exceptions: on the seeds for trying a rate of `0.001`, or a weight decay of `0.1`, brings plain training about half of that gain, a smaller rate helps ReBias as well, and a $g$ that never learns gives most of what ReBias does.
# In between lies the question that decides: how many exceptions are there?

# %% tags=["figure"]
# @title Draw: the cures against the share of exceptions, one seed
rhos = (1.0, 0.95, 0.9)
fig, ax = subplots(width=6.4, height=2.9)
for arm, colour, style in (("true", "other", ":"), ("believed", "method", "-"),
                           ("rebias", "rival", "--"), ("plain", "plain", "-")):
    ax.plot([1 - r for r in rhos],
            [run(arm, 1000, rho=r)["all"] for r in rhos], style, marker="o",
            ms=4, color=palette[colour], label=arm)
ax.axhline(0.1, color=palette["ink"], lw=0.8, ls=":")
ax.set(xlabel="share of exceptions", ylabel="right on all colours",
       ylim=(0, 0.9), title="A cure is worth what there is to learn from")
ax.legend(loc="upper left", ncols=2)
show(fig, "Four rising lines against the share of exceptions: true and "
          "believed colours on top where there are exceptions, ReBias between "
          "them and plain training; with no exceptions all "
          "four are below a fifth, or near it.")

# %% tags=["figure"]
# @title Draw: all four claims
overview(followed, weighed, price, nothing)

# %% tags=["details"]
# @title Every seed of every claim
for record in (followed, weighed, price, nothing):
    draw_claim(record)

# %% [markdown]
# ## What such a bench cannot say
#
# The article names AI ethics as a field of the Lab, without a paper.
# Four limits of this page belong to that field.
#
# - **It was told the answer.** That digit is right and colour wrong was our decision. The formula of the weights is the same with the two changed over, and would then serve the colour; in ReBias the decision is built into $g$, and with colours for labels it would get in the way.
# - **A group is a column here.** Who is in a group of people, who may ask, and who is harmed by a wrong guess is not in the table.
# - **One shortcut at a time.** With two, a cure for the first may send a network to the second; we did not try.
# - **Equal shares are not justice.** They are averages, of what we chose to count; what an error costs, and whom, they leave out.
#
# ## Break it
#
# Each of these mistakes trains without complaint; our tests plant each of them.
#
# <details><summary>Eight mistakes</summary>
#
# - **Own colour counted**: the paper on which both explanations say the same is asked as well, and both shares are flattered.
# - **Shares changed over**: the digit's share goes under the colour's name.
# - **The diagonal left in**: a picture is compared with itself, and HSIC no longer has mean zero under independence.
# - **The last term once**: the product of the row sums is taken off once and not twice.
# - **Width by the mean**: the kernel's width follows the mean squared distance, not the median.
# - **The lowest of equals**: of equal thresholds the lowest is taken.
# - **The class of a group**: the draw follows $P(y \mid c)$, counted the other way round.
# - **Upside down**: pictures weigh $P(y, c)$ over the product, and the exceptions vanish.
#
# </details>
#
# Run the last, on a seed for trying.

# %% tags=["results"]
turned = run("true", 1000, strength=-1.0)
right, plain = run("true", 1000), run("plain", 1000)
print(f"right on all colours: upside down {turned['all']:.2f}, "
      f"plain {plain['all']:.2f}, weighed {right['all']:.2f}")

# %% [markdown]
# ## What we shrank
#
# | | papers and code | here |
# |---|---|---|
# | pictures | MNIST on coloured paper, ImageNet, drawn shapes, faces, tables of people | 1,197 digits of 8 by 8 pixels on coloured paper |
# | network | deep convolutional ones | one with two hidden layers |
# | ReBias | $\lambda$ and $\sigma$ of 1 by default; the median is an option of the code | $\lambda$ of 20, the median |
# | groups of CGL | two or more, asked in every class and group | ten colours, a tenth asked at random; a linear guesser |
# | fair learning on CGL's groups | three methods | weights by a formula |
# | shortcut cues | several cues at once; flat minima and abundance as well | two cues, and which is followed |
#
# What this page cannot show: what the cures do for one another's own benches, which their pages tell; whether their order is the same with photographs; and a bias that nobody has named, for all arms but `plain` were told something about ours.
#
# ## Tries
#
# <details><summary>Tries: six rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | rates from `0.001` to `0.02`, 100 to 400 steps and more, two weight decays, for plain training, ReBias and `believed` alike; part of it with an $f$ of 48 and 24 units | seeds from 1000 on | `believed` ahead of ReBias in each; the setting is that of ReBias's page |
# | $\lambda$ from 3 to 100 with that smaller $f$ | seeds from 1000 on | 10 to 30 best with exceptions; with none more is better, to the end of the search |
# | papers whose colour wavers from picture to picture, with that smaller $f$ | seeds from 1000 on | plain training profits most, and the cures come level |
# | the first run | seeds 0 to 4, with no exception 0 to 7, once | the one that is reported |
# | after it, $\lambda$ from 5 to 40 with this $f$; `suspect`; `missed` in nine settings; colours for labels | 1000 to 1004 | $\lambda$ makes no difference; `suspect` as good as true colours; told above; plain training ahead of ReBias, weights best |
# | after it, CGL with its threshold set on all colours not told; with no exception eleven rates, lengths and decays of plain training, six ReBias | 1000 to 1009, 1000 to 1007 | near `believed`; told above |
#
# </details>
#
# ## In the lab
#
# The three papers share authors: S. Chun is on the [CGL](cgl.ipynb), [ReBias](rebias.ipynb) and [shortcut](shortcut_cues.ipynb) papers.
# CGL's code offers HSIC, the measure of ReBias, as one of its ways to fair learning.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Ten classes and ten colours are equally frequent, and one picture in twenty is an exception, spread evenly over the nine other colours.
# What does a picture on its own colour weigh, and what does an exception?

# %% tags=["exercise"]
weight_own, weight_odd = ..., ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_weights(pair):
    own, odd = pair
    assert not near(own, 9.5), "That is the weight upside down."
    assert near(own, 0.01 / 0.095), ("P(y) and P(c) are a tenth each; how "
                                     "many pictures are of that cell?")
    assert not near(odd, 0.2), "Its twentieth is shared by nine colours."
    assert near(odd, 18), "A cell of exceptions has 0.1 * 0.05 / 9 of all."

check("three-1", (weight_own, weight_odd), judge_weights, asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
weight_own, weight_odd = 0.01 / (0.1 * 0.95), 0.01 / (0.1 * 0.05 / 9)
check("three-1", (weight_own, weight_odd), judge_weights)

# %% [markdown]
# **2. Change and predict.**
# A guesser finds half of the exceptions of every cell and calls the others' colour that of their class.
# Which share of all the weight lies on the pictures that are now called exceptions, and by which factor is each of them heavier than before?

# %% tags=["exercise"]
share_found, heavier = ..., ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_found(pair):
    share, factor = pair
    assert not near(share, 0.45), ("A cell's weight is P(y) P(c), however "
                                   "few are in it.")
    assert near(share, 0.9), "Ninety of the hundred cells have exceptions."
    assert near(factor, 2), "Half as many share the same weight."

check("three-2", (share_found, heavier), judge_found, asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
share_found, heavier = 90 * 0.01, 2.0
check("three-2", (share_found, heavier), judge_found)

# %% [markdown]
# So the exceptions that are found speak for those that are not.
#
# **3. Refute the claim.**
# "Weights by guessed colours beat ReBias."
# Give a `rho`, from `0.8` to 1, at which they do not.
# The check runs both on one of the seeds for trying, and ReBias must be ahead by a hundredth.

# %% tags=["exercise"]
rho_against = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_rho(rho):
    rho = float(rho)
    assert 0.8 <= rho <= 1, "The share lies between 0.8 and 1."
    lead = (run("rebias", 1000, rho=rho)["all"]
            - run("believed", 1000, rho=rho)["all"])
    assert lead > 0, "There the weights are ahead. When do they idle?"
    assert lead > 0.01, "There the two are level."

check("three-3", rho_against, judge_rho, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 3
rho_against = 1.0
check("three-3", rho_against, judge_rho)

# %% [markdown]
# **4. Find the bug.**
# This function gives the share of answers that follow the colour.
# A network that reads every digit rightly should get zero, and gets one tenth.
# Mend it: set `mended_share` to a function of `(answers, labels)`.

# %% tags=["exercise", "bug"]
def colour_share(answers, labels):
    return (answers == torch.arange(10)).float().mean().item()

mended_share = colour_share

# %% tags=["check"]
# @title Check of exercise 4
def judge_share(function):
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        y = torch.randint(10, (40,), generator=g)
        said = torch.randint(10, (40, 10), generator=g)
        said[:20] = y[:20, None]
        if seed == 2:
            said[20:] = torch.arange(10)
        got = float(function(said.clone(), y.clone()))
        total = [int(a == k) for row, d in zip(said.tolist(), y.tolist())
                 for k, a in enumerate(row) if k != d]
        everywhere = (said == torch.arange(10)).float().mean().item()
        assert not near(got, everywhere), "Are the two apart on every paper?"
        assert not near(got, sum(total) / said.numel()), (
            "Out of how many answers is the share?")
        assert near(got, sum(total) / len(total)), "The share is another."

check("three-4", mended_share, judge_share, asks="a function of two tensors")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended_share(answers, labels):
    apart = torch.arange(10) != labels[:, None]
    return (answers == torch.arange(10))[apart].float().mean().item()

check("three-4", mended_share, judge_share)
