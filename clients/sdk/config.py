"""How to reach the services: endpoints, TLS, token, deadlines and retry, as values that never change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

Stage = Literal["ingest", "mapping", "refine", "compare"]
STAGES: tuple[Stage, ...] = ("ingest", "mapping", "refine", "compare")


@dataclass(frozen=True)
class Endpoints:
    """Where each stage answers: `host:port` or `unix:/absolute/path`. All four may be the same."""

    ingest: str
    mapping: str
    refine: str
    compare: str

    @classmethod
    def single(cls, address: str) -> Endpoints:
        """Returns one address for all stages, as `sensorforge up` serves them."""
        return cls(address, address, address, address)

    @classmethod
    def parse(cls, text: str) -> Endpoints:
        """Returns endpoints from `host:port`, or from `ingest=...,mapping=...,refine=...,compare=...`.

        Raises ValueError when the text names some stages but not all.
        """
        if "=" not in text:
            return cls.single(text.strip())
        named = dict(part.strip().split("=", 1) for part in text.split(","))
        missing = [stage for stage in STAGES if stage not in named]
        unknown = [name for name in named if name not in STAGES]
        if missing or unknown:
            raise ValueError(f"endpoints need exactly {', '.join(STAGES)}; {missing=} {unknown=}")
        return cls(**{stage: named[stage] for stage in STAGES})

    @property
    def text(self) -> str:
        """Returns the endpoints as `parse` reads them."""
        if len({self.of(stage) for stage in STAGES}) == 1:
            return self.ingest
        return ",".join(f"{stage}={self.of(stage)}" for stage in STAGES)

    def of(self, stage: Stage) -> str:
        """Returns the address of a stage."""
        return {"ingest": self.ingest, "mapping": self.mapping, "refine": self.refine, "compare": self.compare}[stage]


@dataclass(frozen=True)
class Tls:
    """PEM files. `ca` trusts a private authority, `certificate` and `key` prove who the client is (mTLS);
    `server_name` overrides the name the server's certificate is checked against."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str = ""


@dataclass(frozen=True)
class Retry:
    """Exponential back-off with jitter, for calls that an unreachable or busy service refused.

    The n-th wait is `first_s * factor ** n`, at most `longest_s`, times a random number in [1 - jitter, 1].
    """

    attempts: int = 6
    first_s: float = 0.2
    factor: float = 2.0
    longest_s: float = 10.0
    jitter: float = 0.5

    def wait_s(self, attempt: int, chance: float) -> float:
        """Returns the seconds to wait after failed attempt `attempt` (from 0); `chance` is uniform in [0, 1)."""
        full = min(self.first_s * self.factor**attempt, self.longest_s)
        return full * (1 - self.jitter * chance)


@dataclass(frozen=True)
class Deadlines:
    """Seconds. `call_s` bounds one attempt of a call, `finish_s` the end of an upload (the server hashes it then),
    `silence_s` a stream on which not even a heartbeat came, `lost_s` the time a link may stay lost."""

    call_s: float = 30.0
    finish_s: float = 300.0
    silence_s: float = 45.0
    lost_s: float = 120.0


@dataclass(frozen=True)
class ClientConfig:
    """Everything a client is told. `tls` None means plaintext, which services only offer on their own machine."""

    endpoints: Endpoints
    tls: Tls | None = None
    token: str = field(default="", repr=False)
    deadlines: Deadlines = Deadlines()
    retry: Retry = Retry()

    @classmethod
    def at(cls, address: str) -> ClientConfig:
        """Returns a plaintext configuration for one endpoint."""
        return cls(Endpoints.parse(address))

    def with_endpoint(self, address: str) -> ClientConfig:
        """Returns the same configuration for another endpoint."""
        return replace(self, endpoints=Endpoints.parse(address))


def configured_endpoint(environment: Mapping[str, str] = os.environ) -> str:
    """Returns the endpoint text of the environment, or "" when it names none.

    SENSORFORGE_ENDPOINT is one address for all; SENSORFORGE_{INGEST,MAPPING,REFINE,COMPARE}_ENDPOINT name four.
    """
    if single := environment.get("SENSORFORGE_ENDPOINT", ""):
        return single
    four = {stage: environment.get(f"SENSORFORGE_{stage.upper()}_ENDPOINT", "") for stage in STAGES}
    if not any(four.values()):
        return ""
    return ",".join(f"{stage}={address}" for stage, address in four.items() if address)


def from_environment(endpoint: str, environment: Mapping[str, str] = os.environ) -> ClientConfig:
    """Returns the configuration for `endpoint` with TLS and token from SENSORFORGE_TLS_{CA,CERT,KEY,SERVER_NAME} and
    SENSORFORGE_TOKEN. Raises ValueError when the endpoint text is malformed."""

    def path(name: str) -> Path | None:
        value = environment.get(name, "")
        return Path(value) if value else None

    ca, certificate, key = (path(f"SENSORFORGE_TLS_{name}") for name in ("CA", "CERT", "KEY"))
    wanted = ca or certificate or environment.get("SENSORFORGE_TLS", "") == "1"
    is_socket = endpoint.startswith("unix:")
    tls = Tls(ca, certificate, key, environment.get("SENSORFORGE_TLS_SERVER_NAME", "")) if wanted else None
    return ClientConfig(
        Endpoints.parse(endpoint), tls=None if is_socket else tls, token=environment.get("SENSORFORGE_TOKEN", "")
    )
