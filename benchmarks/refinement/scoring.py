"""How rows are scored against rows that no generator saw: margins, dependence, a classifier, a regressor.

KL (mean over columns, nats) and its excess over the KL of the real training rows; Kolmogorov-Smirnov and trend
similarity (1 is best); correlation error (0 is best) and its excess; classifier two-sample AUC (.5 is best); R2 of a
regressor trained on the rows and tested on real ones. `quality` is the mean of the two similarities.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

MOST_COMPARED = 5000  # rows a side that the classifier sees


def score(train: np.ndarray, test: np.ndarray, rows: np.ndarray, target: int | None) -> dict[str, float]:
    """Returns the metrics of synthetic `rows` against `test`; `train` gives bins and the KL of real against real."""
    kl = _kl(train, test, rows)
    correlation = _correlation_error(test, rows)
    ks = float(np.mean([1 - ks_2samp(test[:, j], rows[:, j]).statistic for j in range(test.shape[1])]))
    result = {
        "kl": kl,
        "kl_excess": kl - _kl(train, test, train),
        "ks": ks,
        "trend": 1 - correlation / 2,
        "quality": (ks + 1 - correlation / 2) / 2,
        "corr": correlation,
        "corr_excess": correlation - _correlation_error(test, train),
        "c2st": _two_samples(test, rows),
        "tstr": float("nan"),
    }
    if target is not None:
        others = [j for j in range(test.shape[1]) if j != target]
        fitted = HistGradientBoostingRegressor(max_iter=150, random_state=0).fit(rows[:, others], rows[:, target])
        result["tstr"] = float(r2_score(test[:, target], fitted.predict(test[:, others])))
    return result


def _kl(train: np.ndarray, test: np.ndarray, rows: np.ndarray) -> float:
    """Mean over columns of KL(test || rows) in nats: equal-mass bins of the training rows, +0.5 smoothing."""
    bins = int(np.clip(len(test) / 20, 5, 20))
    found = []
    for j in range(test.shape[1]):
        edges = np.unique(np.quantile(train[:, j], np.linspace(0, 1, bins + 1)[1:-1]))
        p, q = (np.bincount(np.searchsorted(edges, x[:, j]), minlength=len(edges) + 1) + 0.5 for x in (test, rows))
        p, q = p / p.sum(), q / q.sum()
        found.append(float((p * np.log(p / q)).sum()))
    return float(np.mean(found))


def _correlation_error(test: np.ndarray, rows: np.ndarray) -> float:
    upper = np.triu_indices(test.shape[1], 1)
    with np.errstate(all="ignore"):
        difference = np.abs(np.corrcoef(test.T) - np.corrcoef(rows.T))[upper]
    return float(np.nanmean(difference))


def _two_samples(test: np.ndarray, rows: np.ndarray) -> float:
    n = min(len(test), len(rows), MOST_COMPARED)
    rng = np.random.default_rng(0)
    both = np.concatenate([x[rng.choice(len(x), n, replace=False)] for x in (test, rows)])
    label = np.repeat([1, 0], n)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    return float(roc_auc_score(label, cross_val_predict(model, both, label, cv=folds, method="predict_proba")[:, 1]))
