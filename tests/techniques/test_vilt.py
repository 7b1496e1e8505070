"""ViLT: oracles, mistakes, null and wrong answers."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def words_of(seed, n, length, vocabulary):
    """Captions that begin with <cls> and may end with <pad>."""
    g = torch.Generator().manual_seed(seed)
    words = torch.randint(3, vocabulary, (n, length), generator=g)
    words[:, 0] = 1
    for row, end in zip(words, torch.randint(2, length + 1, (n,),
                                             generator=g)):
        row[end:] = 0
    return words


def odd(space):
    """A ViLT with every setting away from its default, and inputs."""
    torch.manual_seed(5)
    net = space["ViLT"](nn.Conv2d(3, 24, 5, 5), 16, 30, 7, d=24, heads=3,
                        layers=3, ratio=3).double()
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn_like(p)
    for m in net.modules():
        if isinstance(m, nn.LayerNorm):
            m.eps = 1e-9
    return net, torch.randn(6, 3, 20, 20).double(), words_of(5, 6, 7, 30)


def copied(net):
    """The same weights in the ViLT of `transformers`."""
    from transformers import ViltConfig, ViltForMaskedLM
    from transformers.utils import logging
    logging.set_verbosity_error()
    other = ViltForMaskedLM(ViltConfig(
        vocab_size=30, hidden_size=24, num_hidden_layers=3,
        num_attention_heads=3, intermediate_size=72, image_size=20,
        patch_size=5, max_position_embeddings=7, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, layer_norm_eps=1e-9,
        max_image_length=-1)).double().eval()
    # theirs ties the words' table to the head, the official code does not
    other.mlm_score.decoder.weight = nn.Parameter(torch.zeros(30, 24)
                                                  .double())
    own, t = dict(net.state_dict()), "tokens."
    e = "vilt.embeddings."
    new = {e + "text_embeddings.word_embeddings.weight": own[t + "word"
                                                             ".weight"],
           e + "text_embeddings.position_embeddings.weight":
               own[t + "word_pos"],
           e + "cls_token": own[t + "cls"][None],
           e + "position_embeddings": own[t + "patch_pos"][None],
           e + "token_type_embeddings.weight": own[t + "token_type"]}
    names = {e + "text_embeddings.LayerNorm": t + "word_norm",
             e + "patch_embeddings.projection": t + "embed",
             "vilt.layernorm": "norm", "vilt.pooler.dense": "pooler",
             "mlm_score.transform.dense": "mlm.0",
             "mlm_score.transform.LayerNorm": "mlm.2",
             "mlm_score.decoder": "mlm.3"}
    for i in range(3):
        layer, block = f"vilt.encoder.layer.{i}.", f"blocks.{i}."
        names |= {layer + "attention.output.dense": block + "proj",
                  layer + "layernorm_before": block + "norm1",
                  layer + "layernorm_after": block + "norm2",
                  layer + "intermediate.dense": block + "fc1",
                  layer + "output.dense": block + "fc2"}
        for part, tail in ((w, w) for w in ("weight", "bias")):
            three = own[f"{block}qkv.{part}"].chunk(3)
            for name, value in zip(("query", "key", "value"), three):
                new[f"{layer}attention.attention.{name}.{tail}"] = value
    new |= {f"{theirs}.{part}": own[f"{ours}.{part}"] for theirs, ours in
            names.items() for part in ("weight", "bias")}
    missing, unknown = other.load_state_dict(new, strict=False)
    rest = {e + "text_embeddings.token_type_embeddings.weight",
            "mlm_score.bias"}
    assert set(missing) <= rest and not unknown
    # BERT's own sentence type, which the page leaves out
    nn.init.zeros_(other.vilt.embeddings.text_embeddings
                   .token_type_embeddings.weight)
    return other


@torch.no_grad()
def transformers_says_the_same(space):
    """Made by others: every output of their ViLT with our weights, the
    patches as a set, for they shuffle them."""
    net, images, words = odd(space)
    other = copied(net)
    got = other.vilt(input_ids=words, attention_mask=(words > 0).long(),
                     pixel_values=images,
                     pixel_mask=torch.ones(6, 20, 20, dtype=torch.long))
    x, mask = net.tokens(images, words)
    for block in net.blocks:
        x, _ = block(x, mask)
    x = net.norm(x)
    theirs = got.last_hidden_state
    for a, b in ((x[:, :8], theirs[:, :8]),
                 (x[:, 8:, 0].sort()[0], theirs[:, 8:, 0].sort()[0]),
                 (net(images, words)[1], other.mlm_score(theirs[:, :7])),
                 (net(images, words)[0], net.itm(got.pooler_output))):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def block_of_torch(space):
    """Made by others: torch's pre-norm encoder layer; attention sums to
    one and is nought where it may not look."""
    torch.manual_seed(1)
    block = space["Block"](12, 3, ratio=2).double()
    layer = nn.TransformerEncoderLayer(12, 3, 24, 0.0, F.gelu, 1e-6, True,
                                       True).double().train()
    own = block.state_dict()
    layer.load_state_dict({
        **{f"self_attn.in_proj_{p}": own[f"qkv.{p}"] for p in
           ("weight", "bias")},
        **{f"{a}.{p}": own[f"{b}.{p}"] for p in ("weight", "bias")
           for a, b in (("self_attn.out_proj", "proj"), ("linear1", "fc1"),
                        ("linear2", "fc2"), ("norm1", "norm1"),
                        ("norm2", "norm2"))}})
    x = torch.randn(4, 6, 12).double()
    mask = torch.arange(6) < torch.tensor([[6], [4], [2], [5]])
    got, attn = block(x, mask)
    torch.testing.assert_close(got, layer(x, src_key_padding_mask=~mask))
    assert torch.allclose(attn.sum(-1), torch.ones(4, 3, 6).double())
    assert (attn[1, :, :, 4:] == 0).all() and (attn[1, :, :, :4] > 0).all()


def costs_by_torch(space):
    """Made by others: torch counts convolutions and products as it runs."""
    def counted(module, *inputs):
        with FlopCounterMode(display=False) as counter:
            module(*inputs)
        return counter.get_total_flops() / 2
    for embed, size in ((nn.Conv2d(3, 10, 4, 4), 20),
                        (space["convolutions"](8), 12),
                        (nn.Sequential(nn.Conv2d(3, 5, 5, 2, 1),
                                       nn.Conv2d(5, 7, 3, 1, 2)), 17)):
        assert space["visual_cost"](embed, size) == counted(
            embed, torch.zeros(1, 3, size, size))
    for tokens, d, ratio, layers in ((15, 32, 2, 2), (9, 12, 4, 3),
                                     (40, 24, 3, 1)):
        blocks = [space["Block"](d, 3 if d % 3 == 0 else 4, ratio)
                  for _ in range(layers)]
        total = sum(counted(b, torch.zeros(1, tokens, d),
                            torch.ones(1, tokens, dtype=torch.bool))
                    for b in blocks)
        assert space["transformer_cost"](tokens, d, layers, ratio) == total
    assert space["transformer_cost"](5, 8, 1) == 5 * 12 * 64 + 2 * 25 * 8


def masked_by_counting(space):
    """The rule of BERT on 90,000 words: who is chosen, and what is shown."""
    words = words_of(2, 15_000, 6, 40)
    for share, known in ((0.15, {}), (0.4, {"share": 0.4})):
        g = torch.Generator().manual_seed(3)
        shown, target = space["mask_words"](words.clone(), 40, g, **known)
        asked, free = target != -100, words > 2
        assert (target[asked] == words[asked]).all()
        assert not (asked & ~free).any() and (shown == words)[~asked].all()
        n = asked.sum().item()
        rates = [n / free.sum().item(), (shown == 2)[asked].sum().item() / n,
                 (shown == words)[asked].sum().item() / n]
        np.testing.assert_allclose(rates, [share, 0.8, 0.1 + 0.1 / 37],
                                   atol=0.012)
        put = shown[asked & (shown != 2) & (shown != words)]
        assert put.min() == 3 and put.max() == 39
        assert (torch.bincount(put, minlength=40)[3:] > 0.4
                * len(put) / 37).all()


def pairs_by_counting(space):
    """Half keep their picture; the others are anybody's."""
    g = torch.Generator().manual_seed(0)
    drawn = torch.stack([space["draw_pairs"](20, g) for _ in range(2000)])
    own = (drawn == torch.arange(20)).float()
    assert abs(own.mean() - (0.5 + 0.5 / 20)) < 0.005
    assert (own.sum(1) >= 10).all() and own.mean(0).std() < 0.03
    assert torch.bincount(drawn.flatten(), minlength=20).float().std() < 120


def loss_word_by_word(space):
    """Brute force: the same draws, each answer's negative logarithm by
    itself; a picture that fits by chance is true."""
    net, images, _ = odd(space)
    words = words_of(8, 6, 7, 30)
    fit = torch.rand(6, 6, generator=torch.Generator().manual_seed(1)) < 0.5
    for known in ({}, {"share": 0.6}):
        got = space["vilt_loss"](net, images, words, fit, 30,
                                 torch.Generator().manual_seed(9), **known)
        g = torch.Generator().manual_seed(9)
        keep = torch.randperm(6, generator=g) < 3
        j = torch.where(keep, torch.arange(6),
                        torch.randint(6, (6,), generator=g))
        shown, target = space["mask_words"](words, 30, g, **known)
        itm = net(images[j], words)[0].log_softmax(1)
        mlm = net(images, shown)[1].log_softmax(2)
        first = [-itm[i, int(fit[i, j[i]])] for i in range(6)]
        second = [-mlm[i, k, target[i, k]] for i in range(6)
                  for k in range(7) if target[i, k] >= 0]
        want = sum(first) / 6 + sum(second) / len(second)
        torch.testing.assert_close(got, want)


def scenes_by_pixel(space):
    """Without noise the pictures say what their captions say; habit and
    silence have their shares."""
    noise = space["NOISE"]
    space["NOISE"] = 0.0
    try:
        images, words, truth = space["scenes"](7, 300)
    finally:
        space["NOISE"] = noise
    full = {"square": "1" * 25, "diamond": "0010001110111110111000100",
            "cross": "0010000100111110010000100"}
    paint = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1),
             "yellow": (1, 1, 0)}
    for image, row in zip(images, truth.tolist()):
        cls, colour, shape, y, x = (space["WORDS"][i] for i in row)
        on = image.sum(0) > 0
        top, left = (int(on.any(d).nonzero()[0]) for d in (1, 0))
        assert cls == "<cls>" and ["top", "bottom"][top // 6] == y
        assert ["left", "right"][left // 6] == x
        cut = on[top:top + 5, left:left + 5].int().flatten().tolist()
        assert "".join(map(str, cut)) == full[shape] and sum(cut) == on.sum()
        assert tuple(image[:, on][:, 0].int().tolist()) == paint[colour]
    noisy, words, truth = space["scenes"](8, 20_000)
    np.testing.assert_allclose(
        [(truth[:, 1] - 3 == truth[:, 2] - 7).float().mean(),
         (truth[:, 1] == 6).float().mean(),
         (words[:, 3] == 0).float().mean(), (truth[:, 3] == 10).float()
         .mean(), (truth[:, 4] == 12).float().mean(),
         noisy[:, 2, 5, 5].std()], [0.625, 0.125, 0.25, 0.5, 0.5, 0.2],
        atol=0.015)


def truths_by_hand(space):
    """A caption is true where each word that it says is."""
    truth = words_of(3, 60, 5, 14)
    truth[truth == 0] = 3
    truth[:, 1:3] = 3 + truth[:, 1:3] % 2
    words = truth.clone()
    words[::2, 3:] = 0
    want = [[all(w in (0, t) for w, t in zip(a, b)) for b in truth.tolist()]
            for a in words.tolist()]
    assert space["fits"](words, truth).tolist() == want
    false = space["false_pictures"](words, truth, 4)
    assert not any(want[i][j] for i, j in enumerate(false.tolist()))
    assert (false != space["false_pictures"](words, truth, 5)).any()
    assert len(set(false.tolist())) > 20


class Sure(nn.Module):
    """Answers by the picture's first pixel and the number of masks."""

    def forward(self, images, words):
        key = images[:, 0, 0, 0]
        mlm = torch.zeros(*words.shape, 14)
        says = (key.abs() * 10).long() + (words == 2).sum(1)
        mlm[torch.arange(len(key)), :, says % 14] = 9
        return torch.stack([0 * key, key], 1), mlm


def scores_by_hand(space):
    """A network that answers by one pixel, scored word by word."""
    class Known(Sure):
        def load_state_dict(self, kept):
            assert kept == "weights"
    real, scenes = space["network"], space["scenes"]
    space["network"] = lambda arm, seed: Known()
    space["scenes"] = lambda seed, n: scenes(seed, n // 4)
    try:
        for arm, light in (("linear", 1.0), ("conv", 0.5), ("blank", 1.0),
                           ("covered", 1.0)):
            got = space["measure"]("weights", arm, 1002, light)
            images, words, truth = space["scenes"](11_002, 1000)
            key = images[:, 0, 0, 0] * (light if arm in ("linear", "conv")
                                        else 0)
            false = space["false_pictures"](words, truth, 21_002)
            yes = (key > 0).float().mean()
            no = 1 - (key[false] > 0).float().mean()
            says = ((key.abs() * 10).long() + 1) % 14
            rate = [np.mean([s == w for s, w in zip(
                says.tolist(), words[:, at].tolist()) if w]) for at in
                (1, 2, 3, 4)]
            want = [(yes + no) / 2, *rate[:2], (rate[2] + rate[3]) / 2]
            np.testing.assert_allclose(list(got.values()), want, atol=1e-6)
    finally:
        space["network"], space["scenes"] = real, scenes


def arms_again(space):
    """Every arm in a few lines: batches, light, rate and decay."""
    def again(arm, seed, steps, light):
        torch.manual_seed(seed)
        net = space["ViLT"](nn.Identity(), 9, 14, 5, 32, layers=2, ratio=2)
        net.tokens.embed = (space["convolutions"](32) if arm == "conv"
                            else nn.Conv2d(3, 32, 4, 4))
        groups = [[p for p in net.parameters() if (p.ndim > 1) == thick]
                  for thick in (True, False)]
        opt = torch.optim.AdamW(
            [{"params": g, "weight_decay": w} for g, w in zip(
                groups, (0.01, 0.0))], 0.003 if arm == "conv" else 0.006,
            betas=(0.9, 0.98))
        warm = max(1, steps // 10)
        plan = torch.optim.lr_scheduler.LambdaLR(opt, lambda t: min(
            (t + 1) / warm, (steps - t) / (steps - warm), 1))
        images, words, truth = space["scenes"](seed)
        g = torch.Generator().manual_seed(seed)
        for _ in range(steps):
            i = torch.randint(len(words), (16,), generator=g)
            opt.zero_grad()
            space["vilt_loss"](net, light * images[i], words[i],
                               space["fits"](words[i], truth[i]), 14, g,
                               0.3).backward()
            opt.step()
            plan.step()
        return net.eval()

    def score(net, seed, light):
        images, words, truth = space["scenes"](10_000 + seed, 1000)
        false = space["false_pictures"](words, truth, 20_000 + seed)
        with torch.no_grad():
            itm = [net(light * images[k], words)[0].argmax(1) == fit
                   for k, fit in ((slice(None), 1), (false, 0))]
            got = [torch.cat(itm).float().mean().item()]
            for at in (1, 2, 3, 4):
                hidden = words.clone()
                hidden[:, at] = 2
                right = net(light * images, hidden)[1][:, at].argmax(1) == \
                    words[:, at]
                got.append(right[words[:, at] > 0].float().mean().item())
        return [*got[:3], (got[3] + got[4]) / 2]

    real = space["scenes"]
    assert space["BATCH"] == 64 and space["RECORD"]["steps"] == 800
    space["scenes"] = lambda seed, n=3000: real(seed, n // 10)
    space["BATCH"] = 16
    try:
        for arm, strength, steps in (
                ("blank", 1.0, 4), ("conv", 1.0, 6), ("covered", 1.0, 4),
                ("linear", 0.5, 12)):
            seen = 0.0 if arm == "blank" else strength
            net = again(arm, 1003, steps, seen)
            want = score(net, 1003, 0.0 if arm == "covered" else seen)
            got = space["run"](arm, 1003, strength=strength, steps=steps)
            np.testing.assert_allclose(list(got.values()), want, atol=0.02,
                                       err_msg=arm)
    finally:
        space["scenes"], space["BATCH"] = real, 64


def arms_start_alike(space):
    """All but the embedding is the same in the arms of a seed, and other
    in another seed."""
    nets = {arm: space["network"](arm, 4).state_dict()
            for arm in ("linear", "conv", "blank")}
    other = space["network"]("linear", 5).state_dict()
    for name, value in nets["linear"].items():
        assert (value == nets["blank"][name]).all()
        if ".embed." not in name:
            assert (value == nets["conv"][name]).all()
        if value.ndim > 1:
            assert (value != other[name]).any()
    for group in space["start"]("conv", 4)["opt"].param_groups:
        assert group["betas"] == (0.9, 0.98)
        assert {p.ndim > 1 for p in group["params"]} == {
            group["weight_decay"] == 0.01}
        assert group["weight_decay"] in (0.0, 0.01)
    net = space["network"]("conv", 4)
    assert isinstance(net.tokens.embed, nn.Sequential)
    kinds = [type(m).__name__ for m in net.tokens.embed]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"] * 3 + ["Conv2d"]
    first = copy.deepcopy(net.tokens.embed)(torch.randn(8, 3, 12, 12))
    assert first.shape == (8, 32, 3, 3)
    assert isinstance(space["network"]("linear", 4).tokens.embed, nn.Conv2d)


ORACLES = [block_of_torch, costs_by_torch, masked_by_counting,
           pairs_by_counting, loss_word_by_word, truths_by_hand,
           arms_start_alike, scores_by_hand, scenes_by_pixel,
           transformers_says_the_same, arms_again]

MISTAKES = {
    "Fill words looked at": ("torch.cat([words != PAD, seen], 1)",
                             "torch.cat([words >= PAD, seen], 1)"),
    "Mask on the wrong side": (
        "attn.masked_fill(~mask[:, None, None], -torch.inf)",
        "attn.masked_fill(~mask[:, None, :, None], -1e9)"),
    "No types": ("v = v + self.patch_pos + self.token_type[1]",
                 "v, t = v + self.patch_pos, t - self.token_type[0]"),
    "Types swapped for one": ("self.patch_pos + self.token_type[1]",
                              "self.patch_pos + self.token_type[0]"),
    "Asked of every word": ("return shown, torch.where(chosen, words, -100)",
                            "return shown, words"),
    "Fill words asked for": ("    chosen &= words > MASK\n", ""),
    "Always hidden": (
        "    shown = torch.where(chosen & (fate >= 0.9), any_word, shown)\n",
        "    shown = torch.where(chosen, MASK, words)\n"),
    "What was drawn is the label": ("fit[i, j].long()", "(i == j).long()"),
    "All keep their picture": ("torch.randperm(n, generator=g) < n // 2",
                               "torch.randperm(n, generator=g) < n"),
    "Normalised after": (
        "return x + self.fc2(F.gelu(self.fc1(self.norm2(x)))), attn",
        "return self.norm2(x + self.fc2(F.gelu(self.fc1(x)))), attn"),
    "Unscaled": (" * (d // self.heads) ** -0.5", ""),
    "No place for patches": ("v = v + self.patch_pos + self",
                             "v = v + 0 * self.patch_pos + self"),
    "The wrong token answers": ("self.pooler(x[:, 0])",
                                "self.pooler(x[:, -1])"),
    "Stride forgotten in the bill": (") // layer.stride[0] + 1", ") + 1"),
}
TRAIN = dict(arm="linear", seed=1000, steps=2)
# strength multiplies the picture: at 0 nothing is seen
NULL = dict(arm="linear", baseline="blank", strength=0.0, steps=3)


def small(space):
    """Three hundred scenes to learn from, two hundred to be asked about,
    small batches."""
    real, space["BATCH"] = space["scenes"], 16
    space["scenes"] = lambda seed, n=3000: real(seed, 300 if n == 3000
                                                else 100)


SMALL = small
TRACES = {"run": dict(
    arms=["linear", "conv"], steps=2, updates=2,
    rates=[("linear", {}, 6e-3), ("conv", {}, 3e-3)],
    but={"start": "the convolutions have weights of their own; that all "
                  "else starts alike is an oracle's"})}


def scramble(space):
    """Every caption gets the picture of another."""
    real = space["scenes"]

    def scenes(seed, n=3000):
        images, words, truth = real(seed, n)
        g = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(images), generator=g)
        return images[order], words, truth
    space["scenes"] = scenes


CHANCE = dict(scramble=scramble, metric="match", chance=0.5, room=0.08,
              arm="linear", seed=1000, steps=20)
EXPERIMENT = {
    "exam: the scenes it was trained on": (
        "images, words, truth = scenes(10_000 + seed, 1000)",
        "images, words, truth = scenes(seed)"),
    "exam: false pictures that may fit": (
        "(~fits(words, truth)).float()", "(fits(words, truth) | True).float()"),
    "labels: the colour is painted in the corner": (
        "    truth = torch.stack([0 * y + CLS,",
        "    images[:, 0, 0, 0] = colour.float()\n"
        "    truth = torch.stack([0 * y + CLS,"),
    "mode: measured while training": ("net = network(arm, seed).eval()",
                                      "net = network(arm, seed).train()"),
    "metric: right where it says no": ("no = 1 - net(images[false]",
                                       "no = net(images[false]"),
    "metric: the mask is not put": ("    hidden[:, at] = MASK\n    answer",
                                    "    answer"),
    "metric: one place of two": ("(word[2] + word[3]) / 2}", "word[2]}"),
    "rival: gets patches as well": ('if arm == "conv"\n', 'if arm == "cnn"\n'),
    "rival: the blank one is covered in the test only": (
        '0.0 if arm == "blank" else strength,', "strength,"),
    "rival: the covered one sees": ('arm in ("blank", "covered")',
                                    'arm in ("blank",)'),
    "pairing: the batches of every seed": (
        '"rng": torch.Generator().manual_seed(seed)',
        '"rng": torch.Generator().manual_seed(0)'),
    "pairing: the embedding first": (
        "    net = ViLT(nn.Identity(), 9,",
        '    convolutions(4) if arm == "conv" else None\n'
        "    net = ViLT(nn.Identity(), 9,"),
    "pairing: the start of every seed": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "counting: falls before its time": ("(steps - t) / (steps - warm)",
                                        "(steps - 2 * t) / (steps - warm)"),
    "search: the rate is another": ('group["lr"] = RATE[arm] *',
                                    'group["lr"] = 6e-3 *'),
    "search: all weights decay": ('"weight_decay": 0.0}',
                                  '"weight_decay": 0.5}'),
}
NOT = {}
UNKNOWN = ()

WRONG = {
    "vilt-1": [("with_32, with_16 = 113.246, 339.739", "three colours"),
               ("with_32, with_16 = 339738624, 339.739", "In millions"),
               ("with_32, with_16 = 339.739, 1358.95", "four times"),
               ("with_32, with_16 = 339.739, 84.93", "four times"),
               ("with_32, with_16 = 10, 339.739", "768 weights"),
               ("with_32, with_16 = 339.739, 10", "pixels of a patch")],
    "vilt-2": [("by_habit, by_lot = 0.8, 0.25", "by chance"),
               ("by_habit, by_lot = 0.5, 0.25", "among the rest"),
               ("by_habit, by_lot = 0.85, 0.85", "nothing to go by")],
    "vilt-3": [("size, patch, width, layers = 12, 4, 32, 2", "The share is"),
               ("size, patch, width, layers = 12, 5, 32, 2", "divide"),
               ("size, patch, width, layers = 4096, 4096, 8, 1", "1,024"),
               ("size, patch, width, layers = 12.5, 5, 32, 2", "Whole")],
    "vilt-4": [("mended_mask = suspect_mask", "was not chosen"),
               ("mended_mask = lambda w, c, f, o: (torch.where(c, MASK, w), "
                "torch.where(c, w, -100))", "right before"),
               ("mended_mask = lambda w, c, f, o: (suspect_mask(w, c, f, o)"
                "[0], torch.where(c & (f < 0.9), w, -100))", "left as it")],
}
OPEN = {"vilt-3": "many networks with few large patches are answers"}
