"""som_dst: what its page must survive (see test_every_page.py)."""

import itertools
import random
from collections import Counter
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F

from tests.anew import doubled

torch.set_num_threads(1)
OPS = ["delete", "update", "dontcare", "carryover"]


def states_of(page, slots=3):
    """Every list over the first slots: empty, two values, dontcare."""
    names = page["SLOTS"][:slots]
    for row in itertools.product((None, "강남", "남산 국밥", "dontcare"),
                                 repeat=slots):
        yield {s: v for s, v in zip(names, row) if v is not None}


def there_and_back(page):
    """Every pair of small lists: the operations give the second."""
    for names, slots in ((OPS, 3), (["update", "carryover"], 2),
                         (["update", "carryover", "delete"], 2)):
        for prev, gold in itertools.product(states_of(page, slots),
                                            repeat=2):
            ops, kept = page["operations"](prev, gold, names), dict(prev)
            written = [gold.get(s, "[NULL]") for s, op in zip(
                page["SLOTS"], ops) if op == "update"]
            assert page["apply"](ops, prev, written) == gold
            assert prev == kept and set(ops) <= set(names)
            changed = sum(prev.get(s) != gold.get(s) for s in page["SLOTS"])
            assert changed == sum(op != "carryover" for op in ops)


def operations_from_a_table(page):
    """The four operations, from a table written by hand."""
    table = {(None, None): 3, (None, "b"): 1, (None, "dontcare"): 2,
             ("a", None): 0, ("a", "a"): 3, ("a", "b"): 1,
             ("a", "dontcare"): 2, ("dontcare", None): 0,
             ("dontcare", "dontcare"): 3, ("dontcare", "a"): 1}
    last = page["SLOTS"][-1]
    for (old, new), op in table.items():
        prev, gold = ({last: v} if v else {} for v in (old, new))
        assert page["operations"](prev, gold)[-1] == page["OPS"][op]
    assert page["OPS"] == tuple(OPS)            # the numbers of op_code 4


def mixture_by_hand(page):
    """A loop in float64, a repeated word; the shares sum to one."""
    g = torch.Generator().manual_seed(0)
    n, k, t, v = 3, 2, 6, 9
    x = torch.randint(v, (n, t), generator=g)
    x[0] = torch.tensor([4, 4, 4, 2, 2, 0])
    a, p = (torch.rand(n, k, m, generator=g).double().softmax(-1)
            for m in (t, v))
    gate = torch.rand(n, k, 1, generator=g).double()
    got = page["mixture"](gate, p, a, x)
    np.testing.assert_allclose(got.sum(-1), 1)
    for i, j in itertools.product(range(n), range(k)):
        want = [gate[i, j, 0] * p[i, j, w] + (1 - gate[i, j, 0]) * sum(
            a[i, j, m] for m in range(t) if x[i, m] == w) for w in range(v)]
        np.testing.assert_allclose(got[i, j], want)
    np.testing.assert_allclose(page["mixture"](gate ** 0, p, a, x), p)


def words_of_a_turn(page):
    words, segment, places = page["encode"](
        ["음식", "한식", "어때"], ["지역", "강남", "으로"],
        {"지역": "홍대", "이름": "한강 식당", "인원": "dontcare"})
    said = [page["WORDS"][i] for i in words]
    assert said == (
        "[CLS] 음식 한식 어때 [SEP] 지역 강남 으로 [SEP] [SLOT] 지역 홍대 [SLOT] 음식 "
        "[NULL] [SLOT] 인원 dontcare [SLOT] 시간 [NULL] [SLOT] 가격 [NULL] "
        "[SLOT] 이름 한강 식당").split()
    assert [said[p] for p in places] == 6 * ["[SLOT]"]
    assert [said[p + 1] for p in places] == list(page["SLOTS"])
    assert segment == [0] * 5 + [1] * (len(said) - 5)
    assert len(set(page["WORDS"])) == len(page["WORDS"])
    assert page["WORDS"][0] == "[PAD]"


def a_net(page, seed=3):
    torch.manual_seed(seed)
    net = page["Tracker"]()
    for p in net.parameters():               # far from where it starts
        p.data += 0.2 * torch.randn(p.shape)
    return net.eval()


def reads_alone(net, row, segment, places):
    """The encoder anew, one row, no padding: (T, d), (J, d), (J, 4)."""
    r = net.read
    e = net.embed.weight[row]
    zero = torch.zeros(1, e.shape[1])
    left, right = torch.cat([zero, e[:-1]]), torch.cat([e[1:], zero])
    h = e + F.linear(torch.cat([left, right], 1), r.near.weight,
                     r.near.bias) + r.segment.weight[segment]
    n = F.layer_norm(h, h.shape[1:], r.norms[0].weight, r.norms[0].bias)
    q, k, v = (r.three(n)).split(h.shape[1], 1)
    half, out = h.shape[1] // 2, []
    for s in (slice(0, half), slice(half, None)):
        share = (q[:, s] @ k[:, s].T / half ** 0.5).softmax(1)
        out.append(share @ v[:, s])
    h = h + r.out(torch.cat(out, 1))
    n = F.layer_norm(h, h.shape[1:], r.norms[1].weight, r.norms[1].bias)
    h = F.layer_norm(h + r.wide(n), h.shape[1:], r.norms[2].weight,
                     r.norms[2].bias)
    return h, h[places], net.choose(h[places])


def next_word(net, w, hidden, h, row, copying):
    """One step of the decoder, one slot, the GRU by its formulas."""
    g = net.gru
    i = (g.weight_ih_l0 @ w + g.bias_ih_l0).chunk(3)
    k = (g.weight_hh_l0 @ hidden + g.bias_hh_l0).chunk(3)
    z = (i[1] + k[1]).sigmoid()
    n = (i[2] + (i[0] + k[0]).sigmoid() * k[2]).tanh()
    hidden = (1 - z) * n + z * hidden
    a = (h @ hidden).softmax(0)
    p = (net.embed.weight @ hidden).softmax(0)
    if copying:
        g = net.gate(torch.cat([w, hidden, a @ h])).sigmoid()
        at = torch.as_tensor(row)[:, None] == torch.arange(len(p))
        p = g * p + (1 - g) * (a @ at.to(a.dtype))
    return p, hidden


def written_alone(net, words, first, h, row, copying):
    w, text = first, []
    hidden = torch.tanh(net.pool(h[0]))
    for _ in range(3):
        p, hidden = next_word(net, w, hidden, h, row, copying)
        i = int(p.argmax())
        if words[i] == "[EOS]":
            break
        text.append(words[i])
        w = net.embed.weight[i]
    return " ".join(text)


@torch.no_grad()
def followed_alone(page, net, talks, copying, own, all_):
    """Every dialogue, turn and slot by itself: right lists by turn, and
    how many slots were written."""
    joint, began = [], 0
    for talk in talks:
        state, hits = {}, []
        for before, now, old, gold in talk:
            prev = dict(state) if own else dict(old)
            row, segment, places = page["encode"](before, now, prev)
            h, slots, scores = reads_alone(net, row, segment, places)
            state = dict(prev)
            for j, slot in enumerate(page["SLOTS"]):
                op = "update" if all_ else OPS[int(scores[j].argmax())]
                new = prev.get(slot)
                if op == "update":
                    began += 1
                    new = written_alone(net, page["WORDS"], slots[j], h, row,
                                        copying)
                    new = None if new == "[NULL]" else new
                new = {"delete": None, "dontcare": "dontcare"}.get(op, new)
                state.pop(slot, None)
                if new is not None:
                    state[slot] = new
            hits.append(state == gold)
        joint.append(hits)
    return np.array(joint), began


def few(page, seed=5, turns=10, many=6, silent=0.0):
    rng = random.Random(seed)
    return [page["talk"](rng, turns, silent) for _ in range(many)]


FEW_STEPS = dict(steps=24, talks=2)


def arms_one_by_one(page):
    """run() of every arm again, a slot at a time, decoder calls counted,
    by a network whose weights are drawn."""
    for arm in page["ARMS"]:
        net, asked, began = a_net(page), [], []
        real, all_ = page["write"], arm == "every slot"

        def counted(net, first, *rest, **more):
            began.append(len(first))
            return real(net, first, *rest, **more)

        def given(*settings):
            asked.append(settings)
            return net
        with mock.patch.dict(page, write=counted, trained=given):
            got = page["run"](arm, 1003, rate=0.013, silent=0.3, **FEW_STEPS)
        assert asked == [(arm, 1003, 0.0 if all_ else 1.0, 24, 0.013, 0.3)]
        rng, calls = random.Random("1003 test"), 0
        exam = [page["talk"](rng, 10, 0.3) for _ in range(2)]
        for head, own in (("", True), ("true list, ", False)):
            joint, count = followed_alone(page, net, exam, arm != "no copy",
                                          own, all_)
            calls += count
            want = {"joint": joint.mean(), "last": joint[:, -1].mean(),
                    "written": count / 120}
            want |= {f"turn {k + 1}": joint[:, k].mean() for k in range(10)}
            for name, value in want.items():
                assert abs(got[head + name] - value) < 1e-9, (arm, name)
        assert sum(began) == calls and min(began) > 0


def scored_by_hand(page):
    """Followers that make known mistakes: what run() counts."""
    def follow(net, talks, copy, strength, own):
        return [(turns, [t[2] for t in turns],
                 [["update"] * (n % 3) + ["delete"] * (6 - n % 3)
                  for n in range(len(turns))],
                 [t[3] if n % 4 or own and k < 6 else
                  {**t[3], "이름": "다른 식당"} for n, t in enumerate(turns)])
                for k, turns in enumerate(zip(*talks))]
    with mock.patch.dict(page, follow=follow, trained=lambda *a: None):
        got = page["run"]("four operations", 1000, talks=8)
    for head, joint in (("", 0.9), ("true list, ", 0.75)):
        np.testing.assert_allclose(got[head + "joint"], joint)
        np.testing.assert_allclose(got[head + "last"], 0.75)
        np.testing.assert_allclose(got[head + "turn 10"], 0.75)
        np.testing.assert_allclose(got[head + "written"], 7 / 48)


def where_it_must_write(page):
    """At a share of one half, half of the slots are written in any case;
    the true list is given where it is asked for."""
    net = a_net(page)
    full, half, none = ([op for turns, before, ops, _ in page["follow"](
        net, few(page, 6, many=20), True, share, False)
        for row in ops for op in row] for share in (1.0, 0.5, 0.0))
    kept = [h for f, h in zip(full, half) if f != "update"]
    assert set(none) == {"update"} != set(full)
    assert 0.4 < kept.count("update") / len(kept) < 0.6
    for own in (True, False):
        before = [{}] * 3
        for turns, old, _, after in page["follow"](
                net, few(page, many=3), own=own):
            assert old == (before if own else [t[2] for t in turns])
            before = after


def trained_by_hand(page):
    """Weights after a batch, each slot's loss by itself."""
    with doubled(page, "trained"):
        for arm, share, steps in (("two operations", 0.7, 1),
                                  ("no copy", 1.0, 2)):
            got = page["trained"](arm, 1004, share, steps, 0.02, 0.2)
            want = by_hand(page, arm, share, steps)
            for (name, a), b in zip(got.named_parameters(),
                                    want.parameters()):
                np.testing.assert_allclose(a.detach(), b.detach(), atol=1e-7,
                                           err_msg=name)


def by_hand(page, arm, share, steps):
    rng = random.Random("1004 train")
    turns = [t for _ in range(250) for t in page["talk"](rng, 5, 0.2)]
    torch.manual_seed(1004)
    net = page["Tracker"]()
    g = torch.Generator().manual_seed(1004)
    adam = torch.optim.Adam(net.parameters())
    names = ["update", "carryover"] if arm == "two operations" else OPS
    for step in range(steps):
        picked = torch.randint(len(turns), (32,), generator=g)
        free = torch.rand(32, 6, generator=g) < share
        ce, nll = [], []
        for n, row in zip(picked.tolist(), free.tolist()):
            before, now, old, gold = turns[n]
            x, segment, places = page["encode"](before, now, old)
            h, slots, scores = reads_alone(net, x, segment, places)
            for j, own in enumerate(row):
                slot = page["SLOTS"][j]
                a, b = old.get(slot), gold.get(slot)
                op = ("carryover" if a == b else "delete" if b is None else
                      "dontcare" if b == "dontcare" else "update")
                op = op if op in names else "update"
                if own:
                    ce.append(-scores[j].log_softmax(0)[OPS.index(op)])
                if own and op != "update":
                    continue
                w, hidden = slots[j], torch.tanh(net.pool(h[0]))
                for word in [*gold.get(slot, "[NULL]").split(), "[EOS]"]:
                    p, hidden = next_word(net, w, hidden, h, x,
                                          arm != "no copy")
                    i = page["ID"][word]
                    nll.append(-p[i].log())
                    w = net.embed.weight[i]
        loss = torch.stack(nll).mean() + 3 * torch.stack(ce).mean()
        adam.param_groups[0]["lr"] = 0.02 * (step + 1) / 20 * (
            1 - step / steps)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
    return net


def slots_do_not_lean_on_each_other(page):
    """Values written together are those written one by one: every slot
    begins anew."""
    net = a_net(page)
    turns = [t for talk in few(page, 8) for t in talk][:20]
    x, segment, places = page["batch"](turns, [t[2] for t in turns])
    h, slots, _ = net(x, segment, places)
    for copying in (True, False):
        got = page["write"](net, slots[:, 2], h, x, copying)
        for n, t in enumerate(turns):
            row, seg, at = page["encode"](t[0], t[1], t[2])
            alone, own, _ = reads_alone(net, row, seg, at)
            with torch.no_grad():
                assert got[n] == written_alone(
                    net, page["WORDS"], own[2], alone, row, copying)


def dialogues_are_what_they_say(page):
    """The words of a turn, read by rules, give the next list."""
    count = Counter()
    for silent in (0.0, 1.0):
        for talk in few(page, 11, turns=12, many=100, silent=silent):
            state, refused = {}, None
            for k, (before, now, old, gold) in enumerate(talk):
                assert before == (talk[k - 1][1] if k else [])
                assert old == state and (k or not old)
                new, last, refused, offer = dict(old), refused, None, None
                words = [w for w in now if w not in ("네", "아니", "아까")]
                places = [i for i, w in enumerate(words)
                          if w in page["SLOTS"]] + [len(words)]
                for a, b in zip(places, places[1:]):
                    slot, *value, cue = words[a:b]
                    value = " ".join(value)
                    count[cue, silent] += 1
                    if cue == "어때":
                        offer = slot, value
                    elif cue == "좋아":
                        taken = last if now[0] == "아까" and a == 0 else offer
                        count["late"] += taken == last
                        assert taken[0] == slot
                        new[slot] = taken[1]
                    elif cue == "됐어":
                        refused = offer
                        assert offer[0] == slot
                    elif cue == "빼줘":
                        del new[slot]
                    else:
                        assert cue in ("으로", "상관없어")
                        assert value in (page["VALUES"][slot] if
                                         cue == "으로" else [""])
                        new[slot] = value or "dontcare"
                if silent:
                    new = {s: v for s, v in new.items() if s in gold}
                assert new == gold
                state = gold
    assert count["late"] > 50 and min(count.values()) > 50
    assert count["빼줘", 0.0] > 50 and not count["빼줘", 1.0]


def rates_of_the_table(page):
    """The rates of the table are those that are used."""
    asked = []

    def noted(*settings):
        asked.append(settings[4])
        return a_net(page)
    with mock.patch.dict(page, trained=noted):
        for arm in page["ARMS"]:
            page["run"](arm, 1003, talks=1)
    assert asked == [page["ARMS"][a][1] for a in page["ARMS"]]


ORACLES = [there_and_back, operations_from_a_table, mixture_by_hand,
           words_of_a_turn, scored_by_hand, dialogues_are_what_they_say,
           slots_do_not_lean_on_each_other, where_it_must_write,
           rates_of_the_table, arms_one_by_one, trained_by_hand]

MISTAKES = {
    "Last share only": (".scatter_add(", ".scatter("),
    "Gate turned": ("gate * vocabulary + (1 - gate) * copied",
                    "(1 - gate) * vocabulary + gate * copied"),
    "Delete carried over": (
        'if op != "delete" and new != "[NULL]":', 'if new != "[NULL]":'),
    "Values out of order": ("iter(written), {}", "iter(written[::-1]), {}"),
    "Compared with the empty list": (
        "(prev.get(slot), gold.get(slot))", "(None, gold.get(slot))"),
    "Don't care is written": (
        '"dontcare" if new == "dontcare" else "update"\n', '"update"\n'),
    "All slots written": ('ops.eq(OPS.index("update")) | ~free',
                          "ops.ge(0) | ~free"),
    "List in the first segment": ("segment += [1] *", "segment += [0] *"),
    "Padding is read": (" - 1e9 * x.eq(0)[:, None, None]", ""),
    "Padding is copied": (".masked_fill(x.eq(0)[:, None], -1e9)", ""),
    "Name for slot": ("places.append(len(words))",
                      "places.append(len(words) + 1)"),
    "End not learned": ("y.ne(0)", "y.gt(ID['[EOS]'])"),
}
TRAIN = dict(arm="four operations", seed=1000, steps=2, talks=3)
NULL = dict(arm="four operations", baseline="every slot", strength=0.0,
            steps=8, talks=2, rate=0.02)
UNKNOWN = []
TRACES = {"run": dict(
    arms=["four operations", "two operations", "no copy", "every slot"],
    steps=2, talks=2, updates=2, rates=[
        ("every slot", {}, 0.001),
        ("four operations", {"rate": 0.04}, 0.002)])}

EXPERIMENT = {
    "exam: the true list goes into the next turn": (
        "        states = after", "        states = [t[3] for t in turns]"),
    "exam: followed on the dialogues of the training": (
        '{seed} test"', '{seed} train"'),
    "labels: the new list is among the words that are read": (
        "batch(turns, [t[2] for t in turns]), *labels",
        "batch(turns, [t[3] for t in turns]), *labels"),
    "metric: which slots are filled, not with what": (
        "sum(a == t[3] for", "sum(a.keys() == t[3].keys() for"),
    "metric: the first turn for the last": ("joint[-1]", "joint[0]"),
    "metric: all that is not carried over counts as written": (
        'ops.count("update") / len(ops)',
        '1 - ops.count("carryover") / len(ops)'),
    "rival: without copying in the training alone": (
        'follow(net, exam, arm != "no copy",', "follow(net, exam, True,"),
    "rival: copies in the training": (
        'free, arm != "no copy")', "free, True)"),
    "rival: every slot may choose": (
        '0.0 if arm == "every slot" else strength', "strength"),
    "rival: two operations are four": (
        '("update", "carryover"), 0.01', "OPS, 0.01"),
    "pairing: one start for all seeds": ("torch.manual_seed(seed)",
                                         "torch.manual_seed(0)"),
    "pairing: an arm has batches of its own": (
        "torch.Generator().manual_seed(seed)",
        "torch.Generator().manual_seed(seed + len(arm))"),
    "counting: the mean over nine of ten turns": (
        "sum(joint) / 10", "sum(joint[1:]) / 9"),
    "search: the rate that is set is ignored": (
        "rate or ARMS[arm][1]", "ARMS[arm][1]"),
}
NOT = {"mode": "no dropout and no batch norm: a layer has one mode only"}

WRONG = {
    "som_dst-1": [("turns_and_written = 221040, 10745 / 221040",
                   "a turn has thirty"),
                  ("turns_and_written = 7368, 10745 / 221040", "a share"),
                  ("turns_and_written = 7368, 12710 / 7368",
                   "Only updates"),
                  ("turns_and_written = 7368, 2.0", "Updates over turns"),
                  ("turns_and_written = 358, 1.458", "All four counts")],
    "som_dst-2": [("still_wrong = (7 / 8) ** 10", "nine chances"),
                  ("still_wrong = 1 - (7 / 8) ** 9", "was mended"),
                  ("still_wrong = (1 / 8) ** 9", "left alone")],
    "som_dst-3": [("few_steps = 20", "choose by then"),
                  ("few_steps = 5", "From 20"),
                  ("few_steps = 90.5", "whole number")],
    "som_dst-4": [("mended = suspect", "another slot"),
                  ("mended = lambda ops, prev, written: [*written]",
                   "as a dict"),
                  ("mended = lambda ops, prev, written: dict(prev)",
                   "Other slots"),
                  ("mended = lambda ops, prev, written: {k: v for k, v in "
                   "apply([o if o == 'update' else o for o in ops], prev, "
                   "[w.replace('[NULL]', '-') for w in written]).items()}",
                   "empties a slot")],
}
OPEN = {"som_dst-3": "every number of steps before the choice is learned"}
