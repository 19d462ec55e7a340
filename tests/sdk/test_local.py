"""What the client remembers is convenience: losing it loses nothing, and no other user can get at the socket."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clients.sdk import local
from clients.sdk.errors import SensorForgeClientError


def test_what_was_remembered_is_found_again(home: Path) -> None:
    local.remember(endpoint="127.0.0.1:1")
    local.remember(last_run="machines/pump/runs/1")
    assert local.remembered() == local.Remembered("127.0.0.1:1", "machines/pump/runs/1")


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"'])
def test_a_damaged_memory_is_an_empty_one(home: Path, content: str) -> None:
    local.config_directory().mkdir(parents=True)
    (local.config_directory() / "client.json").write_text(content)
    assert local.remembered() == local.Remembered()


def test_a_home_that_cannot_be_written_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "file"))
    local.remember(last_run="machines/pump/runs/1")
    assert local.remembered() == local.Remembered()


def test_the_store_comes_from_the_environment_or_the_data_directory(home: Path) -> None:
    assert local.default_store({"SENSORFORGE_STORE": "s3://b/p"}) == "s3://b/p"
    assert local.default_store({"XDG_DATA_HOME": "/d"}) == "/d/sensorforge/store"


def test_one_store_has_one_key_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert local.store_key("store") == local.store_key(str(tmp_path / "store")) == local.store_key("./x/../store")
    assert local.store_key("s3://b/p") != local.store_key("s3://b/q")


def test_the_socket_directory_is_private(tmp_path: Path) -> None:
    directory = local.runtime_directory({"XDG_RUNTIME_DIR": str(tmp_path)})
    if directory.is_relative_to(tmp_path):  # a long temporary directory has no room for a socket's path
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_socket_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    short = Path(f"/tmp/sf-test-{os.getpid()}")
    (short / "sensorforge").mkdir(parents=True)
    (short / "sensorforge").chmod(0o755)
    try:
        with pytest.raises(SensorForgeClientError, match="only this user"):
            local.runtime_directory({"XDG_RUNTIME_DIR": str(short)})
    finally:
        (short / "sensorforge").rmdir()
        short.rmdir()
