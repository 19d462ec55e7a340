"""`sensorforge suggest`: which sensor each tag of a bare list is, without a file of rows and without a run."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli import options, output
from clients.cli.connection import connect
from clients.cli.running import carry_out
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.profile_file import read_profile
from sensorforge.mapping.v1 import mapping_service_pb2

_TIERS = {
    mapping_service_pb2.TIER_AUTO: "auto",
    mapping_service_pb2.TIER_REVIEW: "review",
    mapping_service_pb2.TIER_NONE: "none",
}


def suggest(
    columns: Annotated[
        Path,
        typer.Option(
            "--columns", metavar="FILE", help="JSON: a list of names, or of {name, unit, samples, quantiles}."
        ),
    ],
    profile: Annotated[Path, typer.Option("--profile", "-p", metavar="FILE", help="Machine profile.")],
    json: options.Json = False,
    endpoint: options.Endpoint = "",
) -> None:
    """Suggest a role and a sensor for every column of a tag list."""

    async def work() -> None:
        hints = read_columns(columns)
        document, name = read_profile(str(profile))
        if not document.strip():
            raise SensorForgeClientError(
                "PROFILE_INVALID",
                f"{name}: the document is empty.",
                kind="INPUT",
                remedy="`sensorforge profile init FILE` drafts a profile from a data file.",
            )
        async with connect(endpoint) as connection:
            try:
                answer = await connection.forge.suggest_mappings(columns=hints, profile_document=document)
            except SensorForgeClientError as refused:
                raise _naming_the_file(refused, name) from None
        values = suggestion_document(answer)
        if json:
            output.document(values)
            return
        output.table(
            ("column", "role", "tier", "sensor", "confidence", "why"),
            [
                (c["column"], c["role"], c["tier"], c["sensor"], f"{c['confidence']:.0%}", "; ".join(c["reasons"]))
                for c in values["columns"]
            ],
        )
        for warning in values["warnings"]:
            output.say(f"  ! {warning}")

    carry_out(work(), json=json)


def _naming_the_file(refused: SensorForgeClientError, name: str) -> SensorForgeClientError:
    """Returns the error with the profile's file name, which the service that was sent its text does not know."""
    if refused.reason != "PROFILE_INVALID" or not refused.message.startswith("profile"):
        return refused
    return SensorForgeClientError(
        refused.reason,
        f"{name}{refused.message.removeprefix('profile')}",
        kind=refused.kind,
        remedy=refused.remedy,
        metadata={**refused.metadata, "file": name},
    )


def suggestion_document(answer: mapping_service_pb2.SuggestMappingsResponse) -> dict[str, Any]:
    """Returns the proposal in the shape that scripts depend on."""
    return {
        "columns": [
            {
                "column": item.column,
                "role": item.role,
                "tier": _TIERS.get(item.tier, "none"),
                "sensor": item.sensor or None,
                "confidence": item.confidence,
                "reasons": _reasons(item),
                "alternatives": [{"sensor": a.sensor, "confidence": a.confidence} for a in item.alternatives],
            }
            for item in answer.suggestions
        ],
        "unmapped_sensors": list(answer.unmapped_sensors),
        "profile_fit": answer.profile_fit,
        "warnings": list(answer.warnings),
    }


def _reasons(item: mapping_service_pb2.Suggestion) -> list[str]:
    """Returns why, what its numbers would become, and where no sensor is proposed why not."""
    said = [*item.reasons]
    if item.abstain_reason and item.abstain_reason not in said:
        said.append(item.abstain_reason)
    if item.sensor and item.unit_example:
        said.append(f"{item.unit_example} ({item.unit_basis})")
    return said


def read_columns(path: Path) -> list[mapping_service_pb2.ColumnHint]:
    """Returns the columns of a JSON file. Raises SensorForgeClientError COLUMNS_INVALID."""
    try:
        given = json_module.loads(path.read_text("utf-8"))
    except OSError as failed:
        raise _invalid(path, f"it cannot be read: {failed.strerror or failed}") from None
    except ValueError as failed:
        raise _invalid(path, f"it is not JSON: {failed}") from None
    if isinstance(given, Mapping):
        given = given.get("columns")
    if not isinstance(given, list) or not given:
        raise _invalid(path, 'it must be a list of columns, or {"columns": [...]}')
    return [_hint(path, number, item) for number, item in enumerate(given, 1)]


def _hint(path: Path, number: int, item: Any) -> mapping_service_pb2.ColumnHint:
    if isinstance(item, str):
        return mapping_service_pb2.ColumnHint(name=item)
    if not isinstance(item, Mapping) or not isinstance(item.get("name", item.get("column")), str):
        raise _invalid(path, f"column {number} has no name: {str(item)[:80]}")
    quantiles = item.get("quantiles", item.get("q")) or []
    try:
        return mapping_service_pb2.ColumnHint(
            name=item.get("name", item.get("column")),
            unit=str(item.get("unit") or ""),
            samples=[str(value) for value in item.get("samples") or []],
            quantiles=[float(value) for value in quantiles],
        )
    except (TypeError, ValueError) as failed:
        raise _invalid(path, f"column {number}: {failed}") from None


def _invalid(path: Path, what: str) -> SensorForgeClientError:
    return SensorForgeClientError(
        "COLUMNS_INVALID",
        f"{path} is no list of columns: {what}.",
        kind="USAGE",
        remedy='Write it like ["TT_101", {"name": "PT_7", "unit": "bar"}].',
    )
