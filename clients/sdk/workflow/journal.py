"""The run's journal as the workflow reads and writes it: which plan, which outputs, which base model were chosen.

The journal lies on the server. An entry is written only when it says something new, so that running a command again
leaves the journal as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clients.sdk.workflow.gateway import Gateway
from sensorforge.machines.v1 import machines_pb2


@dataclass(frozen=True)
class Entry:
    """The newest decision about a step."""

    artifact: str = ""
    job: str = ""
    draft: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Mapping[str, str]:
        """Returns the artifacts by role that the step made."""
        found = self.draft.get("outputs", {})
        return found if isinstance(found, dict) else {}


class RunJournal:
    """Reads and appends decisions of one run."""

    def __init__(self, gateway: Gateway, run: machines_pb2.Run) -> None:
        self._gateway = gateway
        self._run = run

    @property
    def run(self) -> machines_pb2.Run:
        """Returns the run as last seen."""
        return self._run

    def latest(self, step: str) -> Entry | None:
        """Returns the newest decision about a step, or None."""
        for decision in reversed(self._run.decisions):
            if decision.step == step:
                return _entry(decision)
        return None

    def position(self, step: str) -> int:
        """Returns where in the journal the newest decision about a step stands; -1 when there is none."""
        for number in range(len(self._run.decisions) - 1, -1, -1):
            if self._run.decisions[number].step == step:
                return number
        return -1

    async def record(self, step: str, *, artifact: str = "", job: str = "", draft: Mapping[str, Any]) -> None:
        """Appends a decision, unless it is the newest about its step already."""
        new = Entry(artifact, job, json.loads(json.dumps(draft)))
        if self.latest(step) == new:
            return
        text = json.dumps(draft, sort_keys=True, ensure_ascii=False)
        identity = "\0".join((self._run.name, str(self._run.version), step, artifact, job, text))
        self._run = await self._gateway.append_decision(
            self._run.name,
            machines_pb2.Decision(step=step, artifact=artifact, job=job, draft_json=text),
            request_id="decision-" + hashlib.sha256(identity.encode()).hexdigest()[:40],
        )


def _entry(decision: machines_pb2.Decision) -> Entry:
    try:
        draft = json.loads(decision.draft_json) if decision.draft_json else {}
    except ValueError:
        draft = {}
    return Entry(decision.artifact, decision.job, draft if isinstance(draft, dict) else {})
