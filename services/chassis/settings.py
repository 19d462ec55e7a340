"""Settings of a service process, from the environment (SENSORFORGE_*) or from the command line that overrides it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.errors import ErrorKind, Reason, SensorForgeError, register_reasons

register_reasons(
    {
        "INSECURE_BIND": Reason(
            ErrorKind.USAGE,
            "FAILED_PRECONDITION",
            "Give --tls-cert and --tls-key, bind 127.0.0.1 or a unix socket, or say --insecure on a trusted network.",
        ),
        "SETTINGS_INVALID": Reason(ErrorKind.USAGE, "INVALID_ARGUMENT", "Correct the named setting."),
    }
)


class ServerSettings(BaseSettings):
    """Everything a service process can be told. Times are seconds, sizes are bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="SENSORFORGE_", extra="ignore")

    store: str = Field(default="sensorforge-data", description="Directory or s3://bucket[/prefix] of the artifacts.")
    listen: str = Field(default="127.0.0.1:50051", description="host:port (port 0: any free one) or unix:PATH.")
    ready_file: Path | None = Field(default=None, description="Written once the service answers.")
    workers: int | None = Field(default=None, ge=0, description="Jobs at a time; default: cores - 1, at least 1.")
    suspect_seconds: float = Field(
        default=45.0, gt=0, description="Unchanged log after which a job's owner is suspect."
    )

    job_memory_mb: int = Field(default=0, ge=0, description="Most memory of one job; 0: its share of the container.")
    job_seconds: float = Field(default=86_400.0, ge=0, description="Longest time of one job on a worker; 0: any.")

    tls_cert: Path | None = Field(default=None, description="PEM certificate chain.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    tls_client_ca: Path | None = Field(default=None, description="PEM of the CA that clients must present (mTLS).")
    insecure: bool = Field(default=False, description="Allow plaintext beyond loopback.")
    token: SecretStr | None = Field(default=None, description="Bearer token that every call must carry.")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    metrics_listen: str = Field(default="", description="host:port of the Prometheus endpoint; empty: none.")

    max_message_bytes: int = Field(default=4 << 20, gt=0)
    max_metadata_bytes: int = Field(default=8 << 10, gt=0)
    max_concurrent_calls: int = Field(default=512, gt=0)
    unary_deadline_seconds: float = Field(default=30.0, gt=0, description="Longest a unary call may take.")
    idle_seconds: float = Field(default=30.0, gt=0, description="Longest silence of a client that streams.")
    connection_age_seconds: int = Field(default=600, gt=0, description="Age at which a connection is asked to renew.")
    keepalive_seconds: int = Field(default=30, gt=0)
    drain_seconds: float = Field(default=20.0, ge=0, description="Time that running calls get at shutdown.")
    health_lead_seconds: float = Field(
        default=0.0, ge=0, description="Time between NOT_SERVING and refusing calls, for load balancers to notice."
    )

    @classmethod
    def load(cls, **given: object) -> ServerSettings:
        """Returns the settings from the environment, with `given` over it.

        Raises SensorForgeError SETTINGS_INVALID, which names the variable and what is wrong with it.
        """
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            wrong = "; ".join(
                (f"SENSORFORGE_{'_'.join(map(str, e['loc'])).upper()}: " if e["loc"] else "") + e["msg"]
                for e in error.errors()
            )
            raise SensorForgeError("SETTINGS_INVALID", f"{wrong}.") from error

    @model_validator(mode="after")
    def _tls_is_whole(self) -> ServerSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: give both or neither")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("tls_client_ca needs tls_cert and tls_key")
        return self

    def check_bind(self) -> None:
        """Raises SensorForgeError INSECURE_BIND when plaintext would be offered beyond this machine."""
        if self.tls_cert is None and not self.insecure and not is_local(self.listen):
            raise SensorForgeError(
                "INSECURE_BIND",
                f"refusing to listen on {self.listen} without TLS: everybody on the network could read it.",
            )


def is_local(listen: str) -> bool:
    """Returns whether an address can only be reached from this machine (a unix socket or a loopback address)."""
    if listen.startswith("unix:"):
        return True
    host = listen.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
