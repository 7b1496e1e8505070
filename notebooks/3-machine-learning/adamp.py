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
# # AdamP: the step that shrinks because the weights grow
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/adamp.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | B. Heo, S. Chun, S. J. Oh, D. Han, S. Yun, G. Kim, Y. Uh, J.-W. Ha, [*AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights*](https://openreview.net/forum?id=Iz3zU3M316D), ICLR 2021 |
# | Official code | [clovaai/AdamP](https://github.com/clovaai/AdamP), `adamp/adamp.py` and `adamp/sgdp.py`, read at commit `7f6f038` |
# | In the article | section 2.1, machine learning, third technique |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); momentum, Adam and batch normalisation in PyTorch |
# | Data | drawn quadratics; scikit-learn's real digits |
# | Time | <!--=bench.adamp.seconds-->33<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 배치 정규화가 뒤따르는 층에서는 가중치의 길이가 출력을 바꾸지 않고, 대신 한 걸음의 크기를 나눕니다.
# 모멘텀은 이 길이를 빠르게 키우므로 유효 스텝 크기가 예정보다 일찍 줄어듭니다.
# AdamP와 SGDP는 업데이트에서 가중치와 나란한 성분을 빼며, 그렇게 해도 되는 층은 기울기와 가중치의 각도로 스스로 찾습니다.
# 이 장은 가중치의 길이, 유효 스텝 크기, 반복 횟수를 다섯 시드로 재고, 길이가 자라는 법칙을 부동소수점 정밀도까지 확인합니다.
# 정확도 이득은 이 크기에서 보이지 않고, 가중치 감쇠로도 같은 속도가 나오며, 훈련 손실은 오히려 조금 높고 학습률을 일정하게 두면 크게 높습니다.

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
import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from lab1784 import check, claim, compare, palette, show
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## A length that nobody sees
#
# Take a linear layer that is followed by batch normalisation (배치 정규화), and multiply all its weights by ten.
# The normalisation divides the factor out again, so the output should stay where it was.
# The cell below does this and prints three things: the largest change of any output, the length of the gradient for both versions, and the angle between gradient and weights as a cosine, next to the cosine of two unrelated directions.

# %%
torch.manual_seed(7)
x, target = torch.randn(50, 64), torch.randn(50, 64)
first = torch.randn(64, 64) / 8
outputs, lengths, cosines = [], [], []
for scale in (1.0, 10.0):
    w = (scale * first).requires_grad_()
    outputs.append(nn.BatchNorm1d(64)(x @ w.T))              # (50, 64)
    F.mse_loss(outputs[-1], target, reduction="sum").backward()
    lengths.append(w.grad.norm().item())
    cosines.append(F.cosine_similarity(w.grad, w, dim=1).abs().max().item())
change = (outputs[1] - outputs[0]).abs().max().item()
print(f"largest change of an output: {change:.1e}")
print(f"length of the gradient: {lengths[0]:.2f} and {lengths[1]:.2f}")
chance = F.cosine_similarity(torch.randn(64, 64), first, dim=1).abs().max()
print(f"largest |cos| of a row's gradient and the row: {max(cosines):.1e}")
print(f"largest |cos| of a random direction and the row: {chance:.2f}")

# %% [markdown]
# The function has not changed, the gradient is ten times shorter, and it stands at a right angle to the weights.
# Such weights are **scale-invariant** (척도 불변): $f(c\,w) = f(w)$ for every $c > 0$.
# Both observations follow from that line by taking a derivative, once along $w$ and once in any other direction:
#
# $$w \cdot \nabla f(w) = 0, \qquad \nabla f(c\,w) = \tfrac{1}{c}\, \nabla f(w).$$
#
# So a gradient never points towards the origin or away from it, and the longer the weights are, the shorter it is.
# According to the authors more than <!--=published.adamp_scale_invariant_share-->90<!--/--> % of the weights of a ResNet are of this kind.
#
# What the network sees is only the direction $\hat w = w / \lVert w \rVert$.
# A gradient step of size $\eta$ turns it by about $\eta\,\lVert\nabla f(\hat w)\rVert / \lVert w\rVert^2$: one factor $1/\lVert w\rVert$ because the gradient is shorter, one because the same shift turns a longer vector less.
# We call $\eta / \lVert w \rVert^2$ the **effective learning rate** of gradient descent (Adam divides the gradient by its own size, so for Adam one factor $1/\lVert w\rVert$ remains), and the turn itself, $\lVert \hat w_{t+1} - \hat w_t \rVert$, the **effective step size** (유효 스텝 크기).

# %% [markdown]
# ## Momentum walks away from the origin
#
# Two dimensions are enough to see the fault.
# Let $f(w) = -\cos\angle(w, w^\star)$, the toy of the authors' project page: the loss depends on the angle alone, and every point of a ray from the origin is as good as any other.
# `walk` follows three optimisers by hand: gradient descent, gradient descent with momentum (모멘텀) $p_t = \beta p_{t-1} + \nabla f(w_t)$, and one that we get to in a moment.
# First the two that everybody uses, with the same learning rate and from the same start.

# %%
def walk(beta, project, steps=60, lr=0.05):
    """Path of w in the plane, (steps + 1, 2); the optimum is to the right."""
    goal, p = np.array([1.0, 0.0]), np.zeros(2)
    path = [np.array([math.cos(2.6), math.sin(2.6)])]
    for _ in range(steps):
        w, length = path[-1], np.linalg.norm(path[-1])
        hat = w / length
        p = beta * p - (goal - (hat @ goal) * hat) / length
        if project:
            p = p - (hat @ p) * hat
        path.append(w - lr * p)
    return np.array(path)


def draw_walks(title, alt, **walks):
    fig, (left, right) = subplots(1, 2, width=7.6, height=3.3,
                                  width_ratios=[1.5, 1])
    grid = np.mgrid[-2:5:140j, -1.2:3.4:92j]
    loss = -grid[0] / np.hypot(*grid)
    left.contourf(*grid, loss, 8, cmap="Greys", alpha=0.45)
    left.plot(0, 0, "+", color=palette["ink"], ms=9)
    left.text(4.9, -0.1, "best direction →", fontsize=9, ha="right",
              va="top")
    for (name, path), colour in zip(walks.items(),
                                    ("plain", "rival", "method")):
        left.plot(*path.T, "o-", color=palette[colour], ms=2.4, lw=1.1)
        right.plot(1 / (path ** 2).sum(1), color=palette[colour], label=name)
    left.grid(False)
    left.set(xlabel="first weight", ylabel="second weight", title=title,
             aspect="equal")
    right.set(xlabel="step", ylim=(0, 1.05), title="1 / |w|², step by step",
              ylabel="effective learning rate / η")
    right.legend(fontsize=8, loc=(0.3, 0.23))
    show(fig, alt)


draw_walks("Momentum (orange) leaves the circle",
           "Left, a plane shaded by a loss that depends on the angle only. "
           "Gradient descent moves along a circle around the origin; "
           "momentum spirals outwards. Right, the effective learning rate "
           "of gradient descent stays near one, that of momentum falls.",
           **{"gradient descent": walk(0.0, False),
              "momentum": walk(0.9, False)})

# %% [markdown]
# Each dot is a step, the shade is the loss, and the distance from the cross is $\lVert w \rVert$.
# Gradient descent (grey) stays close to the circle on which it began.
# Momentum turns faster at first, and it is thrown outwards, like a car that takes a bend too fast.
# Out there a step of the same size is a smaller turn, so the dots of the last third hardly advance.
# The gradient also fades near the goal; the right-hand panel shows the part that is due to the length.
# The authors print the final length of their own run on this toy: from 1 to <!--=published.adamp_toy_norm_090-->2.93<!--/--> with $\beta = 0.9$, and to <!--=published.adamp_toy_norm_099-->27.87<!--/--> with $\beta = 0.99$.
#
# That is the fault, and its name is in the title of the paper: a *slowdown*, and one that comes too early.
# The article says of AdamP that it cures convergence that is too fast; what is too fast is the decay of the step (see the [source notes](../../chapters/source-notes.md), E4).

# %% [markdown]
# ## The law of growth
#
# How fast does $\lVert w\rVert$ grow?
# Gradients at a right angle to $w$ suggest that only Pythagoras lengthens it, a little each step, and this is where intuition goes wrong.
# The gradient $\nabla f(w_t)$ is at a right angle to $w_t$.
# The older gradients inside $p_t$ were at a right angle to *older* weights.
# Write the step as $w_{t+1} = w_t - \eta\, p_t$ with $p_t = \beta p_{t-1} + \nabla f(w_t)$ and $p_{-1} = 0$.
# Because the newest gradient drops out,
#
# $$w_t \cdot p_t = \beta\, w_t \cdot p_{t-1} = \beta\,(w_{t-1} - \eta p_{t-1}) \cdot p_{t-1} = \beta\left(w_{t-1}\cdot p_{t-1} - \eta \lVert p_{t-1}\rVert^2\right).$$
#
# Unroll this down to $t = 0$ and put it into $\lVert w_{t+1}\rVert^2 = \lVert w_t\rVert^2 - 2\eta\, w_t\cdot p_t + \eta^2\lVert p_t\rVert^2$:
#
# $$\lVert w_{t+1}\rVert^2 = \lVert w_t\rVert^2 + \eta^2\lVert p_t\rVert^2 + 2\eta^2 \sum_{k=0}^{t-1} \beta^{\,t-k}\, \lVert p_k\rVert^2 .$$
#
# The [paper](https://arxiv.org/abs/2006.08217) states this law as a lemma.
# For a scale-invariant $f$ it holds exactly, at every step and for any constant learning rate; $f$ may be another batch at every step.
# The first two terms are Pythagoras: a step at a right angle lengthens $w$ a little.
# The last term is what momentum adds.
# Summed over a long run, every $\lVert p_k\rVert^2$ is counted $1 + 2(\beta + \beta^2 + \dots)$ times instead of once.
# Compared with steps of the same lengths at right angles, the growth of $\lVert w\rVert^2$ is multiplied by
#
# $$1 + \frac{2\beta}{1-\beta},$$
#
# which is 19 for $\beta = 0.9$.

# %% [markdown]
# ## The idea: take out the part that points along the weights
#
# If the useless part of the step is the part along $w$, remove it.
# With $\hat w = w/\lVert w\rVert$ the **projection** (투영) onto the directions at a right angle to $w$ is
#
# $$\Pi_w(p) = p - (\hat w \cdot p)\,\hat w, \qquad w_{t+1} = w_t - \eta\, \Pi_{w_t}(p_t).$$
#
# The loss does not feel what is removed, because along $w$ it is constant.
# The momentum is kept, only its outward pull is gone, and $\lVert w_{t+1}\rVert^2 = \lVert w_t\rVert^2 + \eta^2\lVert \Pi_{w_t}(p_t)\rVert^2$: Pythagoras alone.
# The same picture with the third path:

# %%
draw_walks("Projected momentum (blue) stays near it",
           "The same plane with a third path: projected momentum stays "
           "near the circle of gradient descent, reaches the best direction, "
           "which neither other does, overshoots and swings back. Right, its "
           "effective learning rate stays far above that of momentum.",
           **{"gradient descent": walk(0.0, False),
              "momentum": walk(0.9, False),
              "projected momentum": walk(0.9, True)})

# %% [markdown]
# The blue path is the only one to reach the best direction within sixty steps.
# It arrives with speed, passes by, and swings back: the brake that momentum had built by accident is gone as well.
# Remember this overshoot, it comes back with a price below.

# %% [markdown]
# ## The technique, part 1: which weights may be projected?
#
# A network has weights that are scale-invariant and weights that are not, such as those of its last layer, whose length sets how sure the network is.
# The optimiser is not told which is which.
# It tests: for a scale-invariant weight the gradient is at a right angle to $w$, so $\lvert\cos(w, \nabla f)\rvert$ is zero, but for rounding and for the small constant inside the normalisation.
#
# What counts as *a* weight vector depends on the normalisation that follows.
# Batch normalisation works on each output channel by itself, so each row of the matrix has a free length of its own: the **channel view**.
# Layer normalisation divides all channels by one number, so only the matrix as a whole has a free length: the **layer view**.
# The code asks for the channel view first and the layer view second, and takes the first one in which *every* row passes:
#
# $$\max_{\text{rows}}\ \lvert\cos(w, \nabla f(w))\rvert < \frac{\delta}{\sqrt{\dim(w)}}, \qquad \delta = 0.1 .$$
#
# $\dim(w)$ is the length of one row in that view.
# If neither view passes, the update stays as it is.
# The square root is there because two unrelated directions in $n$ dimensions have a cosine of about $1/\sqrt n$ by chance; the threshold asks for a tenth of that.
# The test uses the raw gradient of this step, not the update, which is full of old directions.
#
# In `F.cosine_similarity` each of the two lengths is at least `eps`, so a row of zeros gives a cosine of zero and no error.

# %% tags=["technique"]
def channel_view(x):
    """(C, ...) -> (C, D): a row for each output channel."""
    return x.reshape(x.size(0), -1)


def layer_view(x):
    """(C, ...) -> (1, C * D): the whole layer as one row."""
    return x.reshape(1, -1)


def scale_invariant_view(w, grad, delta=0.1, eps=1e-8):
    """The first view in which w looks scale-invariant, or None.

    w, grad: (C, ...) weights and their raw gradient.
    Source: _projection in the official adamp/adamp.py.
    """
    for view in (channel_view, layer_view):
        dim = view(w).size(1)
        cosine = F.cosine_similarity(view(grad), view(w), dim=1, eps=eps)
        if cosine.abs().max() < delta / math.sqrt(dim):
            return view
    return None

# %% [markdown]
# ## The technique, part 2: the projection
#
# If a view was found, each row of the update loses its part along the same row of $w$.
# The weights are those before the step, and `eps` is added to the length of each row.
# One `eps` serves everywhere: in the cosine, in this length and, in AdamP, in the division.
# Parameters with a single dimension, biases and the scales of the normalisation itself, are never projected.
#
# Two details matter to whoever wants the authors' numbers.
# The update is changed *in place*.
# And the function reports a factor for the weight decay (가중치 감쇠): where the projection fired, the decay is multiplied by `wd_ratio`, by default `0.1`; elsewhere the factor is 1.
# We read it so: a length that no longer grows by itself needs less pulling back.

# %% tags=["technique"]
def remove_radial(w, grad, update, delta=0.1, wd_ratio=0.1, eps=1e-8):
    """Project `update` in place if w looks scale-invariant.

    w, grad, update: the same shape, (C, ...).
    Returns the factor for the weight decay: wd_ratio if it fired, else 1.
    """
    view = (scale_invariant_view(w, grad, delta, eps) if w.dim() > 1
            else None)
    if view is None:
        return 1.0
    rows = [-1] + [1] * (w.dim() - 1)                 # (C or 1, 1, ..., 1)
    w_hat = w / (view(w).norm(dim=1) + eps).reshape(rows)
    radial = view(w_hat * update).sum(dim=1).reshape(rows)
    update -= w_hat * radial
    return wd_ratio

# %% [markdown]
# ## The technique, part 3: SGDP
#
# Stochastic gradient descent with momentum, and one line between the momentum and the step.
# With $g_t = \nabla f(w_t)$, momentum $\beta$, dampening $d$ (by default 0) and $p_{-1} = 0$:
#
# $$p_t = \beta p_{t-1} + (1-d)\, g_t, \qquad q_t = p_t \quad\text{or, with Nesterov's variant,}\quad q_t = g_t + \beta p_t .$$
#
# `torch.optim.SGD` leaves $d$ out of its first step; this code does not.
# The order is momentum, projection of $q_t$, weight decay, step.
# With learning rate $\eta$, weight decay $\lambda$ and the factor $r$ above, the weights are multiplied by $1 - \eta\lambda\,r/(1-\beta)$ and then moved by $-\eta\, q_t$; the decay does not pass through the gradient.
#
# Without Nesterov's variant, `q` *is* `p`, so the projection in place also cleans the buffer that the next step starts from.
# The algorithm box on the authors' [project page](https://clovaai.github.io/AdamP/) keeps $p_t$ as it was and projects only the step.
# We follow the code, because the tests compare with the code; only its optional closure is left out.

# %% tags=["technique"]
class SGDP(torch.optim.Optimizer):
    """SGD with projected momentum.  Source: official adamp/sgdp.py."""
    project = staticmethod(remove_radial)

    def __init__(self, params, lr, momentum=0, dampening=0, weight_decay=0,
                 nesterov=False, eps=1e-8, delta=0.1, wd_ratio=0.1):
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, eps=eps,
            weight_decay=weight_decay, nesterov=nesterov, delta=delta,
            wd_ratio=wd_ratio))

    @torch.no_grad()
    def step(self):
        for o in self.param_groups:
            for w in (w for w in o["params"] if w.grad is not None):
                g, beta, state = w.grad, o["momentum"], self.state[w]
                if not state:
                    state["p"] = torch.zeros_like(w)
                p = state["p"]
                p.mul_(beta).add_(g, alpha=1 - o["dampening"])
                q = g + beta * p if o["nesterov"] else p
                r = self.project(w, g, q, o["delta"], o["wd_ratio"], o["eps"])
                if o["weight_decay"] > 0:
                    w.mul_(1 - o["lr"] * o["weight_decay"] * r / (1 - beta))
                w.add_(q, alpha=-o["lr"])

# %% [markdown]
# ## The technique, part 4: AdamP
#
# The same line inside Adam.
# With $g_t = \nabla f(w_t)$, $t$ counted from 1, and $m_0 = v_0 = 0$:
#
# $$m_t = \beta_1 m_{t-1} + (1-\beta_1)\, g_t, \qquad v_t = \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2, \qquad q_t = \frac{m_t}{\sqrt{v_t}\,/\sqrt{1-\beta_2^t} + \varepsilon} .$$
#
# Note where $\varepsilon$ stands: outside both roots, after the bias correction of $v_t$.
# The bias correction of $m_t$ comes last, in the length of the step, where it commutes with the projection.
# Nesterov's variant puts $\beta_1 m_t + (1-\beta_1)\,g_t$ in the place of $m_t$.

# %% tags=["technique"]
def adam_update(g, state, betas, eps, nesterov):
    """Adam's update without the learning rate, and its bias correction.

    g: the gradient, any shape.  state: dict, empty before the first step.
    Returns q, a fresh tensor of g's shape, and 1 - beta1 ** t.
    """
    if not state:
        state.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
    state["t"] += 1
    (beta1, beta2), m, v = betas, state["m"], state["v"]
    m.mul_(beta1).add_(g, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    root = v.sqrt() / math.sqrt(1 - beta2 ** state["t"])
    mean = beta1 * m + (1 - beta1) * g if nesterov else m
    return mean / (root + eps), 1 - beta1 ** state["t"]

# %% [markdown]
# The optimiser then projects $q_t$, multiplies the weights by $1 - \eta\lambda\, r$, and takes the step $-\eta\, q_t / (1-\beta_1^t)$, in this order.
# Here `q` is a fresh tensor, as it is in SGDP with Nesterov's variant, so the moments keep what the step loses.
# The box on the project page leaves out both bias corrections and tests $w\cdot\nabla f < \delta$, without absolute value, lengths or dimension.
# The code has them all, and again we follow the code.

# %% tags=["technique"]
class AdamP(torch.optim.Optimizer):
    """Adam with a projected update.  Source: official adamp/adamp.py."""
    project = staticmethod(remove_radial)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8,
                 weight_decay=0, delta=0.1, wd_ratio=0.1, nesterov=False):
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            delta=delta, wd_ratio=wd_ratio, nesterov=nesterov))

    @torch.no_grad()
    def step(self):
        for o in self.param_groups:
            for w in (w for w in o["params"] if w.grad is not None):
                g, eps = w.grad, o["eps"]
                q, correction = adam_update(g, self.state[w], o["betas"],
                                            eps, o["nesterov"])
                r = self.project(w, g, q, o["delta"], o["wd_ratio"], eps)
                if o["weight_decay"] > 0:
                    w.mul_(1 - o["lr"] * o["weight_decay"] * r)
                w.add_(q, alpha=-o["lr"] / correction)

# %% [markdown]
# ## Predict
#
# Bet before you read on; each wrong answer is taken up below.
#
# **One.** With momentum `0.9`, what share of the growth of $\lVert w\rVert^2$ is the radial part's doing?
#
# - (a) None: every gradient is at a right angle to the weights, so a sum of gradients is too, and Pythagoras is all there is.
# - (b) About half: momentum averages something old with something new.
# - (c) About nineteen parts in twenty.
#
# **Two.** On a scale-invariant problem with a long narrow valley, each optimiser gets its own best learning rate out of the same four.
# Which needs the most iterations?
#
# - (a) Gradient descent, since momentum was invented for narrow valleys.
# - (b) Momentum.
# - (c) Projected momentum, since it overshoots.
#
# **Three.** A network on digits is trained with a learning rate that stays constant to the end.
# Which has the lower training loss in the second half?
#
# - (a) Projected momentum, since its steps do not fade.
# - (b) Momentum, since its steps fade.
# - (c) Neither: the length of the weights changes nothing in the output.

# %% [markdown]
# ## The experiment: a valley on a sphere
#
# The drawn problem is $f(w) = w^\top\! A\, w / \lVert w\rVert^2$ in ten dimensions.
# Its eigenvalues run from `0.01` to `1` in equal ratios, next to one that is 0, whose direction is the bottom of the valley.
# Thirty-two starting points are drawn at length 1 and stand as the rows of one matrix: the channel view treats each row by itself, so these are thirty-two problems at the price of one.
# `iterations` counts the steps until $f < 0.001$, averaged over the starting points, lower is better; a start that does not arrive counts as 600, in favour of whoever is slow.

# %% tags=["experiment"]
VALLEY = torch.cat([torch.zeros(1), torch.logspace(-2, 0, 9)]).double()


def quotient(w, eigenvalues):
    """f of each row of w, (N, d) -> (N,); puts the gradient into w.grad."""
    square = w * w
    total = square.sum(1, keepdim=True)                      # (N, 1)
    f = (square @ eigenvalues)[:, None] / total
    w.grad = (eigenvalues - f) * w * (2 / total)
    return f[:, 0]


def starts(seed, eigenvalues, n=32):
    """n random points on the unit sphere, (n, d), as one parameter."""
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(n, len(eigenvalues), generator=g, dtype=torch.float64)
    return nn.Parameter(w / w.norm(dim=1, keepdim=True))


@torch.no_grad()
def iterations(make, seed, eigenvalues, limit=600, enough=math.inf):
    """Mean number of steps until f comes within 0.001 of its minimum;
    gives up, with too small a number, where the mean is past `enough`."""
    w, goal = starts(seed, eigenvalues), eigenvalues.min() + 0.001
    optimizer, steps = make([w]), torch.zeros(len(w))
    arrived = steps > 0
    for _ in range(limit):
        arrived |= quotient(w, eigenvalues) < goal
        if arrived.all() or steps.mean() > enough:
            break
        steps += ~arrived
        optimizer.step()
    return steps.mean().item()

# %% [markdown]
# Four optimisers search the same printed grid of learning rates, each for each seed.
# The search begins with the largest rate and gives up a setting as soon as its mean is past the best so far, which saves time and changes no result.
# Weight decay also holds the length back, and the authors name it as the other remedy; so momentum enters a second time, as `momentum+wd`, and may search three weight decays besides: twelve tries instead of four.
# The decay is the one of the authors' code, which multiplies the weights; the decay inside `torch.optim.SGD`, which goes through the gradient and the momentum, was the weaker rival on the seeds that we developed on.
# `strength` multiplies $\delta$: at 0 the test never passes and the projection is off.

# %% tags=["experiment"]
GRID, DECAYS = (0.1, 0.3, 1.0, 3.0), (0.01, 0.03, 0.1)


def valley(arm, seed, strength=1.0, eigenvalues=VALLEY):
    """Iterations at the arm's best learning rate (and weight decay)."""
    def make(w, lr, decay):
        if arm in ("gd", "momentum"):
            return torch.optim.SGD(w, lr, 0.9 if arm == "momentum" else 0.0)
        delta = 0.1 * strength if arm == "sgdp" else 0.0
        return SGDP(w, lr, 0.9, weight_decay=decay, delta=delta)

    best = math.inf
    for lr in reversed(GRID):
        for decay in DECAYS if arm == "momentum+wd" else (0.0,):
            best = min(best, iterations(lambda w: make(w, lr, decay), seed,
                                        eigenvalues, enough=best))
    return {"iterations": best}

# %% [markdown]
# The law gets a run of its own.
# `growth` follows momentum down the valley for 200 steps and returns $\lVert w\rVert^2$ at the end: once as measured, once from the formula above, which sees nothing but the start and the lengths $\lVert p_k\rVert$.

# %% tags=["experiment"]
@torch.no_grad()
def growth(arm, seed, lr=0.3, beta=0.9, steps=200):
    """|w|^2 of one start after momentum: 'measured', or by the 'law'."""
    w, p2 = starts(seed, VALLEY, n=1), []
    optimizer = torch.optim.SGD([w], lr, beta)
    for _ in range(steps):
        quotient(w, VALLEY)
        optimizer.step()
        p = optimizer.state[w]["momentum_buffer"]
        p2.append(p.square().sum().item())                   # |p_t|^2
    pull = 2 * lr ** 2 * math.fsum(beta ** (t - k) * p2[k]
                                   for t in range(steps) for k in range(t))
    law = 1 + lr ** 2 * math.fsum(p2) + pull                 # |w_0| = 1
    return {"|w|^2": law if arm == "law" else w.square().sum().item(),
            "share": pull / (law - 1)}

# %% [markdown]
# ## The experiment: three layers, three kinds of neighbour
#
# The real data are scikit-learn's digits, 1,797 images of 8 by 8 pixels; the seed draws which 1,000 are trained on, the initial weights and the batches.
# The network has three weight matrices.
# The first is followed by batch normalisation, the second by layer normalisation, the third by nothing.

# %% tags=["experiment"]
IMAGES, LABELS = map(torch.tensor, load_digits(return_X_y=True))
IMAGES = IMAGES.float() / 16                                 # (1797, 64)


def network():
    return nn.Sequential(
        nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
        nn.Linear(64, 64, bias=False), nn.LayerNorm(64), nn.ReLU(),
        nn.Linear(64, 10))


def matrices(net):
    return net[0].weight, net[3].weight, net[6].weight


OPTIMIZERS = {                     # arm -> function of (weights, delta)
    "momentum": lambda w, delta: torch.optim.SGD(w, 0.1, 0.9),
    "sgdp": lambda w, delta: SGDP(w, 0.1, 0.9, delta=delta),
    "sgdp, lr/3": lambda w, delta: SGDP(w, 0.1 / 3, 0.9, delta=delta),
    "adam": lambda w, delta: torch.optim.Adam(w, 0.01),
    "adamp": lambda w, delta: AdamP(w, 0.01, delta=delta)}

# %% [markdown]
# The loop is the usual one.
# It stops after each backward pass and hands out the network, so that we can look at weights and gradients before the step.
# The learning rate falls along a cosine to zero unless it is told to stay `constant`.

# %% tags=["experiment"]
def training(arm, seed, strength=1.0, steps=300, constant=False, lr=None):
    """Yields net, loss, held-out indices before each step and at the end."""
    g = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(IMAGES), generator=g)
    torch.manual_seed(seed)
    net = network()
    optimizer = OPTIMIZERS[arm](net.parameters(), 0.1 * strength)
    top = lr or optimizer.defaults["lr"]
    for t in range(steps + 1):
        optimizer.step()                 # at t = 0 there are no gradients
        for o in optimizer.param_groups:
            o["lr"] = top * (1.0 if constant else
                             (1 + math.cos(math.pi * t / steps)) / 2)
        i = order[torch.randint(1000, (50,), generator=g)]
        loss = F.cross_entropy(net(IMAGES[i]), LABELS[i])
        optimizer.zero_grad()
        loss.backward()
        yield net, loss.item(), order[1000:]

# %% [markdown]
# Four numbers come out of a run.
# `norm` is the final length of the two scale-invariant matrices over their initial length, averaged over the two.
# `step` is their effective step size, each matrix taken as a whole, $\lVert\hat w_{t+1} - \hat w_t\rVert$ in thousandths, averaged over the second half of training, measured from the weights themselves.
# (The rows of the first matrix have free lengths of their own, so a little of its turn is invisible to the network; the same is so in every arm.)
# `loss` is the mean training loss over the second half, in nats, and `accuracy` the share of held-out digits that are read correctly.

# %% tags=["experiment"]
def follow(arm, seed, **settings):
    """Lengths, turns, losses over the steps, and held-out accuracy."""
    pairs, losses = [], []
    for net, loss, held_out in training(arm, seed, **settings):
        pairs.append(torch.stack([w.detach() for w in matrices(net)[:2]]))
        losses.append(loss)
    with torch.no_grad():
        right = net.eval()(IMAGES[held_out]).argmax(1) == LABELS[held_out]
    pairs = torch.stack(pairs).flatten(2)                # (T + 1, 2, 4096)
    norms = pairs.norm(dim=2)                            # (T + 1, 2)
    hats = pairs / norms[:, :, None]
    turns = (hats[1:] - hats[:-1]).norm(dim=2).mean(1)
    return ((norms / norms[0]).mean(1).tolist(), turns.tolist(), losses,
            right.double().mean().item())


def run(arm, seed, strength=1.0, steps=300, **settings):
    lengths, turns, losses, accuracy = follow(
        arm, seed, strength=strength, steps=steps, **settings)
    return {"norm": lengths[-1],
            "step": 1000 * float(np.mean(turns[len(turns) // 2:])),
            "loss": float(np.mean(losses[steps // 2:])), "accuracy": accuracy}

# %% [markdown]
# The rates above come from this search: the same three for both optimisers of a pair, on a seed that is not used again, at half the steps.
# Printed is the training loss, lower is better; the middle rate of each row is the best or level with it, so both optimisers of a pair keep the same one.

# %%
for pair, rates in ((("momentum", "sgdp"), (0.03, 0.1, 0.3)),
                    (("adam", "adamp"), (0.003, 0.01, 0.03))):
    print("learning rate ", *(f"{lr:8}" for lr in rates))
    for arm in pair:
        row = [run(arm, 1500, steps=150, lr=lr)["loss"] for lr in rates]
        print(f"{arm:<14}", *(f"{loss:8.3f}" for loss in row))

# %% [markdown]
# ## First result: the law is exact
#
# Before any optimiser is compared, the pencil is checked.
# Formula and measurement should agree to the rounding of 64-bit numbers, for one start of each seed.

# %% tags=["results"]
law = compare(growth, ["law", "measured"])
record = claim(
    "adamp-law",
    "On scale-invariant weights the squared length under momentum is the "
    "one that the growth law gives.",
    law, metric="|w|^2", arm="measured", baseline="law", kind="exact",
    margin=1e-9,
    reason="an identity; 200 steps in 64-bit numbers round to about 1e-13",
    paper="a lemma: momentum makes the weight norm grow faster than "
          "gradient descent does")
print(f"share of the growth that is due to momentum's radial part: "
      f"{law.mean('share', 'law'):.3f}; in the limit {18 / 19:.3f}")

# %% [markdown]
# So *Predict one* has the answer (c).
# Whoever took (a) overlooked that the old gradients stand at a right angle to where $w$ was, and $w$ has turned since.
# (b) would be right for $\beta = 1/3$, since then $2\beta/(1-\beta) = 1$.

# %% [markdown]
# ## Second result: the length stays, and so does the step
#
# Now the network.
# First one run of each optimiser, to see the shape of the thing: the length of the scale-invariant weights, and the turn that a step makes.

# %%
LOOKS = {"momentum": (palette["rival"], "-"), "sgdp": (palette["method"], "-"),
         "adam": (palette["rival"], "--"), "adamp": (palette["method"], "--")}
one_run = {arm: follow(arm, 1500) for arm in LOOKS}
fig, (left, right) = subplots(1, 2, width=7.6, height=3.0)
for arm, (colour, dash) in LOOKS.items():
    lengths, turns, _, _ = one_run[arm]
    left.plot(lengths, dash, color=colour, label=arm)
    smooth = np.convolve(turns, np.ones(15) / 15, "valid")
    right.semilogy(np.arange(len(smooth)) + 7, smooth, dash, color=colour)
left.set(xlabel="step", ylabel="|w| / |w| at the start", ylim=(0.9, None),
         title="Without projection the weights grow")
left.legend(fontsize=8)
right.set(xlabel="step", ylabel="turn per step (running mean)",
          title="With it, each step turns them more")
show(fig, "Left: over 300 steps the weights of momentum and Adam grow by "
          "more than half, those of SGDP and AdamP hardly. Right, on a "
          "logarithmic axis: the turn per step falls for all four with the "
          "learning rate, and lies lower for momentum and Adam for most of "
          "the run.")

# %% [markdown]
# The learning rates of a pair are the same at every step, so all that differs is the projection.
# The right-hand curves fall because the learning rate falls along its cosine; what counts is the distance between a pair.
#
# The two claims take one pair each: the length for SGDP against momentum, lower is better, and the effective step for AdamP against Adam, higher is better.

# %% tags=["results"]
runs = compare(run, ["momentum", "sgdp", "adam", "adamp"])
print(runs.table())

# %% tags=["results"]
record = claim(
    "adamp-norm",
    "On a network with normalisation SGDP ends with shorter scale-invariant "
    "weights than momentum.",
    runs, metric="norm", arm="sgdp", baseline="momentum", better="lower",
    least=0.35,
    reason="half of what momentum's weights grow (0.70 on seeds 1000 to "
           "1009); the law puts 18 of 19 parts of growth on momentum",
    paper="SGDP keeps the weight norms of a ResNet-18 near those of SGD "
          "without momentum, while momentum's rise steeply")

# %% tags=["results"]
record = claim(
    "adamp-step",
    "In the second half of training AdamP turns the scale-invariant weights "
    "further with each step than Adam does at the same learning rates.",
    runs, metric="step", arm="adamp", baseline="adam", better="higher",
    least=0.3,
    reason="two standard deviations of Adam's step (0.15 each on seeds 1000 "
           "to 1009)",
    paper="effective step sizes decay prematurely under momentum; the "
          "projection maintains them")

# %% [markdown]
# Momentum's weights end at <!--=adamp-norm.mean.momentum-->1.69<!--/--> times their initial length, those of SGDP at <!--=adamp-norm.mean.sgdp-->1.08<!--/-->.
# Adam's step in the second half turns the weights by <!--=adamp-step.mean.adam-->1.33<!--/--> thousandths, AdamP's by <!--=adamp-step.mean.adamp-->2.76<!--/-->.
#
# Look at the accuracies in the table as well.
# They differ by thousandths, and one of the 797 held-out digits is more than a thousandth.
# The authors' gains for ResNets on ImageNet lie between <!--=published.sgdp_imagenet_r50_gain-->0.07<!--/--> and <!--=published.sgdp_imagenet_r18_gain-->0.45<!--/--> points.
# Nothing of that size can be seen here, so we claim nothing about accuracy.
# The training loss in the table does differ, and against the method: it is higher for SGDP than for momentum, and higher for AdamP than for Adam.
# A longer effective step is not a lower loss.
#
# The least effects of this page come from the spread between seeds.
# They say what we could tell apart, not what would be worth having.

# %% [markdown]
# ## Third result: fewer iterations, unless weight decay is searched
#
# Back to the valley, where the number of iterations can be counted.
# The rival of the first claim is plain gradient descent: with its best learning rate it is the fastest of those that search four settings.

# %% tags=["results"]
print("learning rates", *GRID, "and, for momentum+wd, decays", *DECAYS)
valleys = compare(valley, ["momentum", "momentum+wd", "gd", "sgdp"])
record = claim(
    "adamp-iterations",
    "In a long valley SGDP needs fewer iterations than gradient descent, "
    "each at the best of the same four learning rates.",
    valleys, metric="iterations", arm="sgdp", baseline="gd",
    better="lower", least=30,
    reason="two standard deviations of gradient descent's iterations (15 "
           "each on seeds 1000 to 1019)",
    paper="on the toy of the project page SGDP prevents the growth of the "
          "norm and converges fastest")

# %% [markdown]
# Gradient descent takes <!--=adamp-iterations.mean.gd:0-->119<!--/--> iterations, SGDP <!--=adamp-iterations.mean.sgdp:0-->44<!--/-->, and momentum <!--=adamp-iterations.mean.momentum:0-->307<!--/-->.
# In *Predict two* (b) is right: the method that was made for valleys is the slowest in this one, without weight decay.
# About one start in six never arrives with it and counts as 600.
# (a) holds where the length of $w$ is part of the problem; (c) saw the overshoot, which is there, but costs less than the brake did.
#
# The fourth arm takes most of this back.
# Momentum with weight decay takes <!--=adamp-decay.mean.momentum+wd:0-->39<!--/--> iterations, no more than SGDP.
# It was given three times the search; whether it needed that, the table below tells.
# The authors say of weight decay that a careful choice partially addresses the fault; in this valley it addresses all of it, and the next claim says so.

# %% tags=["results"]
record = claim(
    "adamp-decay",
    "With its weight decay searched as well, momentum needs no more "
    "iterations than SGDP.",
    valleys, metric="iterations", arm="momentum+wd", baseline="sgdp",
    better="lower", kind="no_worse", margin=7, bad="momentum",
    reason="two standard deviations of SGDP's iterations (3.6 each on seeds "
           "1000 to 1019)",
    paper="careful tuning of weight decay partially addresses the slow "
          "convergence, but not the initial surge of the norm")

# %% [markdown]
# Here is every pair of learning rate and decay, on a seed that is not used again.
# Read the columns: the least number of each is what a search over four rates finds with that decay held fixed.

# %%
print("momentum, iterations; decay:", *(f"{d:8.2f}" for d in DECAYS))
for lr in GRID:
    row = [iterations(lambda w: SGDP(w, lr, 0.9, weight_decay=d, delta=0),
                      1500, VALLEY) for d in DECAYS]
    print(f"learning rate {lr:<13}", *(f"{n:8.1f}" for n in row))
best = valley("sgdp", 1500)["iterations"]
print(f"SGDP at its best of four rates: {best:.1f}")

# %% [markdown]
# So the projection buys no speed in this valley that a decay from the grid does not give as well, with no longer search.
# What it buys is not having to have a decay.
# The best rate moves with the decay, and a wrong pair is expensive: look at the last row.

# %% [markdown]
# ## Fourth result: the test finds the right layers
#
# Is it true that the optimiser recognises scale-invariant weights?
# `by_scaling` finds the truth without any gradient: it multiplies the rows of a matrix by different numbers, then the whole matrix by one, and looks whether the network notices.
# `reads` applies one of three rules to a gradient: the code's, or the same cosine with a *fixed* threshold in every dimension, `0.1` or a *small* one of `0.004`.

# %% tags=["experiment"]
@torch.no_grad()
def by_scaling(net, w, x):
    """The view whose rows can be stretched unnoticed, or None."""
    before, kept = net(x), w.clone()
    for view in (channel_view, layer_view):
        w.mul_(torch.linspace(2, 10, len(view(w)))[:, None])
        change = (net(x) - before).abs().max()
        w.copy_(kept)
        if change < 0.001:
            return view


def reads(rule, w, grad):
    """The view that a rule names from one gradient, or None."""
    if rule == "scaled":
        return scale_invariant_view(w, grad)
    for view in (channel_view, layer_view):
        cosine = F.cosine_similarity(view(grad), view(w), dim=1)
        if cosine.abs().max() < {"fixed": 0.1, "small": 0.004}[rule]:
            return view

# %% [markdown]
# `detect` trains with SGDP, once for all three rules, and counts at how many of all steps and matrices each rule says what the scaling says.

# %% tags=["results"]
RULES = ("fixed", "small", "scaled")


@functools.lru_cache(1)              # one run serves all rules of a seed
def watch(seed, steps):
    """Rule -> a list, by step and matrix: does it agree with scaling?"""
    hits, truth = {rule: [] for rule in RULES}, None
    for net, _, _ in training("sgdp", seed, steps=steps):
        truth = truth or [by_scaling(net, w, IMAGES[:50])
                          for w in matrices(net)]
        for rule in RULES:
            hits[rule] += [reads(rule, w.detach(), w.grad) is view
                           for w, view in zip(matrices(net), truth)]
    return hits


def detect(rule, seed, steps=100):
    """Share of (step, matrix) at which the rule agrees with scaling."""
    return {"agreement": float(np.mean(watch(seed, steps)[rule]))}

# %% [markdown]
# What the test sees is best looked at directly.
# One panel a matrix: the largest $\lvert\cos\rvert$ of any row times $\sqrt{\dim}$, in both views, along one run; below the dashed line the test passes.

# %%
traces = np.empty((3, 2, 151))
for t, (net, _, _) in enumerate(training("sgdp", 1500, steps=150)):
    for j, w in enumerate(matrices(net)):
        for k, view in enumerate((channel_view, layer_view)):
            a, b = view(w.detach()), view(w.grad)
            cosine = F.cosine_similarity(a, b, dim=1).abs().max()
            traces[j, k, t] = cosine * math.sqrt(a.size(1))
fig, axes = subplots(1, 3, width=7.6, height=2.8, sharey=True)
for ax, trace, name in zip(axes, traces, (
        "Before batch norm:\nrows pass", "Before layer norm:\nwhole passes",
        "Last layer:\nneither does")):
    ax.semilogy(trace[0], color=palette["method"], label="channel view")
    ax.semilogy(trace[1], color=palette["rival"], label="layer view", lw=1.1)
    ax.axhline(0.1, color=palette["ink"], ls="--", lw=1)
    ax.set(xlabel="step", title=name, ylim=(1e-6, 60))
axes[0].set_ylabel("largest |cos| times √dim")
axes[2].legend(fontsize=8, loc="lower right")
show(fig, "Three panels over 150 steps, logarithmic. Before batch norm both "
          "views lie far below the threshold. Before layer norm the layer "
          "view lies below it and the channel view above. In the last layer "
          "both lie above it, and the layer view touches it at times.")

# %% [markdown]
# The gaps are wide for the layers that may be projected, and the row-wise maximum of the second matrix lies far above the line.
# What keeps the blue and the orange curve from zero is less rounding than the constant that a normalisation adds under its root: with it the invariance is only almost exact.
# Only the last layer is decided by chance at times: its whole gradient may happen to stand at nearly a right angle to its weights.
# Because of those moments the claim asks for a share, not for every step.

# %% tags=["results"]
seen = compare(detect, RULES)
record = claim(
    "adamp-layers",
    "The test with a threshold scaled by dimension names the scale-"
    "invariant matrices more often than one with a fixed threshold.",
    seen, metric="agreement", arm="scaled", baseline="fixed", least=0.04,
    reason="two standard deviations of the fixed rule's agreement (0.018 "
           "each on seeds 1000 to 1009)",
    paper="the optimiser detects scale-invariant weights by the cosine of "
          "weights and gradient, without being told the architecture")

# %% [markdown]
# The code's rule agrees with the truth in <!--=adamp-layers.mean.scaled-->0.99<!--/--> of the cases, the fixed threshold in <!--=adamp-layers.mean.fixed-->0.78<!--/-->.
# What the fixed one gets wrong is the last layer, whose 640 weights make a cosine of `0.1` a common accident.
# It is an easy rival: the small one, `0.004`, which is what the code's rule comes to for 640 weights, agrees in <!--=adamp-layers.mean.small-->0.99<!--/-->.
# So the claim shows that the threshold must be small where rows are long.
# That it must shrink with the root of the dimension, three matrices cannot show; the root saves choosing a threshold for each width.

# %% [markdown]
# ## Fifth result: where the rate is too large, the slowdown hides it
#
# Everything so far was trained with a learning rate that falls to zero.
# Keep it constant, and the picture turns over.
# The claim is one against the method: at the same constant learning rate momentum reaches a *lower* training loss than SGDP.
# A third arm, SGDP at a third of the rate, is drawn to show the way out.
# This claim is judged on seeds 5 to 9; the last lines of *Tries* say why.

# %% tags=["results"]
constant = compare(run, ["sgdp, lr/3", "sgdp", "momentum"],
                   seeds=(5, 6, 7, 8, 9), constant=True)
record = claim(
    "adamp-schedule",
    "At the same constant learning rate momentum has a lower training loss "
    "than SGDP in the second half of training.",
    constant, metric="loss", arm="momentum", baseline="sgdp",
    better="lower", least=0.035,
    reason="two standard deviations of SGDP's loss (0.017 each on seeds 5000 "
           "to 5039)",
    paper="none; the analysis on the project page lets the rate fall")
print(constant.table())

# %% [markdown]
# Over the second half momentum's loss is <!--=adamp-schedule.mean.momentum-->0.02<!--/--> nats, SGDP's <!--=adamp-schedule.mean.sgdp-->0.11<!--/-->: *Predict three* is (b).
# The growing length divides the rate by its square, and SGDP at a third of the rate, in the table, comes near to momentum without any growth.
# So what SGDP lacked here is a smaller rate; that the rate must fall as well, we have not shown.
# (a) takes a large step for a good one; late in training a step that is too long keeps jumping over the minimum.
# (c) forgets that the output is not the only thing that the length enters: it divides the step.

# %% [markdown]
# ## Break it
#
# Each of these trains without complaint, and each is planted in the tests, where it must be caught.
#
# - **Square root missing**: the threshold is $\delta$ in every dimension; in the last panel above the dashed line rises to where the orange curve runs, and the last layer is projected at random.
# - **Mean instead of maximum**: a layer passes when its rows pass on average, and the one that does not loses a part that it needs.
# - **Absolute value missing**: a gradient straight along $-w$ has cosine $-1$, which is below any threshold.
# - **Layer view first**: before batch normalisation the layer view passes too, and takes out one number where there are 64.
# - **Test on the update**: the update is full of old gradients and has a radial part by the law above, so the test says no exactly where it matters.
# - **Gradient projected before the moments**: run below.
# - **One length for all rows**: the unit vector of a row is divided by the length of the whole matrix.
# - **One-dimensional parameters projected**: a bias whose gradient happens to stand at a right angle to it loses a part of its step.
# - **Reduced decay for every parameter**: the last layer is decayed at a tenth of what was asked for.
# - **Buffer not projected**: the step is right, but the momentum of the next step differs from the code's.
# - **Decay not divided by one minus momentum**: with $\beta = 0.9$ the weights are decayed ten times too little.
# - **Epsilon inside the root**: the floor under the division becomes `1e-4` instead of `1e-8`, and small gradients stay small.
# - **Bias correction of v missing**: with the default betas the first step of AdamP is about thirty times too long.
#
# The sixth is the one that a reader of the equations is most likely to write.
# If the radial part is the trouble, why not remove it from the gradient, before it enters the momentum?

# %%
class Early(torch.optim.SGD):
    """Momentum that is fed projected gradients."""
    @torch.no_grad()
    def step(self):
        for w in self.param_groups[0]["params"]:
            if w.grad is not None:
                remove_radial(w, w.grad, w.grad)
        super().step()


OPTIMIZERS["early"] = lambda w, delta: Early(w, 0.1, 0.9)
one_run["early"] = follow("early", 1500)
for arm in ("momentum", "early", "sgdp"):
    print(f"{arm:<9} final length {one_run[arm][0][-1]:.2f}")

# %% [markdown]
# It does nothing, because there is nothing to remove: the gradient already stands at a right angle to the weights.
# What has to be projected is the sum of the old ones, at the moment of the step.

# %% [markdown]
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | problems | <!--=published.adamp_benchmarks-->13<!--/--> benchmarks: ImageNet, COCO, WikiText, audio, retrieval | a drawn valley in ten dimensions; 1,000 digits of 8 by 8 pixels |
# | networks | MobileNetV2, ResNet-18 and 50, detectors, transformers | three matrices, 64 units wide |
# | training | 100 epochs of ImageNet in the analysis of norms | 300 steps of 50 images |
# | the gain | top-1 accuracy: ResNet-18 from <!--=published.adamp_imagenet_r18_sgd-->70.28<!--/--> to <!--=published.adamp_imagenet_r18_sgdp-->70.73<!--/--> % with SGDP, from <!--=published.adamp_imagenet_r18_adam-->70.41<!--/--> to <!--=published.adamp_imagenet_r18_adamp-->70.81<!--/--> % with AdamP | length, effective step, iterations |
# | the same, larger | ResNet-50 from <!--=published.adamp_imagenet_r50_sgd-->76.64<!--/--> to <!--=published.adamp_imagenet_r50_sgdp-->76.71<!--/--> % with SGDP, from <!--=published.adamp_imagenet_r50_adam-->76.65<!--/--> to <!--=published.adamp_imagenet_r50_adamp-->76.94<!--/--> % with AdamP | none |
# | the gain in the analysis of norms | ResNet-18 from <!--=published.adamp_analysis_r18_momentum-->66.6<!--/--> to <!--=published.adamp_analysis_r18_sgdp-->69.0<!--/--> % | none |
#
# The published numbers are those of the authors' [project page](https://clovaai.github.io/AdamP/).
# The miniature shows the mechanism: the law, the length, the step, the choice of layers.
# It cannot show that a longer effective step makes a better ImageNet model; its accuracies are equal within what 797 digits can tell.
# Nor can it show how the default `wd_ratio` was chosen, because our networks are trained without weight decay.
#
# ## Tries
#
# | change | why |
# |---|---|
# | The valley's eigenvalues lay evenly between `0.1` and 3. | At its best rate gradient descent beat both others. The valley was made narrow, as in the case that momentum is for; the even one became exercise 4. |
# | The network had batch normalisation only. | The layer view never had to fire. The second normalisation is a layer normalisation now. |
# | The learning rate of the network was constant. | SGDP ended with the higher loss. The authors' schedule falls, so ours does; the constant one became the fifth result. |
# | Sixteen starting points became thirty-two. | The rival's iterations spread too widely over the seeds. |
# | The weight decay of the fourth arm went through the gradient. | Multiplying the weights makes the stronger rival. |
# | The claim on weight decay said *equal*. | The rival came out a little faster, so the claim says *no more iterations*. |
#
# All of this happened on seeds from 1000 on.
# Then seeds 0 to 4 were run for the first time, and all seven claims held.
# Six of them are reported as they came; nothing was changed after that run but words and the look of figures.
#
# | change after the first run | why |
# |---|---|
# | The fifth result: loss over the second half instead of the last fifty batches, a least effect from forty seeds instead of ten, seeds 5 to 9. | It held, but on seeds 0 to 4 the loss of SGDP happened to lie so far above its own loss on other seeds that this distance alone passed the least effect: our deviation from ten seeds had been too small. |
#
# ## In the lab
#
# The Lab's own papers use it: according to the settings in their repositories, ReLabel's variant with CutMix and PCME are trained with AdamP, both with a learning rate that falls along a cosine, and the project page reports ReBias with it.
# Outside, the `timm` library ships both optimisers.
# If you use it, let the learning rate fall and search it anew; and if you search your weight decay anyway, compare with that.

# %% [markdown]
# ## Exercises
#
# **1. Derive: how often does chance pass?**
# For two unrelated directions in a long row, $\sqrt{\dim}\,\cos$ is distributed like a standard normal number.
# Take weights that are *not* scale-invariant and whose gradient is unrelated to them.
# With what probability do all of `rows` rows pass the test of the channel view?
# Compare your result for 1 row and for 64, and you know what the maximum over the rows is for.

# %% tags=["exercise"]
def chance(rows, delta=0.1):
    raise Unanswered

# %% tags=["check", "hide-input"]
def judge_chance(answer):
    draws = torch.Generator().manual_seed(5)
    a, b = torch.randn(2, 20_000, 200, generator=draws)
    z = F.cosine_similarity(a, b, dim=1) * math.sqrt(200)
    for rows, delta in ((1, 0.1), (1, 1.0), (2, 0.5), (4, 1.0)):
        got = float(answer(rows, delta))
        low = (z < delta).double().mean().item() ** rows
        one = (z.abs() < delta).double().mean().item()
        assert abs(got - low) > 0.02, (
            "A cosine of -1 is no right angle: both signs must be small.")
        assert abs(got - (1 - one ** rows)) > 0.02, (
            "That is how often the test fails.")
        assert rows == 1 or abs(got - one) > 0.02, (
            f"One row passes that often; here all {rows} must.")
        assert abs(got - one ** rows) < 0.015, (
            f"At {rows} row(s) and delta {delta} drawn rows pass with "
            f"probability {one ** rows:.2f}, yours {got:.2f}.")

check("adamp-1", chance, judge_chance)

# %% tags=["solution", "hide-cell"]
def chance(rows, delta=0.1):
    # P(|z| < delta) = erf(delta / sqrt 2) for one row; rows independent.
    # 0.08 for one row, and about 1e-70 for 64.
    return math.erf(delta / math.sqrt(2)) ** rows

check("adamp-1", chance, judge_chance)

# %% [markdown]
# **2. Change and predict: weights three times as long.**
# Multiply all scale-invariant weights by three before training.
# By which factor must the learning rate be multiplied so that every direction $\hat w_t$ stays as it was, for SGDP and for AdamP?
# Write down both before you try them.

# %% tags=["exercise"]
factors = ...                      # (factor for SGDP, factor for AdamP)

# %% tags=["check", "hide-input"]
def judge_factors(pair):
    @torch.no_grad()
    def directions(make, stretch):
        w = starts(3, VALLEY)
        w.data.mul_(stretch)
        optimizer = make([w])
        for _ in range(30):
            quotient(w, VALLEY)
            optimizer.step()
        return F.normalize(w, dim=1)

    for name, kind, factor, rest in (("SGDP", SGDP, pair[0], (0.9,)),
                                     ("AdamP", AdamP, pair[1], ())):
        assert factor >= 1, (
            f"{name}: longer weights turn less, so the rate must rise.")
        gap = (directions(lambda w: kind(w, 0.1 * factor, *rest), 3)
               - directions(lambda w: kind(w, 0.1, *rest), 1)).abs().max()
        hint = ("Count both: the gradient is shorter, and the same shift "
                "turns a longer vector less." if name == "SGDP" else
                "Adam divides the gradient by its own size: one of the two "
                "reasons is gone.")
        assert gap < 1e-4, f"{name} takes another path. {hint}"

check("adamp-2", factors, judge_factors)

# %% tags=["solution", "hide-cell"]
factors = (9, 3)    # 1/c from the gradient and 1/c from the turn; Adam: turn
check("adamp-2", factors, judge_factors)

# %% [markdown]
# **3. Refute the claim: "without momentum there is nothing to project".**
# For gradient descent this is true.
# Somebody concludes: with $\beta_1 = 0$ Adam has no old gradients either, so on scale-invariant weights AdamP takes the same steps as Adam.
# Give one row of weights $w$ and a gradient $g$ at a right angle to it for which the first step is different.

# %% tags=["exercise"]
w_and_g = ...                      # two lists of numbers, the same length

# %% tags=["check", "hide-input"]
def judge_w_and_g(pair):
    w, g = (torch.tensor(v, dtype=torch.float64).reshape(1, -1)
            for v in pair)
    assert w.norm() > 0 and g.norm() > 0, "Neither may be zero."
    angle = F.cosine_similarity(w, g).item()
    assert abs(angle) < 1e-6, (
        f"cos(w, g) is {angle:.3f}: no gradient of a scale-invariant loss.")
    q, _ = adam_update(g, {}, (0.0, 0.999), 1e-8, False)
    left = F.cosine_similarity(w, q).item()
    assert abs(left) > 0.05, (
        "Adam's first update is the sign of the gradient, and for your pair "
        "that also stands at a right angle to w: no difference.")

check("adamp-3", w_and_g, judge_w_and_g)

# %% tags=["solution", "hide-cell"]
# Dividing entry by entry turns the gradient (2, -1) into (1, -1), which is
# not at a right angle to (1, 2).  So the growth law is not exact for Adam.
w_and_g = [1.0, 2.0], [2.0, -1.0]
check("adamp-3", w_and_g, judge_w_and_g)

# %% [markdown]
# **4. Refute the claim: "SGDP needs fewer iterations than gradient descent".**
# It did in our valley, and we chose the valley.
# Give ten eigenvalues between 0 and 3, not all alike, for which gradient descent needs no more iterations than SGDP, each again at the best of the four learning rates.

# %% tags=["exercise"]
eigenvalues = ...                  # ten numbers

# %% tags=["check", "hide-input"]
def judge_eigenvalues(values):
    a = torch.as_tensor(values, dtype=torch.float64)
    assert a.shape == (10,) and 0 <= a.min() and a.max() <= 3, (
        "Ten numbers between 0 and 3 are asked for.")
    assert a.max() - a.min() > 0.1, (
        "With all eigenvalues alike there is nothing to minimise.")
    counts = [valley(arm, 1000, eigenvalues=a)["iterations"]
              for arm in ("gd", "sgdp")]
    assert counts[0] > 3, "That is over before it begins: spread them more."
    assert counts[0] <= counts[1], (
        f"Gradient descent needs {counts[0]:.1f}, SGDP {counts[1]:.1f}. "
        "What makes a valley easy for gradient descent?")

check("adamp-4", eigenvalues, judge_eigenvalues)

# %% tags=["solution", "hide-cell"]
# A round bowl: where all directions are about as steep, momentum has
# nothing to add and only overshoots.
eigenvalues = np.linspace(0.1, 3.0, 10)
check("adamp-4", eigenvalues, judge_eigenvalues)

# %% [markdown]
# **5. Find the bug.**
# The cell below is `remove_radial` with one mistake of the list above.
# Its curve looks reasonable: the weights grow less than with momentum, and the loss falls.
# Mend it in place, and run the check.

# %% tags=["exercise", "bug"]
def suspect(w, grad, update, delta=0.1, wd_ratio=0.1, eps=1e-8):
    view = (scale_invariant_view(w, grad, delta, eps) if w.dim() > 1
            else None)
    if view is None:
        return 1.0
    rows = [-1] + [1] * (w.dim() - 1)
    w_hat = w / (view(w).norm() + eps)
    radial = view(w_hat * update).sum(dim=1).reshape(rows)
    update -= w_hat * radial
    return wd_ratio

# %%
class Suspect(SGDP):
    project = staticmethod(suspect)


OPTIMIZERS["suspect"] = lambda w, delta: Suspect(w, 0.1, 0.9, delta=delta)
one_run["suspect"] = follow("suspect", 1500)
fig, ax = subplots(width=6.0, height=2.6)
for arm, colour in (("momentum", "rival"), ("suspect", "fifth"),
                    ("sgdp", "method")):
    ax.plot(one_run[arm][0], color=palette[colour], label=arm)
ax.set(xlabel="step", ylabel="|w| / |w| at the start", ylim=(0.95, 1.95),
       title="A projection that half works looks like one that works")
ax.legend(ncols=3, loc="upper right")
show(fig, "Length of the weights over 300 steps: momentum highest, SGDP "
          "lowest, the suspect version between the two.")

# %% tags=["check", "hide-input"]
def by_loops(w, grad, update, delta=0.1, wd_ratio=0.1):
    """remove_radial with loops and lists; returns the new update, factor."""
    if np.ndim(w) < 2:
        return update, 1.0
    w2, g2 = w.reshape(len(w), -1), grad.reshape(len(w), -1)
    for a, g in ((w2, g2), (w2.reshape(1, -1), g2.reshape(1, -1))):
        limit = delta / len(a[0]) ** 0.5
        if all(abs(x @ y) < limit * (x @ x) ** 0.5 * (y @ y) ** 0.5
               for x, y in zip(a, g)):
            rows = [u - x * (x @ u) / (x @ x)
                    for x, u in zip(a, update.reshape(a.shape))]
            return np.array(rows).reshape(w.shape), wd_ratio
    return update, 1.0


def judge_suspect(function):
    rng = np.random.default_rng(11)
    for name, shape in (("rows pass", (3, 4)), ("whole passes", (3, 2, 2)),
                        ("nothing passes", (3, 4)), ("a bias", (4,))):
        w, g, u = rng.normal(size=(3, *shape))
        if name == "rows pass":
            g -= w * ((w * g).sum(1) / (w * w).sum(1))[:, None]
        elif name == "whole passes":
            g -= w * (w * g).sum() / (w * w).sum()
        expected, factor = by_loops(w, g, u)
        w, g, u = map(torch.tensor, (w, g, u.copy()))
        got = function(w, g, u)
        gap = np.abs(u.numpy() - expected).max()
        assert gap < 1e-6, (f"Case '{name}': the update is off by {gap:.2f}. "
                            "Print what is left along each row of w.")
        assert got == factor, f"Case '{name}': the factor should be {factor}"

check("adamp-5", suspect, judge_suspect)

# %% tags=["solution", "hide-cell"]
def suspect(w, grad, update, delta=0.1, wd_ratio=0.1, eps=1e-8):
    view = (scale_invariant_view(w, grad, delta, eps) if w.dim() > 1
            else None)
    if view is None:
        return 1.0
    rows = [-1] + [1] * (w.dim() - 1)
    # One length a row; without dim=1 it was one for the whole matrix.
    w_hat = w / (view(w).norm(dim=1) + eps).reshape(rows)
    radial = view(w_hat * update).sum(dim=1).reshape(rows)
    update -= w_hat * radial
    return wd_ratio

check("adamp-5", suspect, judge_suspect)
