"""The example profiles that ship with the program: a starting point for one's own."""

from __future__ import annotations

from importlib import resources

from services.chassis.errors import SensorForgeError
from services.machines import errors as errors


def example_names() -> tuple[str, ...]:
    """Returns the names of the examples, sorted."""
    entries = resources.files(__name__).iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def example(name: str) -> str:
    """Returns an example's YAML. Raises MACHINE_NOT_FOUND with the names there are."""
    if name not in example_names():
        raise SensorForgeError(
            "MACHINE_NOT_FOUND", f"There is no example profile {name!r}; there are {', '.join(example_names())}."
        )
    return (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
