"""How long a full comparison takes, beside SDMetrics' own report: `python -m benchmarks.compare [--rows N]`.

Three sets of rows (real test, original, refined) of equal size, and as many real training rows, of a machine with
correlated, skewed columns and remaining useful life. Timed apart: until the first gate, until all gates, all metrics
with their intervals and controls, the augmented sets, the written report (JSON, PDF, HTML, plots); and SDMetrics'
QualityReport and DiagnosticReport of the same rows. One thread; seconds are of CPU, so that a busy machine measures
the same. They are of the machine at hand: the ratio is what carries over.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import polars as pl

from services.compare.augmented import check_augmented
from services.compare.comparison import compare
from services.compare.datasets import Datasets, build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.gates import Gate
from services.compare.limits import Limits
from services.compare.scores import sdmetrics_scores
from services.machines.profile import MachineProfile, Sensor

RUN = 500


def rows(count: int, columns: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    """Returns runs of 500 rows: a drifting load and wear drive every column through its own curve, plus noise."""
    rng = np.random.default_rng(seed)
    loading = np.random.default_rng(0).normal(size=(4, columns - 1))
    position = np.arange(count) % RUN
    wear = (position / RUN)[:, None]
    load = np.cumsum(rng.normal(size=(count, 3)), axis=0) * 0.05
    values = np.hstack([np.tanh(load), wear**2]) @ loading + 0.3 * rng.normal(size=(count, columns - 1)) + shift
    values[:, ::3] = np.exp(0.4 * values[:, ::3])
    table = pl.DataFrame(values, schema=[f"sensor_{i:02}" for i in range(columns - 1)])
    run = [f"{seed}-{i // RUN}" for i in range(count)]
    return table.with_columns(rul=pl.Series(1.0 * (RUN - 1 - position)), run_id=pl.Series(run))


def problem(count: int, columns: int) -> Datasets:
    """Returns real rows (as many to train as to test) and two synthetic sets."""
    real = pl.concat(
        [
            rows(count, columns, 1).with_columns(split=pl.lit("train")),
            rows(max(count // 5, 500), columns, 2).with_columns(split=pl.lit("val")),
            rows(count, columns, 3).with_columns(split=pl.lit("test")),
        ]
    )
    profile = MachineProfile("bench", tuple(Sensor(f"sensor_{i:02}", unit="bar") for i in range(columns - 1)))
    drop = pl.exclude("run_id")
    return build_datasets(
        real, rows(count, columns, 4, 0.02).select(drop), rows(count, columns, 5, 0.4).select(drop), profile
    )


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the CPU seconds that the work took, and what it returned."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def sdmetrics_reports(data: Datasets) -> None:
    """Runs both reports of SDMetrics as they come, on all rows of the refined set."""
    from sdmetrics.reports.single_table import DiagnosticReport, QualityReport

    names = [column.name for column in data.numeric]
    metadata = {"columns": {name: {"sdtype": "numerical"} for name in names}}
    real, refined = (pd.DataFrame(part.numeric, columns=names) for part in (data.test, data.refined))
    for report in (QualityReport(), DiagnosticReport()):
        report.generate(real, refined, metadata, verbose=False)


def measure(count: int, columns: int, *, every_sensor: bool) -> dict[str, float]:
    """Returns seconds by part, and the ratio to SDMetrics' reports."""
    data = problem(count, columns)
    told: list[float] = []
    loaded = start = time.process_time()

    def on_gates(gates: Sequence[Gate]) -> None:
        told.append(time.process_time() - start)

    spent, result = seconds(lambda: compare(data, Limits(), 7, every_sensor=every_sensor, on_gates=on_gates))
    sets = {name: rows(size, columns, 6 + i) for i, (name, size) in enumerate((("train", count), ("test", 2 * RUN)))}
    in_time, quality = seconds(lambda: check_augmented(sets, data, 7))
    scored, scores = seconds(lambda: sdmetrics_scores(data, 7))

    def write() -> None:
        from services.compare.plots import draw_figures
        from services.compare.report_html import html_report
        from services.compare.report_pdf import pdf_report

        extras = Extras(augmented=quality.to_json(), sdmetrics=scores)
        document = json.loads(
            json.dumps(comparison_document(result, Provenance("bench", "2026-01-01T00:00:00Z", "t", "r"), extras))
        )
        figures = draw_figures(result, {}, quality)
        pdf_report(document, figures)
        html_report(document, figures)

    written, _ = seconds(write)
    theirs, _ = seconds(lambda: sdmetrics_reports(data))
    total = spent + in_time + scored + written
    return {
        "loading": loaded,
        "first_gate": told[0],
        "all_gates": told[-1],
        "metrics": spent,
        "augmented_sets": in_time,
        "sdmetrics_scores_inside": scored,
        "report_files": written,
        "total": total,
        "sdmetrics_reports": theirs,
        "ratio_to_sdmetrics": total / theirs,
    }


def main() -> int:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--every-sensor", action="store_true")
    chosen = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = measure(chosen.rows, chosen.columns, every_sensor=chosen.every_sensor)
    answer = {"rows": chosen.rows, "columns": chosen.columns, "load": round(os.getloadavg()[0], 2)}
    sys.stdout.write(json.dumps(answer | {key: round(value, 2) for key, value in found.items()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
