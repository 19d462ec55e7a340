"""What an augmentation is asked for, checked before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.errors import SensorForgeError
from services.refine.augmentation import errors as errors
from services.refine.limits import MOST_ROWS

DEFAULT_ROWS = 50_000
FEWEST_ROWS = 10
SETS = ("train", "val", "test")


@dataclass(frozen=True)
class AugmentOptions:
    """Rows in all, a condition every row meets, the share of real rows in the training set, whether lives are insisted
    on (True), unwanted (False) or taken where they are known (None), and a condition of rare rows with the share of
    each set that shall meet it."""

    rows: int = DEFAULT_ROWS
    where: str = ""
    mix_real: float = 0.0
    lives: bool | None = None
    oversample: str = ""
    share: float = 0.0


def read_options(params: Mapping[str, Any]) -> AugmentOptions:
    """Returns the options in a job's params; absent ones take their defaults, and 0 rows is an error, not a default.

    Raises AUGMENT_ROWS_INVALID and AUGMENT_OPTION_INVALID.
    """
    rows = params.get("rows", DEFAULT_ROWS)
    if isinstance(rows, bool) or not isinstance(rows, int) or not FEWEST_ROWS <= rows <= MOST_ROWS:
        shown = f"{rows:,}" if isinstance(rows, int) else repr(rows)
        raise SensorForgeError(
            "AUGMENT_ROWS_INVALID", f"{shown} rows were asked for; {FEWEST_ROWS} to {MOST_ROWS:,} can be made."
        )
    mix = params.get("mix_real") or 0.0
    if not isinstance(mix, int | float) or not math.isfinite(mix) or not 0 <= mix < 1:
        raise SensorForgeError(
            "AUGMENT_OPTION_INVALID", f"mix_real is {mix!r}; it is the share of real rows in train, from 0 to below 1."
        )
    lives = params.get("lives")
    if lives is not None and not isinstance(lives, bool):
        raise SensorForgeError("AUGMENT_OPTION_INVALID", f"lives is {lives!r}; it is true, false or absent.")
    rare, share = str(params.get("oversample") or "").strip(), params.get("share") or 0.0
    if isinstance(share, bool) or not isinstance(share, int | float) or not math.isfinite(share) or not 0 <= share < 1:
        raise SensorForgeError(
            "AUGMENT_OPTION_INVALID",
            f"share is {share!r}; it is the share of rows that meet the oversampled condition, above 0 and below 1.",
        )
    if bool(rare) != bool(share):
        raise SensorForgeError(
            "AUGMENT_OPTION_INVALID",
            f"oversample is {rare!r} and share {share:g}; oversampling needs both, as in `rul < 20` and 0.3.",
        )
    return AugmentOptions(rows, str(params.get("where") or ""), float(mix), lives, rare, float(share))


def set_sizes(rows: int) -> dict[str, int]:
    """Returns the rows of train, val and test: 70, 15 and 15 percent, together exactly `rows`.

    What rounding leaves goes to the largest remainders, train first: 50,000 -> 35,000, 7,500, 7,500; 11 -> 8, 2, 1.
    """
    hundredths = [rows * share for share in (70, 15, 15)]
    sizes = [h // 100 for h in hundredths]
    order = sorted(range(3), key=lambda i: (-(hundredths[i] % 100), i))
    for i in order[: rows - sum(sizes)]:
        sizes[i] += 1
    return dict(zip(SETS, sizes, strict=True))
