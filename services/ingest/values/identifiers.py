"""Columns that name things with digits, such as the station 03401385: as numbers they would lose their zeros."""

from __future__ import annotations

import re

import polars as pl

_NAMES_THINGS = re.compile(
    r"(?:^|[\W_])(id|ident|code|serial|serial ?n(?:o|r|umber)|device|station|site|site_no|meter|imei|sn|asset|equipment"
    r"|gerät|anlage|zählernummer|seriennummer)(?:$|[\W_])|(?-i:[a-z]I[Dd]$)",
    re.I,
)
_ZERO_LED = r"^0\d{2,}$"
_DIGITS = r"^\d{3,}$"


def may_identify(texts: pl.Series) -> bool:
    """Returns whether a column of trimmed texts holds nothing but digits under a heading that names things."""
    return bool(_NAMES_THINGS.search(texts.name)) and bool(texts.drop_nulls().str.contains(_DIGITS).all())


def is_identifier(texts: pl.Series) -> bool:
    """Returns whether such a column has leading zeros."""
    return may_identify(texts) and bool(texts.drop_nulls().str.contains(_ZERO_LED).any())
