"""One delimited record taken apart and put together: quotes, doubled quotes, quotes after a backslash."""

from __future__ import annotations


def split_quoted(text: str, delimiter: str, quote: str) -> tuple[list[str], bool]:
    """Returns (fields, complete) of a text that may hold line ends; complete is False inside an open quote.

    A quote opens only at the start of a field (blanks may precede it). Inside, a doubled quote or a quote after a
    backslash stands for itself.
    """
    fields: list[str] = []
    at, size = 0, len(text)
    while True:
        lead = at
        while lead < size and text[lead] == " ":
            lead += 1
        if lead < size and text[lead] == quote:
            value, at, closed = _quoted(text, lead + 1, delimiter, quote)
            if not closed:
                return [*fields, value], False
            stop = text.find(delimiter, at) if delimiter else -1
            stop = size if stop < 0 else stop
            rest = text[at:stop]
            fields.append(value if not rest.strip() else value + rest)
        else:
            stop = text.find(delimiter, at) if delimiter else -1
            stop = size if stop < 0 else stop
            fields.append(text[at:stop])
        if stop >= size:
            return fields, True
        at = stop + 1


def _quoted(text: str, at: int, delimiter: str, quote: str) -> tuple[str, int, bool]:
    parts: list[str] = []
    while True:
        close = text.find(quote, at)
        if close < 0:
            return "".join(parts) + text[at:], len(text), False
        follower = text[close + 1 : close + 2]
        after_backslash = close > at and text[close - 1] == "\\"
        ends_behind = follower == quote and text[close + 2 : close + 3] in (delimiter, "", "\n", "\r")
        if follower == quote and not (after_backslash and ends_behind):
            parts.append(text[at : close + 1])
            at = close + 2
        elif after_backslash and follower not in (delimiter, ""):
            parts.append(text[at : close - 1] + quote)
            at = close + 1
        else:
            parts.append(text[at:close])
            return "".join(parts), close + 1, True


def canonical(fields: list[str], delimiter: str) -> bytes:
    """Returns a record that any CSV parser reads as these fields."""
    quoted = (
        f'"{f.replace(chr(34), chr(34) * 2)}"'
        if delimiter and (delimiter in f or '"' in f or "\n" in f or "\r" in f)
        else f
        for f in fields
    )
    return delimiter.join(quoted).encode()
