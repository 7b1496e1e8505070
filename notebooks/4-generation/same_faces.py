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
# # The same faces, seven times
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/4-generation/same_faces.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | section 2.2, generation, and the news, which adds video: the seven papers together |
# | Data | four drawn faces; the answers are those of networks that the chapter's other pages trained, kept as pictures and checked anew by our tests |
# | Library | for pictures of your own: [Diffusers](https://huggingface.co/docs/diffusers), whose models of today do most of this with words |
# | Time | <!--=bench.same_faces.seconds-->4<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 이 장의 일곱 논문이 같은 얼굴 네 개로 무엇을 만드는지, 그릴 수 있는 정답과 나란히 걸어 놓고 비교합니다.
# 정답이 있는 네 과제에서 아무것도 하지 않은 그림보다 정답에 가까워졌는지를 픽셀 오차로 확인하고, 나머지 세 논문은 저마다의 질문에 대한 답을 보여 줍니다.

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

from lab1784 import check, data, near, show
from lab1784.data.same_faces import (film, four, hung, next_hair,
                                     next_palette, next_style)
from lab1784.exercises import Unanswered
from lab1784.figures import subplots
from lab1784.scorer import scorer

# %% [markdown]
# ## One wall
#
# Each page of this chapter shows its own pictures, and each picture looks best beside its own kind.
# So here are four faces on which nothing was trained, in the hands of all seven, and what a perfect answer would be.
# The networks are those that their pages recorded, the first seed of each; they are small, and learned for a minute or two.
#
# | paper | what it is asked about each face | what a perfect answer is |
# |---|---|---|
# | StarGAN | the next colour of hair | only the hair has changed |
# | StarGAN v2 | hat and colours of the next face, shown as a picture | the same person in them |
# | StyleMapGAN | the right half of the next face | scissors |
# | C3-GAN | sort the face, then draw the cluster it fell into | a picture of the same kind; pixels need not agree |
# | FSMR | by how much does the critic's score move with the colours of the next face? | not at all |
# | GGDR | what are the parts, from the critic's features alone? | hair, face, glasses, mouth and hat |
# | DIGAN | the frame at $t = 1.28$ of a film that was shown up to $t = 1$ | the face, gone on |

# %% tags=["experiment"]
def draw(f):
    return data.draw_avatars(f)[0]


def truths(f):
    """paper -> perfect answers (4, 3, 16, 16); what it is to do nothing."""
    x, masks = data.draw_avatars(f)
    half, part = x.clone(), masks.argmax(1)
    half[..., 8:] = x.roll(-1, 0)[..., 8:]
    skin = torch.where(part > 0, data.PARTS.index("skin"), 0)
    last, late = (torch.cat([film(f, i, torch.tensor([t]))
                             for i in range(4)]) for t in (1.0, 1.28))
    return {"StarGAN": (draw(next_hair(f)), x),
            "StarGAN v2": (draw(next_style(f)), x),
            "StyleMapGAN": (half, x), "C3-GAN": (x, x), "FSMR": (
                draw(next_palette(f)), x), "GGDR": tuple(map(
                    data.tinted, (part, skin))), "DIGAN": (late, last)}


faces = four()
truth = truths(faces)
answers = dict(zip(truth, hung().values()))
made = {k: torch.tensor(v).float() / 127.5 - 1 for k, v in answers.items()
        if k != "FSMR"}

# %% tags=["figure"]
# @title Draw: the wall
fig, axes = subplots(8, 8, width=7.2, height=8.0)
for k, ax in enumerate(axes[0]):
    if k % 2 == 0:
        ax.imshow((draw(faces)[k // 2].permute(1, 2, 0) + 1) / 2)
for row, name in zip(axes[1:], truth):
    for k in range(4):
        right = truth[name][0][k]
        if name == "FSMR":
            row[2 * k + 1].text(0.5, 0.5, "\n".join(
                f"{arm} {v:.2f}" for arm, v in zip(
                    ("plain", "FSMR"), answers[name][:, k])),
                ha="center", va="center", fontsize=7)
        else:
            row[2 * k + 1].imshow((right.permute(1, 2, 0) + 1) / 2)
            right = made[name][k]
        row[2 * k].imshow((right.permute(1, 2, 0).clamp(-1, 1) + 1) / 2)
for row, name in zip(axes, ("the face", *truth)):
    row[0].set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
    for ax in row:
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set_visible(False)
for k in range(4):
    axes[1, 2 * k].set_title("answer", fontsize=8, loc="center")
    axes[1, 2 * k + 1].set_title("truth", fontsize=8, loc="center")
show(fig, "Eight rows; in the first, four drawn faces. Below each face two "
          "columns, answer and truth. StarGAN's hair has the right colour "
          "with smears; StarGAN v2's people wear other colours and blurred "
          "edges; StyleMapGAN's halves are in place and soft; C3-GAN's "
          "faces are garish; FSMR has the face in other colours and two "
          "numbers; GGDR has coloured parts that roughly follow the true "
          "ones; DIGAN's faces have moved on and are all but the truth.")

# %% [markdown]
# In numbers: the mean squared error to the truth, over pixels and colours from -1 to 1, beside that of doing nothing.
# Nothing is the face itself; for DIGAN the frame at $t = 1$, for GGDR a figure that is skin all over.

# %%
for name in made:
    right, nothing = truth[name]
    if name == "C3-GAN":
        hair = [scorer().factors(p)["hair"] for p in (made[name], right)]
        same = (hair[0] == hair[1]).float().mean()
        print(f"{name:11} drawn with the same colour of hair: {same:.2f}")
    else:
        print(f"{name:11} answer {F.mse_loss(made[name], right):.3f}, "
              f"nothing {F.mse_loss(nothing, right):.3f}")
print("FSMR        palette moves the score by {1:.2f} of what drawing does; "
      "without FSMR by {0:.2f}".format(*answers["FSMR"].mean(1)))

# %% [markdown]
# The colour of C3-GAN's hair is read by the book's judge, which was trained on drawn faces; look at the wall whether you agree.
# Four faces and one seed prove nothing; the pages have five seeds and claims.
# What the wall adds is the eye: who is asked for a small change has an answer that is nearly there before it begins, and who has to invent, as C3-GAN does, has not.
#
# ## Is the truth true?
#
# The truths come from the program that draws the faces.
# Three steps of hair colour should lead back to the face, bit for bit; two rounds of halves as well; and a changed colour of hair should touch no pixel without hair.

# %%
x, masks = data.draw_avatars(faces)
assert torch.equal(draw(next_hair(next_hair(next_hair(faces)))), x)
half = truth["StyleMapGAN"][0]
assert torch.equal(torch.cat([half[..., :8], half.roll(1, 0)[..., 8:]], 3), x)
hair = masks[:, data.PARTS.index("hair")]
touched = (truth["StarGAN"][0] != x).any(1)
assert not touched[hair == 0].any() and touched[hair > 0.5].all()
print("three hair colours lead back, two halves make a face, only hair moves")

# %% [markdown]
# ## Exercises
#
# **1. Compute.**
# In a picture of 16 by 16 pixels and three colours, an answer is wrong by $0.8$ in all three colours of 32 pixels, and right elsewhere.
# What is its mean squared error?

# %% tags=["exercise"]
error = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_error(value):
    assert not near(value, 0.64), "That is the error of the wrong pixels."
    assert not near(value, 0.24), "Divide by the number of colours, too."
    assert not near(value, 0.1), "Square each difference first."
    assert near(value, 0.08), "Which share is wrong, and by how much?"

check("same_faces-1", error, judge_error, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 1
error = 32 / 256 * 0.8 ** 2
check("same_faces-1", error, judge_error)

# %% [markdown]
# **2. Change and predict.**
# DIGAN's task without a network: write a function of the frames at $t = 1$, a tensor (4, 3, 16, 16), that comes nearer to the frames at $t = 1.28$ than doing nothing.
# A face moves by one half of the picture's half width in a unit of time, to the right, and hardly upwards.

# %% tags=["exercise"]
def go_on(frames):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 2
def judge_go_on(function):
    for factors in (four(), data.avatar_factors(4, 60_000)):
        late, last = truths(factors)["DIGAN"]
        got = torch.as_tensor(function(last.clone())).float()
        assert got.shape == last.shape, "Return (4, 3, 16, 16), please."
        gap, nothing = F.mse_loss(got, late), F.mse_loss(last, late)
        assert gap <= nothing, "Further away: which way do they go?"
        assert gap < 0.9 * nothing, "By how many pixels do they go?"

check("same_faces-2", go_on, judge_go_on, asks="a function of frames")

# %% tags=["solution"]
# @title Solution of exercise 2
def go_on(frames):
    return frames.roll(1, 3)           # 0.28 / 2 of 8 pixels: about one

check("same_faces-2", go_on, judge_go_on)
