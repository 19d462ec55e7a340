"""What a directory adds to the contract of stores: shared by processes, swept, read-only, honest about a full disk."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.artifacts.local import LocalStore
from services.artifacts.objects import ObjectMissing, StoreUnavailable

LIVING = """
import sys
from pathlib import Path
from services.artifacts.local import LocalStore
with LocalStore(Path(sys.argv[1])).writer("key") as sink:
    sink.write(b"living")
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_the_sweep_leaves_a_living_writer_of_another_process_alone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LIVING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        store = LocalStore(tmp_path)
        assert len(list((tmp_path / ".writing").iterdir())) == 1
        writer.communicate("finish\n", timeout=30)
    assert writer.returncode == 0
    assert store.get("key") == b"living"


def test_the_sweep_leaves_a_living_writer_of_this_process_alone(tmp_path: Path) -> None:
    with LocalStore(tmp_path).writer("key") as sink:
        sink.write(b"living")
        LocalStore(tmp_path)
    assert LocalStore(tmp_path).get("key") == b"living"


def test_what_dead_writers_left_is_swept_at_the_next_start(tmp_path: Path) -> None:
    LocalStore(tmp_path)
    (tmp_path / ".writing" / "left").write_bytes(b"half")
    LocalStore(tmp_path)
    assert list((tmp_path / ".writing").iterdir()) == []


def test_objects_are_read_only_files_in_a_private_directory(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.create("a/small", b"1")
    with store.writer("a/bulk") as sink:
        sink.write(b"2")
    for key in ("a/small", "a/bulk"):
        path = store.local_path(key)
        assert path is not None
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_a_full_disk_is_an_unavailable_store_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path)
    store.create("before", b"")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StoreUnavailable, match="No space left"):
            store.create("key", b"data")
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left"), store.writer("key") as sink:
            sink.write(b"data")
    assert list(store.list("")) == ["before"]
    assert list((tmp_path / ".writing").iterdir()) == []
    store.create("key", b"data")
    assert store.get("key") == b"data"


def test_an_error_of_the_caller_stays_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), LocalStore(tmp_path).writer("key"):
        (tmp_path / "the caller's own file").read_bytes()


def test_a_key_below_an_object_is_refused_and_says_so(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("a/b", b"object")
    with pytest.raises(StoreUnavailable, match="is an object"):
        store.create("a/b/c", b"below")
    with pytest.raises(ObjectMissing):
        store.get("a/b/c")


def test_empty_directories_may_be_tidied_away_under_a_running_store(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("a/b/1", b"")
    store.delete(["a/b/1"])
    (tmp_path / "a" / "b").rmdir()
    (tmp_path / "a").rmdir()
    store.create("a/b/2", b"new")
    assert store.get("a/b/2") == b"new"


def test_every_object_is_flushed_before_it_is_named_and_its_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "darwin":
        pytest.skip("macOS flushes with fcntl")
    store = LocalStore(tmp_path)
    store.create("a/first", b"")
    order: list[str] = []
    for name in ("fsync", "link", "replace"):
        call = getattr(os, name)

        def noted(*args: object, name: str = name, call: object = call) -> object:
            target = os.readlink(f"/proc/self/fd/{args[0]}") if name == "fsync" and os.path.exists("/proc") else ""
            order.append(f"{name} {'directory' if target.endswith('/a') else 'file'}" if name == "fsync" else name)
            return call(*args)  # type: ignore[operator]

        monkeypatch.setattr(os, name, noted)
    store.create("a/key", b"data")
    assert order == ["fsync file", "link", "fsync directory"]
    order.clear()
    with store.writer("a/bulk") as sink:
        sink.write(b"data")
    assert order == ["fsync file", "replace", "fsync directory"]
