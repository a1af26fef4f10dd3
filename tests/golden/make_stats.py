"""Writes stats.json: what scipy makes of twenty fixed inputs.

    python3 -m venv VENV && VENV/bin/pip install numpy scipy
    VENV/bin/python tests/golden/make_stats.py

The program is held against the file by tests/statistics.rs; nothing of Python is needed there.
"""

import json
import pathlib
import platform

import numpy as np
import scipy
from scipy import stats

LEVEL = 0.95
# What one run of the program draws, and over how many runs of scipy its ends are averaged.
RESAMPLES = 9999
RUNS = 20


def inputs():
    """Names and pairs (before, after); some of every kind that real comparisons have."""
    rng = np.random.default_rng(20250222)
    normal = lambda n, shift: (rng.normal(0, 1, n), rng.normal(shift, 1, n))
    lengths = lambda n, low, high: rng.integers(low, high, n).astype(float)
    yield "two pairs", [1, 4], [2, 9]
    yield "three pairs", [3, 1, 2], [4, 5, 2.5]
    yield "four pairs, one against", [10, 20, 30, 40], [12, 19, 33, 44]
    yield "five pairs, one direction", [1, 2, 3, 4, 5], [2, 4, 6, 8, 10]
    yield "six pairs with zeros", [5, 5, 7, 7, 9, 9], [5, 6, 7, 9, 9, 12]
    yield "seven ties of both signs", [0] * 7, [1, -1, 1, 1, -1, 1, 1]
    yield "constant difference", [1, 2, 3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8, 9, 10]
    yield "no difference", [4, 8, 15, 16, 23, 42], [4, 8, 15, 16, 23, 42]
    yield "a lone giant", [0] * 9, [1, 2, 1, 2, 1, 2, 1, 2, 4096]
    yield "tenths that round", [0] * 10, [0.1, 0.2, -0.3, 0.4, 0.1, -0.2, 0.3, 0.7, -0.6, 0.1]
    yield "twelve normal", *normal(12, 0.5)
    yield "thirteen lengths", lengths(13, 300, 2000), lengths(13, 500, 2500)
    yield "sixteen normal", *normal(16, 0.8)
    yield "eighteen Cauchy", np.zeros(18), rng.standard_cauchy(18) + 1
    yield "twenty small counts", lengths(20, 0, 4), lengths(20, 0, 5)
    yield "thirty skewed", np.zeros(30), rng.lognormal(0, 1.5, 30) - 1.5
    yield "fifty shares", rng.integers(0, 2, 50).astype(float), rng.beta(4, 2, 50)
    yield "hundred with no effect", *normal(100, 0)
    yield "hundred and twenty lengths", lengths(120, 100, 9000), lengths(120, 300, 8000)
    yield "two hundred heavy tails", rng.standard_t(2, 200), rng.standard_t(2, 200) + 0.6


def rounded(values):
    return [round(float(value), 6) for value in values]


def number(value):
    """JSON knows no NaN."""
    value = float(value)
    return value if np.isfinite(value) else None


def interval(differences, method):
    """Mean and standard deviation, over the runs, of the two ends of an interval."""
    ends = []
    for seed in range(RUNS):
        found = stats.bootstrap(
            (differences,), np.mean, n_resamples=RESAMPLES, method=method,
            confidence_level=LEVEL, rng=np.random.default_rng(seed),
        ).confidence_interval
        ends.append([found.low, found.high])
    ends = np.array(ends)
    if not np.isfinite(ends).all():
        return None
    return {"mean": ends.mean(axis=0).tolist(), "sd": ends.std(axis=0, ddof=1).tolist()}


def told_resamples(differences, n_resamples, seed):
    """The BCa and the percentile interval for resamples that are told: their picks too."""
    found = {}
    n = len(differences)
    picks = np.random.default_rng(seed).integers(0, n, (n_resamples, n))
    for method in ("BCa", "percentile"):
        result = stats.bootstrap(
            (differences,), np.mean, n_resamples=n_resamples, method=method,
            confidence_level=LEVEL, rng=np.random.default_rng(seed),
        )
        assert np.array_equal(result.bootstrap_distribution, differences[picks].mean(axis=-1))
        found[method.lower()] = list(map(float, result.confidence_interval))
    return {"picks": picks.ravel().tolist(), "n_resamples": n_resamples, **found}


def sign_flip(differences):
    """All patterns where scipy can list them in reasonable memory, else many random ones."""
    n = len(differences)
    exact = n <= 20
    n_resamples = 2**n if exact else 200_000
    result = stats.permutation_test(
        (differences,), lambda x, axis: np.sum(x, axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=n_resamples, batch=1 << 14, alternative="two-sided",
        rng=np.random.default_rng(7),
    )
    return {"p": float(result.pvalue), "exact": exact, "n_resamples": n_resamples}


def rank_biserial(differences):
    kept = differences[differences != 0]
    if len(kept) == 0:
        return None
    ranks = stats.rankdata(np.abs(kept))
    return float((ranks * np.sign(kept)).sum() / ranks.sum())


def density(values):
    """scipy's density with a bandwidth of ours: half a standard deviation."""
    sd = np.std(values, ddof=1)
    if sd == 0:
        return None
    bandwidth = float(0.5 * sd)
    at = np.linspace(values.min() - sd, values.max() + sd, 7)
    kernel = stats.gaussian_kde(values, bw_method=bandwidth / sd)
    return {"bandwidth": bandwidth, "at": at.tolist(), "density": kernel(at).tolist()}


def case(ix, name, before, after):
    before, after = rounded(before), rounded(after)
    a, b = np.array(before), np.array(after)
    differences = b - a
    spread = np.std(differences, ddof=1)
    with np.errstate(all="ignore"):
        found = {
            "name": name,
            "before": before,
            "after": after,
            "percentile": interval(differences, "percentile"),
            "bca": interval(differences, "BCa"),
            "sign_flip": sign_flip(differences),
            "cohens_dz": number(differences.mean() / spread) if spread > 1e-12 else None,
            "rank_biserial": rank_biserial(differences),
            "wasserstein": float(stats.wasserstein_distance(a, b)),
            # Samples of unequal size: all of one, the first third of the other.
            "wasserstein_ragged": float(stats.wasserstein_distance(a, b[: len(b) // 3 + 1])),
            "kde": density(b),
        }
        if name in ("three pairs", "six pairs with zeros", "twelve normal", "a lone giant"):
            found["told"] = told_resamples(differences, 199, ix)
    return found


def holm(ps):
    """By its definition: a hypothesis is rejected at level x when every one with a p no larger
    passes, each at x over the number of those with a p no smaller."""
    step = lambda p: min(1.0, p * sum(other >= p for other in ps))
    return [max(step(other) for other in ps if other <= p) for p in ps]


def main():
    rng = np.random.default_rng(11)
    lists = [[0.03], [0.01, 0.04, 0.03, 0.005], [0.2, 0.2, 0.01, 0.01], [0.9, 0.8, 0.7]]
    lists += [rounded(rng.beta(0.4, 2, n)) for n in (8, 8, 30)]
    document = {
        "made_by": {
            "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
        },
        "level": LEVEL,
        "resamples": RESAMPLES,
        "runs": RUNS,
        "cases": [case(ix, *given) for ix, given in enumerate(inputs())],
        "holm": [{"p": ps, "adjusted": holm(ps)} for ps in lists],
    }
    path = pathlib.Path(__file__).with_name("stats.json")
    lines = json.dumps(document).replace('{"name"', '\n{"name"').replace('{"p": [', '\n{"p": [')
    path.write_text(lines + "\n")


if __name__ == "__main__":
    main()
