"""Messages of the ingest service from and to the values that the domain knows."""

from __future__ import annotations

from collections.abc import Sequence

from sensorforge.ingest.v1 import ingest_service_pb2 as pb
from services.artifacts.clock import parse_utc
from services.artifacts.uploads import Upload
from services.ingest.checks.cleaning import Effect, Step
from services.ingest.checks.thresholds import Thresholds
from services.ingest.options import ReadOptions


def upload_message(upload: Upload) -> pb.Upload:
    """Returns how far an upload is."""
    message = pb.Upload(
        name=upload.name,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        committed_bytes=upload.committed_bytes,
    )
    message.expire_time.FromDatetime(parse_utc(upload.expires))
    return message


def effect_message(effect: Effect) -> pb.CleaningEffect:
    """Returns what one cleaning step changes."""
    step = effect.step
    return pb.CleaningEffect(
        step=pb.CleaningStep(
            kind=step.kind, columns=step.columns, max_gap=step.max_gap, sigma=step.sigma, enabled=step.enabled
        ),
        cells_changed=sum(effect.cells.values()),
        rows_dropped=effect.rows_dropped,
        cells_by_column=effect.cells,
        note=effect.note,
    )


def read_options(message: pb.ParseOptions) -> ReadOptions:
    """Returns the read options of a request; what is unset there is detected. Raises OPTION_INVALID."""
    return ReadOptions(
        format=message.format,
        delimiter=message.delimiter,
        quote="" if message.quote == "none" else message.quote or None,
        encoding=message.encoding,
        header_row=message.header_row if message.HasField("header_row") else None,
        decimal=message.decimal,
        sheet=message.sheet,
        timestamp_format=message.timestamp_format,
        timestamp_column=message.timestamp_column,
        day_first=message.day_first if message.HasField("day_first") else None,
        time_zone=message.time_zone,
        tag_column=message.tag_column,
        value_column=message.value_column,
        quality_column=message.quality_column,
        join_tolerance_seconds=message.join_tolerance_seconds,
        units_row=message.units_row if message.HasField("units_row") else None,
        column_names=tuple(message.column_names),
        raw=message.raw,
    )


def thresholds(message: pb.ValidationThresholds) -> Thresholds:
    """Returns thresholds where 0 means the default. Raises OPTION_INVALID."""
    return Thresholds.from_params(
        {
            "missing_share": message.missing_share,
            "min_rows": message.min_rows,
            "iqr_factor": message.iqr_factor,
            "z_score": message.z_score,
            "stuck_rows": message.stuck_rows,
            "gap_factor": message.gap_factor,
        }
    )


def recipe(messages: Sequence[pb.CleaningStep]) -> tuple[Step, ...]:
    """Returns the steps of a request, disabled ones included. Raises RECIPE_INVALID."""
    return tuple(
        Step.from_params(
            {
                "kind": m.kind,
                "columns": list(m.columns),
                "max_gap": m.max_gap,
                "sigma": m.sigma,
                "enabled": m.enabled,
            }
        )
        for m in messages
    )
