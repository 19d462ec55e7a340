"""Station-to-archive files of the Baseline Surface Radiation Network: named and refused, with the way out.

Their logical records hold several kinds of observations in columns whose meaning only the format's description has.
"""

from __future__ import annotations

import re

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.formats.registry import TextFormat
from services.ingest.formats.text_file import Text
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import Progress, SourceTable

_FIRST_RECORD = re.compile(r"^\s*\*[CU]0001\s*\r?\n")


def recognise(head: str) -> str:
    """Returns why a text is a station-to-archive file, or ""."""
    return "its first line opens logical record 0001 of BSRN" if _FIRST_RECORD.match(head) else ""


def refuse(text: Text, file_name: str, options: ReadOptions, limits: Limits, progress: Progress) -> SourceTable:
    """Raises FORMAT_UNSUPPORTED."""
    raise SensorForgeError(
        "FORMAT_UNSUPPORTED",
        f"{file_name} is a BSRN station-to-archive file: logical records of several kinds, not one table.",
        remedy="Download the same month as tab-separated text from PANGAEA, or convert it with the BSRN toolbox.",
    )


FORMAT = TextFormat("bsrn", recognise, refuse)
