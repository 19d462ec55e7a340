"""A sceptic's own script: KL, Wasserstein-1 and correlation error from the files a run leaves, with numpy and scipy.

It shares no code with the comparison and reads nothing but `processed.parquet` (with its split), the two synthetic
files and the published definitions. `comparison.json` must agree to three decimals.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import wasserstein_distance

from services.compare.comparison import compare
from services.compare.datasets import build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.limits import Limits
from services.compare.metrics.registry import QUICK
from tests.compare.conftest import PROFILE, machine_rows, split_rows

HEADLINES = ("kl_divergence", "wasserstein_distance", "correlation_error")


def recomputed(folder: Path, synthetic: str) -> dict[str, float]:
    """Returns the three headline numbers of a synthetic file of a run's folder."""
    processed = pl.read_parquet(folder / "processed.parquet")
    rows = pl.read_parquet(folder / f"{synthetic}.parquet")
    train, test = (processed.filter(pl.col("split") == name) for name in ("train", "test"))
    names = [name for name in rows.columns if name in processed.columns and name not in ("run_id", "timestamp")]
    kl, distance, varying = [], [], []
    bins = int(np.clip(len(test) // 20, 5, 20))
    for name in names:
        if not rows[name].dtype.is_numeric():
            states = sorted({*train[name].drop_nulls(), *test[name].drop_nulls(), *rows[name].drop_nulls()})
            real, mine = (np.array([(part[name] == s).sum() for s in states], float) + 0.5 for part in (test, rows))
            kl.append(float((real / real.sum() * np.log(real / real.sum() / (mine / mine.sum()))).sum()))
            continue
        fit, real, mine = (part[name].drop_nulls().to_numpy().astype(float) for part in (train, test, rows))
        if max(np.ptp(fit), np.ptp(real)) <= 1e-9 * max(1.0, np.abs(fit).max()):
            continue
        varying.append(name)
        inner = np.unique(np.quantile(fit, np.arange(1, bins) / bins))
        edges = np.r_[-np.inf, inner, np.inf]
        p, q = np.histogram(real, edges)[0] + 0.5, np.histogram(mine, edges)[0] + 0.5
        p, q = p / p.sum(), q / q.sum()
        kl.append(float((p * np.log(p / q)).sum()))
        spread = real.std() if real.std() >= 0.1 * fit.std() else fit.std()
        distance.append(wasserstein_distance(real, mine) / spread)
    matrices = [_correlations(part, varying) for part in (test, rows)]
    upper = np.triu_indices(len(varying), 1)
    known = ~np.isnan(matrices[0][upper])
    gap = np.abs(matrices[0][upper] - np.nan_to_num(matrices[1][upper]))[known]
    return dict(zip(HEADLINES, (float(np.mean(kl)), float(np.mean(distance)), float(gap.mean())), strict=True))


def _correlations(part: pl.DataFrame, names: list[str]) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        values = part.select(names).to_numpy().astype(float)
        if not np.isnan(values).any():
            found = np.corrcoef(values.T)
        else:
            found = part.select(names).to_pandas().corr().to_numpy()
        still = np.nanstd(values, axis=0) <= 1e-9 * np.maximum(1.0, np.abs(np.nanmean(values, axis=0)))
        found[still] = found[:, still] = np.nan
    return found


def agree(document: dict[str, Any], folder: Path, synthetic: str, key: str) -> None:
    """Checks a document against the script."""
    for name, value in recomputed(folder, synthetic).items():
        assert value == pytest.approx(document["statistical_metrics"][name][key], abs=5e-4), (name, key)


@pytest.mark.parametrize("missing", [False, True])
def test_a_script_that_knows_only_files_and_definitions_agrees_to_three_decimals(tmp_path: Path, missing: bool) -> None:
    real, refined, seed = split_rows(900, 200, 500), machine_rows(700, 2), machine_rows(800, 3, shift=0.7)
    if missing:
        hole = pl.when(pl.int_range(pl.len()) % 7 != 0).then(pl.col("vibration"))
        real, refined, seed = (table.with_columns(vibration=hole) for table in (real, refined, seed))
    result = compare(build_datasets(real, refined, seed, PROFILE), Limits(), metrics=QUICK, resamples=0)
    document = json.loads(json.dumps(comparison_document(result, Provenance("m1", "now", "t", "r", "s"), Extras())))
    for name, table in (("processed", real), ("refined_synthetic", refined), ("seed_synthetic", seed)):
        table.write_parquet(tmp_path / f"{name}.parquet")
    agree(document, tmp_path, "refined_synthetic", "refined_vs_real")
    agree(document, tmp_path, "seed_synthetic", "seed_vs_real")


@pytest.mark.skipif("SENSORFORGE_RUN_FOLDER" not in os.environ, reason="needs the --out folder of a finished run")
def test_a_finished_run_agrees_with_the_script() -> None:
    folder = Path(os.environ["SENSORFORGE_RUN_FOLDER"])
    document = json.loads((folder / "report" / "comparison.json").read_text())
    agree(document, folder, "refined_synthetic", "refined_vs_real")
    if (folder / "seed_synthetic.parquet").exists():
        agree(document, folder, "seed_synthetic", "seed_vs_real")
