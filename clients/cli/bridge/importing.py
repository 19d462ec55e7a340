"""From sampled rows to a model of ours: upload, read, map, take as seed rows, train. Ordinary calls, all of them.

The rows go the way of any seed file, so the model's lineage leads back to the uploaded rows; where these came from is
kept with the seed rows (`imported_from`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from clients.cli.narration import Narrator
from clients.sdk.calls.started import Started
from clients.sdk.client import SensorForge
from clients.sdk.config import Stage
from clients.sdk.plan import Plan
from clients.sdk.workflow import events
from clients.sdk.workflow.columns import decide_columns, review_error
from clients.sdk.workflow.following import job_outputs
from clients.sdk.workflow.model_steps import FIRST_MODEL, training_options
from clients.sdk.workflow.steps import TITLES, StepName
from sensorforge.ingest.v1 import ingest_service_pb2
from sensorforge.mapping.v1 import mapping_service_pb2
from sensorforge.refine.v1 import refine_service_pb2


@dataclass(frozen=True)
class Imported:
    """The model that was trained, the seed rows it was trained on, and whether it became the machine's default."""

    model: str
    seeds: str
    is_default: bool


def origin_of(model: Path, kind: str) -> str:
    """Returns where sampled rows come from, in words: the model's class, its file and the file's SHA-256."""
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{kind}, file {model.name}, SHA-256 {digest}"


async def train_on_rows(
    forge: SensorForge, narrator: Narrator, machine_id: str, rows: Path, imported_from: str, plan: Plan
) -> Imported:
    """Returns the model trained on a file of rows. `plan` says columns, training and random seed.

    Raises SensorForgeClientError: the machine is unknown, the mapping needs review, a job failed.
    """
    machine = await forge.get_machine(machine_id)
    source = (await forge.upload(machine_id, rows)).artifact.name

    async def done(step: StepName, stage: Stage, starting: Awaitable[Started]) -> dict[str, str]:
        narrator(events.StepStarted(step, TITLES[step]))
        return await job_outputs(forge, narrator, step, stage, await starting)

    parse = ingest_service_pb2.ParseSpec(sources=[source])
    parsed = (await done("upload", "ingest", forge.start_parse(machine_id, parse)))["table"]
    proposal = await forge.suggest_mappings(machine_id, table=parsed, profile=machine.profile)
    decided = decide_columns(machine, proposal, plan)
    for finding in decided.findings:
        narrator(finding)
    if decided.questions:
        raise review_error(decided.questions)
    mapping = mapping_service_pb2.MappingSpec(table=parsed, profile=machine.profile, columns=decided.columns)
    mapped = (await done("map", "mapping", forge.start_mapping(machine_id, mapping)))["table"]
    seed = refine_service_pb2.SeedSpec(
        profile=machine.profile,
        rows=plan.seed_rows,
        seed=plan.random_seed,
        source=mapped,
        imported_from=imported_from,
    )
    seeds = (await done("seed", "refine", forge.start_seed(machine_id, seed)))["rows"]
    training = refine_service_pb2.TrainingSpec(
        rows=seeds, profile=machine.profile, options=training_options(plan), seed=plan.random_seed
    )
    model = (await done("train", "refine", forge.start_training(machine_id, training)))["model"]
    standing = await forge.get_default_model(machine_id)
    first = standing.current.version == 0
    if first:
        await forge.activate_model(machine_id, model, expected_version=0, reason=FIRST_MODEL)
    return Imported(model, seeds, first or standing.current.model == model)
