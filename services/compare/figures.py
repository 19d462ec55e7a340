"""What every figure of a report shares: its style, how names fit over panels, and how it becomes PNG bytes.

Readable in greyscale: real rows are grey, the original's a thin dashed line, refined rows a thick solid one, so that no
meaning hangs on colour alone. Axes carry units.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

REAL, SEED, REFINED = "#b4b9c1", "#b5541c", "#14457a"
REAL_LINE = "#5c626b"
_LINE = 30  # letters over a panel
_DPI = 160
STYLE: Any = {
    "font.family": "DejaVu Sans", "font.size": 7.5, "axes.titlesize": 8, "axes.labelsize": 7, "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5, "legend.fontsize": 7.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "axes.titlelocation": "left",
    "axes.formatter.limits": (-3, 5), "axes.formatter.useoffset": False,
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure: file name without suffix, title and one sentence on how to read it."""

    name: str
    title: str
    caption: str
    png: bytes


def legend_above(canvas: Canvas, axis: Axes, columns: int) -> None:
    """Puts one legend for all panels over them, from what `axis` shows."""
    handles, labels = axis.get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)


def short(name: str, most: int = 30) -> str:
    """Returns the name, its middle left out where it is too long: names of one plant begin alike and end alike."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - most // 2 - 1) :]}"


def panel_title(name: str) -> str:
    """Returns the name in one or two lines that fit over a panel."""
    if len(name) <= _LINE:
        return name
    breaks = [i + 1 for i, letter in enumerate(name[:-1]) if letter in "_ ./-"]
    middle = min(breaks, key=lambda i: abs(i - len(name) / 2), default=len(name) // 2)
    return f"{short(name[:middle], _LINE)}\n{short(name[middle:], _LINE)}"


def tick_intervals(low: float, high: float) -> int:
    """Returns how many tick intervals have room: fewer where labels need many digits."""
    step = max((high - low) / 4, 1e-300)
    digits = max(0, -int(np.floor(np.log10(step)))) + len(f"{max(abs(low), abs(high)):.0f}")
    return 5 if digits <= 4 else 3 if digits <= 6 else 2


def number(value: Any) -> float:
    """Returns a number of a document, NaN for none."""
    return float(value) if isinstance(value, int | float) else float("nan")


def png_of(canvas: Canvas) -> bytes:
    """Returns the drawing as PNG."""
    FigureCanvasAgg(canvas)
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
