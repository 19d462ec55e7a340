"""What an executor hands to a worker: which job, on what condition, and where its code is."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from services.jobs.operation import Operation

MORE = "more"
"""What a warm worker is told, instead of an assignment, when it may import the operations of other stages."""

Operations = Mapping[tuple[str, int], Operation]


@dataclass(frozen=True)
class Assignment:
    """One attempt. `owner` is the name under which it claims. `after` is set for a takeover: the slots of the log that
    the suspicious observer had read. `operations` is an import path "package.module:NAME"; `directory` is scratch
    space, removed by who ends last."""

    job: str
    run: int
    operations: str
    owner: str
    after: int | None = None
    directory: str = ""

    def to_json(self) -> str:
        """Returns one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Assignment:
        """Returns the assignment in a line. Raises ValueError or TypeError for anything else."""
        return cls(**json.loads(line))


def load_operations(path: str) -> Operations:
    """Returns the operations behind an import path "package.module:NAME", by name and revision."""
    module, _, name = path.partition(":")
    operations: Sequence[Operation] = getattr(importlib.import_module(module), name)
    return {(operation.name, operation.revision): operation for operation in operations}
