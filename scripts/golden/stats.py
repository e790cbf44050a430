"""Writes bench/stats/golden/scipy.json: what SciPy says about samples with and without ties.

    python scripts/golden/stats.py
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(7)

SAMPLES = {
    # The worked example of Brunner and Munzel (2000): pain scores, many ties.
    "pain": ([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]),
    "normal": (rng.normal(0, 1, 40).tolist(), rng.normal(0.5, 2, 25).tolist()),
    "tied": (rng.integers(0, 4, 60).tolist(), rng.integers(1, 5, 30).tolist()),
    "tiny": ([0.1, 0.4, 0.2], [0.3, 0.15, 0.9, 0.5]),
    "far": (rng.normal(0, 1, 30).tolist(), rng.normal(3, 1, 30).tolist()),
}


def two_samples(name):
    x, y = SAMPLES[name]
    test = stats.brunnermunzel(x, y)
    ranks = stats.rankdata(x + y)
    nx, ny = len(x), len(y)
    own_x, own_y = stats.rankdata(x), stats.rankdata(y)
    sx = np.var(ranks[:nx] - own_x, ddof=1) * nx
    sy = np.var(ranks[nx:] - own_y, ddof=1) * ny
    df = (sx + sy) ** 2 / (sx**2 / (nx - 1) + sy**2 / (ny - 1))
    u = stats.mannwhitneyu(y, x).statistic
    return {
        "name": name,
        "x": x,
        "y": y,
        "ranks": ranks.tolist(),
        "statistic": test.statistic,
        "degreesOfFreedom": df,
        "p": test.pvalue,
        "auc": u / (nx * ny),
        "delta": 2 * u / (nx * ny) - 1,
    }


def pairs(name, x, y):
    return {
        "name": name,
        "x": list(map(float, x)),
        "y": list(map(float, y)),
        "pearson": stats.pearsonr(x, y).statistic,
        "spearman": stats.spearmanr(x, y).statistic,
    }


base = rng.normal(size=50)
golden = {
    "scipy": scipy.__version__,
    "twoSamples": [two_samples(name) for name in SAMPLES],
    "pairs": [
        pairs("linear", base, base + rng.normal(size=50)),
        pairs("tied", rng.integers(0, 3, 50), rng.integers(0, 4, 50)),
        pairs("monotone", base, np.exp(base)),
    ],
}
path = pathlib.Path(__file__).parents[2] / "bench/stats/golden/scipy.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(golden, indent=1) + "\n")
