"""Run as a program of its own: reads a foreign model and leaves rows of it behind. Imports nothing of SensorForge.

`python child.py MODEL ROWS SEED DIRECTORY` writes `rows.csv` and then `outcome.json` into DIRECTORY. Reading the model
executes whatever code is in the file; that is why this is a process without the caller's secrets, and why nothing it
writes is ever unpickled: the parent takes text and JSON. An expected failure is an outcome with `error`; anything else
is a traceback and an exit code that is not zero.
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
from pathlib import Path
from typing import Any

_ZIP = b"PK\x03\x04"  # how a file of torch.save begins; everything else is a pickle


class Refused(Exception):
    """What the file holds cannot be used; the text says why."""


def load(path: Path) -> Any:
    """Returns the object in a file of SDV's `save` (cloudpickle) or CTGAN's (torch)."""
    if path.read_bytes()[:4] == _ZIP:
        import torch

        return torch.load(path, map_location="cpu", weights_only=False)
    import pickle

    # cloudpickle is needed to write such files, not to read them: what it left is in the file's own instructions.
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301  # the purpose of this process


def sample(model: Any, rows: int, seed: int) -> Any:
    """Returns a pandas DataFrame of so many rows of the model."""
    if not callable(getattr(model, "sample", None)):
        raise Refused(f"The file holds a {_name(model)}, which has no method `sample`.")
    _seed(seed)
    drawn = model.sample(rows)
    if isinstance(drawn, dict):  # SDV from version 2 on: tables by name
        if len(drawn) != 1:
            raise Refused(f"The model gives {len(drawn)} tables ({', '.join(map(str, drawn))}); one is needed.")
        drawn = next(iter(drawn.values()))
    if not hasattr(drawn, "to_csv") or not hasattr(drawn, "columns"):
        raise Refused(f"`sample` of {_name(model)} gives a {_name(drawn)}, not a table with column names.")
    if not len(drawn) or not len(drawn.columns):
        raise Refused(f"`sample` of {_name(model)} gives an empty table.")
    return drawn


def _seed(seed: int) -> None:
    random.seed(seed)
    with contextlib.suppress(ImportError):
        import numpy as np

        np.random.seed(seed)
    with contextlib.suppress(ImportError):
        import torch

        torch.manual_seed(seed)


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def main(arguments: list[str]) -> int:
    path, directory = Path(arguments[0]), Path(arguments[3])
    outcome: dict[str, Any]
    try:
        model = load(path)
        drawn = sample(model, int(arguments[1]), int(arguments[2]))
        drawn.to_csv(directory / "rows.csv", index=False)
        outcome = {"model": _name(model), "rows": len(drawn), "columns": [str(name) for name in drawn.columns]}
    except Refused as refused:
        outcome = {"error": "refused", "message": str(refused)}
    except ModuleNotFoundError as missing:
        outcome = {"error": "module", "message": str(missing), "module": str(missing.name)}
    (directory / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
