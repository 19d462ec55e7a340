"""XML as a stream of elements, safely: a document type, which is where entities are declared, is refused at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

from services.chassis.errors import SensorForgeError
from services.ingest import errors as errors

Start = Callable[[str, dict[str, str]], None]


def read_events(
    path: Path, file_name: str, *, start: Start, end: Callable[[str], object], text: Callable[[str], object]
) -> None:
    """Calls `start` with name and attributes, `text` and `end` for all of a document; names are without prefix.

    Raises FILE_CORRUPT for what is not well formed and for a document type.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refused(name: str, *_: object) -> None:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name} declares a document type ({name}), which no export needs.")

    parser.StartDoctypeDeclHandler = refused
    parser.StartElementHandler = lambda name, found: start(_bare(name), {_bare(k): v for k, v in found.items()})
    parser.EndElementHandler = lambda name: end(_bare(name))
    parser.CharacterDataHandler = text
    try:
        with path.open("rb") as source:
            parser.ParseFile(source)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise SensorForgeError("FILE_CORRUPT", f"{file_name} is not well-formed XML: {error}.") from error


def _bare(name: str) -> str:
    return name.rpartition(":")[2]
