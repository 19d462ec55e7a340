"""Sums of money in cells: the sign of a currency before or behind the number, brackets for a negative one."""

from __future__ import annotations

import polars as pl

_SIGNS = "$€£¥₹"
_BEFORE = rf"^([+-]?)\s*([{_SIGNS}])\s*([+-]?[\d.,]*\d)$"
_BEHIND = rf"^([+-]?[\d.,]*\d)\s*([{_SIGNS}]|EUR|USD|GBP|CHF|AUD|CAD)$"
_IN_BRACKETS = rf"^\(([{_SIGNS}]?)\s*([\d.,]*\d)\)$"
_SAMPLE = 200
_SHARE = 0.9


def without_currency(texts: pl.Series) -> tuple[pl.Series, str] | None:
    """Returns the numbers of sums as texts, and their currency; None unless nearly all cells are sums of one.

    "$0.20", "0,20 €" and "($1.50)" are 0.20, 0,20 and -1.50; a text that is no sum stays as it is.
    """
    sample = texts.drop_nulls().head(_SAMPLE)
    for pattern, group, bare in ((_BEFORE, 2, "${1}${3}"), (_BEHIND, 2, "${1}")):
        found = sample.str.extract(pattern, group).drop_nulls()
        if not found.len() or found.n_unique() > 1:
            continue
        others = sample.filter(~sample.str.contains(pattern))
        if found.len() + int(others.str.contains(_IN_BRACKETS).sum()) >= _SHARE * sample.len():
            return texts.str.replace(pattern, bare).str.replace(_IN_BRACKETS, "-${2}"), str(found[0])
    return None
