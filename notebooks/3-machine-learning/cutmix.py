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
# # CutMix: cut the head off, and the label with it
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/cutmix.ipynb)
#
# | | |
# |---|---|
# | Paper | S. Yun, D. Han, S. J. Oh, S. Chun, J. Choe, Y. Yoo, [*CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features*](https://arxiv.org/abs/1905.04899), ICCV 2019 (oral) |
# | Official code | [clovaai/CutMix-PyTorch](https://github.com/clovaai/CutMix-PyTorch), `train.py`, read at commit `2d8eb68` |
# | In the article | section 2.1, machine learning, first technique |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); a training loop in PyTorch |
# | Data | drawn objects of two parts, where the truth is known; scikit-learn's real digits at the end |
#
# **요약.**
# 강아지의 머리만 보고 배운 분류기는 머리가 가려지면 틀립니다.
# 컷믹스(CutMix)는 훈련 이미지의 한 상자를 다른 이미지로 덮고, 레이블도 덮은 넓이만큼 섞는 데이터 증강 기법입니다.
# 이 장은 머리를 가린 그림에서 정확도와 확신이 얼마나 어긋나는지를 다섯 시드로 잽니다.
# 컷믹스는 증강 없이 배운 모델보다 잘 맞히고, 강한 경쟁자인 컷아웃(Cutout)보다 확신을 덜 부풀립니다.
# 그러나 가린 그림의 정확도에서 컷아웃을 이기지는 못했고, 레이블 50개로 배운 숫자에서도 이득은 없었습니다.

# %% tags=["setup"]
# In Colab this fetches the book's helper; elsewhere it does nothing.
import importlib.util, os, subprocess, sys
if importlib.util.find_spec("lab1784") is None:
    book = "git+https://github.com/OWNER/REPO"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    os.environ.get("LAB1784_SOURCE", book)], check=True)
    importlib.invalidate_caches()
    print("Installed lab1784 only; no other package was changed.")

# %% tags=["imports"]
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import check, claim, compare, data, image_grid, palette, show
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## A classifier that looks only at the head
#
# Here are objects of four classes.
# Each has two parts side by side: a strong one, A, drawn in full contrast, and a weak one, B, drawn fainter.
# Call them the head and the tail.
# Either part tells the class, if you look for it.
# In the lower row the head is gone and nothing else has changed: same place, same tail, same noise.

# %%
whole, labels, masks = data.two_part(300, seed=1000, noise=0.375)
hidden, _, _ = data.two_part(300, seed=1000, noise=0.375, parts="B")
pick = [int((labels == k).nonzero()[0]) for k in range(4)]
image_grid(torch.cat([whole[pick], hidden[pick]]), columns=4, size=1.3,
           titles=[f"class {k}" for k in range(4)] + [""] * 4,
           labels=["whole", "head hidden"],
           alt="Four drawn objects of two neighbouring patches on a noisy "
               "ground, one of each class; below, the same four without "
               "the left, brighter patch.")

# %% [markdown]
# A small convolutional network trained on whole objects learns them almost perfectly.
# Then the head is covered, and it is asked again.
# It is right on <!--=cutmix-hidden-plain.mean.plain-->0.36<!--/--> of the covered pictures, where guessing gives one quarter.
# And it does not know that it does not know: on those pictures its confidence exceeds its accuracy by <!--=cutmix-gap.mean.plain-->0.38<!--/-->.
# The tail was always there.
# The network never needed it, so it hardly learned it.
#
# **CutMix** (컷믹스) leaves the network alone and changes what it is shown.

# %% [markdown]
# ## The idea: the label follows the pixels
#
# Take two training images $x_A, x_B$ with one-hot labels $y_A, y_B$.
# Cut a box out of $x_A$, fill it with the same box of $x_B$, and give the result a label in two colours whose split is the split of the pixels:
#
# $$\tilde{x} = M \odot x_A + (1 - M) \odot x_B, \qquad \tilde{y} = \lambda\, y_A + (1 - \lambda)\, y_B$$
#
# $M$ is a mask of zeros inside the box and ones outside it.
# The box comes from a draw $\lambda \sim \mathrm{Beta}(\beta, \beta)$, which for the paper's $\beta = 1$ is uniform:
#
# $$r_x \sim \mathrm{Unif}(0, W),\quad r_y \sim \mathrm{Unif}(0, H),\qquad r_w = W\sqrt{1 - \lambda},\quad r_h = H\sqrt{1 - \lambda}$$
#
# so that a box that lies inside the image covers the share $1 - \lambda$.
# Its position is random: CutMix does not look for an important part (see the [source notes](../../chapters/source-notes.md), E3).
#
# Two older techniques are its parents.
# **Cutout** (컷아웃) erases a box and keeps the label.
# **Mixup** (믹스업) blends whole images and blends the labels.
# CutMix erases with one hand and fills with the other.

# %% [markdown]
# ## The technique
#
# First the box.
# The paper's $(r_x, r_y)$ is the centre of the box, and the centre may lie anywhere in the image, so a box near the border loses what sticks out.
# The official code rounds twice on the way: the side is cut down to a whole number, and each half of it again, so that every side is even before clipping.

# %% tags=["technique"]
def draw_box(height, width, lam, rng):
    """A box that should cover the share 1 - lam of an image.

    height, width: of the image in pixels.  lam: float in [0, 1].
    rng: numpy Generator.  Returns (top, bottom, left, right) in pixels;
    rows top:bottom and columns left:right lie inside.
    Source: rand_bbox in train.py of the official code.
    """
    ratio = math.sqrt(1 - lam)
    h, w = int(height * ratio), int(width * ratio)
    cy, cx = rng.integers(height), rng.integers(width)   # centre: anywhere
    top, bottom = max(cy - h // 2, 0), min(cy + h // 2, height)
    left, right = max(cx - w // 2, 0), min(cx + w // 2, width)
    return top, bottom, left, right

# %% [markdown]
# Then the mixing.
# One box and one $\lambda$ serve the whole batch, and each image is mixed with a partner that a permutation of the batch assigns.
# After the box is known, $\lambda$ is computed anew from the pixels that were really pasted.
# This last step stands in the code rather than in the paper's equations, and without it the label promises more of $x_B$ than the picture shows.

# %% tags=["technique"]
def cutmix(x, y, rng, beta=1.0):
    """Mix a batch of images with itself.

    x: (B, C, H, W).  y: (B,) class numbers.  rng: numpy Generator.
    Returns the mixed images (B, C, H, W), both labels (B,), and lam, the
    share of pixels, hence of the label, that stays with the first.
    """
    lam = rng.beta(beta, beta)
    partner = torch.from_numpy(rng.permutation(len(x)))  # (B,)
    height, width = x.shape[2:]
    top, bottom, left, right = draw_box(height, width, lam, rng)
    mixed = x.clone()
    mixed[:, :, top:bottom, left:right] = x[partner, :, top:bottom,
                                            left:right]
    pasted = (bottom - top) * (right - left)
    lam = 1 - pasted / (height * width)
    return mixed, y, y[partner], lam

# %% [markdown]
# Last the loss.
# Cross-entropy is linear in the target, so a two-coloured label needs no new loss: it is the weighted sum of two ordinary ones.

# %% tags=["technique"]
def mixed_loss(logits, y_a, y_b, lam):
    """Cross-entropy against lam * y_a + (1 - lam) * y_b.

    logits: (B, K).  y_a, y_b: (B,).  Returns a scalar, in nats.
    """
    return (lam * F.cross_entropy(logits, y_a)
            + (1 - lam) * F.cross_entropy(logits, y_b))

# %% [markdown]
# Here are four batches mixed by these lines, with the label below each image as a bar.
# Count the pixels in the box and you have the split of the bar.

# %%
rng = np.random.default_rng(9)
clean, clean_labels, _ = data.two_part(8, seed=11, noise=0.1)
fig, axes = subplots(2, 4, width=7.0, height=2.7, height_ratios=[6, 1])
for top_ax, bar_ax in axes.T:
    mixed, _, _, lam = cutmix(clean, clean_labels, rng)
    top_ax.imshow(mixed[0, 0], cmap="gray", vmin=-1.3, vmax=1.3)
    changed = (mixed[0, 0] != clean[0, 0]).nonzero()
    if len(changed):
        (y0, x0), (y1, x1) = changed.min(0).values, changed.max(0).values
        top_ax.plot(np.array([x0, x1 + 1, x1 + 1, x0, x0]) - 0.5,
                    np.array([y0, y0, y1 + 1, y1 + 1, y0]) - 0.5,
                    color=palette["rival"], lw=2)
    bar_ax.barh(0, lam, color=palette["method"])
    bar_ax.barh(0, 1 - lam, left=lam, color=palette["rival"])
    bar_ax.set_xlabel(f"label: {lam:.2f} + {1 - lam:.2f}")
    bar_ax.set(xlim=(0, 1))
    for ax in (top_ax, bar_ax):
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
fig.suptitle("The label splits where the pixels split", x=0.02, ha="left",
             fontsize=11, fontweight="bold")
show(fig, "Four mixed images, each with the pasted box outlined; under each "
          "a bar in two colours that shows the two labels' shares, which "
          "are the shares of the pixels.")

# %% [markdown]
# How much does the correction change?
# The picture below compares the raw draw, uniform by design, with the share that is left after clipping and rounding, on images of this page's size.
# The corrected share is never the smaller one: clipping and rounding only take pixels away from the box.

# %%
rng, raw, kept = np.random.default_rng(0), [], []
for _ in range(20_000):
    lam = rng.beta(1.0, 1.0)
    top, bottom, left, right = draw_box(14, 14, lam, rng)
    raw.append(lam)
    kept.append(1 - (bottom - top) * (right - left) / 14 ** 2)
fig, ax = subplots(width=7.0, height=2.4)
ax.hist([raw, kept], bins=14, range=(0, 1), label=["raw", "corrected"],
        color=[palette["plain"], palette["method"]], density=True)
ax.set(xlabel="share of the label that stays with the first image",
       ylabel="density", title="Raw, it is uniform; by pixels, it is not")
ax.legend()
show(fig, "Two histograms over zero to one: the raw share is flat, the "
          "corrected share is piled up towards one.")
print(f"mean share: raw {np.mean(raw):.2f}, by pixels {np.mean(kept):.2f}")

# %% [markdown]
# ## Predict
#
# Five networks see the same objects, the same number of steps, the same initial weights.
# One trains on them as they are, one with Cutout, one with Mixup, one with boxes pasted but labels left alone (*paste*), one with CutMix.
# Then the head is covered.
# Bet before you read on.
#
# - (a) CutMix is right most often, by a clear distance, since it is the newest of them.
# - (b) CutMix and Cutout are right equally often, well before plain training, and differ in how sure they are.
# - (c) Pasting does all the work, so *paste* does what CutMix does.
# - (d) None helps, because in training the head was always somewhere.

# %% [markdown]
# ## The experiment
#
# The rivals take three lines each.
# Cutout erases a box half as wide as the image; Mixup blends with its own $\lambda$; *paste* is CutMix without the label.
# Every method draws from a generator of its own, so that all arms see the same batches in the same order.
# `strength` is the probability that a batch is treated at all, 1 in the paper's ImageNet runs; at 0 every arm is plain training.

# %% tags=["experiment"]
def cutout(x, rng, length=7):
    """Erase one box, centre anywhere (DeVries and Taylor, 2017)."""
    height, width = x.shape[2:]
    cy, cx = rng.integers(height), rng.integers(width)
    x, half = x.clone(), length // 2
    x[:, :, max(cy - half, 0):cy + half, max(cx - half, 0):cx + half] = 0
    return x


def augment(arm, x, y, rng, strength):
    """One batch as the arm trains on it: images, two labels, lam."""
    if arm == "plain" or rng.random() >= strength:
        return x, y, y, 1.0
    if arm == "cutout":
        return cutout(x, rng), y, y, 1.0
    if arm == "mixup":
        lam = rng.beta(1.0, 1.0)
        partner = torch.from_numpy(rng.permutation(len(x)))
        return lam * x + (1 - lam) * x[partner], y, y[partner], lam
    mixed, y_a, y_b, lam = cutmix(x, y, rng)
    return (mixed, y, y, 1.0) if arm == "paste" else (mixed, y_a, y_b, lam)

# %% tags=["experiment"]
def make_net(side=14, classes=4, w=12):
    """Two convolutions and a dense head, about 15,000 weights."""
    def block(a, b):
        return [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b),
                nn.ReLU(), nn.MaxPool2d(2)]
    cells = (side // 4) ** 2
    return nn.Sequential(*block(1, w), *block(w, 2 * w), nn.Flatten(),
                         nn.Linear(2 * w * cells, 64), nn.ReLU(),
                         nn.Linear(64, classes))


def train(arm, x, y, seed, strength, steps, lr, batch=64, classes=4):
    """Train a fresh network; returns it, in evaluation mode."""
    torch.manual_seed(seed)
    net = make_net(x.shape[-1], classes)
    order = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)          # the method's own draws
    optimizer = torch.optim.Adam(net.parameters(), lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        i = torch.randint(len(x), (batch,), generator=order)
        mixed, y_a, y_b, lam = augment(arm, x[i], y[i], rng, strength)
        loss = mixed_loss(net(mixed), y_a, y_b, lam)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()

# %% [markdown]
# Four things are measured on a thousand fresh objects.
# `hidden` is the accuracy with the head covered, higher is better.
# `gap` is the distance between mean confidence and accuracy on those covered pictures, lower is better: a network that is right half of the time should be half sure.
# `log_loss` punishes both faults at once, in nats, lower is better.
# `whole` and `whole_gap` are accuracy and gap with the whole object in view.

# %% tags=["experiment"]
@torch.no_grad()
def score(net, x, y):
    """Accuracy, |confidence - accuracy| and log loss in nats."""
    log_p = net(x).log_softmax(1)                        # (N, K)
    confidence, guess = log_p.exp().max(1)
    accuracy = (guess == y).float().mean()
    return (accuracy.item(), (confidence.mean() - accuracy).abs().item(),
            F.nll_loss(log_p, y).item())


def run(arm, seed, strength=1.0, steps=300, lr=6e-3):
    x, y, _ = data.two_part(500, seed, noise=0.375)
    net = train(arm, x, y, seed, strength, steps, lr)
    fresh = 10_000 + seed
    whole, y, _ = data.two_part(1000, fresh, noise=0.375)
    covered, _, _ = data.two_part(1000, fresh, noise=0.375, parts="B")
    hidden, gap, log_loss = score(net, covered, y)
    right, whole_gap, _ = score(net, whole, y)
    return {"hidden": hidden, "gap": gap, "log_loss": log_loss,
            "whole": right, "whole_gap": whole_gap}

# %% [markdown]
# Both contenders get the same search: the same learning rates, the same probabilities, the same seed, none of which is used again below.
# Here it is live, at a quarter of the steps; the settings of `run` are the ones that were chosen with it.

# %%
print("log loss with the head hidden, seed 1000, 75 steps")
print("lr      p    cutout  cutmix")
for lr in (2e-3, 6e-3):
    for p in (0.5, 1.0):
        row = [run(arm, 1000, strength=p, steps=75, lr=lr)["log_loss"]
               for arm in ("cutout", "cutmix")]
        print(f"{lr:.3f}  {p:.1f}  {row[0]:6.2f}  {row[1]:6.2f}")

# %% [markdown]
# ## The claims
#
# They were written down, with rival, kind and least effect, before seeds 0 to 4 were run for the first time.
# First: with the head hidden, CutMix is right more often than plain training.

# %% tags=["results"]
ARMS = ["plain", "mixup", "paste", "cutout", "cutmix"]
runs = compare(run, ARMS)
print(runs.table())

# %% tags=["results"]
record = claim(
    "cutmix-hidden-plain",
    "With the strong part hidden, a network trained with CutMix is right "
    "more often than one trained without augmentation.",
    runs, metric="hidden", arm="cutmix", baseline="plain", least=0.05,
    reason="half of what Cutout, the strongest rival, gains over plain "
           "training on seeds from 1000 on",
    paper="CutMix makes a classifier use the less discriminative parts of "
          "an object.")

# %% [markdown]
# Second, the strongest rival.
# Cutout hides heads too, and it never fills the hole with a foreign tail.

# %% tags=["results"]
record = claim(
    "cutmix-hidden-cutout",
    "With the strong part hidden, a network trained with CutMix is right "
    "more often than one trained with Cutout.",
    runs, metric="hidden", arm="cutmix", baseline="cutout", least=0.04,
    reason="two standard deviations of Cutout, 0.02 each, on seeds from "
           "1000 on", expect="does not hold",
    paper="CutMix outperforms Cutout in accuracy and in localisation.")

# %% [markdown]
# Third, confidence.
# On the covered pictures both are right about equally often; which of the two knows how often?

# %% tags=["results"]
record = claim(
    "cutmix-gap",
    "With the strong part hidden, confidence is closer to accuracy after "
    "CutMix than after Cutout.",
    runs, metric="gap", arm="cutmix", baseline="cutout", better="lower",
    least=0.05,
    reason="two standard deviations of Cutout, 0.025 each, on seeds from "
           "1000 on",
    paper="CutMix alleviates the over-confidence of a network.")

# %% [markdown]
# Fourth, accuracy and confidence in one number, which nobody can improve by being timid.

# %% tags=["results"]
record = claim(
    "cutmix-log-loss",
    "With the strong part hidden, the log loss is lower after CutMix than "
    "after Cutout.",
    runs, metric="log_loss", arm="cutmix", baseline="cutout",
    better="lower", least=0.08,
    reason="about a tenth of what Cutout saves over plain training on seeds "
           "from 1000 on",
    paper="CutMix trains stronger classifiers than Cutout.")

# %% [markdown]
# Now the bets.
# (a) is wrong: CutMix minus Cutout is <!--=cutmix-hidden-cutout.effect-->−0.02<!--/--> in accuracy, interval <!--=cutmix-hidden-cutout.low-->−0.06<!--/--> to <!--=cutmix-hidden-cutout.high-->0.02<!--/-->.
# Cutout hides heads in training and is asked about hidden heads, which is the examination it was trained for.
# (d) is wrong: CutMix gains <!--=cutmix-hidden-plain.effect-->0.10<!--/--> over plain training, and Cutout more.
# (c) is nearly right on `hidden` and `gap`: look at *paste* in the table.
# Pasted pixels with the old label also teach doubt, by contradiction rather than by measure.
# (b) is what was measured: the gap between confidence and accuracy is <!--=cutmix-gap.mean.cutmix-->0.03<!--/--> after CutMix and <!--=cutmix-gap.mean.cutout-->0.19<!--/--> after Cutout.
#
# ## The price
#
# A network that has seen two-coloured labels only is never quite sure, not even when it may be.
# The fifth claim says that CutMix is the better calibrated with the whole object in view.
# We expect it to fail.

# %% tags=["results"]
record = claim(
    "cutmix-whole-gap",
    "With the whole object in view, confidence is closer to accuracy after "
    "CutMix than after Cutout.",
    runs, metric="whole_gap", arm="cutmix", baseline="cutout",
    better="lower", least=0.01,
    reason="two standard deviations of Cutout, 0.005 each, on seeds from "
           "1000 on", expect="does not hold",
    paper="CutMix alleviates the over-confidence of a network.")

# %% [markdown]
# ## And ordinary accuracy?
#
# The paper's headline is ordinary accuracy on photographs.
# Here are real digits from scikit-learn, fifty of them labelled, and a thousand to be tested on.
# The sixth claim asks for the gain that the paper reports on CIFAR-100, over ten seeds.
# On the seeds used for development it did not appear.

# %% tags=["experiment"]
def run_digits(arm, seed, strength=1.0, steps=150):
    """Accuracy on 1,000 real digits after training on 50."""
    x, y, test_x, test_y = data.digits(seed, labels=50, test=1000)
    net = train(arm, x, y, seed, strength, steps, lr=6e-3, batch=32,
                classes=10)
    return {"accuracy": score(net, test_x, test_y)[0]}

# %% tags=["results"]
digits = compare(run_digits, ["plain", "cutmix"], seeds=range(10))
record = claim(
    "cutmix-digits",
    "On scikit-learn's digits with fifty labels, CutMix is more accurate "
    "than training without augmentation.",
    digits, metric="accuracy", arm="cutmix", baseline="plain", least=0.022,
    reason="the gain that the paper reports on CIFAR-100, 2.2 points",
    expect="does not hold",
    paper="CutMix lowers the top-1 error on CIFAR-100 by 2.2 points.")

# %% [markdown]
# ## Break it
#
# Each of these mistakes trains without complaint, and each is planted in this page's tests, which die of it.
#
# - **Raw λ**: the label keeps the drawn $\lambda$ although the box was clipped and rounded. The label then promises pixels that nobody pasted.
# - **Swapped shares**: $\lambda$ goes to the image that was pasted. The smaller the patch, the louder its label.
# - **Labels not mixed**: both labels are the first image's. That is *paste*.
# - **No square root**: the side shrinks by $1-\lambda$, so the area by its square.
# - **Box always inside**: the centre is drawn only where the box fits, so corners and borders are pasted too rarely.
# - **Aliased paste**: the batch is overwritten in place, one image after the other, and later partners are already mixed.
# - **Another partner's label**: pixels from one permutation, labels from a second.
# - **Rounded up**: boxes that grow by a pixel, where the code rounds down twice.
#
# Run the first.
# The share that each label promises for the pasted image is compared with the share of pixels that came from there.

# %%
rng = np.random.default_rng(1)
promised, pixels = [], []
for _ in range(5000):
    lam = rng.beta(1.0, 1.0)
    top, bottom, left, right = draw_box(14, 14, lam, rng)
    promised.append(1 - lam)
    pixels.append((bottom - top) * (right - left) / 14 ** 2)
fig, ax = subplots(width=4.2, height=3.0)
ax.plot(promised, pixels, ".", ms=2, alpha=0.4, label="raw λ")
ax.plot([0, 1], [0, 1], color=palette["rival"], label="corrected λ")
ax.set(xlabel="share of the label promised", ylabel="share of the pixels",
       title="Raw λ promises what nobody pasted")
ax.legend()
show(fig, "Scatter of pixel share against label share under the raw rule: "
          "every point lies on or below the diagonal, many far below it.")
share = np.mean(np.array(promised) - np.array(pixels) > 0.2)
print(f"labels that promise over 0.2 too much: {share:.2f} of all")

# %% [markdown]
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | images | 1.28 million photographs, 224 pixels | 500 drawings, 14 pixels; 50 digits, 8 pixels |
# | network | ResNet-50 | two convolutions and a dense head |
# | training | 300 epochs | 300 steps |
# | ImageNet top-1 error, ResNet-50 | <!--=published.cutmix_imagenet_r50_baseline-->23.68<!--/--> % plain, <!--=published.cutmix_imagenet_r50_cutout-->22.93<!--/--> % Cutout, <!--=published.cutmix_imagenet_r50_mixup-->22.58<!--/--> % Mixup, <!--=published.cutmix_imagenet_r50_cutmix-->21.40<!--/--> % CutMix | not measured |
# | CIFAR-100 top-1 error, PyramidNet-200 | <!--=published.cutmix_cifar100_pyramidnet_baseline-->16.45<!--/--> % plain, <!--=published.cutmix_cifar100_pyramidnet_cutmix-->14.23<!--/--> % CutMix | not measured |
#
# The numbers are those of the official README, which gives the last ResNet-50 value as <!--=published.cutmix_imagenet_r50_cutmix_transfer-->21.60<!--/--> % in another of its tables.
#
# What this page cannot show: a gain in ordinary accuracy at the scale of photographs, where CutMix beats Cutout in the paper.
# What it does show is one mechanism the authors offer for it, with the truth known, and one cost.
# Our drawings have no texture and no background to lean on, a head is always at the left of its tail, and a hole of Cutout is close to the way in which we test.
# A different test, say a head covered by another class's head, may rank the two differently.
#
# ## Tries
#
# | what was tried | where | outcome |
# |---|---|---|
# | a smaller network with average pooling, three seeds | before this page, on other seeds | CutMix seemed well ahead of Cutout with the head hidden |
# | the same, five fresh seeds, Cutout's hole searched over three sizes | seeds from 1000 on | the lead was gone |
# | two heads with a tail between; objects at two sizes; fewer images; more noise | seeds from 1000 on | Cutout equal or ahead in accuracy |
# | a network with a dense head, confidence measured too | seeds from 1000 on | the experiment above, fixed with its claims before seeds 0 to 4 were run |
#
# ## In the lab
#
# CutMix is the first of the Lab's techniques that the article names, and others on its list build on it: [ReLabel](../../chapters/3-machine-learning.md) mixes its multi-labels by the same corrected $\lambda$, and PiT's training recipes compare with and without it.
# It is one of the techniques that the article's picture of the AI stack puts below HyperCLOVA.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# At $\beta = 1$ and $\lambda$ uniform, what is the mean of the *corrected* $\lambda$ on images of 4 by 4 pixels?
# Give an exact fraction or a decimal to three places.
# Start from the probability that a side of $\lfloor 4\sqrt{1-\lambda} \rfloor$ pixels comes out as 0, 1, 2 or 3.

# %% tags=["exercise"]
mean_share = ...

# %% tags=["check"]
def judge_share(value):
    assert abs(value - 1 / 2) > 1e-9, (
        "That is the raw mean; the box is rounded and clipped.")
    assert abs(value - 3 / 4) > 2e-3, (
        "That is rounding alone; now let the box be clipped.")
    # Every box there is: a side s has probability (2 s + 1) / 16.
    pasted = 0.0
    for side in range(4):
        spans = [min(c + side // 2, 4) - max(c - side // 2, 0)
                 for c in range(4)]
        pasted += (2 * side + 1) / 16 * np.mean(spans) ** 2 / 16
    assert abs(value - (1 - pasted)) < 1e-3, (
        "Both sides are equal before clipping; average over 16 centres.")

check("cutmix-1", mean_share, judge_share)

# %% tags=["solution", "hide-cell"]
# Sides 2 and 3 both become boxes of 2 pixels, sides 0 and 1 of none.  They
# come with probability (5 + 7) / 16.  A box of 2 covers 1, 2, 2, 2 pixels
# of a row as the centre moves, 7/4 on average, and so it does of a column.
mean_share = 1 - 12 / 16 * (7 / 4) ** 2 / 16
check("cutmix-1", mean_share, judge_share)

# %% [markdown]
# **2. Change and predict.**
# Somebody draws the centre only where the whole box fits.
# On 14 by 14 pixels, does the mean corrected $\lambda$ become "larger", "smaller" or stay the "same"?
# Answer before you run anything.

# %% tags=["exercise"]
direction = ...

# %% tags=["check"]
def judge_direction(value):
    words = ("larger", "smaller", "same")
    assert value in words, f"Answer with one of {words}."
    assert value != "larger", (
        "Clipping takes pixels from the box; here nothing is clipped.")
    assert value != "same", (
        "Compare a box in a corner with the same box in the middle.")

check("cutmix-2", direction, judge_direction)

# %% tags=["solution", "hide-cell"]
direction = "smaller"      # nothing is clipped: larger boxes, less kept
check("cutmix-2", direction, judge_direction)

# %% [markdown]
# **3. Refute the claim.**
# "After CutMix a network's confidence can be trusted more than after Cutout."
# Name the metric of `run` that speaks against it.
# The check trains both for a moment and looks.

# %% tags=["exercise"]
metric = ...

# %% tags=["check"]
def judge_metric(name):
    names = ("hidden", "gap", "log_loss", "whole", "whole_gap")
    assert name in names, f"Choose one of {names}."
    assert "gap" in name, "Trust in confidence: look at a gap."
    ours, rival = (run(arm, 1000, steps=80)[name]
                   for arm in ("cutmix", "cutout"))
    assert ours > rival, (
        f"There CutMix is better: {ours:.2f} against {rival:.2f}.")

check("cutmix-3", metric, judge_metric)

# %% tags=["solution", "hide-cell"]
metric = "whole_gap"       # with everything in view CutMix doubts too much
check("cutmix-3", metric, judge_metric)

# %% [markdown]
# **4. Find the bug.**
# This version saves memory by mixing in place.
# Its training loss falls as nicely as the other's.
# Set `mended` to a function of `(x, y, rng)` that returns what `cutmix` returns.

# %% tags=["exercise", "bug"]
def in_place(x, y, rng):
    lam = rng.beta(1.0, 1.0)
    partner = rng.permutation(len(x))
    top, bottom, left, right = draw_box(*x.shape[2:], lam, rng)
    mixed = x.clone()
    for i, j in enumerate(partner):
        mixed[i, :, top:bottom, left:right] = \
            mixed[j, :, top:bottom, left:right]
    lam = 1 - (bottom - top) * (right - left) / x[0, 0].numel()
    return mixed, y, y[torch.from_numpy(partner)], lam

mended = in_place

# %% tags=["check"]
def judge_mended(function):
    x = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 8, 8)
    y = torch.arange(6)
    for seed in range(20):
        mixed, y_a, y_b, lam = function(x, y, np.random.default_rng(seed))
        assert mixed.shape == x.shape, "The shape of the batch changed."
        for i in range(6):
            box = mixed[i][mixed[i] != i]
            assert (box == y_b[i]).all(), (
                f"Image {i} holds pixels of image {int(box[0])}, and its "
                f"label speaks of image {int(y_b[i])}.")
            pasted = 1 if y_b[i] == i else 64 * (1 - lam)
            assert y_b[i] == i or len(box) == round(pasted), (
                "The label's share is not the share of the pixels.")

check("cutmix-4", mended, judge_mended)

# %% tags=["solution", "hide-cell"]
def mended(x, y, rng):
    lam = rng.beta(1.0, 1.0)
    partner = torch.from_numpy(rng.permutation(len(x)))
    top, bottom, left, right = draw_box(*x.shape[2:], lam, rng)
    mixed = x.clone()          # x itself stays whole: partners come from it
    mixed[..., top:bottom, left:right] = x[partner, ..., top:bottom,
                                           left:right]
    lam = 1 - (bottom - top) * (right - left) / x[0, 0].numel()
    return mixed, y, y[partner], lam


check("cutmix-4", mended, judge_mended)

# %% [markdown]
# Its curve, beside the right one.
# Nothing in it would have told you.

# %% tags=["results"]
x, y, _ = data.two_part(500, 1000, noise=0.375)
fig, ax = subplots(width=5.4, height=2.6)
for name, mix in (("in place", in_place), ("cutmix", cutmix)):
    torch.manual_seed(0)
    net, rng, losses = make_net(), np.random.default_rng(0), []
    optimizer = torch.optim.Adam(net.parameters(), 6e-3)
    for step in range(80):
        i = torch.from_numpy(rng.integers(len(x), size=64))
        mixed, y_a, y_b, lam = mix(x[i], y[i], rng)
        loss = mixed_loss(net(mixed), y_a, y_b, lam)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    ax.plot(np.convolve(losses, np.ones(10) / 10, "valid"), label=name)
ax.set(xlabel="step", ylabel="training loss (nats), mean of 10 steps",
       title="The bug trains as well as the technique")
ax.legend()
show(fig, "Two training curves, one of the buggy function and one of the "
          "right one; both fall in the same way.")
