"""For terminals without Unicode: every mark, line and block becomes an ASCII character of the same width."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SAME_WIDTH = {
    "✔": "+", "✖": "x", "●": "*", "○": "o", "•": "*", "·": ".", "…": "~", "—": "-", "–": "-", "→": ">", "←": "<",
    "▶": ">", "▼": "v", "▲": "^", "⏎": "<", "↑": "^", "↓": "v", "°": "o", "²": "2", "³": "3", "µ": "u",
    "›": ">", "≤": "<", "≥": ">",
    "“": '"', "”": '"', "‘": "'", "’": "'", "±": "~", "×": "x", "█": "#", "░": "-", "▔": "-", "▁": "_",
}  # fmt: skip
_TABLE = str.maketrans(_SAME_WIDTH)


def plain(text: str) -> str:
    """Returns the text in ASCII, character by character: lines as + - |, blocks as #, braille dots as *, accented
    letters and others unknown as ?."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else _by_block(c) for c in text.translate(_TABLE))


def _by_block(character: str) -> str:
    code = ord(character)
    if 0x2500 <= code < 0x2580:  # box drawing
        return "-" if character in "─━╌╍┄┅┈┉═" else "|" if character in "│┃╎╏┆┇┊┋║" else "+"
    if 0x2580 <= code < 0x25A0:  # block elements: bars of scroll bars and frames
        return "|" if character in "▎▍▌▋▊▉▏▐▕" else "#"
    if 0x2800 <= code < 0x2900:
        return "*"
    return "?" * cell_len(character)


class AsciiOnly(LineFilter):
    """Applies `plain` to whatever is about to be shown."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Returns the line in ASCII."""
        return [Segment(plain(text), style, control) for text, style, control in segments]
