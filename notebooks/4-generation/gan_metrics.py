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
# # What does a GAN metric see?
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/4-generation/gan_metrics.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi, J. Yoo, [*Reliable Fidelity and Diversity Metrics for Generative Models*](https://arxiv.org/abs/2002.09797), ICML 2020; we read the abstract and the definitions in its README |
# | Official code | [clovaai/generative-evaluation-prdc](https://github.com/clovaai/generative-evaluation-prdc), `prdc/prdc.py`, read at commit `e320c1d`; for precision and recall [kynkaat/improved-precision-and-recall-metric](https://github.com/kynkaat/improved-precision-and-recall-metric) at `ed8ee4c`; for the Fréchet distance [bioinf-jku/TTUR](https://github.com/bioinf-jku/TTUR) at `73ab375` |
# | Rule read in | official code |
# | In the article | section 2.2, generation: what its papers are scored by |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); [StarGAN](stargan.ipynb) shows what such a score is for |
# | Data | drawn faces, so that every damage is known to us |
# | Time | <!--=bench.gan_metrics.seconds-->24<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 생성 모델의 점수는 그림이 얼마나 진짜 같은지와 얼마나 다양한지를 구별해야 합니다.
# 이 페이지는 프레셰 거리, 정밀도, 재현율, 밀도, 포괄도라는 다섯 가지 지표를 프로그램이 그린 얼굴에 적용합니다.
# 흐림, 잡음, 사라진 모자, 외운 그림처럼 우리가 일부러 넣은 손상에 어떤 지표가 반응하는지 시드 다섯 개로 측정합니다.
# 망가진 진짜 그림 한 장이 섞이면 정밀도가 밀도보다 더 오르고, 잡음이 끼면 포괄도가 재현율보다 더 떨어지며, 학습 그림을 베낀 표본은 새로 그린 표본보다 학습 그림을 더 많이 포괄합니다.
# 이 결과는 작은 신경망의 특징과 만화 얼굴에서 얻은 것이므로 사진이나 FID 값에 대해서는 말해 주지 않습니다.
#
# **In short.**
# Which score of a generator falls for which damage to its pictures?
# With a thousand drawn faces a side, one spoilt real face raises the precision of a generator of such faces by <!--=gan_metrics-stray.mean.precision-->0.22<!--/--> and its density by <!--=gan_metrics-stray.mean.density-->0.06<!--/-->, noise takes <!--=gan_metrics-noise.mean.recall-->0.10<!--/--> from recall and <!--=gan_metrics-noise.mean.coverage-->0.45<!--/--> from coverage, and copies of the training faces cover <!--=gan_metrics-copies.mean.copies:3-->0.994<!--/--> of them where a perfect generator covers <!--=gan_metrics-copies.mean.fresh:3-->0.971<!--/-->.
# It does not show photographs, the features that an FID is computed in, or a GAN that has made these mistakes by itself.

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
from scipy.spatial.distance import cdist

from lab1784 import (check, claim, compare, data, draw_claim, image_grid,
                     known, near, overview, palette, remember, show)
from lab1784.figures import subplots
from lab1784.interactive import choose
from lab1784.scorer import scorer

torch.set_num_threads(1)

# %% [markdown]
# ## Eight generators, one of them perfect
#
# A generator is known by its pictures, and nobody can look at fifty thousand of them.
# So a number is computed from two samples: **real** pictures and **fake** ones, by the generator.
#
# Here are eight generators whose faults we know, because we made them.
# `fresh` has none: it is the program that drew the real faces, asked for new ones.
# The others draw as it does, and then something is done to their faces.

# %% tags=["experiment"]
ARMS = ("fresh", "blur", "noise", "rare hats", "no hats", "mirror",
        "copies", "few copies")


def damaged(arm, factors, train, strength, g):
    """Fakes (M, 3, 16, 16): new faces with one damage, or with none.

    factors: of the M new faces.  train: the real pictures, (N, 3, 16, 16).
    strength: 0 leaves every face as `fresh` has it.
    g: generator of the damage's own draws.
    """
    n = len(factors["hat"])
    share = {"rare hats": 0.8 * strength, "no hats": strength}.get(arm, 0.0)
    bare = torch.rand(n, generator=g) < share
    hat = torch.where(bare, 0, factors["hat"])
    x = data.draw_avatars(data.counterfactual(factors, hat=hat))[0]
    if arm == "blur":          # towards the mean of nine pixels
        soft = F.avg_pool2d(F.pad(x, [1] * 4, mode="replicate"), 3, 1)
        return x + strength * (soft - x)
    if arm == "noise":
        noise = torch.randn(x.shape, generator=g)
        return (x + 0.4 * strength * noise).clamp(-1, 1)
    if arm == "mirror":
        other = x.flip(-1)
    elif arm in ("copies", "few copies"):     # of all, of a tenth of them
        heart = len(train) if arm == "copies" else len(train) // 10
        other = train[torch.randint(heart, (n,), generator=g)]
    else:
        return x
    swapped = torch.rand(n, generator=g) < strength
    return torch.where(swapped[:, None, None, None], other, x)

# %% tags=["figure"]
# @title Draw: eight faces of each generator
g = torch.Generator().manual_seed(1000)
train = data.draw_avatars(data.avatar_factors(100, g))[0]
factors = data.avatar_factors(8, g)
image_grid(torch.cat([damaged(arm, factors, train, 1.0, g).clamp(-1, 1)
                      for arm in ARMS]), columns=8, size=0.62,
           labels=list(ARMS),
           alt="Eight rows of eight small drawn faces, a row a generator: "
               "clean, blurred, speckled, with few hats, without hats, "
               "mirrored, and two rows of other faces that are copies.")

# %% [markdown]
# Nobody needs a number for `blur` and `noise`.
# For `copies` one does: each of its faces is good, together they are varied, and it has drawn none of them.
# `few copies` knows a tenth of the training faces by heart.
# `rare hats` puts a hat on one face in ten, where the program does on every second.

# %% [markdown]
# ## The idea: count who lies in whose ball
#
# Pictures are not compared pixel by pixel, but by the **features** (특징) of a network that has learned something else.
# Ours is the book's scorer, 64 numbers a face, trained to read hair, hat, glasses and so on.
# The **Fréchet distance** fits a Gaussian to each sample and asks how far the two are apart:
#
# $$d^2 = \lVert \mu_x - \mu_y \rVert^2 + \operatorname{Tr}\bigl(\Sigma_x + \Sigma_y - 2\,(\Sigma_x \Sigma_y)^{1/2}\bigr).$$
#
# In the features of one large network it is the FID of the papers; in ours we call it **avatar-FD**.
# It is one number, and cannot say whether the fakes are poor or few.
#
# Four others can, or are meant to.
# Around every real point $X_i$ lies a ball $B(X_i, \mathrm{NND}_k(X_i))$ that reaches to its $k$-th nearest real neighbour, and likewise around every fake one.
#
# - **Precision** (정밀도): the share of fakes that lie in at least one real ball.
# - **Recall** (재현율): the share of reals that lie in at least one fake ball.
# - **Density** (밀도): in how many real balls a fake lies, on average, divided by $k$.
# - **Coverage** (포괄도): the share of real balls that hold at least one fake.
#
# The first two are by Kynkäänniemi and others (2019), the last two by the paper of this page, which calls the first two unreliable; two of its reasons fit into a picture.

# %% tags=["technique"]
def frechet(x, y):
    """Squared Fréchet distance of the Gaussians that fit two samples.

    x: (N, d), y: (M, d) features.  Returns a float.
    Source: calculate_frechet_distance in TTUR's fid.py, which takes the
    matrix root; its trace is the sum of the roots of the eigenvalues.
    """
    s, t = (np.atleast_2d(np.cov(z, rowvar=False)) for z in (x, y))
    gap = x.mean(axis=0) - y.mean(axis=0)
    roots = np.sqrt(np.linalg.eigvals(s @ t).real.clip(0))
    return float(gap @ gap + np.trace(s) + np.trace(t) - 2 * roots.sum())

# %% [markdown]
# The balls next, and first the distances, by $\lVert x - y \rVert^2 = \lVert x \rVert^2 + \lVert y \rVert^2 - 2\,x^\top y$, which is faster than a difference for each pair.
# A point is no neighbour of itself, so of the sorted distances to the own sample, which begin with a zero, number $k$ is meant when counting from zero.
# The official code of density and coverage takes a ball without its surface, that of improved precision and recall takes it with; we follow the first.
# It matters where distances are equal, as they are for copies: a copy of the $k$-th neighbour lies on the surface.

# %% tags=["technique"]
def distances(x, y):
    """Euclidean distances of all pairs.  x: (N, d), y: (M, d) -> (N, M).
    What is left of equal points by rounding counts as zero."""
    square = ((x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)
              - 2 * x @ y.T)
    return np.sqrt(np.where(square < 1e-9, 0.0, square))


def inside(centres, points, k):
    """Who lies in whose ball.

    centres: (N, d).  points: (M, d).  k: neighbours to the surface.
    Returns (N, M) bool: point j is nearer to centre i than the k-th
    nearest of the other centres.
    Source: compute_nearest_neighbour_distances in prdc.py.
    """
    own = distances(centres, centres)           # (N, N)
    radii = np.partition(own, k, axis=1)[:, k]
    return distances(centres, points) < radii[:, None]

# %% [markdown]
# The four measures are four ways to sum up who lies in whose ball.

# %% tags=["technique"]
def prdc(real, fake, k):
    """Precision, recall, density, coverage.  real: (N, d).  fake: (M, d).
    Returns name -> float.  Source: compute_prdc in prdc.py."""
    in_real = inside(real, fake, k)             # (N, M)
    in_fake = inside(fake, real, k)             # (M, N)
    return {"precision": float(in_real.any(axis=0).mean()),
            "recall": float(in_fake.any(axis=0).mean()),
            "density": float(in_real.sum(axis=0).mean() / k),
            "coverage": float(in_real.any(axis=1).mean())}

# %% tags=["figure"]
# @title Draw: two ways to be fooled by a large ball
from matplotlib.patches import Circle

rng = np.random.default_rng(6)
centre = rng.normal(size=(14, 2))
fig, axes = subplots(1, 2, width=7.0, height=3.4)
stray = np.vstack([centre, [[5.5, 0.0]]])
wide = np.vstack([rng.normal(size=(3, 2)) * 0.3 + [5, 2.5],
                  rng.uniform(-6, 6, size=(9, 2)) * [1, 0.6]])
scenes = ((stray, rng.normal(size=(12, 2)) * [0.9, 0.7] + [4.6, 0],
           True), (centre, wide, False))
for ax, (real, fake, of_real) in zip(axes, scenes):
    balls = real if of_real else fake
    for at, r in zip(balls, np.sort(cdist(balls, balls), axis=1)[:, 3]):
        ax.add_patch(Circle(
            at, r, fill=False, lw=0.7, alpha=0.7,
            color=palette["rival" if of_real else "method"]))
    ax.plot(*real.T, "o", ms=5, color=palette["rival"], label="real")
    ax.plot(*fake.T, "x", ms=6, color=palette["method"], label="fake")
    got = prdc(real, fake, 3)
    pair = ("precision", "density") if of_real else ("recall", "coverage")
    ax.set(xlim=(-7, 9), ylim=(-6, 6), aspect="equal", xlabel="feature 1",
           title=", ".join(f"{m} {got[m]:.2f}" for m in pair))
axes[0].set(ylabel="feature 2")
axes[1].legend(loc="lower right", frameon=True, framealpha=0.9)
show(fig, "Two clouds of points with circles. Left, one real point far from "
          "the others has a wide circle that holds nearly all the fakes. "
          "Right, scattered fakes have wide circles that hold the reals.")

# %% [markdown]
# Left, one real point is far from the rest; its ball is large, and a crowd of fakes inside it counts as precise.
# Density asks how many balls each of them is in, and one ball of $k$ is little.
# Right, the fakes are scattered; *their* balls are large, so the reals are recalled, by fakes that are nowhere near.
# Coverage never looks at a fake ball.
#
# Density and coverage have one more property: the value that they should have is known.
# Where both samples follow one law without ties, density is 1 on average.
# And a real ball is empty only if, of the other $N - 1 + M$ points, the $k$ nearest to its centre are all real, so that
#
# $$\mathbb{E}[\text{coverage}] = 1 - \frac{(N-1) \cdots (N-k)}{(M+N-1) \cdots (M+N-k)},$$
#
# whatever the law and its dimension.
# The paper has this formula, and uses it to choose $k$; we read it in code that cites the paper, and derived it again.

# %% tags=["technique"]
def expected_coverage(n, m, k):
    """Mean coverage where reals and fakes follow one law.

    n, m: numbers of reals and fakes.  k: neighbours.  Returns a float.
    """
    i = np.arange(1, k + 1)
    return float(1 - np.prod((n - i) / (n + m - i)))

# %% [markdown]
# ## Predict
#
# - (a) A perfect generator has precision and recall near 1 in any features.
# - (b) One spoilt picture among a thousand real ones is too little to be seen in a score.
# - (c) Noise makes a generator less precise; its recall and coverage fall alike.
# - (d) Copies of the training faces score worse than fresh faces by coverage or by avatar-FD, or one need not bother with new pictures.
#
# ## The experiment
#
# A seed draws, three times over, three sets of a thousand faces: the real ones, which are also the training faces; as many **held out**; and those that the generators start from.
# Every generator of a seed starts from the same faces.
# $k$ is 5, as in the README.
# For avatar-FD lower is better, for the others higher.

# %% tags=["experiment"]
MEASURES = ("precision", "recall", "density", "coverage")


def features(images):
    """(N, 3, 16, 16) -> (N, 64), of the book's trained scorer."""
    parts = [scorer().features(x) for x in images.split(125)]  # is faster
    return torch.cat(parts).double().numpy()


@remember(most=4)
def faces(world, n):
    """Real pictures, their features, those of as many held out, and the
    factors of the new faces that every generator starts from."""
    g = torch.Generator().manual_seed(world)
    real, other, new = (data.avatar_factors(n, g) for _ in range(3))
    pictures = data.draw_avatars(real)[0]
    return (pictures, features(pictures),
            features(data.draw_avatars(other)[0]), new)


def fakes(arm, world, n, strength):
    """The features of a generator's pictures, (n, 64)."""
    train, _, _, new = faces(world, n)
    g = torch.Generator().manual_seed(10**6 + world)
    return features(damaged(arm, new, train, strength, g))


def run(arm, seed, strength=1.0, n=1000, k=5, draws=3):
    """One generator by every measure, against the real faces; and its
    avatar-FD to the faces held out, which no generator has seen.
    Means over `draws` draws of all faces."""
    known(arm, ARMS, "arm")
    rows = []
    for world in range(10 * seed, 10 * seed + draws):
        _, real, held, _ = faces(world, n)
        fake = fakes(arm, world, n, strength)
        rows.append({"FD": frechet(real, fake), **prdc(real, fake, k),
                     "FD held out": frechet(held, fake)})
    return {m: float(np.mean([row[m] for row in rows])) for m in rows[0]}

# %% [markdown]
# Two questions are about measures rather than generators, so there the measures are the arms.
# `raised`: the generator draws faces that drown in noise, twice the `noise` above, and into the real sample comes one **stray** (이탈 표본), another such face, as if one file had arrived spoilt; by how much does the score of the generator rise?
# A mean over sixteen strays, one at a time.
# `lost`: by how much does `noise` lower the score of `fresh`?

# %% tags=["experiment"]
@remember
def moves(seed, n, k, strays):
    """Measure -> {'raised': by one stray, 'lost': to noise}."""
    real = faces(10 * seed, n)[1]
    fresh, noisy, drowned = (
        fakes(arm, 10 * seed, n, strength) for arm, strength
        in (("fresh", 1), ("noise", 1), ("noise", 2)))
    g = torch.Generator().manual_seed(2 * 10**6 + seed)
    lost = features(damaged("noise", data.avatar_factors(strays, g), None,
                            2, g))
    before = prdc(real, drowned, k)
    after = [prdc(np.vstack([real, one]), drowned, k) for one in lost]
    good, bad = prdc(real, fresh, k), prdc(real, noisy, k)
    return {m: {"raised": float(np.mean([a[m] - before[m] for a in after])),
                "lost": good[m] - bad[m]} for m in MEASURES}


def moved(arm, seed, n=1000, k=5, strays=16):
    """What one measure makes of a stray and of noise."""
    return moves(seed, n, k, strays)[known(arm, MEASURES, "arm")]

# %% [markdown]
# The third is about two samples of one law, here a normal one, as in the README's example; a mean over sixteen pairs of samples.

# %% tags=["experiment"]
@remember
def alike(seed, n, d, k, draws):
    """Measure -> its mean over `draws` pairs of samples of one law."""
    rows = []
    for draw in range(draws):
        rng = np.random.default_rng((seed, draw))
        rows.append(prdc(*rng.normal(size=(2, n, d)), k))
    return {m: float(np.mean([row[m] for row in rows])) for m in MEASURES}


SAME = (*MEASURES, "closed form")


def same(arm, seed, n=500, d=64, k=5, draws=16):
    """The value of a measure, or of the formula for coverage."""
    known(arm, SAME, "arm")
    if arm == "closed form":
        return {"value": expected_coverage(n, n, k)}
    return {"value": alike(seed, n, d, k, draws)[arm]}

# %% [markdown]
# ## The claims
#
# Statement, rival and least effect were written down before the seeds below were run for the first time.
# Two samples of one law come first.

# %% tags=["results"]
one_law = compare(same, SAME)
identical = claim(
    "gan_metrics-same", "On two samples of 500 points from one normal law "
    "in 64 dimensions, the mean coverage equals what the closed form gives "
    "for identical laws", one_law, kind="equal", metric="value",
    unit="share of points", arm="coverage", baseline="closed form",
    bad="precision", margin=0.01, reason="the coverage of a single pair of "
    "samples strays by more than that", paper="precision and recall fail to "
    "detect the match between two identical distributions", picture=False)
print(one_law.table())

# %% [markdown]
# Coverage and density are where they should be.
# Precision and recall are <!--=gan_metrics-same.mean.precision-->0.75<!--/--> and <!--=gan_metrics-same.mean.recall-->0.75<!--/-->, so (a) is wrong: a perfect generator would look as if a quarter of its pictures were none.
# How far they fall depends on the dimension, so no formula in $N$, $M$ and $k$ alone can set it right.

# %% tags=["figure"]
# @title Draw: two samples of one law, in more and more dimensions
dims = (2, 4, 8, 16, 32, 64, 128, 256)
lines = {m: [alike(1000, 300, d, 5, 6)[m] for d in dims] for m in MEASURES}
fig, ax = subplots(width=6.4, height=2.9)
for (m, line), colour, mark in zip(
        lines.items(), ("rival", "fifth", "other", "method"), "o^sv"):
    ax.plot(dims, line, marker=mark, ms=5, color=palette[colour], label=m)
ax.axhline(expected_coverage(300, 300, 5), ls="--", lw=1,
           color=palette["ink"], label="coverage, closed form")
ax.set(xscale="log", xlabel="dimension of the normal law", ylabel="value",
       ylim=(0.55, 1.25),
       title="Identical laws: two measures stay, two sink")
ax.set_xticks(dims, [str(d) for d in dims])
ax.legend(ncols=3, loc="upper left", fontsize=8)
show(fig, "Lines of four measures against the dimension: coverage follows "
          "its dashed closed form and density stays near one, while "
          "precision and recall sink steadily as the dimension grows.")

# %% [markdown]
# Now the faces: one stray, and noise.

# %% tags=["results"]
seen = compare(moved, MEASURES)
stray = claim(
    "gan_metrics-stray", "Where a generator draws faces that drown in noise "
    "and one such face is among a thousand real ones, that one face raises "
    "density less than precision", seen, metric="raised", arm="density",
    baseline="precision", better="lower", least=0.05, unit="rise of the "
    "measure", reason="five fakes in a hundred called real by one spoilt "
    "file would change the order in a table of generators", paper="precision "
    "and recall are not robust against outliers", picture=False)
noise = claim(
    "gan_metrics-noise", "Where every fake face is covered with noise, "
    "coverage loses more than recall", seen, metric="lost", arm="coverage",
    baseline="recall", better="higher", least=0.1, unit="loss of the "
    "measure", reason="two standard deviations of the loss of recall over "
    "the seeds for trying are less", picture=False)
print(seen.table())

# %% [markdown]
# (b) is wrong.
# That one face raises precision by <!--=gan_metrics-stray.mean.precision-->0.22<!--/-->, density by <!--=gan_metrics-stray.mean.density-->0.06<!--/-->.
# A stray that is added brings one ball, and the balls of the others can only shrink, so density rises by at most $1/k$, whatever the stray; precision has no bound but 1.
#
# (c) is wrong in its second half.
# Noise takes <!--=gan_metrics-noise.mean.coverage-->0.45<!--/--> from coverage and <!--=gan_metrics-noise.mean.recall-->0.10<!--/--> from recall.
# Noisy faces lie far from each other, and their balls are wide; that this is why recall stays, the picture above suggests, and no arm here isolates it.

# %% tags=["results"]
table = compare(run, ARMS)
copies = claim(
    "gan_metrics-copies", "A thousand copies of training faces, drawn with "
    "replacement from a thousand, cover more of the training faces than as "
    "many fresh faces by the program that drew them", table,
    metric="coverage", arm="copies", baseline="fresh", better="higher",
    least=0.016, unit="share of training faces", reason="it is two standard "
    "deviations of the coverage of fresh faces over fifteen seeds for "
    "trying",
    picture=False)
print(table.table())

# %% [markdown]
# The table is the answer to the question of this page, a row a damage.
#
# - `blur` and `noise` are seen by all five, `noise` by recall the least.
# - Hats that are `rare` or gone leave precision and density where they were: every face is good. Recall, coverage and avatar-FD fall. With a thousand faces recall notices rare hats about as well as coverage does; with two thousand, on two seeds for trying, by much less.
# - `mirror` moves the four little, and avatar-FD far less than a missing hat does, though no face of the program has its fringe on that side. The scorer was not trained to read the side; but in raw pixels, on three seeds for trying, recall and coverage moved as little, so that features which overlook it are not the whole reason.
# - `few copies` are seen by recall and coverage, and by avatar-FD.
# - `copies`: (d) is wrong. Their coverage is <!--=gan_metrics-copies.mean.copies:3-->0.994<!--/-->, that of a perfect generator <!--=gan_metrics-copies.mean.fresh:3-->0.971<!--/-->, and by avatar-FD they are nearer to the training faces, too. Recall alone puts them lower, by a little, and did so on each of ten seeds for trying.
#
# That coverage has a formula as well.
# Where no distances are equal, a real ball without its surface holds its centre and $k - 1$ neighbours; it stays empty if none of the $M$ copies is one of these $k$, which has the probability $(1 - k/N)^M$, about $e^{-k}$.
# For a perfect generator it is about $2^{-k}$.
# Features do not come into it: the fourth claim is arithmetic, and would hold for photographs.
#
# What gives copies away is the last column.
# `fresh` is about as far from the faces held out as from the training faces, `copies` are farther from them: the *difference* of the two columns tells.
# Not the held-out column alone: a thief who copied each face exactly once would have a sample of the right law, and be as near to the held-out faces as anybody.
# Our copies are exact, and a search for a distance of zero would do; copies with small changes would pass that.

# %% tags=["figure"]
# @title Draw: all four claims
overview(identical, stray, noise, copies)

# %% tags=["details"]
# @title Every seed of every claim
for record in (identical, stray, noise, copies):
    draw_claim(record)

# %% [markdown]
# ## How many samples before the order is more than luck
#
# Two generators, one with a little more noise than the other.
# How often is the worse one scored worse, when both are judged on $n$ faces?
# One half is luck; sixteen draws for each $n$, on a seed for trying, and no claim is made of them.

# %% tags=["results"]
def ordered(sizes, draws=16, pool=3000, strengths=(0.375, 0.5)):
    """Measure -> share of draws in which the noisier generator scores
    worse, one a size (a tie counts half); and the mean avatar-FD of the
    better one."""
    real = faces(1000, pool)[1]
    good, bad = (fakes("noise", 1000, pool, s) for s in strengths)
    won, scores = np.zeros((len(sizes), 5)), np.zeros(len(sizes))
    for at, n in enumerate(sizes):
        for draw in range(draws):
            rng = np.random.default_rng((n, draw))
            r, x, y = (z[rng.choice(pool, n, replace=False)]
                       for z in (real, good, bad))
            a, b = ([-frechet(r, z), *prdc(r, z, 5).values()]
                    for z in (x, y))
            won[at] += (np.sign(np.subtract(a, b)) + 1) / 2 / draws
            scores[at] -= a[0] / draws
    return dict(zip(("avatar-FD", *MEASURES), won.T)), scores


sizes = (50, 100, 200, 400, 800)
shares, scores = ordered(sizes)
print("n       " + "".join(f"{n:8d}" for n in sizes))
for m, row in {**shares, "its FD": scores}.items():
    print(f"{m:10}" + "".join(f"{v:8.2f}" for v in row))

# %% tags=["figure"]
# @title Draw: the share of draws with the right order
fig, ax = subplots(width=6.4, height=2.8)
for (m, row), colour, mark in zip(
        shares.items(), ("ink", "rival", "fifth", "other", "method"),
        "Do^sv"):
    ax.plot(sizes, row, marker=mark, ms=5, color=palette[colour], label=m)
ax.axhline(0.5, ls="--", lw=1, color=palette["plain"])
ax.set(xscale="log", ylim=(-0.05, 1.05), xlabel="faces a sample",
       ylabel="share in the right order",
       title="With few faces, the order is luck, or worse")
ax.set_xticks(sizes, [str(n) for n in sizes])
ax.minorticks_off()
ax.legend(ncols=1, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
show(fig, "Lines of five measures against the number of faces: all begin "
          "near one half, which a dashed line marks, or below; with the "
          "most faces all but recall come close to one.")

# %% [markdown]
# With a hundred faces and fewer no measure is to be relied on, and density prefers the noisier generator more often than not, as it did on two further seeds for trying.
# With 800 all but recall have the order; this little noise hardly moves recall.
# The *value* of avatar-FD, in the last row, falls with $n$ though the generator is the same: two that were computed on different numbers of faces cannot be compared.
# The README of TTUR recommends at least 10,000 pictures.
# Nor is coverage free of it, once a generator is not perfect: of `noise`, on two seeds for trying, it was above three quarters with 500 faces, and below a fifth with 2,000.
#
# The measures with balls have another reason to be wrong here.
# Our faces come in 192 kinds, by their named factors, and where a kind has no more than $k$ faces in the sample, its balls must reach into the next kind.

# %% [markdown]
# ## Break it
#
# Each of these mistakes gives plausible numbers; our tests plant each of them.
#
# <details><summary>Eleven mistakes</summary>
#
# - **Its own neighbour**: a point counts as its own first neighbour, so that balls reach to number $k - 1$; exercise 4 is about it.
# - **With the surface**: a point on the surface is inside; copies of copies then lie in balls of radius zero.
# - **One radius for all**: the mean radius takes the place of each ball's own.
# - **The other way round**: recall uses the real balls, too.
# - **Any for how many**: density counts whether, not in how many balls.
# - **Not divided by k**: density of identical laws is then $k$.
# - **Fakes for reals**: coverage takes the share of fakes, and is precision under another name.
# - **Roots left out**: the Fréchet distance keeps its two traces and forgets what is taken off them.
# - **Root of each entry**: product and root are taken number by number, so that the correlations drop out.
# - **Gap not squared**: the means are compared by their distance.
# - **One factor too few**: the closed form stops at $k - 1$.
#
# </details>
#
# Run the third from the end: two samples of one law, and the distance that they then have.

# %% tags=["results"]
rng = np.random.default_rng(0)
x, y = rng.normal(size=(2, 1000, 8)) @ rng.normal(size=(8, 8))
s, t = (np.cov(z, rowvar=False) for z in (x, y))
apart = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(
    s + t - 2 * np.sqrt(np.abs(s * t)))
print(f"root of each entry {apart:.3f}, root of the matrix "
      f"{frechet(x, y):.3f}")

# %% [markdown]
# The wrong one is smaller here, so a reader would rather be pleased than warned.
#
# ## Choose a damage
#
# One seed for trying, a thousand faces, and the damage of your choice in three strengths.
# Below are faces with each, then the measures; for the last five damages the strength is the share of faces that have it (eight tenths of it for `rare hats`).
# Which damage can you make strong without density noticing?

# %% tags=["figure"]
# @title Draw: one face, every damage, three strengths
steps = (0.25, 0.5, 1.0)
some = data.counterfactual(data.avatar_factors(3, 1002), hat=1)
grid = []
for step in steps:
    for arm in ARMS[1:]:
        g = torch.Generator().manual_seed(3)
        grid.append(damaged(arm, some, train, step, g)[1].clamp(-1, 1))
image_grid(torch.stack(grid), columns=7, size=0.75,
           titles=[*ARMS[1:], *[""] * 14],
           labels=[f"{step:g}" for step in steps],
           alt="Three rows, one a strength, of the same drawn face with a "
               "hat under seven damages; blur and noise grow from row to "
               "row, the others change the face or leave it.")

# %% tags=["figure"]
# @title Panel: a damage, its strength, five measures
got = {(arm, step): run(arm, 1000, strength=step, draws=1)
       for arm in ARMS[1:] for step in steps}
plain = run("fresh", 1000, draws=1)


def rows_of(values):
    rows = [["avatar-FD", f"{plain['FD']:.1f}", f"{values['FD']:.1f}"]]
    return rows + [[m, f"{plain[m]:.2f}", "█" * round(20 * values[m])
                    + f" {values[m]:.2f}"] for m in MEASURES]


order = ("noise", "blur", *ARMS[3:], "rare hats")
outcomes = {(i, j): rows_of(got[arm, step]) for i, arm in enumerate(order)
            for j, step in enumerate(steps)}
fig, ax = subplots(width=6.4, height=2.7)
for m, colour, mark in zip(MEASURES, ("rival", "fifth", "other", "method"),
                           "o^sv"):
    ax.plot((0, *steps), [plain[m], *(got["noise", s][m] for s in steps)],
            marker=mark, ms=5, color=palette[colour], label=m)
ax.set(xlabel="strength of the noise", ylabel="value", ylim=(0, 1.1),
       title="Under noise, recall is the last to move")
ax.legend(loc="lower left", fontsize=8)
choose([("damage", list(order)), ("strength", [f"{s:g}" for s in steps])],
       outcomes, columns=["measure", "fresh", "with the damage"],
       title="Choose a damage and see who notices",
       alt="Four lines of measures against the strength of noise: recall "
           "stays flat while precision falls, and density and coverage fall "
           "furthest.", fallback_fig=fig)

# %% [markdown]
# ## What we shrank
#
# | | papers and code | here |
# |---|---|---|
# | features | of a network trained on photographs; by a review of this paper also of an untrained one | 64 numbers of a small network trained on the factors |
# | samples | 10,000 in the README's example | 1,000 |
# | fakes | by trained generators | made, each with one damage |
#
# The README computes the four measures of two normal samples of 10,000 points in 1,000 dimensions: precision <!--=published.prdc_readme_precision-->0.4772<!--/-->, recall <!--=published.prdc_readme_recall-->0.4705<!--/-->, density <!--=published.prdc_readme_density-->1.0555<!--/-->, coverage <!--=published.prdc_readme_coverage-->0.9735<!--/-->.
#
# What this page cannot show: how an FID behaves, whose features are others; whether people agree with any of the five; what a real GAN does wrong, which is several things at once.
# The features know the factors by training, and a hat stands out in them; in features that do not, a missing hat may be harder to see, and noise easier.
#
# ## Tries
#
# <details><summary>Tries: five rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | 500 faces in the place of 1,000 | seeds from 1000 on | noise costs coverage and recall about the same; with a thousand they part |
# | a claim on copies by avatar-FD | seeds from 1000 on | copies nearer than fresh faces on each of fifteen seeds, by an amount that varies more than that of coverage, which was taken |
# | rare hats in raw pixels and in the features of an untrained network | two seeds from 1000 on | recall falls less than coverage there, in the trained features about as much |
# | `mirror` in raw pixels | three seeds from 1000 on | recall and coverage fall as little as in the features, density more, to about nine tenths |
# | the first run | seeds 0 to 4, once | the one that is reported |
#
# </details>
#
# ## In the lab
#
# The paper was made at Clova; Y. Choi, one of its authors, is the first author of [StarGAN](stargan.ipynb), and with Y. Uh and J. Yoo of StarGAN v2.
# FID is what StarGAN v2 and FSMR report.
# [The chapter](../../chapters/4-generation.md) quotes those numbers.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Three real points and three fakes follow one law, and $k$ is 2: what is the mean coverage?
# And with a thousand of each, what is the least $k$ at which it is above `0.95`?

# %% tags=["exercise"]
mean_of_three, least_k = ..., ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_three(pair):
    three, least = pair
    assert not near(three, 0.1), "That is the chance of an empty ball."
    assert not near(three, 0.8), ("The centre is no neighbour of itself: "
                                  "two other reals remain.")
    assert near(three, 0.9), ("Of the other five points, the two nearest "
                              "would have to be the two reals.")
    assert near(least, 5, rel=0), "Try one k after the other."

check("gan_metrics-1", (mean_of_three, least_k), judge_three,
      asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
mean_of_three = 1 - (2 * 1) / (5 * 4)
least_k = next(k for k in range(1, 20)
               if expected_coverage(1000, 1000, k) > 0.95)
check("gan_metrics-1", (mean_of_three, least_k), judge_three)

# %% [markdown]
# **2. Change and predict.**
# All fakes lie in one place, far from the reals, and $k$ is 5.
# One stray real point is added there, and its ball holds all the fakes.
# To what do precision and density rise from zero?

# %% tags=["exercise"]
precision_then, density_then = ..., ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_rise(pair):
    precise, dense = pair
    assert near(precise, 1), "Every fake lies in a real ball now."
    assert not near(dense, 1), "Each fake lies in one ball; divide by k."
    assert near(dense, 0.2), "How many balls is each fake in, out of k?"

check("gan_metrics-2", (precision_then, density_then), judge_rise,
      asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
precision_then, density_then = 1.0, 1 / 5
check("gan_metrics-2", (precision_then, density_then), judge_rise)

# %% [markdown]
# **3. Refute the claim.**
# "One stray raises density less than precision."
# Give a whole number $k$ from 1 to 10 that speaks against it.
# The check adds strays to 400 real faces on three seeds, and density must rise at least as much as precision on every one, up to one fake in a hundred.

# %% tags=["exercise"]
refuting_k = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_k(value):
    k = int(value)
    assert near(value, k, rel=0) and 1 <= k <= 10, (
        "k is a whole number from 1 to 10.")
    rises = [[moved(m, seed, n=400, k=k, strays=4)["raised"]
              for m in ("density", "precision")]
             for seed in (1000, 1001, 1002)]
    assert all(dense >= precise - 0.01 for dense, precise in rises), (
        "There precision rises more. By what is density divided?")

check("gan_metrics-3", refuting_k, judge_k, asks="a whole number")

# %% tags=["solution"]
# @title Solution of exercise 3
refuting_k = 1            # 1/k is no bound then; with 8 to 10 both rise little
check("gan_metrics-3", refuting_k, judge_k)

# %% [markdown]
# **4. Find the bug.**
# On two samples of one law, this function gives a coverage of about `0.94` for $k$ of 5, and nobody would suspect it.
# The formula gives more.
# Mend it: set `mended` to a function of `(real, fake, k)` that returns the coverage.

# %% tags=["exercise", "bug"]
def covered(real, fake, k):
    own = np.sort(cdist(real, real), axis=1)
    radius = own[:, :k].max(axis=1)
    return (cdist(real, fake).min(axis=1) < radius).mean()

mended = covered

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    rng = np.random.default_rng(3)
    for n, m, k in ((40, 40, 3), (30, 50, 1), (50, 20, 5)):
        real, fake = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
        got = function(real.copy(), fake.copy(), k)
        want = prdc(real, fake, k)["coverage"]
        bug = prdc(real, fake, k - 1)["coverage"] if k > 1 else 0.0
        assert not near(got, bug, rel=0, abs=1e-6), (
            "Which point is nearest to a real point in its own sample?")
        assert near(got, want, rel=0, abs=1e-6), (
            f"With {n} reals, {m} fakes and k = {k} it is another value.")

check("gan_metrics-4", mended, judge_mended,
      asks="a function of (real, fake, k)")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended(real, fake, k):
    own = np.sort(cdist(real, real), axis=1)
    radius = own[:, k]                        # number 0 is the point itself
    return (cdist(real, fake).min(axis=1) < radius).mean()

check("gan_metrics-4", mended, judge_mended)
