"""The quality report of augmented sets: promises that were checked, temporal and row figures, gates, disclosures.

Everything compares with the real *training* rows (validation rows as a control): whether the sets are good for a
purpose is for compare to say, on held-out rows that nothing here has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.machines.profile import MachineProfile
from services.refine.augmentation import temporal
from services.refine.augmentation.cascade import Cascade
from services.refine.augmentation.history import History, Stretch
from services.refine.codec import Codec

SAMPLE_ROWS = 20_000
CLOSE_SHARE_LIMIT = 0.2
FEWEST_RUNS_TO_FAIL = 20  # with 10 training runs even fresh real ones reach .18 on average and .40 at most (C-MAPSS)
CERTAINLY_CLOSE = 0.5
BINS = 20
_MOST_RUNS = 40
USE = (
    "Train on train.parquet, tune on val.parquet. Never judge a model on synthetic rows: holdout.parquet has real rows "
    "that nothing was fitted on."
)


@dataclass
class SetRecord:
    """Counts of one set as it is written, and its first rows for the figures."""

    name: str
    rows: int = 0
    runs: int = 0
    real_rows: int = 0
    limit_violations: int = 0
    rul_falls: bool = True
    time_rises: bool = True
    sample: list[pl.DataFrame] = field(default_factory=list)
    run_ids: set[str] = field(default_factory=set)
    _last: tuple[str, Any, float | None] | None = None

    def add(self, batch: pl.DataFrame, profile: MachineProfile) -> None:
        """Checks a batch that follows the earlier ones and counts it."""
        if not batch.height:
            return
        self.rows += batch.height
        self.run_ids.update(batch["run_id"].unique().to_list())
        self.runs = len(self.run_ids)
        self.real_rows += int(batch["run_id"].str.starts_with("real-").sum())
        self.limit_violations += _violations(batch, profile)
        self.time_rises &= bool(batch["timestamp"].is_sorted())
        if "rul" in batch.columns:
            rising = batch.select(((pl.col("rul").diff() >= 0) & (pl.col("run_id") == pl.col("run_id").shift())).any())
            self.rul_falls &= not bool(rising.item())
        if self._last is not None:
            run, when, rul = self._last
            self.time_rises &= bool(batch["timestamp"][0] > when)
            if rul is not None and batch["run_id"][0] == run:
                self.rul_falls &= bool(batch["rul"][0] < rul)
        last_rul = float(batch["rul"][-1]) if "rul" in batch.columns else None
        self._last = (batch["run_id"][-1], batch["timestamp"][-1], last_rul)
        if sum(part.height for part in self.sample) < SAMPLE_ROWS:
            self.sample.append(batch.filter(~pl.col("run_id").str.starts_with("real-")).head(SAMPLE_ROWS))

    def to_json(self) -> dict[str, Any]:
        """Returns the counts."""
        return {
            "rows": self.rows,
            "runs": self.runs,
            "real_rows": self.real_rows,
            "limit_violations": self.limit_violations,
            "rul_strictly_decreasing": self.rul_falls,
            "timestamps_sorted": self.time_rises,
        }


def quality_report(
    records: Sequence[SetRecord],
    history: History,
    fitted_on: History,
    cascade: Cascade,
    codec: Codec,
    *,
    independent: pl.DataFrame,
    conditional: bool,
    disclosures: Sequence[str],
) -> dict[str, Any]:
    """Returns the report. `independent` are rows sampled from the refined model, for comparison of the rows' joint.
    Runs are kept as far from those of `fitted_on` as these are from each other, which has the validation runs as well.

    With a condition (`conditional`) the rows are meant to differ from the training rows, so those figures are left out.
    """
    shared = set.intersection(*(record.run_ids for record in records)) if len(records) > 1 else set()
    pairs = [(a, b) for i, a in enumerate(records) for b in records[i + 1 :]]
    report: dict[str, Any] = {
        "sets": {record.name: record.to_json() for record in records},
        "runs_in_two_sets": len(shared | {run for a, b in pairs for run in a.run_ids & b.run_ids}),
        "columns": list(cascade.columns),
        "lives": history.has_lives,
        "use": USE,
        "disclosures": list(disclosures),
    }
    train = next(record for record in records if record.name == "train")
    if not conditional and train.sample:
        real = [_values(stretch, cascade.columns, codec) for stretch in history.stretches]
        held = [_values(stretch, cascade.columns, codec) for stretch in history.validation]
        made = _runs(pl.concat(train.sample), cascade.columns)
        length = int(np.median([len(run) for run in real]))
        report["temporal"] = _temporal(real, _cut(made, length), _cut(held, length))
        report["rows"] = _row_figures(real, made, held, independent.select(cascade.columns).to_numpy())
        report["nearest_runs"] = _nearest(fitted_on, cascade, codec, made)
    report["gates"] = _gates(report, records)
    return report


def _violations(batch: pl.DataFrame, profile: MachineProfile) -> int:
    count = 0
    for sensor in profile.columns:
        if sensor.name in batch.columns and batch[sensor.name].dtype.is_numeric():
            low = -np.inf if sensor.min is None else sensor.min
            high = np.inf if sensor.max is None else sensor.max
            count += int(((batch[sensor.name] < low) | (batch[sensor.name] > high)).sum() or 0)
    return count


def _values(stretch: Stretch, columns: Sequence[str], codec: Codec) -> NDArray[np.float64]:
    return np.stack([codec.scores_of(name).decode(stretch.scores[:, j]) for j, name in enumerate(columns)], 1)


def _runs(rows: pl.DataFrame, columns: Sequence[str]) -> list[NDArray[np.float64]]:
    parts = rows.partition_by("run_id", maintain_order=True)
    return [part.select(columns).to_numpy() for part in parts if part.height >= 8]


def _cut(runs: list[NDArray[np.float64]], length: int) -> list[NDArray[np.float64]]:
    """Returns the runs in pieces of about that length: autocorrelations depend on how long the runs are."""
    pieces = [np.array_split(run, max(1, round(len(run) / length))) for run in runs]
    return [piece for parts in pieces for piece in parts]


def _temporal(
    real: list[NDArray[np.float64]], made: list[NDArray[np.float64]], held: list[NDArray[np.float64]]
) -> dict[str, Any]:
    """Returns each temporal error against the training runs, and that of the validation runs as a control."""
    figures: dict[str, Any] = {"lags": temporal.common_lags(real, made)}
    for name, measure in (
        ("autocorrelation_error", temporal.autocorrelation_error),
        ("cross_correlation_error", temporal.cross_correlation_error),
        ("difference_wasserstein", temporal.step_distance),
    ):
        figures[name] = measure(real, made) if made else None
        figures[f"{name}_of_real_validation"] = measure(real, held) if held else None
    return figures


def _row_figures(
    real: list[NDArray[np.float64]],
    made: list[NDArray[np.float64]],
    held: list[NDArray[np.float64]],
    independent: NDArray[np.float64],
) -> dict[str, Any]:
    reference = np.concatenate(real)
    groups = {"augmented": np.concatenate(made) if made else None, "refined_model": independent.astype(np.float64)}
    groups["real_validation"] = np.concatenate(held) if held else None
    figures: dict[str, Any] = {}
    for name, rows in groups.items():
        if rows is not None:
            figures[f"kl_{name}"] = float(np.mean([kl(reference[:, j], rows[:, j]) for j in range(rows.shape[1])]))
            figures[f"correlation_error_{name}"] = correlation_error(reference, rows)
    return figures


def kl(real: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Returns KL(real || other) in nats over equal-mass bins of the real values, with +0.5 smoothing."""
    real, other = real[np.isfinite(real)], other[np.isfinite(other)]
    edges = np.unique(np.quantile(real, np.linspace(0, 1, BINS + 1)))[1:-1]
    p, q = (np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) + 0.5 for x in (real, other))
    p, q = p / p.sum(), q / q.sum()
    return float((p * np.log(p / q)).sum())


def correlation_error(real: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Returns the mean |difference| of Pearson correlations over pairs of columns; 0 for a single column."""
    if real.shape[1] < 2:
        return 0.0
    with np.errstate(all="ignore"):
        a, b = (np.nan_to_num(np.corrcoef(x[np.isfinite(x).all(1)], rowvar=False)) for x in (real, other))
    return float(np.abs(a - b)[np.triu_indices(real.shape[1], 1)].mean())


def _nearest(
    history: History, cascade: Cascade, codec: Codec, made: list[NDArray[np.float64]]
) -> dict[str, Any] | None:
    """Returns how near synthetic slow paths come to real ones; None where there are too few runs to say."""
    scores = [
        np.stack([codec.scores_of(n).encode(run[:, j]) for j, n in enumerate(cascade.columns)], 1)
        for run in made[:_MOST_RUNS]
    ]
    near = nearest_to_training(history, cascade, scores)
    if near is None:
        return None
    return {
        "close_share": near.close_share,
        "ratio": near.ratio,
        "limit": CLOSE_SHARE_LIMIT,
        "training_runs": len(near.real),
    }


def nearest_to_training(
    history: History, cascade: Cascade, runs: Sequence[NDArray[np.float32]]
) -> temporal.NearestRuns | None:
    """Returns the nearest-run distances of runs of scores; None with fewer than 5 real or 3 synthetic runs."""
    if len(history.stretches) < 5 or len(runs) < 3:
        return None
    train = [cascade.slow_path(stretch.scores) for stretch in history.stretches[:_MOST_RUNS]]
    return temporal.nearest_runs(train, [cascade.slow_path(run) for run in runs])


def _gates(report: dict[str, Any], records: Sequence[SetRecord]) -> dict[str, str]:
    def verdict(met: bool) -> str:
        return "passed" if met else "failed"

    nearest = report.get("nearest_runs")
    return {
        "limits": verdict(all(record.limit_violations == 0 for record in records)),
        "rul_strictly_decreasing": verdict(all(record.rul_falls for record in records)),
        "timestamps_sorted": verdict(all(record.time_rises for record in records)),
        "runs_disjoint": verdict(report["runs_in_two_sets"] == 0),
        "nearest_runs": (
            "undecided" if nearest is None else nearest_verdict(nearest["close_share"], nearest["training_runs"])
        ),
    }


def nearest_verdict(close_share: float, training_runs: int) -> str:
    """Returns passed, failed, or undecided: so few training runs that fresh real runs could score as high."""
    if close_share <= CLOSE_SHARE_LIMIT:
        return "passed"
    return "failed" if training_runs >= FEWEST_RUNS_TO_FAIL or close_share > CERTAINLY_CLOSE else "undecided"
