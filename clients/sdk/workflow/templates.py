"""What a template remembers beside its columns: how a mapped table's time was read and how its sensors were aligned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sensorforge.mapping.v1 import mapping_service_pb2


def time_of(params_json: str) -> mapping_service_pb2.TimeOptions:
    """Returns how the time of a mapped table was read, from the parameters it was made with."""
    return mapping_service_pb2.TimeOptions(**_said(json.loads(params_json or "{}").get("time", {})))


def align_of(params_json: str) -> mapping_service_pb2.AlignOptions:
    """Returns how the sensors of a mapped table were aligned, from the parameters it was made with."""
    align = json.loads(params_json or "{}").get("align", {})
    return mapping_service_pb2.AlignOptions(rows=align.get("rows", ""), tolerance_seconds=align.get("tolerance_s", 0.0))


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
