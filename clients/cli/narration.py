"""Tells a run as it happens: to people in lines and one moving status, to programs as numbered events."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from google.protobuf import json_format, message
from rich.markup import escape
from rich.status import Status

from clients.cli import naming, output
from clients.sdk.workflow import events
from clients.sdk.workflow.steps import StepName

_MOST_FINDINGS = 5  # a step; all of them are in validation.json
_INDENT = 12  # where the outcome of a step begins
_QUIET_S = 15.0  # without a terminal, a long step says this often that it is alive


def event_document(event: events.Event) -> tuple[str, dict[str, Any]]:
    """Returns an event's name and its fields as JSON values."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower().removesuffix("_event")
    return name, {item.name: _plain(getattr(event, item.name)) for item in dataclasses.fields(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, message.Message):
        fields = json_format.MessageToDict(
            value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        # JSON has no NaN; protobuf writes it as text, and a program wants null.
        return {key: None if item in ("NaN", "Infinity", "-Infinity") else item for key, item in fields.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "items"):
        return dict(value.items())
    return value


class Narrator:
    """A listener of a run. Use it as a context manager around the run."""

    def __init__(self, *, as_events: bool = False, link_lost: Callable[[], None] = lambda: None) -> None:
        self._link_lost = link_lost
        self._lines = output.EventLines.shared() if as_events else None
        self._status: Status | None = None
        self._step: StepName | None = None
        self._began = self._spoke = time.monotonic()
        self._findings: list[events.Finding] = []
        self._found: dict[str, StepName] = {}

    def __enter__(self) -> Self:
        if output.people.is_terminal:
            self._status = output.people.status("")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell_findings()
        if self._status is not None:
            self._status.stop()

    def __call__(self, event: events.Event) -> None:
        """Tells one event."""
        if self._lines is not None:
            name, fields = event_document(event)
            self._lines.write(name, fields)
        self._tell_people(event)

    def _tell_people(self, event: events.Event) -> None:
        match event:
            case events.RunOpened():
                again = " (continued)" if event.resumed else ""
                self._line(f"Run {naming.short_run(event.run)} of {event.machine}{again}: {event.title}", 2)
            case events.StepStarted():
                self._step, self._began = event.step, time.monotonic()
                self._spoke = self._began
                self._tell_findings()
                self._moving(event.title)
            case events.StepProgress():
                self._moving(_progress_words(event))
            case events.EpochEvent():
                self._moving(_epoch_words(event))
            case events.StepDone():
                spent = time.monotonic() - self._began
                if event.reused:  # what was found was told when it was found
                    self._findings.clear()
                self._tell_findings()
                mark, note = ("=", "already done") if event.reused else ("✔", f"{spent:.1f} s")
                self._line(f"{mark} {event.step:<9} {event.consequence} ({note})", _INDENT)
            case events.StepSkipped():
                self._tell_findings()
                self._line(f"- {event.step:<9} {event.why}", _INDENT)
            case events.Finding():
                # The file's checks and the profile's find the same under the column's name and the sensor's.
                nameless = re.sub(r"'[^']*'", "''", event.message)
                if self._found.setdefault(nameless, event.step) == event.step:
                    self._findings.append(event)
            case events.LinkLost():
                self._link_lost()
                wait = f"{event.retry_in_s:.0f}" if event.retry_in_s >= 1 else f"{event.retry_in_s:.1f}"
                self._line(f"  ! link lost; jobs go on with their services; next attempt in {wait} s")
            case events.LinkRestored():
                self._line("  i link restored")
            case events.NeedsReview() | events.JobStarted():
                pass

    def _tell_findings(self) -> None:
        for finding in self._findings[:_MOST_FINDINGS]:
            mark = {"info": "i", "warning": "!", "error": "✖"}[finding.severity]
            self._line(f"  {mark} {finding.message}", 4)
        if (left := len(self._findings) - _MOST_FINDINGS) > 0:
            self._line(f"  … and {left} more, in the report of the step")
        self._findings.clear()

    def _line(self, text: str, indent: int = 4) -> None:
        output.say(text, indent=indent)

    def _moving(self, text: str) -> None:
        if self._step is not None:
            text = f"{self._step}: {text}"
        if self._status is not None:
            self._status.update(escape(_cropped(text, output.people.width - 3)))
        elif time.monotonic() - self._spoke >= _QUIET_S:
            self._spoke = time.monotonic()
            self._line(f"  … {text}")


def _cropped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _progress_words(event: events.StepProgress) -> str:
    words = event.message or event.phase
    if event.total:
        words += f" {event.done / event.total:.0%}"
    elif event.done:
        words += f" {event.done:,}"
    if event.eta_seconds >= 1:
        words += f", about {duration(event.eta_seconds)} left"
    return words


def _epoch_words(event: events.EpochEvent) -> str:
    epoch = event.epoch
    words = f"{epoch.series or 'training'} epoch {epoch.epoch}/{epoch.epochs}, train {epoch.train_loss:.4g}, "
    words += f"validation {epoch.validation_loss:.4g} (best {epoch.best_validation_loss:.4g})"
    return words + (f", about {duration(epoch.eta_seconds)} left" if epoch.eta_seconds >= 1 else "")


def duration(seconds: float) -> str:
    """Returns a length of time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
