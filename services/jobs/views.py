"""A job as callers see it, as plain values and as sensorforge.common.v1 messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from sensorforge.common.v1 import job_pb2, job_service_pb2
from services.artifacts.clock import parse_utc
from services.artifacts.derivation import canonical_json
from services.jobs.attempt import Failure
from services.jobs.keys import job_name
from services.jobs.publishing import outputs_of
from services.jobs.records import Failed
from services.jobs.state import JobState, NumberedEvent, Phase


@dataclass(frozen=True)
class JobView:
    """A job as it stands. `outputs` maps roles to artifact names; times are RFC 3339, "" when not yet."""

    name: str
    operation: str
    revision: int
    run: int
    state: Phase
    outputs: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    create_time: str = ""
    end_time: str = ""
    last_sequence: int = 0
    progress: Mapping[str, Any] = field(default_factory=dict)
    derivation_json: str = ""


def view_of(state: JobState, job: str, run: int) -> JobView:
    """Returns the job whose run's log says `state`. Raises ValueError when the run was never opened."""
    if state.opened is None:
        raise ValueError(f"job {job} run {run} was never opened")
    derivation = state.opened.derivation
    terminal = state.terminal
    return JobView(
        name=job_name(derivation["machine"], job),
        operation=derivation["operation"],
        revision=derivation["revision"],
        run=run,
        state=state.phase,
        outputs={output.role: output.manifest.name for output in outputs_of(terminal)},
        failure=_failure(terminal) if isinstance(terminal, Failed) else None,
        create_time=state.opened.time,
        end_time=terminal.time if terminal else "",
        last_sequence=len(state.events),
        progress=state.progress,
        derivation_json=canonical_json(derivation).decode(),
    )


def job_to_proto(view: JobView) -> job_pb2.Job:
    """Returns the message."""
    failure = view.failure
    return job_pb2.Job(
        name=view.name,
        operation=view.operation,
        revision=view.revision,
        run=view.run,
        state=f"JOB_STATE_{view.state.value}",
        outputs=[job_pb2.JobOutput(role=role, artifact=name) for role, name in view.outputs.items()],
        failure=None if failure is None else _failure_to_proto(failure),
        create_time=_timestamp(view.create_time),
        end_time=_timestamp(view.end_time),
        last_sequence=view.last_sequence,
        progress=_message(job_pb2.Progress, view.progress) if view.progress else None,
        derivation_json=view.derivation_json,
    )


JOB_EVENTS = ("state", "final")
"""Kinds of events whose message carries the job."""


def event_to_proto(event: NumberedEvent, view: JobView | None) -> job_service_pb2.WatchJobResponse:
    """Returns the message of an event. `view` is the job now, for the kinds that carry it.

    Raises ValueError when such a kind comes without it.
    """
    response = job_service_pb2.WatchJobResponse(sequence=event.sequence, time=_timestamp(event.time))
    match event.kind, view:
        case "progress", _:
            response.progress.CopyFrom(_message(job_pb2.Progress, event.body))
        case "epoch", _:
            response.epoch.CopyFrom(_message(job_pb2.Epoch, event.body))
        case "warning", _:
            response.warning.CopyFrom(_message(job_pb2.Warning, event.body))
        case "final", JobView():
            response.final.CopyFrom(job_to_proto(view))
        case "state", JobView():
            then = replace(
                view,
                state=event.phase,
                last_sequence=event.sequence,
                outputs={},
                failure=None,
                end_time="",
                progress={},
            )
            response.state.CopyFrom(job_to_proto(then))
        case _:
            raise ValueError(f"a {event.kind} event tells the job")
    return response


def _failure(record: Failed) -> Failure:
    return Failure(record.reason, record.message, record.remedy, record.kind, dict(record.metadata))


def _failure_to_proto(failure: Failure) -> job_pb2.Failure:
    return job_pb2.Failure(
        reason=failure.reason,
        message=failure.message,
        remedy=failure.remedy,
        kind=f"ERROR_KIND_{failure.kind}",
        metadata=failure.metadata,
    )


def _message(kind: Any, body: Mapping[str, Any]) -> Any:
    """Returns a message from an event's body; nulls (NaN was not storable) and newer releases' fields are left out."""
    known = kind.DESCRIPTOR.fields_by_name
    return kind(**{name: value for name, value in body.items() if name in known and value is not None})


def _timestamp(text: str) -> Timestamp | None:
    if not text:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(parse_utc(text))
    return stamp
