"""Files to read, written on the spot, and a store to run the stage's operations against."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.manifest import Manifest
from services.artifacts.objects import ObjectStore
from services.artifacts.opening import open_store
from services.artifacts.uploads import Uploads
from services.ingest.datasets import Dataset, read_dataset
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source

os.environ.setdefault("POLARS_MAX_THREADS", "2")

Read = Callable[..., Dataset]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes, or a path, as a dataset with options by name; `name` is what the sender calls the file."""
    count = 0

    def read_it(
        *contents: bytes | Path,
        name: str = "export.csv",
        limits: Limits | None = None,
        register_map: Path | None = None,
        **options: Any,
    ) -> Dataset:
        nonlocal count
        count += 1
        folder = tmp_path / f"read-{count}"
        folder.mkdir()
        sources = []
        for number, content in enumerate(contents):
            if isinstance(content, bytes):
                path = tmp_path / f"{count}-{number}.bin"
                path.write_bytes(content)
                sources.append(Source(path, name if len(contents) == 1 else f"{number}-{name}"))
            else:
                sources.append(Source(content, content.name))
        mapped = Source(register_map, register_map.name) if register_map else None
        return read_dataset(sources, ReadOptions(**options), limits or Limits(), folder, register_map=mapped)

    return read_it


def values(dataset: Dataset, column: str) -> list[Any]:
    return dataset.table[column].to_list()


def facts(dataset: Dataset) -> Mapping[str, str]:
    return {f.key: f.value for f in dataset.facts}


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def catalog(store: ObjectStore) -> Catalog:
    return Catalog(store)


@pytest.fixture
def upload(store: ObjectStore, catalog: Catalog) -> Callable[[bytes, str], Manifest]:
    """Uploads bytes under a name and returns the raw artifact."""
    uploads = Uploads(store, catalog)

    def upload_it(data: bytes, name: str = "export.csv") -> Manifest:
        opened = uploads.open("m1", name, len(data), f"{name}-{hashlib.sha256(data).hexdigest()}")
        with uploads.writer(opened.name) as writer:
            writer.write(0, data)
        return uploads.finish(opened.name, hashlib.sha256(data).hexdigest())[0]

    return upload_it


def steady(rows: int = 200) -> bytes:
    """Returns a plain CSV of a machine: a time, two temperatures, a current."""
    frame = pl.DataFrame({"i": range(rows)}).select(
        (pl.datetime(2024, 1, 1) + pl.duration(seconds=10 * pl.col("i")))
        .dt.strftime("%Y-%m-%d %H:%M:%S")
        .alias("time"),
        (60 + (pl.col("i") / 7).sin()).round(3).alias("bearing [°C]"),
        (40 + (pl.col("i") / 11).cos()).round(3).alias("oil [°C]"),
        (5 + (pl.col("i") / 3).sin()).round(3).alias("current [A]"),
    )
    return frame.write_csv().encode()
