"""A small machine whose physics is known: tables of it, its profile, and a catalogue to run operations in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.manifest import ArtifactFile, Manifest
from services.artifacts.opening import open_store
from services.artifacts.parquet import write_table
from services.machines.profile import MachineProfile, Sensor
from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.original import OriginalTraining

MACHINE = "pump-1"


def pump(rows: int, seed: int = 0, *, real: bool = False) -> pl.DataFrame:
    """A pump: speed drives flow and power, wear lowers rul and raises vibration. `real` shifts the physics."""
    rng = np.random.default_rng([seed, int(real)])
    life = rng.random(rows)
    speed = np.where(rng.random(rows) < 0.4, 900.0, 1500.0 if not real else 1450.0) + rng.normal(0, 15, rows)
    flow = speed * (0.02 if not real else 0.024) * (1 - 0.2 * life) + rng.normal(0, 0.3, rows)
    power = np.round(1e-3 * flow * speed / 40 * (1 + 0.3 * life) + rng.normal(0, 0.01, rows), 2)
    vibration = np.exp((0.2 if not real else 0.5) + 1.2 * life**3 + rng.normal(0, 0.1, rows))
    return pl.DataFrame(
        {
            "run_id": [f"r{i * 10 // rows}" for i in range(rows)],
            "speed_rpm": speed,
            "flow_m3h": flow,
            "power_kw": power,
            "vibration_mm_s": vibration,
            "rul": 1000 * (1 - life),
        }
    )


PROFILE = MachineProfile(
    machine_id=MACHINE,
    sensors=(
        Sensor("speed_rpm", unit="rpm", min=0, max=1800),
        Sensor("flow_m3h", unit="m³/h", min=0, max=60),
        Sensor("power_kw", unit="kW", min=0, max=10),
        Sensor("vibration_mm_s", unit="mm/s", min=0, max=50),
    ),
    rul_unit="h",
    rul_max=1200.0,
)


class Shelf:
    """A catalogue in a directory, and a short way to put input artifacts into it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.catalog = Catalog(open_store(str(directory / "store")))

    def put(self, kind: str, files: Mapping[str, Any], *, operation: str = "test.put") -> str:
        """Publishes an artifact of Parquet tables, bytes and JSON values; returns its name."""
        contents = {name: _bytes(self.directory, value) for name, value in files.items()}
        digest = hashlib.sha256(b"".join(name.encode() + data for name, data in sorted(contents.items()))).hexdigest()
        entries = []
        for name, data in contents.items():
            key = f"{kind}/{MACHINE}/{digest}/{name}"
            self.catalog.store.create(key, data)
            entries.append(
                ArtifactFile(name, key, hashlib.sha256(data).hexdigest(), len(data), "application/octet-stream")
            )
        manifest = Manifest(
            machine=MACHINE,
            kind=kind,
            hash=digest,
            operation=operation,
            revision=1,
            parents={},
            params={},
            seed=0,
            producer="test",
            files=tuple(entries),
            created="2026-01-01T00:00:00Z",
        )
        return self.catalog.publish(manifest).name


def _bytes(directory: Path, value: Any) -> bytes:
    if isinstance(value, pl.DataFrame):
        path = directory / "table.parquet"
        write_table(path, value)
        return path.read_bytes()
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Returns an empty catalogue."""
    return Shelf(tmp_path)


@pytest.fixture
def profile_artifact(shelf: Shelf) -> str:
    """Returns the pump's profile as an artifact."""
    return shelf.put("profiles", {"profile.json": PROFILE.to_json()})


@pytest.fixture(params=["flow", "tvae"])
def base(request: pytest.FixtureRequest) -> Model:
    """Returns an original model of either engine."""
    return original(request.param)


@pytest.fixture
def flow_base() -> Model:
    """Returns an original model of the flow."""
    return original("flow")


@cache  # models are never changed: what is refined is a copy
def original(engine: str = "flow") -> Model:
    """Returns a model of 2,000 seed rows."""
    options = TrainingOptions(engine=engine, epochs=10, batch_size=64)
    training = OriginalTraining(MACHINE, pump(2000), profile=PROFILE, options=options)
    list(training.epochs())
    return training.result()[0]
