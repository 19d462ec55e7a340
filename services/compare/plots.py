"""The figures of a report, as PNG bytes.

Readable in greyscale: real rows are a filled grey area, the original's a thin dashed line, refined rows a thick solid
one, so that no meaning hangs on colour alone. Axes carry units. Fifty sensors become several pages of small panels.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.gridspec import SubplotSpec

from services.compare.augmented import AugmentedQuality
from services.compare.comparison import Comparison
from services.compare.datasets import Codes, Floats
from services.compare.metrics.correlation import pearson

REAL, SEED, REFINED = "#b4b9c1", "#b5541c", "#14457a"
PANELS = 12
_LINE = 30  # letters over a panel
_MANY = 25  # columns from which a heat map's names need a page
_FAR = 5.0
_STYLE: Any = {
    "font.family": "DejaVu Sans", "font.size": 7.5, "axes.titlesize": 8, "axes.labelsize": 7, "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5, "legend.fontsize": 7.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "axes.titlelocation": "left",
    "axes.formatter.limits": (-3, 5), "axes.formatter.useoffset": False,
}  # fmt: skip
_DPI = 160


@dataclass(frozen=True)
class Figure:
    """A figure: file name without suffix, title and one sentence on how to read it."""

    name: str
    title: str
    caption: str
    png: bytes


def draw_figures(
    result: Comparison, curves: Mapping[str, Sequence[Mapping[str, Any]]], quality: AugmentedQuality | None
) -> list[Figure]:
    """Returns all figures that the comparison has something for, worst sensors first."""
    with mpl.rc_context(_STYLE):
        figures = _overview(result)
        figures += _distributions(result)
        figures += _correlations(result)
        figures += _against_rul(result)
        figures += _autocorrelations(result, quality)
        figures += _losses(curves)
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
        "control": {"marker": "|", "color": "#5c626b", "markersize": 9, "markeredgewidth": 2, "label": "real rows"},
        "seed": {"marker": "o", "markerfacecolor": "white", "color": SEED, "markersize": 5, "label": "original"},
        "refined": {"marker": "o", "color": REFINED, "markersize": 5, "label": "refined"},
    }
    for name, style in styles.items():
        if name in distance:
            values = [_number(distance[name].get(sensor)) for sensor in worst]
            axis.plot(values, y, linestyle="none", zorder=3, clip_on=False, **style)
    axis.set_yticks(y, [_short(name, 44) for name in worst])
    axis.grid(axis="y", color="#e4e7ea", linewidth=0.6)
    axis.tick_params(axis="y", length=0)
    axis.set_xlim(left=0)
    label = "distance from real test rows (Wasserstein-1, in standard deviations of the sensor)"
    shown = [_number(distance[name].get(sensor)) for name in styles if name in distance for sensor in worst]
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
            _png(canvas),
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
    for number, page in enumerate(pages, 1):
        rows = -(-len(page) // 3)
        canvas = Canvas(figsize=(7.4, 0.45 + 1.85 * rows), layout="constrained")
        axes = canvas.subplots(rows, 3, squeeze=False).ravel()
        for axis, name in zip(axes, page, strict=False):
            kl = result.sets["refined"].measured["kl_divergence"].per_column.get(name)
            axis.set_title(_title(name))
            if kl is not None:
                axis.text(0.99, 0.99, f"KL {kl:.3f}", transform=axis.transAxes, ha="right", va="top", fontsize=6.5)
            if name in numeric:
                _histogram(axis, result, numeric[name])
            else:
                _bars(axis, result, states[name])
        for axis in axes[len(page) :]:
            axis.set_axis_off()
        handles, labels = axes[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
        suffix = f"-{number}" if len(pages) > 1 else ""
        figures.append(
            Figure(
                f"distributions{suffix}",
                "Distributions by sensor" + (f" ({number} of {len(pages)})" if len(pages) > 1 else ""),
                "Share of rows by value, worst sensors first. Refined rows should follow the grey area of real rows.",
                _png(canvas),
            )
        )
    return figures


def _histogram(axis: Axes, result: Comparison, j: int) -> None:
    column = result.data.numeric[j]
    real, refined = _seen(result.data.test.numeric[:, j]), _seen(result.sets["refined"].rows.numeric[:, j])
    seed = _seen(result.seed.rows.numeric[:, j]) if result.seed else np.empty(0)
    edges = _edges(real, refined)
    axis.stairs(_shares(real, edges), edges, fill=True, color=REAL, label="real test rows")
    if len(seed):
        axis.stairs(_shares(seed, edges), edges, color=SEED, linestyle=(0, (3, 1.5)), linewidth=0.9, label="original")
    axis.stairs(_shares(refined, edges), edges, color=REFINED, linewidth=1.3, label="refined")
    axis.set_xlabel(column.unit or "value")
    axis.set_ylabel("% of rows")
    axis.margins(x=0.01, y=0.12)
    axis.locator_params(axis="x", nbins=_ticks(float(edges[0]), float(edges[-1])))
    axis.locator_params(axis="y", nbins=4)


def _bars(axis: Axes, result: Comparison, k: int) -> None:
    categories = result.data.states[k].categories
    sets: list[tuple[Codes, dict[str, Any]]] = [
        (result.data.test.states[:, k], {"color": REAL, "label": "real test rows"}),
        (result.sets["refined"].rows.states[:, k], {"color": REFINED, "label": "refined"}),
    ]
    if result.seed:
        hatched = {"color": "white", "edgecolor": SEED, "hatch": "////", "label": "original", "linewidth": 0.6}
        sets.insert(1, (result.seed.rows.states[:, k], hatched))
    width = 0.8 / len(sets)
    for i, (codes, style) in enumerate(sets):
        axis.bar(
            np.arange(len(categories)) + (i - (len(sets) - 1) / 2) * width,
            _state_shares(codes, len(categories)),
            width,
            **style,
        )
    axis.set_xticks(range(len(categories)), [_short(text, 10) for text in categories])
    axis.set_xlabel("state")
    axis.set_ylabel("% of rows")


def _correlations(result: Comparison) -> list[Figure]:
    use = [j for j in range(len(result.data.numeric)) if np.ptp(_seen(result.data.test.numeric[:, j])) > 0]
    if len(use) < 2:
        return []
    real, refined = (pearson(rows.numeric[:, use]) for rows in (result.data.test, result.sets["refined"].rows))
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
            shown = [f"{_short(name, 38)}  {i + 1}" for i, name in enumerate(names)] if named else numbers
            axis.set_yticks(range(0, len(use), step), shown[::step], fontsize=size)
        else:
            axis.set_xticks(range(len(use)), [_short(name, 22) for name in names], rotation=90, fontsize=size)
            axis.set_yticks(range(len(use)), [_short(name, 22) if named else "" for name in names], fontsize=size)
        canvas.colorbar(image, ax=axis, orientation="horizontal", shrink=0.8, aspect=30, pad=0.02)
    return [
        Figure(
            "correlations",
            "Correlations",
            "Pearson correlation of every pair of sensors: light +1, dark -1. The difference should be blank; its own "
            "scale is below it.",
            _png(canvas),
        )
    ]


def _places(canvas: Canvas, *, many: bool) -> list[SubplotSpec]:
    """Returns where the three heat maps go: in a row, or the difference below on a place of its own."""
    if not many:
        grid = canvas.add_gridspec(1, 3)
        return [grid[0, i] for i in range(3)]
    grid = canvas.add_gridspec(2, 2, height_ratios=(1, 1.9))
    return [grid[0, 0], grid[0, 1], grid[1, :]]


def _against_rul(result: Comparison) -> list[Figure]:
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
            (real, {"color": "#5c626b", "label": "real test rows", "linestyle": (0, (3, 1.5)), "alpha": 0.35}),
            (refined, {"color": REFINED, "label": "refined", "linestyle": "-", "alpha": 0.18}),
        ):
            x, low, middle, high = _bands(values[:, target], values[:, j], real[:, target])
            axis.fill_between(x, low, high, color=style["color"], alpha=style["alpha"], linewidth=0)
            axis.plot(
                x, middle, color=style["color"], linestyle=style["linestyle"], linewidth=1.3, label=style["label"]
            )
        axis.invert_xaxis()
        axis.set_title(_title(result.data.numeric[j].name))
        axis.set_xlabel("remaining useful life" + (f" ({unit})" if unit else ""))
        axis.set_ylabel(result.data.numeric[j].unit or "value")
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return [
        Figure(
            "rul",
            "Sensors on the way to failure",
            "Median and 10 to 90 % band by remaining useful life, failure at the right; sensors that follow it most.",
            _png(canvas),
        )
    ]


def _autocorrelations(result: Comparison, quality: AugmentedQuality | None) -> list[Figure]:
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
        axis.plot(lags, real[:, j], color="#5c626b", linestyle=(0, (3, 1.5)), linewidth=1.3, label="real rows")
        axis.plot(lags, augmented[:, j], color=REFINED, linewidth=1.3, label="augmented rows")
        axis.axhline(0, color="black", linewidth=0.4)
        axis.set_title(_title(result.data.numeric[j].name))
        axis.set_xlabel("lag (rows)")
        axis.set_ylabel("autocorrelation")
        axis.set_ylim(min(-0.25, float(np.nanmin([real[:, j], augmented[:, j]])) - 0.05), 1.05)
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return [
        Figure(
            "autocorrelation",
            "Memory in time",
            "How much a value resembles the one some rows earlier in the same run; sensors with the largest gap first.",
            _png(canvas),
        )
    ]


def _losses(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Figure]:
    drawn = {name: curve for name, curve in curves.items() if len(curve) > 1}
    if not drawn:
        return []
    canvas = Canvas(figsize=(7.4, 2.5), layout="constrained")
    axes = canvas.subplots(1, len(drawn), squeeze=False).ravel()
    for axis, (name, curve) in zip(axes, drawn.items(), strict=True):
        epochs = [point["epoch"] for point in curve]
        train = [_number(point.get("train_loss")) for point in curve]
        validation = [_number(point.get("validation_loss")) for point in curve]
        axis.plot(epochs, train, color="#5c626b", linestyle=(0, (3, 1.5)), linewidth=1.1, label="training rows")
        axis.plot(epochs, validation, color=REFINED, linewidth=1.3, label="validation rows")
        if np.isfinite(validation).any():
            best = int(np.nanargmin(validation))
            axis.plot(epochs[best], validation[best], "o", color=REFINED, markersize=3.5)
        axis.set_title(name)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss")
    handles, labels = axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return [
        Figure(
            "losses",
            "Training",
            "Loss by epoch, the best epoch marked. A loss has a floor of its own; the gates use distances of samples.",
            _png(canvas),
        )
    ]


def _edges(real: Floats, refined: Floats) -> Floats:
    """Returns histogram edges over the central 99.8 % of real and refined values; one bin a value where few occur."""
    both = np.concatenate([real, refined])
    values = np.unique(real)
    if 2 <= len(values) <= 20:
        gap = np.diff(values)
        middle = (values[1:] + values[:-1]) / 2
        return np.asarray(np.r_[values[0] - gap[0] / 2, middle, values[-1] + gap[-1] / 2])
    low, high = np.quantile(both, [0.001, 0.999]) if len(both) else (0.0, 1.0)
    if high - low <= 1e-9 * max(1.0, abs(low)):
        low, high = low - max(0.5, abs(low) * 0.01), high + max(0.5, abs(high) * 0.01)
    return np.linspace(low, high, 41)


def _shares(values: Floats, edges: Floats) -> Floats:
    return np.asarray(100 * np.histogram(values, edges)[0] / max(1, len(values)))


def _state_shares(codes: Codes, size: int) -> Floats:
    counts = np.bincount(codes[codes >= 0], minlength=size)
    return np.asarray(100 * counts / max(1, int(counts.sum())))


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


def _seen(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _short(name: str, most: int = 30) -> str:
    """Returns the name, its middle left out where it is too long: names of one plant begin alike and end alike."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - most // 2 - 1) :]}"


def _title(name: str) -> str:
    """Returns the name in one or two lines that fit over a panel."""
    if len(name) <= _LINE:
        return name
    breaks = [i + 1 for i, letter in enumerate(name[:-1]) if letter in "_ ./-"]
    middle = min(breaks, key=lambda i: abs(i - len(name) / 2), default=len(name) // 2)
    return f"{_short(name[:middle], _LINE)}\n{_short(name[middle:], _LINE)}"


def _ticks(low: float, high: float) -> int:
    """Returns how many tick intervals have room: fewer where labels need many digits."""
    step = max((high - low) / 4, 1e-300)
    digits = max(0, -int(np.floor(np.log10(step)))) + len(f"{max(abs(low), abs(high)):.0f}")
    return 5 if digits <= 4 else 3 if digits <= 6 else 2


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _png(canvas: Canvas) -> bytes:
    FigureCanvasAgg(canvas)
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
