"""Which character encoding a text file has: byte-order mark, NUL pattern, valid UTF-8, then the non-ASCII lines alone.

Whole-file statistics read "°C" as Thai, so a detector sees only the lines that hold a non-ASCII byte, and unit
characters decide between single-byte encodings. Nothing is replaced silently: bytes that the chosen encoding cannot
read are an error that names the line.
"""

from __future__ import annotations

import codecs
import re

import chardet

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors
from services.ingest.tables import Fact

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
# "°C" in the DOS code pages 437 and 850 is 0xF8; in Windows and ISO Latin pages that byte is "ø".
_DOS_DEGREE = re.compile(rb"(?:^|[\s\[(;,\t0-9\"])\xf8[CF]?\b")
# Umlauts of those pages inside words, where Windows pages have punctuation: quotes, a trade mark, nothing.
_DOS_UMLAUT = re.compile(rb"(?:[A-Za-z][\x84\x94]|[\x81\x99])(?=[a-z])|[a-z][\x81](?=[^a-z]|$)")
_MULTI_BYTE = ("shift_jis", "gb18030", "euc_jp", "cp949", "big5")
# What headings and states of exports are mostly written with; the same bytes read otherwise give rare characters.
_OFTEN = {
    "gb18030": "时间日期年月分秒温度压力流量值质名称状态正常异电功率机泵水油气位号点测标签数据平均最大小高低进出"
    "口转速开关停运行故障报警良好坏优差总单备注设参序编变频阀门",
    "big5": "時間日期年月分秒溫度壓力流量值質名稱狀態正常異電功率機泵水油氣位號點測標籤數據平均最大小高低進出"
    "口轉速開關停運行故障報警良好壞優差總單備註設參序編變頻閥門",
    "shift_jis": "時間日付年月分秒刻温度圧力流量値品質名称状態正常異電率機水油気位号点測定数平均最大小高低入出口回"
    "転速開閉停運始警報良不総単備考設番弁ーンルスポプタト",
    "cp949": "시간일년월분초온도압력유량값품질이름태그상정전류율기물위호점측치평균최대소고저입출구회속개폐운경"
    "보양불총단비번설명각냉수순환펌프모터열교동작가스공장라인계센서데의",
}
_OFTEN["euc_jp"] = _OFTEN["shift_jis"]
_CJK = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯＀-￯　-〿]")
_WESTERN = frozenset("äöüßÄÖÜéèêëàâçîïôûùœÉÈÀÇñáíóúãõÁÍÓÚÃÕåøæÅØÆ°µ²³·±§")
# A sign of units between small letters is a letter of another page: "łożyska" misread as "³o¿yska".
_SIGN_IN_WORD = re.compile(r"[A-Za-z][°µ²³±·§œ](?=[a-z])|[²³±§](?=[a-z]{2})")
_CYRILLIC = ("windows-1251", "koi8-r", "cp866", "iso-8859-5")
_OFTEN_CYRILLIC = frozenset("оеаинтсрвлкмдпОЕАИНТСРВЛКМДП")
_BESIDE_WESTERN = frozenset({"windows-1250", "iso-8859-2", "windows-1254", "iso-8859-9"})
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_TOUCHES_LETTER = re.compile(r"[a-z]")
SAMPLE_BYTES = 1 << 20

_SIGNS_OF_UNITS = set("°²³µ·".encode("cp1252"))


def detect_encoding(sample: bytes, *, complete: bool) -> Fact:
    """Returns the encoding of a file from a sample of its beginning; `complete` when the sample is the whole file.

    The value is a Python codec name. Alternatives are listed where the bytes fit several encodings.
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return Fact("encoding", name, "byte-order mark")
    if name := _utf16_without_mark(sample):
        return Fact("encoding", name, "every second byte is NUL", ("utf-8",))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=complete)
    except UnicodeDecodeError as error:
        return _legacy(sample, error.start)
    evidence = "only ASCII characters" if sample.isascii() else "valid UTF-8 beyond ASCII"
    return Fact("encoding", "utf-8", evidence)


def decode(data: bytes, encoding: str, file_name: str) -> bytes:
    """Returns the text as UTF-8 bytes without a byte-order mark. Raises ENCODING_INVALID naming the line."""
    try:
        if encoding.replace("_", "-").lower() in ("utf-8", "utf8", "utf-8-sig", "ascii"):
            body = data.removeprefix(codecs.BOM_UTF8)
            if not body.isascii():
                body.decode("utf-8")
            return body
        text = data.decode(encoding)
        return text.removeprefix("\ufeff").encode("utf-8", "strict")
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data.count(b"\n", 0, start) + 1
        raise SensorForgeError(
            "ENCODING_INVALID",
            f"{file_name}: line {line} has bytes that are not {encoding} ({data[start : start + 4].hex(' ')}).",
        ) from error


def _utf16_without_mark(sample: bytes) -> str:
    head = sample[: 1 << 16]
    if len(head) < 4:
        return ""
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.6 and even < 0.1:
        return "utf-16-le"
    if even > 0.6 and odd < 0.1:
        return "utf-16-be"
    return ""


_A_WORD = 3


def _legacy(sample: bytes, bad_at: int) -> Fact:
    lines = [line for line in sample.splitlines() if not line.isascii()][:2000]
    text = b"\n".join(lines)
    runs = _HIGH_RUN.findall(text)
    high = sum(map(len, runs))
    isolated = sum(1 for run in runs if len(run) == 1)
    not_utf8 = f"byte 0x{sample[bad_at]:02x} at offset {bad_at} is not UTF-8"
    # Lead bytes of Shift-JIS lie where single-byte pages have next to no letters; its second bytes may be ASCII.
    lead = sum(0x80 <= byte < 0xA0 for run in runs for byte in run)
    if (isolated < 0.5 * len(runs) or lead > 0.3 * high) and (multi := _multi_byte(text)):
        best, others = multi[0], tuple(multi[1:])
        return Fact("encoding", best, f"{not_utf8}; {high} high bytes form East Asian characters", others)
    if isolated == len(runs) and _DOS_DEGREE.search(text) and not re.search(rb"[\xb0\xe4\xfc\xdf]", text):
        return Fact("encoding", "cp850", f"{not_utf8}; 0xF8 stands where a degree sign belongs", ("cp1252",))
    if isolated >= 0.5 * len(runs) and _DOS_UMLAUT.search(text):
        return Fact("encoding", "cp850", f"{not_utf8}; umlauts of DOS inside words", ("cp1252",))
    if isolated == len(runs) and set(b"".join(runs)) <= _SIGNS_OF_UNITS:
        return Fact("encoding", "cp1252", f"{not_utf8}; nothing but signs of units such as °", ("latin-1",))
    guess = str(chardet.detect(text).get("encoding") or "cp1252").lower().replace("_", "-")
    # Cyrillic words are runs of high bytes; single ones alone are accents.
    words = isolated < 0.5 * len(runs) or any(len(run) >= _A_WORD for run in runs)
    if guess.replace("koi8-u", "koi8-r") in _CYRILLIC and words:
        # Capitals of one of these pages are small letters of another.
        best = max((n for n in _CYRILLIC if _decodes(text, n)), key=lambda name: _often_cyrillic(text.decode(name)))
        return Fact("encoding", best, f"{not_utf8}; its letters are those that Russian has most", ("cp1252",))
    if guess in _BESIDE_WESTERN and _decodes(text, guess) and not _reads_as_western(text, runs):
        return Fact("encoding", guess, f"{not_utf8}; words that Windows-1252 would misspell", ("cp1252",))
    latin = {"iso-8859-1", "iso-8859-15", "iso-8859-9", "windows-1252", "cp1252", "windows-1254", "macroman", "ascii"}
    if isolated >= 0.5 * len(runs) or guess in latin or not _decodes(text, guess) or _reads_as_western(text, runs):
        for name in ("cp1252", "latin-1"):
            if _decodes(text, name):
                return Fact("encoding", name, f"{not_utf8}; single high bytes between ASCII letters", (guess,))
    return Fact("encoding", guess, f"{not_utf8}; letter statistics of the {len(lines)} non-ASCII lines", ("cp1252",))


def _multi_byte(text: bytes) -> list[str]:
    """Returns the East Asian encodings that read every byte, the most plausible first."""
    scored = []
    hint = str(chardet.detect(text).get("encoding") or "").lower().replace("-", "_")
    for name in _MULTI_BYTE:
        if not _decodes(text, name):
            continue
        decoded = text.decode(name)
        foreign = [c for c in decoded if ord(c) > 127]
        common = sum(1 for c in foreign if _CJK.match(c) or c in "°℃μµ±²³ΩΔ·×")
        if _mostly_inside_words(decoded):
            continue
        half_width = sum(1 for c in foreign if "｡" <= c <= "ﾟ")
        often = sum(1 for c in foreign if c in _OFTEN[name] or "ぁ" <= c <= "ヿ")
        score = (common + 0.3 * often - 0.5 * half_width) / max(1, len(foreign))
        score -= 0.02 * len(foreign) / max(1, len(text))
        scored.append(
            (score + (0.1 if hint.startswith(name[:3]) or (name, hint) == ("gb18030", "gb2312") else 0), name)
        )
    return [name for score, name in sorted(scored, reverse=True) if score > 0.7]


def _reads_as_western(text: bytes, runs: list[bytes]) -> bool:
    """Returns whether Windows-1252 gives nothing but the letters of Western European words and signs of units."""
    if max(map(len, runs)) > 2 or not _decodes(text, "cp1252"):
        return False
    decoded = text.decode("cp1252")
    return all(c in _WESTERN for c in decoded if ord(c) > 127) and not _SIGN_IN_WORD.search(decoded)


def _often_cyrillic(decoded: str) -> float:
    foreign = [c for c in decoded if ord(c) > 127]
    return sum(c in _OFTEN_CYRILLIC for c in foreign) / max(1, len(foreign))


def _mostly_inside_words(decoded: str) -> bool:
    """Returns whether most foreign characters stand alone beside small Latin letters, as "öß" misread in "Größe"."""
    runs = [m for m in _FOREIGN.finditer(decoded) if _CJK.search(m[0])]
    alone = sum(
        len(m[0]) == 1 and _TOUCHES_LETTER.search(decoded, max(0, m.start() - 1), m.end() + 1) is not None for m in runs
    )
    return bool(runs) and alone >= 0.5 * len(runs)


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True
