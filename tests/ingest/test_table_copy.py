"""What the parser child announces early becomes the output only where it is the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from services.artifacts.parquet import TableWriter, read_units
from services.ingest.large.delimited import read_large_file
from services.ingest.large.spool import Spool
from services.ingest.large.table_copy import TableCopy
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source

UNITS = {"p": "bar"}


class Kept:
    """An output whose table exists only after its block has ended without an error."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "table.parquet"
        self.opened = 0

    @contextmanager
    def open_table(
        self, name: str, schema: pa.Schema, *, units: Mapping[str, str] | None = None, **_: Any
    ) -> Iterator[TableWriter]:
        self.opened += 1
        scratch = self.path.with_suffix(".scratch")
        with TableWriter(scratch, schema, units=units) as writer:
            yield writer
        scratch.rename(self.path)


def part(first: int, dtype: Any = pl.Float64) -> pl.DataFrame:
    return pl.DataFrame({"source_row": [first, first + 1], "p": pl.Series([first, None], dtype=dtype, strict=False)})


def spooled(directory: Path, *parts: pl.DataFrame) -> Spool:
    spool = Spool(directory, "table")
    for frame in parts:
        spool.add(frame)
    return spool


def test_parts_copied_early_are_not_copied_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    paths = spooled(tmp_path, part(1), part(3), part(5)).paths()
    with TableCopy(kept, "table.parquet") as copy:  # type: ignore[arg-type]
        copy.early(paths[0], 0, UNITS)
        copy.early(paths[1], 1, UNITS)
        assert not kept.path.exists()
        assert copy.finish(paths, UNITS) == 6
    assert kept.opened == 1
    assert pl.read_parquet(kept.path)["source_row"].to_list() == [1, 2, 3, 4, 5, 6]
    assert read_units(kept.path) == UNITS
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize("what", ["replaced", "begun again", "other units", "other types", "gone"])
def test_what_turns_out_otherwise_is_copied_again(tmp_path: Path, what: str) -> None:
    kept = Kept(tmp_path)
    spool = spooled(tmp_path, part(1), part(3))
    early = [path for path in spool.paths() if path.exists()]
    units, expected = UNITS, [1.0, None, 3.0, None]
    with TableCopy(kept, "table.parquet") as copy:  # type: ignore[arg-type]
        if what == "gone":
            early[0].rename(tmp_path / "elsewhere")
        copy.early(early[0], 0, UNITS)
        match what:
            case "replaced":
                spool.rewrite(lambda frame, before: frame.with_columns(pl.col("p") * 10))
                expected = [10.0, None, 30.0, None]
            case "begun again":
                spool.clear()
                spool.add(part(7))
                copy.early(spool.paths()[0], 0, UNITS)
                expected = [7.0, None]
            case "other units":
                units = {"p": "mbar"}
            case "other types":
                spool.add(part(5, pl.String))
                copy.early(early[1], 1, UNITS)
                copy.early(spool.paths()[2], 2, UNITS)
                spool.rewrite(lambda frame, before: frame.with_columns(pl.col("p").cast(pl.Float64)))
                expected = [1.0, None, 3.0, None, 5.0, None]
            case "gone":
                (tmp_path / "elsewhere").rename(early[0])
        copy.finish(spool.paths(), units)
    assert pl.read_parquet(kept.path)["p"].to_list() == expected
    assert read_units(kept.path) == units


def test_nothing_becomes_an_output_when_the_reader_fails(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with pytest.raises(RuntimeError), TableCopy(kept, "table.parquet") as copy:  # type: ignore[arg-type]
        copy.early(spooled(tmp_path, part(1)).paths()[0], 0, UNITS)
        raise RuntimeError
    assert not kept.path.exists()


@pytest.mark.parametrize(("last", "stands"), [("99,12.5\n", True), ("99,odd\n" * 40, False)])
def test_announced_parts_keep_their_names_exactly_when_they_stand(tmp_path: Path, last: str, stands: bool) -> None:
    path = tmp_path / "export.csv"
    path.write_text("n,p [bar]\n" + "".join(f"{i},{i}.5\n" for i in range(300)) + last)
    announced: list[tuple[Path, int, dict[str, str]]] = []
    read = read_large_file(
        Source(path, path.name),
        ReadOptions(),
        Limits(),
        tmp_path,
        from_bytes=0,
        block_bytes=500,
        written=lambda file, number, units: announced.append((file, number, dict(units))),
    )
    assert read is not None
    assert [number for _, number, _ in announced] == list(range(len(announced)))
    assert announced[0][2] == read.units == {"p [bar]": "bar"}
    assert ([file for file, _, _ in announced] == read.table.paths()) is stands
