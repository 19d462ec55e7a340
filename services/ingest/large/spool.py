"""A table in parts, consecutive rows with the same columns: in memory while it is small, then in Arrow files on disk.

A file, once written, is never changed: parts that are replaced get names of their own, so that another process may
read what is there while more is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl


@dataclass
class Spool:
    """Parts in the order in which they were added; at most `held_bytes` of them are in memory.

    Files are named {name}-{edition}-{number}.arrow; the edition counts how often the parts were replaced.
    """

    directory: Path
    name: str
    held_bytes: int = 0
    rows: int = 0
    _parts: list[pl.DataFrame | Path] = field(default_factory=list)
    _held: int = 0
    _edition: int = 0

    @property
    def parts(self) -> int:
        """Returns the number of parts."""
        return len(self._parts)

    def add(self, frame: pl.DataFrame) -> Path | None:
        """Takes the next part; returns its file unless it is held in memory."""
        self.rows += frame.height
        size = int(frame.estimated_size())
        if self._held + size <= self.held_bytes:
            self._held += size
            self._parts.append(frame)
            return None
        path = self._written(frame, len(self._parts))
        self._parts.append(path)
        return path

    def clear(self) -> None:
        """Removes all parts."""
        for part in self._parts:
            if isinstance(part, Path):
                part.unlink()
        self._parts, self.rows, self._held = [], 0, 0
        self._edition += 1

    def paths(self) -> list[Path]:
        """Returns the files of all parts, after writing those that are held in memory."""
        for number, part in enumerate(self._parts):
            if isinstance(part, pl.DataFrame):
                self._parts[number] = self._written(part, number)
        self._held = 0
        return [part for part in self._parts if isinstance(part, Path)]

    def column(self, name: str, dtype: pl.DataType) -> pl.Series:
        """Returns one column of all parts; a part without values may have another type."""
        pieces = [p[name] if isinstance(p, pl.DataFrame) else pl.read_ipc(p, columns=[name])[name] for p in self._parts]
        return pl.concat([of_type(piece, dtype) for piece in pieces], rechunk=False)

    def frame(self, schema: Mapping[str, Any]) -> pl.DataFrame:
        """Returns the whole table, an empty one of that schema when there is no part."""
        if not self._parts:
            return pl.DataFrame(schema=schema)
        return pl.concat([_read(p) for p in self._parts], rechunk=False)

    def schemas(self) -> Iterator[dict[str, pl.DataType]]:
        """Yields the columns and types of each part."""
        for part in self._parts:
            yield dict(part.schema if isinstance(part, pl.DataFrame) else pl.read_ipc_schema(part))

    def rewrite(self, change: Callable[[pl.DataFrame, int], pl.DataFrame]) -> None:
        """Replaces every part by what `change` makes of it and of the number of rows before it."""
        before = 0
        self._edition += 1
        for number, part in enumerate(self._parts):
            frame = _read(part)
            changed = change(frame, before)
            before += frame.height
            if isinstance(part, pl.DataFrame):
                self._parts[number] = changed
                continue
            self._parts[number] = self._written(changed, number)
            part.unlink()

    def _written(self, frame: pl.DataFrame, number: int) -> Path:
        path = self.directory / f"{self.name}-{self._edition}-{number:05d}.arrow"
        frame.write_ipc(path, compat_level=pl.CompatLevel.oldest())
        return path


def of_type(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Returns numbers, or cells that are all missing, in another type."""
    if values.dtype == dtype:
        return values
    if values.null_count() == len(values):
        return pl.Series(values.name, [None], dtype=dtype).new_from_index(0, len(values))
    return values.cast(dtype)


def _read(part: pl.DataFrame | Path) -> pl.DataFrame:
    return part if isinstance(part, pl.DataFrame) else pl.read_ipc(part)
