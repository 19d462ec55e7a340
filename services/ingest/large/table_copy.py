"""The parser child's Arrow files as one Parquet output, copied while the child goes on reading where that can be.

Every batch is checked in full: what the child writes is not trusted. What turns out not to be part of the result (the
child may replace parts that it had announced) is thrown away and copied again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from services.artifacts.parquet import TableWriter
from services.jobs.operation import Output

_NO_REJECTS = pa.schema(
    [("source_row", pa.int64()), ("line", pa.int64()), ("reason", pa.string()), ("text", pa.string())]
)


class _Abandoned(Exception):
    """What was copied is not to become an output."""


class TableCopy:
    """A Parquet file in the making. Use it as a context manager; without `finish` nothing becomes an output."""

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self._stack = ExitStack()
        self._writer: TableWriter | None = None
        self._schema: pa.Schema | None = None
        self._units: dict[str, str] = {}
        self._copied: list[Path] = []
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()

    def early(self, path: Path, number: int, units: Mapping[str, str]) -> None:
        """Copies part `number`, from 0, of a table that is not finished. Part 0 begins the table again."""
        if number == 0:
            self._abandon()
        if number != len(self._copied):
            return
        try:
            self._add(path, units)
        except (FileNotFoundError, _Abandoned):
            # The child has begun again, or this part has other types than the first: all parts will be replaced.
            self._abandon()

    def finish(self, paths: Sequence[Path], units: Mapping[str, str]) -> int:
        """Copies what is missing of the finished table, removes its files, and returns its rows.

        Files are read, not mapped, so that memory holds little of a large table.
        """
        if self._copied != list(paths[: len(self._copied)]) or (self._copied and self._units != dict(units)):
            self._abandon()
        for path in paths[len(self._copied) :]:
            self._add(path, units)
        for path in paths:
            path.unlink()
        if self._writer is None:
            self._open(_NO_REJECTS, {})
        rows, self._writer = self._rows, None
        self._stack.close()
        return rows

    def _add(self, path: Path, units: Mapping[str, str]) -> None:
        with pa.OSFile(str(path)) as source:
            reader = pa.ipc.open_file(source)
            if self._writer is None:
                self._open(reader.schema, units)
            if reader.schema != self._schema:
                raise _Abandoned(f"{path.name} has other columns than the parts before it")
            assert self._writer is not None
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                batch.validate(full=True)
                self._writer.write(pa.Table.from_batches([batch]))
                self._rows += batch.num_rows
        self._copied.append(path)

    def _open(self, schema: pa.Schema, units: Mapping[str, str]) -> None:
        self._schema, self._units = schema, dict(units)
        self._writer = self._stack.enter_context(self._output.open_table(self._name, schema, units=units))

    def _abandon(self) -> None:
        """Throws away what was copied."""
        if self._writer is not None:
            self._writer = None
            self._stack.__exit__(_Abandoned, _Abandoned(self._name), None)
        self._stack, self._copied, self._rows = ExitStack(), [], 0


def copy_table(output: Output, name: str, paths: Sequence[Path], units: Mapping[str, str]) -> int:
    """Writes finished Arrow files as one Parquet output, removes them, and returns the rows."""
    with TableCopy(output, name) as copy:
        return copy.finish(paths, units)
