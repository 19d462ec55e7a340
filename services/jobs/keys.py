"""Where jobs live in the store: every object key of this room, and the public names of jobs.

A job's id is the SHA-256 of its derivation, so the same work has the same name for ever. Keys that other rooms read
are only the published manifests; nothing else here is an interface.
"""

from __future__ import annotations

import hashlib
import re

import services.jobs.errors  # noqa: F401
from services.artifacts.clock import inverse_time
from services.chassis.errors import SensorForgeError

REQUEST_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
_NAME = re.compile(r"^machines/([a-z0-9][a-z0-9_-]{0,62})/jobs/([0-9a-f]{64})$")


def job_name(machine: str, job: str) -> str:
    """Returns the public name of a job, machines/{machine}/jobs/{digest}."""
    return f"machines/{machine}/jobs/{job}"


def parse_job_name(name: str) -> tuple[str, str]:
    """Returns (machine, job id). Raises SensorForgeError JOB_NOT_FOUND when the name is not a job's."""
    match = _NAME.match(name)
    if match is None:
        raise SensorForgeError("JOB_NOT_FOUND", f"{name!r} is not a job name (machines/MACHINE/jobs/HASH)")
    return match[1], match[2]


def slot_key(job: str, run: int, slot: int) -> str:
    """Returns the key of one record of a run's log."""
    return f"jobs/{job}/{run}/{slot:08}.json"


def attempt_key(job: str, run: int, claim: int, file: str) -> str:
    """Returns a key that only the owner with fencing token `claim` writes."""
    return f"attempts/{job}/{run}/{claim}/{file}"


def output_key(kind: str, machine: str, job: str, run: int, claim: int, file: str) -> str:
    """Returns the key of an output's bytes: unique to the attempt, found by a manifest only."""
    return f"{kind}/{machine}/{job}/{run}-{claim}/{file}"


def request_key(caller: str, request_id: str) -> str:
    """Returns the key of a request record. Callers are hashed, so that any name of a caller makes a valid key."""
    return f"requests/{hashlib.sha256(caller.encode()).hexdigest()[:24]}/{request_id}.json"


OPEN_PREFIX = "open/"


def open_key(job: str, run: int) -> str:
    """Returns the hint that a run is unfinished. One a run, so that deleting it never hides the next run."""
    return f"{OPEN_PREFIX}{job}/{run}"


def parse_open_key(key: str) -> tuple[str, int] | None:
    """Returns (job id, run), or None for a key that is no such hint."""
    parts = key.split("/")
    if len(parts) != 3 or not parts[2].isdigit():
        return None
    return parts[1], int(parts[2])


def published_key(job: str, run: int) -> str:
    """Returns the marker that a run's outputs were published: what is deleted afterwards stays deleted."""
    return f"published/{job}/{run}"


def index_prefix(machine: str) -> str:
    """Returns the prefix of a machine's job list, newest first."""
    return f"index/{machine}/jobs/"


def index_key(machine: str, job: str, opened: str) -> str:
    """Returns the list hint of a job first opened at `opened` (RFC 3339)."""
    return f"{index_prefix(machine)}{inverse_time(opened)}-{job}"
