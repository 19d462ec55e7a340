"""The stage as a whole: operations with real storage, and the servicer's messages."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2 as pb
from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import Manifest
from services.artifacts.objects import ObjectStore
from services.chassis.errors import SensorForgeError
from services.ingest.operations import OPERATIONS
from services.ingest.revisions import REVISIONS
from services.ingest.servicer import IngestServicer
from services.ingest.stage import STAGE
from services.jobs.engine import Jobs
from services.jobs.stage import StageContext
from services.jobs.testing import Recording, run_operation
from services.machines.profile import parse_profile
from services.machines.registry import Machines
from tests.ingest.conftest import steady

Upload = Callable[..., Manifest]
OPERATION = {o.name: o for o in OPERATIONS}
PROFILE = """
machine_id: m1
sensors:
  - {name: bearing, unit: °C, min: 0, max: 60.5}
"""


def run(
    name: str, inputs: dict[str, str], params: dict[str, object], catalog: Catalog, recording: Recording | None = None
) -> dict[str, Manifest]:
    return run_operation(OPERATION[name], Derivation("m1", name, REVISIONS[name], inputs, params), catalog, recording)


def test_parse_validate_clean_leave_complete_artifacts(catalog: Catalog, upload: Upload) -> None:
    raw = upload(steady() + b"2024-01-01 00:40:00,Bad,40.5,5.5\n" + b"2024-01-01 00:40:10,60.5,40.5,5.5\n")
    recording = Recording()
    parsed = run("ingest.parse", {"source-0": raw.name}, {"options": {}}, catalog, recording)["table"]
    assert [f.name for f in parsed.files] == ["table.parquet", "rejects.parquet", "ledger.json", "detection.json"]
    assert parsed.kind == "clean"
    table = parsed.file("table.parquet")
    assert table.rows == 202
    assert {c.name: c.unit for c in table.columns}["bearing [°C]"] == "°C"
    assert catalog.read_json(parsed.name, "ledger.json")["balanced"]
    assert recording.events
    params: dict[str, object] = {"thresholds": {}, "file_name": "export.csv"}
    report = run("ingest.validate", {"table": parsed.name}, params, catalog)["report"]
    assert [f.name for f in report.files] == ["validation.json", "validation.txt", "validation.html"]
    assert catalog.read_json(report.name, "validation.json")["validation_passed"]
    cleaned = run("ingest.clean", {"table": parsed.name}, {"recipe": []}, catalog)["table"]
    effects = catalog.read_json(cleaned.name, "cleaning.json")["effects"]
    assert [(e["step"]["kind"], e["cells_changed"]) for e in effects] == [("interpolate", 1)]
    assert {c.name: c.unit for c in cleaned.file("table.parquet").columns}["oil [°C]"] == "°C"


def test_refused_file_publishes_nothing(catalog: Catalog, upload: Upload) -> None:
    raw = upload(b"n;x\n1;1,234\n2;5,678\n")
    with pytest.raises(SensorForgeError) as caught:
        run("ingest.parse", {"source-0": raw.name}, {"options": {}}, catalog)
    assert caught.value.reason == "DECIMAL_AMBIGUOUS"
    assert catalog.list("m1", "clean")[0] == []


def test_stage_names_its_operations_and_services() -> None:
    assert {o.name: o.revision for o in OPERATIONS} == dict(STAGE.revisions)
    assert "sensorforge.machines.v1.RunService" in STAGE.service_names


class Call:
    """A call's context as far as the servicer looks at it."""

    def peer(self) -> str:
        return "ipv4:127.0.0.1:5000"


@pytest.fixture
def servicer(store: ObjectStore, catalog: Catalog) -> IngestServicer:
    profile, _ = parse_profile(PROFILE, "m1.yaml")
    Machines(store, catalog).register(profile)
    return IngestServicer(StageContext(store, catalog, Jobs(store, catalog)), REVISIONS)


async def pieces(name: str, data: bytes, size: int = 1000, spoil: bool = False) -> AsyncIterator[pb.WriteUploadRequest]:
    for offset in range(0, len(data), size):
        part = data[offset : offset + size]
        yield pb.WriteUploadRequest(
            name=name if offset == 0 else "", offset=offset, data=part, crc32=zlib.crc32(part) ^ spoil
        )


async def sent(servicer: IngestServicer, data: bytes) -> str:
    import hashlib

    request = pb.CreateUploadRequest(machine="m1", file_name="export.csv", size_bytes=len(data), request_id="r1")
    name = (await servicer.CreateUpload(request, Call())).upload.name  # type: ignore[arg-type]
    written = await servicer.WriteUpload(pieces(name, data), Call())  # type: ignore[arg-type]
    assert written.upload.committed_bytes == len(data)
    finish = pb.FinishUploadRequest(name=name, sha256=hashlib.sha256(data).hexdigest())
    answer = await servicer.FinishUpload(finish, Call())  # type: ignore[arg-type]
    return answer.artifact.name


async def test_upload_detect_start_and_look(servicer: IngestServicer, catalog: Catalog) -> None:
    call: object = Call()
    raw = await sent(servicer, steady())
    found = await servicer.DetectFormat(pb.DetectFormatRequest(artifact=raw), call)  # type: ignore[arg-type]
    facts = {f.key: f.value for f in found.facts}
    assert facts["delimiter"] == ","
    assert found.head[0].cells[0] == "time"
    spec = pb.ParseSpec(sources=[raw], options=pb.ParseOptions(delimiter=","))
    started = await servicer.StartParse(pb.StartParseRequest(machine="m1", spec=spec, request_id="p1"), call)  # type: ignore[arg-type]
    assert started.job.state == job_pb2.JOB_STATE_PENDING
    parsed = run("ingest.parse", {"source-0": raw}, {"options": {"delimiter": ","}}, catalog)["table"].name
    shown = await servicer.PreviewDataset(pb.PreviewDatasetRequest(artifact=parsed, rows=500), call)  # type: ignore[arg-type]
    assert (len(shown.rows), shown.total_rows) == (200, 200)
    columns = await servicer.ListColumns(pb.ListColumnsRequest(artifact=parsed), call)  # type: ignore[arg-type]
    assert [c.unit for c in columns.columns if c.name == "bearing [°C]"] == ["°C"]
    listed = await servicer.ListDatasets(pb.ListDatasetsRequest(machine="m1"), call)  # type: ignore[arg-type]
    assert [d.name for d in listed.datasets] == [parsed]
    request = pb.DryRunCleaningRequest(
        machine="m1",
        spec=pb.CleaningSpec(table=parsed, recipe=[pb.CleaningStep(kind="clip_sigma", sigma=1, enabled=True)]),
    )
    tried = await servicer.DryRunCleaning(request, call)  # type: ignore[arg-type]
    assert tried.effects[0].cells_changed > 0
    sample = tried.samples[0]
    at = sample.changed_row - sample.first_row
    assert sample.before[:at] == sample.after[:at]
    assert sample.before[at] != sample.after[at]
    await servicer.DeleteDataset(pb.DeleteDatasetRequest(artifact=parsed), call)  # type: ignore[arg-type]
    assert not (await servicer.ListDatasets(pb.ListDatasetsRequest(machine="m1"), call)).datasets  # type: ignore[arg-type]


async def test_damaged_piece_and_oversized_file_are_refused(servicer: IngestServicer) -> None:
    call: object = Call()
    too_big = pb.CreateUploadRequest(machine="m1", file_name="x.json", size_bytes=501 << 20, request_id="r2")
    with pytest.raises(SensorForgeError) as caught:
        await servicer.CreateUpload(too_big, call)  # type: ignore[arg-type]
    assert caught.value.reason == "UPLOAD_TOO_LARGE"
    request = pb.CreateUploadRequest(machine="m1", file_name="x.csv", size_bytes=10, request_id="r3")
    name = (await servicer.CreateUpload(request, call)).upload.name  # type: ignore[arg-type]
    with pytest.raises(SensorForgeError) as caught:
        await servicer.WriteUpload(pieces(name, b"0123456789", spoil=True), call)  # type: ignore[arg-type]
    assert caught.value.reason == "UPLOAD_CHUNK_CORRUPT"
    assert not servicer._writing


async def test_unknown_machine_is_not_found(servicer: IngestServicer) -> None:
    request = pb.CreateUploadRequest(machine="m9", file_name="x.csv", size_bytes=10, request_id="r4")
    with pytest.raises(SensorForgeError) as caught:
        await servicer.CreateUpload(request, Call())  # type: ignore[arg-type]
    assert caught.value.reason == "MACHINE_NOT_FOUND"
