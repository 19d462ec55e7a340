"""What one cell's text looks like: number, date, quality word, text. Used on samples only, never on whole columns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

CellKind = Literal["empty", "number", "time", "token", "text", "odd"]

MISSING_WORDS = frozenset({
    "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "-", "--", "---", "----", "?", "???", ".", "..",
    "missing", "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!", "inf", "-inf", "+inf", "infinity",
    "-infinity", "1.#inf", "-1.#inf", "1.#qnan", "-1.#ind", "1.#ind", "****", "*****", "******", "####", "#####",
    "n.a.", "n.v.", "k.a.", "<null>", "(null)", "[null]", "undefined", "void",
})  # fmt: skip
"""Texts that mean "no value" in any export, lower case."""

QUALITY_WORDS = frozenset({
    "bad", "uncertain", "comm_fail", "timeout", "offline", "overflow", "underflow", "overrange", "underrange", "error",
    "err", "#err", "fail", "failed", "invalid", "disconnected", "stale", "unknown", "no data", "i/o timeout",
    "pt created", "comm fail", "bad input", "out of service", "not connect", "no sample", "calc failed", "calc fail",
    "no result", "scan off", "scan timeout", "over range", "under range", "bad quality", "no connection",
    "not connected", "sensor failure", "device failure", "configure", "intf shut", "no_data", "arc off-line",
    "bad total", "no alarm", "out of range", "sensor error", "no value", "not available", "unavailable",
    "equip fail", "no lab data", "access denied", "keine daten", "kein wert", "nicht verfügbar", "sans valeur",
    "pas de données", "indisponible", "sin datos", "no disponible", "sem dados", "nessun dato", "欠測", "无数据",
})  # fmt: skip
"""Texts that historians write into value cells instead of a value, lower case."""

_NUMBER = re.compile(
    # The sign may stand apart, as instruments write columns of fixed width, or behind, as accounting systems do.
    r"^[+-]? {0,12}(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*%?$|^\d*[.,]?\d+-$|^0[xX][0-9a-fA-F]{1,16}$"
)
_GROUPED = re.compile(r"^[+-]?\d{1,3}([., '’  ]\d{3})+([.,]\d+)?$")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)[a-zé]*\.?"
_CLOCK = r"\d{1,2}[:.]\d{2}([:.]\d{2}([.,:]\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
_DATE = (
    rf"(\d{{1,2}}[-/. ]{_MONTH}[-/. ,]+\d{{2,4}}|{_MONTH}[ -]\d{{1,2}},? \d{{4}}|"
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{2} \d{2} \d{4}(?= \d{1,2}:)|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|"
    r"\d{4}[年년] ?\d{1,2}[月월] ?\d{1,2}[日일])"
)
_EAST_ASIAN_CLOCK = rf"[ ]?({_CLOCK}|\d[\d時时시분分秒초 ]+)"
_TIME = re.compile(
    rf"^({_DATE}([ T,;_@]+{_CLOCK}|(?<=[日일]){_EAST_ASIAN_CLOCK}|[ T]\d{{1,2}})?|"
    r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AaPp][Mm])?|\d{8}T\d{6}Z?)$",
    re.I,
)

_REMEMBERED = 40
"""Characters up to which a text's kind is remembered: the cells of a file repeat."""

WEIGHT: dict[CellKind, float] = {"empty": 0.75, "number": 1.0, "time": 1.0, "token": 0.85, "text": 0.62, "odd": 0.15}
"""How much a cell of a kind speaks for the dialect that produced it."""


def kind_of(cell: str) -> CellKind:
    """Returns what a cell's text looks like under any locale."""
    text = cell.strip()
    return _known(text) if len(text) <= _REMEMBERED else _looked_at(text)


def _looked_at(text: str) -> CellKind:
    if not text:
        return "empty"
    if _NUMBER.match(text):
        return "number"
    if _TIME.match(text):
        return "time"
    if _GROUPED.match(text):
        return "number"
    if text.lower() in MISSING_WORDS or text.lower() in QUALITY_WORDS or text.lower() in ("true", "false", "good"):
        return "token"
    if len(text) <= 80 and not any(c in text for c in ';\t|"'):
        return "text"
    return "odd"


_known = lru_cache(1 << 14)(_looked_at)


def is_measured(kind: CellKind) -> bool:
    """Returns whether a kind is what data columns hold."""
    return kind in ("number", "time")
