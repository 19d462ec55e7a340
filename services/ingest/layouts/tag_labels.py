"""Lines that name the tag of the samples below them, as in "Tag: Flow": they must not be lost between rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.tables import Reject


class AnotherTag(SensorForgeError):
    """The samples of another tag begin under the same header: the text is to be read as sections."""


LABEL_ABOVE = 6
"""Lines above a header among which the tag of its section may be named."""
_TAG_LABEL = re.compile(
    r"^[\"#*\s]*(?:tag|point|item|signal|series|channel|sensor|variable|name)(?:[ _]?name)?\"?\s*[:=,;\t|]\s*\"?(.+?)"
    r"[\",;\t|]*\s*$",
    re.I,
)


def labelled_tag(line: str) -> str:
    """Returns the tag that a line by itself names, as in "Tag: Flow"; "" for any other line."""
    match = _TAG_LABEL.match(line)
    return match[1].strip() if match else ""


def refuse_another_tag(
    file_name: str, above: Iterable[str], headers: Sequence[Reject], others: Sequence[Reject]
) -> None:
    """Raises AnotherTag where a line before a repeated header names another tag than the lines `above` the first.

    `headers` are the repeated headers, `others` the rejects among which such a line is.
    """
    first = {tag for line in above if (tag := labelled_tag(line))}
    for header in headers if first else ():
        for line in others:
            near = header.line - LABEL_ABOVE <= line.line < header.line
            if near and (tag := labelled_tag(line.text)) and tag not in first:
                raise AnotherTag(
                    "TABLES_DIFFER",
                    f"{file_name}: line {line.line} ({line.text!r}) begins the section of another tag under the same "
                    "header; values of several tags would stand in one column.",
                    remedy="Say --format sections, or split the file where its header comes again, one file a tag.",
                )
