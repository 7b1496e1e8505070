"""HyperCLOVA, prompting: what its page must survive (see
test_every_page.py)."""

import copy
import hashlib

import numpy as np
import torch
from torch import nn


def fingerprint(module):
    return hashlib.sha256(b"".join(
        p.detach().numpy().tobytes() for p in module.parameters())).digest()


def fresh(page, seed=3):
    """An untrained language model whose labels are not a tie."""
    torch.manual_seed(seed)
    return page["TinyGPT"]().requires_grad_(False)


def row_by_hand(page):
    """Worked out with a pencil: word, label, word, label, question."""
    got = page["prompt"](torch.tensor([[5, 6], [7, 8]]),
                         torch.tensor([[64, 65], [66, 67]]),
                         torch.tensor([9, 10]))
    assert got.tolist() == [[5, 64, 6, 65, 9], [7, 66, 8, 67, 10]]


def block_equals_torch(page):
    """Made by others: torch's TransformerEncoderLayer, norm first."""
    torch.manual_seed(0)
    block = page["Block"](48).double()
    theirs = nn.TransformerEncoderLayer(
        48, 4, 96, 0.0, "gelu", batch_first=True, norm_first=True).double()
    pairs = {"self_attn.in_proj_weight": "qkv.weight",
             "self_attn.in_proj_bias": "qkv.bias",
             "self_attn.out_proj.weight": "out.weight",
             "self_attn.out_proj.bias": "out.bias",
             "linear1.weight": "mlp.0.weight", "linear1.bias": "mlp.0.bias",
             "linear2.weight": "mlp.2.weight", "linear2.bias": "mlp.2.bias",
             "norm1.weight": "norm1.weight", "norm1.bias": "norm1.bias",
             "norm2.weight": "norm2.weight", "norm2.bias": "norm2.bias"}
    ours = block.state_dict()
    theirs.load_state_dict({a: ours[b] for a, b in pairs.items()})
    x = torch.randn(3, 11, 48, dtype=torch.float64)
    mask = nn.Transformer.generate_square_subsequent_mask(
        11, dtype=torch.float64)
    np.testing.assert_allclose(block(x).detach(),
                               theirs(x, src_mask=mask).detach(), atol=1e-12)


def no_future(page):
    """Brute force: each position's logits are those of the row cut off
    behind it, and they do depend on the vector just before."""
    lm = fresh(page).double()
    x = torch.randn(2, 9, 48, dtype=torch.float64)
    whole = lm(x)
    for t in range(9):
        np.testing.assert_allclose(lm(x[:, :t + 1])[:, t], whole[:, t],
                                   atol=1e-12)
    lm.blocks = nn.Identity()            # no attention: only `before` mixes
    moved = x.clone()
    moved[:, 4, 0] += 1
    changed = ((lm(moved) - lm(x)).abs().amax((0, 2)) > 1e-9).tolist()
    assert changed == [t in (4, 5) for t in range(9)]


def loss_by_hand(page):
    """The loss from the chain rule: one prompt a label, in a loop."""
    lm = fresh(page)
    g = torch.Generator().manual_seed(1)
    words = torch.randint(64, (3, 4), generator=g)
    labels = 64 + torch.randint(8, (3, 4), generator=g)
    nats = []
    for w, y in zip(words, labels):
        for k in range(4):
            row = [t for pair in zip(w[:k].tolist(), y[:k].tolist())
                   for t in pair] + [int(w[k])]
            p = lm(lm.embed(torch.tensor([row])))[0, -1].double().softmax(0)
            nats.append(-np.log(float(p[y[k]])))
    assert abs(float(page["label_loss"](lm, words, labels))
               - np.mean(nats)) < 1e-5


def zero_shot_is_the_prior(page):
    """An identity: whatever the weights, one in eight without an example
    or behind labels that are the same for every truth."""
    for seed in range(5):
        lm = fresh(page, seed)
        words, labels = page["questions"](seed)
        assert page["accuracy"](lm, words, labels, 0) == 1 / 8
    got = page["run"]("many", 1000, steps=1)
    assert got["0 shots"] == got["8 random"] == got["prior"] == 1 / 8


def answers_follow_the_labels(page):
    """An identity: give every label's row to another label, inside the
    model, and the answers are renamed, exactly."""
    lm, (words, labels) = fresh(page, 7), page["questions"](2, n=8)
    turn = torch.randperm(8, generator=torch.Generator().manual_seed(5))
    renamed = fresh(page, 7)
    for rows in (renamed.embed.weight, renamed.read.weight,
                 renamed.read.bias):
        rows.data[64 + turn] = rows.data[64:].clone()
    new = 64 + turn[labels - 64]
    for k in (0, 3, 8):
        one, two = (page["answer"](m, m.embed(page["prompt"](
            words[:, :k], y[:, :k], words[:, -1])))
            for m, y in ((lm, labels), (renamed, new)))
        assert torch.equal(64 + turn[one - 64], two)


def a_perfect_reader(page):
    """Rules that know the groups: copying the label of an example of the
    same group is right 1023 times in 1024 or so with 8 shots; the word asked
    for is never shown; no pair of groups was trained."""
    words, labels = page["questions"](0, n=512)
    assert words.shape == labels.shape == (4096, 9)
    assert not (words[:, :-1] == words[:, -1:]).any()
    same = words[:, :-1] // 4 == words[:, -1:] // 4
    right = labels[:, :-1] == labels[:, -1:]
    assert torch.equal(same, right) and same.any(1).double().mean() > 0.98
    trained = {tuple(t) for t in page["SEEN"][:, :2].tolist()}
    for row in words[::8]:
        groups = tuple(sorted({int(w) // 4 for w in row}))
        assert len(groups) < 2 or groups not in trained
    pairs = {tuple(t) for t in page["SEEN"].tolist()}
    assert len(pairs) == 92 * 56 and all(a < b and i != j
                                         for a, b, i, j in pairs)


def episodes_obey_their_task(page):
    tasks = page["few_tasks"](4)
    words, labels = page["episodes"](tasks, 50,
                                     torch.Generator().manual_seed(0))
    for (a, b, i, j), w, y in zip(tasks.tolist(), words, labels):
        assert {int(v) for v in w // 4} == {a, b}
        assert torch.equal(y, torch.where(w // 4 == a, 64 + i, 64 + j))


def four_words_apart(page):
    given, asked, labels = page["four_words"](1, n=40)
    for w, q, y in zip(given.tolist(), asked.tolist(), labels.tolist()):
        assert len({*w, *q}) == 8, "a word to be tested was trained on"
        assert [v // 4 for v in w] == [v // 4 for v in q]
        assert y[0] == y[1] != y[2] == y[3]
        assert (w[0] // 4 + w[2] // 4) % 4 == 0


def encoder_in_numpy(page):
    """The LSTM's equations, gate by gate, shared with no library."""
    torch.manual_seed(3)
    encoder = page["PromptEncoder"](5, 12).double()
    w = {k: v.numpy() for k, v in encoder.state_dict().items()}
    got = encoder().detach().numpy()

    def sigma(z):
        return 1 / (1 + np.exp(-z))

    def pass_over(x, name):
        wi, wh = w[f"lstm.weight_ih_{name}"], w[f"lstm.weight_hh_{name}"]
        b = w[f"lstm.bias_ih_{name}"] + w[f"lstm.bias_hh_{name}"]
        h, c, out = np.zeros(wh.shape[1]), np.zeros(wh.shape[1]), []
        for row in x:
            i, f, g, o = np.split(wi @ row + wh @ h + b, 4)
            c = sigma(f) * c + sigma(i) * np.tanh(g)
            h = sigma(o) * np.tanh(c)
            out.append(h)
        return np.array(out)

    assert "lstm.weight_ih_l0_reverse" in w, "the LSTM reads one way only"
    x = w["embedding.weight"]
    for layer in ("l0", "l1"):
        x = np.hstack([pass_over(x, layer),
                       pass_over(x[::-1], f"{layer}_reverse")[::-1]])
    x = np.maximum(x @ w["mlp.0.weight"].T + w["mlp.0.bias"], 0)
    np.testing.assert_allclose(
        got, x @ w["mlp.2.weight"].T + w["mlp.2.bias"], atol=1e-12)


def frozen_means_frozen(page):
    """Weights' hash, gradients, and each task as if it were alone."""
    given, asked, labels = page["four_words"](3, n=3)
    lm = fresh(page)
    before = fingerprint(lm)

    def encoders():
        torch.manual_seed(9)
        return [page["Vectors"](4, 48) for _ in range(3)]

    made = encoders()
    prompts = page["p_tune"](lm, made, given, labels, 0.05, 6)
    assert fingerprint(lm) == before, "the language model has changed"
    assert all(p.grad is None for p in lm.parameters())
    assert all(p.grad is not None for e in made for p in e.parameters())
    assert prompts.shape == (3, 4, 48) and not prompts.requires_grad
    for i, encoder in enumerate(encoders()):
        alone = page["p_tune"](lm, [encoder], given[i:i + 1],
                               labels[i:i + 1], 0.05, 6)
        np.testing.assert_allclose(alone[0], prompts[i], atol=1e-4)
        row = torch.cat([prompts[i], lm.embed(asked[i, :1])])[None]
        np.testing.assert_allclose(
            page["prompted"](lm, prompts, asked)[i, 0], lm(row)[0, -1],
            atol=1e-5)


def fine_tuned_one_by_one(page):
    """A copy of the model a task, trained in a plain loop."""
    given, asked, labels = page["four_words"](3, n=3)
    lm = fresh(page)
    before = fingerprint(lm)
    got = page["fine_tune"](lm, given, labels, asked, 1e-2, 5)
    assert fingerprint(lm) == before, "the language model has changed"
    for i in range(3):
        mine = copy.deepcopy(lm).requires_grad_(True)
        optimizer = torch.optim.Adam(mine.parameters(), 1e-2)
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.cross_entropy(
                mine(mine.embed(given[i, :, None]))[:, -1],
                labels[i]).backward()
            optimizer.step()
        want = mine(mine.embed(asked[i, :, None]))[:, -1].detach()
        np.testing.assert_allclose(got[i], want, atol=2e-3)


ORACLES = [row_by_hand, block_equals_torch, no_future, loss_by_hand,
           zero_shot_is_the_prior, answers_follow_the_labels,
           a_perfect_reader, episodes_obey_their_task, four_words_apart,
           encoder_in_numpy, frozen_means_frozen, fine_tuned_one_by_one]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Future in view": ("is_causal=True", "is_causal=False"),
    "The one behind instead of the one before": (
        "F.pad(inputs, (0, 0, 1, 0))[:, :-1]",
        "F.pad(inputs, (0, 0, 0, 1))[:, 1:]"),
    "Loss at the labels": ("[:, 0::2]", "[:, 1::2]"),
    "Label before its word": ("shots = torch.stack([words, labels], dim=2)",
                              "shots = torch.stack([labels, words], dim=2)"),
    "Question among the examples": ("draw(1, EACH, (n, shots))",
                                    "draw(EACH, (n, shots))"),
    "Held-out groups in training": ("if (a + b) % 4 and i != j",
                                    "if i != j"),
    "Labels drawn freely": (
        "first = torch.arange(LABELS).expand(n, -1)",
        "first = draw(LABELS, (n, LABELS))"),
    "Tested on the words given": ("words[:, :, 2:].flatten(1)",
                                  "words[:, :, :2].flatten(1)"),
    "Language model not frozen": (
        """    lm.requires_grad_(False)
    optimizer = torch.optim.Adam(nn.ModuleList(encoders).parameters(), lr,
""", """    lm.requires_grad_(True)
    optimizer = torch.optim.Adam(nn.ModuleList([lm, *encoders]).parameters(),
                                 lr,
"""),
    "One prompt for all tasks": ("prompts[:, None].expand(-1, n, -1, -1)",
                                 "prompts[:1, None].expand(T, n, -1, -1)"),
    "LSTM that reads one way": (
        "d // 2, num_layers=2, bidirectional=True",
        "d, num_layers=2, bidirectional=False"),
    "No bend in the encoder": ("nn.ReLU(),", "nn.Identity(),"),
}
TRAIN = {"arm": "many", "seed": 1000, "steps": 3}

# strength is the share of episodes drawn among all tasks: at 0, none
NULL = {"arm": "many", "baseline": "few", "strength": 0.0, "steps": 20}

WRONG = {
    "hyperclova-1": [("best = 4 / 7", "for one shot"),
                     ("best = 3 / 4", "It may still guess"),
                     ("best = 25 / 32", "known to be wrong"),
                     ("best = 1 / 8", "Right for sure")],
    "hyperclova-2": [("layers = 116", "still"), ("layers = 12", "still"),
                     ("layers = 84", "two directions"),
                     ("layers = 200", "Fewer layers"),
                     ("layers = 117.5", "Whole layers")],
    "hyperclova-3": [
        ('against = ("many", "p-tuned")', "does read examples"),
        ('against = ("few", "fine-tuned")', "not frozen"),
        ('against = ("few", "4 shots")', "behind four shots"),
        ('against = ("few", "untrained")', "behind four shots"),
        ('against = ("few", "shots")', "Choose a row"),
        ('against = ("both", "p-tuned")', "'few' or 'many'")],
    "hyperclova-4": [
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    p_tune(lm, e, w, y, lr, steps)", "your answer raised"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    p_tune(lm, e, w, y, lr, steps)\n"
         "    return e[0]()[None].detach()", "should return (T, P, d)"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    p_tune(lm, e, w, y, lr, 0)\n"
         "    return torch.stack([v() for v in e]).detach()",
         "did not move"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    label_loss(lm, w, y).backward()\n"
         "    return p_tune(lm, e, w, y, lr, steps)", "pile up")],
}
