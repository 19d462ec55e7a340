"""SDMetrics' own quality and diagnostic scores (DataCebo, MIT licence), beside ours so that people can compare.

They saturate: a Gaussian copula fitted in milliseconds scores above .97, so no gate acts on them.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from services.compare.datasets import Datasets, Rows

_MOST_ROWS = 5000


def sdmetrics_scores(data: Datasets, seed: int = 0) -> dict[str, Any]:
    """Returns quality (mean of column shapes and pair trends) and diagnostic (validity and structure) of the refined
    rows against the real test rows, each from 0 to 1, of at most 5,000 rows a side; empty with fewer than two columns.
    """
    if len(data.names) < 2:
        return {}
    rng = np.random.default_rng([seed, 21])
    real, refined = (_frame(data, _few(part, rng)) for part in (data.test, data.refined))
    columns = {name: {"sdtype": "numerical"} for name in (column.name for column in data.numeric)}
    metadata = {"columns": columns | {column.name: {"sdtype": "categorical"} for column in data.states}}
    result: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant columns have no correlation, which the score leaves out
        from sdmetrics.reports.single_table import DiagnosticReport, QualityReport

        for name, report in (("quality", QualityReport()), ("diagnostic", DiagnosticReport())):
            report.generate(real, refined, metadata, verbose=False)
            result[name] = float(report.get_score())
            for _, line in report.get_properties().iterrows():
                result[str(line["Property"]).lower().replace(" ", "_")] = float(line["Score"])
    return result


def _few(rows: Rows, rng: np.random.Generator) -> Rows:
    return rows if len(rows) <= _MOST_ROWS else rows.take(np.sort(rng.choice(len(rows), _MOST_ROWS, replace=False)))


def _frame(data: Datasets, rows: Rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows.numeric, columns=[column.name for column in data.numeric])
    for k, column in enumerate(data.states):
        categories = np.array([*column.categories, None], dtype=object)
        frame[column.name] = categories[rows.states[:, k]]
    return frame
