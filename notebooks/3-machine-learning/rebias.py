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
# # ReBias: be unlike a network that sees one pixel at a time
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/rebias.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | H. Bahng, S. Chun, S. Yun, J. Choo, S. J. Oh, [*Learning De-biased Representations with Biased Representations*](https://arxiv.org/abs/1910.02806), ICML 2020; we read the abstract and the table in the repository |
# | Official code | [clovaai/rebias](https://github.com/clovaai/rebias), `criterions/hsic.py`, `trainer.py` and `main_biased_mnist.py`, read at commit `79d1d1d` |
# | Rule read in | official code |
# | In the article | section 2.1, machine learning: networks that can be trusted |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); [shortcut cues](shortcut_cues.ipynb) |
# | Data | scikit-learn's handwritten digits, real, on backgrounds that we colour |
# | Time | <!--=bench.rebias.seconds-->29<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 훈련 영상에서 배경색이 거의 항상 숫자를 알려 주면 신경망은 숫자의 모양 대신 색을 보고 답하게 됩니다.
# ReBias는 한 번에 화소 하나만 볼 수 있어 색 말고는 거의 배울 수 없는 신경망을 함께 두고, 그 표현과 독립인 표현을 학습하도록 합니다.
# 이 페이지는 훈련 영상의 95%가 자기 색을 가진 숫자 데이터에서, 모든 색을 입힌 시험 숫자에 대한 정확도와 색을 따라 답하는 비율을 시드 일곱 개로 측정합니다.
# ReBias는 보통의 학습보다 정확도가 높고 색을 덜 따르지만, 편향된 신경망을 경쟁 없이 학습시켜도 정확도가 같은 수준이고 전혀 학습시키지 않아도 이득의 대부분이 남습니다.
# 작은 영상과 작은 신경망에서 얻은 결과이며, 시험용 시드 두 개에서는 같은 편향 신경망의 답을 학습 중에 곱하는 더 간단한 방법이 ReBias보다 훨씬 많은 숫자를 바르게 읽습니다.
#
# **In short.**
# Can a network be kept from a shortcut by making it unlike a second network that can learn next to nothing else?
# Where the background tells the digit in 95 of 100 training pictures, plain training reads <!--=rebias-unbiased.mean.vanilla-->0.56<!--/--> of digits on all backgrounds and ReBias <!--=rebias-unbiased.mean.rebias-->0.61<!--/-->, with a weight and a kernel that we searched; a second network trained without the paper's game gives <!--=rebias-game.mean.no_game-->0.60<!--/-->, and one that nobody trained <!--=rebias-untrained.mean.untrained-->0.60<!--/-->.
# It does not show photographs, deep networks or biases harder to see than a colour; and on two seeds for trying, a simpler use of the same second network reads many more digits, and pays on their own colours.

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
import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import (check, claim, compare, data, draw_claim, image_grid,
                     known, near, overview, remember)
from lab1784.figures import subplots
from lab1784.interactive import choose

torch.set_num_threads(1)

# %% [markdown]
# ## The same digit on ten backgrounds
#
# Each digit has a colour of its own: zeros stand on red, ones on green, and so on.
# In training, 95 of 100 digits of a class stand on their own colour, and the rest on the nine others in turn.
# The share is called $\rho$, and the data set is a small Biased-MNIST.
# In the test every digit stands on every colour, one after the other, so that colour and digit are exactly independent.

# %% tags=["figure"]
# @title Draw: ten training pictures, and one test digit ten times
c = data.coloured_digits(1000, 0.95)
first = torch.stack([c.train_images[(c.train_labels == k)
                                    & (c.train_colours == k)][0]
                     for k in range(10)])
three = data.on_all_colours(c.test_images[c.test_labels == 3][:1])[0]
image_grid(torch.cat([first, three]), columns=10, size=0.7,
           labels=["training", "test"],
           alt="Two rows of ten small pictures. Above, the digits 0 to 9, "
               "each on a background of its own colour. Below, one and the "
               "same 3 on all ten backgrounds.")

# %% [markdown]
# In training the background is nearly always enough.
# A regularity of the training data that need not hold elsewhere is a **bias** (편향), and a rule that uses it a **shortcut** (지름길).
#
# One could collect digits on other backgrounds, or tell the network what the colour is.
# The paper asks for less: we need not name the bias, we need only build a network that can learn *little but* the bias.
#
# ## The idea: independent of a network that is biased by design
#
# Two networks look at the same pictures.
# The first, $f$, sees the whole picture.
# The second, $g$, is **biased by design** (설계상 편향): its convolutions are one pixel wide, and the mean over all pixels follows, so it can count colours and cannot see a shape; how much ink there is, it sees too, which tells next to nothing of the digit.
# Each has a **representation** (표현), the vector before its last layer.
# $f$ is trained to read the digits with a representation that is independent of $g$'s.
#
# Independence is measured by the **Hilbert-Schmidt independence criterion** (힐베르트-슈미트 독립성 기준), HSIC.
# Let $K_{ij}$ tell how alike pictures $i$ and $j$ are to $f$, and $L_{ij}$ how alike they are to $g$.
# HSIC is large if pairs that are alike to one are alike to the other, and, with the kernel of this page and over all pictures that there could be, zero only if the two representations are independent.
#
# With $\mathcal L$ the cross-entropy and a weight $\lambda$ the paper plays a game:
#
# $$g:\ \min\ \mathcal L(g) - \lambda\, \mathrm{HSIC}(g, f), \qquad f:\ \min\ \mathcal L(f) + \lambda\, \mathrm{HSIC}(f, g).$$
#
# $f$ runs away and $g$ runs after it, so that $f$ is to be independent of all that such a network could represent.

# %% [markdown]
# ## The technique
#
# How alike two representations $z_i$ and $z_j$ are is told by a **kernel** (커널), $\exp(-\lVert z_i - z_j \rVert^2 / 2\sigma^2)$.
# The code's entry for Biased-MNIST sets $\sigma$ to 1; that for ImageNet sets $\sigma^2$ to the median of all squared distances, a picture's from itself among them, for $f$ and for $g$ apart, after every epoch; in $g$'s move the two widths are interchanged there.
# We take the median of each batch anew, each network's own in both moves and without a gradient; the other setting is run as well.

# %% tags=["technique"]
def rbf(z, sigma=None):
    """Kernel of every pair of representations.

    z: (N, d).  sigma: the width, or None for the root of the median
    squared distance.  Returns (N, N).
    Source: RbfHSIC in hsic.py, median_distance in sigma_utils.py.
    """
    inner = z @ z.T                                          # (N, N)
    square = inner.diagonal()
    apart = (square[:, None] + square - 2 * inner).clamp(min=0)
    if sigma is None:
        variance = apart.detach().median().clamp(min=1e-6)
    else:
        variance = sigma ** 2
    return torch.exp(-apart / (2 * variance))

# %% [markdown]
# HSIC must be estimated from a batch, and the usual estimate is too large: each picture is like itself.
# The **unbiased** (불편) estimate of Song and others leaves the diagonal out, $\tilde K = K$ with zeros on it, and with $m$ pictures it is
#
# $$\frac{1}{m(m-3)}\left[\operatorname{tr}\tilde K \tilde L + \frac{\mathbf 1^\top \tilde K \mathbf 1\ \mathbf 1^\top \tilde L \mathbf 1}{(m-1)(m-2)} - \frac{2}{m-2}\, \mathbf 1^\top \tilde K \tilde L\, \mathbf 1\right].$$
#
# The official line for $\tilde K$ is `K - torch.diag(K)`.
# That subtracts a row from every row, and the diagonal stays.
# We write what the formula says, and look at the difference below.

# %% tags=["technique"]
def hsic(K, L):
    """Unbiased estimate of HSIC from two kernel matrices.

    K, L: (m, m), symmetric, m > 3.  Returns a number, which may be below
    zero.  Source: Song et al., 2012, as cited in hsic.py.
    """
    m = len(K)
    off = 1 - torch.eye(m, dtype=K.dtype)
    K, L = K * off, L * off
    return ((K * L).sum() + K.sum() * L.sum() / ((m - 1) * (m - 2))
            - 2 * (K.sum(0) @ L.sum(0)) / (m - 2)) / (m * (m - 3))

# %% [markdown]
# Then the two networks.
# The paper's $f$ has convolutions seven pixels wide; ours has two full layers, of 192 and 48 units, for a picture of eight pixels is hardly wider than that.
# $g$ has two layers of 8 and 24 channels; BatchNorm and ReLU follow each layer of both.

# %% tags=["technique"]
class Whole(nn.Module):
    """f.  x: (N, 3, 8, 8) -> logits (N, 10), representation (N, 48)."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(192, 192), nn.BatchNorm1d(192),
            nn.ReLU(), nn.Linear(192, 48), nn.BatchNorm1d(48), nn.ReLU())
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        z = self.body(x)
        return self.head(z), z

# %% tags=["technique"]
class OnePixel(nn.Module):
    """g.  x: (N, 3, S, S) -> logits (N, 10), representation (N, 24).
    Source: SimpleConvNet with kernel_size=1 in mnist_models.py."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 24, 1), nn.BatchNorm2d(24), nn.ReLU())
        self.head = nn.Linear(24, 10)

    def forward(self, x):
        z = self.body(x).mean(dim=(2, 3))
        return self.head(z), z

# %% [markdown]
# One step of the game.
# $g$ moves first, then $f$ against the new $g$, each with the other held fixed, as in the official trainer.
# There $f$ is computed once for each move; its weights have not changed in between, so we compute it once.
# Where `lam_g` is None, $g$ stays as it is.

# %% tags=["technique"]
def descend(adam, loss):
    """One step of one optimizer."""
    adam.zero_grad()
    loss.backward()
    adam.step()

# %% tags=["technique"]
def rebias_step(f, g, f_adam, g_adam, x, y, lam, lam_g, sigma=None):
    """g runs after f, then f runs away from the new g.

    x, y: pictures (N, 3, S, S) and digits (N,).  lam, lam_g: weights of
    HSIC for f and for g; lam_g None leaves g as it is.
    Source: _update_g and _update_f in trainer.py.
    """
    logits, z_f = f(x)
    if lam_g is not None:
        guess, z_g = g(x)
        loss = F.cross_entropy(guess, y)
        if lam_g != 0:
            alike = hsic(rbf(z_g, sigma), rbf(z_f.detach(), sigma))
            loss = loss - lam_g * alike
        descend(g_adam, loss)
    with torch.no_grad():
        z_g = g(x)[1]
    alike = hsic(rbf(z_f, sigma), rbf(z_g, sigma))
    descend(f_adam, F.cross_entropy(logits, y) + lam * alike)

# %% [markdown]
# ## Is that HSIC?
#
# The estimate is a mean over all ordered quadruples of different pictures: $K_{ij}\,(L_{ij} + L_{kl} - 2 L_{ik})$; with seven points, 840 terms.
# The official line is put beside it, with the kernel of the paper and with a linear one, $K_{ij} = z_i^\top z_j$.

# %% tags=["results"]
def by_hand(K, L):
    """The mean over all ordered quadruples of different indices."""
    return np.mean([float(K[i, j] * (L[i, j] + L[k, n] - 2 * L[i, k]))
                    for i, j, k, n in itertools.permutations(
                        range(len(K)), 4)])


def official(K, L):
    """The same formula with the official line for the diagonal."""
    m, K, L = len(K), K - torch.diag(K), L - torch.diag(L)
    return ((K @ L).trace() + K.sum() * L.sum() / ((m - 1) * (m - 2))
            - 2 * (K.sum(0) @ L.sum(0)) / (m - 2)) / (m * (m - 3))


rng = torch.Generator().manual_seed(0)
a = torch.randn(7, 2, generator=rng, dtype=torch.float64)
b = a ** 2
print("              quadruples    formula   official line")
for name, K, L in (("paper's kernel", rbf(a, 1.0), rbf(b, 1.0)),
                   ("linear kernel", a @ a.T, b @ b.T)):
    print(f"{name:14s} {by_hand(K, L):9.4f}  {hsic(K, L).item():9.4f}"
          f"       {official(K, L).item():9.4f}")
assert abs(by_hand(a @ a.T, b @ b.T) - hsic(a @ a.T, b @ b.T)) < 1e-9

# %% [markdown]
# With the paper's kernel the official line gives the right number: every diagonal entry is 1, so the line subtracts 1 everywhere: the diagonal becomes zero, and the formula does not change when a constant is added to all entries off the diagonal.
# With a linear kernel it is wrong.
# A trap for whoever changes the kernel, and harmless in the paper's runs.
#
# If $g$'s rows are shuffled, an unbiased estimate must be zero on average.

# %% tags=["results"]
def biased(K, L):
    """The estimate that keeps the diagonal (biased_estimator in hsic.py)."""
    K, L = K - K.mean(0), L - L.mean(0)
    return (K @ L).trace() / (len(K) - 1) ** 2


a = torch.randn(30, 2, generator=rng, dtype=torch.float64)
K, L = rbf(a), rbf(a ** 2)
shuffles = [torch.randperm(30, generator=rng) for _ in range(1000)]
for name, estimate in (("unbiased", hsic), ("diagonal kept", biased)):
    null = [estimate(K, L[p][:, p]).item() for p in shuffles]
    print(f"{name:13s}  as it is {estimate(K, L).item():.4f}, "
          f"mean of 1,000 shuffles {np.mean(null):.4f}")

# %% [markdown]
# ## Predict
#
# $\rho$ is `0.95`: of some 1,200 training pictures about sixty are not on their own colour.
#
# - (a) A net trained as usual reads most digits on all backgrounds: the exceptions are enough.
# - (b) ReBias reads more of them, and pays on digits that stand on their own colour.
# - (c) ReBias reads more of them, and pays next to nothing.
#
# Then $g$ is weakened.
# First it learns the digits and does not run after $f$; then it is left as it was drawn, and learns nothing at all.
#
# - (d) Without the game the gain is gone: $f$ hides where $g$ does not look.
# - (e) The gain stays without the game, and is gone where $g$ learns nothing.
# - (f) The gain stays in both cases.

# %% [markdown]
# ## The experiment
#
# The **unbiased accuracy** (비편향 정확도) is the share of 6,000 test pictures, 600 digits on ten colours, that are read rightly: higher is better.
# A picture is said to **follow the colour** if it does not stand on its own colour and is given the colour's digit: lower is better, and a network that ignores colours does so by mistake only.
#
# | arm | what $f$ is trained with |
# |---|---|
# | `vanilla` | cross-entropy alone: the rival, as named in the paper |
# | `whole` | HSIC to a network of the build of $f$, which keeps the weights it was drawn with |
# | `untrained` | HSIC to a $g$ one pixel wide, which keeps the weights it was drawn with |
# | `no_game` | HSIC to a $g$ trained by cross-entropy alone |
# | `rebias` | HSIC to a $g$ that plays the game; $\lambda = 20$, $\sigma$ by the median |
#
# All take 200 steps of Adam with batches of 100 and a rate that falls to a tenth after two thirds.
# On seeds from 1000 on, with an $f$ of 48 units, the rate was searched over `0.001`, `0.002`, `0.005`, `0.01`, `0.02` and `0.05` for `vanilla` and from `0.002` on for ReBias.
# The page takes `0.01`; with its own $f$, on six of these seeds, half of it gave ReBias a little more and `vanilla` a little less, and twice of it less to both.
# More weight decay, dropout, noise on the pictures, smoothed labels or twice the steps gave `vanilla` nothing there.
# $\lambda$ was searched over 1, 5, 10, 20, 40 and more; for ReBias 5 to 40 make little difference, and at 5 as at 20 `whole` stays behind `untrained`.

# %% tags=["experiment"]
ARMS = ("vanilla", "whole", "untrained", "no_game", "rebias")


@remember(most=64)
def trained(arm, seed, strength, rho, lam, sigma, steps, lr):
    """f and g of one arm after training, in evaluation mode."""
    c = data.coloured_digits(seed, rho)
    x, y = 2 * c.train_images - 1, c.train_labels
    torch.manual_seed(seed)
    f, g = Whole(), Whole() if arm == "whole" else OnePixel()
    adams = [torch.optim.Adam(net.parameters(), lr=lr, weight_decay=1e-4,
                              fused=True)
             for net in (f, g)]
    lam *= strength
    lam_g = {"whole": None, "untrained": None, "no_game": 0.0}.get(arm, lam)
    draw, order = torch.Generator().manual_seed(seed), torch.empty(0)
    for step in range(steps):
        if len(order) < 100:
            order = torch.randperm(len(y), generator=draw)
        rows, order = order[:100], order[100:]
        for adam in adams:
            late = step >= 2 * steps / 3
            adam.param_groups[0]["lr"] = lr / 10 if late else lr
        if arm == "vanilla":
            descend(adams[0], F.cross_entropy(f(x[rows])[0], y[rows]))
        else:
            rebias_step(f, g, *adams, x[rows], y[rows], lam, lam_g, sigma)
    return f.eval(), g.eval()

# %% [markdown]
# `strength` scales $\lambda$; at 0 the code of ReBias must give what `vanilla` gives.
# `own` is the accuracy of $f$ on digits that stand on their own colour.

# %% tags=["experiment"]
@torch.no_grad()
def answers(net, images):
    """The digit named for each picture.  images: (N, 10, 3, S, S), each
    digit on each colour.  Returns (N, 10)."""
    x = 2 * images.flatten(0, 1) - 1
    return net(x)[0].argmax(dim=1).view(-1, 10)


def run(arm, seed, strength=1.0, rho=0.95, lam=20.0, sigma=None, steps=200,
        lr=0.01):
    """Shares of the test pictures, all between 0 and 1.

    unbiased: read rightly, on all colours.   own: on their own colour.
    follows:  of those on another colour, given the colour's digit.
    """
    known(arm, ARMS, "arm")
    c = data.coloured_digits(seed, rho)
    images, y = data.on_all_colours(c.test_images), c.test_labels[:, None]
    f, _ = trained(arm, seed, strength, rho, lam, sigma, steps, lr)
    told, colour = answers(f, images), torch.arange(10).expand(len(y), 10)
    own = colour == y
    return {"unbiased": (told == y).float().mean().item(),
            "follows": (told == colour)[~own].float().mean().item(),
            "own": (told == y)[own].float().mean().item()}

# %% [markdown]
# ## The claims
#
# Statement, rival and least effect were written down before the seeds below were run for the first time.
# Two floors come first: each $f$ reads digits on their own colour, and each trained $g$ knows the colours.

# %% tags=["results"]
def knows_colours(arm, seed):
    """Share of 600 test pictures to which g gives the colour's digit."""
    _, g = trained(arm, seed, 1.0, 0.95, 20.0, None, 200, 0.01)
    some = data.coloured_digits(seed, 0.95).test_images[:60]
    images = data.on_all_colours(some)
    return (answers(g, images) == torch.arange(10)).float().mean().item()


runs = compare(run, ARMS, seeds=range(7))
FLOOR = 0.95        # on their own colours the paper's have 100 in 100
assert all(runs.mean("own", arm) > FLOOR for arm in ARMS)
assert all(knows_colours(arm, seed) > FLOOR
           for arm in ("no_game", "rebias") for seed in runs.seeds)
unbiased = claim(
    "rebias-unbiased", "Where the background tells the digit in 95 of 100 "
    "training pictures, ReBias with a searched weight reads more digits on "
    "all backgrounds than plain training", runs, metric="unbiased",
    arm="rebias", baseline="vanilla", least=0.02, unit="unbiased accuracy",
    reason="that is a sixth of what the mean row of the paper's table gains",
    paper="de-biased representations generalise better", picture=False)
follows = claim(
    "rebias-follows", "Where the background tells the digit in 95 of 100 "
    "training pictures, a network trained by ReBias with a searched weight "
    "takes the colour for the digit less often than one trained as usual",
    runs, metric="follows", arm="rebias", baseline="vanilla",
    better="lower", least=0.04, unit="share of pictures on another colour",
    reason="that is an eighth of what plain training gives to the colour on "
    "the seeds for trying", paper="models are discouraged from taking bias "
    "shortcuts", picture=False)
game = claim(
    "rebias-game", "Where the background tells the digit in 95 of 100 "
    "training pictures, ReBias and the same training with a biased network "
    "that learns by cross-entropy alone read digits on all backgrounds "
    "equally well", runs, metric="unbiased", arm="no_game",
    baseline="rebias", kind="equal", margin=0.025, bad="vanilla",
    unit="unbiased accuracy", reason="that is half of what ReBias gains on "
    "the seeds for trying", picture=False)
untrained = claim(
    "rebias-untrained", "Where the background tells the digit in 95 of 100 "
    "training pictures, keeping a representation independent of that of an "
    "untrained one-pixel network makes a network read more digits on all "
    "backgrounds than keeping it independent of that of an untrained "
    "network which sees the whole picture", runs, metric="unbiased",
    arm="untrained", baseline="whole", least=0.01,
    unit="unbiased accuracy", reason="that is a fifth of what ReBias gains "
    "on the seeds for trying", picture=False)
print(runs.table())

# %% [markdown]
# (c): ReBias reads <!--=rebias-unbiased.mean.rebias:3-->0.608<!--/--> of the digits on all backgrounds, plain training <!--=rebias-unbiased.mean.vanilla:3-->0.557<!--/-->.
# The share that follows the colour falls from <!--=rebias-follows.mean.vanilla:3-->0.324<!--/--> to <!--=rebias-follows.mean.rebias:3-->0.249<!--/-->, and column `own` shows how little is paid on digits that stand on their own colour.
# (a) is half right: the exceptions teach plain training some of that, and not all.
#
# (f), by and large: without the game the accuracy is <!--=rebias-game.mean.no_game:3-->0.602<!--/-->, level with ReBias, and with a $g$ that learned nothing <!--=rebias-untrained.mean.untrained:3-->0.596<!--/-->, somewhat less on these seeds.
# What helps *here* is the term in the loss of $f$ and the build of $g$.
# That the build matters is told by `whole`: HSIC to an untrained network that sees the whole picture gives <!--=rebias-untrained.mean.whole:3-->0.575<!--/-->, more than plain training on this page and less than one pixel.
# Random weights on single pixels still tell backgrounds apart, so there may have been little left for $g$ to learn; where a bias has many faces, the game may matter, and this page has no such bias.

# %% tags=["figure"]
# @title Draw: all four claims
overview(unbiased, follows, game, untrained)

# %% tags=["details"]
# @title Every seed of every claim
for record in (unbiased, follows, game, untrained):
    draw_claim(record)

# %% [markdown]
# ## Where the accuracy lies
#
# One digit class a row, one background a column, and in each cell the share that is read rightly, over the seeds of the claims.
# A network that reads shapes has the same shade everywhere; one that reads colours has a diagonal.

# %% tags=["figure"]
# @title Panel: a digit, a background, and what the two networks say
def shares(arm):
    """(2, 10, 10): of digits k on colour j, the share that is read rightly
    and the share given the colour's digit, over the seeds of the claims."""
    hits = []
    for seed in runs.seeds:
        c = data.coloured_digits(seed, 0.95)
        f, _ = trained(arm, seed, 1.0, 0.95, 20.0, None, 200, 0.01)
        told = answers(f, data.on_all_colours(c.test_images))
        mine = [told[c.test_labels == k] for k in range(10)]
        hits.append([[(mine[k] == said).float().mean(dim=0).tolist()
                      for k, said in enumerate(wanted)] for wanted in (
                          range(10), [torch.arange(10)] * 10)])
    return np.mean(hits, axis=0)


names = ["red", "green", "blue", "yellow", "magenta", "cyan", "orange",
         "pink", "violet", "grey"]
plain, ours = shares("vanilla"), shares("rebias")
fig, axes = subplots(1, 2, width=7.2, height=4.3, sharey=True)
shades = [axes[0].imshow(plain[0], vmin=0, vmax=1, cmap="cividis"),
          axes[1].imshow(ours[0] - plain[0], vmin=-0.3, vmax=0.3,
                         cmap="PuOr_r")]
for ax, shade, title in zip(axes, shades, (
        "plain training lights the diagonal", "what ReBias adds")):
    ax.set(title=title, xlabel="background", xticks=range(10),
           yticks=range(10))
    ax.set_xticklabels(names, rotation=60, ha="right", fontsize=8)
    ax.grid(False)
    fig.colorbar(shade, ax=ax, shrink=0.6)
axes[0].set_ylabel("digit")
outcomes = {(k, j): [[name, f"{got[0, k, j]:.2f}", f"{got[1, k, j]:.2f}"]
                     for name, got in (("plain", plain), ("ReBias", ours))]
            for k in range(10) for j in range(10)}
choose([("digit", [str(k) for k in range(10)]), ("background", names)],
       outcomes, columns=["network", "read rightly",
                          "given the colour's digit"],
       title="Choose a digit and a background",
       alt="Two ten by ten maps, digits down and backgrounds across. Left, "
           "accuracy after plain training: the diagonal is brightest. "
           "Right, the difference that ReBias makes: little on the diagonal, "
           "and mostly a gain beside it.", fallback_fig=fig)

# %% [markdown]
# ## The paper's weight, and another use of g
#
# With $\lambda = 1$ and $\sigma = 1$, as set for Biased-MNIST, what is left of the gain?
# And what else can be done with $g$?
# The paper's rival LearnedMixin adds $g$'s answers, times a learned factor, to those of $f$ in training, so that $f$ need not say what the colour says already; in the test $f$ answers alone.
# Here the factor is left out, and nothing was searched.
# Two of the seeds for trying, and no claim:

# %% tags=["results"]
def mixture(seed):
    """f, trained on the sum of its logits and g's, and tested alone."""
    c = data.coloured_digits(seed, 0.95)
    torch.manual_seed(seed)
    f, g = Whole(), OnePixel()
    adams = [torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-4)
             for net in (f, g)]
    for step in range(200):
        rows = torch.randperm(len(c.train_labels))[:100]
        x, y = 2 * c.train_images[rows] - 1, c.train_labels[rows]
        for adam in adams:
            adam.param_groups[0]["lr"] = 0.01 if step < 134 else 0.001
        descend(adams[1], F.cross_entropy(g(x)[0], y))
        with torch.no_grad():
            told = g(x)[0]
        descend(adams[0], F.cross_entropy(f(x)[0] + told, y))
    right = (answers(f.eval(), data.on_all_colours(c.test_images))
             == c.test_labels[:, None]).float()
    own = right[range(len(right)), c.test_labels]
    return {"unbiased": right.mean().item(), "own": own.mean().item()}


print("                  unbiased      own")
for name, once in (
        ("plain", lambda seed: run("vanilla", seed)),
        ("ReBias", lambda seed: run("rebias", seed)),
        ("lam 1, sigma 1", lambda seed: run("rebias", seed, lam=1.0,
                                            sigma=1.0)),
        ("sum of answers", mixture)):
    two = [once(seed) for seed in (1000, 1001)]
    print(f"{name:16s}" + "".join(f"{np.mean([m[key] for m in two]):10.3f}"
                                  for key in ("unbiased", "own")))

# %% [markdown]
# The paper's setting does less here than ours.
# Its networks and distances are others, so this says that the setting does not carry over, and not that it was wrong.
#
# The sum reads many more digits on all backgrounds than any arm above, and pays on their own colour, where it stays below the floor of our claims.
# Independence is not the only use of such a $g$, nor the best one here.
#
# The paper's own table has four such rows, with far more pictures and rarer exceptions.
# The numbers are unbiased accuracies in per cent.
#
# | share $\rho$ | plain | RUBi | ReBias |
# |---|--:|--:|--:|
# | 999 in 1000 | <!--=published.rebias_mnist_999_vanilla-->10.4<!--/--> | <!--=published.rebias_mnist_999_rubi-->13.7<!--/--> | <!--=published.rebias_mnist_999_rebias-->22.7<!--/--> |
# | 997 | <!--=published.rebias_mnist_997_vanilla-->33.4<!--/--> | <!--=published.rebias_mnist_997_rubi-->43.0<!--/--> | <!--=published.rebias_mnist_997_rebias-->64.2<!--/--> |
# | 995 | <!--=published.rebias_mnist_995_vanilla-->72.1<!--/--> | <!--=published.rebias_mnist_995_rubi-->90.4<!--/--> | <!--=published.rebias_mnist_995_rebias-->76.0<!--/--> |
# | 990 | <!--=published.rebias_mnist_990_vanilla-->89.1<!--/--> | <!--=published.rebias_mnist_990_rubi-->93.6<!--/--> | <!--=published.rebias_mnist_990_rebias-->88.1<!--/--> |
# | mean | <!--=published.rebias_mnist_mean_vanilla-->51.2<!--/--> | <!--=published.rebias_mnist_mean_rubi-->60.2<!--/--> | <!--=published.rebias_mnist_mean_rebias-->62.7<!--/--> |
#
# ReBias has the best mean, by the two rows with the rarest exceptions; in the two others RUBi, another method with a biased network, is ahead, and in the last so is plain training.
# LearnedMixin is a little ahead of ReBias there, too, and loses most pictures on their own colour.
# In the public code the layer that these two rivals learn in addition is looked for where PyTorch does not keep it (`'fc' in self.outer_criterion.__dict__`), so it is never handed to an optimizer.
# Whether the published numbers came from these lines we do not know.

# %% [markdown]
# ## Break it
#
# Each of these mistakes trains without complaint; our tests plant each of them.
#
# <details><summary>Twelve mistakes</summary>
#
# - **The row in place of the diagonal**: the official line, right for the paper's kernel and wrong for a linear one.
# - **The diagonal kept**: every picture is like itself, and the estimate is too large.
# - **One degree too few**: a sum is divided by $m - 1$ where $m - 2$ belongs.
# - **The sign of the game**: $g$ runs away from $f$, too.
# - **The sign of f**: $f$ runs after $g$, and learns the colour all the better.
# - **g does not play**: the arm `no_game` under the name of ReBias; on this page nobody would notice by the accuracy.
# - **g before its move**: $f$ runs away from where $g$ has been.
# - **A gradient through the width**: $f$ can lower HSIC by changing $\sigma$.
# - **Width for variance**: $\sigma$ where $\sigma^2$ belongs.
# - **g sees three pixels**: then it can see pieces of shapes, and $f$ is driven from those as well.
# - **The brightest pixel for the mean**: $g$ sees the white ink and loses the background.
# - **The answers for the representation**: HSIC is taken between logits.
#
# </details>
#
# Run one that is easy to make: both signs turned, so that $f$ runs after $g$ and $g$ away from $f$, on one seed.

# %% tags=["results"]
for name, arm, strength in (("plain", "vanilla", 1.0),
                            ("ReBias", "rebias", 1.0),
                            ("turned", "rebias", -1.0)):
    got = run(arm, 1000, strength=strength)
    print(f"{name:7s} unbiased accuracy {got['unbiased']:.2f}, "
          f"follows the colour {got['follows']:.2f}")

# %% [markdown]
# ## What we shrank
#
# | | paper and code | here |
# |---|---|---|
# | pictures | MNIST, 28 pixels, $\rho$ from 990 to 999 in 1000 | digits of 8 pixels, some 1,200, $\rho$ of 95 in 100 |
# | $f$ | four convolutions, 7 pixels wide, mean over pixels | two full layers |
# | $g$ | the same, 1 pixel wide | two such layers |
# | $\lambda$, $\sigma$ | 1 and 1 for Biased-MNIST; for ImageNet the median | 20 and the median; 1 and 1 on two seeds |
# | training | 80 epochs; the last is saved, and the best on unbiased test digits | 200 steps, the last one |
# | test | a tenth of each digit on each colour | each digit on each colour |
# | other tests | ImageNet, videos | none |
#
# Who takes the epoch that is best on the unbiased test digits lets the choice and the score share their data; which one the paper's table has, we do not know.
#
# HSIC here is between $f$ and the colour *as such*, and colour and digit go together in training.
# So a representation that tells the digits cannot be independent of $g$'s on the training pictures, whichever way it reads them; the term can be lowered and not brought to zero, and with a large $\lambda$ the accuracy falls.
#
# What this page cannot show: whether a bias of texture is met by a $g$ that sees small patches; whether $g$ must learn there; how ReBias stands against RUBi, which is not an arm, and other rivals that were searched as well as it was.
# For ImageNet-A the README gives <!--=published.rebias_imagenet_a_rebias-->29.6<!--/--> % for ReBias and <!--=published.rebias_imagenet_a_vanilla-->24.9<!--/--> for plain training.
#
# ## Tries
#
# <details><summary>Tries: five rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | $f$ of convolutions with a mean over pixels; $\rho$ of 99 in 100 | seeds from 1000 on | every $f$ followed the colour nearly without exception, ReBias as well |
# | a rate of `0.002` | seeds from 1000 on | a larger gain for ReBias, as plain training had not finished; at a searched rate the gain is about half of that |
# | $f$ with 48 to 384 units | seeds from 1000 on | both arms gain from width and the difference stays; 192 is near the best of plain training |
# | $\lambda$ of 100 and more | seeds from 1000 on | follows the colour less, and reads fewer digits, for it masters the task less |
# | the first run | seeds 0 to 6, once | the one that is reported |
#
# </details>
#
# ## In the lab
#
# [Shortcut cues](shortcut_cues.ipynb) asks which shortcut a network takes; ReBias asks how to keep it from one that can be built.
# [CGL](cgl.ipynb) asks for fairness between groups, and one of the methods in its code takes this measure of independence.

# %% [markdown]
# ## Exercises
#
# **1. Compute.**
# A network answers with the colour's digit in three of ten pictures, whatever the digit, and reads all others rightly.
# What is its unbiased accuracy, over all ten colours alike?
# And what is its accuracy on pictures of which 95 in 100 stand on their own colour?
# Give both as shares.

# %% tags=["exercise"]
on_all, on_training = ..., ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_mixture(pair):
    every, biased_share = pair
    assert not near(every, 0.7), ("On its own colour the colour's digit is "
                                  "right, too.")
    assert near(every, 0.73, rel=0.005), ("Right by reading, or right by the "
                                          "colour: how often is each?")
    assert near(biased_share, 0.985, rel=0.002), (
        "In 95 of 100 pictures the colour is right.")

check("rebias-1", (on_all, on_training), judge_mixture, asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
on_all, on_training = 0.7 + 0.3 * 0.1, 0.7 + 0.3 * 0.95
check("rebias-1", (on_all, on_training), judge_mixture)

# %% [markdown]
# The second is the one that is seen in training.
#
# **2. Change and predict.**
# All numbers of $f$'s representation become three times as large.
# By what factor does HSIC change with the kernel of this page and $\sigma$ by the median?
# And with a linear kernel?

# %% tags=["exercise"]
factor_median, factor_linear = ..., ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_factor(pair):
    median, linear = pair
    rng = torch.Generator().manual_seed(5)
    z = torch.randn(40, 3, generator=rng, dtype=torch.float64)
    L = rbf(z ** 2)
    want = [(hsic(k(3 * z), L) / hsic(k(z), L)).item()
            for k in (rbf, lambda z: z @ z.T)]
    assert near(median, want[0], rel=0.01), ("The width is measured on what "
                                             "became larger.")
    assert not near(linear, 3), "A product has two factors."
    assert near(linear, want[1], rel=0.01), "Look at one entry of K."

check("rebias-2", (factor_median, factor_linear), judge_factor,
      asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
factor_median, factor_linear = 1, 9
check("rebias-2", (factor_median, factor_linear), judge_factor)

# %% [markdown]
# With the median, $f$ cannot lower the term by making its numbers small.
#
# **3. Refute the claim.**
# "ReBias reads more digits on all backgrounds than plain training."
# Give a `rho` from `0.5` to `0.97` and a `lam` from 1 to 1000 that speak against it.
# The check trains both on two seeds with 60 steps, and ReBias must read fewer on both.

# %% tags=["exercise"]
against = (..., ...)

# %% tags=["check"]
# @title Check of exercise 3
def judge_against(pair):
    rho, lam = (float(v) for v in pair)
    assert 0.5 <= rho <= 0.97 and 1 <= lam <= 1000, (
        "rho lies between 0.5 and 0.97, lam between 1 and 1000.")
    got = np.array([[run(arm, seed, rho=rho, lam=lam, steps=60)["unbiased"]
                     for arm in ("rebias", "vanilla")]
                    for seed in (1000, 1001)])
    worse = got[:, 0] < got[:, 1] - 0.01
    assert worse.any(), ("There ReBias is ahead, or level. What happens if "
                         "independence is all that counts?")
    assert worse.all(), "There one seed says so and the other does not."

check("rebias-3", against, judge_against, asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 3
against = (0.95, 500)
check("rebias-3", against, judge_against)

# %% [markdown]
# **4. Find the bug.**
# This function is right with the paper's kernel, and wrong with a linear one.
# Mend it: set `mended_hsic` to a function of `(K, L)`, two tensors, that returns the unbiased estimate.

# %% tags=["exercise", "bug"]
def dependence(K, L):
    m = len(K)
    K, L = K - torch.diag(K), L - torch.diag(L)
    return ((K @ L).trace() + K.sum() * L.sum() / ((m - 1) * (m - 2))
            - 2 * (K.sum(0) @ L.sum(0)) / (m - 2)) / (m * (m - 3))

mended_hsic = dependence

# %% tags=["check"]
# @title Check of exercise 4
def judge_hsic(function):
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        a = torch.randn(6, 2, generator=rng, dtype=torch.float64)
        b = a[:, :1] + torch.randn(6, 1, generator=rng, dtype=torch.float64)
        for kernel in (lambda z: z @ z.T, rbf):
            K, L = kernel(a), kernel(b)
            got = float(function(K.clone(), L.clone()))
            assert near(got, hsic(K, L).item(), rel=1e-6), (
                "It is not the mean over quadruples. What does K lose, "
                "entry by entry?")

check("rebias-4", mended_hsic, judge_hsic, asks="a function")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended_hsic(K, L):
    m = len(K)
    K, L = K - torch.diag(K.diagonal()), L - torch.diag(L.diagonal())
    return ((K @ L).trace() + K.sum() * L.sum() / ((m - 1) * (m - 2))
            - 2 * (K.sum(0) @ L.sum(0)) / (m - 2)) / (m * (m - 3))

check("rebias-4", mended_hsic, judge_hsic)
