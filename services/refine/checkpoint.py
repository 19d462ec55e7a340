"""A JSON document and arrays as one safetensors byte string, for checkpoints and model weights. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from services.chassis.errors import SensorForgeError
from services.refine import errors as errors

_DOCUMENT = "document"


def pack(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Returns both in the safetensors format; the document is its metadata."""
    contiguous = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    packed: bytes = safetensors.numpy.save(contiguous, metadata={_DOCUMENT: json.dumps(document, sort_keys=True)})
    return packed


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Returns what was packed. Raises MODEL_FILE_INVALID when the bytes are something else."""
    try:
        arrays: dict[str, NDArray[Any]] = safetensors.numpy.load(data)
        # The format: eight bytes of header length, little endian, then a JSON header with "__metadata__".
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        document = json.loads(header.get("__metadata__", {}).get(_DOCUMENT, "{}"))
    except (SafetensorError, ValueError, UnicodeDecodeError) as error:
        raise SensorForgeError(
            "MODEL_FILE_INVALID", f"The weights are no readable safetensors file: {error}."
        ) from error
    return document, arrays
