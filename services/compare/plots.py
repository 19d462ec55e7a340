"""The figures of a report, as PNG bytes: first those of rows side by side, then those in time.

Worst sensors come first. Fifty sensors become several pages of small panels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.gridspec import SubplotSpec

from services.compare import plots_in_time, shapes
from services.compare.augmented import AugmentedQuality
from services.compare.comparison import Comparison
from services.compare.figures import (
    REAL,
    REAL_LINE,
    REFINED,
    SEED,
    STYLE,
    Figure,
    legend_above,
    number,
    panel_title,
    png_of,
    short,
    tick_intervals,
)

PANELS = 12
_MANY = 25  # columns from which a heat map's names need a page
_FAR = 5.0


def draw_figures(
    result: Comparison, curves: Mapping[str, Sequence[Mapping[str, Any]]], quality: AugmentedQuality | None
) -> list[Figure]:
    """Returns all figures that the comparison has something for, worst sensors first."""
    with mpl.rc_context(STYLE):
        figures = _overview(result)
        figures += _distributions(result)
        figures += _correlations(result)
        figures += plots_in_time.against_life(result)
        figures += plots_in_time.autocorrelations(result, quality)
        figures += plots_in_time.losses(curves)
    return figures


def _overview(result: Comparison) -> list[Figure]:
    distance = {name: part.measured["wasserstein_distance"].per_column for name, part in result.sets.items()}
    worst = sorted(
        (name for name, value in distance["refined"].items() if value is not None),
        key=lambda name: -(distance["refined"][name] or 0.0),
    )[:15]
    if not worst:
        return []
    canvas = Canvas(figsize=(7.4, 0.75 + 0.19 * len(worst)), layout="constrained")
    axis = canvas.subplots()
    y = np.arange(len(worst))[::-1]
    styles: dict[str, dict[str, Any]] = {
        "control": {"marker": "|", "color": REAL_LINE, "markersize": 9, "markeredgewidth": 2, "label": "real rows"},
        "seed": {"marker": "o", "markerfacecolor": "white", "color": SEED, "markersize": 5, "label": "original"},
        "refined": {"marker": "o", "color": REFINED, "markersize": 5, "label": "refined"},
    }
    for name, style in styles.items():
        if name in distance:
            values = [number(distance[name].get(sensor)) for sensor in worst]
            axis.plot(values, y, linestyle="none", zorder=3, clip_on=False, **style)
    axis.set_yticks(y, [short(name, 44) for name in worst])
    axis.grid(axis="y", color="#e4e7ea", linewidth=0.6)
    axis.tick_params(axis="y", length=0)
    axis.set_xlim(left=0)
    label = "distance from real test rows (Wasserstein-1, in standard deviations of the sensor)"
    shown = [number(distance[name].get(sensor)) for name in styles if name in distance for sensor in worst]
    if np.nanmax(shown) > _FAR:
        # An original that is a hundred deviations off would squeeze what matters into one dot's width.
        axis.set_xscale("symlog", linthresh=1.0, linscale=1.5)
        ticks = [0, 0.25, 0.5, 0.75, 1, *(10.0**power for power in range(1, 1 + int(np.log10(np.nanmax(shown)))))]
        axis.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        axis.minorticks_off()
        axis.axvline(1.0, color="#9aa0a8", linewidth=0.6, linestyle=(0, (1, 2)))
        label += ", logarithmic beyond 1"
    axis.set_xlabel(label)
    canvas.legend(loc="outside upper center", ncols=3, frameon=False)
    return [
        Figure(
            "overview",
            "Distance by sensor",
            "The refined dot should lie left of the original's ring and near the bar, which real training rows get; "
            "the sensors with the largest distances.",
            png_of(canvas),
        )
    ]


def _distributions(result: Comparison) -> list[Figure]:
    data = result.data
    numeric = {column.name: j for j, column in enumerate(data.numeric)}
    states = {column.name: k for k, column in enumerate(data.states)}
    kept = result.sets["refined"].measured["constants_kept"].per_column
    # A constant that stayed constant is one bar that says nothing.
    order = [finding.column for finding in result.findings if (kept.get(finding.column) or 0.0) < 0.995]
    pages = [order[start : start + PANELS] for start in range(0, len(order), PANELS)]
    figures = []
    for at, page in enumerate(pages, 1):
        rows = -(-len(page) // 3)
        canvas = Canvas(figsize=(7.4, 0.45 + 1.85 * rows), layout="constrained")
        axes = canvas.subplots(rows, 3, squeeze=False).ravel()
        for axis, name in zip(axes, page, strict=False):
            kl = result.sets["refined"].measured["kl_divergence"].per_column.get(name)
            axis.set_title(panel_title(name))
            if kl is not None:
                axis.text(0.99, 0.99, f"KL {kl:.3f}", transform=axis.transAxes, ha="right", va="top", fontsize=6.5)
            if name in numeric:
                _histogram(axis, result, numeric[name])
            else:
                _bars(axis, result, states[name])
        for axis in axes[len(page) :]:
            axis.set_axis_off()
        legend_above(canvas, axes[0], 3)
        suffix = f"-{at}" if len(pages) > 1 else ""
        figures.append(
            Figure(
                f"distributions{suffix}",
                "Distributions by sensor" + (f" ({at} of {len(pages)})" if len(pages) > 1 else ""),
                "Share of rows by value, worst sensors first. Refined rows should follow the grey area of real rows.",
                png_of(canvas),
            )
        )
    return figures


def _histogram(axis: Axes, result: Comparison, j: int) -> None:
    column = result.data.numeric[j]
    shape = shapes.histogram(result, j)
    edges = shape.edges
    percent = {name: 100 * shares for name, shares in shape.shares.items()}
    axis.stairs(percent["real"], edges, fill=True, color=REAL, label="real test rows")
    if "seed" in percent:
        axis.stairs(percent["seed"], edges, color=SEED, linestyle=(0, (3, 1.5)), linewidth=0.9, label="original")
    axis.stairs(percent["refined"], edges, color=REFINED, linewidth=1.3, label="refined")
    axis.set_xlabel(column.unit or "value")
    axis.set_ylabel("% of rows")
    axis.margins(x=0.01, y=0.12)
    axis.locator_params(axis="x", nbins=tick_intervals(float(edges[0]), float(edges[-1])))
    axis.locator_params(axis="y", nbins=4)


def _bars(axis: Axes, result: Comparison, k: int) -> None:
    categories = result.data.states[k].categories
    styles: dict[str, dict[str, Any]] = {
        "real": {"color": REAL, "label": "real test rows"},
        "seed": {"color": "white", "edgecolor": SEED, "hatch": "////", "label": "original", "linewidth": 0.6},
        "refined": {"color": REFINED, "label": "refined"},
    }
    shares = shapes.state_shares(result, k)
    width = 0.8 / len(shares)
    for i, (name, part) in enumerate(shares.items()):
        place = np.arange(len(categories)) + (i - (len(shares) - 1) / 2) * width
        axis.bar(place, 100 * part, width, **styles[name])
    axis.set_xticks(range(len(categories)), [short(text, 10) for text in categories])
    axis.set_xlabel("state")
    axis.set_ylabel("% of rows")


def _correlations(result: Comparison) -> list[Figure]:
    found = shapes.correlations(result)
    use = found.columns
    if len(use) < 2:
        return []
    real, refined = found.matrices["real"], found.matrices["refined"]
    gap = np.abs(np.nan_to_num(refined) - real)
    names = [result.data.numeric[j].name for j in use]
    worst = max(0.1, float(np.nanmax(gap)))
    maps = (
        # Lightness alone tells the sign, so that a page printed in grey says the same.
        (real, "real test rows", -1.0, 1.0, "cividis"),
        (refined, "refined rows", -1.0, 1.0, "cividis"),
        (gap, "difference (absolute)", 0.0, worst, "Blues"),
    )
    many = len(use) > _MANY
    canvas = Canvas(figsize=(7.4, 8.9 if many else 3.3), layout="constrained")
    axes = [canvas.add_subplot(place) for place in _places(canvas, many=many)]
    size = 5.0 if many else min(6.2, 110 / len(use))
    for axis, (matrix, title, low, high, colours) in zip(axes, maps, strict=True):
        image = axis.imshow(
            matrix, cmap=colours, vmin=low, vmax=high, interpolation="nearest", aspect="auto" if many else "equal"
        )
        axis.set_title(title)
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        named = axis is axes[2 if many else 0]
        if many:
            # Numbers below, names and numbers at the side: fifty names upright would be a smear.
            step = 1 if named else 5
            numbers = [str(i + 1) for i in range(len(use))]
            axis.set_xticks(range(0, len(use), step), numbers[::step], fontsize=size, rotation=90 if named else 0)
            shown = [f"{short(name, 38)}  {i + 1}" for i, name in enumerate(names)] if named else numbers
            axis.set_yticks(range(0, len(use), step), shown[::step], fontsize=size)
        else:
            axis.set_xticks(range(len(use)), [short(name, 22) for name in names], rotation=90, fontsize=size)
            axis.set_yticks(range(len(use)), [short(name, 22) if named else "" for name in names], fontsize=size)
        canvas.colorbar(image, ax=axis, orientation="horizontal", shrink=0.8, aspect=30, pad=0.02)
    return [
        Figure(
            "correlations",
            "Correlations",
            "Pearson correlation of every pair of sensors: light +1, dark -1. The difference should be blank; its own "
            "scale is below it.",
            png_of(canvas),
        )
    ]


def _places(canvas: Canvas, *, many: bool) -> list[SubplotSpec]:
    """Returns where the three heat maps go: in a row, or the difference below on a place of its own."""
    if not many:
        grid = canvas.add_gridspec(1, 3)
        return [grid[0, i] for i in range(3)]
    grid = canvas.add_gridspec(2, 2, height_ratios=(1, 1.9))
    return [grid[0, 0], grid[0, 1], grid[1, :]]
