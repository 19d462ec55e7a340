"""What every Start operation answers."""

from __future__ import annotations

from dataclasses import dataclass

from sensorforge.common.v1 import job_pb2


@dataclass(frozen=True)
class Started:
    """The job as it stands, and whether its result was there already."""

    job: job_pb2.Job
    reused: bool
