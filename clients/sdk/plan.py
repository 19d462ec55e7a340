"""The plan of a run: every choice a person or a script can make before it starts, with its default.

A plan is a value. It comes from the options of `run`, from a YAML file, or from the journal of an earlier run, and the
same plan for the same files and profile is the same run. Files and profile are named here; what they contain counts,
not where they lie.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Strategy = Literal["merge", "replace", "real-only"]
AutoMap = Literal["confident", "exact"]
ColumnRole = Literal["timestamp", "run", "rul", "label", "state", "sensor", "auxiliary", "ignore"]
CleaningKind = Literal[
    "ffill", "bfill", "interpolate", "drop", "clip", "clip_sigma", "deduplicate", "drop_duplicate_timestamps"
]


@dataclass(frozen=True)
class ReadChoices:
    """How to read the files; None and empty mean: detected. Field by field ingest.v1.ParseOptions, where
    `register_map` is a local file instead of its artifact."""

    format: str = ""
    delimiter: str = ""
    quote: str = ""
    encoding: str = ""
    header_row: int | None = None
    decimal: str = ""
    sheet: str = ""
    timestamp_format: str = ""
    timestamp_column: str = ""
    register_map: str = ""
    day_first: bool | None = None
    time_zone: str = ""
    tag_column: str = ""
    value_column: str = ""
    quality_column: str = ""
    join_tolerance_seconds: float = 0.0
    units_row: bool | None = None
    column_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnChoice:
    """What one column is. `sensor` belongs to the roles sensor and state; `unit` is the column's own unit."""

    column: str
    role: ColumnRole = "sensor"
    sensor: str = ""
    unit: str = ""


@dataclass(frozen=True)
class JoinChoices:
    """Mapped tables of the same machine whose rows are joined to this run's own, one after the other. `tables` are
    artifacts; `tolerance_seconds` 0 means the service's. See mapping.v1.JoinSpec."""

    tables: tuple[str, ...] = ()
    tolerance_seconds: float = 0.0


@dataclass(frozen=True)
class ValidationChoices:
    """Limits of validation; 0 means the service's default. Field by field ingest.v1.ValidationThresholds."""

    missing_share: float = 0.0
    min_rows: int = 0
    iqr_factor: float = 0.0
    z_score: float = 0.0
    stuck_rows: int = 0
    gap_factor: float = 0.0


@dataclass(frozen=True)
class CleaningChoice:
    """One step of a cleaning recipe, as ingest.v1.CleaningStep. One that is not `enabled` is kept and not done; a
    recipe of such steps alone changes nothing, while an empty one means the suggested one."""

    kind: CleaningKind
    columns: tuple[str, ...] = ()
    max_gap: int = 0
    sigma: float = 0.0
    enabled: bool = True


@dataclass(frozen=True)
class LifeChoices:
    """How to add remaining useful life. `cap` is in the machine's RUL unit; 0 means none. `failure_log` is a local file
    with one row a failure; its columns are found by name and values unless they are named."""

    mode: Literal["auto", "keep", "recompute", "none"] = "auto"
    cap: float = 0.0
    runs_end_in_failure: bool | None = None
    failure_log: str = ""
    log_run_column: str = ""
    log_time_column: str = ""
    log_kind_column: str = ""
    failure_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class AlignChoices:
    """How to align sensors of different cadence. `rows`: empty for not at all, `slowest`, or the sensor whose values
    make the rows; `tolerance_seconds` 0 means the service's. Field by field mapping.v1.AlignOptions."""

    rows: str = ""
    tolerance_seconds: float = 0.0


@dataclass(frozen=True)
class SplitChoices:
    """How to split real rows; 0 means the service's default share."""

    by: Literal["auto", "run", "block"] = "auto"
    train: float = 0.0
    val: float = 0.0


@dataclass(frozen=True)
class TrainingChoices:
    """How to train; 0 and empty mean: chosen by the service. Field by field refine.v1.TrainingOptions."""

    engine: Literal["", "flow", "tvae"] = ""
    batch_size: int = 0
    learning_rate: float = 0.0
    patience: int = 0
    freeze_encoder: bool = False
    l2_sp: float = 0.0
    replay: float = 0.0
    calibrate: bool | None = None
    device: str = ""  # "cpu", "cuda" or "cuda:N"; "" is the processor


@dataclass(frozen=True)
class GateChoices:
    """Limits of the quality gates; None means the service's default. Field by field compare.v1.GateOptions."""

    kl_divergence: float | None = None
    correlation_error: float | None = None
    improvement_percent: float | None = None
    dcr_share: float | None = None
    exact_copies: float | None = None
    limit_violations: float | None = None
    leakage: float | None = None


@dataclass(frozen=True)
class Plan:
    """Everything a run is told.

    `strategy` None means real-only, `base` is "default", "none" or a model's name (or the start of its hash), `epochs`
    0 means chosen by the service. Row counts are rows, `seed_rows` 0 means the service's default.
    """

    files: tuple[str, ...] = ()
    profile: str = ""
    strategy: Strategy | None = None
    base: str = "default"
    seed_data: str = ""
    rows: int = 50_000
    epochs: int = 0
    random_seed: int = 0
    timestamp_column: str = ""
    rul_column: str = ""
    run_column: str = ""
    auto_map: AutoMap = "confident"
    activate_if_pass: bool = False
    read: ReadChoices = ReadChoices()
    mapping: tuple[ColumnChoice, ...] = ()
    time_format: str = ""
    align: AlignChoices = AlignChoices()
    join: JoinChoices = JoinChoices()
    validation: ValidationChoices = ValidationChoices()
    cleaning: tuple[CleaningChoice, ...] = ()
    life: LifeChoices = LifeChoices()
    split: SplitChoices = SplitChoices()
    balance_rul: bool = False
    seed_rows: int = 0
    training: TrainingChoices = TrainingChoices()
    where: str = ""
    mix_real: float = 0.0
    oversample: str = ""
    share: float = 0.0
    every_sensor: bool = False
    gates: GateChoices = GateChoices()

    def to_json(self) -> dict[str, Any]:
        """Returns the plan as JSON values, without what is at its default."""
        return _changed(self)

    def choices(self) -> dict[str, Any]:
        """Returns what decides about results: the plan without the places of its files and without activation."""
        values = self.to_json()
        for place in ("files", "profile", "seed_data", "activate_if_pass"):
            values.pop(place, None)
        for group, place in (("read", "register_map"), ("life", "failure_log")):
            if place in values.get(group, {}):
                values[group] = {name: value for name, value in values[group].items() if name != place}
        return values


def run_request_id(
    machine: str,
    profile: str,
    digests: Sequence[str],
    seed_digest: str,
    plan: Plan,
    *,
    register_map_digest: str = "",
    failure_log_digest: str = "",
) -> str:
    """Returns the idempotency key of a run: the same machine, profile artifact, file contents and choices give the
    same run."""
    identity = {
        "machine": machine,
        "profile": profile,
        "files": list(digests),
        "seed_data": seed_digest,
        "choices": plan.choices(),
    }
    if register_map_digest:
        identity["register_map"] = register_map_digest
    if failure_log_digest:
        identity["failure_log"] = failure_log_digest
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "run-" + hashlib.sha256(text.encode()).hexdigest()[:40]


def merged(plan: Plan, overrides: Mapping[str, Any]) -> Plan:
    """Returns the plan with the given fields replaced; None leaves a field as it is, a mapping changes a group."""
    changes: dict[str, Any] = {}
    for name, value in overrides.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            group = getattr(plan, name)
            given = {key: item for key, item in value.items() if item is not None}
            changes[name] = dataclasses.replace(group, **given)
        else:
            changes[name] = value
    return dataclasses.replace(plan, **changes)


def with_paths(plan: Plan, place: Callable[[str], str]) -> Plan:
    """Returns the plan with every local path in it put through `place`; what is not named stays unnamed."""

    def placed(name: str) -> str:
        return place(name) if name else ""

    return dataclasses.replace(
        plan,
        files=tuple(placed(name) for name in plan.files),
        profile=placed(plan.profile),
        seed_data=placed(plan.seed_data),
        read=dataclasses.replace(plan.read, register_map=placed(plan.read.register_map)),
        life=dataclasses.replace(plan.life, failure_log=placed(plan.life.failure_log)),
    )


def _changed(value: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in dataclasses.fields(value):
        given = getattr(value, item.name)
        required = item.default is dataclasses.MISSING
        if not required and given == item.default:
            continue
        values[item.name] = _plain(given)
    return values


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return _changed(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
