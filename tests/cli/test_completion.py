"""What Tab offers: names of a running service, nothing that waits, and never an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.cli import completion


@pytest.fixture(autouse=True)
def nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SENSORFORGE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SENSORFORGE_ENDPOINT", raising=False)


def test_without_a_service_only_the_last_run_is_offered_and_none_is_started(tmp_path: Path) -> None:
    assert completion.runs("") == [("last", "the last run")]
    assert completion.runs("x") == []
    assert completion.machines("") == []
    assert not (tmp_path / "store").exists()


def test_an_endpoint_where_nobody_is_offers_nothing_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SENSORFORGE_ENDPOINT", "127.0.0.1:1")
    assert completion.machines("p") == []
    monkeypatch.setenv("SENSORFORGE_ENDPOINT", "not an endpoint:x:y")
    assert completion.machines("p") == []
    assert capfd.readouterr().out == ""


def test_names_of_a_running_service_are_offered(
    here: Callable[..., Any], services: str, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here("machines", "add", str(profile), SENSORFORGE_ENDPOINT=services).returncode == 0
    monkeypatch.setenv("SENSORFORGE_ENDPOINT", services)
    (known,) = [name for name, _ in completion.machines("") if name in profile.read_text("utf-8")]
    assert [name for name, _ in completion.machines(known[:3])] == [known]
