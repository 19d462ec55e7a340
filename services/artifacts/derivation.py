"""What an artifact is derived from, and the id that follows from it.

The id is the SHA-256 of the canonical JSON (RFC 8785) of machine, operation, revision, inputs, resolved parameters and
seed. Equal content gives an equal id whatever the order of keys or the spelling of numbers; values that JSON cannot
carry exactly (NaN, infinities, most integers beyond 2**53) are refused and never rounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

import services.artifacts.errors  # noqa: F401
from services.chassis.errors import SensorForgeError

_LARGEST = 2**53 - 1  # I-JSON (RFC 7493): the integers that every JSON reader holds exactly


@dataclass(frozen=True)
class Derivation:
    """Everything an operation's output depends on. `inputs` maps roles to artifact names, never to aliases."""

    machine: str
    operation: str
    revision: int
    inputs: Mapping[str, str]
    params: Mapping[str, Any]
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON values. Raises SensorForgeError("DERIVATION_INVALID") where there is none."""
        return {
            "machine": self.machine,
            "operation": self.operation,
            "revision": _plain(self.revision, "revision"),
            "inputs": _plain(self.inputs, "inputs"),
            "params": _plain(self.params, "params"),
            "seed": _plain(self.seed, "seed"),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Derivation:
        """Returns the derivation that `to_json` wrote. Raises KeyError or ValueError on anything else."""
        return cls(
            machine=str(document["machine"]),
            operation=str(document["operation"]),
            revision=int(document["revision"]),
            inputs={str(role): str(name) for role, name in document["inputs"].items()},
            params=dict(document["params"]),
            seed=int(document["seed"]),
        )

    def canonical(self) -> bytes:
        """Returns the canonical JSON. Raises SensorForgeError("DERIVATION_INVALID"). Source: RFC 8785."""
        return canonical_json(self.to_json())

    def digest(self) -> str:
        """Returns the id: 64 lower-case hex digits."""
        return hashlib.sha256(self.canonical()).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Returns the one JSON text of a value. Raises SensorForgeError("DERIVATION_INVALID"). Source: RFC 8785."""
    try:
        return rfc8785.dumps(_plain(value, "value"))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise SensorForgeError("DERIVATION_INVALID", f"The value has no canonical JSON: {error}.") from error


def _is_its_own_text(number: int) -> bool:
    """Returns whether an integer beyond 2**53 is what RFC 8785 writes for the float nearest to it."""
    return abs(number) < 10**21 and rfc8785.dumps(float(number)) == str(number).encode()


def _plain(value: Any, where: str) -> Any:
    """Returns the value in dicts, lists, strings, numbers, booleans and None; names the place of anything else."""
    match value:
        case None | bool() | str():
            return str(value) if isinstance(value, str) else value
        case int():
            if abs(value) <= _LARGEST:
                return int(value)
            if _is_its_own_text(value):  # a large float, read back from its canonical text
                return float(value)
            raise SensorForgeError(
                "DERIVATION_INVALID", f"{where} is {value}; JSON holds integers up to {_LARGEST} exactly."
            )
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise SensorForgeError("DERIVATION_INVALID", f"{where} is {value}; JSON has finite numbers only.")
            return float(value)
        case Mapping():
            for key in value:
                if not isinstance(key, str):
                    raise SensorForgeError("DERIVATION_INVALID", f"{where} has the key {key!r}; JSON keys are text.")
            return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
        case _:
            raise SensorForgeError(
                "DERIVATION_INVALID", f"{where} is a {type(value).__name__}, which JSON does not have: {value!r}."
            )
