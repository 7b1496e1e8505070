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
# # PfLayer: a layer with nothing to learn
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/pflayer.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | D. Han, Y. Yoo, B. Kim, B. Heo, [*Learning Features with Parameter-Free Layers*](https://arxiv.org/abs/2202.02777), ICLR 2022 |
# | Official code | [naver-ai/PfLayer](https://github.com/naver-ai/PfLayer), `resnet_pf.py` and `vit_pf.py`, read at commit `008a096` |
# | In the article | not there; in the news on ICLR 2022, another of [the book's sources](../../chapters/source-notes.md) |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); what a residual block is |
# | Data | scikit-learn's handwritten digits, real, 8 by 8 pixels |
# | Rule read in | official code |
# | Time | under a minute |
#
# **요약.**
# PfLayer는 블록 가운데의 3×3 합성곱을 파라미터가 하나도 없는 최댓값 풀링으로 바꿉니다.
# 이 장은 작은 ResNet에 일곱 가지 블록을 끼우고, 손글씨 숫자의 정확도를 시드 여덟 개 또는 다섯 개로 측정합니다.
# 최댓값 풀링은 깊이별 합성곱과 거의 같은 정확도를 냅니다.
# 첫 층까지 1×1로 바꾸면 정확도가 크게 떨어지는데, 방향을 모르게 되는 것은 그 원인의 일부일 뿐입니다.
# 작은 그림과 짧은 학습으로 얻은 결과이므로, 사진에서의 정확도나 GPU에서의 속도는 말해 주지 못합니다.
#
# **In short.**
# Can a maximum over neighbours, which learns nothing, stand in for a learned convolution inside a block?
# On real digits it differs from a depthwise convolution by <!--=pflayer-depthwise.effect:3-->−0.002<!--/--> in accuracy and beats a block that looks at no neighbour by <!--=pflayer-none.effect-->0.10<!--/-->, but behind a 1×1 stem depthwise is ahead of it by <!--=pflayer-stem.effect-->0.26<!--/-->.
# Speed, for which the authors made it, and photographs are not measured here.

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
from torch.nn.utils.parametrize import register_parametrization

from lab1784 import (check, claim, compare, data, draw_claim, image_grid,
                     known, near, overview, palette, show)
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## Ink that spreads by itself
#
# Here is a digit of 8 by 8 pixels on a black ground.
# Replace each pixel by the largest value in the window of 3 by 3 around it, and again, and again.
# Each time the ink spreads by one pixel, and nobody has learned how.

# %% tags=["figure"]
# @title Draw: a digit, pooled three times
digit = data.digits(1000).test_images[2:3]
spread = [F.pad(digit, (3, 3, 3, 3))]
for _ in range(3):
    spread.append(F.max_pool2d(spread[-1], 3, stride=1, padding=1))
image_grid(torch.cat(spread), columns=4, size=1.4,
           titles=["as written", "pooled once", "twice", "three times"],
           alt="A handwritten digit and three versions of it: with each "
               "pooling its strokes grow by a pixel on every side, until "
               "the shape is gone.")

# %% [markdown]
# A convolutional network has two jobs: to mix channels and to look at neighbours.
# In ResNet-50 the second is done by 3×3 convolutions, which mix channels once more; 1×1 ones do nothing but the first.
# Only a **depthwise** convolution (깊이별 합성곱), one window for each channel, looks at neighbours and does nothing else: it is the rival of this page.
# The second job is dear: without the 3×3 convolutions in its blocks ResNet-50 has <!--=published.pflayer_params_r50_max-->14.2<!--/--> million parameters, with them <!--=published.pflayer_params_r50-->25.6<!--/--> million.
# **PfLayer** (파라미터 없는 층) gives it to the operation that you have just seen.
# Alone it destroys the shape.
# Between two learned 1×1 layers, and with the shortcut beside it, it tells each pixel what its neighbours have.

# %% [markdown]
# ## The idea: pool where a block looks at its neighbours
#
# A **bottleneck** (병목 블록) squeezes a map $x$ to $w$ channels, looks at neighbours there, and widens to $4w$:
#
# $$y = \mathrm{ReLU}\big(x + W_2\, S(\mathrm{ReLU}(W_1 x))\big), \qquad S(h)_{c,i,j} = \max_{|a| \le 1,\, |b| \le 1} h_{c,\,i+a,\,j+b}$$
#
# $W_1$ and $W_2$ are 1×1 convolutions, each with its batch normalisation (BN), which the equation leaves out.
# In ResNet $S$ is a learned 3×3 convolution with BN and ReLU of its own.
# Here $S$ is **max-pooling** (최댓값 풀링), and nothing follows it: the maximum is already nonlinear.
#
# The parameters that go can be counted by hand.
# A convolution from $w$ channels to $w$ has $9 w^2$ weights, its BN $2 w$; a depthwise one $9 w$ and $2 w$:
#
# $$\text{conv} - \text{max} = 9 w^2 + 2 w, \qquad \text{depthwise} - \text{max} = 11 w$$

# %% [markdown]
# ## The technique
#
# First what every convolution of the page comes with: BN behind it, no bias, and a margin of zeros that keeps the size of the map.

# %% tags=["technique"]
def conv_bn(c_in, c_out, kernel=1, stride=1, groups=1):
    """A convolution and its BN: (N, c_in, H, W) -> (N, c_out, H', W').

    H' is H / stride, rounded up; kernel is odd.  Returns two layers.
    """
    conv = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2,
                     groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]

# %% [markdown]
# Then the middle of the block, in every version that this page compares.
# Every learned middle has BN and ReLU behind it.
# `max` is the authors' `MaxBottleneck` and `hybrid` their `EffBottleneck`: where the map shrinks, a mean over 2 by 2 pixels, which does the shrinking, and then a learned convolution of stride 1; elsewhere the maximum.
# `kept` is `max` with BN and ReLU left behind it, as a careless replacement would do.
# `none` never looks at a neighbour: where the map shrinks, it drops pixels.
# In `avg` a window at the border is averaged over the pixels that it has.
# The function below returns the layers of the middle as a list.

# %% tags=["technique"]
LAYERS = ("conv", "depthwise", "max", "avg", "none", "kept", "hybrid")


def spatial(layer, width, stride, window=3):
    """The list of layers in the middle of a block.

    Together: (N, width, H, W) -> (N, width, H', W'), H' = H / stride,
    rounded up.  layer: one of LAYERS.  window: odd side, in cells.
    Raises ValueError for another name.
    Source: resnet_pf.py of the official code (conv, max, hybrid).
    """
    known(layer, LAYERS, "layer")
    if layer == "hybrid" and stride == 2:
        return [nn.AvgPool2d(stride), *conv_bn(width, width, window),
                nn.ReLU()]
    if layer in ("conv", "depthwise"):
        groups = width if layer == "depthwise" else 1
        return [*conv_bn(width, width, window, stride, groups), nn.ReLU()]
    if layer == "none":
        return [nn.MaxPool2d(1, stride)]       # a window of one: itself
    if layer == "avg":
        return [nn.AvgPool2d(window, stride, window // 2,
                             count_include_pad=False)]
    after = [nn.BatchNorm2d(width), nn.ReLU()] if layer == "kept" else []
    return [nn.MaxPool2d(window, stride, window // 2), *after]

# %% [markdown]
# Last the block around it.
# The stride sits in $S$, not in the squeeze.
# Where the shape changes, the shortcut has a 1×1 convolution with the same stride, and BN.

# %% tags=["technique"]
class Bottleneck(nn.Module):
    """(N, c_in, H, W) -> (N, 4 width, H', W'), H' = H / stride rounded up.

    layer, window: see spatial.  Source: resnet_pf.py of the official code.
    """

    def __init__(self, layer, c_in, width, stride=1, window=3):
        super().__init__()
        c_out = 4 * width
        self.branch = nn.Sequential(
            *conv_bn(c_in, width), nn.ReLU(),              # squeeze
            *spatial(layer, width, stride, window),        # look around
            *conv_bn(width, c_out))                        # widen, no ReLU
        self.shortcut = nn.Sequential()                    # x as it is
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(
                *conv_bn(c_in, c_out, stride=stride))

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x))

# %% [markdown]
# Do the sizes agree with the authors'?
# Stack the blocks as ResNet does: a **stem** (첫 층), stages of which all but the first halve the map and double the width, an average over the map, and a linear layer.
# In the size of ResNet-50 the parameters can be counted without computing anything, on tensors that have a shape and no content.

# %% tags=["experiment"]
def make_net(layer, stem=3, blocks=(1, 2), width=8, window=3, channels=1,
             classes=10):
    """A ResNet of bottlenecks: (N, channels, H, W) -> (N, classes).

    stem: kernel of the first convolution.  blocks: how many in each stage.
    """
    parts, c_in = [*conv_bn(channels, width, stem), nn.ReLU()], width
    for stage, count in enumerate(blocks):
        for k in range(count):
            stride = 2 if stage > 0 and k == 0 else 1
            parts.append(Bottleneck(layer, c_in, width, stride, window))
            c_in = 4 * width
        width *= 2
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(c_in, classes))


def parameters(net):
    return sum(p.numel() for p in net.parameters())

# %% tags=["results"]
print("parameters   this page    ResNet-50's size")
for layer in LAYERS:
    with torch.device("meta"):
        big = make_net(layer, 7, (3, 4, 6, 3), 64, channels=3, classes=1000)
    print(f"{layer:10s} {parameters(make_net(layer)):11,d} "
          f"{parameters(big):19,d}")

# %% [markdown]
# The README gives <!--=published.pflayer_params_r50-->25.6<!--/--> million for ResNet-50, <!--=published.pflayer_params_r50_max-->14.2<!--/--> for R50-max and <!--=published.pflayer_params_r50_hybrid-->17.3<!--/--> for R50-hybrid, and so do these lines.
# The count cannot see strides or pools.
# `max`, `avg` and `none` have the same parameters to the last one: what separates them is not capacity.

# %% [markdown]
# ## Predict
#
# Small networks of one shape learn 700 digits and are asked about a thousand others.
# Only the middle of their blocks differs.
# Bet before you read on.
#
# - (a) `max` is near `none`: what cannot learn cannot help.
# - (b) `max` is near `depthwise`: that neighbours are looked at matters more than how.
# - (c) `hybrid` lies between `max` and `conv`, as its parameters do.
#
# And if the stem, too, is 1×1, so that nothing before the blocks looks at a neighbour: does `max` lose more than `depthwise`, or as much?

# %% [markdown]
# ## The experiment
#
# The measure is accuracy on held-out digits, higher is better.
# All arms see the same batches; `max`, `avg` and `none` even start from the same numbers.
# Names that end in 1 have a 1×1 stem.

# %% tags=["experiment"]
ARMS = {**{layer: (layer, 3) for layer in LAYERS},
        "max1": ("max", 1), "depthwise1": ("depthwise", 1)}
RATE = {"depthwise": 32e-3, "max": 32e-3, "kept": 32e-3, "max1": 32e-3}


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
def accuracy(net, x, y):
    """Share of images that are named rightly; BN uses what it stored."""
    return (net.eval()(x).argmax(1) == y).float().mean().item()


def run(arm, seed, strength=1, steps=200, lr=None):
    known(arm, ARMS, "arm")
    layer, stem = ARMS[arm]
    x, y, test_x, test_y = data.digits(seed, labels=700, test=1000)
    torch.manual_seed(seed)
    net = make_net(layer, stem, window=1 + 2 * strength)
    net.to(memory_format=torch.channels_last)         # faster on a CPU
    train(net, x, y, seed, steps, lr or RATE.get(arm, 16e-3))
    return {"accuracy": accuracy(net, test_x, test_y)}

# %% [markdown]
# The learning rate is searched for each arm over 8, 16, 32 and 64 thousandths, on ten seeds from 1000 on (six for the 1×1 stems).
# Each arm takes the best of four rates; ties go to a middle one.
# Here are the two middle rates on the first of these seeds, and each arm's own rate for three times as many steps, for `none` might only be slow.

# %% tags=["results"]
print("seed 1000   16e-3   32e-3   its own, 600 steps")
for arm in ("max", "none"):
    print(f"{arm:10s}", *(f"{run(arm, 1000, lr=r)['accuracy']:7.3f}"
                          for r in (16e-3, 32e-3)),
          f"{run(arm, 1000, steps=600)['accuracy']:13.3f}")

# %% [markdown]
# `none` gains more by the longer training, so it was partly slow; it stays behind.

# %% [markdown]
# ## The claims
#
# Statement, rival and bar were written down before any of the seeds below was run.
# Two of the bars are the authors' own numbers: R50-max loses <!--=published.pflayer_loss_r50_max-->1.9<!--/--> points of ImageNet accuracy to ResNet-50, and R50-hybrid gains <!--=published.pflayer_gain_r50_hybrid-->0.9<!--/-->.
# The first is borrowed from another pair, `max` against the dense `conv`, and is wide: it is more than half of the error that is left here.
#
# **Which network learned?**
# Every arm that looks at neighbours in its blocks and has a 3×3 stem should reach the floor below, which is a little under what logistic regression reaches on the same pixels.
# `none` and the 1×1 stems are exempt: what they cannot see is the question.

# %% tags=["results"]
runs = compare(run, ["none", "depthwise", "max", "conv", "hybrid"],
               seeds=range(8))
beside = compare(run, ["avg", "kept", "max1", "depthwise1"])
for group in (runs, beside):
    print(f"{len(group.seeds)} seeds\n{group.table()}")
FLOOR = 0.93        # logistic regression: 0.955, mean of seeds 1000 to 1009
for arm in ("depthwise", "max", "conv", "hybrid"):
    assert runs.mean("accuracy", arm) >= FLOOR, arm
for arm in ("avg", "kept"):
    assert beside.mean("accuracy", arm) >= FLOOR, arm

# %% tags=["results"]
depthwise = claim(
    "pflayer-depthwise",
    "Behind a 3×3 stem, a small ResNet whose blocks take the maximum over a "
    "window is as accurate on digits as one whose blocks learn a depthwise "
    "convolution, which has more parameters", runs, metric="accuracy",
    unit="accuracy on held-out digits", kind="equal", arm="max",
    baseline="depthwise", bad="none", margin=0.019,
    reason="R50-max loses as much to ResNet-50 on ImageNet in the authors' "
           "README",
    paper="Depthwise convolution is replaceable with a parameter-free "
          "operation (README, Analyses 1).", picture=False)

# %% tags=["results"]
none = claim(
    "pflayer-none",
    "Behind a 3×3 stem and with as many parameters, a small ResNet whose "
    "blocks take the maximum over a window is more accurate on digits than "
    "one whose blocks never look at a neighbour", runs, metric="accuracy",
    unit="accuracy on held-out digits", arm="max", baseline="none",
    least=0.06,
    reason="it is half of what learned depthwise convolutions gain over no "
           "spatial operation on seeds from 1000 on",
    paper="A max-pool can be the spatial operation of a building block "
          "(abstract).", picture=False)

# %% tags=["results"]
hybrid = claim(
    "pflayer-hybrid",
    "A small ResNet that learns 3×3 convolutions only where the map shrinks, "
    "and takes maxima elsewhere, is no less accurate on digits than one that "
    "learns them in every block", runs, metric="accuracy",
    unit="accuracy on held-out digits", kind="no_worse", arm="hybrid",
    baseline="conv", bad="none", margin=0.009,
    reason="R50-hybrid gains as much on ResNet-50 on ImageNet in the "
           "authors' README, and a loss of that size would reverse it",
    paper="R50-hybrid is more accurate than ResNet-50 with fewer parameters "
          "(README).", picture=False)

# %% tags=["results"]
stem = claim(
    "pflayer-stem",
    "Behind a 1×1 stem, a small ResNet whose blocks learn a depthwise "
    "convolution is more accurate on digits than one whose blocks take the "
    "maximum over a window", beside, metric="accuracy",
    unit="accuracy on held-out digits", arm="depthwise1", baseline="max1",
    least=0.076,
    reason="it is four times the distance within which the two count as "
           "equal behind a 3×3 stem",
    paper="Not a claim of the paper; all its networks keep a learned stem.",
    picture=False)

# %% [markdown]
# All arms with a 3×3 stem, a dot a seed; `avg` and `max`, which have the same size, are drawn a little to the left and right of `none`.
# Then the four claims, each in units of its bar.

# %% tags=["figure"]
# @title Draw: accuracy against parameters, every seed
fig, ax = subplots(width=7.4, height=3.6)
places = {"none": ("plain", "left"), "avg": ("sixth", "left"),
          "max": ("method", "above"), "kept": ("fifth", "below"),
          "depthwise": ("rival", "right"), "hybrid": ("method", "right"),
          "conv": ("other", "right")}
for arm, (colour, where) in places.items():
    values = (runs if arm in runs["accuracy"] else beside)["accuracy"][arm]
    size = parameters(make_net(arm)) + {"avg": -60, "max": 60}.get(arm, 0)
    ax.plot([size] * len(values), values, "o", ms=4, alpha=0.7,
            color=palette[colour])
    at, (dx, dy), side = {
        "left": (sum(values) / len(values), (-7, -4), "right"),
        "right": (sum(values) / len(values), (7, -4), "left"),
        "above": (max(values), (0, 6), "center"),
        "below": (min(values), (4, -12), "center")}[where]
    ax.annotate(arm, (size, at), xytext=(dx, dy), ha=side,
                textcoords="offset points", color=palette[colour])
ax.margins(y=0.12)
ax.set(xlim=(6900, 13_600), xlabel="parameters of the network",
       ylabel="accuracy, held-out digits",
       title="Behind a 3×3 stem, looking at neighbours matters more\n"
             "than learning how")
show(fig, "Accuracy against parameters, a dot a seed: none far below all "
          "others; avg, max and kept above it at nearly the same number of "
          "parameters; depthwise beside them; hybrid and conv far to the "
          "right and only slightly higher.")

# %% tags=["figure"]
# @title Draw: all claims, in units of their bars
overview(depthwise, none, hybrid, stem)

# %% tags=["details"]
# @title Every seed of every claim
for record in (depthwise, none, hybrid, stem):
    draw_claim(record)

# %% [markdown]
# Now the bets.
# (a) is wrong: `max` beats `none` by <!--=pflayer-none.effect-->0.10<!--/-->, with no parameter more.
# (b) is right in this miniature: `max` minus `depthwise` is <!--=pflayer-depthwise.effect:3-->−0.002<!--/-->, interval <!--=pflayer-depthwise.low:3-->−0.009<!--/--> to <!--=pflayer-depthwise.high:3-->0.004<!--/-->.
# (c) is wrong: `hybrid` is above `conv`, <!--=pflayer-hybrid.mean.hybrid:3-->0.981<!--/--> against <!--=pflayer-hybrid.mean.conv:3-->0.974<!--/-->, with fewer parameters.
# They differ in two things, the maximum where the map keeps its size and the mean that shrinks it, and we have not told these apart.
#
# And the stem?
# From 3×3 to 1×1 `depthwise` goes from <!--=pflayer-depthwise.mean.depthwise-->0.97<!--/--> to <!--=pflayer-stem.mean.depthwise1-->0.95<!--/-->, `max` from <!--=pflayer-depthwise.mean.max-->0.97<!--/--> to <!--=pflayer-stem.mean.max1-->0.69<!--/-->.
#
# The maximum itself is not the point.
# `avg`, which is linear and learns nothing either, is ahead of `max` on each of the five seeds that they share, and was level with it on seeds from 1000 on; no claim was made about it.

# %% [markdown]
# ## What a maximum cannot see
#
# Why does a 1×1 stem cost `max` so much?
# The largest of nine values is the same wherever it stands.
# So a block with a maximum of stride 1 gives the mirrored map for the mirrored image, whatever its weights are, and the average at the end forgets the place.
# Without strides such a network cannot tell a digit from its mirror image.
# That is one handicap of `max1`, not the whole: a maximum also cannot *weigh* a pixel against its neighbour, and behind a 1×1 stem nothing has.
#
# To tell the two apart, take a 3×3 stem and replace each of its windows by the mean of its eight positions, turned and mirrored.
# This **symmetric stem** weighs neighbours, and is as blind to direction as a 1×1 one.

# %% tags=["experiment"]
def eight(x):
    """The turns of x and of its mirror image: 8 tensors (N, C, S, S)."""
    return [y.rot90(k, (2, 3)) for y in (x, x.flip(3)) for k in range(4)]


class Symmetric(nn.Module):
    """Windows (N, C, S, S) -> the mean of their eight positions."""

    def forward(self, weight):
        return torch.stack(eight(weight)).mean(0)


def symmetric(net):
    """net, with a stem that is symmetric and stays so while it learns."""
    register_parametrization(net[0], "weight", Symmetric())
    return net


def moves(net):
    """Largest change of an answer over the eight positions of a digit.

    In units of the answer's spread over 200 digits.  net: in float64.
    """
    x = data.digits(1000).test_images[:200].double()
    with torch.no_grad():
        answers = torch.stack([net(y) for y in eight(x)])  # (8, N, classes)
    spread = answers[0].std(0).mean()
    return ((answers - answers[0]).abs().max() / spread).item()

# %% tags=["figure"]
# @title Draw: one digit, turned and mirrored
image_grid(torch.cat(eight(digit)), columns=8, size=0.85,
           alt="A handwritten digit in eight positions: four turns, and the "
               "four turns of its mirror image.")

# %% [markdown]
# First untrained networks without strides: by how much do their answers move over these eight positions, in units of what they differ from digit to digit?

# %% tags=["results"]
print("stem           1×1  symmetric     3×3")
for layer in ("max", "avg", "depthwise"):
    moved = []
    for side, change in ((1, nn.Sequential), (3, symmetric),
                         (3, nn.Sequential)):
        torch.manual_seed(1000)
        net = change(make_net(layer, side, blocks=(3,)))
        moved.append(moves(net.double().eval()))
    print("{:10s}{:8.0e}{:11.0e}{:8.0e}".format(layer, *moved))

# %% [markdown]
# `max` and `avg` do not move behind the first two stems, up to rounding.
# Now `max` learns with each stem, as in the experiment, on three of the development seeds; no claim is made.

# %% tags=["results"]
def learn(make, seed):
    """Accuracy of a network that learns as arm `max` does."""
    x, y, test_x, test_y = data.digits(seed, labels=700, test=1000)
    torch.manual_seed(seed)
    net = make().to(memory_format=torch.channels_last)
    train(net, x, y, seed, 200, RATE["max"])
    return accuracy(net, test_x, test_y)


print("stem         mean   seeds 1000, 1001, 1002")
for name, make in (("1×1", lambda: make_net("max", 1)),
                   ("symmetric", lambda: symmetric(make_net("max"))),
                   ("3×3", lambda: make_net("max"))):
    each = [learn(make, seed) for seed in range(1000, 1003)]
    print(f"{name:10s}{sum(each) / 3:7.3f}", *(f"{v:7.3f}" for v in each))

# %% [markdown]
# Most of the loss comes back with a stem that weighs neighbours without knowing direction; direction is worth the smaller rest.
# A stride leaks some direction to all three, because windows at every second pixel of an even map do not lie symmetrically; exercise 3 is about that.
# The authors keep a learned stem in all their networks, and their hybrid keeps a learned convolution in every block that shrinks the map.

# %% [markdown]
# ## Break it
#
# Each of these mistakes trains; a test sees each.
#
# <details><summary>Ten mistakes</summary>
#
# - **BN and ReLU kept** behind the maximum: the arm `kept`.
# - **Padded on one side**: the window begins at its pixel.
# - **Average in place of maximum**: right shape, other layer.
# - **Border counted**: `avg` divides by nine there, too.
# - **Stride in the squeeze**: pixels go before anybody has looked at them.
# - **Pool before the squeeze**: all channels are pooled.
# - **Hybrid the wrong way round**: it learns where the map keeps its size.
# - **Hybrid without its mean**: the convolution has the stride.
# - **No shortcut**: the block forgets $x$.
# - **Bias kept**: BN takes it away again.
#
# </details>
#
# Run the second.
# After three poolings in place, where has the middle of the ink gone?

# %%
def middle(x):
    """Mean (row, column) of the ink of one image, in pixels."""
    at = torch.arange(x.shape[-1], dtype=x.dtype)
    return [(x.sum(d).flatten() @ at / x.sum()).item() for d in (3, 2)]


wide = F.pad(digit, (8, 8, 8, 8))
right = wrong = wide
for _ in range(3):
    right = F.max_pool2d(right, 3, 1, 1)
    wrong = F.max_pool2d(F.pad(wrong, (0, 2, 0, 2)), 3, 1)
for name, x in (("window in the middle", right), ("on one side", wrong)):
    row, column = (b - a for a, b in zip(middle(wide), middle(x)))
    print(f"{name:20s} moved by {row:5.2f} rows, {column:5.2f} columns")

# %% [markdown]
# One pixel for each pooling, up and to the left: the branch speaks of another place than the shortcut to which it is added.
#
# And the first?
# In the table above `kept` is below `max`; it stands there on fewer seeds and without a claim.
#
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | images | ImageNet's photographs, 224 pixels | 700 digits, 8 pixels |
# | network | ResNet-50, 16 blocks; ViT and PiT | 3 blocks of a ResNet |
# | top-1, ResNet-50, max, hybrid | <!--=published.pflayer_imagenet_r50-->76.2<!--/--> %, <!--=published.pflayer_imagenet_r50_max-->74.3<!--/--> %, <!--=published.pflayer_imagenet_r50_hybrid-->77.1<!--/--> % | not measured |
# | top-5, ResNet-50, hybrid | <!--=published.pflayer_imagenet_r50_top5-->93.8<!--/--> %, <!--=published.pflayer_imagenet_r50_hybrid_top5-->93.1<!--/--> % | not measured |
# | time on a GPU, ResNet-50, max, hybrid | <!--=published.pflayer_ms_r50-->8.7<!--/-->, <!--=published.pflayer_ms_r50_max-->6.8<!--/-->, <!--=published.pflayer_ms_r50_hybrid-->7.3<!--/--> ms | not measured |
#
# The numbers are the official README's: the hybrid is ahead in top-1 accuracy and behind in top-5.
# Speed is the authors' reason: depthwise convolutions, they write, save parameters and hardly any time.
# This page does not measure it.
# What it shows is that behind a learned 3×3 stem, looking without weights is nearly enough on small images.
# Whether one such stem is enough for photographs, it cannot say; the authors' looks at 7×7 pixels.
#
# <details><summary>Tries</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | other widths and expansions, 1,000 labels, batches of 64 | seeds from 1000 on | the same order of all arms |
# | 160 steps in place of 200 | seeds from 1000 on | the same order, more spread from seed to seed |
# | 600 steps, three arms | seeds from 1000 on | all higher; `max` and `depthwise` level, `none` gains most and is still behind |
# | a symmetric stem, four rates, with and without strides | seeds from 1000 on | most of what a 1×1 stem loses comes back each time |
# | `kept` as the bad arm of the first claim | seeds from 1000 on | its loss is as large as the margin, which proves little; `none` is the bad arm |
# | the experiment above | seeds 0 to 7 and 0 to 4, once | the four verdicts above |
#
# </details>
#
# ## In the lab
#
# The same trick serves transformers: in `vit_pf.py` every second block has its attention replaced by a linear layer to three times the width, GELU, a 3×3 maximum on the grid of tokens, GELU, and a linear layer back.
# For [PiT](../../chapters/2-stack.md) with such blocks the README gives <!--=published.pflayer_imagenet_pit_s_max-->80.8<!--/--> %, where PiT's own gives <!--=published.pit_imagenet_s-->80.9<!--/--> % with attention throughout.
# ReXNet, in [chapter 3](../../chapters/3-machine-learning.md), keeps the convolutions of its inverted bottlenecks and changes how many channels each layer has.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# In the first stage of ResNet-50 a block squeezes to 64 channels.
# How many parameters does it lose when its 3×3 convolution becomes a maximum?

# %% tags=["exercise"]
lost = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_lost(value):
    assert not near(value, 9 * 64 ** 2, rel=0), (
        "The weights are right; what stood behind them goes as well.")
    assert not near(value, 9 * 64 ** 2 + 64, rel=0), (
        "BN has two parameters a channel: a scale and a shift.")
    assert not near(value, 11 * 64, rel=0), (
        "That is a depthwise convolution; here every channel sees all.")
    assert near(value, 36_992, rel=0), (
        "Weights: window times channels in times channels out; then BN.")

check("pflayer-1", lost, judge_lost, asks="a whole number")

# %% tags=["solution"]
# @title Solution of exercise 1
lost = 9 * 64 * 64 + 2 * 64
check("pflayer-1", lost, judge_lost)

# %% [markdown]
# **2. Change and predict.**
# Take windows of 5 by 5 in the blocks of this page's network and leave the 3×3 stem: one block of stride 1, then one of stride 2, then one of stride 1.
# How many pixels wide is the part of an image, were it large enough, that one cell of the last map can depend on, with `max` and with `none`?

# %% tags=["exercise"]
widths = (..., ...)

# %% tags=["check"]
# @title Check of exercise 2
def judge_widths(value):
    pooled, alone = value
    assert not near(pooled, 11, rel=0), "That is for windows of 3 by 3."
    assert not near(pooled, 15, rel=0), (
        "Behind a stride of 2, one cell to the side is two pixels.")
    assert not near(alone, 1, rel=0), "The stem looks, too."
    assert near(pooled, 19, rel=0), (
        "Start from the stem; each window adds its side less one, in cells "
        "of its own map.")
    assert near(alone, 3, rel=0), (
        "Nothing behind the stem looks at a neighbour.")

check("pflayer-2", widths, judge_widths, asks="a pair of whole numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
# The stem sees 3.  A window of 5 adds 4 cells: of one pixel in the first
# two blocks, of two pixels behind the stride.  1×1 layers add nothing.
widths = (3 + 4 + 4 + 2 * 4, 3)
check("pflayer-2", widths, judge_widths)

# %% [markdown]
# **3. Refute the claim.**
# "With a 1×1 stem, a maximum of stride 2 cannot tell left from right either."
# Give one image, a tensor of shape (1, 1, H, W), for which pooling the mirror image (window 3, stride 2, one cell of padding) and mirroring the pooled image differ.

# %% tags=["exercise"]
witness = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_witness(x):
    x = torch.as_tensor(x).double()
    assert x.dim() == 4 and x.shape[:2] == (1, 1), (
        "Give a tensor of shape (1, 1, H, W).")
    assert x.shape[3] % 2 == 0, (
        "On an odd width the windows lie symmetrically: nothing differs.")
    one = F.max_pool2d(x.flip(3), 3, 2, 1)
    other = F.max_pool2d(x, 3, 2, 1).flip(3)
    assert not torch.equal(one, other), (
        "Both are the same here; let one bright pixel lie where two windows "
        "see it and its mirror image only one.")

check("pflayer-3", witness, judge_witness, asks="a tensor (1, 1, H, W)")

# %% tags=["solution"]
# @title Solution of exercise 3
# Windows have their middles at columns 0 and 2.  Column 1 lies in both,
# its mirror image, column 2, in the second alone.
witness = torch.tensor([[[[0.0, 1.0, 0.0, 0.0]]]])
check("pflayer-3", witness, judge_witness)

# %% [markdown]
# **4. Find the bug.**
# This is the authors' layer for transformers, with a mistake: its shapes fit, and a network with it trains.
# Tokens are in the order of rows.
# Set `mended` to a function of `(x, up, down)` that is right.

# %% tags=["exercise", "bug"]
def pooled_tokens(x, up, down):
    """x: (N, side * side, D) tokens.  up, down: D -> 3 D -> D."""
    h = F.gelu(up(x))
    n, count, width = h.shape
    side = int(count ** 0.5)
    grid = h.reshape(n, width, side, side)
    grid = F.max_pool2d(grid, 3, stride=1, padding=1)
    return down(F.gelu(grid.reshape(n, count, width)))

mended = pooled_tokens

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    for seed, side in ((0, 3), (1, 4), (2, 5)):
        torch.manual_seed(seed)
        up, down = nn.Linear(2, 6), nn.Linear(6, 2)
        x = torch.randn(2, side * side, 2)
        h, best = F.gelu(up(x)), []
        for i in range(side * side):
            near_i = [j for j in range(side * side)
                      if abs(i // side - j // side) <= 1
                      and abs(i % side - j % side) <= 1]
            best.append(h[:, near_i].amax(1))
        right = down(F.gelu(torch.stack(best, 1)))
        got = function(x.clone(), up, down)
        assert got.shape == right.shape, (
            f"Tokens go in as {tuple(x.shape)} and come out as "
            f"{tuple(got.shape)}.")
        line = F.max_pool1d(h.transpose(1, 2), 3, 1, 1).transpose(1, 2)
        assert not torch.allclose(got, down(F.gelu(line)), atol=1e-5), (
            "You pool along the row of tokens; the grid has two directions.")
        assert torch.allclose(got, right, atol=1e-5), (
            "A token is compared with others than its neighbours: see "
            "which axis is the channels.")

check("pflayer-4", mended, judge_mended, asks="a function of (x, up, down)")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended(x, up, down):
    h = F.gelu(up(x)).transpose(1, 2)                # (N, 3 D, tokens)
    side = int(h.shape[2] ** 0.5)
    grid = h.unflatten(2, (side, side))
    grid = F.max_pool2d(grid, 3, stride=1, padding=1)
    return down(F.gelu(grid.flatten(2).transpose(1, 2)))

check("pflayer-4", mended, judge_mended)
