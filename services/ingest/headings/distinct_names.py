"""Column names that mean one column each: no pattern of names, and none that a table's own columns have.

To a polars table `*` means all columns and `^...$` those that match. Such a name, of a damaged file as a rule, is put
between quotes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

OWN = "source_row"
"""The column of row numbers that every table gets."""


def is_pattern(name: str) -> bool:
    """Returns whether polars would read a column's name as a pattern."""
    return name == "*" or (name[:1] == "^" and name[-1:] == "$")


def renamed(names: Sequence[str]) -> dict[str, str]:
    """Returns what those of a file's distinct names that cannot stay are called."""
    new = {n: free_name(f'"{n}"', names) for n in names if is_pattern(n)}
    return new | {OWN: free_name(OWN, names)} if OWN in names else new


def beside_time(tags: Sequence[str]) -> dict[str, str]:
    """Returns what distinct tags are called as columns beside the table's `timestamp`."""
    taken = {*tags, "timestamp", OWN}
    return {t: t if t not in ("timestamp", OWN) else free_name(f"{t}_tag", taken) for t in tags}


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Returns a name, numbered where it is taken (a, a_2, a_3)."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
