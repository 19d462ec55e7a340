"""The three operations, run in-process on a real store: files in, files out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.clock import utc_now
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import ArtifactFile, Manifest
from services.artifacts.opening import open_store
from services.artifacts.parquet import describe, write_table
from services.jobs.testing import run_operation
from services.machines.profile import MachineProfile, Sensor
from services.machines.registry import Machines
from services.mapping.operations import OPERATIONS

APPLY, JOIN, TRANSFORM, MERGE = OPERATIONS
TIME = {"format": "", "day_first": None, "zone": "", "gap_factor": 5.0}
PROFILE = MachineProfile(
    "m1", (Sensor("oil_temp", "°F", min=50, max=300), Sensor("load", "%"), Sensor("on", role="state")), rul_unit="h"
)


def catalog_at(folder: Path) -> Catalog:
    return Catalog(open_store(str(folder)))


def publish(
    catalog: Catalog, tmp_path: Path, kind: str, name: str, table: pl.DataFrame, units: dict[str, str] | None = None
) -> str:
    path = tmp_path / name
    write_table(path, table, units=units or {})
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"{kind}/m1/{digest}/0/{name}"
    catalog.store.put_file(key, path)
    rows, columns = describe(path)
    file = ArtifactFile(name, key, digest, len(data), "application/vnd.apache.parquet", rows, columns)
    return catalog.publish(Manifest("m1", kind, digest, "test.made", 1, {}, {}, 0, "test", (file,), utc_now())).name


def parsed_table(rows: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "source_row": np.arange(1, rows + 1),
            "Time": pl.Series(np.arange(rows) * 60 + 1_700_000_000),
            "OilTemp": 80 + rng.normal(0, 1, rows),
            "Load": rng.uniform(0, 100, rows),
            "On": rng.integers(0, 2, rows).astype(float),
            "Note": ["x"] * rows,
        }
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return catalog_at(tmp_path / "store")


def rule(column: str, role: str, sensor: str = "", source_unit: str = "") -> dict[str, str]:
    return {"column": column, "role": role, "sensor": sensor, "source_unit": source_unit}


def test_parsed_rows_go_through_all_three_operations(catalog: Catalog, tmp_path: Path) -> None:
    profile = Machines(catalog.store, catalog).register(PROFILE).artifact
    parsed = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table(), {"OilTemp": "°C"})
    columns = [
        rule("Time", "timestamp"),
        rule("OilTemp", "sensor", "oil_temp"),
        rule("Load", "sensor", "load"),
        rule("On", "state", "on"),
        rule("Note", "auxiliary"),
    ]
    mapped = run_operation(
        APPLY,
        Derivation(
            "m1",
            "mapping.apply",
            APPLY.revision,
            {"table": parsed, "profile": profile},
            {"columns": columns, "time": TIME},
        ),
        catalog,
    )["table"]
    table = catalog.read_table(mapped.name, "table.parquet")
    assert table.columns == ["source_row", "timestamp", "segment", "oil_temp", "load", "on", "aux.Note"]
    assert table["oil_temp"].mean() == pytest.approx(176, abs=1)
    assert {column.name: column.unit for column in mapped.file("table.parquet").columns}["oil_temp"] == "°F"
    report = catalog.read_json(mapped.name, "mapping.json")
    assert report["rows"] == {"in": 600, "out": 600}

    params = {
        "rul": {"mode": "auto", "cap": 0.0, "runs_end_in_failure": None},
        "split": {"train": 0.7, "val": 0.15, "by": "auto"},
    }
    transformed = run_operation(
        TRANSFORM,
        Derivation("m1", "mapping.transform", 1, {"table": mapped.name, "profile": profile}, params, 3),
        catalog,
    )["table"]
    processed = catalog.read_table(transformed.name, "processed.parquet")
    holdout = catalog.read_table(transformed.name, "holdout.parquet")
    assert processed.height == 600
    assert holdout.height == processed.filter(pl.col("split") == "test").height > 80

    seeds = pl.DataFrame(
        {
            "run_id": ["s"] * 50,
            "timestamp": pl.Series(np.arange(50) * 60_000_000).cast(pl.Datetime("us", "UTC")),
            "oil_temp": np.linspace(150, 170, 50),
            "load": np.linspace(0, 100, 50),
            "on": ["1"] * 50,
            "rul": np.linspace(50, 0, 50),
        }
    )
    seed = publish(catalog, tmp_path, "seeds", "seed.parquet", seeds, {"rul": "h"})
    merged = run_operation(
        MERGE,
        Derivation(
            "m1",
            "mapping.merge",
            1,
            {"table": transformed.name, "profile": profile, "seed": seed},
            {"strategy": "merge", "balance_rul": False},
            5,
        ),
        catalog,
    )["rows"]
    train = catalog.read_table(merged.name, "train.parquet")
    val = catalog.read_table(merged.name, "val.parquet")
    assert set(train["provenance"].unique()) == {"real", "seed"}
    assert val["provenance"].unique().to_list() == ["real"]
    assert (
        train.filter(pl.col("provenance") == "real")["rul"].null_count()
        == processed.filter(pl.col("split") == "train").height
    )
    described = {column.name: dict(column.metadata) for column in merged.file("train.parquet").columns}
    assert described["rul"]["seed_derived"] == "true"
    assert "aux.Note" not in train.columns
    assert not set(train["timestamp"]) & set(holdout["timestamp"])


def test_the_same_inputs_give_the_same_rows(catalog: Catalog, tmp_path: Path) -> None:
    profile = Machines(catalog.store, catalog).register(PROFILE).artifact
    parsed = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table())
    columns = [rule("Time", "timestamp"), rule("OilTemp", "sensor", "oil_temp", "°C")]
    derivation = Derivation(
        "m1",
        "mapping.apply",
        APPLY.revision,
        {"table": parsed, "profile": profile},
        {"columns": columns, "time": TIME},
    )
    first = run_operation(APPLY, derivation, catalog)["table"]
    second = run_operation(APPLY, derivation, catalog_at(tmp_path / "store"))["table"]
    assert first.name == second.name


def test_a_failure_log_of_another_file_gives_remaining_life(catalog: Catalog, tmp_path: Path) -> None:
    profile = Machines(catalog.store, catalog).register(PROFILE).artifact
    parsed = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table())
    columns = [rule("Time", "timestamp"), rule("OilTemp", "sensor", "oil_temp", "°C")]
    mapping = Derivation(
        "m1",
        "mapping.apply",
        APPLY.revision,
        {"table": parsed, "profile": profile},
        {"columns": columns, "time": TIME},
    )
    mapped = run_operation(APPLY, mapping, catalog)["table"]
    failed_at = pl.Series([1_700_000_000 + 500 * 60]).cast(pl.Int64)
    log = publish(catalog, tmp_path, "clean", "table.parquet", pl.DataFrame({"failure_time": failed_at}))
    params = {
        "rul": {"mode": "auto", "cap": 0.0, "runs_end_in_failure": None},
        "split": {"train": 0.7, "val": 0.15, "by": "auto"},
        "failure_log": {"run_column": "", "time_column": "", "kind_column": "", "kinds": [], "time": TIME},
    }
    inputs = {"table": mapped.name, "profile": profile, "failures": log}
    made = run_operation(TRANSFORM, Derivation("m1", "mapping.transform", 1, inputs, params, 3), catalog)["table"]
    rul = catalog.read_table(made.name, "processed.parquet")["rul"]
    assert rul[0] == pytest.approx(500 / 60)
    assert rul[500] == 0
    assert rul.null_count() == 99
    assert catalog.read_json(made.name, "transform.json")["failure_log"]["failures"] == 1


def test_two_mapped_tables_are_joined_with_units_and_provenance_of_both(catalog: Catalog, tmp_path: Path) -> None:
    profile = Machines(catalog.store, catalog).register(PROFILE).artifact
    fast = publish(catalog, tmp_path, "clean", "table.parquet", parsed_table(), {"OilTemp": "°C"})
    slow_rows = parsed_table().gather_every(10).select("source_row", "Time", "Load")
    slow = publish(catalog, tmp_path, "clean", "table.parquet", slow_rows)

    def mapped(table: str, *rules: dict[str, str]) -> str:
        params = {"columns": [rule("Time", "timestamp"), *rules], "time": TIME}
        derivation = Derivation("m1", "mapping.apply", APPLY.revision, {"table": table, "profile": profile}, params)
        return run_operation(APPLY, derivation, catalog)["table"].name

    inputs = {
        "table": mapped(fast, rule("OilTemp", "sensor", "oil_temp")),
        "other": mapped(slow, rule("Load", "sensor", "load")),
        "profile": profile,
    }
    made = run_operation(JOIN, Derivation("m1", "mapping.join", 1, inputs, {"tolerance_s": 0.0}), catalog)["table"]
    table = catalog.read_table(made.name, "table.parquet")
    assert table.height == 60
    assert table.columns == ["source_row", "timestamp", "segment", "oil_temp", "load"]
    assert table.null_count().sum_horizontal().item() == 0
    units = {column.name: column.unit for column in made.file("table.parquet").columns}
    assert (units["oil_temp"], units["load"]) == ("°F", "%")
