"""The gateway of the screens against real services: a thousand rows through the steps, and back after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from clients.cli.demo_sample import write_demo_sample
from clients.sdk.embedded import forget
from clients.tui.columns import explicit, settled
from clients.tui.remote import GrpcGateway
from clients.tui.session import Step
from clients.tui.views import Advance, Choices, EpochPoint, Problem, Report

ROWS = 1_000


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GrpcGateway]:
    """Yields a gateway on an embedded service of its own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    store = str(tmp_path / "store")
    found = GrpcGateway(None, store)
    assert store in await found.connect()
    try:
        yield found
    finally:
        await found.close()
        forget(store)


@pytest.mark.timeout(240)
async def test_a_thousand_rows_go_through_the_steps_and_are_found_again(gateway: GrpcGateway, tmp_path: Path) -> None:
    sample = write_demo_sample(tmp_path)
    export = tmp_path / "pump.csv"
    lines = sample.files[0].read_text("utf-8").splitlines(keepends=True)
    foreign = lines[0].replace("Suction Press [kPa]", "P1 [kPa]").replace("Mtr Current [A]", "I [A]")
    export.write_text("".join([foreign, *lines[1 : ROWS + 1]]), "utf-8")
    reports: list[Report] = []

    run = await gateway.open_run([str(export)], str(sample.profile_path), reports.append)
    assert "1,000 rows" in await gateway.take(Step.UPLOAD)
    assert any((isinstance(r, Advance) and "MB" in r.message) or "kB" in getattr(r, "message", "") for r in reports)
    assert {fact.key for fact in await gateway.detection()} >= {"format", "encoding", "delimiter"}
    page = await gateway.preview(990)
    assert (len(page.rows), page.total) == (10, ROWS)
    assert (await gateway.rejects()).total == 0
    with pytest.raises(Problem, match="cannot be written"):
        await gateway.write_rejects(Path("/dev/null/no.csv"))

    await gateway.take(Step.VALIDATE)
    findings = await gateway.findings()
    await gateway.accept({findings[0].identity})

    proposed = await gateway.column_map()
    assert proposed.units["suction_pressure_bar"] == "bar"
    first = next(row for row in proposed.columns if row.column == "P1 [kPa]")
    assert first.samples
    await gateway.choose_columns([explicit(settled(row)) for row in proposed.columns])
    again = await gateway.reopen_run(run.name, reports.append)
    assert "map" not in again.consequences, "a draft is no finished step"
    decided = await gateway.column_map()
    assert all(row.confirmed for row in decided.columns if row.sensor)
    assert await gateway.accepted() == {findings[0].identity}
    await gateway.save_template(decided.columns)
    assert [len(t.columns) for t in await gateway.templates()] == [len(decided.columns)]
    await gateway.take(Step.MAP)

    recipe = await gateway.cleaning()
    assert recipe.rows_before == ROWS
    off = [step if n else type(step)(step.kind, step.columns, enabled=False) for n, step in enumerate(recipe.steps)]
    tried = await gateway.cleaning(off)
    assert [step.kind for step in tried.steps] == [step.kind for step in recipe.steps], "what is off stays in its place"
    changed = {column for step in recipe.steps if step.cells for column in step.columns}
    assert changed
    assert {trace.sensor for trace in recipe.traces} <= changed
    assert all(trace.before != trace.after for trace in recipe.traces)
    await gateway.save_recipe(tmp_path / "recipe.yaml", recipe.steps)
    assert "cleaning:" in (tmp_path / "recipe.yaml").read_text("utf-8")
    await gateway.choose_cleaning(recipe.steps)
    await gateway.take(Step.CLEAN)

    await gateway.choose_strategy("real-only")
    await gateway.choose_training(Choices(epochs=2))
    await gateway.take(Step.MERGE)
    await gateway.take(Step.REFINE)
    assert any(isinstance(r, EpochPoint) and r.series == "refined" for r in reports)

    home = await gateway.home()
    assert (home.runs[0].reached, home.runs[0].state, home.runs[0].profile) == ("refine", "open", "demo-pump.yaml")
    assert len((await gateway.losses([run.name]))[run.name]) >= 1
    found = await gateway.reopen_run(run.name, reports.append)
    assert {"upload", "validate", "map", "transform", "merge", "refine"} <= set(found.consequences)
    assert found.stale == ()
    assert found.running is None

    kept = [explicit(row) for row in decided.columns if row.sensor != "flow_m3h"]
    await gateway.choose_columns(kept)
    changed = await gateway.reopen_run(run.name, reports.append)
    assert "map" in changed.stale
    assert "refine" in changed.stale

    same = await gateway.open_run([str(export)], str(sample.profile_path), reports.append)
    assert same.name == run.name
    assert len((await gateway.choices()).files) == 1
    assert "map" in same.stale, "naming the same files again keeps what was decided"
