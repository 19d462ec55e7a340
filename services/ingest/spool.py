"""A table on disk in parts: Arrow files of consecutive rows with the same columns, which are never held together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl


@dataclass
class Spool:
    """Parts named {name}-{number}.arrow in a directory, in the order in which they were added."""

    directory: Path
    name: str
    paths: list[Path] = field(default_factory=list)
    rows: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Writes the next part."""
        path = self.directory / f"{self.name}-{len(self.paths):05d}.arrow"
        _write(frame, path)
        self.paths.append(path)
        self.rows += frame.height

    def clear(self) -> None:
        """Removes all parts."""
        for path in self.paths:
            path.unlink()
        self.paths, self.rows = [], 0

    def column(self, name: str, dtype: pl.DataType) -> pl.Series:
        """Returns one column of all parts; a part without values may have another type."""
        pieces = [of_type(pl.read_ipc(p, columns=[name])[name], dtype) for p in self.paths]
        return pl.concat(pieces, rechunk=False)

    def frame(self, schema: Mapping[str, Any]) -> pl.DataFrame:
        """Returns the whole table, an empty one of that schema when there is no part."""
        if not self.paths:
            return pl.DataFrame(schema=schema)
        return pl.concat([pl.read_ipc(p) for p in self.paths], rechunk=False)

    def schemas(self) -> Iterator[dict[str, pl.DataType]]:
        """Yields the columns and types of each part."""
        for path in self.paths:
            yield dict(pl.read_ipc_schema(path))

    def rewrite(self, change: Callable[[pl.DataFrame, int], pl.DataFrame]) -> None:
        """Replaces every part by what `change` makes of it and of the number of rows before it."""
        before = 0
        for path in self.paths:
            frame = pl.read_ipc(path)
            changed = path.with_suffix(".new")
            _write(change(frame, before), changed)
            os.replace(changed, path)
            before += frame.height


def of_type(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Returns numbers, or cells that are all missing, in another type."""
    if values.dtype == dtype:
        return values
    if values.null_count() == len(values):
        return pl.Series(values.name, [None], dtype=dtype).new_from_index(0, len(values))
    return values.cast(dtype)


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_ipc(path, compat_level=pl.CompatLevel.oldest())
