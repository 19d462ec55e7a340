"""Whether a file writes decimal commas or decimal points, decided by cells that read only one way.

"1,5" can only be a decimal comma and "1,234.5" only a grouping one; "1,234" alone is either and is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.tables import Fact
from services.ingest.values.number_affixes import without_currency
from services.machines.units import parse_unit

Decimal = Literal[".", ",", "mixed"]
SAMPLE = 20_000
# A sign may stand apart from the digits, or behind them.
_ONLY_COMMA = r"^[+-]? *\d*,\d+([eE][+-]?\d+)? *-?$"
_GROUP_OR_COMMA = r"^[+-]? *[1-9]\d{0,2},\d{3} *-?$"
_POINT_GROUPS = r"^[+-]? *\d{1,3}([. '’\u{a0}\u{202f}]\d{3})+,\d+ *-?$"
_COMMA_GROUPS = r"^[+-]? *\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,}) *-?$"
_MEASURED = r"^([+-]?[\d.,]*\d)\s*([%°µA-Za-zΩ]\S{0,11})$"
_MOST_UNITS = 4
_PLAIN_POINT = r"^[+-]? *(\d*\.\d{1,2}|\d*\.\d{4,}|\d{4,}\.\d+|0?\.\d+)([eE][+-]?\d+)? *-?$"


def _without_units(sample: pl.Series) -> pl.Series:
    """Returns the cells without a unit or a currency beside the number, as in "12,5 bar" and "0,20 €"."""
    if (sums := without_currency(sample)) is not None:
        return sums[0]
    suffixes = sample.str.extract(_MEASURED, 2).drop_nulls().unique()
    if not 0 < len(suffixes) <= _MOST_UNITS or any(parse_unit(unit) is None for unit in suffixes.to_list()):
        return sample
    return sample.str.replace(_MEASURED, "${1}")


@dataclass
class DecimalEvidence:
    """Counts of sampled cells: only a decimal comma, only grouping commas, only a decimal point, either."""

    comma: int = 0
    groups: int = 0
    point: int = 0
    undecided: int = 0
    example: tuple[str, str] = ("", "")

    def add(self, texts: pl.Series, sample_size: int = SAMPLE) -> None:
        """Looks at an even sample of a column's trimmed cells."""
        sample = texts.drop_nulls()
        if len(sample) > sample_size:
            sample = sample.gather_every(len(sample) // sample_size)
        if not sample.str.contains(",", literal=True).any():
            head = sample.head(2000)
            points = int(head.str.contains(_PLAIN_POINT).sum())
            self.point += points or int(_without_units(head).str.contains(_PLAIN_POINT).sum())
            return
        sample = _without_units(sample)
        unclear = sample.str.contains(_GROUP_OR_COMMA)
        self.comma += int((sample.str.contains(_ONLY_COMMA) & ~unclear).sum())
        self.comma += int(sample.str.contains(_POINT_GROUPS).sum())
        self.groups += int(sample.str.contains(_COMMA_GROUPS).sum())
        self.point += int(sample.str.contains(_PLAIN_POINT).sum())
        self.undecided += int(unclear.sum())
        if unclear.any() and not self.example[0]:
            self.example = (texts.name, str(sample.filter(unclear)[0]))

    @property
    def mark(self) -> Decimal | None:
        """The decimal mark that the cells show; None when commas occur and nothing settles what they are."""
        if self.comma:
            return "mixed" if self.point or self.groups else ","
        return None if self.undecided and not self.groups and not self.point else "."

    def decide(self, given: str, file_name: str, *, undecided_ok: bool) -> tuple[Decimal, Fact]:
        """Returns the decimal mark and the fact that says why. Raises DECIMAL_AMBIGUOUS unless `undecided_ok`."""
        if given == ",":
            return ",", Fact("decimal", ",", "given")
        if given == ".":
            return ".", Fact("decimal", ".", "given")
        against = self.point + self.groups
        match self.mark:
            case "mixed":
                why = f"{self.comma} cells can only have a decimal comma, {against} only a decimal point"
                return "mixed", Fact("decimal", "mixed", f"{why}: read cell by cell", (",", "."))
            case ",":
                return ",", Fact("decimal", ",", f"{self.comma} sampled cells can only have a decimal comma", (".",))
            case ".":
                return ".", self._point()
        return ".", self._undecided(file_name, undecided_ok)

    def _point(self) -> Fact:
        if self.groups or self.undecided:
            cells = self.point + self.groups
            return Fact("decimal", ".", f"commas group thousands; {cells} cells have a decimal point", (",",))
        why = f"{self.point} sampled cells have a decimal point" if self.point else "no cell has a comma"
        return Fact("decimal", ".", why)

    def _undecided(self, file_name: str, undecided_ok: bool) -> Fact:
        column, text = self.example
        as_comma, as_group = text.replace(",", "."), text.replace(",", "")
        if undecided_ok:
            readings = f"{text!r} in column {column!r} is {as_comma} or {as_group}; no cell settles it"
            return Fact("decimal", "undecided", readings, (",", "."), ambiguous=True)
        raise SensorForgeError(
            "DECIMAL_AMBIGUOUS",
            f"{file_name}: {text!r} in column {column!r} is {as_comma} with a decimal comma or {as_group} with a "
            "thousands separator; no cell of the file settles it.",
            metadata={"column": column, "text": text, "readings": f"{as_comma}|{as_group}"},
        )
