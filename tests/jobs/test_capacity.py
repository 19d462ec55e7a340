"""Workers stay within their container, so that a big job fails with a reason and nobody else with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.jobs.capacity import MEMORY_MB, allowed_mb, job_memory_mb, usable_cores


def test_a_containers_quota_bounds_the_cores(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert usable_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert usable_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usable_cores(tmp_path) == usable_cores(tmp_path / "none") >= 1


def test_all_workers_together_fit_the_container(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{8 << 30}\n")
    assert 2 * job_memory_mb(2, tmp_path) + 512 <= 8192
    (tmp_path / "memory.max").write_text("max\n")
    assert job_memory_mb(2, tmp_path) == 0


def test_an_operation_gets_what_it_asks_for_up_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MEMORY_MB, raising=False)
    assert allowed_mb(8192) == 8192
    monkeypatch.setenv(MEMORY_MB, "3000")
    assert allowed_mb(8192) == 3000
    assert allowed_mb(1024) == 1024
