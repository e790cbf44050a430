"""Writes bench/stats/golden/intervals.json: what SciPy, statsmodels and rliable say about means, intervals, power and profiles.

    pip install scipy rliable statsmodels 'pandas<3'
    python scripts/golden/intervals.py
"""

import importlib.metadata
import json
import pathlib

import numpy as np
import scipy
from rliable import library, metrics
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(6)

SAMPLES = {
    "three": [0.41, 0.52, 0.47],
    "five": rng.normal(0.4, 0.05, 5).tolist(),
    "twelve": rng.beta(2, 5, 12).tolist(),
    "skewed": rng.exponential(1, 20).tolist(),
}


def yuen(values):
    """Yuen's standard error of the trimmed mean, from SciPy's winsorised sample."""
    n, cut = len(values), len(values) // 4
    winsorised = np.asarray(stats.mstats.winsorize(np.array(values), (cut / n, cut / n)))
    kept = n - 2 * cut
    error = np.sqrt((n - 1) * winsorised.var(ddof=1) / (kept * (kept - 1)))
    center = stats.trim_mean(values, 0.25)
    return (center + stats.t.ppf([0.025, 0.975], kept - 1) * error).tolist()


def sample(name, values):
    t = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    bootstraps = {}
    for statistic in ("mean", "iqm"):
        of = np.mean if statistic == "mean" else (lambda x, axis=-1: stats.trim_mean(x, 0.25, axis=axis))
        drawn = stats.bootstrap((np.array(values),), of, n_resamples=400, method="percentile", rng=rng)
        again = dict(n_resamples=0, bootstrap_result=drawn, vectorized=True)
        ends = {
            method: list(stats.bootstrap((np.array(values),), of, method=name, **again).confidence_interval)
            for method, name in (("percentile", "percentile"), ("bca", "BCa"))
        }
        bootstraps[statistic] = {"distribution": drawn.bootstrap_distribution.tolist(), **ends}
    return {
        "name": name,
        "values": values,
        "mean": float(np.mean(values)),
        "iqm": float(stats.trim_mean(values, 0.25)),
        "t": [t.low, t.high],
        "yuen": yuen(values),
        "pValue": float(stats.ttest_1samp(np.array(values) - 0.3, 0).pvalue),
        "bootstraps": bootstraps,
    }


def power(n, difference, deviation, alpha):
    df, shift = n - 1, difference * np.sqrt(n) / deviation
    critical = stats.t.ppf(1 - alpha / 2, df)
    # The far tail is below SciPy's accuracy where the shift is large; it is 0 to twelve digits there.
    far = stats.nct.cdf(-critical, df, shift) if shift < 5 else 0.0
    found = float(stats.nct.sf(critical, df, shift) + far)
    return {"seeds": n, "difference": difference, "deviation": deviation, "alpha": alpha, "power": found}


# Two tasks (columns), runs in rows, with ties.
SCORES = {"x": rng.integers(3, 11, (8, 2)) / 10, "y": rng.integers(1, 9, (8, 2)) / 10}
TAUS = np.linspace(0, 1, 11)
profiles = library.create_performance_profile(SCORES, TAUS, reps=10)[0]

holm_ps = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03]

clustered_values = rng.beta(1, 1, 12).tolist()
clusters = list("aaabbbbccdde")
clustered = OLS(clustered_values, np.ones(12)).fit(
    cov_type="cluster", cov_kwds={"groups": [ord(c) for c in clusters], "use_correction": True}
)

golden = {
    "scipy": scipy.__version__,
    "rliable": importlib.metadata.version("rliable"),
    "samples": [sample(name, values) for name, values in SAMPLES.items()],
    "power": [
        power(n, difference, deviation, alpha)
        for n, difference, deviation, alpha in (
            (2, 1.0, 1.0, 0.05), (3, 0.03, 0.02, 0.05), (5, 0.03, 0.02, 0.05), (10, 0.5, 1.0, 0.01),
            (10, 0.0, 1.0, 0.05), (34, 0.5, 1.0, 0.05), (400, 0.1, 1.0, 0.05), (5000, 0.04, 1.0, 0.05),
        )
    ],
    "binomial": [
        {"k": k, "n": n, "ends": list(stats.binomtest(k, n).proportion_ci(0.95, "exact"))}
        for k, n in ((0, 3), (2, 3), (3, 3), (7, 20))
    ],
    "deviation": [
        {"n": n, "factor": float(np.sqrt((n - 1) / stats.chi2.ppf(0.2, n - 1)))} for n in (2, 3, 10, 40)
    ],
    "holm": {"ps": holm_ps, "adjusted": multipletests(holm_ps, method="holm")[1].tolist()},
    "clustered": {"values": clustered_values, "clusters": clusters, "error": float(clustered.bse[0])},
    "survival": {
        "times": [5, 10, 10, 15, 20, 20, 30],
        "reached": [True, True, False, True, False, True, False],
        # None: stays above one half.
        "median": None,
    },
    "tasks": {
        "x": SCORES["x"].tolist(),
        "y": SCORES["y"].tolist(),
        "taus": TAUS.tolist(),
        "iqm": float(metrics.aggregate_iqm(SCORES["x"])),
        "optimalityGap": float(metrics.aggregate_optimality_gap(SCORES["x"], 0.8)),
        "improvement": float(metrics.probability_of_improvement(SCORES["x"], SCORES["y"])),
        "profile": profiles["x"].tolist(),
    },
}
survival = golden["survival"]
function = stats.ecdf(
    stats.CensoredData(
        uncensored=[t for t, r in zip(survival["times"], survival["reached"]) if r],
        right=[t for t, r in zip(survival["times"], survival["reached"]) if not r],
    )
).sf
below = [float(q) for q, p in zip(function.quantiles, function.probabilities) if p <= 0.5 + 1e-12]
survival["median"] = below[0] if below else None

path = pathlib.Path(__file__).parents[2] / "bench/stats/golden/intervals.json"
path.write_text(json.dumps(golden, indent=1) + "\n")
