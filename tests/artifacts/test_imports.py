"""What a worker loads decides how fast it starts and whether it may fork: proved in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("services.artifacts.opening", ("grpc", "obstore", "minio", "polars", "pyarrow")),
        ("services.artifacts.catalog", ("grpc", "obstore", "minio")),
        ("services.artifacts.uploads", ("grpc", "obstore", "minio")),
        ("services.artifacts.parquet", ("grpc", "obstore", "minio")),
        ("services.artifacts.servicer", ("obstore", "minio")),
    ],
)
def test_a_room_loads_only_what_it_needs(module: str, never: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(sorted(set({never!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
