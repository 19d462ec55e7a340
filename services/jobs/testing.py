"""Runs an operation in this process, for tests and notebooks: no log, no worker, the same outputs and publishing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import Manifest
from services.jobs.context import RunningJob
from services.jobs.operation import Operation
from services.jobs.outputs import OutputWriter
from services.jobs.records import CancelMode, Event


@dataclass
class Recording:
    """What an operation reported, and what it is told: give one to `run_operation` and look at it afterwards."""

    events: list[Event] = field(default_factory=list)
    checkpoints: list[bytes] = field(default_factory=list)
    cancel: CancelMode | None = None
    checkpoints_due: bool = False

    def alive(self) -> None:
        """Does nothing: nobody waits."""

    def emit(self, event: Event) -> None:
        """Keeps the event."""
        self.events.append(event)

    def cancel_mode(self) -> CancelMode | None:
        """Returns what the test wants."""
        return self.cancel

    def checkpoint_due(self) -> bool:
        """Returns what the test wants."""
        return self.checkpoints_due

    def save(self, data: bytes) -> None:
        """Keeps the checkpoint."""
        self.checkpoints.append(data)

    def load(self) -> bytes | None:
        """Returns the newest checkpoint; put one in beforehand to test a resume."""
        return self.checkpoints[-1] if self.checkpoints else None

    def has_checkpoint(self) -> bool:
        """Returns whether there is one."""
        return bool(self.checkpoints)


def run_operation(
    operation: Operation, derivation: Derivation, catalog: Catalog, recording: Recording | None = None
) -> dict[str, Manifest]:
    """Returns the published manifests by role. Whatever the operation raises passes through, and nothing is published.

    Raises ValueError when the derivation is not one of this operation.
    """
    if (operation.name, operation.revision) != (derivation.operation, derivation.revision):
        raise ValueError(
            f"{derivation.operation} revision {derivation.revision} is not {operation.name} {operation.revision}"
        )
    recording = recording or Recording()
    with tempfile.TemporaryDirectory(prefix="sensorforge-job-") as folder:
        directory = Path(folder)
        # Claim 0 is the slot of `opened`, so no real attempt ever has it.
        outputs = OutputWriter(catalog.store, derivation, 1, 0, directory, "run_operation")
        operation.run(RunningJob(derivation, catalog, outputs, recording, directory))
        sealed = outputs.sealed("keep" if recording.cancel == "keep" else None)
    return {output.role: catalog.publish(output.manifest) for output in sealed}
