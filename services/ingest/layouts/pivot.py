"""Samples to a wide table: one row a time, one column a tag, with an account of what every sample became."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from services.ingest.headings.distinct_names import beside_time
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.tables import Fact, SampleCounts, SourceTable, numbered

_DEFAULT_LIMITS = Limits()
# No tag of a file is called so.
_TIME, _LINE = "\0time", "\0line"


def pivot(
    samples: pl.DataFrame, limits: Limits = _DEFAULT_LIMITS
) -> tuple[pl.DataFrame, SampleCounts, dict[str, int], pl.Series]:
    """Returns (wide text table sorted by time, what every sample became, bad cells by tag, first line of each row).

    `samples` has time, tag, value, good and line. Of several good samples of a tag at one time the last stands;
    historians append corrections. Raises INGEST_LIMIT.
    """
    samples = samples.rename({"time": _TIME, "line": _LINE})
    total = samples.height
    readable = samples[_TIME].is_not_null() & samples["tag"].is_not_null() & (samples["tag"] != "")
    unparsable = int((~readable).sum())
    samples = samples.filter(readable)
    samples = samples.with_columns(pl.when("good").then("value").otherwise(None).alias("value"))
    tags = samples["tag"].unique(maintain_order=True).to_list()
    refuse_beyond("tags", len(tags), limits.columns)
    # Tags that share no time give a table far larger than its samples.
    refuse_beyond("cells (times x tags)", samples[_TIME].n_unique() * len(tags), limits.cells)
    keyed = samples.group_by(_TIME, "tag", maintain_order=True).agg(
        pl.col("value").drop_nulls().last().alias("value"),
        pl.col("value").is_not_null().sum().alias("filled"),
        (~pl.col("good")).sum().alias("bad"),
        pl.len().alias("n"),
        pl.col(_LINE).min(),
    )
    placed = int(keyed["value"].is_not_null().sum())
    bad_samples = int((~samples["good"]).sum())
    filled = int(keyed["filled"].sum())
    missing = samples.height - bad_samples - filled
    counts = SampleCounts(total, placed, bad_samples, filled - placed, unparsable, missing)
    bad_cells = keyed.filter(pl.col("value").is_null() & (pl.col("bad") > 0)).group_by("tag").agg(pl.len().alias("n"))
    wide = keyed.pivot(on="tag", on_columns=tags, index=_TIME, values="value", maintain_order=True)
    lines = keyed.group_by(_TIME, maintain_order=True).agg(pl.col(_LINE).min())
    wide = wide.join(lines, on=_TIME, how="left", maintain_order="left").sort(_TIME)
    first_lines = wide[_LINE]
    names = beside_time(tags)
    wide = wide.drop(_LINE).rename({_TIME: "timestamp", **names})
    return wide, counts, {names[t]: n for t, n in bad_cells.iter_rows()}, first_lines


def pivoted(table: SourceTable, samples: pl.DataFrame, facts: list[Fact], units: dict[str, str]) -> SourceTable:
    """Returns a table whose cells were taken apart into `samples`, as `pivot` takes them, turned wide."""
    wide, counts, bad, lines = pivot(samples)
    return replace(
        table,
        frame=wide,
        row_numbers=numbered(wide.height),
        line_numbers=lines,
        facts=facts,
        units=units,
        samples=counts,
        bad_cells=bad,
        has_header=True,
    )
