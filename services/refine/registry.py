"""The machine's models: immutable versions with lineage and numbers, and the default among them.

A model is the artifact that a training or a refinement published; this module reads their `model.json` summaries and
never the weights, so a server lists models without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.artifacts.catalog import Catalog
from services.artifacts.default_model import DefaultModels
from services.artifacts.manifest import Manifest, parse_name
from services.chassis.errors import SensorForgeError
from services.refine import errors as errors

MODEL_FILE = "model.json"
DEFAULT = "default"
NONE = "none"


@dataclass(frozen=True)
class ModelEntry:
    """One model as a list shows it. `metrics` are the finite numbers of its summary by name."""

    manifest: Manifest
    engine: str
    origin: str
    base_model: str
    validation_loss: float
    metrics: Mapping[str, float]
    is_default: bool


class ModelRegistry:
    """Finds models in one store. All calls block on the store."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.defaults = DefaultModels(catalog)

    def get(self, name: str) -> ModelEntry:
        """Returns the model. Raises ARTIFACT_NOT_FOUND, or INVALID_REQUEST for an artifact of another kind."""
        machine = self._machine_of(name)
        return self._entry(self._catalog.get(name), self.defaults.current(machine).model)

    def list(self, machine: str, page_size: int = 50, page_token: str = "") -> tuple[list[ModelEntry], str]:
        """Returns a page of the machine's models, newest first, and the next page's token ("" on the last)."""
        page, token = self._catalog.list(machine, "models", page_size, page_token)
        default = self.defaults.current(machine).model
        return [self._entry(manifest, default) for manifest in page], token

    def resolve_base(self, machine: str, base: str) -> str:
        """Returns the artifact name of a base model: "" for none, the machine's default for "default".

        Raises NO_DEFAULT_MODEL, ARTIFACT_NOT_FOUND, or BASE_OF_ANOTHER_MACHINE.
        """
        if base in ("", NONE):
            return ""
        if base == DEFAULT:
            current = self.defaults.current(machine)
            if not current.model:
                raise SensorForgeError("NO_DEFAULT_MODEL", f"Machine {machine} has no default model.")
            return current.model
        if self._machine_of(base) != machine:
            raise SensorForgeError("BASE_OF_ANOTHER_MACHINE", f"The base model {base} is not one of machine {machine}.")
        self._catalog.get(base)
        return base

    def _machine_of(self, name: str) -> str:
        machine, kind, _ = parse_name(name)
        if kind != "models":
            raise SensorForgeError("INVALID_REQUEST", f"{name} is an artifact of kind {kind}, not a model.")
        return machine

    def _entry(self, manifest: Manifest, default: str) -> ModelEntry:
        document: Mapping[str, Any] = self._catalog.read_json(manifest.name, MODEL_FILE)
        summary = document["summary"]
        numbers = {k: float(v) for k, v in summary.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        return ModelEntry(
            manifest=manifest,
            engine=document["engine"],
            origin=document["origin"],
            base_model=document["base_model"],
            validation_loss=numbers.get("validation_loss", 0.0),
            metrics=numbers,
            is_default=manifest.name == default,
        )
