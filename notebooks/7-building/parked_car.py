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
# # Parked cars: how well can twelve beacons say where, and how well could anything?
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/7-building/parked_car.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | N. Patwari, A. Hero, M. Perkins, N. Correal and R. O'Dea, [*Relative Location Estimation in Wireless Sensor Networks*](https://studylib.net/doc/8761255/relative-location-estimation-in-wireless-sensor-networks), 2003; P. Bahl and V. Padmanabhan, [*RADAR: An In-Building RF-based User Location and Tracking System*](https://www.microsoft.com/en-us/research/publication/radar-an-in-building-rf-based-user-location-and-tracking-system/), INFOCOM 2000; of both the abstracts |
# | Official code | none of theirs that we found, and nothing public of NAVER's |
# | Rule read in | other: for the path loss the simulator [ns-3](https://github.com/nsnam/ns-3-dev-git), `propagation-loss-model.cc`, commit `1f438ce`; likelihood and bound follow from it here, line by line |
# | In the article | section 3, the building 1784: one sentence, that a service tells where the car stands |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); the normal distribution, a 2 by 2 inverse |
# | Data | drawn cars and drawn radio readings on a drawn floor of 55 by 32 metres |
# | Time | <!--=bench.parked_car.seconds-->23<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 1784에는 주차한 곳을 알려 주는 서비스가 있지만 어떤 방식인지는 공개되지 않았습니다.
# 이 페이지는 휴대전화가 받은 비콘 열두 개의 신호 세기로 차의 위치를 찾는, 잘 알려진 방법 한 가지를 만들어 봅니다.
# 최대 우도 추정이 거리만 맞추는 방법이나 지문 방식보다 얼마나 가까운지, 그리고 크라메르·라오 하한에 얼마나 다가가는지 시드 다섯 개로 측정합니다.
# 비콘 하나가 꺼졌을 때와 약해졌을 때 무엇이 무너지고 무엇으로 고칠 수 있는지도 함께 확인합니다.
# 신호는 모형에서 생성했으므로 실제 지하 주차장에서 몇 미터까지 맞는지는 알 수 없습니다.
#
# **In short.**
# How well can a dozen radio beacons say where a car stands, and how well could anything?
# With five samples from each beacon maximum likelihood is off by <!--=parked_car-near.mean.likelihood:2-->1.51<!--/--> m on average against <!--=parked_car-near.mean.distances:2-->1.65<!--/--> m for fitted distances, close to the bound of Cramér and Rao; and one beacon at a hundredth of its power does more harm than a dead one, most of which a cap on each beacon's say repairs.
# Its 95 % region fails where samples share part of their noise; what runs in 1784 is not shown, nor how many metres it would be among concrete and steel.

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
from matplotlib.patches import Rectangle

from lab1784 import (check, claim, compare, draw_claim, interactive, known,
                     near, overview, palette, show)
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

# %% [markdown]
# ## Twelve numbers on a telephone
#
# A car has been parked on floor B3, and the telephone in it has heard twelve radio beacons.
# Each told its name, and the telephone noted how strongly it came in, in dBm: decibels relative to one milliwatt.
# The nearer, the stronger, so the strongest says roughly where.
#
# All twelve together say more; below they are printed as the beacons hang.

# %% tags=["technique"]
FLOOR = (55.0, 32.0)                                # metres
BEACONS = np.array([(x, y) for y in (4.0, 16.0, 28.0)
                    for x in (5.0, 20.0, 35.0, 50.0)])       # (12, 2)


def expected(p, beacons, power=-40.0, n=2.2):
    """Mean received power in dBm: log-distance path loss.

    p: (..., 2) places in metres.  Returns (..., beacons).
    power: at one metre and nearer.  n: path loss exponent.
    Source: ns-3, LogDistancePropagationLossModel.
    """
    d = np.linalg.norm(p[..., None, :] - beacons, axis=-1)
    return power - 10 * n * np.log10(np.maximum(d, 1.0))

# %%
car = np.array([11.25, 13.5])                       # we know; it does not
heard = expected(car, BEACONS) + np.random.default_rng(1505).normal(
    0, 4, size=12) / 5 ** 0.5
for row in heard.reshape(3, 4)[::-1]:
    print("".join(f"{dbm:9.1f}" for dbm in row), " dBm")

# %% [markdown]
# The article says that a service tells everybody where the car was left, and no more.
# A camera that reads plates would do it.
# This page takes **one established way**, location by received signal strength (수신 신호 세기); it need not be the one that runs in 1784.
#
# ## The idea: which place would have said this?
#
# In decibels, radio fades with the logarithm of distance.
# At distance $d$ in metres a beacon comes in with $P_0 - 10\,n \log_{10} d$ decibels, on average; this is **path loss** (경로 손실), and $n$ is 2 in empty space.
# People, cars and echoes add noise, in decibels nearly normal, here with $\sigma = 4$.
# A telephone that listens $K$ times and takes the mean $r_i$ of beacon $i$ has noise $\sigma_K = \sigma/\sqrt{K}$, if the samples are independent.
#
# Now turn the question round.
# For every place $p$ on the floor, how probable were these readings, had the car stood there?
# The logarithm of that **likelihood** (우도) is, up to a constant,
#
# $$\ell(p) = -\frac{1}{2} \sum_{i} \left(\frac{r_i - \mu_i(p)}{\sigma_K}\right)^{2}, \qquad \mu_i(p) = P_0 - 10\, n \log_{10} \max(\lVert p - b_i \rVert, 1),$$
#
# with $b_i$ the place of beacon $i$.
# The place with the largest value is the estimate by **maximum likelihood** (최대 우도 추정).
# If all places were equally likely before, $e^{\ell}$ divided by its sum is the probability of each place after.
# The smallest set that holds 95 % of it is the **region** (신용 영역) in which to look.
#
# ## How well could anything?
#
# One metre nearer changes reading $i$ by $\nabla\mu_i$ decibels, a vector that points to the beacon or away from it and has length $\frac{10\,n}{\ln 10}\,\frac{1}{d_i}$ from one metre on, and zero nearer.
# The **Fisher information** (피셔 정보) adds up what all beacons tell,
#
# $$F(p) = \frac{1}{\sigma_K^2} \sum_i \nabla\mu_i \nabla\mu_i^{\top},$$
#
# and the theorem of Cramér and Rao says that no unbiased estimator has a root mean square error (RMS) below $\sqrt{\mathrm{tr}\, F(p)^{-1}}$.
# This is the **Cramér–Rao bound** (크라메르-라오 하한).
# Beacons far away tell little, since a metre changes little there, and four times the samples halve the bound.
# Patwari and others derive it, with this noise, for networks in which most places are unknown; ours is the case of one.
#
# ## The technique
#
# The likelihood is computed at every point of a grid of half a metre: no start that could be wrong, no local optimum.
# A silent beacon is `nan` and is left out.
# With `cap` above zero a squared residual $z^2$ counts as $\ln(1 + \mathrm{cap}\, z^2)/\mathrm{cap}$, so that one beacon that contradicts all others loses its say; this is the `cauchy` loss of SciPy, and cap 0 is the formula above.

# %% tags=["technique"]
def grid(step):
    """Centres of squares of `step` metres on the floor, (places, 2)."""
    x, y = (np.arange(step / 2, side, step) for side in FLOOR)
    return np.stack(np.meshgrid(x, y, indexing="ij"), -1).reshape(-1, 2)


def log_likelihood(r, means, noise, cap=0.0):
    """Of each place, up to a constant.

    r: (cars, beacons) mean readings in dBm, nan where nothing was heard.
    means: (places, beacons) expected there.  noise: of r, in dB.
    Returns (cars, places).
    """
    total = np.zeros((len(r), len(means)))
    for car, row in enumerate(r):
        heard = ~np.isnan(row)                  # silence says nothing
        z2 = ((row[heard] - means[:, heard]) / noise) ** 2
        if cap:
            z2 = np.log1p(cap * z2) / cap
        total[car] = -z2.sum(1) / 2
    return total

# %% tags=["technique"]
def region(logl, share=0.95):
    """Smallest set of places that holds `share` of the probability.

    logl: (cars, places).  Returns (cars, places) of True and False.
    """
    p = np.exp(logl - logl.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    order = np.argsort(-p, axis=1)
    ranked = np.take_along_axis(p, order, 1)
    likelier = ranked.cumsum(1) - ranked        # mass of all before it
    inside = np.zeros(p.shape, bool)
    np.put_along_axis(inside, order, likelier < share, 1)
    return inside


def bound(p, beacons, noise, n=2.2):
    """Cramer-Rao bound on the RMS error at places p (..., 2), in metres."""
    d = p[..., None, :] - beacons               # (..., beacons, 2)
    d2 = (d ** 2).sum(-1, keepdims=True)
    J = 10 * n / np.log(10) * d / d2 * (d2 > 1)     # dB per metre
    F = np.swapaxes(J, -1, -2) @ J / noise ** 2     # (..., 2, 2)
    return np.sqrt(np.trace(np.linalg.inv(F), axis1=-2, axis2=-1))

# %% [markdown]
# The grid has 7,040 places; the floor has 88 slots, in four rows of 22.
# An estimate becomes the number of the nearest slot.
# Here is what the driver sees.

# %% tags=["experiment"]
SIGMA, DEAF = 4.0, -95.0            # dB of one sample; dBm, below is silence
PLACES, SURVEY = grid(0.5), grid(2.5)
MEANS = expected(PLACES, BEACONS)   # (7040, 12)
AWAY = np.linalg.norm(PLACES[:, None] - BEACONS, axis=-1)       # metres
ROWS = np.array([2.5, 13.5, 18.5, 29.5])        # middles of the rows, metres


def slot(p):
    """Number from 1 to 88 of the slot nearest to places p (..., 2)."""
    row = np.abs(p[..., 1, None] - ROWS).argmin(-1)
    return 22 * row + (p[..., 0] / 2.5).astype(int) + 1


def park(seed, cars, samples, fault=0.0, fixed=0.0):
    """Places (cars, 2) and mean readings (cars, 12), nan where silent.

    fault: dB by which one beacon, drawn for each car, is too weak.
    fixed: dB of noise that is the same in all samples of a car.
    """
    rng = np.random.default_rng(seed)
    p = rng.random((cars, 2)) * FLOOR
    noise = rng.normal(0, SIGMA, (samples, cars, 12)).mean(0)
    r = expected(p, BEACONS) + noise + fixed * rng.normal(size=(cars, 12))
    r[np.arange(cars), rng.integers(12, size=cars)] -= fault
    return p, np.where(r > DEAF, r, np.nan)

# %% tags=["figure"]
# @title Draw: your car, and the likelihood behind the answer
CASES = {"all well": (0, "likelihood"), "dead, left out": (60, "likelihood"),
         "dead, booked as -95 dBm": (60, "booked"),
         "20 dB too weak": (20, "likelihood"),
         "20 dB too weak, robust": (20, "robust")}
COUNTS, rng = (5, 1, 20), np.random.default_rng(1505)
luck, outcomes, seen = rng.normal(0, SIGMA, (1, 12)), {}, {}
for i, samples in enumerate(COUNTS):
    for j, (fault, arm) in enumerate(CASES.values()):
        r = expected(car[None], BEACONS) + luck / samples ** 0.5
        r[0, 4] -= fault                # the beacon nearest to the car
        r[r < DEAF] = DEAF if arm == "booked" else np.nan
        logl = log_likelihood(r, MEANS, SIGMA / samples ** 0.5,
                              0.3 * (arm == "robust"))
        best, inside = PLACES[logl[0].argmax()], region(logl)[0]
        held = inside[((PLACES - car) ** 2).sum(1).argmin()]
        seen[i, j] = logl[0], inside, best
        outcomes[i, j] = [
            ["your car", f"B3-{slot(best)}"],
            ["it stands in", f"B3-{slot(car)}"],
            ["off by", f"{np.linalg.norm(best - car):.1f} m"],
            ["region", f"{inside.sum() / 4:.0f} square metres, "
             + ("and the car is in it" if held else "the car is NOT in it")]]
logl, inside, best = seen[0, 0]
fig, ax = subplots(width=7.4, height=4.5)
map_of = dict(origin="lower", extent=(0, 55, 0, 32))
ax.imshow(np.exp(logl - logl.max()).reshape(110, 64).T, cmap="Blues",
          vmax=1.4, **map_of)
for x in range(22):
    for y in ROWS:
        ax.add_patch(Rectangle((2.5 * x, y - 2.5), 2.5, 5, fill=False,
                               lw=0.4, ec=palette["plain"]))
ax.contour(inside.reshape(110, 64).T, [0.5], colors=palette["method"],
           linewidths=1.5, **map_of)
ax.plot(*BEACONS.T, "^", ms=7, color=palette["other"], label="beacon")
ax.plot(*car, "s", ms=8, color=palette["rival"], label="the car")
ax.plot(*best, "x", ms=9, mew=2, color=palette["ink"], label="most likely")
ax.text(0.6, -3.6, f"Your car: B3-{slot(best)}", fontsize=15,
        fontweight="bold", color="white", va="center",
        bbox=dict(boxstyle="round,pad=0.5", fc=palette["method"]))
ax.legend(loc="upper right", bbox_to_anchor=(1.0, -0.08), ncols=3)
ax.set(xticks=[], yticks=[], title="Five samples of twelve beacons leave a "
       "patch of a few slots")
ax.grid(False)
interactive.choose(
    [("Samples", [str(k) for k in COUNTS]), ("Nearest beacon", list(CASES))],
    outcomes, columns=["card", "what the driver is told"],
    title="Fewer samples, a faulty beacon: what is the driver told?",
    alt="A floor with four rows of slots and twelve beacons. The likelihood "
        "is one small dark patch; its region surrounds the true car and the "
        "most likely place, close together. A card reads: your car, B3 and "
        "a number.", fallback_fig=fig)

# %% [markdown]
# One car and one stroke of luck, chosen to be about average; the claims need many.
#
# ## Predict
#
# Cars anywhere on the floor, aisles too, five samples a beacon.
# Which simple rule comes closest to maximum likelihood?
#
# - (a) *Strongest*: the place of the strongest beacon.
# - (b) *Centroid*: the mean of all beacons, weighted by milliwatts.
# - (c) *Fingerprint* (핑거프린트): a survey every $2.5$ m, twenty samples at each of 286 points; the mean of the four most similar points.
# - (d) *Distances*: each reading is turned into a distance $\hat{d}_i$ by the path loss, and the place that minimises $\sum_i (d_i/\hat{d}_i - 1)^2$ is taken.
#
# And which does more harm, a beacon that is dead, or one that sends at a hundredth of its power, 20 dB less?
#
# ## The experiment
#
# `error` is the mean distance in metres between answer and car, `rms` the root of the mean square, both lower is better; `slot` is the share of cars whose nearest slot is named, higher is better.
# All rules get the same readings.
# A telephone hears nothing below −95 dBm, and many a log writes that number where nothing was heard: *booked* is the likelihood on such a log, and so are all rules from (a) to (d).
# *Likelihood* leaves silence out, and *robust* has the cap besides.
# The rules that use the path loss know it as it is; the fingerprint has walked it instead.

# %% tags=["experiment"]
ARMS = ("strongest", "centroid", "fingerprint", "distances", "booked",
        "likelihood", "robust")


def answer(arm, r, noise, cap, seed):
    """Where each car stands, by one rule: (cars, 12) to (cars, 2)."""
    known(arm, ARMS, "arm")
    if arm in ("likelihood", "robust"):
        cap = cap if arm == "robust" else 0.0
        return PLACES[log_likelihood(r, MEANS, noise, cap).argmax(1)]
    r = np.nan_to_num(r, nan=DEAF)
    if arm == "booked":
        return PLACES[log_likelihood(r, MEANS, noise).argmax(1)]
    if arm == "strongest":
        return BEACONS[r.argmax(1)]
    if arm == "centroid":
        milliwatts = 10 ** (r / 10)
        return milliwatts @ BEACONS / milliwatts.sum(1, keepdims=True)
    if arm == "fingerprint":
        walk = np.random.default_rng([seed, 1])
        prints = expected(SURVEY, BEACONS) + walk.normal(
            0, SIGMA, (20, len(SURVEY), 12)).mean(0)
        apart = ((r[:, None] - prints) ** 2).sum(-1)
        return SURVEY[np.argsort(apart, axis=1)[:, :4]].mean(1)
    best = [((AWAY / d_hat - 1) ** 2).sum(1).argmin()       # distances
            for d_hat in 10 ** ((-40 - r) / 22)]
    return PLACES[best]

# %% tags=["experiment"]
def run(arm, seed, strength=0.3, cars=1500, samples=5, fault=0.0, fixed=0.0):
    """strength: the cap of robust.  The others: see park."""
    p, r = park(seed, cars, samples, fault, fixed)
    said = answer(arm, r, SIGMA / samples ** 0.5, strength, seed)
    off = np.linalg.norm(said - p, axis=1)
    return {"error": float(off.mean()),
            "rms": float((off ** 2).mean() ** 0.5),
            "slot": float((slot(said) == slot(p)).mean())}

# %% [markdown]
# ## The claims

# %% tags=["results"]
well = compare(run, [arm for arm in ARMS if arm != "booked"])
nearer = claim(
    "parked_car-near",
    "With five samples of each of twelve beacons, the place of maximum "
    "likelihood lies nearer to the car than the place that fits the "
    "estimated distances best", well, metric="error", arm="likelihood",
    baseline="distances", better="lower", least=0.08,
    unit="mean distance to the car (m)", picture=False,
    reason="it is a twentieth of what the fitted distances are off by on "
           "seeds from 1000 on, and for less nobody would change the rule",
    paper="In the authors' measurements the RMS error by received signal "
          "strength was one to two metres.")
print("five samples   error (m)   slot named")
for arm in well["error"]:
    print(f"{arm:14}{well.mean('error', arm):10.2f}"
          f"{well.mean('slot', arm):13.2f}")
    floor = 9.0         # the middle of the floor is off by about 16 m
    assert well.mean("error", arm) < floor, f"{arm} has not understood"

# %% [markdown]
# (d) comes closest, and for a reason: close to the right place $d/\hat{d} - 1$ is nearly $\ln d - \ln \hat{d}$, and that is the likelihood's residual but for a factor.
# (c) needs no model at all, and pays for it with the noise of its survey and the steps between its points.
# (a) knows no place between the beacons, and (b) is drawn away from every corner.
#
# ## Close to the bound
#
# Now the same cars against the bound, each at its place.

# %% tags=["experiment"]
def against(arm, seed, **more):
    """RMS error of a rule, or, for `bound`, the least that is possible."""
    known(arm, (*ARMS, "bound"), "arm")
    if arm != "bound":
        return {"rms": run(arm, seed, **more)["rms"]}
    how = {"cars": 1500, "samples": 5, **more}
    p, _ = park(seed, how["cars"], how["samples"])
    least = bound(p, BEACONS, SIGMA / how["samples"] ** 0.5)
    return {"rms": float((least ** 2).mean() ** 0.5)}

# %% tags=["results"]
limit = claim(
    "parked_car-bound",
    "With five samples of each of twelve beacons, the RMS error of maximum "
    "likelihood is close to the Cramér-Rao bound",
    compare(against, ("likelihood", "fingerprint", "bound")), metric="rms",
    arm="likelihood", baseline="bound", kind="no_worse", better="lower",
    margin=0.17, bad="fingerprint", unit="RMS error (m)", picture=False,
    reason="it is a tenth of the bound on seeds from 1000 on",
    paper="The authors derive bound and maximum likelihood for received "
          "signal strength and test the latter on measurements.")

# %% tags=["figure"]
# @title Draw: the error against the number of samples
ks = (1, 2, 5, 10, 20, 40)
fig, ax = subplots(width=6.6, height=3.4)
for arm, colour in (("strongest", "plain"), ("fingerprint", "fifth"),
                    ("distances", "rival"), ("likelihood", "method")):
    ax.plot(ks, [against(arm, 1500, samples=k)["rms"] for k in ks], "o-",
            ms=4, color=palette[colour], label=arm)
ax.plot(ks, [against("bound", 1500, samples=k)["rms"] for k in ks],
        "--", color=palette["ink"], label="Cramér–Rao bound")
ax.set(xscale="log", yscale="log", xlabel="samples of each beacon",
       ylabel="RMS error (m)", xticks=ks, xticklabels=ks,
       yticks=(0.5, 1, 2, 4, 8), yticklabels=("½", 1, 2, 4, 8),
       title="Likelihood follows the bound, the survey does not")
ax.minorticks_off()
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
show(fig, "RMS error against samples, both on logarithmic scales. The "
          "likelihood runs along the bound and falls steadily, fitted "
          "distances come down to it from above; the fingerprint begins "
          "beside them and flattens, and the strongest hardly falls.")

# %% [markdown]
# At one sample the walls of the floor hold the answers in: the rules are biased, and the theorem does not bind them.
# At forty the squares of the grid begin to show.
#
# The region keeps its promise while the noise is as told: about nineteen cars in twenty stand inside.
# What if all samples of a car share 3 dB of noise, as behind a pillar?

# %%
print("samples  shared  told   cars inside  square metres")
for samples, shared, told in ((5, 0, 0), (20, 0, 0), (20, 3, 0), (20, 3, 3)):
    p, r = park(1501, 500, samples, fixed=shared)
    noise = (SIGMA ** 2 / samples + told ** 2) ** 0.5
    inside = region(log_likelihood(r, MEANS, noise))
    own = (p / 0.5).astype(int) @ [64, 1]          # the square of each car
    held = inside[np.arange(500), own].mean()
    print(f"{samples:7}{shared:5} dB{told:3} dB{held:14.2f}"
          f"{inside.sum(1).mean() / 4:15.0f}")
    assert (held > 0.9) == (told == shared)

# %% [markdown]
# Listening longer shrinks the region and not the shared part: where it looks most certain, most cars stand outside.
# Told of the shared part, it is right again, and large.
#
# ## One beacon dead, one beacon weak
#
# Somewhere on the floor a beacon dies; which one differs from car to car.

# %% tags=["results"]
dead = claim(
    "parked_car-dead",
    "With one of twelve beacons dead, a likelihood that leaves its silence "
    "out lies nearer to the car than one that books the silence as "
    "-95 dBm", compare(run, ("distances", "booked", "likelihood", "robust"),
                       fault=60.0),
    metric="error", arm="likelihood", baseline="booked", better="lower",
    least=1.25, unit="mean distance to the car (m)", picture=False,
    reason="half the width of a slot is about the least that somebody "
           "looking for a car would notice")

# %% tags=["results"]
faulty = compare(run, ("fingerprint", "distances", "likelihood", "robust"),
                 fault=20.0)
weak = claim(
    "parked_car-weak",
    "With one of twelve beacons 20 dB too weak, a likelihood with a cap on "
    "each beacon's say lies nearer to the car than the likelihood without",
    faulty, metric="error", arm="robust", baseline="likelihood",
    better="lower", least=1.25, unit="mean distance to the car (m)",
    reason="half the width of a slot is about the least that somebody "
           "looking for a car would notice", picture=False)

# %% tags=["figure"]
# @title Draw: the error against the weakness of one beacon
faults = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60)
fig, ax = subplots(width=6.6, height=3.2)
for arm, colour in (("booked", "plain"), ("likelihood", "method"),
                    ("robust", "other"), ("distances", "rival")):
    ax.plot(faults, [run(arm, 1500, cars=600, fault=float(f))["error"]
                     for f in faults], "o--" if arm == "distances" else
            "o-", ms=4, color=palette[colour], label=arm)
ax.set(xlabel="dB by which one beacon of twelve is too weak", ylim=(0, None),
       ylabel="mean distance (m)",
       title="Half dead is worse than dead, if silence is left out")
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
show(fig, "Mean distance against weakness. Booked rises and stays high. "
          "Likelihood rises as high as booked at first, then falls back to "
          "its beginning once the beacon is silent. Fitted distances and "
          "robust stay low throughout.")

# %% tags=["figure"]
# @title Draw: all four claims
overview(nearer, limit, dead, weak)

# %% tags=["details"]
# @title Every seed of every claim
for record in (nearer, limit, dead, weak):
    draw_claim(record)

# %% [markdown]
# Booked as a measurement, silence says that the car is very far from a beacon that it may stand beside, and the sum of squares believes it: <!--=parked_car-dead.mean.booked:1-->6.2<!--/--> m against <!--=parked_car-dead.mean.likelihood:1-->1.6<!--/--> m.
# The weak beacon cannot be left out, since nobody knows that it is weak: <!--=parked_car-weak.mean.likelihood:1-->4.4<!--/--> m, more than with a dead one.
# The cap needs no such knowledge and brings <!--=parked_car-weak.mean.robust:1-->1.8<!--/--> m; where all is well it costs a few centimetres.
#
# Rule (d) noticed little of either fault, with <!--=parked_car-weak.mean.distances:1-->1.9<!--/--> m at the weak beacon: a beacon that seems far away has a large $\hat{d}$, and its term can hardly exceed one.
# That is an accident: a beacon too strong throws it further off than the likelihood (*Tries*).
# The likelihood is the nearest of these rules where its model is right, and one weak beacon takes that lead away.
#
# ## Break it
#
# <details><summary>Ten mistakes</summary>
#
# - **Natural logarithm**: the power falls by ten $n$ per factor e.
# - **Nearer than a metre**: the signal grows without limit beside a beacon.
# - **Corners for centres**: the grid is shifted by half a square.
# - **Silence for a number**: what was not heard counts as −95 dBm.
# - **Cap not divided out**: even a small residual then counts less than it should.
# - **Least likely first**: the region is filled from the wrong end.
# - **One place short**: the region stops before its share is reached.
# - **Noise not squared**: the bound has the wrong unit.
# - **Distance not squared**: far beacons tell as much as near ones.
# - **Trace before the inverse**: one over the trace of $F$ gives at most half the bound.
#
# </details>
#
# The first of them still gives an answer for every car:

# %%
p, r = park(1502, 300, 5)
for name, n in (("log10", 2.2), ("natural", 2.2 * np.log(10))):
    said = PLACES[log_likelihood(r, expected(PLACES, BEACONS, n=n),
                                 SIGMA / 5 ** 0.5).argmax(1)]
    print(f"{name:8} off by {np.linalg.norm(said - p, axis=1).mean():5.2f} m")

# %% [markdown]
# ## What we shrank
#
# | | elsewhere | here |
# |---|---|---|
# | signal | [RADAR](https://www.microsoft.com/en-us/research/publication/radar-an-in-building-rf-based-user-location-and-tracking-system/) combines measurements in the building with a model of propagation | drawn from the very model that the likelihood uses |
# | noise | walls, pillars, bodies: much of it stays the same while the telephone lies still | independent from sample to sample; shared noise breaks the region (printed above) and makes long listening useless (exercise 2) |
# | silence | can be evidence of distance: a [study of censored path loss](https://www2.mdpi.com/1424-8220/21/3/987) uses it to locate better | only a fault is silent; on this floor every working beacon is heard |
#
# Power, exponent and noise are known here, and the car is on the right floor.
#
# <details><summary>Tries: six rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | centroid weighted by the root of milliwatts, by milliwatts, by their square; fitted distances without division by the estimate, with silence left out | seeds 1000 to 1003 | `8.2`, `3.6` and `3.4` m, milliwatts kept; `2.3` m in place of `1.6`, no difference |
# | fingerprints every 5 or `2.5` m, mean of one, four, eight points | seeds 1000 to 1003 | `2.5` m and four best at five samples; with a single sample and eight points they were as near as the likelihood |
# | caps of `0.1`, `0.3` and `1` at 20 dB | seeds 1000 to 1003 | `2.0`, `1.75` and `1.9` m; the middle kept |
# | fitted distances as the rival of the robust rule, one beacon 20 dB too weak; too strong | seeds 1000 to 1009; to 1005 | robust nearer by `0.08` m with a standard deviation of `0.06`: too close for five seeds, no claim; `12.5` against `1.9` m, the likelihood `6.7` |
# | cars inside the region, 20 samples: noise as told; squares of a quarter metre; 3 dB shared and not told; the cap besides | seeds 1000 to 1008 | `0.93`; `0.95`; `0.23`; `0.65` |
# | the four claims, as stated | seeds 0 to 4, once | the experiment above |
#
# </details>
#
# ## In the lab
#
# Every reading that a robot or a telephone takes can be turned round like this: which state would have made it?
# [Chapter 7](../../chapters/7-building.md) has the door that this page stands behind, and [elevators](elevators.ipynb) the other sentence of the article that gives no method.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Twelve beacons stand on a circle of radius 10 m, 30 degrees apart, and the car in its centre.
# One sample has 4 dB of noise, $n$ is `2.2`, five samples are averaged.
# Give the bound on the RMS error in metres.

# %% tags=["exercise"]
ring = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_ring(value):
    right = 2 * 10 * 4 * np.log(10) / (22 * 60 ** 0.5)
    assert not near(value, right * 5 ** 0.5), "Five samples were averaged."
    assert not near(value, right / 2 ** 0.5), (
        "That is one coordinate; the trace adds up both.")
    assert not near(value, right / np.log(10)), (
        "The derivative of log10 has a ln 10 in it.")
    assert near(value, right), (
        "By symmetry F is a multiple of the identity: half of the sum of "
        "all squared lengths.")

check("parked_car-1", ring, judge_ring, asks="a number of metres")

# %% tags=["solution"]
# @title Solution of exercise 1
# Each gradient has length a = 10 n / (R ln 10).  F = 12/2 a^2 5/sigma^2 I,
# and the trace of its inverse is 2 / (30 a^2 / sigma^2).
slope = 10 * 2.2 / (10 * np.log(10))
ring = (2 / (30 * slope ** 2 / 4 ** 2)) ** 0.5
check("parked_car-1", ring, judge_ring)

# %% [markdown]
# **2. Refute the claim.**
# "Four times the samples halve the error of the likelihood."
# Give a number of decibels, at most 6, for the part of the noise that is the same in all samples of a car (`fixed` of `park`), so that going from 5 samples to 20 saves less than a fifth of the error.

# %% tags=["exercise"]
same = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_same(value):
    assert near(value, 3, abs=3), "Between 0 and 6 dB."
    value = float(value)
    few, many = (np.mean([run("likelihood", seed, cars=150, fixed=value,
                              samples=k)["error"] for seed in range(
                                  1510, 1513)]) for k in (5, 20))
    assert many > 0.8 * few, (
        f"There {few:.2f} m become {many:.2f} m. Which noise does a mean "
        "of samples make smaller?")

check("parked_car-2", same, judge_same, asks="a number of decibels")

# %% tags=["solution"]
# @title Solution of exercise 2
# A mean removes only what differs between samples.  With 4 dB in each and
# 4 dB that stay, 5 samples leave 4.4 dB and 20 samples 4.1.
same = 4.0
check("parked_car-2", same, judge_same)

# %% [markdown]
# **3. Change and predict.**
# The most likely place is not the one with the smallest mean squared error.
# Write that one: a function of `(logl, places)`, with the log-likelihoods (cars, places) and the places (places, 2), all equally likely before, that returns (cars, 2).
# Being biased, it may even fall below the bound.

# %% tags=["exercise"]
def middle(logl, places):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 3
def judge_middle(function):
    for seed in (1513, 1514):
        p, r = park(seed, 20, 2)
        some = PLACES[seed % 7::7]
        logl = log_likelihood(r, expected(some, BEACONS), 2.0)
        said = function(logl.copy() - 900.0, some.copy())
        assert said is not None, "Return one place for each car."
        said = np.asarray(said, float)
        assert said.shape == (20, 2), "Return (cars, 2)."
        assert not np.allclose(said, some[logl.argmax(1)]), (
            "That is the most likely place.")
        assert np.isfinite(said).all(), (
            "exp of -900 is zero: subtract the largest first.")
        p = np.exp(logl - logl.max(1, keepdims=True))
        right = p @ some / p.sum(1, keepdims=True)
        assert np.allclose(said, right, atol=1e-6), (
            "The mean minimises squared error: every place, weighted by "
            "its probability.")

check("parked_car-3", middle, judge_middle,
      asks="a function of (logl, places)")

# %% tags=["solution"]
# @title Solution of exercise 3
def middle(logl, places):
    p = np.exp(logl - logl.max(1, keepdims=True))
    return p @ places / p.sum(1, keepdims=True)

check("parked_car-3", middle, judge_middle)

# %% [markdown]
# **4. Find the bug.**
# The bound for the mean of several samples; at one sample it is right.
# Set `mended` to a function of `(p, samples)` that returns the bound on our floor in metres.

# %% tags=["exercise", "bug"]
def suspect(p, samples):
    return bound(p, BEACONS, SIGMA) / samples

mended = suspect

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    for seed, samples in ((4, 1), (5, 4), (6, 7)):
        p = np.random.default_rng(seed).random((6, 2)) * FLOOR
        right = bound(p, BEACONS, SIGMA / samples ** 0.5)
        assert np.allclose(function(p.copy(), samples), right), (
            f"At {samples} samples it is another number. By what does the "
            "noise of a mean shrink?")

check("parked_car-4", mended, judge_mended,
      asks="a function of (p, samples)")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended(p, samples):
    return bound(p, BEACONS, SIGMA) / samples ** 0.5

check("parked_car-4", mended, judge_mended)
