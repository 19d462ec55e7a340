"""Files through a running service: detection, several files, previews, columns, lists, deletion as a client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients.cli.connection import connect
from clients.sdk import embedded
from clients.sdk.client import SensorForge
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.upload import read_digest
from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2 as pb
from tests.ingest.vendors.test_factorytalk import FLOAT_TABLE, TAG_TABLE
from tests.ingest.vendors.test_long import AMBIGUOUS
from tests.ingest.vendors.test_siemens import PANEL
from tests.ingest.vendors.truth import TAGS

pytestmark = pytest.mark.slow
PROFILE = "machine_id: m1\nsensors: [{name: any}]\n"


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[SensorForge]:
    store = str(tmp_path / "store")
    async with connect(store=store) as connection:
        await connection.forge.register_machine(PROFILE)
        yield connection.forge
    embedded.forget(store)


async def uploaded(forge: SensorForge, folder: Path, files: dict[str, str]) -> list[str]:
    names = []
    for name, text in files.items():
        (folder / name).write_text(text)
        names.append((await forge.upload("m1", await read_digest(folder / name))).artifact.name)
    return names


async def parsed(forge: SensorForge, sources: list[str], **options: float) -> str:
    spec = pb.ParseSpec(sources=sources, options=pb.ParseOptions(**options))  # type: ignore[arg-type]
    job = (await forge.start_parse("m1", spec)).job
    async for event in forge.watch_job(job.name):
        if event.WhichOneof("event") == "final":
            job = event.final
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.failure
    return next(o.artifact for o in job.outputs if o.role == "table")


async def test_archive_is_previewed_listed_and_deleted(forge: SensorForge, tmp_path: Path) -> None:
    table = await parsed(forge, await uploaded(forge, tmp_path, {"Datalog0.csv": PANEL["german"]}))
    seen = await forge.preview(table)
    assert list(seen.columns) == ["source_row", "timestamp", *TAGS]
    assert len(seen.rows) == seen.total_rows == 60
    few = await forge.preview(table, offset=50, rows=20)
    assert len(few.rows) == 10
    columns = await forge.columns(table)
    assert {c.name: c.type for c in columns.columns}["Count"].lower().startswith(("int", "double", "float"))
    assert [d.name for d in (await forge.list_datasets("m1")).datasets] == [table]
    await forge.delete_dataset(table)
    assert not (await forge.list_datasets("m1")).datasets
    with pytest.raises(SensorForgeClientError):
        await forge.preview(table)


async def test_preview_shows_at_most_two_hundred_rows(forge: SensorForge, tmp_path: Path) -> None:
    text = "time,flow\n" + "".join(f"2024-01-01 00:{i // 60:02d}:{i % 60:02d},{i}.5\n" for i in range(900))
    table = await parsed(forge, await uploaded(forge, tmp_path, {"flow.csv": text}))
    assert len((await forge.preview(table)).rows) == 100
    assert len((await forge.preview(table, rows=5000)).rows) == 200


async def test_detection_of_a_long_export_asks_for_the_day(forge: SensorForge, tmp_path: Path) -> None:
    (raw,) = await uploaded(forge, tmp_path, {"long.csv": AMBIGUOUS})
    facts = (await forge.detect_format(raw)).facts
    (asked,) = [f for f in facts if f.ambiguous]
    assert asked.key == "timestamp_format:timestamp"
    assert len(asked.alternatives) == 2
    settled = (await forge.detect_format(raw, pb.ParseOptions(day_first=True))).facts
    assert not any(f.ambiguous for f in settled)


async def test_one_file_a_tag_is_joined_within_a_tolerance(forge: SensorForge, tmp_path: Path) -> None:
    files = {
        "flow.csv": "time,value\n" + "".join(f"2024-01-01 00:00:{i:02d},{i}.5\n" for i in range(0, 60, 10)),
        "temp.csv": "time,value\n" + "".join(f"2024-01-01 00:00:{i:02d},{i}.5\n" for i in (1, 11, 41)),
    }
    table = await parsed(forge, await uploaded(forge, tmp_path, files), join_tolerance_seconds=2.0)
    seen = await forge.preview(table)
    assert list(seen.columns) == ["source_row", "timestamp", "flow", "temp"]
    assert [r.cells[3] for r in seen.rows] == ["1.5", "11.5", "", "", "41.5", ""]


async def test_float_table_takes_its_names_from_the_tag_table(forge: SensorForge, tmp_path: Path) -> None:
    files = {"FloatTable.csv": FLOAT_TABLE, "TagTable.csv": TAG_TABLE}
    table = await parsed(forge, await uploaded(forge, tmp_path, files))
    columns = [c.name for c in (await forge.columns(table)).columns]
    assert columns == ["source_row", "timestamp", *(f"Pump\\{t}" for t in TAGS)]
