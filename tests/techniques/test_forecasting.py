"""forecasting: what its page must survive (see test_every_page.py)."""

import math

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss
from statsmodels.datasets import co2
from statsmodels.regression.linear_model import GLSAR
from statsmodels.regression.quantile_regression import QuantReg
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

TINY = dict(train=1, test=1)


def pinball_by_others(space):
    """Half the absolute error at 0.5; scikit-learn elsewhere; the best
    constant is the quantile."""
    rng = np.random.default_rng(0)
    y, q = rng.normal(size=(2, 101))
    np.testing.assert_allclose(space["pinball"](y, q, 0.5),
                               np.abs(y - q) / 2)
    for tau in (0.1, 0.8):
        np.testing.assert_allclose(space["pinball"](y, q, tau).mean(),
                                   mean_pinball_loss(y, q, alpha=tau))
        grid = [space["pinball"](y, c, tau).mean() for c in y]
        assert y[np.argmin(grid)] == np.sort(y)[int(100 * tau)]


def program_by_iteration(space):
    """statsmodels' QuantReg iterates weighted least squares; the program is
    as good or better, and its forecasts are the same."""
    rng = np.random.default_rng(1)
    x = np.c_[np.ones(240), rng.normal(size=(240, 3))]
    y = x @ [3.0, 1.0, -2.0, 0.0] + (1 + x[:, 1] ** 2) * rng.normal(size=240)
    for tau in (0.15, 0.5, 0.9):
        weights = space["fit_quantile"](x, y, tau)
        other = np.asarray(QuantReg(y, x).fit(q=tau, max_iter=5000).params)
        mine, theirs = (mean_pinball_loss(y, x @ w, alpha=tau)
                        for w in (weights, other))
        assert mine <= theirs + 1e-9
        np.testing.assert_allclose(x @ weights, x @ other, atol=0.05)
        # As many lie above as the level says, but for the four fitted.
        assert abs((y < x @ weights - 1e-7).sum() - 240 * tau) <= 4


def features_one_by_one(space):
    """Every feature from loops; what follows the origin is not read."""
    rng = np.random.default_rng(2)
    y, t, season, lags = rng.normal(size=90), 47, 12, 3

    def clock(s):
        return [1.0 * s, s % 5.0]
    got = space["features"](y, t, 7, season, lags, clock)
    usual = [sum(y[i - k * season] for k in (1, 2, 3)) / 3
             for i in (44, 45, 46)]
    gap = sum(y[i] - m for i, m in zip((44, 45, 46), usual)) / 3
    want = [[1, *(y[s - k * season] for k in (1, 2, 3)),
             gap * 0.7 ** (s - t + 1), gap * 0.95 ** (s - t + 1), s, s % 5]
            for s in range(t, t + 7)]
    np.testing.assert_allclose(got, want)
    later = y.copy()
    later[t:] = 1e6
    assert (space["features"](later, t, 7, season, lags, clock) == got).all()
    with pytest.raises(ValueError, match="Horizon"):
        space["features"](y, t, 13, season, lags, clock)
    # No index below zero, which would read the end of the series.
    assert len(space["features"](y, 39, 7, season, lags, clock)) == 7
    with pytest.raises(ValueError, match="past"):
        space["features"](y, 38, 7, season, lags, clock)


def levels_never_cross(space):
    """On a few noisy rows lines cross; the forecaster's are those of three
    fits, in order."""
    rng = np.random.default_rng(3)
    y = rng.standard_t(2, size=400)
    setting = (6, 8, 2, lambda s: [np.sin(s), np.cos(s), np.sin(2 * s)])
    learned, taus = np.arange(20, 80, 6), (0.4, 0.5, 0.6)
    predict = space["quantile_forecaster"](y, learned, taus, *setting)
    x = np.concatenate([space["features"](y, t, *setting) for t in learned])
    truth = np.concatenate([y[t:t + 6] for t in learned])
    weights = [space["fit_quantile"](x, truth, tau) for tau in taus]
    crossed = 0
    for t in range(100, 380, 9):
        rows = space["features"](y, t, *setting)
        plain = [[float(r @ w) for r in rows] for w in weights]
        crossed += any(a > b for a, b in zip(plain[0], plain[1]))
        np.testing.assert_allclose(
            predict(t), np.transpose([sorted(c) for c in zip(*plain)]))
    assert crossed


def margin_by_counting(space):
    """Of n + 1 exchangeable scores each is the last with equal chance: the
    share that is covered is that of the theorem, exactly."""
    for n, alpha in ((9, 0.2), (10, 0.2), (27, 0.2), (19, 0.1), (40, 0.5)):
        scores = np.random.default_rng(n).permutation(n + 1) - n / 2
        held = [scores[i] <= space["conformal_margin"](
            np.delete(scores, i), alpha) for i in range(n + 1)]
        assert sum(held) == math.ceil((1 - alpha) * (n + 1))
    # With too few scores the largest, as in the official code.
    assert space["conformal_margin"](np.array([3.0, -1.0]), 0.1) == 3.0


def scores_by_cases(space):
    low, high = np.array([1.0, 1, 1, 1]), np.array([4.0, 4, 4, 4])
    got = space["conformity"](low, high, np.array([0.0, 1.5, 3.0, 6.0]))
    assert list(got) == [1.0, -0.5, -1.0, 2.0]


def days_one_by_one(space):
    """Rolling by loops, at half strength; the future moves no forecast."""
    rng = np.random.default_rng(5)
    y, origins, memory = rng.normal(size=200), np.arange(10, 190, 6), 4

    def predict(t):
        return np.sort(np.sin(t + np.arange(18.0)).reshape(3, 6), axis=0)

    def roll(series):
        return space["rolling"](series, origins, predict, memory, 0.3, 0.5)
    got = roll(y)
    for k in range(memory, len(origins)):
        scores = []
        for t in origins[k - memory:k]:
            low, _, high = predict(t)
            for i in range(6):
                scores.append(max(low[i] - y[t + i], y[t + i] - high[i]))
        need = math.ceil(0.7 * 25)
        margin = 0.5 * next(m for m in sorted(scores) if sum(
            s <= m for s in scores) >= need)
        low, middle, high = predict(origins[k])
        np.testing.assert_allclose(
            got[k - memory], [low - margin, middle, high + margin])
    assert len(got) == len(origins) - memory
    later = y.copy()
    later[origins[12]:] += 50
    assert (roll(later)[:13 - memory] == got[:13 - memory]).all()
    assert (roll(later)[13 - memory] != got[13 - memory]).any()


def future_moves_no_arm(space):
    """Hours from the third test day on are other ones: the first three
    forecasts of every arm stay, bit for bit."""
    real = space["draw_traffic"]
    first = (4 + 1 + 4) * 168 + 9 + 2 * 24

    def other(*how):
        y, mean, spread, u = real(*how)
        y[first:], u[first:] = y[first:] * 3, -u[first:]
        return y, mean, spread, u
    for arm in space["ARMS"]:
        before = space["bands"](arm, 1003, 1.0, 1, 1, 1.0)[0]
        space["draw_traffic"] = other
        try:
            after = space["bands"](arm, 1003, 1.0, 1, 1, 1.0)[0]
        finally:
            space["draw_traffic"] = real
        assert (before[:3] == after[:3]).all(), arm
        assert arm == "four weeks" or (before[3:] != after[3:]).any(), arm


def parts_of_the_sum(space):
    """The noise has unit size and a memory of 0.8; the parts are those of a
    building written down again; a jump changes the spread and no draw."""
    y, mean, spread, u = space["draw_traffic"](1005, 60)
    np.testing.assert_allclose(y, mean + spread * u)
    assert abs(u.std() - 1) < 0.05
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1] - 0.8) < 0.02
    a = np.random.default_rng(1005).uniform(0.8, 1.2, size=5)
    for s in (9, 12, 4 * 24 + 18, 5 * 24 + 12, 6 * 24, 33 * 168 + 36):
        hour, day = s % 24, s // 24 % 7
        share = 1.0 if day < 5 else 0.2 * a[3]

        def bump(clock, width, hour=hour):
            return math.exp(-((hour - clock) / width) ** 2 / 2)
        commute = 120 * a[0] * bump(9, 1) + 90 * a[1] * bump(18, 1.5)
        lunch = 100 * a[2] * bump(12.5, 1)
        growth = 1 + a[4] * s / 16800
        assert math.isclose(mean[s], growth * (
            15 + 25 * bump(13, 4) + share * (commute + lunch)))
        assert math.isclose(spread[s], growth * (
            4 + share * (commute / 20 + 0.3 * lunch)))
    louder = space["draw_traffic"](1005, 60, 500, 2.5)
    assert (louder[3] == u).all() and (louder[1] == mean).all()
    assert (louder[2][:500] == spread[:500]).all()
    np.testing.assert_allclose(louder[2][500:], 2.5 * spread[500:])
    assert (space["draw_traffic"](1006, 60)[3] != u).any()


def floor_in_closed_form(space):
    """The truth errs by spread * sqrt(1 - 0.8^2h) * sqrt(2 / pi) on average
    and covers 0.8, hour by hour of the horizon."""
    ratio, held = [], []
    for seed in range(1000, 1040):
        made, y, floor, s = space["bands"]("truth", seed, 1.0, 1, 8, 1.0)
        spread = space["draw_traffic"](seed, 17)[2][s]
        size = spread * np.sqrt(1 - 0.8 ** (2 * np.arange(1, 25)))
        ratio.append((np.abs(y - floor) / size).mean(axis=0))
        held.append(((made[:, 0] <= y) & (y <= made[:, 2])).mean(axis=0))
        assert (made[:, 1] == floor).all()
    np.testing.assert_allclose(np.mean(ratio, axis=0),
                               math.sqrt(2 / math.pi), rtol=0.06)
    np.testing.assert_allclose(np.mean(held, axis=0), 0.8, atol=0.04)


def arms_again(space):
    """Every arm that calibrates, from loops and from QuantReg's loss."""
    train, test, seed = 2, 1, 1004
    y = space["draw_traffic"](seed, 11)[0]
    days = [k * 24 + 9 for k in range(6 * 7, 11 * 7)]
    rows = {}
    for name, calendar in (("cqr", space["day_waves"]),
                           ("lags only", lambda s: [])):
        setting = (24, 168, 4, calendar)
        x, truth = (np.concatenate(z) for z in zip(*(
            (space["features"](y, t, *setting), y[t:t + 24])
            for t in (k * 24 + 9 for k in range(4 * 7, 6 * 7)))))
        fits = [space["fit_quantile"](x, truth, tau)
                for tau in (0.1, 0.5, 0.9)]
        rows[name] = {t: np.sort([space["features"](y, t, *setting) @ w
                                  for w in fits], axis=0) for t in days}
    rows["uncalibrated"] = rows["cqr"]
    rows["one width"] = {t: [q[1]] * 3 for t, q in rows["cqr"].items()}
    rows["naive"] = {t: [y[t - 168:t - 144]] * 3 for t in days}
    rows["four weeks"] = {t: [sum(y[t - 168 * k:][:24] for k in (
        1, 2, 3, 4)) / 4] * 3 for t in days}
    for arm, made in rows.items():
        got, came, *_ = space["bands"](arm, seed, 1.0, train, test, 1.0)
        for k in range(28, 35):
            t = days[k]
            assert (came[k - 28] == y[t:t + 24]).all()
            margin = 0 if arm == "uncalibrated" else np.sort(np.concatenate(
                [np.maximum(made[u][0] - y[u:u + 24], y[u:u + 24]
                            - made[u][2]) for u in days[k - 28:k]]))[
                math.ceil(0.8 * 673) - 1]
            np.testing.assert_allclose(got[k - 28], [
                made[t][0] - margin, made[t][1], made[t][2] + margin],
                atol=1e-6, err_msg=arm)


def waves_by_hand(space):
    """Twelve waves for workdays and for weekends each, apart."""
    s = np.arange(168)
    work, *waves = space["day_waves"](s)
    assert list(work[::24]) == [1, 1, 1, 1, 1, 0, 0] and len(waves) == 24
    gram = np.array(waves) @ np.transpose(waves)
    np.testing.assert_allclose(gram, np.diag([60.0, 24.0] * 12), atol=1e-9)


def glsar_by_a_filter(space):
    """The same model in statsmodels' state space: its Kalman filter, given
    the fitted numbers, forecasts the same bands."""
    y = space["draw_traffic"](1004, 10)[0]
    origins = np.arange(9 * 168 + 9, 10 * 168, 24)
    s = np.arange(672, len(y))
    x = np.array([[1, *(y[i - 168 * k] for k in (1, 2, 3, 4)), *row]
                  for i, row in zip(s, np.transpose(
                      space["day_waves"](s)))])
    n = origins[0] - 672
    model = GLSAR(y[672:origins[0]], x[:n], rho=1)
    fit = model.iterative_fit(10)
    numbers = np.r_[fit.params, model.rho, fit.scale]
    got = space["glsar_bands"](y, origins)
    for k, t in enumerate(origins):
        ahead = SARIMAX(y[672:t], exog=x[:t - 672], order=(1, 0, 0)).filter(
            numbers).get_forecast(24, exog=x[t - 672:t - 648])
        band = ahead.conf_int(alpha=0.2)
        np.testing.assert_allclose(got[k], [
            band[:, 0], ahead.predicted_mean, band[:, 1]], rtol=1e-5)


def metrics_by_loops(space):
    """Every metric of run() from the bands, hour by hour."""
    for arm, jump in (("cqr", 1.0), ("naive", 2.0)):
        made, y, floor, s = space["bands"](arm, 1001, 1.0, 1, 1, jump)
        sums = {k: [] for k in ("over", "error", "coverage", "lunch",
                                "width", "score")}
        for band, truth, best, hours in zip(made, y, floor, s):
            for low, mid, high, v, f, h in zip(*band, truth, best, hours):
                sums["error"].append(abs(v - mid))
                sums["over"].append(abs(v - mid) - abs(v - f))
                sums["coverage"].append(low <= v <= high)
                sums["width"].append(high - low)
                sums["score"].append(high - low + 10 * max(
                    low - v, v - high, 0))
                if h % 24 in (12, 13) and h // 24 % 7 < 5:
                    sums["lunch"].append(low <= v <= high)
        got = space["run"](arm, 1001, jump=jump, **TINY)
        for name, values in sums.items():
            assert math.isclose(got[name], np.mean(values)), name


def real_years(space):
    """The series are those of statsmodels; each year is forecast from what
    came before it."""
    sizes = {"co2": 526, "sea": 732, "turnover": 257}
    for name, size in sizes.items():
        y = space["months"](name)
        assert len(y) == size and np.isfinite(y).all()
    assert y[0] == 66.19 and space["months"]("sea")[12] == 24.19
    raw = co2.load_pandas().data["co2"]
    there, by_month = np.flatnonzero(raw.notna()), {}
    filled = np.interp(np.arange(len(raw)), there, raw.to_numpy()[there])
    for day, value in zip(raw.index, filled):
        by_month.setdefault((day.year, day.month), []).append(value)
    np.testing.assert_allclose(space["months"]("co2"), [
        sum(v) / len(v) for v in by_month.values()])
    found, truth = space["on_months"](y, tested=3)
    later = y.copy()
    later[-24:] *= 2
    moved, _ = space["on_months"](later, tested=3)
    for arm, made in found.items():
        assert made.shape == (3, 3, 12)
        assert (made[0] == moved[arm][0]).all(), arm
        assert (made[2] != moved[arm][2]).any(), arm
    np.testing.assert_array_equal(truth.ravel(), y[-36:])
    np.testing.assert_array_equal(found["naive"][:, 1].ravel(), y[-48:-12])
    assert np.abs(found["ets"][:, 1] - truth).mean() < 10
    # CQR again: fitted on all years from the first with all its features.
    y = space["months"]("sea")
    found, truth = space["on_months"](y, 2, 3)
    origins = [len(y) - 12 * k for k in (5, 4, 3, 2, 1)]
    first = next(t for t in range(27, 40) if (origins[0] - t) % 12 == 0)
    setting = (12, 12, 2, lambda s: [f(2 * np.pi * k * s / 12) for f in (
        np.cos, np.sin) for k in (2, 1)])
    x, z = (np.concatenate(rows) for rows in zip(*(
        (space["features"](y, t, *setting), y[t:t + 12])
        for t in range(first, origins[0], 12))))
    fits = [space["fit_quantile"](x, z, tau) for tau in (0.1, 0.5, 0.9)]
    ends = [np.sort([space["features"](y, t, *setting) @ w for w in fits],
                    axis=0) for t in origins]
    for k in (3, 4):
        margin = np.sort(np.concatenate([np.maximum(
            ends[i][0] - y[origins[i]:][:12], y[origins[i]:][:12]
            - ends[i][2]) for i in range(k - 3, k)]))[29]
        np.testing.assert_allclose(found["cqr"][k - 3], ends[k] + margin
                                   * np.array([[-1], [0], [1]]),
                                   rtol=1e-4, atol=1e-4)


def ets_in_closed_form(space):
    """The bands of ETS: from its fitted numbers by the closed form for the
    variance; of the two forms the one that errs less on the years for
    calibration is taken."""
    y = space["months"]("turnover")[:120]
    origins = np.array([72, 84, 96, 108])
    z, off, made = 1.2815515655446004, [], []
    for trend in (None, "add"):
        how = dict(trend=trend, seasonal="add", seasonal_periods=12)
        numbers = ETSModel(y[:72], **how).fit(disp=0).params
        rows = []
        for t in origins:
            seen = ETSModel(y[:t], **how).smooth(numbers)
            a, b = numbers[0], numbers[1] if trend else 0.0
            size = np.sqrt(np.mean(seen.resid ** 2) * (1 + np.cumsum(
                [0, *((a + b * j) ** 2 for j in range(1, 12))])))
            middle = seen.forecast(12)
            rows.append([middle - z * size, middle, middle + z * size])
        np.testing.assert_allclose(
            space["ets_bands"](y, origins, trend), rows, rtol=1e-3)
        off.append(sum(np.abs(row[1] - y[t:t + 12]).sum()
                       for t, row in zip(origins[:2], rows)))
        made.append(rows[2:])
    found, _ = space["on_months"](y, 2, 2)
    np.testing.assert_allclose(found["ets"], made[int(np.argmin(off))],
                               rtol=1e-3)


ORACLES = [pinball_by_others, scores_by_cases, margin_by_counting,
           features_one_by_one, days_one_by_one, program_by_iteration,
           levels_never_cross, waves_by_hand, parts_of_the_sum,
           metrics_by_loops, glsar_by_a_filter, arms_again,
           floor_in_closed_form, future_moves_no_arm, real_years,
           ets_in_closed_form]

SCORE = "return np.maximum(low - y, y - high)"
MISTAKES = {
    "Ends exchanged": ("np.maximum(tau * error, (tau - 1) * error)",
                       "np.maximum((1 - tau) * error, -tau * error)"),
    "Prices exchanged": ("np.full(n, tau), np.full(n, 1 - tau)",
                         "np.full(n, 1 - tau), np.full(n, tau)"),
    "No negative score": (SCORE, "return np.maximum(0, np.maximum("
                                 "low - y, y - high))"),
    "One end only": (SCORE, "return y - high"),
    "Plus one forgotten": ("(1 - alpha) * (n + 1)", "(1 - alpha) * n"),
    "The other tail": ("(1 - alpha) * (n + 1)", "alpha * (n + 1)"),
    "The day is in its own margin": (
        "np.concatenate(scores[-memory:])", "np.concatenate([*scores["
        "-memory:], conformity(low, high, y[t:t + len(low)])])"),
    "The future in the gap": ("np.arange(t - 3, t)", "np.arange(t, t + 3)"),
    "Quantiles cross": (
        "np.sort(weights @ features(y, t, *setting).T, axis=0)",
        "weights @ features(y, t, *setting).T"),
}
TRAIN = dict(arm="cqr", seed=1000, **TINY)
NULL = dict(arm="cqr", baseline="uncalibrated", strength=0.0, **TINY)
TRACES = {"run": dict(arms=["truth", "naive", "four weeks", "glsar",
                            "uncalibrated", "one width", "lags only",
                            "cqr"], **TINY)}


def scramble(space):
    """Hours without an order: nothing can be forecast, and of 80 % of them
    an honest interval still holds 80 %."""
    real = space["draw_traffic"]

    def dealt(seed, *how):
        y, mean, spread, u = real(seed, *how)
        y = np.random.default_rng([7, seed]).permutation(y)
        return y, mean, spread, u
    space["draw_traffic"] = dealt


CHANCE = dict(scramble=scramble, metric="coverage", chance=0.8, room=0.06,
              arm="cqr", seed=1000, train=2, test=4)
EXPERIMENT = {
    "exam: fitted on the days to come": (
        "return parts, origins_of(LAGS, learn)",
        "return parts, origins_of(LAGS, start + test)"),
    "labels: the hour itself among the rival's lags": (
        "1, LAGS + 1)), *day_waves(s)]", "0, LAGS)), *day_waves(s)]"),
    "metric: the distance of the forecasts for the floor": (
        "np.abs(y - floor),", "np.abs(middle - floor),"),
    "metric: lunch at weekends as well": (
        "noon = is_workday(s) & np.isin", "noon = np.isin"),
    "metric: the upper end at the lower level": (
        "pinball(y, high, 1 - alpha / 2)", "pinball(y, high, alpha / 2)"),
    "rival: yesterday for last week": ("back = WEEK * np.arange(1, 2 if",
                                       "back = DAY * np.arange(1, 2 if"),
    "rival: one width around the lower end": (
        "np.tile(made[t][1], (3, 1))", "np.tile(made[t][0], (3, 1))"),
    "rival: as sure of tomorrow as of the next hour": (
        "(1 - rho ** (2 * ahead)) / (1 - rho ** 2)", "np.ones(DAY)"),
    "rival: ets in the naive's place": (
        "y[t - 12:t], (3, 1))", "y[t - 24:t - 12], (3, 1))"),
    "rival: the worse form of ets": ('found["ets"] = min(both',
                                     'found["ets"] = max(both'),
    "rival: ets with a promise of 95 %": ("summary_frame(alpha=ALPHA)",
                                          "summary_frame(ALPHA)"),
    "exam: ets sees a month of the year to come": (
        "ETSModel(past[:t], **how)", "ETSModel(past[:t + 1], **how)"),
    "pairing: one building for all seeds": ("default_rng(seed)",
                                            "default_rng(0)"),
    "counting: a day too early": ("tested = days[MEMORY:]",
                                  "tested = days[MEMORY - 1:-1]"),
    "search: the strength is ignored": (
        'strength * (arm != "uncalibrated")', '1.0 * (arm != "uncalibrated")'),
}
NOT = {"mode": "no arm has a layer that trains and measures in two ways"}
UNKNOWN = ["months('air')"]

WRONG = {
    "forecasting-1": [("helpers = 10", "middle of the demand"),
                      ("helpers = 3", "Exchange"),
                      ("helpers = 20", "eight times as dear")],
    "forecasting-2": [("places = (9, 9)", "no ninth"),
                      ("places = (8, 8)", "Round up"),
                      ("places = (8, 10)", "8.1")],
    "forecasting-3": [("jump = 1.0", "nearly kept"),
                      ("jump = 0.3", "too much"),
                      ("jump = -2", "above 0")],
    "forecasting-4": [
        ("mended = lambda scores, alpha: suspect(scores, alpha)",
         "should shrink"),
        ("mended = lambda scores, alpha: np.quantile(scores, 1 - alpha)",
         "another value"),
        ("mended = lambda scores, alpha: np.sort(scores)[min(int(np.ceil("
         "(1 - alpha) * len(scores))), len(scores)) - 1]",
         "another value")],
}
# Exercises that many answers solve, each with its reason.
OPEN = {"forecasting-3": "every jump that is large enough is an answer"}
