"""An S3 bucket, or a prefix of one, as an object store: any server whose conditional PUT is atomic.

Bytes travel through obstore: small objects as one conditional PUT, bulk bytes as multipart uploads that become visible
when they complete, reads in ranges that are retried one by one. Credentials come from the environment and are never
written anywhere. The process must not fork once this module is loaded: obstore's threads do not survive it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import obstore
import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.credentials.providers import ChainedProvider, EnvAWSProvider, IamAwsProvider, StaticProvider
from minio.error import MinioException, S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store as Bucket

from services.artifacts.objects import (
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoredObject,
    StoreUnavailable,
    check_key,
    check_prefix,
)

_PART = 8 << 20  # bytes in a part of a multipart upload and in a ranged read
_PARTS_AT_ONCE = 4
_KEYS_A_PAGE = 1_000  # limit of ListObjectsV2 and of DeleteObjects
_TIMEOUT = timedelta(seconds=30)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_RETRIES = 3


@dataclass(frozen=True)
class S3Settings:
    """Where the bucket is. `endpoint` is a URL, empty for AWS; empty keys mean the platform's own credentials."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""

    @classmethod
    def from_environment(cls, bucket: str, prefix: str, environment: Mapping[str, str] = os.environ) -> S3Settings:
        """Returns the settings from SENSORFORGE_S3_ENDPOINT and the AWS_* variables."""
        return cls(
            bucket=bucket,
            prefix=prefix,
            endpoint=environment.get("SENSORFORGE_S3_ENDPOINT", ""),
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1",
            access_key=environment.get("AWS_ACCESS_KEY_ID", ""),
            secret_key=environment.get("AWS_SECRET_ACCESS_KEY", ""),
            session_token=environment.get("AWS_SESSION_TOKEN", ""),
        )

    def __repr__(self) -> str:
        return f"S3Settings({self.endpoint or 'AWS'}, s3://{self.bucket}/{self.prefix}, {self.region})"


class S3ObjectStore:
    """Objects of one bucket below a prefix."""

    def __init__(self, settings: S3Settings) -> None:
        self._base = f"{check_key(settings.prefix)}/" if settings.prefix else ""
        self.url = f"s3://{settings.bucket}/{self._base}".rstrip("/")
        options: dict[str, Any] = {"region": settings.region}
        if settings.endpoint:
            options["endpoint"] = settings.endpoint
        if settings.access_key:
            options["access_key_id"] = settings.access_key
            options["secret_access_key"] = settings.secret_key
        if settings.session_token:
            options["session_token"] = settings.session_token
        self._bucket = Bucket(
            settings.bucket,
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _TIMEOUT},
            **options,
        )

    def create(self, key: str, data: bytes) -> None:
        with _translated(key):
            obstore.put(self._bucket, self._at(key), data, mode="create", use_multipart=False)

    def get(self, key: str) -> bytes:
        with _translated(key):
            return bytes(obstore.get(self._bucket, self._at(key)).bytes())

    def get_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 0:
            raise ValueError(f"not a range: {start=}, {length=}")
        if length == 0:
            self.size(key)
            return b""
        try:
            with _translated(key):
                return bytes(obstore.get_range(self._bucket, self._at(key), start=start, length=length))
        except StoreUnavailable as error:
            if "416 Range Not Satisfiable" in error.message:  # the range begins at or after the end
                return b""
            raise

    def size(self, key: str) -> int:
        with _translated(key):
            return int(obstore.head(self._bucket, self._at(key))["size"])

    def chunks(self, key: str, start: int = 0, chunk: int = 1 << 20) -> Iterator[bytes]:
        end = self.size(key)
        step = max(chunk, _PART - _PART % chunk)
        for offset in range(start, end, step):
            block = memoryview(self.get_range(key, offset, step))
            for piece in range(0, len(block), chunk):
                yield bytes(block[piece : piece + chunk])

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        path = self._at(key)
        with _translated(key):
            upload = obstore.open_writer(self._bucket, path, buffer_size=_PART, max_concurrency=_PARTS_AT_ONCE)
        sink = io.BufferedWriter(_Upload(upload, key), 1 << 20)
        yield cast(BinaryIO, sink)
        # Reached only when the block ended well; an upload that is never completed never becomes an object.
        if not sink.closed:
            sink.flush()
        with _translated(key):
            upload.close()

    def put_file(self, key: str, path: Path) -> None:
        path.stat()  # a missing file is the caller's error, not the store's
        with _translated(key):
            obstore.put(self._bucket, self._at(key), path, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)

    def list(self, prefix: str, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        folder = check_prefix(prefix).rpartition("/")[0]
        depth = prefix.count("/")
        # Servers agree on the order within a folder; several sort subfolders and continue inside them in their own way.
        beside = start_after.count("/") == depth and start_after.startswith(f"{folder}/" if folder else "")
        pages = self._pages(folder, start_after if beside else "")
        first: Sequence[str] = next(pages, ())
        keys: Iterable[str]
        if all(key.count("/") == depth for key in first):
            keys = chain(first, chain.from_iterable(pages))
        elif beside:
            keys = sorted(chain.from_iterable(self._pages(folder, "")))
        else:
            keys = sorted(chain(first, chain.from_iterable(pages)))
        found = (key for key in keys if key.startswith(prefix) and key > start_after)
        for count, key in enumerate(found):
            if count == limit:
                return
            yield key

    def scan(self, prefix: str) -> Iterator[StoredObject]:
        folder = check_prefix(prefix).rpartition("/")[0]
        for page in self._meta_pages(folder, ""):
            for meta in page:
                key = meta["path"].removeprefix(self._base)
                if key.startswith(prefix):
                    yield StoredObject(key, int(meta["size"]), meta["last_modified"].timestamp())

    def delete(self, keys: Iterable[str]) -> None:
        paths = [self._at(key) for key in keys]
        for start in range(0, len(paths), _KEYS_A_PAGE):
            with _translated(f"{len(paths)} keys"):
                obstore.delete(self._bucket, paths[start : start + _KEYS_A_PAGE])

    def local_path(self, key: str) -> Path | None:
        check_key(key)
        return None

    def _at(self, key: str) -> str:
        return self._base + check_key(key)

    def _pages(self, folder: str, start_after: str) -> Iterator[Sequence[str]]:
        for page in self._meta_pages(folder, start_after):
            yield [meta["path"].removeprefix(self._base) for meta in page]

    def _meta_pages(self, folder: str, start_after: str) -> Iterator[Any]:
        stream = obstore.list(
            self._bucket,
            (self._base + folder).rstrip("/") or None,
            offset=self._base + start_after if start_after else None,
            chunk_size=_KEYS_A_PAGE,
        )
        while True:
            with _translated(folder):
                page = next(stream, None)
            if page is None:
                return
            yield page


def ensure_bucket(settings: S3Settings) -> None:
    """Makes the bucket if it is not there, with a rule that removes abandoned multipart uploads after two days.

    A role that may not look at buckets is believed to have one. Raises StoreDenied and StoreUnavailable.
    """
    endpoint = urlsplit(settings.endpoint or f"https://s3.{settings.region}.amazonaws.com")
    credentials = (
        StaticProvider(settings.access_key, settings.secret_key, settings.session_token or None)
        if settings.access_key
        else ChainedProvider([EnvAWSProvider(), IamAwsProvider()])
    )
    client = Minio(
        endpoint.netloc,
        credentials=credentials,
        secure=endpoint.scheme == "https",
        region=settings.region,
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=30), retries=urllib3.Retry(2)),
    )
    try:
        if client.bucket_exists(settings.bucket):
            return
        client.make_bucket(settings.bucket)
    except S3Error as error:
        if error.code in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            return
        if error.code == "AccessDenied":
            return
        raise StoreDenied(f"The S3 server at {endpoint.netloc} refused: {error.code}, {error.message}.") from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise StoreUnavailable(f"The S3 server at {endpoint.netloc} cannot be reached: {error}.") from error
    except ValueError as error:  # the SDK's word for an impossible bucket name
        raise StoreDenied(f"s3://{settings.bucket}: {error}.") from error
    rule = Rule(
        ENABLED,
        rule_filter=Filter(prefix=""),
        rule_id="abandoned-uploads",
        abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days_after_initiation=2),
    )
    with suppress(S3Error):  # not every server has lifecycles; what is abandoned there stays invisible
        client.set_bucket_lifecycle(settings.bucket, LifecycleConfig([rule]))


class _Upload(io.RawIOBase):
    """The writing end of a multipart upload. Closing it completes nothing."""

    def __init__(self, upload: Any, key: str) -> None:
        self._upload = upload
        self._key = key
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        with _translated(self._key):
            self._upload.write(bytes(data))
        self._position += len(data)
        return len(data)


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Turns obstore's errors into the store's own. What is neither yes nor no has an unknown outcome."""
    try:
        yield
    except AlreadyExistsError:
        raise ObjectExists(key) from None
    except (NotFoundError, FileNotFoundError) as error:
        if "NoSuchBucket" in str(error):
            raise StoreUnavailable(f"The S3 bucket does not exist (at {key}).") from error
        raise ObjectMissing(key) from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StoreDenied(f"The S3 server refused the credentials at {key}: {_first_line(error)}") from error
    except (BaseError, OSError) as error:  # obstore's writers raise OSError
        text = _first_line(error)
        if "403 Forbidden" in text:
            raise StoreDenied(f"The S3 server refused the credentials at {key}: {text}") from error
        raise StoreUnavailable(f"The S3 server failed at {key}: {text}") from error


def _first_line(error: Exception) -> str:
    return str(error).split("\n\nDebug source", 1)[0].replace("\n", " ").strip()
