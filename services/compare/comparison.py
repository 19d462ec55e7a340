"""One comparison from rows to verdict: every metric of every set, the gates, the advice and what to look at first.

Promises: it is a pure function of the rows, the limits and the seed. Metrics that take long come last, so that the
first gates are known early (`on_phase` tells).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from services.compare.controls import bootstrap_of, calibrated
from services.compare.datasets import Datasets, Rows
from services.compare.findings import Finding, find
from services.compare.gates import DECISIVE, Gate, improvement, judge
from services.compare.limits import Limits
from services.compare.metrics.privacy import unseen_real_rows
from services.compare.metrics.registry import METRICS, Metric
from services.compare.metrics.samples import RESAMPLES, Measured, Samples, varying
from services.compare.recommendation import Recommendation, recommend

Progress = Callable[[str, int, int], None]
# Nothing is decided on these two, so they need no intervals, and come last.
_UNDECISIVE = ("bootstrap", "calibrated_seed")


@dataclass(frozen=True)
class MeasuredSet:
    """One set of rows with all its metrics by name."""

    name: str
    rows: Rows
    measured: Mapping[str, Measured]


@dataclass(frozen=True)
class Comparison:
    """Everything a report is made of. `sets` are refined, control, bootstrap and, with an original, seed and
    calibrated_seed. `improvements` are in percent, for metrics where less is better."""

    data: Datasets
    sets: Mapping[str, MeasuredSet]
    gates: Sequence[Gate]
    recommendation: Recommendation
    improvements: Mapping[str, Measured]
    findings: Sequence[Finding]
    warnings: Sequence[str]
    limits: Limits

    @property
    def seed(self) -> MeasuredSet | None:
        """The original's rows, None where there is no original."""
        return self.sets.get("seed")

    def gate(self, name: str) -> Gate:
        """Returns the gate of that name. Raises KeyError."""
        return {gate.name: gate for gate in self.gates}[name]


def _silent(phase: str, done: int, total: int) -> None:
    """Reports nothing."""


def compare(
    data: Datasets,
    limits: Limits,
    seed: int = 0,
    *,
    metrics: Sequence[Metric] = METRICS,
    resamples: int = RESAMPLES,
    every_sensor: bool = False,
    on_phase: Progress = _silent,
    on_gates: Callable[[Sequence[Gate]], None] = lambda gates: None,
) -> Comparison:
    """Returns the comparison of a refined set, an original's where there is one, and the controls.

    `metrics` are those to measure: at least those on which the gates are decided. `every_sensor` learns each sensor in
    turn beside remaining useful life. `seed` drives resampling, subsets and the bootstrap control. `on_gates` is told
    all gates so far whenever one is known; what no gate needs comes after the last.
    """
    rows: dict[str, Rows] = {"refined": data.refined}
    if data.seed is not None:
        rows["seed"] = data.seed
    rows["control"] = data.train
    rows["bootstrap"] = bootstrap_of(data.train, len(data.refined), seed)
    if data.seed is not None:
        rows["calibrated_seed"] = calibrated(data.seed, data, seed)
    samples = {
        name: Samples(
            name,
            data,
            part,
            seed,
            resamples=0 if name in _UNDECISIVE else resamples,
            beside_real=name == "refined",
            every_sensor=every_sensor and name not in _UNDECISIVE,
        )
        for name, part in rows.items()
    }
    measured: dict[str, dict[str, Measured]] = {name: {} for name in rows}
    plan = sorted(
        ((metric, name) for metric in metrics for name in rows),
        key=lambda part: part[0].name not in DECISIVE or part[1] in _UNDECISIVE,
    )
    known = 0
    for done, (metric, name) in enumerate(plan):
        on_phase(f"measuring: {metric.title}", done, len(plan))
        # Several threads on busy cores make gradient boosting many times slower, and jobs share the machine.
        with threadpool_limits(limits=1):
            measured[name][metric.name] = _measure(metric, name, samples)
        found = _judged(data, measured, limits) if metric.name in DECISIVE and name not in _UNDECISIVE else []
        if len(found) > known:
            on_gates(found)
            known = len(found)
    gates = _judged(data, measured, limits)
    original = measured.get("seed")
    return Comparison(
        data=data,
        sets={name: MeasuredSet(name, rows[name], measured[name]) for name in rows},
        gates=gates,
        recommendation=recommend(gates, has_original=original is not None),
        improvements={
            metric.name: improvement(original[metric.name], measured["refined"][metric.name])
            for metric in metrics
            if original is not None and metric.better == "lower"
        },
        findings=find(data, measured["refined"]),
        warnings=_warnings(data, measured["control"]["leakage"].value),
        limits=limits,
    )


def _measure(metric: Metric, name: str, samples: Mapping[str, Samples]) -> Measured:
    mine = samples[name]
    # A training row is a copy of itself, so metrics of memorisation have other real rows as their control.
    if name == "control" and metric.name == "dcr_share":
        return unseen_real_rows(mine)
    if name == "control" and metric.name == "exact_copies":
        mine = Samples(name, mine.data, mine.test, mine.seed, mine.resamples)
    return metric.measure(mine)


def _judged(data: Datasets, measured: Mapping[str, Mapping[str, Measured]], limits: Limits) -> list[Gate]:
    return judge(
        measured["refined"],
        measured["control"],
        measured.get("seed"),
        limits,
        n_test=len(data.test),
        n_refined=len(data.refined),
    )


def _warnings(data: Datasets, repeated: float | None) -> list[str]:
    """Returns what limits the conclusions, one sentence each."""
    found = []
    lacking = [name for name, reason in data.excluded.items() if "seed" in reason]
    if "rul" in lacking:
        found.append(
            "The real file has no remaining useful life: the values in the synthetic rows come from the seed's physics "
            "and nothing here says whether they are right."
        )
    others = [name for name in data.excluded if name != "rul"]
    if others:
        named = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
        found.append(f"{len(others)} sensors are not compared and in no gate: {named}.")
    if len(data.test) < 100:
        found.append(f"{len(data.test)} test rows are too few for any gate on a distance; at least 100 are needed.")
    elif len(data.test) < 1000:
        found.append(f"With {len(data.test)} test rows even perfect synthetic rows show noticeable distances.")
    if len(data.numeric) < 2:
        found.append(
            "With fewer than two numeric columns there is no correlation to compare, and nothing here says whether "
            "sensors move together as in reality."
        )
    if not data.same_assets:
        found.append(
            "Test rows come from other runs than training rows, so distances include the runs' own differences."
        )
    if data.beside_training > 0.2:
        found.append(
            f"{100 * data.beside_training:.0f} % of the test rows stand directly beside a training row in time, as in "
            "a random split: such neighbours are nearly equal, so every distance flatters the model."
        )
    if repeated is not None and repeated > 0.05:
        found.append(
            f"{100 * repeated:.0f} % of the test rows equal a training row in every column: either the machine repeats "
            "itself at this resolution, or the file holds rows twice."
        )
    constant = [
        column.name for column, moves in zip(data.numeric, varying(data.test.numeric), strict=True) if not moves
    ]
    if constant:
        named = ", ".join(constant[:8]) + (f" and {len(constant) - 8} more" if len(constant) > 8 else "")
        found.append(f"Constant in the test rows, so nothing can be said about how they vary: {named}.")
    return found
