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
# # ReXNet: a ramp of channels, and what a rank can say
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/rexnet.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | D. Han, S. Yun, B. Heo, Y. Yoo, [*Rethinking Channel Dimensions for Efficient Model Design*](https://arxiv.org/abs/2007.00992), CVPR 2021 |
# | Official code | [clovaai/rexnet](https://github.com/clovaai/rexnet), `rexnetv1.py`, read at commit `61debcc` |
# | Rule read in | official code |
# | In the article | section 2.1, backbones for vision |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); what a residual block and batch normalisation (BN) are |
# | Data | drawn numbers; scikit-learn's handwritten digits, real, 8 by 8 pixels |
# | Time | under a minute |
#
# **요약.**
# ReXNet은 채널 수를 계단처럼 올리지 않고 블록마다 같은 수만큼 늘리며, 층 하나의 설계는 출력 행렬의 랭크로 살펴봅니다.
# 이 장은 공식 코드의 채널 목록과 파라미터 수를 그대로 다시 만들고, 무작위 층의 유효 랭크를 시드 다섯 개로 측정합니다.
# 채널을 두 배로 늘리는 층에서 SiLU는 ReLU6보다 유효 랭크가 높지만, ReLU6에서 상수 하나만 빼면 순서가 뒤집힙니다.
# 파라미터 수를 맞춘 작은 신경망으로 직선형과 계단형을 비교하면 손글씨 숫자에서 정확도 차이가 미리 정한 범위 안에 듭니다.
# 작은 이미지와 짧은 학습에서 얻은 결과이므로, ImageNet에서 어느 쪽이 나은지는 말해 주지 못합니다.
#
# **In short.**
# Does a smooth activation leave a layer with more independent directions, and does a ramp of channels beat a staircase of as many parameters?
# In a random layer that doubles its channels SiLU is ahead of ReLU6 by <!--=rexnet-silu.effect-->0.08<!--/--> of the outputs in effective rank, ReLU6 lowered by a constant is ahead of SiLU by <!--=rexnet-lowered.effect-->0.09<!--/-->, and on digits ramp and staircase differ by <!--=rexnet-ramp.effect:3-->−0.002<!--/--> in accuracy.
# ImageNet, where the authors compare whole networks, is not run here.

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

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import (check, claim, compare, data, draw_claim, known, near,
                     overview, palette, show)
from lab1784.figures import subplots
from lab1784.interactive import choose

torch.set_num_threads(1)

# %% [markdown]
# ## Two lists of channels
#
# Here are the channels behind each of the 16 blocks of two light networks for images.
# EfficientNet-B0 keeps a number for some blocks and then raises it at once: a staircase, as is the custom.
# ReXNet has a number of its own for every block.
# What is its rule?

# %% tags=["figure"]
# @title Draw: the channels of two networks, block by block
B0 = [16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320]
REXNET = [16, 27, 38, 50, 61, 72, 84, 95, 106, 117, 128, 140, 151, 162, 174,
          185]
fig, ax = subplots(height=2.7)
ax.step(range(1, 17), B0, where="mid", color=palette["rival"],
        label="EfficientNet-B0")
ax.plot(range(1, 17), REXNET, "o-", ms=4, color=palette["method"],
        label="ReXNet")
ax.set(xlabel="block", ylabel="channels behind it", xticks=range(1, 17, 3),
       title="A staircase, and a straight line")
ax.legend()
show(fig, "Channels against the number of the block: EfficientNet-B0 climbs "
          "in six steps, the last the highest; ReXNet climbs along a "
          "straight line from the same first value.")

# %% [markdown]
# The steps of ReXNet are 11 or 12 each: a straight line, rounded.
# B0's list is that of [TensorFlow's own code](https://github.com/tensorflow/tpu/blob/082b2267ba0672b21e7f4b55832248de0ec59745/models/official/efficientnet/efficientnet_builder.py).
#
# **ReXNet** (렉스넷) is that line, with blocks that suit it.
# Its authors reach it in two steps, says their abstract: first they look at a single layer through the **rank** (랭크) of its output, then they search for channel lists within a budget of arithmetic, and propose a rule based on what they found.
# [A reader's review](https://andlukyane.com/blog/paper-review-rexnet) of the first version gives their advice as wider inputs, more layers that expand, and the activation Swish, another name of SiLU.
# We shorten that to: expand little at once, and smoothly.
# This page rebuilds the network, then measures both halves of that advice, and the ramp.
#
# ## The idea: count the directions of a layer's output
#
# Let a layer map $d_{in}$ channels to $d_{out}$, with an activation $f$, and put its outputs for $N$ samples side by side:
#
# $$Y = f(W X), \qquad W \in \mathbb{R}^{d_{out} \times d_{in}}, \quad X \in \mathbb{R}^{d_{in} \times N}$$
#
# If the rank of $Y$ is far below $d_{out}$, many channels repeat what others say.
# The **expansion** (확장 비율) is $d_{out} / d_{in}$.
#
# A rank is the number of **singular values** (특잇값) $\sigma_i$ of $Y$ that are not zero.
# It asks whether, not how much: a direction that carries a millionth counts as one.
# The **effective rank** (유효 랭크) weighs them:
#
# $$r(Y) = \frac{\left(\sum_i \sigma_i\right)^2}{\sum_i \sigma_i^2}$$
#
# With $n$ equal singular values and no other it is $n$; where one dwarfs the others it is near 1.
# We could read the authors' abstract and code, not how they count a rank, so this measure is our choice.

# %% [markdown]
# ## The technique
#
# First the list.
# The official code adds a share to a number that stays unrounded, multiplies by the width, and rounds a copy.
# Python rounds a half to the even neighbour: $38.5$ becomes 38.

# %% tags=["technique"]
def ramp(blocks=16, start=16, growth=180, width=1.0):
    """Channels behind each block: a list of `blocks` whole numbers.

    start: of the first block.  growth: what is added over all blocks, in
    equal parts.  width: factor on all; below 1 the first is not thinned.
    Source: rexnetv1.py, ReXNetV1.
    """
    channels, plan = start / min(width, 1), []
    for _ in range(blocks):
        plan.append(round(channels * width))
        channels += growth / blocks            # the unrounded one goes on
    return plan


def effective_rank(y, centred=False):
    """(sum of s)² / (sum of s²), s the singular values of y.

    y: (channels, samples), not zero.  centred: without each channel's mean.
    """
    if centred:
        y = y - y.mean(1, keepdim=True)
    s = torch.linalg.svdvals(y)                # (min(channels, samples),)
    return (s.sum() ** 2 / (s ** 2).sum()).item()

# %% [markdown]
# Then the block: an **inverted bottleneck** (역병목 블록), which expands, looks at neighbours channel by channel, and projects back.
# BN stands behind each of its three convolutions.
# SiLU, $z \cdot \mathrm{sigmoid}(z)$, follows the expansion alone; what follows the depthwise convolution is ReLU6, a ReLU that stops at 6, behind the gate of **squeeze-and-excitation** (채널 게이트) where there is one.
# The gate turns the means of all channels into a factor for each: a layer to a twelfth of the width, BN, ReLU, a layer back, a sigmoid.
# No activation follows the projection.

# %% tags=["technique"]
def conv_bn(c_in, c_out, kernel=1, stride=1, groups=1):
    """A convolution and its BN: (N, c_in, H, W) -> (N, c_out, H', W')."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2,
                     groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


class Gate(nn.Module):
    """Squeeze-and-excitation: (N, c, H, W) -> (N, c, H, W), each channel
    times a number in (0, 1).  Source: rexnetv1.py, SE."""

    def __init__(self, c, ratio=12):
        super().__init__()
        few = c // ratio
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, few, 1),
            nn.BatchNorm2d(few), nn.ReLU(), nn.Conv2d(few, c, 1),
            nn.Sigmoid())                      # (N, c, 1, 1)

    def forward(self, x):
        return x * self.gate(x)

# %% [markdown]
# Every block of a ramp has more channels than the one before.
# A shortcut needs equal shapes, and there are none; ReXNet adds its input to the *first* channels of the output and leaves the others alone, a **partial shortcut** (부분 잔차 연결).

# %% tags=["technique"]
class Block(nn.Module):
    """(N, c_in, H, W) -> (N, c_out, H', W'), H' is H / stride rounded up.

    expand: factor of the width inside.  gate: with a Gate.  act: behind
    the expansion.  shortcut: where stride is 1 and c_in <= c_out.
    Source: rexnetv1.py, LinearBottleneck.
    """

    def __init__(self, c_in, c_out, stride=1, expand=6, gate=False,
                 act=nn.SiLU, shortcut=True):
        super().__init__()
        wide, self.expands = c_in * expand, expand != 1
        grow = [*conv_bn(c_in, wide), act()] if self.expands else []
        self.branch = nn.Sequential(
            *grow, *conv_bn(wide, wide, 3, stride, groups=wide),
            *([Gate(wide)] if gate else []), nn.ReLU6(),
            *conv_bn(wide, c_out))
        self.new = c_out - c_in                # channels without a shortcut
        self.keeps = shortcut and stride == 1 and self.new >= 0

    def forward(self, x):
        y = self.branch(x)
        return y + F.pad(x, (0, 0, 0, 0, 0, self.new)) if self.keeps else y

# %% [markdown]
# Do the sizes agree with the authors'?
# A network is a stem, blocks, and a head of one wide 1×1 convolution.
# On tensors that have a shape and no content, parameters are counted without computing anything.

# %% tags=["experiment"]
def make_net(plan, strides, gates=(), stem=32, first=2, head=1280,
             channels=3, classes=1000, drop=0.2, **how):
    """plan: channels behind each block.  gates: numbers of the blocks with
    a gate.  (N, channels, H, W) -> (N, classes).  how: goes to each Block.
    """
    parts, c_in = [*conv_bn(channels, stem, 3, first), nn.SiLU()], stem
    for k, (c_out, stride) in enumerate(zip(plan, strides)):
        parts.append(Block(c_in, c_out, stride, 6 if k else 1, k in gates,
                           **how))
        c_in = c_out
    return nn.Sequential(
        *parts, *conv_bn(c_in, head), nn.SiLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Dropout(drop), nn.Linear(head, classes))


def official(plan, width=1.0):
    """The authors' network of that width, but with any plan."""
    strides = [1 + (k in (1, 3, 5, 11)) for k in range(16)]
    return make_net(plan, strides, range(3, 16), round(32 * max(width, 1)),
                    head=int(1280 * width))


def parameters(net):
    return sum(p.numel() for p in net.parameters())

# %% tags=["results"]
assert ramp() == REXNET
print("width   last block   parameters")
with torch.device("meta"):
    for width in (1.0, 1.3, 1.5, 2.0, 3.0):
        plan = ramp(width=width)
        size = parameters(official(plan, width))
        print(f"{width:5.1f} {plan[-1]:12d} {size:12,d}")
    print(f"with B0's staircase {parameters(official(B0)):11,d}")

# %% [markdown]
# The README gives <!--=published.rexnet_params_1_0-->4.8<!--/--> million parameters for width 1, and <!--=published.rexnet_params_1_3-->7.6<!--/-->, <!--=published.rexnet_params_1_5-->9.7<!--/--> and <!--=published.rexnet_params_3_0-->34<!--/--> for $1.3$, $1.5$ and 3, the last cut off rather than rounded.
# For width 2 it has two sizes, <!--=published.rexnet_params_2_0-->19<!--/--> million in one table and <!--=published.rexnet_params_2_0_other-->16<!--/--> in another; the code gives the second.
# In the same blocks B0's staircase needs a fifth more parameters than the ramp, because of the last four blocks and the head; the twelve blocks before have fewer.

# %% [markdown]
# ## Predict
#
# A layer with random weights gets 48 random numbers and gives 96.
# Which activation leaves the largest effective rank, and does a network with it read digits better?
#
# - (a) SiLU, because it is smooth: a kink throws directions away.
# - (b) Softplus, $\log(1 + e^z)$: as smooth, and it never turns back.
# - (c) ReLU6: half of its outputs are zero, and which half differs from sample to sample.
# - (d) All the same: 96 outputs, rank 96.
#
# And at equal parameters on a small task: ramp or staircase?

# %% [markdown]
# ## A layer that has learned nothing
#
# The measure is the effective rank as a share of the channels, higher is better for the layer; what that is worth is a question for later.
# Weights and inputs are normal numbers, so that what enters $f$ has mean 0 and, on average, variance 1, as BN would give it.
# Two arms take (a) apart.
# `hard-swish` imitates SiLU by straight lines and a parabola; it has two kinks.
# `lowered` is ReLU6 minus its own mean, a constant: it has every kink of ReLU6.

# %% tags=["experiment"]
MEAN = (2 * math.pi) ** -0.5             # of max(z, 0), z standard normal
ACTS = {"linear": lambda z: z, "ReLU6": F.relu6, "SiLU": F.silu,
        "hard-swish": F.hardswish, "softplus": F.softplus,
        "lowered": lambda z: F.relu6(z) - MEAN}


def output(arm, seed, inputs=48, outputs=96, samples=1000):
    """Y = f(W X) of one random layer: (outputs, samples), float64."""
    known(arm, ACTS, "arm")
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(inputs, samples))
    w = rng.normal(size=(outputs, inputs)) / inputs ** 0.5
    return ACTS[arm](torch.from_numpy(w @ x))


def layer(arm, seed, **size):
    """Shares of the channels, and the plain rank by NumPy's rule."""
    y = output(arm, seed, **size)
    return {"rank": effective_rank(y) / len(y),
            "centred": effective_rank(y, centred=True) / len(y),
            "plain": float(torch.linalg.matrix_rank(y))}

# %% [markdown]
# ## A network that has learned
#
# Six blocks learn 700 digits in 150 steps and are asked about a thousand others.
# `stairs` and `ramp` have as many parameters, to within a hundredth.
# `neck` has as many, too, and squeezes everything through one channel of 2 by 2 pixels: a network with known damage.
# `relu6` is the ramp with ReLU6 for SiLU behind the expansions, `bare` the ramp without its four shortcuts, three of them partial.
# Besides accuracy, each network reports the mean effective rank of its five expanded maps, on digits that it has not seen.

# %% tags=["experiment"]
PLANS = {"stairs": [8, 14, 14, 23, 23, 23], "neck": [8, 15, 15, 1, 34, 34]}
HOW = {"relu6": {"act": nn.ReLU6}, "bare": {"shortcut": False}}
ARMS = ("stairs", "ramp", "neck", "relu6", "bare")
RATE = {"ramp": 8e-3, "relu6": 8e-3, "neck": 32e-3}


def small_net(arm, strength=1):
    """strength: 0 has the staircase's plan, 1 the arm's own."""
    known(arm, ARMS, "arm")
    plan = [round(a + strength * (b - a)) for a, b in zip(
        PLANS["stairs"], PLANS.get(arm, ramp(6, 8, 24)))]
    return make_net(plan, (1, 2, 1, 2, 1, 1), stem=8, first=1, head=64,
                    channels=1, classes=10, drop=0, **HOW.get(arm, {}))


def train(net, x, y, seed, steps, lr, batch=32):
    """Adam with a cosine schedule; the batches depend on the seed alone."""
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        i = torch.randint(len(x), (batch,), generator=order)
        loss = F.cross_entropy(net(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def examine(net, x, y):
    """Accuracy; mean effective rank of the expanded maps, as a share."""
    maps = []
    hooks = [block.branch[2].register_forward_hook(
        lambda part, seen, out: maps.append(out))
        for block in net if getattr(block, "expands", False)]
    right = (net.eval()(x).argmax(1) == y).float().mean().item()
    for hook in hooks:
        hook.remove()
    # (N, c, H, W) -> (c, 4000): positions of images are the samples
    maps = [m.transpose(0, 1).flatten(1)[:, :4000].double() for m in maps]
    return {"accuracy": right, **{
        name: float(np.mean([effective_rank(m, c) / len(m) for m in maps]))
        for name, c in (("rank", False), ("centred", True))}}


def run(arm, seed, strength=1, steps=150, lr=None):
    x, y, test_x, test_y = data.digits(seed, labels=700, test=1000)
    torch.manual_seed(seed)
    net = small_net(arm, strength)
    net.to(memory_format=torch.channels_last)         # faster on a CPU
    train(net, x, y, seed, steps, lr or RATE.get(arm, 16e-3))
    return examine(net, test_x, test_y)

# %% [markdown]
# The learning rate is searched for each arm over 8, 16, 32 and 64 thousandths, on seeds 1000 to 1004 (`neck`, `relu6` and `bare` on three of them), and each takes its best.
# Only `relu6` takes that of the ramp, so that their ranks can be compared.

# %% [markdown]
# ## The claims
#
# Statement, rival and bar were written down before any of the seeds below was run.
#
# **Which network learned?**
# `stairs`, `ramp` and `relu6` should reach the floor below, which is a little under what logistic regression reaches on the same pixels and labels.
# `neck` and `bare` are exempt: what they lose is the question.

# %% tags=["results"]
random, runs = compare(layer, list(ACTS)), compare(run, ARMS)
print(f"random layers, 5 seeds\n{random.table()}\n\n"
      f"trained networks, 5 seeds\n{runs.table()}")
FLOOR = 0.95        # logistic regression: 0.955, mean of seeds 1000 to 1009
for arm in ("stairs", "ramp", "relu6"):
    assert runs.mean("accuracy", arm) >= FLOOR, arm

# %% tags=["results"]
silu = claim(
    "rexnet-silu",
    "In a random layer from 48 normal inputs to 96 outputs SiLU leaves a "
    "larger effective rank than ReLU6", random, metric="rank",
    unit="effective rank, as a share of the outputs", arm="SiLU",
    baseline="ReLU6", least=0.03,
    reason="it is a third of what ReLU6 gains when 24 inputs become 48, on "
           "seeds from 1000 on",
    paper="A layer is designed by analysing the rank of its output "
          "(abstract); the network's expansions end in SiLU (code).",
    picture=False)

# %% tags=["results"]
lowered = claim(
    "rexnet-lowered",
    "In a random layer from 48 normal inputs to 96 outputs ReLU6 lowered by "
    "a constant, which keeps its kinks, leaves a larger effective rank than "
    "SiLU", random, metric="rank",
    unit="effective rank, as a share of the outputs", arm="lowered",
    baseline="SiLU", least=0.03,
    reason="it is the bar of the claim that SiLU is ahead of ReLU6",
    paper="Not a claim of the paper.", picture=False)

# %% tags=["results"]
plain = claim(
    "rexnet-plain",
    "In a random layer from 48 normal inputs to 96 outputs the plain rank is "
    "the same with SiLU as with ReLU6", random, metric="plain",
    unit="rank counted by NumPy's rule", kind="exact", arm="SiLU",
    baseline="ReLU6", margin=0,
    reason="a count is a whole number",
    paper="Not a claim of the paper.", picture=False)

# %% tags=["results"]
ramped = claim(
    "rexnet-ramp",
    "After 150 steps on 700 digits a network of six inverted bottlenecks "
    "whose channels grow along a line is as accurate as one with as many "
    "parameters whose channels climb a staircase", runs, metric="accuracy",
    unit="accuracy on held-out digits", kind="equal", arm="ramp",
    baseline="stairs", bad="neck", margin=0.019,
    reason="EfficientNet-B1, the next size, gains as much on B0 on ImageNet "
           "in ReXNet's README",
    paper="At the size of EfficientNet-B0 ReXNet is ahead of it on ImageNet "
          "(README).", picture=False)

# %% tags=["figure"]
# @title Draw: all claims, in units of their bars
overview(silu, lowered, plain, ramped)

# %% tags=["details"]
# @title Every seed of every claim
for record in (silu, lowered, plain, ramped):
    draw_claim(record)

# %% [markdown]
# Now the bets.
# (d) is right about the plain rank and no help: it is 96 with every activation here that is not linear, so it cannot choose among them.
# By effective rank (a) beats (b) and (c): SiLU has <!--=rexnet-silu.mean.SiLU-->0.67<!--/--> of the channels, ReLU6 <!--=rexnet-silu.mean.ReLU6-->0.59<!--/-->.
# Smoothness is not the reason.
# Softplus, as smooth, is last with <!--=rexnet-silu.mean.softplus-->0.25<!--/-->; hard-swish has two kinks and <!--=rexnet-silu.mean.hard-swish-->0.67<!--/-->; `lowered` has all the kinks of ReLU6 and is ahead of everyone with <!--=rexnet-lowered.mean.lowered-->0.76<!--/-->.
#
# On digits ramp and staircase are equal within the margin: the ramp minus the staircase is <!--=rexnet-ramp.effect:3-->−0.002<!--/-->, interval <!--=rexnet-ramp.low:3-->−0.012<!--/--> to <!--=rexnet-ramp.high:3-->0.007<!--/-->.
# The margin is wide, more than half of the error that is left: a smaller difference may well be there.
#
# ## Why a plain rank cannot choose
#
# Channel $i$ is a function of the input, $f(w_i \cdot x)$.
# If $f$ is a square, all channels are quadratic forms, and of those only $d_{in}(d_{in}+1)/2$ are independent.
# If $f$ is no polynomial, there is no such limit.
# Take eight inputs only.

# %% tags=["results"]
z = output("linear", 1000, inputs=8)
for name, f in {"z": lambda z: z, "z squared": torch.square,
                "ReLU6": F.relu6, "SiLU": F.silu}.items():
    print(f"{name:10s} plain rank {int(torch.linalg.matrix_rank(f(z))):3d}"
          f"   effective rank {effective_rank(f(z)):5.1f}")

# %% [markdown]
# ReLU6 and SiLU reach 96 of 96; the effective rank says how little most of these directions carry.
#
# ## One direction that all channels share
#
# What does the constant do?
# The outputs of ReLU6 are never negative, and their mean is a direction that all channels share: its singular value is three times the next.
# SiLU goes below zero and has a smaller mean; softplus has the largest.
# The column `centred` above takes each channel's mean away, and there ReLU6 is ahead of SiLU.
#
# Would a network see the difference?
# Behind the expansion stand a depthwise convolution and BN, which subtracts each channel's mean.
# Away from the padded border the constant is lost there:

# %%
torch.manual_seed(0)
look = nn.Sequential(*conv_bn(8, 8, 3, groups=8))
look[0].padding = 0
z = torch.randn(64, 8, 7, 7)
gap = look(F.relu6(z)) - look(F.relu6(z) - MEAN)
print("ReLU6 and lowered give the same:", gap.abs().max().item() < 1e-5)

# %% [markdown]
# Two layers that are far apart in effective rank hand on the same there.
# By itself the measure cannot say which network is better.
#
# ## How much the expansion does
#
# The same 96 outputs from fewer inputs; then an expansion of six with as many weights as 48 to 96 has, to 2 %, and with as many inputs.

# %% tags=["results"]
few = ("linear", "ReLU6", "SiLU", "lowered")
print("effective rank" + "".join(f"{a:>9s}" for a in few)
      + "   SiLU - ReLU6, share")
for i, o in ((96, 96), (48, 96), (24, 96), (16, 96), (8, 96), (28, 168),
             (48, 288)):
    got = compare(lambda arm, seed: {"rank": effective_rank(
        output(arm, seed, inputs=i, outputs=o))}, few)
    mean = {arm: got.mean("rank", arm) for arm in few}
    print(f"{i:5d} to {o:3d} ", *(f"{v:8.1f}" for v in mean.values()),
          f"{(mean['SiLU'] - mean['ReLU6']) / o:14.3f}")

# %% [markdown]
# Of the same 96 outputs, a small expansion raises the rank in every column.
# Part of that is true by construction: without an activation the rank cannot exceed the inputs, and the first column shows how far that goes.
# Nor is the comparison at equal cost, because more inputs are more weights.
# With as many weights, from 28 to 168, the *share* of the outputs falls; with an activation the *number* of directions rises.
#
# The lead of SiLU depends on the expansion, too.
# It is widest without one.
# At six, ReXNet's own, a quarter of the lead at two is left with 96 outputs and half of it with 288; from 8 inputs ReLU6 is ahead.

# %% tags=["figure"]
# @title Draw, and choose: singular values of one random layer
def curve(arm, inputs, centred=False):
    """Singular values of a layer, the largest is 1."""
    y = output(arm, 1000, inputs=inputs)
    y = y - y.mean(1, keepdim=True) if centred else y
    s = torch.linalg.svdvals(y)
    return s / s[0]


def rows_of(arm, inputs):
    got, s = layer(arm, 1000, inputs=inputs), curve(arm, inputs)
    shares = {"plain rank": got["plain"] / 96, "effective rank": got["rank"],
              "effective rank, centred": got["centred"],
              "the largest direction": (1 / (s ** 2).sum()).item()}
    return [[name, "█" * round(20 * v) + f" {v:.2f}"]
            for name, v in shares.items()]

widths = {"2": 48, "1": 96, "4": 24, "6": 16, "12": 8}
names = ["ReLU6", "SiLU", "hard-swish", "softplus", "lowered", "linear"]
fig, axes = subplots(1, 2, width=7.4, height=2.9, sharey=True)
for ax, centred in zip(axes, (False, True)):
    for name, colour in (("ReLU6", "rival"), ("SiLU", "method"),
                         ("softplus", "other")):
        ax.semilogy(range(1, 97), curve(name, 48, centred),
                    color=palette[colour], label=name)
    ax.set(xlabel="singular value, by size",
           title="without each mean" if centred else "as they are")
axes[0].set(ylabel="share of the largest")
axes[0].legend()
choose([("activation", names), ("expansion", list(widths))],
       {(a, e): rows_of(name, inputs) for a, name in enumerate(names)
        for e, inputs in enumerate(widths.values())},
       columns=["of 96 outputs", "share"],
       title="Choose an activation and an expansion, and see what is left",
       alt="Two panels of singular values by size for ReLU6, SiLU and "
           "softplus. As they are, softplus falls most after the first "
           "value and SiLU least; without each channel's mean, ReLU6 lies "
           "highest and softplus lowest.", fallback_fig=fig)

# %% [markdown]
# The row of the largest direction is its share of the sum of squares.
#
# ## What the trained networks say
#
# For the ranks of the trained networks we made no claim.
# `stairs` has less effective rank than `ramp` in the table above, at twice the learning rate.
# Here it is on one seed at the rate of `ramp`, too.

# %% tags=["results"]
seed = runs.seeds[0]
rows = {f"{arm:6s} {rate}": {m: runs[m][arm][0] for m in runs.values}
        for arm, rate in (("ramp", 0.008), ("stairs", 0.016))}
rows["stairs 0.008"] = run("stairs", seed, lr=8e-3)
print("seed", seed, "rate    accuracy       rank    centred")
for name, row in rows.items():
    print(name, *(f"{v:10.3f}" for v in row.values()))

# %% [markdown]
# - At one rate most of the gap to the ramp is gone here, and all of it in the mean of seeds 1000 to 1004, at each of two rates (see *Tries*).
# - `ramp` and `relu6`, at one rate, are level in effective rank and in accuracy; from 8 inputs to 24 at an expansion of six, as here, the lead of SiLU was small before any training. Without each mean ReLU6 is ahead, as it was.
# - `neck` and `bare`, which read worst, have the lowest ranks, at higher rates than the ramp's; `bare` has the lowest of all and reads better than `neck`.
#
# So the rate moved the measure where accuracy stayed; the plan and the activation moved neither by much.
# Whether a network with little rank reads worse because of that, no arm tells.
#
# The partial shortcut is the other ingredient: `bare` is at <!--=rexnet-ramp.mean.bare:3-->0.960<!--/--> where `ramp` is at <!--=rexnet-ramp.mean.ramp:3-->0.967<!--/-->, five seeds and no claim; one of its four lost shortcuts is an ordinary one.
#
# ## Break it
#
# None of these mistakes stops the page; a test sees each.
#
# <details><summary>Fourteen mistakes</summary>
#
# - **Rounded before adding**: the rounded number goes on, and the line becomes flatter.
# - **Half goes up**: 39 and 129 where Python has 38 and 128.
# - **One gap less**: the last block gets all of `growth`.
# - **First block thinned**: widths below 1 start from fewer channels.
# - **Centred by sample**: each sample loses its mean, not each channel.
# - **Powers of powers**: the formula is used on squared singular values.
# - **Shortcut to the last channels**: the new channels come first.
# - **Only equal shapes**: the ramp loses every partial shortcut.
# - **Activation behind the sum**: SiLU once more, behind the shortcut.
# - **SiLU at the wrong place**: behind the depthwise convolution, and ReLU6 behind the expansion.
# - **Gate behind ReLU6**: the two in the other order.
# - **Projection with an activation**: a ReLU6 behind the last BN.
# - **Stride in the expansion**: pixels go before anybody has looked at them.
# - **Bias kept**: BN takes it away again, and the count is off.
#
# </details>
#
# Run the first: with eleven a block instead of eleven and a quarter, where does the line end?

# %%
plan = [16]
for _ in range(15):
    plan.append(round(plan[-1] + 180 / 16))
print(plan[-1], "channels behind the last block, not", ramp()[-1])
with torch.device("meta"):
    print(f"{parameters(official(plan)):,d} parameters, not "
          f"{parameters(official(ramp())):,d}")

# %% [markdown]
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | images | ImageNet's photographs, 224 pixels | 700 digits, 8 pixels |
# | network | 16 blocks, gates in 13 of them | 6 blocks, no gate |
# | how the plan was found | a search within a budget, then a rule | the rule alone, and one staircase |
# | top-1, EfficientNet-B0 and ReXNet at width 1 | <!--=published.rexnet_imagenet_efficientnet_b0-->77.3<!--/--> %, <!--=published.rexnet_imagenet_1_0-->77.9<!--/--> % | not measured |
# | top-1, EfficientNet-B3 and ReXNet at width 2 | <!--=published.rexnet_imagenet_efficientnet_b3-->81.7<!--/--> %, <!--=published.rexnet_imagenet_2_0-->81.6<!--/--> % | not measured |
#
# The numbers are the official README's, and its two networks of a row differ in more than their plans: in kernels, gates, activations and shortcuts, and B3's images are larger.
# The README's gain at width 1, <!--=published.rexnet_imagenet_gain_1_0-->0.6<!--/--> points, is less than this page's interval is wide: our digits cannot show or refute it.
# Nor did we search over plans; one ramp and one staircase stand for many.
#
# <details><summary>Tries</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | 300 digits in place of 700 | seeds from 1000 on | ramp and staircase level, with twice the spread from seed to seed |
# | four learning rates for every arm | seeds from 1000 on | accuracy of ramp and staircase moves by less than a point, their effective rank by two fifths |
# | ramp and staircase at one rate; and at half the lowest | seeds 1000 to 1004, after the claims | at each of two rates their effective ranks are level, to half a hundredth; at half the lowest both lose accuracy, less than a point |
# | effective rank by entropy, or of squared singular values | seeds from 1000 on | both orders of the first two claims stay; by entropy the first is small |
# | other activations: GELU, ELU, leaky ReLU, tanh | seeds from 1000 on | GELU is near SiLU; no rule by smoothness |
# | the experiment above | seeds 0 to 4, once | the four verdicts above |
#
# </details>
#
# ## In the lab
#
# EfficientNet, with which ReXNet is compared, has inverted bottlenecks, too; [chapter 3](../../chapters/3-machine-learning.md) says what the article makes of it.
# [PfLayer](pflayer.ipynb) keeps the plan of a network and takes the weights out of its depthwise part; ReXNet keeps the part and changes the plan.
# [ReLabel](relabel.ipynb) leaves the network alone and changes its labels, and its README has ReXNet in the table.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# A random layer from 12 inputs to 96 outputs squares what enters, $f(z) = z^2$.
# What is the plain rank of its output for a thousand samples, and what is it with $f(z) = z^2 + z$?

# %% tags=["exercise"]
ranks = (..., ...)

# %% tags=["check"]
# @title Check of exercise 1
def judge_ranks(value):
    square, both = value
    assert not near(square, 96, rel=0), (
        "A square is a polynomial: count the products of two inputs.")
    assert not near(square, 144, rel=0), (
        "x1 x2 and x2 x1 are the same product.")
    assert near(square, 78, rel=0), (
        "12 squares, and one product for each pair of inputs.")
    assert near(both, 90, rel=0), (
        "The inputs themselves come to the quadratic forms; there are 96 "
        "outputs, enough for all.")

check("rexnet-1", ranks, judge_ranks, asks="a pair of whole numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
ranks = (12 * 13 // 2, 12 * 13 // 2 + 12)
check("rexnet-1", ranks, judge_ranks)

# %% [markdown]
# **2. Change and predict.**
# In how many of ReXNet's 16 blocks is the input added to the output, with the partial shortcut and with one that asks for equal shapes?
# The stem has 32 channels, and blocks 2, 4, 6 and 12, counted from 1, have stride 2.

# %% tags=["exercise"]
shortcuts = (..., ...)

# %% tags=["check"]
# @title Check of exercise 2
def judge_shortcuts(value):
    partial, equal = value
    assert not near(partial, 12, rel=0), (
        "Behind the stem the first block has fewer channels than before.")
    assert near(partial, 11, rel=0), (
        "Stride 1, and no fewer channels out than in.")
    assert near(equal, 0, rel=0), "Which two neighbours in the list agree?"

check("rexnet-2", shortcuts, judge_shortcuts,
      asks="a pair of whole numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
# 16 blocks without the first and the four that shrink the map; on a ramp
# no two neighbours are equal.
shortcuts = (16 - 1 - 4, 0)
check("rexnet-2", shortcuts, judge_shortcuts)

# %% [markdown]
# **3. Refute the claim.**
# "An activation with a larger effective rank than SiLU keeps more of its input."
# Give a function of a tensor $z$ whose effective rank is above SiLU's in the layer from 48 to 96, and which maps more than half of all $z$ to one single value.

# %% tags=["exercise"]
def blunt(z):
    ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_blunt(f):
    for seed in (1007, 1008):
        z = output("linear", seed)
        y = torch.as_tensor(f(z.clone()))
        assert y.shape == z.shape and y.isfinite().all(), (
            "It gives a tensor of the shape of z, of finite numbers.")
        assert torch.allclose(y[:, :9], torch.as_tensor(
            f(z[:, :9].clone())), atol=1e-6), "It looks at more than one z."
        flat = y.flatten().mode().values
        share = ((y - flat).abs() < 1e-9).double().mean()
        assert share > 0.5, (
            f"Its commonest value is given to {share:.3f} of all z; that is "
            "not more than half.")
        assert effective_rank(y) > effective_rank(F.silu(z)), (
            "Its effective rank is below SiLU's: what do all channels "
            "still share?")

check("rexnet-3", blunt, judge_blunt, asks="a function of a tensor z")

# %% tags=["solution"]
# @title Solution of exercise 3
def blunt(z):
    # A little more than half of all z become one number; what is taken
    # away is near the mean, as in `lowered`.
    return F.relu(z - 0.05) - 0.37

check("rexnet-3", blunt, judge_blunt)

# %% [markdown]
# **4. Find the bug.**
# This shortcut runs, and a network with it trains.
# Set `mended` to a function of `(x, y)` that adds a block's input `x` to the output of its branch `y`, as ReXNet does.

# %% tags=["exercise", "bug"]
def add_input(x, y):
    """x: (N, c_in, H, W).  y: (N, c_out, H, W), c_out >= c_in."""
    copies = -(-y.shape[1] // x.shape[1])
    return y + x.repeat(1, copies, 1, 1)[:, :y.shape[1]]

mended = add_input

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    for seed, c_in, c_out in ((0, 3, 5), (1, 4, 4), (2, 2, 7)):
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(2, c_in, 3, 3, generator=g)
        y = torch.randn(2, c_out, 3, 3, generator=g)
        got = function(x.clone(), y.clone())
        assert got.shape == y.shape, (
            f"The branch gives {tuple(y.shape)}, you {tuple(got.shape)}.")
        first = torch.allclose(got[:, :c_in], y[:, :c_in] + x, atol=1e-5)
        assert first, "The first channels are not the sum of the two."
        assert torch.allclose(got[:, c_in:], y[:, c_in:], atol=1e-5), (
            "The new channels get something, too; who gives it to them?")

check("rexnet-4", mended, judge_mended, asks="a function of (x, y)")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended(x, y):
    y = y.clone()
    y[:, :x.shape[1]] += x
    return y

check("rexnet-4", mended, judge_mended)
