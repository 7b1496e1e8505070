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
# # Image, object, video
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/2-stack/recognition.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | section 2.1, the AI stack: image, object and video recognition, three words of the Core AI Engine |
# | Data | scikit-learn's handwritten digits, real, put on canvases and moved by us, so that boxes and ways are known |
# | Library | on Monday: [torchvision](https://docs.pytorch.org/vision/stable/models.html) for the networks, [pycocotools](https://github.com/ppwwyyxx/cocoapi) for average precision |
# | Time | <!--=bench.recognition.seconds-->5<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 같은 열 장의 평균 그림으로 그림이 무엇인지, 어디에 있는지, 어느 쪽으로 움직이는지를 차례로 물어 단계마다 무엇이 더 필요한지 봅니다.
# 프레임의 순서를 보지 않는 모델은 거꾸로 돌린 영상에도 같은 답을 하므로 절반보다 많이 맞힐 수 없음을 확인합니다.

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
from numpy.lib.stride_tricks import sliding_window_view
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits

from lab1784 import check, near, palette, show
from lab1784.data.motion import canvases, films
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

# %% [markdown]
# ## Image: what is it?
#
# The smallest **image recognition** (이미지 인식) that works: keep the mean picture of each class, and say the class whose mean is nearest.

# %% tags=["experiment"]
x, y = load_digits(return_X_y=True)
means = np.stack([x[:900][y[:900] == k].mean(0) for k in range(10)])
image = (cdist(x[900:], means).argmin(1) == y[900:]).mean()

# %% [markdown]
# ## Object: where is each?
#
# Two digits stand somewhere on a canvas of 24 by 24 pixels.
# **Object detection** (객체 탐지) says where, as boxes, each with a class and a score.
# Our detector looks through a window of 8 by 8 pixels at all 289 places and scores how well the best mean fits.
# Neighbours of a good place are good as well, so it takes the best place, strikes out what overlaps it too much, and goes on: **non-maximum suppression** (비최대 억제).
#
# How right is a box?
# **Intersection over union** (교집합 대 합집합 비율, IoU) is the area that two boxes share, over the area that either covers; from one half on the box counts as found.
# How right is a list of boxes?
# Sort all boxes of all pictures by score; at each hit note the precision so far; add these up and divide by the number of true objects.
# That is **average precision** (평균 정밀도, AP): what was never found adds nothing.

# %% tags=["experiment"]
def detect(picture, most=4):
    """(24, 24) -> the best places first: (score, class, box) each."""
    windows = sliding_window_view(picture, (8, 8)).reshape(17, 17, 64)
    unit = means - means.mean(1, keepdims=True)           # (10, 64)
    fit = windows @ (unit / np.linalg.norm(unit, axis=1)[:, None]).T
    best, found = fit.max(2), []                          # (17, 17)
    for _ in range(most):
        r, c = np.unravel_index(best.argmax(), best.shape)
        found.append((best[r, c], fit[r, c].argmax(), (r, c, r + 8, c + 8)))
        best[max(0, r - 5):r + 6, max(0, c - 5):c + 6] = -np.inf
    return found


def iou(a, b):
    """Boxes as (top, left, bottom, right): shared over covered area."""
    a, b = np.array([a, b]).reshape(2, 2, 2)              # two corners each
    shared = (np.minimum(a, b)[1] - np.maximum(a, b)[0]).clip(0).prod()
    return shared / (np.prod(a[1] - a[0]) + np.prod(b[1] - b[0]) - shared)


def average_precision(scores, hits, truths):
    """scores, hits: one a box; truths: how many objects there are."""
    hits = np.asarray(hits)[np.argsort(scores)[::-1]]
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    return precision[hits].sum() / truths

# %% [markdown]
# Four objects, and five boxes that are, from the best score down, a hit, a miss, two hits and a miss.
# By hand: the precisions at the hits are 1, 2/3 and 3/4, one object is missing, so $\text{AP} = (1 + 2/3 + 3/4 + 0)/4 = 29/48$.

# %%
example = [True, False, True, True, False]
assert near(average_precision([9, 8, 7, 6, 5], example, 4), 29 / 48)

# %% [markdown]
# No object can be hit twice here: two boxes that are kept lie six pixels apart, and a hit lies within two of its object.

# %%
pictures, boxes, _ = canvases(0, 200)
found = [detect(p) for p in pictures]
hits = [max(iou(box, b) for b in two) >= 0.5
        for f, two in zip(found, boxes) for *_, box in f]
ap = average_precision([s for f in found for s, *_ in f], hits, 400)
print(f"image: {image:.2f} named; object: AP {ap:.2f}")

# %% [markdown]
# Finding is easier here than naming, for which class a box has was not asked: a wrong mean still lies on a digit.
# What detection needed beyond the image is a rule for *how many*, and a score that can be compared across places.
#
# ## Video: what happens?
#
# In a film of eight frames a digit moves right, left, down or up, and every film is also there backwards.
# Backwards the answer is another one, and the set of frames is the same.
# So a model that takes the frames without their order answers a film and its reverse alike and is right on one of the two at most: at most half in all, however large it is.
# **Video recognition** (영상 인식) begins where that is not enough.
#
# Again the nearest mean decides, once of the average frame and once of all frames in order.

# %%
learn, ways = films(0, 300)
asked, answer = films(1, 300)
for name, seen, new in (("average", learn.mean(1), asked.mean(1)),
                        ("in order", learn, asked)):
    mean = np.stack([seen[ways == k].mean(0).ravel() for k in range(4)])
    right = cdist(new.reshape(600, -1), mean).argmin(1) == answer
    print(f"video, {name:8}: {right.mean():.2f} right")
    assert name != "average" or not right.reshape(2, 300).all(0).any()

# %% tags=["figure"]
# @title Draw: what each task is shown
fig, axes = subplots(2, 6, width=7.2, height=2.9)
axes[0, 0].imshow(x[900].reshape(8, 8), cmap="gray_r")
for ax, k in zip(axes[0, 1:], range(5)):
    ax.imshow(pictures[k], cmap="gray_r")
    for (_, kind, (top, left, *_)), hit in zip(found[k][:2], hits[4 * k:]):
        ax.add_patch(Rectangle((left - 0.5, top - 0.5), 8, 8, fill=False, lw=2,
                               ls="-" if hit else ":", ec=palette["rival"]))
        ax.text(left, max(top - 1, 2), kind, color=palette["rival"],
                fontsize=9, fontweight="bold")
film = asked[1]
for ax, picture in zip(axes[1], (*film[[0, 2, 5, 7]], film.mean(0),
                                 film[::-1].mean(0))):
    ax.imshow(picture, cmap="gray_r")
for ax, title in zip(axes.flat, (
        "image", "objects, found", "", "", "", "", "video, frame 1", "frame 3",
        "frame 6", "frame 8", "average", "backwards")):
    ax.set_title(title, fontsize=9, loc="left")
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
show(fig, "Above, one digit alone, then five canvases with two digits each, "
          "the detector's two best boxes around them and the class that it "
          "says; nearly all boxes are on a digit. Below, four frames of a "
          "film in which a digit moves, the average of all its frames, a "
          "smear, and the average of the film backwards, the same smear.")

# %% [markdown]
# A blind view sees the track and not the way.
# For a film of a bus that is enough: a bus is a bus in any order.
# So before a video model is praised, ask what the frames say without their order; [chapter 3](../../chapters/3-machine-learning) has the Lab's own detector, [ViDT](../3-machine-learning/vidt), and a page on models that take [the easy cue](../3-machine-learning/shortcut_cues).
#
# ## Exercises
#
# **1. Compute.**
# Two boxes of 8 by 8 pixels; one lies two pixels lower and four further right than the other.
# What is their IoU?

# %% tags=["exercise"]
overlap = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_overlap(value):
    assert not near(value, 24), "That is the shared area; over what area?"
    assert not near(value, 24 / 64), "Divide by what either box covers."
    assert not near(value, 24 / 128), "The shared part is counted twice."
    assert near(value, 3 / 13), "How wide and how high is what they share?"

check("recognition-1", overlap, judge_overlap, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 1
overlap = 24 / (64 + 64 - 24)
check("recognition-1", overlap, judge_overlap)

# %% [markdown]
# **2. Refute.**
# "Without the order of the frames nothing can be known about a movement."
# Write a function of the average frames, an array (n, 16, 16), that returns for each how it thinks the digit moves: 0 right, 1 left, 2 down, 3 up.
# A guess is right in a quarter of the cases; be right in two fifths at least.

# %% tags=["exercise"]
def movement(average):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 2
def judge_movement(function):
    for seed in (2, 3):
        shown, truth = films(seed, 200)
        said = np.asarray(function(shown.mean(1)))
        assert said.shape == truth.shape, "One answer for every film, please."
        axis = (said // 2 == truth // 2).mean()
        assert axis < 0.9 or (said == truth).mean() >= 0.4, (
            "You know the axis: now say one of its two ways, always.")
        assert axis > 0.3, "Across for along: which way is the smear longer?"
        assert (said == truth).mean() >= 0.4, "Along which axis is the smear?"

check("recognition-2", movement, judge_movement, asks="a function")

# %% tags=["solution"]
# @title Solution of exercise 2
def movement(average):
    def spread(profile):
        place, weight = np.arange(16), profile.clip(0)
        mean = weight @ place / weight.sum(1)
        return weight @ place ** 2 / weight.sum(1) - mean ** 2
    return np.where(spread(average.sum(1)) > spread(average.sum(2)), 0, 2)

check("recognition-2", movement, judge_movement)
