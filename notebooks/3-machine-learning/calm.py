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
# # CALM: a map that is a probability
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/calm.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | J. M. Kim, J. Choe, Z. Akata, S. J. Oh, [*Keep CALM and Improve Visual Feature Attribution*](https://arxiv.org/abs/2106.07861), ICCV 2021; we read the abstract |
# | Official code | [naver-ai/calm](https://github.com/naver-ai/calm), `network/universal.py` and `network/resnet.py`, read at commit `0ebb8a5` |
# | Rule read in | official code |
# | In the article | section 2.1, machine learning: explaining what a network has seen |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); convolution, softmax |
# | Data | pictures drawn here, so that the place that says the class is known |
# | Time | <!--=bench.calm.seconds-->28<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 클래스 활성 맵(CAM)은 분류기가 본 곳을 보여 주지만, 점수를 그림으로 바꾸는 방법은 학습과 무관하게 사람이 고릅니다.
# CALM은 단서의 위치를 잠재 변수로 두고 클래스와 위치의 결합 확률을 학습하므로, 맵의 값이 확률이라는 뜻을 가집니다.
# 이 페이지는 글리프 하나가 클래스를 정하는 그림에서 맵이 글리프에 놓이는 비율을 시드 다섯 개로 측정하고 비교합니다.
# CALM의 비율은 0에서 자른 CAM보다 높고 소프트맥스로 그린 CAM보다 낮으며, 멀리 떨어진 두 글리프를 함께 봐야 하면 CALM의 정확도가 CAM보다 낮습니다.
# 작은 합성곱 신경망과 생성한 그림으로 얻은 결과이므로, 사진이나 깊은 신경망에 대해서는 말해 주지 않습니다.
#
# **In short.**
# How much of an explanation lies on the thing that decides the class, and who says so?
# Where one glyph decides, CALM's map has <!--=calm-cut.mean.calm-->0.82<!--/--> of itself on the glyph; CAM's has <!--=calm-cut.mean.cam-->0.62<!--/--> if its scores are cut at zero and <!--=calm-softmax.mean.cam-->1.00<!--/--> after a softmax, and where two glyphs that no place sees at once decide together, CALM answers <!--=calm-two.mean.calm-->0.79<!--/--> of new pictures rightly and CAM <!--=calm-two.mean.cam-->1.00<!--/-->.
# It does not show photographs, deep networks, trainings longer than two hundred steps, or whether a map helps a person.

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
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import (check, claim, compare, draw_claim, known, near,
                     overview, palette, remember, show)
from lab1784.figures import subplots
from lab1784.interactive import choose

torch.set_num_threads(1)

# %% [markdown]
# ## One glyph that decides
#
# Each picture of this page, 14 by 14 pixels, has a striped square, the **body**, which is the same in all four classes, and at one of its corners a **glyph** of 3 by 3 pixels, which says the class.
# In a harder kind, two glyphs stand at opposite corners, and only both together say it.

# %% tags=["experiment"]
SIDE, KINDS, NOISE = 14, 4, 0.2
GLYPHS = 2 * torch.tensor([[[c == "#" for c in row] for row in glyph.split()]
                           for glyph in ("#.# .#. #.#", ".#. ### .#.",
                                         "### ... ###", "#.# ##. #.#")]
                          ).float() - 1                     # (4, 3, 3)
BODY = torch.tensor([0.54, 0.9]).repeat(3)[:, None].repeat(1, 6)


def put(canvas, mask, patches, r, c, add):
    """Patches (n, h, w) into canvas (n, SIDE, SIDE) at rows r, columns c."""
    n, h, w = patches.shape
    at = (torch.arange(n)[:, None, None],
          (r[:, None] + torch.arange(h))[:, :, None],
          (c[:, None] + torch.arange(w))[:, None])
    canvas[at] = patches + (canvas[at] if add else 0)
    mask[at] = True


def pictures(n, parts, g):
    """n pictures (n, 1, 14, 14), classes (n,), masks of glyphs and body.

    parts 1: one glyph says the class.  parts 2: two, at opposite corners
    of the body, say it together.  A mask is (n, 14, 14) bool.
    """
    y = torch.randint(KINDS, (n,), generator=g)
    x = NOISE * torch.randn(n, SIDE, SIDE, generator=g)
    r, c = torch.randint(2, SIDE - 7, (2, n), generator=g)
    corner = torch.randint(4, (n,), generator=g)
    body, glyph = torch.zeros(2, n, SIDE, SIDE, dtype=torch.bool)
    put(x, body, BODY.expand(n, 6, 6), r, c, add=True)
    pairs = [(y, corner)] if parts == 1 else [
        (y % 2, corner), (2 + y // 2, 3 - corner)]
    for kind, k in pairs:
        patch = 1.2 * GLYPHS[kind] + NOISE * torch.randn(n, 3, 3, generator=g)
        put(x, glyph, patch, r + torch.where(k < 2, -2, 5),
            c + torch.where(k % 2 == 0, -2, 5), add=False)
    return x[:, None], y, glyph, body & ~glyph

# %% tags=["figure"]
# @title Draw: four pictures with one glyph, two with two
g = torch.Generator().manual_seed(1003)
fig, axes = subplots(1, 6, width=7.4, height=1.7)
for k, ax in enumerate(axes):
    parts = 1 if k < 4 else 2
    x, y, glyph, _ = pictures(40, parts, g)
    i = int((y == k % 4).nonzero()[0, 0])
    ax.imshow(x[i, 0], cmap="gray")
    ax.contour(glyph[i].float(), [0.5], colors=palette["rival"],
               linewidths=1)
    ax.set_title(f"class {k % 4}\n{parts} glyph{'s' * (parts > 1)}",
                 fontsize=9)
    ax.axis("off")
show(fig, "Six small pictures of a striped square on noise; in four of them "
          "one outlined glyph touches a corner of the square, in two of "
          "them two at opposite corners.")

# %% [markdown]
# An explanation should lie on the outlined pixels; on the body it would be wrong.
# Just beside the glyph it is neither: a place of the networks below sees two pixels far, so it may see a part of the glyph.
# Our measure, the share of a map on the outlined pixels, counts it as off.

# %% [markdown]
# ## The idea: make the place a part of the model
#
# A network of convolutions gives, at each place $z$, a score, or **logit**, for each class $y$.
# The usual classifier averages the logits over places and takes a softmax.
# Its **class activation map**, **CAM** (클래스 활성 맵; B. Zhou and others, 2016), is the logits before the average.
# These have no unit and no bounds, so somebody must choose how to draw them: cut them at zero, or stretch them between their least and their largest, or something else.
# Training knows nothing of the choice.
#
# **CALM** (클래스 활성 잠재 매핑) asks instead: where was the **cue** (단서), the thing in the picture that says the class?
# The place $z$ becomes a **latent variable** (잠재 변수), something that is there and that no label tells.
#
# $$p(y, z \mid x) = \underbrace{p(z \mid x)}_{\text{where to look}} \; \underbrace{p(y \mid x, z)}_{\text{what is seen there}}, \qquad p(y \mid x) = \sum_z p(y, z \mid x)$$
#
# The second factor is a softmax over classes at each place.
# The first, the **prior** (사전 확률), is one positive number a place, the **attention**, divided by its sum.
# The map of class $y$ is $p(y, z \mid x)$: it sums to the probability of the class, and nothing is left to choose.

# %% [markdown]
# ## The technique

# %% tags=["technique"]
def prior(a, exact=True):
    """p(z | x): attention as shares, (N, 1, H, W) -> the same.

    exact: whether the sum passes a gradient; _latent_prior in the
    official universal.py detaches it.
    """
    total = a.sum(dim=(2, 3), keepdim=True)
    return a / (total if exact else total.detach())


def joint(h, a, exact=True):
    """p(y, z | x): logits (N, K, H, W), attention (N, 1, H, W) -> (N, K,
    H, W), which sums to one over classes and places."""
    return h.softmax(dim=1) * prior(a, exact)

# %% tags=["technique"]
def class_map(h, a, y):
    """p(y, z | x) of class y (N,): a map (N, H, W)."""
    return joint(h, a)[torch.arange(len(y)), y]


def predict(h, a):
    """p(y | x), the sum over places: (N, K)."""
    return joint(h, a).sum(dim=(2, 3))


def posterior(h, a, y):
    """p(z | x, y), where the cue of class y was: (N, H, W), sums to one."""
    m = class_map(h, a, y)
    return m / m.sum(dim=(1, 2), keepdim=True)

# %% [markdown]
# It can be trained in two ways.
# **Marginal likelihood** (ML, 주변 우도) takes $-\log \sum_z p(y, z \mid x)$ as it stands.
# **Expectation-maximisation** (EM, 기댓값 최대화) computes the **posterior** (사후 확률) $p(z \mid x, y)$, holds it fixed, and raises the mean of $\log p(y, z \mid x)$ under it.

# %% tags=["technique"]
def em_loss(h, a, y, exact=True):
    """Expectation-maximisation: the posterior is held fixed."""
    held = posterior(h, a, y).detach()
    logs = h.log_softmax(dim=1) + prior(a, exact).clamp(min=1e-8).log()
    return -(held * logs[torch.arange(len(y)), y]).sum(dim=(1, 2)).mean()


def ml_loss(h, a, y, exact=True):
    """Marginal likelihood: -log p(y | x)."""
    p = joint(h, a, exact).sum(dim=(2, 3))
    return -p[torch.arange(len(y)), y].log().mean()

# %% [markdown]
# And the rival, with three ways to draw what it gives.
# *Cut* sets what is below zero to zero, *min-max* subtracts the least value of the map, and *softmax* is over places.
# A division by the largest value is left out, since it changes no share.
# The default of the official code is min-max; cutting at zero gives CAM the larger share here, so that is what CALM is first compared with.

# %% tags=["technique"]
WAYS = ("cut", "min-max", "softmax")


def cam_loss(h, y):
    """Logits averaged over places, then softmax over classes."""
    return F.cross_entropy(h.mean(dim=(2, 3)), y)


def drawn(scores, way):
    """CAM's scores of one class (N, H, W) as a map, nowhere below zero."""
    known(way, WAYS, "way")
    if way == "cut":
        return scores.clamp(min=0)
    if way == "min-max":
        return scores - scores.amin(dim=(1, 2), keepdim=True)
    return scores.flatten(1).softmax(dim=1).view_as(scores)

# %% [markdown]
# ML and EM look different.
# In 64-bit numbers, on random logits:

# %% tags=["results"]
def gradients(loss, exact=True):
    """Of logits and attention, in 64 bits."""
    g = torch.Generator().manual_seed(1)
    h, a = torch.randn(2, 5, 4, 6, 6, dtype=torch.float64, generator=g)
    h, a = h.requires_grad_(), a[:, :1].exp().requires_grad_()
    y = torch.tensor([0, 1, 2, 3, 0])
    return torch.autograd.grad(loss(h, a, y, exact), (h, a))


for exact in (True, False):
    gaps = [(one - other).abs().max().item() for one, other in zip(
        gradients(em_loss, exact), gradients(ml_loss, exact))]
    print(f"sum {'exact' if exact else 'detached':9s}EM and ML differ by at "
          f"most {max(gaps):.0e}")
inward = gradients(em_loss, False)[1]
print("detached: attention is pushed down at", int((inward > 0).sum()),
      "of", inward.numel(), "places")

# %% [markdown]
# The two have one gradient, detached or not.
# So where the README reports <!--=published.calm_cub_accuracy_em-->71.8<!--/--> % of birds for EM and <!--=published.calm_cub_accuracy_ml-->59.6<!--/--> % for ML, something other than the formula must differ: with exact arithmetic, one start and equal settings, both would be the same network.
# The official EM takes the logarithm of each factor and adds $10^{-8}$ to a share of attention below that; its ML takes the logarithm of the sum.
# Whether that is the cause, or how each was tuned, we did not test.
# Our EM has a floor of $10^{-8}$ under the shares too; none of those above is near it.
# Below we train by EM.
#
# **Two places where the code differs from this page.**
# It passes the attention through a ReLU, which can be zero everywhere and leave nothing to divide by; ours goes through a **softplus**, $\log(1 + e^u)$, always above zero.
# And it **detaches** the sum under the attention: the value is right, and no gradient flows through it.
# With $a_z$ the attention and $q_z$ the posterior, the gradient of the log-likelihood for $\log a_z$ is $q_z - p(z \mid x)$, which raises some places and lowers others; detached, it is $q_z$ alone, and no attention is ever pushed down by its own gradient.
# `calm` is the formula as written, with softplus; both lines of the code get an arm of their own.
# All arms add $10^{-8}$ to the attention, so that a ReLU leaves something to divide by.

# %% [markdown]
# ## Predict
#
# All arms are one small network, trained for 200 steps on 600 pictures.
# With one glyph, how much of the map of the true class lies on the glyph?
#
# - (a) More of CALM's than of CAM's, however CAM's is drawn: CALM has learned where to look.
# - (b) That depends on how CAM's is drawn.
# - (c) CALM with a detached sum has the same share: the values are the same.
#
# With two glyphs that are both needed, which share of new pictures is answered rightly?
#
# - (d) The same for both: CALM has all that CAM has, and attention on top.
# - (e) Less by CALM: a sum over single places asks each place for the whole answer.

# %% [markdown]
# ## The experiment
#
# | arm | what a place gives | how places are joined |
# |---|---|---|
# | `cam` | logits | averaged, all places alike: the rival |
# | `attention` | logits | averaged by the prior: CALM's first half alone |
# | `places` | a softmax over classes | averaged, all places alike: the second half alone |
# | `calm` | a softmax over classes | averaged by the prior |
# | `detached` | as `calm` | as `calm`, no gradient through the sum |
# | `relu` | as `calm` | as `calm`, ReLU for softplus |
# | `as coded` | as `calm` | ReLU and detached |
#
# Two convolutions see 5 by 5 pixels at each of 14 by 14 places; no place sees pixels of two glyphs.
# `strength` mixes the attention with an equal one: at 0, `calm` must be `places`.

# %% tags=["experiment"]
ARMS = ("cam", "attention", "places", "calm", "detached", "relu",
        "as coded")
RATE = {1: {"cam": 0.1, "attention": 0.03, "places": 0.01, "calm": 0.03,
            "detached": 0.01, "relu": 0.01, "as coded": 0.03}}
RATE[2] = {**RATE[1], "cam": 0.03, "calm": 0.003}


class Net(nn.Module):
    """(N, 1, H, W) -> logits (N, 4, H, W), attention (N, 1, H, W)."""

    def __init__(self, relu, width=12):
        super().__init__()
        layers, c = [], 1
        for _ in range(2):
            layers += [nn.Conv2d(c, width, 3, padding=1),
                       nn.BatchNorm2d(width), nn.ReLU()]
            c = width
        self.body = nn.Sequential(*layers)
        self.last = nn.Conv2d(width, KINDS, 1)
        self.attention = nn.Conv2d(width, 1, 1)
        self.positive = F.relu if relu else F.softplus

    def forward(self, x):
        f = self.body(x)
        return self.last(f), self.positive(self.attention(f)) + 1e-8


def heard(arm, net, x, strength):
    """Logits and attention as the arm uses them."""
    h, a = net(x)
    if arm in ("cam", "places"):
        strength = 0.0
    a = strength * a + (1 - strength)            # at 0 all places alike
    return (SIDE ** 2 * prior(a) * h if arm == "attention" else h), a


def scores(arm, h, a):
    """What is compared between classes: (N, 4)."""
    return h.mean((2, 3)) if arm in ("cam", "attention") else predict(h, a)

# %% [markdown]
# `removed` asks whether the map ranks places well, however its values are scaled: the nine pixels where it is highest are set to zero, and the network answers again.
# Lower is better, for then the network needed those pixels; a guess is right in a quarter.

# %% tags=["experiment"]
@remember(most=64)
def trained(arm, seed, strength, parts, steps, lr):
    """A network of the arm, and 300 new pictures."""
    g = torch.Generator().manual_seed(seed)
    x, y, _, _ = pictures(600, parts, g)
    exam = pictures(300, parts, g)
    torch.manual_seed(seed)
    net = Net(relu=arm in ("relu", "as coded"))
    exact = arm not in ("detached", "as coded")
    optimizer = torch.optim.Adam(net.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        i = torch.randint(len(x), (32,), generator=g)
        h, a = heard(arm, net, x[i], strength)
        loss = cam_loss(h, y[i]) if arm in ("cam", "attention") else (
            em_loss(h, a, y[i], exact))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval(), exam


def share(maps, mask):
    """Mean share of the maps (N, H, W) that lies on the mask."""
    total = maps.sum((1, 2)).clamp(min=1e-9)
    return ((maps * mask).sum((1, 2)) / total).mean().item()

# %% tags=["experiment"]
@torch.no_grad()
def measure(arm, net, x, y, glyph, body, strength):
    """Accuracy; the share of the true class's map on the glyph, by way of
    drawing; its share on the body; accuracy without its top nine pixels.

    The map of a CALM is taken as it is, whatever the way.
    """
    h, a = heard(arm, net, x, strength)
    own = arm not in ("cam", "attention")
    raw = class_map(h, a, y) if own else h[torch.arange(len(y)), y]
    maps = {way: raw if own else drawn(raw, way) for way in WAYS}
    top = raw.flatten(1).topk(9).indices
    less = x.flatten(1).scatter(1, top, 0.0).view_as(x)

    def right(h, a):
        return (scores(arm, h, a).argmax(1) == y).float().mean().item()
    return {"accuracy": right(h, a),
            **{way: share(m, glyph) for way, m in maps.items()},
            "body": share(maps["cut"], body),
            "removed": right(*heard(arm, net, less, strength))}


def run(arm, seed, strength=1.0, parts=1, steps=200, lr=None):
    known(arm, ARMS, "arm")
    net, exam = trained(arm, seed, strength, parts, steps,
                        lr or RATE[parts][arm])
    return measure(arm, net, *exam, strength)

# %% [markdown]
# The learning rate was searched over `0.003`, `0.01`, `0.03` and `0.1` on three seeds from 1000 on: with one glyph by the share on the glyph (CAM's cut at zero), with two by accuracy.
# Where the best lay at an end, one rate more was tried: `0.3` for `cam`, level with `0.1`, and with two glyphs `0.001` for `calm`, worse.
# The three arms beside had two rates, `0.01` and `0.03`, on two seeds.
# Here are the best and a neighbour, on seed 1000.

# %% tags=["results"]
for arm, rates in (("cam", (0.03, 0.1)), ("calm", (0.01, 0.03))):
    print(f"{arm:5s} share on the glyph:", ", ".join(
        f"{run(arm, 1000, lr=r)['cut']:.2f} at {r:g}" for r in rates))

# %% [markdown]
# ## The claims
#
# Statement, rival and least effect were written down before the seeds below were run for the first time.
# A floor comes first: with one glyph, `cam`, `attention`, `calm` and `detached` should answer 95 of 100 new pictures rightly.
# The other three arms need not, and stand beside, on three seeds.

# %% tags=["results"]
single = compare(run, ("cam", "attention", "calm", "detached"))
pair = compare(run, ("cam", "calm"), parts=2)
beside = compare(run, ("places", "relu", "as coded"), seeds=range(3))
FLOOR = 0.95
assert all(single.mean("accuracy", arm) > FLOOR for arm in (
    "cam", "attention", "calm", "detached"))
cut = claim(
    "calm-cut", "On drawn pictures where one glyph says the class, CALM's "
    "map after 200 steps has a larger share on the glyph than CAM's scores "
    "cut at zero", single, metric="cut", arm="calm", baseline="cam",
    least=0.05, unit="share of the map on the glyph", reason="the authors' "
    "gain in cue localisation on CUB is nearly five points of a hundred",
    paper="CALM identifies discriminative attributes for image classifiers "
    "more accurately than CAM (abstract).", picture=False)
soft = claim(
    "calm-softmax", "On drawn pictures where one glyph says the class, CAM's "
    "scores after 200 steps, drawn by a softmax over places, have no smaller "
    "share on the glyph than CALM's map", single, metric="softmax",
    arm="cam", baseline="calm", kind="no_worse", margin=0.05, bad="detached",
    unit="share of the map on the glyph", reason="less than the authors' "
    "gain of nearly five points on CUB should not count", picture=False)
total = claim(
    "calm-sum", "On drawn pictures where one glyph says the class, CALM's "
    "map after 200 steps has a larger share on the glyph where the sum under "
    "the attention passes a gradient than where the sum is detached", single,
    metric="cut", arm="calm", baseline="detached", least=0.1,
    unit="share of the map on the glyph", reason="a detail should count if "
    "it is worth twice the authors' gain on CUB", picture=False)
two = claim(
    "calm-two", "On drawn pictures where two glyphs far apart say the class "
    "together, CAM's network after 200 steps answers more new pictures "
    "rightly than CALM's", pair, metric="accuracy", arm="cam",
    baseline="calm", least=0.05, unit="share of new pictures", reason="one "
    "wrong answer more in twenty is a price that a user would notice",
    picture=False)
for table in (single, pair, beside):
    print(table.table())

# %% [markdown]
# (b), and by a long way: with one and the same network, CAM's share is <!--=calm-cut.mean.cam-->0.62<!--/--> cut at zero and <!--=calm-softmax.mean.cam-->1.00<!--/--> after a softmax, and the first table has a third value for min-max.
# CALM's, <!--=calm-cut.mean.calm-->0.82<!--/-->, lies between.
# In the column `removed`, where the scale of a map plays no part, CAM is ahead of CALM; on the five seeds from 1000 on they were level, so we claim nothing of it.
#
# What moves the map?
# Attention alone, with logits at each place and its scores cut at zero, has a share of <!--=calm-cut.mean.attention-->0.91<!--/-->, on average no less than CALM; drawn by min-max it has less, so there is still a drawing to choose.
# The softmax at each place alone, `places` in the last table, has little, and could not have much: each place holds at most $1/196$, so the nine of the glyph hold at most $9/196$, and the whole map sums to the probability of the class.
# Its network has not mastered the task either.
# So in our pictures the prior is enough to bring the map to the glyph, and without it the map of a class that is answered rightly cannot lie mostly there; the softmax makes the values a probability.
#
# (c) overlooks the gradient: with the sum detached, the share is <!--=calm-sum.mean.detached-->0.43<!--/-->.
# With ReLU, exact or detached, it is about as low.
# On its three seeds, ReLU with the exact sum has not mastered the task on average; with both lines as in the code, it has.
# Our network is small; whether the two lines matter in a ResNet, we did not test.
#
# (e), as to the number: with two glyphs, CAM answers <!--=calm-two.mean.cam-->1.00<!--/--> rightly and CALM <!--=calm-two.mean.calm-->0.79<!--/-->.
# Its reason is another matter; more of it below, at *Where one place is not enough*.

# %% tags=["figure"]
# @title Draw: the same pictures, CAM drawn three ways, and CALM
nets = {arm: trained(arm, 1000, 1.0, 1, 200, RATE[1][arm])
        for arm in ("cam", "calm")}
x, y, glyph, body = nets["cam"][1]
with torch.no_grad():
    raw = nets["cam"][0](x)[0][torch.arange(len(y)), y]
    own = class_map(*nets["calm"][0](x), y)
shown = [drawn(raw, way) for way in WAYS] + [own]
fig, axes = subplots(3, 5, width=7.0, height=4.6)
for i, row in enumerate(axes):
    row[0].imshow(x[i, 0], cmap="gray")
    row[0].set_title("" if i else "picture", fontsize=8,
                     fontweight="normal")
    for ax, name, m in zip(row[1:], ["CAM, " + w for w in WAYS] + ["CALM"],
                           shown):
        ax.imshow(m[i], cmap="magma", vmin=0)
        value = share(m[i:i + 1], glyph[i:i + 1])
        ax.set_title(("" if i else name + "\n") + f"{value:.2f} on the "
                     "glyph", fontsize=8, fontweight="normal")
    for ax in row:
        ax.contour(glyph[i].float(), [0.5], colors=palette["other"],
                   linewidths=1)
        ax.axis("off")
show(fig, "Three pictures, a row each, with four maps: CAM cut at zero or "
          "stretched is a blur on and around the outlined glyph, after a "
          "softmax a pixel or a few, not always in it; CALM's map is a few "
          "pixels, nearly all of them in the glyph.")

# %% tags=["figure"]
# @title Draw: all four claims
overview(cut, soft, total, two)

# %% tags=["details"]
# @title Every seed of every claim
for record in (cut, soft, total, two):
    draw_claim(record)

# %% [markdown]
# ## Choose a drawing
#
# A map may also be raised to a power before its share is taken, which a designer of colours would call contrast.
# For the softmax, that is its temperature.
# Below, CAM's network of seed 1000; it is trained once, and never changes.

# %% tags=["figure"]
# @title Panel: the share that a drawing gives
POWERS = (0.25, 0.5, 1, 2, 4, 8)
areas = {"glyph": glyph, "body": body, "elsewhere": ~(glyph | body)}


def bars(m):
    """Share of a map on each area, as text with a bar."""
    return ["█" * round(12 * share(m, mask)) + f" {share(m, mask):.2f}"
            for mask in areas.values()]


def shaped(way, power):
    """CAM's maps drawn one way, largest value one, raised to a power."""
    m = drawn(raw, way)
    return (m / m.amax((1, 2), keepdim=True)) ** power


outcomes = {(i, j): [["CAM", *bars(shaped(way, power))],
                     ["CALM, as it is", *bars(own)]]
            for i, way in enumerate(WAYS) for j, power in enumerate(POWERS)}
fig, ax = subplots(width=6.4, height=2.8)
for way, colour in zip(WAYS, ("rival", "fifth", "sixth")):
    ax.plot(POWERS, [share(shaped(way, p), glyph) for p in POWERS],
            "-o", ms=4, color=palette[colour], label=f"CAM, {way}")
ax.axhline(share(own, glyph), color=palette["method"], label="CALM")
ax.set(xscale="log", xlabel="power", ylabel="share on the glyph",
       ylim=(0, 1.03), title="One network of CAM, nearly any share")
ax.set_xticks(POWERS, map(str, POWERS))
ax.minorticks_off()
ax.legend(fontsize=8)
choose([("CAM's scores are", ["cut at zero", "stretched (min-max)",
                              "put through a softmax"]),
        ("and raised to the power", list(map(str, POWERS)))], outcomes,
       columns=["map", *areas], title="Choose a drawing, and make a share",
       alt="Share of CAM's map on the glyph against a power: cut and "
           "stretched, two lines rise and cross the flat line of CALM; after "
           "a softmax the line is near the top throughout.",
       fallback_fig=fig)

# %% [markdown]
# The rise is no mistake of CAM: its highest places lie mostly on the glyph, and a high power keeps them alone.
# But then a share says how a map was drawn as much as where it lies.
# CALM's map could be raised to a power as well; it would then no longer be the probability that the network was trained to give.
#
# ## Where one place is not enough
#
# With two glyphs, 5 by 5 pixels never hold both.
# A place that sees one of them can say no more than "one of these two classes".
# If the attention gives the share $w$ to the first glyph and the rest to the second, the true class gets $w/2 + (1-w)/2$, one half, whatever $w$ is: the likelihood does not ask for both to be looked at.
# A class that shares the first glyph gets $w/2$, and at $w = 1$ it ties.
# On three seeds from 1000 on, outside the claims, we ran the two halves of CALM on two glyphs: `attention` answers every new picture rightly, `places` about seven of ten.
# So the wrong answers come with the softmax at each place, and not with the attention; that the tie is why, we did not test.
# CAM adds logits *before* the softmax, and two halves of a proof add up.
# A network that sees further could join the glyphs at one place; ours cannot, by design.
#
# ## Break it
#
# Each of these mistakes trains without complaint; our tests plant each of them.
#
# <details><summary>Ten mistakes</summary>
#
# - **Softmax over places**: the logits compete between places, and the classes never do.
# - **A mean for the sum**: the classes come in the right order, and their probabilities do not sum to one.
# - **The posterior learns as well**: it is not held fixed, and EM is no longer ML.
# - **No gradient through the sum**: the official line, for `calm` as well.
# - **Shares of the batch**: the attention is divided by the sum over all pictures.
# - **The best class for the given one**: the map explains the prediction where the label was asked for.
# - **Min-max on a probability**: the map of CALM is stretched, and its sum is no probability.
# - **A place forgotten by EM**: the logarithm of the prior is left out, and the attention learns nothing.
# - **Softmax before the average**: CAM's network becomes `places`.
# - **Stretched by columns**: the least value is that of each column.
#
# </details>
#
# Run the eighth, on seed 1000: no gradient reaches the layer that gives the attention.

# %% tags=["results"]
right_loss = em_loss


def em_loss(h, a, y, exact=True):
    """EM without the prior's logarithm: a mistake."""
    held = posterior(h, a, y).detach()
    logs = h.log_softmax(dim=1)
    return -(held * logs[torch.arange(len(y)), y]).sum(dim=(1, 2)).mean()


broken = run("calm", 1000)
em_loss = right_loss
print("place forgotten:", {k: round(broken[k], 2)
                           for k in ("accuracy", "cut")})

# %% [markdown]
# ## What we shrank
#
# | | paper and code | here |
# |---|---|---|
# | pictures | photographs: CUB's birds, ImageNet, OpenImages | 600 drawn ones, 14 by 14 |
# | network | ResNet-50 with a larger last map, by the code | two convolutions, twelve channels |
# | attention | ReLU, sum detached, by the code | softplus, exact sum; the others as arms |
# | cue localisation on CUB, CAM | <!--=published.calm_cub_cue_cam-->29.6<!--/--> % | not measured |
# | CALM by EM, by ML | <!--=published.calm_cub_cue_em-->34.3<!--/--> %, <!--=published.calm_cub_cue_ml-->27.3<!--/--> % | not measured |
#
# The numbers are from tables of the official repository.
# The share on the glyph is a measure of ours; the authors compare maps with annotated parts, and by removing pixels.
# What this page cannot show: cues larger than a place sees, cues of which there are many, and whether a person is helped by a unit.
# Our rates were searched by the share itself, which needs the truth that a photograph does not come with.
#
# ## Tries
#
# <details><summary>Tries: six rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | rates from `0.001` to `0.3`; 300 steps | seeds from 1000 on | the same order of arms; rates as told above |
# | the claim that CAM drawn by a softmax is *ahead* of CALM by the bar | seeds from 1000 on | CALM's share differs too much between seeds; the claim became "no smaller" |
# | a claim on `removed` | seeds from 1000 on | at `0.01`, CAM ahead; at the best rates, level; no claim |
# | two glyphs: detached sum; after the run of the claims, `attention` and `places` at `0.01` and `0.03` | seeds 1000 and 1001; 1000 to 1002 | right more often than CALM, `0.87` at its best rate, and less than CAM; `1.00` six times, `0.67` to `0.79` |
# | the body's stripes copied into memory of their own, which a test needs; changed after the first run had begun | no seed | no value changes |
# | the first run; once more after the row above | seeds 0 to 4 | the one that is reported; the same numbers |
#
# </details>
#
# ## In the lab
#
# [CutMix](cutmix.ipynb) draws class activation maps to see where a network looks, and [ReLabel](relabel.ipynb) turns logits at every place into labels.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# A picture has two places.
# The prior is `0.8` and `0.2`, and the class seen at them has the probability `0.5` and `0.9`.
# Give the two values of the map of this class, its probability, and the posterior of the first place.

# %% tags=["exercise"]
map_1, map_2, p_class, q_1 = ..., ..., ..., ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_map(four):
    first, second, p, q = four
    assert not near(first, 0.5) and not near(second, 0.9), (
        "That is what is seen there, once one looks there: who looks?")
    assert near(first, 0.4) and near(second, 0.18), (
        "The map is a product, place by place.")
    assert not near(p, 0.29), "A sum over places is asked, no mean."
    assert near(p, 0.58), "The class's probability is the sum of its map."
    assert not near(q, 0.8), "That is the prior; now the class was seen."
    assert near(q, 0.4 / 0.58), "The map, divided by its sum."

check("calm-1", (map_1, map_2, p_class, q_1), judge_map, asks="four numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
map_1, map_2 = 0.8 * 0.5, 0.2 * 0.9
p_class, q_1 = map_1 + map_2, map_1 / (map_1 + map_2)
check("calm-1", (map_1, map_2, p_class, q_1), judge_map)

# %% [markdown]
# **2. Change and predict.**
# Two glyphs say one of four classes together; a place sees one of them at most, and gives the two classes that have it one half each.
# The attention gives three quarters to the first glyph and a quarter to the second.
# What does CALM give the true class, and what the class that shares only the first glyph?
# And what does it give each of the two when all the attention is on the first?

# %% tags=["exercise"]
true_both, shared_both, true_one, shared_one = ..., ..., ..., ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_halves(four):
    true, shared, alone, tied = four
    assert not near(true, 1), "No place sees more than one glyph."
    assert near(true, 0.5), "Add what the two places give the true class."
    assert not near(shared, 0.75), "The place gives this class one half."
    assert near(shared, 0.375), "Only the first glyph speaks for it."
    assert near(alone, 0.5) and near(tied, 0.5), (
        "One place is left, and it gives both classes the same.")

check("calm-2", (true_both, shared_both, true_one, shared_one),
      judge_halves, asks="four numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
true_both, shared_both = 0.75 / 2 + 0.25 / 2, 0.75 / 2
true_one, shared_one = 1 / 2, 1 / 2
check("calm-2", (true_both, shared_both, true_one, shared_one), judge_halves)

# %% [markdown]
# The true class has one half both times; only in the first it is ahead.
#
# **3. Refute the claim.**
# "CALM's map has a larger share on the glyph than CAM's scores cut at zero, whatever the contrast."
# Give a power from 1 to 20 to which the cut scores are raised so that this is false.
# The check tries it on seed 1000.

# %% tags=["exercise"]
power = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_power(value):
    p = float(value)
    assert 1 <= p <= 20, "The power lies between 1 and 20."
    net, (x, y, glyph, _) = trained("cam", 1000, 1.0, 1, 200,
                                    RATE[1]["cam"])
    with torch.no_grad():
        m = drawn(net(x)[0][torch.arange(len(y)), y], "cut")
    m = (m / m.amax((1, 2), keepdim=True)) ** p
    assert share(m, glyph) > run("calm", 1000)["cut"], (
        "There CALM is ahead. What does a higher power do?")

check("calm-3", power, judge_power, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 3
power = 8
check("calm-3", power, judge_power)

# %% [markdown]
# **4. Find the bug.**
# For one picture, this function gives the map that it should.
# For several it does not.
# Mend it: set `mended_map` to a function of `(h, a, y)`, logits (N, K, H, W), attention (N, 1, H, W) and classes (N,), that returns the maps (N, H, W).

# %% tags=["exercise", "bug"]
def map_of(h, a, y):
    where = a / a.sum()
    what = h.softmax(dim=1)
    return (what * where)[torch.arange(len(y)), y]

mended_map = map_of

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    g = torch.Generator().manual_seed(0)
    for n in (1, 3, 6):
        h = torch.randn(n, 3, 4, 5, generator=g)
        a = torch.rand(n, 1, 4, 5, generator=g) + 0.1
        y = torch.randint(3, (n,), generator=g)
        got = torch.as_tensor(function(h.clone(), a.clone(), y.clone()))
        assert got.shape == (n, 4, 5), "One map a picture is asked for."
        assert not torch.allclose(got.sum((1, 2)), torch.ones(n)), (
            "That is the posterior: a map sums to the class's probability.")
        assert torch.allclose(got, class_map(h, a, y), atol=1e-5), (
            f"The maps of {n} at once should be others; what does the "
            "attention of each picture sum to?")

check("calm-4", mended_map, judge_mended, asks="a function of (h, a, y)")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended_map(h, a, y):
    where = a / a.sum(dim=(1, 2, 3), keepdim=True)     # picture by picture
    return (h.softmax(dim=1) * where)[torch.arange(len(y)), y]

check("calm-4", mended_map, judge_mended)
