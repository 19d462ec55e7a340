"""Small machines with a known truth, and a real store to run the operation in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.opening import open_store
from services.compare.datasets import Datasets, build_datasets
from services.compare.metrics.samples import Samples
from services.machines.profile import MachineProfile, Sensor

Machine = Callable[[int, int], pl.DataFrame]


def machine_rows(n: int, seed: int, *, shift: float = 0.0) -> pl.DataFrame:
    """Returns n independent rows: load drives current and, slowly, temperature; a mode; a constant; life left."""
    rng = np.random.default_rng(seed)
    load = rng.beta(2, 3, n)
    wear = rng.uniform(0, 1, n)
    return pl.DataFrame(
        {
            "current_a": 20 + 60 * load + rng.normal(0, 2, n) + shift * 10,
            "bearing_temp": 40 + 25 * load + 20 * wear**2 + rng.normal(0, 1, n) + shift * 5,
            "vibration": np.exp(0.2 + wear + 0.3 * rng.normal(0, 1, n)) * (1 + shift),
            "rated": np.full(n, 14.62),
            "mode": np.where(load > 0.5, "high", "low"),
            "rul": 100 * (1 - wear),
        }
    )


PROFILE = MachineProfile(
    "m1",
    (
        Sensor("current_a", unit="A", min=0, max=150),
        Sensor("bearing_temp", unit="°C", min=-20, max=150),
        Sensor("vibration", unit="mm/s", min=0, max=60),
        Sensor("rated", unit="psi", min=0, max=20),
        Sensor("mode", role="state", states=("low", "high")),
    ),
    title="Test machine",
    rul_unit="h",
    rul_max=100,
)


def split_rows(train: int, val: int, test: int, seed: int = 1) -> pl.DataFrame:
    """Returns real rows with a split column."""
    split = ["train"] * train + ["val"] * val + ["test"] * test
    return machine_rows(train + val + test, seed).with_columns(pl.Series("split", split))


def datasets(
    real: pl.DataFrame | None = None, refined: pl.DataFrame | None = None, seed: pl.DataFrame | None = None
) -> Datasets:
    """Returns aligned sets; by default everything comes from the same machine."""
    return build_datasets(
        split_rows(2000, 500, 1000) if real is None else real,
        machine_rows(2000, 2) if refined is None else refined,
        seed,
        PROFILE,
    )


def samples_of(data: Datasets, resamples: int = 40) -> Samples:
    """Returns the refined rows to be measured."""
    return Samples("refined", data, data.refined, seed=3, resamples=resamples)


def numbers(real_train: np.ndarray, real_test: np.ndarray, refined: np.ndarray) -> Samples:
    """Returns samples of plain number columns c0, c1, ... given as (n, d) arrays."""
    names = [f"c{i}" for i in range(real_test.shape[1])]
    split = ["train"] * len(real_train) + ["test"] * len(real_test)
    real = pl.DataFrame(np.vstack([real_train, real_test]), schema=names).with_columns(pl.Series("split", split))
    profile = MachineProfile("m1", tuple(Sensor(name) for name in names))
    return samples_of(build_datasets(real, pl.DataFrame(refined, schema=names), None, profile))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(open_store(str(tmp_path / "store")))


def normal(n: int, d: int = 1, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))
