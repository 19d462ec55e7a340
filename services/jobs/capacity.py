"""What this process may use: cores and memory of its container where it runs in one, of the machine otherwise."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")  # version 2, as current kernels and Kubernetes have it
_SERVER_MB = 512  # what the serving process and the spare worker may need

MEMORY_MB = "SENSORFORGE_JOB_MEMORY_MB"
"""Environment variable by which a service tells its workers the most memory that one of them may use."""

JOB_SECONDS = "SENSORFORGE_JOB_SECONDS"
"""Environment variable by which a service tells its workers how long one of them may work on a job; 0: any time."""


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Returns the cores that this process may run on, at least 1: its affinity, and the container's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(cgroup / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        return max(1, min(affinity, int(quota) // int(period)))
    return affinity


def job_memory_mb(slots: int, cgroup: Path = _CGROUP) -> int:
    """Returns the memory that each of `slots` workers may use so that all together fit the container; 0: no limit.

    A worker that would exceed its share fails with a reason; the kernel would end the whole container without one.
    """
    limit = _read(cgroup / "memory.max")
    if not limit.isdigit():
        return 0
    return max(256, ((int(limit) >> 20) - _SERVER_MB) // max(slots, 1))


def allowed_mb(operation_mb: int) -> int:
    """Returns what a worker may use for an operation: what the operation asks for, at most the worker's share."""
    share = os.environ.get(MEMORY_MB, "")
    return min(operation_mb, int(share)) if share.isdigit() and int(share) else operation_mb


def allowed_seconds() -> float:
    """Returns how long a worker may work on one job, in seconds; 0: any time."""
    try:
        return max(0.0, float(os.environ.get(JOB_SECONDS, "0")))
    except ValueError:
        return 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return ""
