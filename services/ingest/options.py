"""What a person may say about how a file is to be read. Everything unset is detected; nothing set is second-guessed."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors

WHITESPACE = "whitespace"


@dataclass(frozen=True)
class ReadOptions:
    """Overrides of the detection. None or "" means: detect. `header_row` counts lines from 1; 0 means no header."""

    format: str = ""
    delimiter: str = ""
    quote: str | None = None
    encoding: str = ""
    header_row: int | None = None
    decimal: str = ""
    sheet: str = ""
    timestamp_format: str = ""
    timestamp_column: str = ""
    day_first: bool | None = None
    time_zone: str = ""
    tag_column: str = ""
    value_column: str = ""
    quality_column: str = ""
    join_tolerance_seconds: float = 0.0
    units_row: bool | None = None
    column_names: tuple[str, ...] = ()
    raw: bool = False
    undecided_ok: bool = False
    """Someone only looks: what nothing decides is told as a fact, not refused. Never part of a job's parameters."""

    def __post_init__(self) -> None:
        delimiter = {"\\t": "\t", "tab": "\t", "space": " ", "comma": ",", "semicolon": ";"}.get(
            self.delimiter.lower(), self.delimiter
        )
        object.__setattr__(self, "delimiter", delimiter)
        object.__setattr__(self, "column_names", tuple(self.column_names))
        if delimiter != WHITESPACE and (len(delimiter) > 4 or any(c in delimiter for c in '"\n\r')):
            raise SensorForgeError(
                "OPTION_INVALID",
                f"delimiter {self.delimiter!r} must be one to four characters without quote or line end, or "
                f"{WHITESPACE!r}.",
            )
        if self.decimal not in ("", ".", ","):
            raise SensorForgeError("OPTION_INVALID", f"decimal {self.decimal!r} must be '.' or ','.")
        if self.header_row is not None and self.header_row < 0:
            raise SensorForgeError("OPTION_INVALID", f"header_row {self.header_row} must be 0 (none) or a line number.")
        if self.encoding:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise SensorForgeError("OPTION_INVALID", f"encoding {self.encoding!r} is not known.") from None
        if self.time_zone:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise SensorForgeError(
                    "OPTION_INVALID", f"time_zone {self.time_zone!r} is not an IANA zone such as Europe/Berlin."
                ) from None

    def to_params(self) -> dict[str, Any]:
        """Returns the options that were set, JSON types only: the `options` of a derivation's params."""
        defaults = {f.name: f.default for f in fields(self)}
        chosen = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        if "column_names" in chosen:
            chosen["column_names"] = list(chosen["column_names"])
        return chosen

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ReadOptions:
        """Returns the options of a derivation's params. Raises OPTION_INVALID for a name that does not exist."""
        unknown = set(params) - {f.name for f in fields(cls)}
        if unknown:
            raise SensorForgeError("OPTION_INVALID", f"unknown read option {sorted(unknown)[0]!r}.")
        return cls(**params)
