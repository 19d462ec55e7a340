"""Uploads: a file on its way in, as fixed parts of 8 MiB that any replica can continue.

What is durable is the contiguous run of parts from the first one; a broken stream goes on there, at any replica, since
nothing but the parts themselves says how far it came. Finishing hashes the bytes that were sent, compares them with
the client's digest and publishes a `raw` artifact; "already present" is only said to who has sent the bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import Any, Self

import services.artifacts.errors  # noqa: F401
from services.artifacts.catalog import Catalog
from services.artifacts.clock import format_utc, parse_utc, utc_now
from services.artifacts.derivation import Derivation, canonical_json
from services.artifacts.manifest import ArtifactFile, Manifest, artifact_name, check_machine
from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore, create_or_get
from services.chassis.errors import SensorForgeError

PART_BYTES = 8 << 20
OPERATION = "ingest.upload"
REVISION = 1

_UPLOAD = re.compile(r"[0-9a-f]{32}")
_LIFETIME = timedelta(days=7)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_FILE_NAME = 120


@dataclass(frozen=True)
class Upload:
    """An upload as it stands. `committed_bytes` are durable from the first byte on; `finished` names its artifact."""

    machine: str
    upload: str
    file_name: str
    size_bytes: int
    created: str
    expires: str
    committed_bytes: int = 0
    finished: str = ""

    @property
    def name(self) -> str:
        """machines/{machine}/uploads/{upload}."""
        return f"machines/{self.machine}/uploads/{self.upload}"


class Uploads:
    """All uploads of a store."""

    def __init__(self, store: ObjectStore, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def open(self, machine: str, file_name: str, size_bytes: int, request_id: str) -> Upload:
        """Returns the upload of this request, new or as far as it came.

        Raises SensorForgeError: "UPLOAD_EMPTY", "REQUEST_ID_REUSED" for another file under the same request_id.
        """
        check_machine(machine)
        if not request_id:
            raise SensorForgeError("INVALID_REQUEST", "request_id is empty; an upload's id is derived from it.")
        if size_bytes <= 0:
            raise SensorForgeError("UPLOAD_EMPTY", f"{file_name} is empty ({size_bytes} bytes).")
        for attempt in count():
            upload = self._open(machine, file_name, size_bytes, {"request_id": request_id, "attempt": attempt})
            # An upload that expired, or whose artifact was deleted since, has no bytes left: the next attempt begins.
            if self._catalog.exists(upload.finished) if upload.finished else utc_now() < upload.expires:
                return upload
        raise AssertionError("count() does not end")

    def _open(self, machine: str, file_name: str, size_bytes: int, identity: dict[str, Any]) -> Upload:
        upload = hashlib.sha256(canonical_json({"machine": machine, **identity})).hexdigest()[:32]
        created = utc_now()
        document = {
            "machine": machine,
            "file_name": file_name,
            "size_bytes": size_bytes,
            "created": created,
            "expires": format_utc(parse_utc(created) + _LIFETIME),
        }
        held = json.loads(create_or_get(self._store, _folder(machine, upload) + "upload.json", _dump(document)))
        if (held["file_name"], held["size_bytes"]) != (file_name, size_bytes):
            raise SensorForgeError(
                "REQUEST_ID_REUSED",
                f"The request_id opened an upload of {held['file_name']} ({held['size_bytes']} bytes) before, "
                f"not of {file_name} ({size_bytes} bytes).",
            )
        return self._upload(machine, upload, held)

    def get(self, name: str) -> Upload:
        """Returns an upload as it stands. Raises SensorForgeError("UPLOAD_NOT_FOUND")."""
        machine, upload = _parse(name)
        try:
            document = json.loads(self._store.get(_folder(machine, upload) + "upload.json"))
        except ObjectMissing:
            raise _not_found(name) from None
        return self._upload(machine, upload, document)

    def writer(self, name: str) -> UploadWriter:
        """Returns a writer that continues at committed_bytes. Raises SensorForgeError("UPLOAD_NOT_FOUND")."""
        return UploadWriter(self._store, self.get(name))

    def finish(self, name: str, sha256: str, *, producer: str = "") -> tuple[Manifest, bool]:
        """Publishes the file as a raw artifact; returns it and whether the machine had the same bytes before.

        The bytes are durable when it returns; finishing again gives the same answer. Raises SensorForgeError:
        "UPLOAD_NOT_FOUND", "UPLOAD_INCOMPLETE", "UPLOAD_DIGEST_MISMATCH".
        """
        upload = self.get(name)
        if not upload.finished:
            if upload.committed_bytes != upload.size_bytes:
                raise SensorForgeError(
                    "UPLOAD_INCOMPLETE",
                    f"{upload.file_name}: {upload.committed_bytes} of {upload.size_bytes} bytes have arrived.",
                    metadata={"committed_bytes": str(upload.committed_bytes)},
                )
            try:
                self._publish(upload, sha256.lower(), producer)
            except ObjectMissing:  # another replica finished and removed the parts
                if not self.get(name).finished:
                    raise _not_found(name) from None
        answer = json.loads(self._store.get(_folder(upload.machine, upload.upload) + "finished.json"))
        if answer["sha256"] != sha256.lower():
            raise _mismatch(upload, answer["sha256"], sha256)
        self._remove_parts(upload)
        return self._catalog.get(answer["artifact"]), bool(answer["existed"])

    def _publish(self, upload: Upload, sha256: str, producer: str) -> None:
        digest = raw_digest(upload.machine, sha256, upload.size_bytes)
        name = artifact_name(upload.machine, "raw", digest)
        file_name = safe_file_name(upload.file_name)
        key = f"raw/{upload.machine}/{digest}/{upload.upload}/{file_name}"
        if self._catalog.exists(name):
            self._check_digest(upload, sha256)
            published = self._catalog.get(name)
        else:
            self._store_raw(upload, key, sha256)
            published = self._catalog.publish(
                Manifest(
                    machine=upload.machine,
                    kind="raw",
                    hash=digest,
                    operation=OPERATION,
                    revision=REVISION,
                    parents={},
                    params={"file_name": upload.file_name, "sha256": sha256, "size_bytes": upload.size_bytes},
                    seed=0,
                    producer=producer,
                    files=(ArtifactFile(file_name, key, sha256, upload.size_bytes, "application/octet-stream"),),
                    created=utc_now(),
                )
            )
        answer = {"artifact": name, "existed": published.file().key != key, "sha256": sha256}
        create_or_get(self._store, _folder(upload.machine, upload.upload) + "finished.json", _dump(answer))

    def _store_raw(self, upload: Upload, key: str, sha256: str) -> None:
        hashed = hashlib.sha256()
        with self._store.writer(key) as sink:
            for part in self._parts(upload):
                hashed.update(part)
                sink.write(part)
            if hashed.hexdigest() != sha256:  # raised inside the block, so that nothing becomes visible
                raise _mismatch(upload, hashed.hexdigest(), sha256)

    def _check_digest(self, upload: Upload, sha256: str) -> None:
        hashed = hashlib.sha256()
        for part in self._parts(upload):
            hashed.update(part)
        if hashed.hexdigest() != sha256:
            raise _mismatch(upload, hashed.hexdigest(), sha256)

    def _parts(self, upload: Upload) -> Iterator[bytes]:
        for number in range(_part_count(upload.size_bytes)):
            yield self._store.get(_part(upload.machine, upload.upload, number))

    def _remove_parts(self, upload: Upload) -> None:
        keys = [_part(upload.machine, upload.upload, number) for number in range(_part_count(upload.size_bytes))]
        self._store.delete(keys)

    def _upload(self, machine: str, upload: str, document: dict[str, Any]) -> Upload:
        finished = ""
        with suppress(ObjectMissing):
            finished = json.loads(self._store.get(_folder(machine, upload) + "finished.json"))["artifact"]
        size = int(document["size_bytes"])
        return Upload(
            machine=machine,
            upload=upload,
            file_name=document["file_name"],
            size_bytes=size,
            created=document["created"],
            expires=document["expires"],
            committed_bytes=size if finished else self._committed(machine, upload, size),
            finished=finished,
        )

    def _committed(self, machine: str, upload: str, size: int) -> int:
        contiguous = 0
        for key in self._store.list(_folder(machine, upload) + "parts/"):
            if key != _part(machine, upload, contiguous):
                break
            contiguous += 1
        return min(contiguous * PART_BYTES, size)


class UploadWriter:
    """Appends one stream's bytes. Use it as a context manager; `committed_bytes` says what is durable.

    Full parts are stored as they fill; what is left of a broken stream is less than a part and is sent again.
    """

    def __init__(self, store: ObjectStore, upload: Upload) -> None:
        self._store = store
        self._upload = upload
        self._buffer = bytearray()
        self.committed_bytes = upload.committed_bytes

    def write(self, offset: int, data: bytes, crc32: int | None = None) -> None:
        """Takes the next bytes. Raises SensorForgeError: "UPLOAD_OFFSET" unless they follow the ones before,
        "UPLOAD_TOO_LONG" beyond the announced size, "UPLOAD_CHUNK_CORRUPT" when the CRC-32 differs."""
        expected = self.committed_bytes + len(self._buffer)
        if offset != expected:
            raise SensorForgeError(
                "UPLOAD_OFFSET",
                f"{self._upload.file_name}: bytes at offset {offset} came where offset {expected} is next.",
                metadata={"committed_bytes": str(self.committed_bytes)},
            )
        if offset + len(data) > self._upload.size_bytes:
            raise SensorForgeError(
                "UPLOAD_TOO_LONG",
                f"{self._upload.file_name} was announced with {self._upload.size_bytes} bytes; "
                f"{offset + len(data)} have come.",
            )
        if crc32 is not None and zlib.crc32(data) != crc32:
            raise SensorForgeError(
                "UPLOAD_CHUNK_CORRUPT",
                f"{self._upload.file_name}: the {len(data)} bytes at {offset} do not have their CRC-32.",
            )
        self._buffer += data
        while len(self._buffer) >= PART_BYTES or self._complete():
            self._commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._buffer.clear()

    def _complete(self) -> bool:
        return bool(self._buffer) and self.committed_bytes + len(self._buffer) == self._upload.size_bytes

    def _commit(self) -> None:
        part = bytes(self._buffer[:PART_BYTES])
        key = _part(self._upload.machine, self._upload.upload, self.committed_bytes // PART_BYTES)
        # A part that is there already came from the same request at another replica; the digest at the end proves it.
        with suppress(ObjectExists):
            self._store.create(key, part)
        del self._buffer[: len(part)]
        self.committed_bytes += len(part)


def raw_digest(machine: str, sha256: str, size_bytes: int) -> str:
    """Returns the id of an uploaded file's artifact: it follows from the machine and the bytes alone."""
    return Derivation(machine, OPERATION, REVISION, {}, {"sha256": sha256, "size_bytes": size_bytes}).digest()


def safe_file_name(file_name: str) -> str:
    """Returns a plain file name for a key or a disk: no folder, no odd characters, the suffix kept."""
    base = PurePosixPath(PureWindowsPath(file_name).name).name
    plain = _UNSAFE.sub("_", base).lstrip(".-") or "file"
    return plain if len(plain) <= _LONGEST_FILE_NAME else plain[:60] + "_" + plain[-59:]


def _part_count(size_bytes: int) -> int:
    return -(-size_bytes // PART_BYTES)


def _folder(machine: str, upload: str) -> str:
    return f"uploads/{machine}/{upload}/"


def _part(machine: str, upload: str, number: int) -> str:
    return f"{_folder(machine, upload)}parts/{number:06d}"


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _parse(name: str) -> tuple[str, str]:
    match name.split("/"):
        case ["machines", machine, "uploads", upload] if _UPLOAD.fullmatch(upload):
            return check_machine(machine), upload
    raise _not_found(name)


def _not_found(name: str) -> SensorForgeError:
    return SensorForgeError("UPLOAD_NOT_FOUND", f"There is no upload {name}.")


def _mismatch(upload: Upload, arrived: str, announced: str) -> SensorForgeError:
    return SensorForgeError(
        "UPLOAD_DIGEST_MISMATCH",
        f"{upload.file_name}: the bytes that arrived have the SHA-256 {arrived}, the client read {announced}.",
    )
