"""Columns of fixed width under a rule of dashes, as database tools print answers (sqlcmd, isql, SSMS "to text").

The rule says where columns begin; cells are cut there, so that blanks inside them ("2024-03-14 05:58:00") are kept.
The cut text goes the way of all delimited text; lines that do not keep to the columns (remarks) are left as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import polars as pl

from services.chassis.errors import SensorForgeError
from services.ingest.formats.delimited import read_delimited
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits, refuse_beyond
from services.ingest.options import ReadOptions
from services.ingest.tables import Fact, Progress, SourceTable

_RULE = re.compile(r"^(?=.*-{3}) *-{2,}(?: +-+)+ *\r?$", re.M)
_LOOKED_AT = 50


def recognise(head: str) -> str:
    """Returns why a text has columns of fixed width, or ""."""
    lines = head.split("\n")[:_LOOKED_AT]
    at = next((i for i, line in enumerate(lines) if _RULE.match(line)), 0)
    if not at or not lines[at - 1].strip() or "\t" in lines[at - 1]:
        return ""
    starts = _starts(lines[at])
    below = [line for line in lines[at + 1 :] if line.strip()][:10]
    keep = sum(_keeps_to(line, starts) for line in (lines[at - 1], *below))
    return f"line {at + 1} rules {len(starts)} columns" if keep >= 0.8 * (1 + len(below)) else ""


def read_columns(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Returns the table under the rule. Raises NO_ROWS and what delimited text raises."""
    refuse_beyond("bytes", text.size, limits.scada_bytes)
    body = text.data.decode("utf-8")
    rule = _RULE.search(body)
    if rule is None:
        raise SensorForgeError("NO_ROWS", f"{file_name} has no rule of dashes under a header.")
    starts = _starts(rule[0])
    refuse_beyond("columns", len(starts), limits.columns)
    ends_with_newline = body.endswith("\n")
    lines = pl.Series("line", body.removesuffix("\n").split("\n")).str.strip_chars_end("\r")
    cells = [
        lines.str.slice(start, stop - start).str.strip_chars().str.replace_all("\t", " ", literal=True).alias(str(i))
        for i, (start, stop) in enumerate(pairwise([*starts, 1 << 31]))
    ]
    cut = pl.DataFrame(cells).select(pl.concat_str(pl.all(), separator="\t")).to_series()
    # The line above the rule is the header; the rule itself says nothing more and counts as blank.
    header = body.count("\n", 0, rule.start())
    cut[header] = ""
    kept = pl.Series([_keeps_to(line, starts) for line in lines.to_list()], dtype=pl.Boolean)
    kept[header] = True
    joined = "\n".join(cut.zip_with(kept, lines).to_list()) + "\n" * ends_with_newline
    tabbed = Text(joined.encode(), text.facts)
    given = header if options.header_row is None else options.header_row
    layout = replace(options, delimiter="\t", quote="", header_row=given)
    table = read_delimited(tabbed, file_name, layout, limits, progress)
    table.facts.append(Fact("columns", "fixed width", f"a rule of dashes begins columns at {starts[:12]}"))
    return table


def _starts(rule: str) -> list[int]:
    return [match.start() for match in re.finditer(r"-+", rule)]


def _keeps_to(line: str, starts: list[int]) -> bool:
    """Returns whether a line has a blank before every column that it reaches, and reaches the second."""
    return len(line) > starts[1] and all(line[s - 1] == " " for s in starts[1:] if s < len(line))


FORMAT = TextFormat("fixed_width", recognise, read_columns)
