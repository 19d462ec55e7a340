"""Figures of rows in time: sensors on the way to failure, memory between rows, and the losses of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from services.compare.augmented import AugmentedQuality
from services.compare.comparison import Comparison
from services.compare.datasets import Floats
from services.compare.figures import REAL_LINE, REFINED, Figure, legend_above, number, panel_title, png_of
from services.compare.metrics.correlation import pearson


def against_life(result: Comparison) -> list[Figure]:
    """Returns the sensors that follow remaining useful life most, by it; nothing without one."""
    target = result.data.target
    if target is None:
        return []
    real, refined = result.data.test.numeric, result.sets["refined"].rows.numeric
    strength = np.abs(np.nan_to_num(pearson(result.data.train.numeric)[target]))
    strength[target] = 0
    chosen = [int(j) for j in np.argsort(-strength, kind="stable")[:6] if strength[j] > 0.05]
    if not chosen:
        return []
    rows = -(-len(chosen) // 3)
    canvas = Canvas(figsize=(7.4, 0.45 + 1.9 * rows), layout="constrained")
    axes = canvas.subplots(rows, 3, squeeze=False).ravel()
    unit = result.data.numeric[target].unit
    for axis, j in zip(axes, chosen, strict=False):
        for values, style in (
            (real, {"color": REAL_LINE, "label": "real test rows", "linestyle": (0, (3, 1.5)), "alpha": 0.35}),
            (refined, {"color": REFINED, "label": "refined", "linestyle": "-", "alpha": 0.18}),
        ):
            x, low, middle, high = _bands(values[:, target], values[:, j], real[:, target])
            axis.fill_between(x, low, high, color=style["color"], alpha=style["alpha"], linewidth=0)
            axis.plot(
                x, middle, color=style["color"], linestyle=style["linestyle"], linewidth=1.3, label=style["label"]
            )
        axis.invert_xaxis()
        axis.set_title(panel_title(result.data.numeric[j].name))
        axis.set_xlabel("remaining useful life" + (f" ({unit})" if unit else ""))
        axis.set_ylabel(result.data.numeric[j].unit or "value")
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    legend_above(canvas, axes[0], 2)
    return [
        Figure(
            "rul",
            "Sensors on the way to failure",
            "Median and 10 to 90 % band by remaining useful life, failure at the right; sensors that follow it most.",
            png_of(canvas),
        )
    ]


def autocorrelations(result: Comparison, quality: AugmentedQuality | None) -> list[Figure]:
    """Returns the autocorrelations of augmented rows beside real ones; nothing without augmented sets."""
    if quality is None:
        return []
    real, augmented = quality.real_autocorrelation, quality.autocorrelation
    shown = [j for j in range(real.shape[1]) if np.isfinite(real[:, j]).any() and np.isfinite(augmented[:, j]).any()]
    if not shown:
        return []
    gap = [-float(np.nanmean(np.abs(real[:, j] - augmented[:, j]))) for j in shown]
    shown = [shown[int(i)] for i in np.argsort(gap, kind="stable")[:6]]
    rows = -(-len(shown) // 3)
    canvas = Canvas(figsize=(7.4, 0.45 + 1.75 * rows), layout="constrained")
    axes = canvas.subplots(rows, 3, squeeze=False).ravel()
    lags = np.arange(1, len(real) + 1)
    for axis, j in zip(axes, shown, strict=False):
        axis.plot(lags, real[:, j], color=REAL_LINE, linestyle=(0, (3, 1.5)), linewidth=1.3, label="real rows")
        axis.plot(lags, augmented[:, j], color=REFINED, linewidth=1.3, label="augmented rows")
        axis.axhline(0, color="black", linewidth=0.4)
        axis.set_title(panel_title(result.data.numeric[j].name))
        axis.set_xlabel("lag (rows)")
        axis.set_ylabel("autocorrelation")
        axis.set_ylim(min(-0.25, float(np.nanmin([real[:, j], augmented[:, j]])) - 0.05), 1.05)
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    legend_above(canvas, axes[0], 2)
    return [
        Figure(
            "autocorrelation",
            "Memory in time",
            "How much a value resembles the one some rows earlier in the same run; sensors with the largest gap first.",
            png_of(canvas),
        )
    ]


def losses(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Figure]:
    """Returns every training of more than one epoch, by epoch."""
    drawn = {name: curve for name, curve in curves.items() if len(curve) > 1}
    if not drawn:
        return []
    canvas = Canvas(figsize=(7.4, 2.5), layout="constrained")
    axes = canvas.subplots(1, len(drawn), squeeze=False).ravel()
    for axis, (name, curve) in zip(axes, drawn.items(), strict=True):
        epochs = [point["epoch"] for point in curve]
        train = [number(point.get("train_loss")) for point in curve]
        validation = [number(point.get("validation_loss")) for point in curve]
        axis.plot(epochs, train, color=REAL_LINE, linestyle=(0, (3, 1.5)), linewidth=1.1, label="training rows")
        axis.plot(epochs, validation, color=REFINED, linewidth=1.3, label="validation rows")
        if np.isfinite(validation).any():
            best = int(np.nanargmin(validation))
            axis.plot(epochs[best], validation[best], "o", color=REFINED, markersize=3.5)
        axis.set_title(name)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss")
    legend_above(canvas, axes[0], 2)
    return [
        Figure(
            "losses",
            "Training",
            "Loss by epoch, the best epoch marked. A loss has a floor of its own; the gates use distances of samples.",
            png_of(canvas),
        )
    ]


def _bands(x: Floats, y: Floats, reference: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns bin centres and the 10, 50 and 90 % quantiles of y in bins of x that hold at least 8 rows."""
    keep = ~np.isnan(x) & ~np.isnan(y)
    edges = np.unique(np.quantile(reference[~np.isnan(reference)], np.linspace(0, 1, 25)))
    bins = np.digitize(x[keep], edges)
    rows = []
    for b in range(1, len(edges)):
        inside = y[keep][bins == b]
        if len(inside) >= 8:
            rows.append(((edges[b - 1] + edges[b]) / 2, *np.quantile(inside, [0.1, 0.5, 0.9])))
    table = np.array(rows).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]
