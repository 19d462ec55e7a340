"""Words for good and bad samples in the languages that plants write them in, and what they have in common with states.

Lower case throughout. Word lists and the questions they answer; codes and schemes are in quality.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_GOOD = frozenset({
    "good", "ok", "okay", "valid", "normal", "true", "g", "confirmed", "measured", "yes", "reliable", "online",
    "gut", "i.o.", "io", "gültig", "gueltig", "ja", "bon", "bonne", "valide", "oui", "correct", "correcto", "correcta",
    "bueno", "buena", "válido", "valido", "buono", "buona", "bom", "boa", "goed", "geldig", "bra", "giltig", "gyldig",
    "hyvä", "iyi", "dobra", "dobry", "dobre", "dobrá", "хорошее", "хороший", "хорошо", "годен", "достоверно",
    "достоверный", "норма", "良好", "好", "良", "正常", "有效", "有効", "양호", "정상",
})  # fmt: skip
_GOOD_BEGINNINGS = ("good", "ok ", "valid", "gut ", "gut(", "bonne", "bon ", "gültig")
_BAD_BEGINNINGS = (
    "not", "no ", "bad", "inval", "uncert", "question", "goodless", "unreliab",
    "ungültig", "ungueltig", "unsicher", "schlecht", "gestört", "störung",
    "mauvais", "douteu", "incertain", "malo", "mala", "incorrect", "dudos", "inciert", "cattiv", "scadent", "incert",
    "ruim", "inválid", "slecht", "ongeldig", "onzeker", "dålig", "dårlig", "ogiltig", "ugyldig", "huono",
    "zła", "złe", "zły", "niepewn", "nieprawid", "špatn",
    "плох", "недостов", "неопр", "сомнит", "ошибк",
    "不良", "不可", "坏", "差", "异常", "異常", "无效", "無効", "不确定", "不確", "可疑", "불량", "비정상",
)  # fmt: skip
_BAD = frozenset({"bad", "not", "no", "uncertain", "questionable", "invalid", "unreliable", "schlecht"})
_EVERYDAY = frozenset({
    "online", "true", "normal", "g", "yes", "ja", "oui", "measured", "confirmed", "норма", "正常", "정상",
})  # fmt: skip
_EVERYDAY_BEGINNINGS = ("not", "no ", "异常", "異常", "비정상")
"""Words that states of machines have as well."""
_FAULTS = (
    "fehler", "defekt", "störung", "stoerung", "error", "fault", "fail", "alarm", "open", "burnout", "défaut", "defaut",
    "erreur", "fallo", "errore", "guasto", "błąd", "awaria", "ошибка", "авария",
    "错误", "故障", "エラー", "異常", "异常",
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


_STATION = frozenset({
    "ok", "null", "disabled", "fault", "down", "alarm", "stale", "overridden", "unackedalarm", "unacked alarm",
})  # fmt: skip
"""States that Niagara stations write in braces, several beside commas."""


def is_station_status(text: str) -> bool:
    """Returns whether a text is a status of a Niagara station: "{ok}", "{fault,down}"."""
    inner = text.strip().lower()
    return inner[:1] == "{" and inner[-1:] == "}" and {w.strip() for w in inner[1:-1].split(",")} <= _STATION


def is_good_word(text: str) -> bool:
    """Returns whether a text says that a sample is good."""
    low = text.strip().strip("{}").lower()
    if low.startswith(_BAD_BEGINNINGS):
        return False
    words = _WORD.findall(low)
    # "Raw, Good": how a sample came to be stands before what it is worth.
    told = "good" in words and _BAD.isdisjoint(words)
    return low in _GOOD or low.startswith(_GOOD_BEGINNINGS) or told


def says_bad(text: str) -> bool:
    """Returns whether a text of quality begins with a word for bad, or has one between others ("Raw, Bad")."""
    low = text.strip().lower()
    return low.startswith(_BAD_BEGINNINGS) or not _BAD.isdisjoint(_WORD.findall(low))


def is_quality_word(text: str) -> bool:
    """Returns whether a text says in some language what a sample is worth, and would not as well be a state."""
    if is_station_status(text):
        return True
    low = text.strip().lower()
    return low not in _EVERYDAY and not low.startswith(_EVERYDAY_BEGINNINGS) and (is_good_word(text) or says_bad(text))


def has_good_word(texts: Collection[str]) -> bool:
    """Returns whether one of the texts is a word for good."""
    return any(map(is_good_word, texts))


def is_fault_word(text: str) -> bool:
    """Returns whether a text reports a fault, which a machine's state may do as well as a sample's."""
    return text.strip().lower().startswith(_FAULTS)
