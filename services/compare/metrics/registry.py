"""All metrics of a comparison, with what each means. To add one: write a function from Samples to Measured in the file
of its family, add a line here, and test it against an independent implementation and against a known truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.compare.metrics import classifier, correlation, energy, marginal, privacy
from services.compare.metrics.samples import Measured, Samples


@dataclass(frozen=True)
class Metric:
    """A metric. `better` says where a good value lies; `definition` is printed in every report."""

    name: str
    title: str
    better: Literal["lower", "higher", "half", "one"]
    definition: str
    floor: str
    measure: Callable[[Samples], Measured]


QUICK: tuple[Metric, ...] = (
    Metric(
        "kl_divergence",
        "KL divergence",
        "lower",
        "KL(real test || synthetic) in nats, per column: bins = clip(n_test / 20, 5, 20) of equal mass in "
        "the real training rows (inner edges at the quantiles i / bins, repeated edges merged, a value on an "
        "edge belongs to the bin above), 0.5 added to every bin count of both sides; states by category. "
        "Mean over columns that vary in the real rows; missing cells are not counted.",
        "(bins - 1) / 2 * (1 / n_train + 1 / n_test): the value that real rows of the same source would get.",
        marginal.kl_divergence,
    ),
    Metric(
        "wasserstein_distance",
        "Wasserstein-1 distance",
        "lower",
        "Wasserstein-1 distance between real test and synthetic values, divided by the standard deviation of the real "
        "test values (of the real training values where that is ten times as large: a sensor at rest in the hold-out, "
        "also for the errors of mean, standard deviation and tails); mean over numeric columns that vary.",
        "Falls with the square root of the rows; compare with the control.",
        marginal.wasserstein,
    ),
    Metric(
        "correlation_error",
        "Correlation error",
        "lower",
        "Mean of |r_real - r_synthetic| (Pearson) over all pairs of numeric columns that vary, upper "
        "triangle; max and Spearman beside it.",
        "sqrt(2 / pi) * sqrt(1 / n_test + 1 / n) * mean(1 - r^2).",
        correlation.correlation_error,
    ),
    Metric(
        "ks_statistic",
        "Kolmogorov-Smirnov statistic",
        "lower",
        "Largest difference between the distribution functions of real test and synthetic values; mean over "
        "numeric columns that vary.",
        "0.87 * sqrt(1 / n_test + 1 / n).",
        marginal.kolmogorov_smirnov,
    ),
    Metric(
        "mean_error",
        "Mean error",
        "lower",
        "|mean of synthetic - mean of real test| / standard deviation of real test; mean over numeric columns.",
        "About 0.8 * sqrt(1 / n_test + 1 / n).",
        marginal.mean_error,
    ),
    Metric(
        "std_error",
        "Standard deviation error",
        "lower",
        "|standard deviation of synthetic - that of real test| / that of real test; mean over numeric columns.",
        "Falls with the square root of the rows; compare with the control.",
        marginal.std_error,
    ),
    Metric(
        "tail_error",
        "Tail error",
        "lower",
        "Mean of the errors of the 1 % and 99 % quantiles, each divided by the standard deviation of real "
        "test; mean over numeric columns.",
        "Falls with the square root of the rows; compare with the control.",
        marginal.tail_error,
    ),
    Metric(
        "limit_violations",
        "Outside physical limits",
        "lower",
        "Share of rows with at least one value outside the limits that the machine profile gives.",
        "0.",
        marginal.limit_violations,
    ),
    Metric(
        "constants_kept",
        "Constants kept",
        "one",
        "Share of rows that keep the value of a column which is constant in all real rows; mean over such columns.",
        "None.",
        marginal.constants_kept,
    ),
    Metric(
        "missing_error",
        "Missing values error",
        "lower",
        "|share of missing cells in synthetic - share in real test|; mean over columns.",
        "0 where the real rows have none.",
        marginal.missing_error,
    ),
    Metric(
        "energy_distance",
        "Energy distance",
        "lower",
        "2 E|X - Y| - E|X - X'| - E|Y - Y'| over rows (Székely & Rizzo 2013), columns divided by the "
        "standard deviation of the real training rows, states one-hot, missing at the training median; at "
        "most 2,500 rows a side.",
        "E|X - X'| * (1 / n_test + 1 / n).",
        energy.energy_distance,
    ),
    Metric(
        "dcr_share",
        "Nearness to training rows",
        "half",
        "Split by time: share of synthetic rows whose closest real training row is nearer than their closest row of an "
        "equal-size hold-out of the same assets; ties count half. Split by run, where no such hold-out exists: chance "
        "that a synthetic row is nearer to its closest training row than a training row is to its closest one outside "
        "its own tenth of a run. 0.5 for fresh rows of the same assets, 1 for copies, far below 0.5 for rows unlike "
        "any training run, as rows of held-out runs are. Control: real rows fresh to training (split by time: every "
        "other block of training against the rest; by run: held-out runs); what it has above 0.5 is allowed for. The "
        "gate fails only where rows are also nearer to training rows than those are to their neighbours in training.",
        "0.5.",
        privacy.nearer_to_training,
    ),
    Metric(
        "exact_copies",
        "Exact copies",
        "lower",
        "Share of synthetic rows that equal a real training row in every column. Rows with fewer than half the values "
        "of the median training row do not count: in an outage rows equal each other by being empty.",
        "The share of real test rows that do (a machine at low resolution repeats itself).",
        privacy.exact_copies,
    ),
    Metric(
        "leakage",
        "Held-out rows seen before",
        "lower",
        "Share of real test rows that equal a synthetic row in every column, mostly missing ones not counted. Control: "
        "share that equal a training row; above what training rows repeat of each other across blocks of time, the "
        "hold-out is not held out.",
        "The share of training rows that occur again elsewhere in training.",
        privacy.seen_test_rows,
    ),
)

THOROUGH: tuple[Metric, ...] = (
    Metric(
        "c2st_auc",
        "Classifier two-sample test",
        "half",
        "ROC-AUC, out of fold over 3 folds, of gradient boosting that tells synthetic from real test rows, "
        "as many of each (at most 4,000). 0.5: it cannot tell; 1: it always can.",
        "0.5 + 0.67 standard errors.",
        classifier.two_sample_test,
    ),
    Metric(
        "tstr_r2",
        "Train on synthetic, test on real",
        "higher",
        "R2 on real test rows of gradient boosting that learnt remaining useful life from synthetic rows "
        "(without one: each of up to four sensors from the others); beside it the same learnt from real "
        "training rows and from both. 1 is perfect; below 0 is worse than always guessing the mean, however far.",
        "None; compare with train-on-real.",
        classifier.train_on_synthetic,
    ),
)

METRICS: tuple[Metric, ...] = QUICK + THOROUGH


def metric(name: str) -> Metric:
    """Returns the metric of that name. Raises KeyError."""
    return {entry.name: entry for entry in METRICS}[name]
