"""What a learner sees: can it tell rows from real ones, and is what it learns from them true of reality?

scikit-learn is loaded only when something learns: it takes as long to load as the first gates take to be measured.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from services.compare.datasets import Codes, Floats, Rows
from services.compare.metrics.correlation import pearson
from services.compare.metrics.samples import UNKNOWN, Measured, Samples

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

MOST_ROWS = 4000
# TSTR needs enough rows to learn from, on either side, for its R2 to mean anything.
_FEWEST_ROWS = 40


def two_sample_test(samples: Samples) -> Measured:
    """C2ST (Lopez-Paz & Oquab 2017): ROC-AUC, out of fold over 3 folds, of gradient boosting that tells rows from real
    test rows, as many of each (at most 4,000). 0.5: it cannot; 1: it always can. Floor: the AUC that chance exceeds in
    half of all trials, 0.5 + 0.67 standard errors (Hanley & McNeil 1982)."""
    n = min(len(samples.test), len(samples.rows), MOST_ROWS)
    if n < 15:
        return UNKNOWN
    pick_test = samples.pick(len(samples.test), n, stream=1)
    pick_rows = samples.pick(len(samples.rows), n, stream=2)
    x = np.vstack([_features(samples.test.take(pick_test)), _features(samples.rows.take(pick_rows))])
    y = np.r_[np.zeros(n), np.ones(n)]
    score = scores_out_of_fold(x, y, samples.seed)
    order = np.argsort(score, kind="stable")
    real, fake = score[:n], score[n:]
    # P(fake > real) + P(equal) / 2, with rows weighted by how often they were drawn.
    values = auc(real, fake, samples.test_weights[:, pick_test], samples.weights[:, pick_rows], order)
    floor = 0.5 + 0.67 * float(np.sqrt((2 * n + 1) / (12 * n * n)))
    return Measured(float(values[0]), values[1:], floor=floor)


def train_on_synthetic(samples: Samples) -> Measured:
    """TSTR (Esteban et al. 2017): R2 on real test rows of gradient boosting that learnt remaining useful life from the
    rows. Details, where `beside_real`: `train_on_real` and `real_and_synthetic` learn from real training rows and both.

    Where the machine has no remaining useful life, each of up to four sensors in turn is predicted from the others.
    With `every_sensor` the value is the same, and the parts per column are of every sensor that varies.
    """
    target = samples.data.target
    targets = [target] if target is not None else _predictable(samples)
    most = MOST_ROWS if target is None else 2 * MOST_ROWS
    every = {samples.numeric[j].name: _transfer(samples, j, most) for j in targets if samples.varying[j]}
    found = {name: scores for name, scores in every.items() if scores}
    if not found:
        return UNKNOWN
    mean = {key: np.mean([scores[key] for scores in found.values()], axis=0) for key in next(iter(found.values()))}
    per_column = {name: float(scores["rows"][0]) for name, scores in found.items()}
    if samples.every_sensor:
        alone = replace(samples, beside_real=False, resamples=0)
        for j in (int(j) for j in np.flatnonzero(samples.varying)):
            name = samples.numeric[j].name
            if name not in per_column and (scores := _transfer(alone, j, MOST_ROWS)):
                per_column[name] = float(scores["rows"][0])
    return Measured(
        float(mean["rows"][0]),
        mean["rows"][1:],
        per_column,
        {key: float(values[0]) for key, values in mean.items() if key != "rows"},
    )


def _transfer(samples: Samples, target: int, most: int) -> dict[str, Floats]:
    """Returns R2 (1 + resamples,) by what was learnt from; empty where there are too few rows to learn."""
    test = _with_target(samples.test, target)
    rows, train = _with_target(samples.rows, target), _with_target(samples.train, target)
    if min(len(test), len(rows), len(train)) < _FEWEST_ROWS:
        return {}
    truth = test.numeric[:, target]
    weights = samples.test_weights[:, ~np.isnan(samples.test.numeric[:, target])]
    rows = rows.take(samples.pick(len(rows), most, stream=4))
    learn_from = {"rows": [rows]}
    if samples.beside_real:
        train = train.take(samples.pick(len(train), most, stream=5))
        learn_from |= {"train_on_real": [train], "real_and_synthetic": [train, rows]}
    scores = {}
    for name, sets in learn_from.items():
        x = np.vstack([_features(part, without=target) for part in sets])
        y = np.concatenate([part.numeric[:, target] for part in sets])
        guess = _regressor(samples.seed).fit(x, y).predict(_features(test, without=target))
        scores[name] = _r2(truth, guess, weights)
    return scores


def _predictable(samples: Samples) -> list[int]:
    """Returns up to four varying columns, those that follow most from the others first."""
    use = [int(j) for j in np.flatnonzero(samples.varying)]
    if len(use) + len(samples.states) < 2 or not use:
        return []
    strength = np.abs(np.nan_to_num(pearson(samples.train.numeric[:, use])))
    np.fill_diagonal(strength, 0.0)
    order = np.argsort(-strength.max(axis=0), kind="stable")
    return [use[int(i)] for i in order[:4]]


def _features(rows: Rows, without: int | None = None) -> Floats:
    """Returns numbers with NaN for missing, and state codes; trees need neither scaling nor imputation."""
    numeric = rows.numeric if without is None else np.delete(rows.numeric, without, axis=1)
    return np.hstack([numeric, rows.states.astype(np.float64)])


def _with_target(rows: Rows, target: int) -> Rows:
    return rows.take(np.flatnonzero(~np.isnan(rows.numeric[:, target])))


def scores_out_of_fold(x: Floats, y: Floats, seed: int, rounds: int = 100) -> Floats:
    """Returns for each row of x (n, d) how surely it is of class 1, (n,), from gradient boosting that learnt from the
    other two thirds of the rows."""
    from sklearn.model_selection import StratifiedKFold

    score = np.empty(len(y))
    for learn, judge in StratifiedKFold(3, shuffle=True, random_state=seed % 2**32).split(x, y):
        score[judge] = _classifier(seed, rounds).fit(x[learn], y[learn]).predict_proba(x[judge])[:, 1]
    return score


def _classifier(seed: int, rounds: int) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=0.1, max_leaf_nodes=31, early_stopping=False, random_state=seed % 2**32
    )


def _regressor(seed: int) -> HistGradientBoostingRegressor:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=100, learning_rate=0.1, max_leaf_nodes=31, early_stopping=False, random_state=seed % 2**32
    )


def auc(real: Floats, fake: Floats, w_real: Floats, w_fake: Floats, order: Codes) -> Floats:
    """Returns the weighted area under the ROC curve for each resample (Mann-Whitney form, ties count half)."""
    score = np.concatenate([real, fake])[order]
    zeros = np.zeros_like
    mass_real = np.concatenate([w_real, zeros(w_fake)], axis=1)[:, order]
    mass_fake = np.concatenate([zeros(w_real), w_fake], axis=1)[:, order]
    # Rows of equal score form one step of the curve.
    first = np.flatnonzero(np.r_[True, np.diff(score) != 0])
    mass_real = np.add.reduceat(mass_real, first, axis=1)
    mass_fake = np.add.reduceat(mass_fake, first, axis=1)
    below = np.cumsum(mass_real, axis=1) - mass_real / 2
    pairs = np.maximum(w_real.sum(axis=1) * w_fake.sum(axis=1), 1e-12)
    return np.asarray((below * mass_fake).sum(axis=1) / pairs)


def _r2(truth: Floats, guess: Floats, weights: Floats) -> Floats:
    total = np.maximum(weights.sum(axis=1), 1e-12)
    mean = weights @ truth / total
    variance = np.maximum(weights @ truth**2 / total - mean**2, 1e-12)
    return np.asarray(1 - (weights @ (truth - guess) ** 2 / total) / variance)
