"""HyperCLOVA, prompting: what its page must survive (see
test_every_page.py)."""

import hashlib

import numpy as np
import torch
from torch import nn


PAIRS = {"self_attn.in_proj_weight": "qkv.weight",
         "self_attn.in_proj_bias": "qkv.bias",
         "self_attn.out_proj.weight": "out.weight",
         "self_attn.out_proj.bias": "out.bias",
         "linear1.weight": "mlp.0.weight", "linear1.bias": "mlp.0.bias",
         "linear2.weight": "mlp.2.weight", "linear2.bias": "mlp.2.bias",
         "norm1.weight": "norm1.weight", "norm1.bias": "norm1.bias",
         "norm2.weight": "norm2.weight", "norm2.bias": "norm2.bias"}


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
    ours = block.state_dict()
    theirs.load_state_dict({a: ours[b] for a, b in PAIRS.items()})
    x = torch.randn(3, 11, 48, dtype=torch.float64)
    mask = nn.Transformer.generate_square_subsequent_mask(
        11, dtype=torch.float64)
    np.testing.assert_allclose(block(x).detach(),
                               theirs(x, src_mask=mask).detach(), atol=1e-12)


def whole_model(page):
    """Independent: another width and depth, from torch's own layers."""
    torch.manual_seed(1)
    lm = page["TinyGPT"](24, 3).double()
    w, x = lm.state_dict(), torch.randn(2, 7, 24, dtype=torch.float64)
    before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
    h = x + w["position"][:7] + before @ w["before.weight"].T
    for b in range(3):
        layer = nn.TransformerEncoderLayer(
            24, 4, 48, 0.0, "gelu", batch_first=True,
            norm_first=True).double()
        layer.load_state_dict({ours: w[f"blocks.{b}.{theirs}"]
                               for ours, theirs in PAIRS.items()})
        h = layer(h, src_mask=nn.Transformer.generate_square_subsequent_mask(
            7, dtype=torch.float64))
    want = nn.functional.layer_norm(h, (24,), w["norm.weight"],
                                    w["norm.bias"]) @ w["read.weight"].T
    np.testing.assert_allclose(lm(x).detach(),
                               (want + w["read.bias"]).detach(), atol=1e-12)


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


def zero_shot_is_one_in_eight(page):
    """An identity: whatever the weights, one in eight without a shot or
    behind labels that are the same for every truth."""
    for seed in range(3):
        lm = fresh(page, seed)
        words, labels = page["questions"](seed)
        same = torch.full_like(labels, 66)
        assert page["accuracy"](lm, words, labels, 0) == 1 / 8
        assert page["accuracy"](lm, words, labels, 8, same) == 1 / 8


class Reader(nn.Module):
    """Knows the groups: copies the label behind the last word of the
    question's group; where there is none, it says the first label."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def embed(self, tokens):
        return tokens[..., None].float()

    def forward(self, inputs):
        rows, logits = inputs[..., 0].long(), torch.zeros(
            *inputs.shape[:2], 72)
        for row, out in zip(rows.tolist(), logits[:, -1]):
            said = [y for w, y in zip(row[:-1:2], row[1::2])
                    if w // 4 == row[-1] // 4]
            out[said[-1] if said else 64] = 1
        return logits


def what_run_counts(page):
    """A reader whose answers are known, counted by hand: what each metric
    of the experiment gives, and the four shots of the tuning."""
    real, page["pretrain"] = page["pretrain"], lambda *a, **k: Reader()
    try:
        got = page["run"]("many", 1003)
        tuned = page["run_tuning"]("4 shots", 1003)
    finally:
        page["pretrain"] = real
    words, labels = page["questions"](1003)
    for k in (0, 1, 2, 4, 8):
        right = []
        for w, y in zip(words.tolist(), labels.tolist()):
            said = [b for a, b in zip(w[:k], y[:k]) if a // 4 == w[-1] // 4]
            right.append((said[-1] if said else 64) == y[-1])
        assert got[f"{k} shots"] == np.mean(right), k
    assert got["0 shots"] == 1 / 8 and got["8 shots"] > 0.98
    assert 0.4 < got["8 shuffled"] < 0.6 and got["trained tasks"] > 0.98
    assert tuned["accuracy"] == 1.0


def few_miss_nothing(page):
    """The 32 tasks of *few* hold every group and label, and are
    other ones on every seed."""
    drawn = [page["few_tasks"](seed) for seed in (4, 20, 21, 1000)]
    for tasks in drawn:
        assert tasks.shape == (32, 4) and len(tasks.unique(dim=0)) == 32
        assert {int(v) for v in tasks[:, :2].flatten()} == set(range(16))
        assert {int(v) for v in tasks[:, 2:].flatten()} == set(range(8))
    assert len(torch.cat(drawn).unique(dim=0)) > 120


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


def pretrained_by_hand(page):
    """Four steps of each arm, with rows, loss and rate written anew."""
    for arm in ("few", "many"):
        got = page["pretrain"](arm, 1002, 0.5, 4, 1e-2, 6, 3)
        torch.manual_seed(1002)
        lm, g, wide = page["TinyGPT"](), *(
            torch.Generator().manual_seed(10_000 * k + 1002) for k in (2, 3))
        few, seen = page["few_tasks"](1002), page["SEEN"]
        optimizer = torch.optim.AdamW(lm.parameters(), weight_decay=0.01)
        for t in range(4):
            tasks = few[torch.randint(32, (6,), generator=g)]
            if arm == "many":
                other = seen[torch.randint(5152, (6,), generator=wide)]
                swap = torch.rand(6, 1, generator=wide)[:, 0] < 0.5
                tasks = torch.stack([o if s else w for o, s, w in
                                     zip(other, swap, tasks)])
            words, labels = page["episodes"](tasks, 4, g)
            loss = page["label_loss"](lm, words, labels)
            grads = torch.autograd.grad(loss, list(lm.parameters()))
            size = sum(float((v ** 2).sum()) for v in grads) ** 0.5
            for p, v in zip(lm.parameters(), grads):
                p.grad = v * min(1, 1 / size)
            optimizer.param_groups[0]["lr"] = 1e-2 * (t + 1) / 50 * (1 - t / 4)
            optimizer.step()
        for ours, theirs in zip(got.parameters(), lm.parameters()):
            np.testing.assert_allclose(ours.detach(), theirs.detach(),
                                       atol=2e-5)


class Vectors(nn.Embedding):
    """A prompt of free vectors."""

    def forward(self):
        return self.weight


def frozen_means_frozen(page):
    """Weights' hash, gradients, and each task as if it were alone."""
    given, asked, labels = page["four_words"](3, n=3)
    lm = fresh(page)
    before = fingerprint(lm)

    def encoders():
        torch.manual_seed(9)
        return [Vectors(4, 48) for _ in range(3)]

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


def adam_by_hand(weights, grads, memory, t, lr):
    """One step of Adam, torch's formula, with the falling rate."""
    for i, (w, g) in enumerate(zip(weights, grads)):
        g = g + 5e-4 * w
        m, v = memory.get(i, (0, 0))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        memory[i] = m, v
        w -= lr * 0.98 ** (t - 1) * (m / (1 - 0.9 ** t)) / (
            (v / (1 - 0.999 ** t)).sqrt() + 1e-8)


def tuned_by_hand(page, lm, vectors, given, labels, lr, steps):
    """One task's free prompt, row by row, optimiser by hand."""
    prompt, memory = vectors.clone(), {}
    for t in range(1, steps + 1):
        prompt.requires_grad_(True)
        loss = sum(-lm(torch.cat([prompt, lm.embed(w[None])])[None])[0, -1]
                   .log_softmax(0)[y] for w, y in zip(given, labels)) / 4
        grad, = torch.autograd.grad(loss, prompt)
        prompt = prompt.detach()
        adam_by_hand([prompt], [grad], memory, t, lr)
    return prompt


def p_tuning_by_hand(page):
    lm = fresh(page)
    given, _, labels = page["four_words"](1, n=2)
    torch.manual_seed(0)
    made = [Vectors(3, 48) for _ in range(2)]
    start = [m().detach().clone() for m in made]
    got = page["p_tune"](lm, made, given, labels, 0.03, 12)
    for i in range(2):
        np.testing.assert_allclose(got[i], tuned_by_hand(
            page, lm, start[i], given[i], labels[i], 0.03, 12), atol=1e-3)


def rows_by_hand(page):
    """Every order of shots is whole, pairs stay together, a word stands
    behind all others and never behind itself; orders differ."""
    given, asked, labels = page["four_words"](2, n=9)
    g = torch.Generator().manual_seed(0)
    for k, ask in ((4, asked), (3, given)):
        rows = page["behind"](given, labels, ask, g, k)
        assert rows.shape == (9, 4, 2 * k + 1)
        for t in range(9):
            task = set(zip(given[t].tolist(), labels[t].tolist()))
            for i, row in enumerate(rows[t].tolist()):
                pairs = set(zip(row[:-1:2], row[1::2]))
                assert row[-1] == int(ask[t, i])
                assert pairs == {p for p in task if k == 4
                                 or p[0] != row[-1]}
        assert len({tuple(r) for r in (rows[..., 0] % 4).tolist()}) > 3


def fine_tuning_by_hand(page):
    """A copy of the model a task, trained one by one; the given model
    stays."""
    given, asked, labels = page["four_words"](3, n=2)
    lm, g = fresh(page), torch.Generator().manual_seed(0)
    before = fingerprint(lm)
    rows = [page["behind"](given, labels, given, g, 3) for _ in range(4)]
    test = page["behind"](given, labels, asked, g)
    turn = iter(rows)
    got = page["fine_tune"](lm, lambda: next(turn), labels, test, 1e-2, 4)
    assert fingerprint(lm) == before, "the language model has changed"
    for i in range(2):
        mine, memory = fresh(page), {}
        weights = list(mine.requires_grad_(True).parameters())
        for t, row in enumerate(rows, 1):
            loss = sum(-mine(mine.embed(r[None]))[0, -1].log_softmax(0)[y]
                       for r, y in zip(row[i], labels[i])) / 4
            grads = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                adam_by_hand(weights, grads, memory, t, 1e-2)
        want = mine(mine.embed(test[i]))[:, -1].detach()
        np.testing.assert_allclose(got[i], want, atol=5e-3)


def who_is_tuned(page):
    """run_tuning with everything it calls replaced by notes: which model,
    which words, which recipe each arm gets."""
    asked, real = [], {k: page[k] for k in ("pretrain", "p_tune",
                                            "fine_tune")}
    lm = fresh(page)

    def model(*args):
        asked.append(args)
        return lm

    def prompts(_, made, words, labels, lr, steps):
        asked.append((len(made), words, labels, lr, steps))
        return torch.zeros(len(words), 8, 48)

    def fine(_, rows, labels, test, lr, steps):
        asked.append((rows(), rows(), labels, test, lr, steps))
        return torch.eye(72)[labels]              # always right
    page.update(pretrain=model, p_tune=prompts, fine_tune=fine)
    try:
        given, words, labels = page["four_words"](1001)
        for base, arm, recipe in (("few", "p-tuned", (1e-2, 40)),
                                  ("many", "p-tuned", (1e-2, 20)),
                                  ("many", "untrained", (0.0, 0))):
            page["run_tuning"](arm, 1001, base)
            got = asked.pop()
            assert asked.pop() == (base, 1001, 1.0, 250)
            assert got[0] == 48 and got[3:] == recipe
            assert torch.equal(got[1], given) and torch.equal(got[2], labels)
        for base, recipe in (("few", (3e-3, 40)), ("many", (3e-4, 20))):
            right = page["run_tuning"]("fine-tuned", 1001, base)
            one, two, same, test, *used = asked.pop()
            assert right == {"accuracy": 1.0} and tuple(used) == recipe
            assert torch.equal(same, labels) and not torch.equal(one, two)
            assert torch.equal(one[..., -1], given)
            assert torch.equal(test[..., -1], words)
            assert one.shape[2] == 7 and test.shape[2] == 9
        page["run_tuning"]("p-tuned", 1001, "few", (0.5, 3))
        assert asked[-1][3:] == (0.5, 3)
    finally:
        page.update(real)


ORACLES = [row_by_hand, block_equals_torch, whole_model, no_future,
           loss_by_hand, zero_shot_is_one_in_eight, what_run_counts,
           few_miss_nothing, pretrained_by_hand, answers_follow_the_labels, a_perfect_reader,
           episodes_obey_their_task, four_words_apart, encoder_in_numpy,
           frozen_means_frozen, p_tuning_by_hand, rows_by_hand,
           fine_tuning_by_hand, who_is_tuned]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Future in view": ("is_causal=True", "is_causal=False"),
    "The one behind instead of the one before": (
        "F.pad(inputs, (0, 0, 1, 0))[:, :-1]",
        "F.pad(inputs, (0, 0, 0, 1))[:, 1:]"),
    "Loss at the labels": ("[:, 0::2]", "[:, 1::2]"),
    "Label before its word": ("shots = torch.stack([words, labels], dim=2)",
                              "shots = torch.stack([labels, words], dim=2)"),
    "Language model not frozen": (
        """    lm.requires_grad_(False)
    descend(nn.ModuleList(encoders)""", """    lm.requires_grad_(True)
    descend(nn.ModuleList([lm, *encoders])"""),
    "One prompt for all tasks": ("prompts[:, None].expand(-1, n, -1, -1)",
                                 "prompts[:1, None].expand(T, n, -1, -1)"),
    "LSTM that reads one way": (
        "d // 2, num_layers=2, bidirectional=True",
        "d, num_layers=2, bidirectional=False"),
    "No bend in the encoder": ("nn.ReLU(),", "nn.Identity(),"),
    "Rate that does not fall": (
        "loss().backward()\n        optimizer.step()\n        rate.step()",
        "loss().backward()\n        optimizer.step()"),
}
SETTINGS = {
    "Block": (lambda space, **s: seeded(lambda: space["Block"](
        24, **s)(torch.randn(1, 3, 24))), {"heads": 2}),
    "TinyGPT": (lambda space, **s: seeded(lambda: list(
        space["TinyGPT"](**s).parameters())), {"d": 24, "blocks": 1}),
    "PromptEncoder": (lambda space, **s: seeded(space["PromptEncoder"](
        **s)), {"length": 3, "d": 24})}


def seeded(make):
    torch.manual_seed(0)
    return make()


TRAIN = {"arm": "many", "seed": 1000, "steps": 3}

# strength is the share of episodes drawn among all tasks: at 0, none
NULL = {"arm": "many", "baseline": "few", "strength": 0.0, "steps": 20}


def SMALL(space):
    real = space["questions"]
    space["questions"] = lambda seed, n=8: real(seed, n)


def scramble(space):
    """The label of every question is drawn, whatever stands before it."""
    real = space["questions"]

    def questions(seed):
        words, labels = real(seed, n=64)
        labels[:, -1] = 64 + torch.randint(8, labels[:, -1].shape,
                                           generator=torch.Generator())
        return words, labels
    space["questions"] = questions


AGAIN = "the few tasks are drawn again on purpose, to be asked about"
TRACES = {"run": dict(
    arms=["few", "many"], steps=3, updates=3,
    rates=[("many", {}, 8e-3 / 50), ("few", {"lr": 2e-3}, 2e-3 / 50)],
    but={"seed": AGAIN, "batches": "which tasks a batch is drawn from is "
         "what the two arms differ in"})}
CHANCE = dict(scramble=scramble, metric="8 shots", chance=1 / 8, room=0.05,
              arm="few", seed=1000, steps=3)
EXPERIMENT = {
    "exam: held-out groups in training": ("if (a + b) % 4 and i != j",
                                          "if i != j"),
    "exam: question among the shots": ("draw(1, EACH, (n, shots))",
                                       "draw(EACH, (n, shots))"),
    "exam: tuned and tested on the same words": (
        "words[:, :, 2:].flatten(1)", "words[:, :, :2].flatten(1)"),
    "labels: the question's own pair among the shots": (
        "prompt(words[:, :shots], given[:, :shots]",
        "prompt(words[:, -shots:], given[:, -shots:]"),
    "metric: labels drawn freely": (
        "first = torch.arange(LABELS).expand(n, -1)",
        "first = draw(LABELS, (n, LABELS))"),
    "metric: wrong answers counted": (
        "lm.embed(tokens)) == labels[:, -1]",
        "lm.embed(tokens)) != labels[:, -1]"),
    "rival: fine-tuned behind its own label": (
        "draw += 2 * torch.eye(4) * (k == 3)", "draw += 0 * torch.eye(4)"),
    "rival: one order of shots for all steps": (
        "fine_tune(lm, lambda: behind(given, labels, given, g, 3)",
        "fine_tune(lm, lambda r=behind(given, labels, given, g, 3): r"),
    "rival: one set of weights for all tasks": (
        "after(weights, rows()).flatten(0, 1)",
        "after({k: w[:1].expand_as(w) for k, w in weights.items()}, "
        "rows()).flatten(0, 1)"),
    "rival: few without some groups": (
        "unique())) != (\n            GROUPS, LABELS)",
        "unique()))[1:] != (\n            LABELS,)"),
    "rival: shots with labels of other words": (
        "labels.gather(1, order).view(-1, k)",
        "labels.repeat(1, k).view(-1, k)"),
    "pairing: first weights of every seed": (
        "torch.manual_seed(seed)\n    lm, few", "torch.manual_seed(0)\n"
        "    lm, few"),
    "pairing: batches of every seed": ("stream(seed, 2)", "stream(0, 2)"),
    "counting: a step too few": ("for _ in range(steps):\n        tasks",
                                 "for _ in range(steps - 1):\n        tasks"),
    "counting: a shot too few": ("words[:, :shots], given[:, :shots]",
                                 "words[:, 1:shots], given[:, 1:shots]"),
    "counting: shuffled with the question": (
        "labels.gather(\n        1, order.repeat_interleave(LABELS, 0))",
        "labels[:, torch.arange(9) * 0 + 8]"),
    "search: the rate of the training does not fall": (
        "optimizer.step()\n        rate.step()\n    return lm",
        "optimizer.step()\n    return lm"),
    "search: the rate is ignored": ("AdamW(lm.parameters(), lr,",
                                    "AdamW(lm.parameters(), 8e-3,"),
    "search: one recipe for both models": ("RECIPE.get((base, arm)",
                                           'RECIPE.get(("many", arm)'),
    "search: a recipe that is asked is ignored": ("recipe or RECIPE",
                                                  "None or RECIPE")}
NOT = {"mode": "no layer of these networks learns and measures in two ways"}
UNKNOWN = ["run_tuning('bare', 1000)", "run_tuning('p-tuned', 1000, 'all')",
           "pretrain('all', 1000)"]

WRONG = {
    "hyperclova-1": [("best = 4 / 7", "for one shot"),
                     ("best = 3 / 4", "It may still guess"),
                     ("best = 25 / 32", "known to be wrong"),
                     ("best = 7 / 8", "not seen the second label"),
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
        ("mended = suspect", "has moved"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    p_tune(lm, e, w, y, lr, steps)", "returns None"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    p_tune(lm, e, w, y, lr, steps)\n"
         "    return e[0]()[None].detach()", "should return (T, P, d)"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    return p_tune(lm, e, w, y, lr, 0)", "did they move"),
        ("def mended(lm, e, w, y, lr, steps):\n"
         "    label_loss(lm, w, y).backward()\n"
         "    return p_tune(lm, e, w, y, lr, steps)", "pile up")],
}
