"""What a person types, pastes or drops as a path, made into files; and what could come next while typing. Pure but for
looking at the file system.

A terminal pastes a dropped file as text: quoted, with backslashes before spaces, or as a `file://` address.
"""

from __future__ import annotations

import codecs
import glob
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clients.tui.views import Problem

_PREFIX_BYTES = 4096
_KINDS = ((b"PAR1", "Parquet"), (b"PK\x03\x04", "a workbook or an archive"), (b"\x1f\x8b", "compressed"))


def pasted(text: str) -> str:
    """Returns a pasted or dropped text as it would have been typed: one line, addresses as paths, and quotes only where
    a path needs them."""
    words = _words(text.replace("\r", "\n").replace("\n", " ").strip())
    if len(words) == 1:
        return words[0]
    return " ".join(shlex.quote(word) for word in words)


def files_of(text: str) -> list[str]:
    """Returns the files that a text names: one path, several, or patterns. Raises Problem naming what is not there."""
    text = text.strip()
    if not text:
        raise Problem("No data file is named.", "Type its path, or drop the file on this window.", "NO_FILES")
    if "://" in text and not text.startswith("file://"):
        address = text.split()[0]
        raise Problem(
            f"{address} lies in a store that this screen cannot read from.",
            "Fetch the file to this machine first, then type its path.",
            "NO_SUCH_FILE",
        )
    whole = named(text)
    if os.path.isfile(whole):
        return [str(whole)]
    found: list[str] = []
    for word in _words(text):
        path = named(word)
        matches = [str(path)] if os.path.isfile(path) else sorted(n for n in glob.glob(str(path)) if os.path.isfile(n))
        if not matches:
            raise Problem(_missing(path), "Correct the path; Tab completes it.", "NO_SUCH_FILE")
        found += matches
    return found


def profile_of(text: str) -> str:
    """Returns the profile that a text names. Raises Problem."""
    path = named(pasted(text))
    if not text.strip():
        raise Problem(
            "No machine profile is named.", "Type its path, or press F4: one is drafted from the file.", "NO_PROFILE"
        )
    if not os.path.isfile(path):
        raise Problem(_missing(path), "Correct the path, or press F4: one is drafted from the file.", "NO_PROFILE")
    return str(path)


def named(text: str) -> Path:
    """Returns the path that a text names, ~ being this person's home."""
    return Path(os.path.expanduser(text))  # pathlib's own raises for ~NOBODY


def is_file(text: str) -> bool:
    """Returns whether a text is the path of one file."""
    return os.path.isfile(named(text))


def _missing(path: Path) -> str:
    if os.path.isdir(path):
        return f"{path} is a folder; name the files in it, for instance {path}/*.csv."
    above = path.parent
    while not os.path.isdir(above) and above != above.parent:
        above = above.parent
    return f"There is no file {path}." + ("" if above == path.parent else f" {above} is there, the rest is not.")


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:  # a lone quote is part of a name
        words = text.split()
    return [unquote(urlsplit(word).path) if word.startswith("file://") else word for word in words]


def completion(text: str) -> str:
    """Returns the text with its last path completed as far as it is certain, a folder with its slash; the text itself
    when nothing more is certain."""
    options = completions(text)
    if not options:
        return text
    common = _common_start(options)
    if len(options) == 1 and os.path.isdir(os.path.expanduser(common)) and not common.endswith("/"):
        common += "/"
    start = text.rfind(" ") + 1 if not os.path.exists(os.path.dirname(os.path.expanduser(text)) or ".") else 0
    return text[:start] + common if len(common) > len(text[start:]) else text


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]


def completions(text: str, most: int = 100) -> list[str]:
    """Returns the paths that begin as the last path of the text does, folders with a slash; hidden ones only when the
    text asks for them."""
    typed = text
    folder, start = os.path.split(os.path.expanduser(typed))
    if not os.path.isdir(folder or "."):
        typed = text[text.rfind(" ") + 1 :]
        folder, start = os.path.split(os.path.expanduser(typed))
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return []
    shown = [n for n in names if n.startswith(start) and (start.startswith(".") or not n.startswith("."))]
    stem = typed[: len(typed) - len(os.path.split(typed)[1])]
    return [f"{stem}{n}{'/' if os.path.isdir(os.path.join(folder or '.', n)) else ''}" for n in shown[:most]]


def beginning(files: Sequence[str]) -> str:
    """Returns how many files there are, their size, and how the first begins, in one line."""
    sizes = [Path(name).stat().st_size for name in files]
    count = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
    with Path(files[0]).open("rb") as file:
        first = file.read(_PREFIX_BYTES)
    kind = next((f"is {word}" for magic, word in _KINDS if first.startswith(magic)), "")
    if not kind:
        line = _first_line(first)
        kind = "is no plain text" if line is None else f"begins {line[:100]}" if line else "begins with an empty line"
    return f"{count}, {amount(sum(sizes))}, {kind}"


def _first_line(data: bytes) -> str | None:
    """Returns the first line of a text; None when it is none. For a look only: the service detects the encoding."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "ignore")
    elif b"\0" in data:
        return None
    else:
        try:
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(data)
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    return (text.splitlines() or [""])[0].strip()


def amount(size: float) -> str:
    """Returns a number of bytes in the largest unit that leaves a number above 1."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    raise AssertionError(size)


class Pace:
    """How fast bytes go: a rate over the last seconds, and the time left. Times are seconds of any clock."""

    _WINDOW_S = 5.0

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def at(self, now: float, done: int, total: int) -> tuple[str, float]:
        """Returns the words ("12.0 MB of 45.0 MB, 5.1 MB/s") and the seconds left, 0 when they are unknown."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # another file, or the upload went on from an earlier place
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > self._WINDOW_S:
            self._seen.pop(0)
        (then, had), words = self._seen[0], f"{amount(done)} of {amount(total)}"
        if now - then <= 0 or done <= had:
            return words, 0.0
        rate = (done - had) / (now - then)
        return f"{words}, {amount(rate)}/s", (total - done) / rate
