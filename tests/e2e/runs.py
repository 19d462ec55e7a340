"""What the end-to-end tests share: a run on real services, and what must hold of everything it leaves behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from clients.sdk import ClientConfig, Plan, SensorForge
from clients.sdk.results import write_results
from clients.sdk.workflow.events import Event
from clients.sdk.workflow.session import RunReport, RunSession

OUT_FILES = (
    "augmented/train.parquet",
    "augmented/val.parquet",
    "augmented/test.parquet",
    "holdout.parquet",
    "processed.parquet",
    "seed_synthetic.parquet",
    "refined_synthetic.parquet",
    "report/comparison.json",
    "report/comparison.pdf",
    "mapping.json",
    "validation.json",
    "training.json",
    "lineage.json",
)


async def run_to_the_end(
    endpoint: str, plan: Plan, out: Path | None = None, tell: Callable[[Event], None] = lambda _: None
) -> RunReport:
    """Takes all steps of a plan against services at `endpoint` and writes the results to `out`."""
    async with SensorForge(ClientConfig.at(endpoint)) as forge:
        session = await RunSession.open(forge, plan, tell)
        report = await session.run()
        if out is not None:
            await write_results(forge, session.name, report.outputs, out)
        return report


def digest(path: Path) -> str:
    """Returns a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_results(out: Path, rows: int, *, original: bool = True) -> None:
    """Asserts that every file of `--out` is there and that they agree with each other."""
    missing = [name for name in OUT_FILES if not (out / name).is_file()]
    assert missing == ([] if original else ["seed_synthetic.parquet"])
    assert list((out / "report").glob("*.png"))
    check_sets(out, rows)
    check_holdout(out)
    check_comparison(json.loads((out / "report" / "comparison.json").read_text()))
    check_lineage(json.loads((out / "lineage.json").read_text()))


def check_sets(out: Path, rows: int) -> None:
    """Asserts exact counts, runs that stay in one set, time that rises and life that falls."""
    sets = {name: pl.read_parquet(out / "augmented" / f"{name}.parquet") for name in ("train", "val", "test")}
    expected = (round(rows * 0.7), round(rows * 0.15), rows - round(rows * 0.7) - round(rows * 0.15))
    assert tuple(len(table) for table in sets.values()) == expected
    runs = [set(table["run_id"].unique()) for table in sets.values()]
    assert sum(map(len, runs)) == len(set.union(*runs)), "a run is in two sets"
    for table in sets.values():
        assert table.columns[:2] == ["run_id", "timestamp"]
        steps = table.with_columns(pl.col("timestamp").diff().over("run_id").alias("step"))
        assert steps["step"].drop_nulls().dt.total_microseconds().min() > 0
        if "rul" in table.columns:
            assert table.columns[-1] == "rul"
            assert table.with_columns(pl.col("rul").diff().over("run_id").alias("d"))["d"].drop_nulls().max() < 0


def check_holdout(out: Path) -> None:
    """Asserts that the held-out rows are exactly the test rows and that no neighbour of theirs was trained on."""
    processed = pl.read_parquet(out / "processed.parquet")
    held_out = pl.read_parquet(out / "holdout.parquet")
    assert set(processed["split"].unique()) <= {"train", "val", "test", "guard"}
    test_rows = processed.filter(pl.col("split") == "test")["source_row"]
    assert sorted(test_rows) == sorted(held_out["source_row"])
    others = set(processed.filter(pl.col("split").is_in(["train", "val"]))["source_row"])
    assert others
    assert not others & set(test_rows)


def check_comparison(comparison: dict) -> None:
    """Asserts the shape that scripts depend on."""
    assert comparison["schema_version"]
    assert comparison["machine_id"]
    for metric in ("kl_divergence", "wasserstein_distance", "correlation_error"):
        assert {"seed_vs_real", "refined_vs_real", "improvement"} <= set(comparison["statistical_metrics"][metric])
    numeric = [values for values in comparison["per_sensor_metrics"].values() if values["kind"] == "numeric"]
    assert numeric
    for values in numeric:
        assert {"mean_error_seed", "mean_error_refined", "std_error_seed", "std_error_refined"} <= set(values)
    assert comparison["recommendation"]


def check_lineage(lineage: dict) -> None:
    """Asserts that the report leads back to the upload and that no training input is the held-out table."""
    artifacts = lineage["artifacts"]
    seen, front = set(), [lineage["outputs"]["report"]]
    while front:
        name = front.pop()
        if name not in seen:
            seen.add(name)
            front.extend(artifacts[name]["parents"].values())
    assert {artifacts[name]["kind"] for name in seen} >= {
        "raw",
        "clean",
        "processed",
        "augmented",
        "models",
        "profiles",
    }
    for name in seen:
        if artifacts[name]["operation"] in ("refine.refine", "refine.train"):
            inputs = [artifacts[parent] for parent in artifacts[name]["parents"].values()]
            assert not any("holdout.parquet" in [f["name"] for f in i["files"]] for i in inputs)
