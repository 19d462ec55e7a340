"""A directory as an object store, durable against a crash at any step.

Bytes go to a temporary file, are flushed to the disk, and only then get their name: by a hard link for `create`, which
fails when the name is taken, and by a rename for bulk bytes; then the directory is flushed as well. A killed writer
leaves a temporary file, which the next start sweeps: temporary files are locked by their living writers, so any number
of processes may share the directory. Nothing follows a key out of the directory, since keys are checked segments.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from services.artifacts.objects import (
    ObjectExists,
    ObjectMissing,
    StoredObject,
    StoreUnavailable,
    check_key,
    check_prefix,
)

_TEMPORARY = ".writing"  # no key segment begins with a dot
_NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_MOST_KNOWN = 50_000


class LocalStore:
    """Objects as read-only files under `root`, which is made when it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = self.root.as_uri()
        self._temporary = self.root / _TEMPORARY
        self._known: set[Path] = set()  # directories whose own entries are durable
        self._known_lock = threading.Lock()
        with _translated(self.url):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._temporary.mkdir(mode=0o700, exist_ok=True)
            self._sweep()

    def create(self, key: str, data: bytes) -> None:
        target = self._path(key)
        with _translated(key):
            if not target.exists():
                descriptor, temporary = self._open_temporary()
                try:
                    _write_all(descriptor, data)
                    _seal(descriptor)
                    self._name(target, lambda: os.link(temporary, target))
                    return
                except FileExistsError:
                    pass
                finally:
                    os.unlink(temporary)
                    os.close(descriptor)
            _sync_directory(target.parent)  # who is told "exists" may rely on it
        raise ObjectExists(key)

    def get(self, key: str) -> bytes:
        with self._opened(key) as file:
            return file.read()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 0:
            raise ValueError(f"not a range: {start=}, {length=}")
        with self._opened(key) as file:
            file.seek(start)
            return file.read(length)

    def size(self, key: str) -> int:
        with self._opened(key) as file:
            return os.fstat(file.fileno()).st_size

    def chunks(self, key: str, start: int = 0, chunk: int = 1 << 20) -> Iterator[bytes]:
        with self._opened(key) as file:
            file.seek(start)
            while piece := file.read(chunk):
                yield piece

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        target = self._path(key)
        with _translated(key):
            descriptor, temporary = self._open_temporary()
        try:
            # The caller gets its own descriptor, so that a library that closes its sink does no harm.
            with os.fdopen(os.dup(descriptor), "wb") as sink:
                yield sink
            with _translated(key):
                _seal(descriptor)
                self._name(target, lambda: os.replace(temporary, target))
        finally:
            temporary.unlink(missing_ok=True)
            os.close(descriptor)

    def put_file(self, key: str, path: Path) -> None:
        with path.open("rb") as source, self.writer(key) as sink:
            shutil.copyfileobj(source, sink, 1 << 20)

    def list(self, prefix: str, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        folder = check_prefix(prefix).rpartition("/")[0]
        keys = self._walk(self.root / folder, f"{folder}/" if folder else "", prefix, start_after)
        for count, key in enumerate(keys):
            if count == limit:
                return
            yield key

    def scan(self, prefix: str) -> Iterator[StoredObject]:
        for key in self.list(prefix):
            try:
                status = self._path(key).stat()
            except _NOT_THERE:
                continue
            yield StoredObject(key, status.st_size, status.st_mtime)

    def delete(self, keys: Iterable[str]) -> None:
        directories: set[Path] = set()
        for key in keys:
            path = self._path(key)
            with _translated(key):
                try:
                    os.unlink(path)
                except _NOT_THERE:
                    continue
            directories.add(path.parent)
        for directory in directories:
            with _translated(str(directory)):
                _sync_directory(directory)

    def local_path(self, key: str) -> Path | None:
        path = self._path(key)
        if not path.is_file():
            raise ObjectMissing(key)
        return path

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        with _translated(key):
            try:
                file = path.open("rb")
            except _NOT_THERE:
                raise ObjectMissing(key) from None
            with file:
                yield file

    def _open_temporary(self) -> tuple[int, Path]:
        """Returns a locked, empty temporary file. The lock tells sweepers that its writer lives."""
        while True:
            path = self._temporary / uuid.uuid4().hex
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor, path
            os.close(descriptor)  # swept between open and lock

    def _sweep(self) -> None:
        for path in self._temporary.iterdir():
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                pass  # its writer lives
            finally:
                os.close(descriptor)

    def _name(self, target: Path, give: Callable[[], None]) -> None:
        """Gives a sealed file its name, durably; makes the directory where it is missing."""
        self._make_directory(target.parent)
        try:
            give()
        except FileNotFoundError:  # somebody tidied the empty directory away
            with self._known_lock:
                self._known.clear()
            self._make_directory(target.parent)
            give()
        _sync_directory(target.parent)

    def _make_directory(self, directory: Path) -> None:
        """Makes a directory and its parents, each durable in its own parent."""
        if directory in self._known or directory == self.root:
            return
        self._make_directory(directory.parent)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            if not directory.is_dir():
                raise NotADirectoryError(f"{directory} is an object, so no key can lie below it") from None
        _sync_directory(directory.parent)
        with self._known_lock:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add(directory)

    def _walk(self, directory: Path, base: str, prefix: str, start_after: str) -> Iterator[str]:
        """Yields keys below a directory. A directory sorts as its name with "/", which is the order of whole keys."""
        with _translated(base):
            try:
                with os.scandir(directory) as entries:
                    names = sorted(
                        entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")
                        for entry in entries
                        if not entry.name.startswith(".")
                    )
            except _NOT_THERE:
                return
        for name in names:
            key = base + name
            if not name.endswith("/"):
                if key.startswith(prefix) and key > start_after:
                    yield key
            elif (key.startswith(prefix) or prefix.startswith(key)) and (
                key > start_after or start_after.startswith(key)
            ):
                yield from self._walk(directory / name, key, prefix, start_after)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _seal(descriptor: int) -> None:
    """Makes a file's bytes durable and read-only."""
    os.fchmod(descriptor, 0o444)
    _sync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync alone stops at the drive's cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turns what the file system refuses into the store's own errors."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"The directory store failed at {what}: {error.strerror or error}.") from error
