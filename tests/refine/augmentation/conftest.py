"""A small machine that lives and dies, a model of it, and a way to augment it quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.artifacts.derivation import Derivation
from services.artifacts.manifest import Manifest
from services.jobs.operation import Operation
from services.jobs.testing import Recording, run_operation
from services.machines.profile import MachineProfile, Sensor
from services.refine.augmentation import cascade, operation, sets
from services.refine.codec import Codec, column_specs
from services.refine.engines import Shape, create_engine
from services.refine.model import Model, layout_of
from services.refine.training import Rows, Schedule, train
from tests.refine.conftest import MACHINE, Shelf

PROFILE = MachineProfile(
    MACHINE,
    (
        Sensor("temp", unit="°C", min=0, max=100, resolution=0.1),
        Sensor("flow", unit="m³/h", min=0, max=50),
        Sensor("vib", unit="mm/s", min=0, max=20),
        Sensor("mode", role="state", states=("idle", "run")),
    ),
    sampling_period_s=60.0,
    rul_unit="h",
    rul_max=40.0,
)
AUGMENT = Operation("refine.augment", 1, operation.run)


def lives(runs: int = 16, seed: int = 0) -> pl.DataFrame:
    """Returns run-to-failure rows: slow drift with age, run offsets, AR noise, a state with dwell times, a clock."""
    rng = np.random.default_rng(seed)
    parts, start = [], datetime(2024, 3, 1, 6, tzinfo=UTC)
    for number in range(runs):
        n = int(rng.integers(90, 180))
        age = np.arange(n) / n
        wander = np.zeros(n)
        for k in range(1, n):
            wander[k] = 0.9 * wander[k - 1] + rng.normal(0, 0.4)
        running = (np.sin(np.arange(n) / 9 + rng.normal()) > -0.6).astype(float)
        temp = 40 + rng.normal(0, 2) + 25 * age**3 + 2 * wander + 4 * running
        flow = np.clip(25 + 12 * running - 6 * age**2 + rng.normal(0, 0.5, n), 0, 50)
        vib = np.clip(2 + rng.normal(0, 0.2) + 7 * age**4 + 0.3 * rng.normal(0, 1, n), 0, 20)
        parts.append(
            pl.DataFrame(
                {
                    "run_id": [f"r{number:02d}"] * n,
                    "timestamp": [start + timedelta(minutes=k) for k in range(n)],
                    "segment": pl.Series([number] * n, dtype=pl.Int32),
                    "temp": np.round(temp, 1),
                    "flow": flow,
                    "vib": vib,
                    "mode": np.where(running > 0, "run", "idle"),
                    "rul": np.arange(n)[::-1] / 60,
                    "split": ["train" if number % 5 < 3 else ("val" if number % 5 == 3 else "test")] * n,
                }
            )
        )
        start += timedelta(minutes=n + 200)
    return pl.concat(parts)


def series(rows: int = 1500, *, drift: float = 0.0, seed: int = 1) -> pl.DataFrame:
    """Returns one continuous record without run or RUL, every 10 minutes, with a daily rhythm."""
    rng = np.random.default_rng(seed)
    k = np.arange(rows)
    day = np.sin(2 * np.pi * k / 144)
    wander = np.zeros(rows)
    for i in range(1, rows):
        wander[i] = 0.95 * wander[i - 1] + rng.normal(0, 0.3)
    start = datetime(2024, 3, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "timestamp": [start + timedelta(minutes=10 * int(i)) for i in k],
            "temp": np.round(50 + 6 * day + 3 * wander + 20 * drift * k / rows, 1),
            "flow": 25 + 4 * day + rng.normal(0, 0.6, rows) + 8 * drift * k / rows,
            "vib": np.clip(3 + 0.4 * wander + rng.normal(0, 0.2, rows) + 3 * drift * k / rows, 0, 20),
            "split": np.where(k % 300 < 220, "train", np.where(k % 300 < 260, "val", "test")),
        }
    )


def model_of(table: pl.DataFrame, kind: str = "flow", profile: MachineProfile = PROFILE) -> Model:
    """Returns a briefly trained model of the table's training rows."""
    rows = table.filter(pl.col("split") == "train")
    names = [name for name in rows.columns if name in ("temp", "flow", "vib", "mode", "rul")]
    codec = Codec.fit(rows.select(names), column_specs(profile, names))
    engine = create_engine(kind, layout_of(codec, False), Shape(32, 2, 6))
    encoded = codec.encode(rows, np.random.default_rng(0))
    data = Rows(encoded.scores, codec.conditions(encoded.codes))
    train(engine, data, data, Schedule(4, 128, 40, 2e-3))
    return Model(MACHINE, engine, codec, "refined")


@dataclass(frozen=True)
class Augmented:
    """The three sets, the report, the manifest and the recording of one augmentation."""

    train: pl.DataFrame
    val: pl.DataFrame
    test: pl.DataFrame
    report: dict[str, Any]
    manifest: Manifest
    recording: Recording

    @property
    def every(self) -> pl.DataFrame:
        """All sets in order."""
        return pl.concat([self.train, self.val, self.test])


Augment = Callable[..., Augmented]


@pytest.fixture(autouse=True, scope="session")
def quick_fits() -> Iterator[None]:
    """Makes fits short: the promises tested here do not depend on how good the networks are."""
    patch = pytest.MonkeyPatch()
    patch.setattr(cascade, "STEPS", 240)
    patch.setattr(cascade, "EPOCHS", 6)
    patch.setattr(sets, "_TRIAL_ROWS", 8000)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def augment(tmp_path_factory: pytest.TempPathFactory) -> Augment:
    """Returns a function that augments a table (with a model of it, or of `like`) and reads what came out."""
    models: dict[tuple[int, str], Model] = {}

    def run(
        table: pl.DataFrame,
        params: dict[str, Any] | None = None,
        *,
        kind: str = "flow",
        seed: int = 3,
        model: Model | None = None,
        profile: MachineProfile = PROFILE,
        with_table: bool = True,
    ) -> Augmented:
        model = model or models.setdefault((id(table), kind), model_of(table, kind))
        document, weights = model.to_files()
        shelf = Shelf(tmp_path_factory.mktemp("shelf"))
        inputs = {
            "model": shelf.put("models", {"model.json": document, "weights.safetensors": weights}),
            "profile": shelf.put("profiles", {"profile.json": profile.to_json()}),
        }
        if with_table:
            inputs["table"] = shelf.put("processed", {"processed.parquet": table})
        recording = Recording()
        derivation = Derivation(MACHINE, "refine.augment", 1, inputs, params or {"rows": 1000}, seed)
        manifest = run_operation(AUGMENT, derivation, shelf.catalog, recording)["sets"]
        sets = (shelf.catalog.read_table(manifest.name, f"{name}.parquet") for name in ("train", "val", "test"))
        return Augmented(*sets, shelf.catalog.read_json(manifest.name, "quality.json"), manifest, recording)

    return run


@pytest.fixture(scope="session")
def table() -> pl.DataFrame:
    return lives()
