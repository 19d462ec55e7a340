"""The main job over four separately started services, and what happens when one of their workers is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from clients.cli.demo_sample import write_demo_sample
from clients.sdk import Plan
from clients.sdk.workflow.events import EpochEvent, Event
from tests.e2e.processes import Cluster, cluster
from tests.e2e.runs import check_results, digest, run_to_the_end

ROWS = 10_000


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("services")
    with cluster(str(folder / "store"), folder) as running:
        yield running


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    sample = write_demo_sample(tmp_path_factory.mktemp("sample"))
    return Plan(
        files=tuple(str(f) for f in sample.files), profile=str(sample.profile_path), rows=ROWS, strategy="real-only"
    )


@pytest.fixture(scope="module")
def undisturbed(services: Cluster, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    asyncio.run(run_to_the_end(services.endpoints, plan, out))
    return out


def test_the_main_job_leaves_everything_and_it_agrees(undisturbed: Path) -> None:
    check_results(undisturbed, ROWS)


def test_the_same_run_again_does_nothing_twice(services: Cluster, plan: Plan, undisturbed: Path) -> None:
    report = asyncio.run(run_to_the_end(services.endpoints, plan))
    assert report.all_reused


def test_a_killed_trainer_resumes_and_the_result_is_the_same(plan: Plan, undisturbed: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_in_mid_training(event: Event) -> None:
        if isinstance(event, EpochEvent) and event.step == "refine" and event.epoch.epoch >= 3 and not killed:
            for worker in busy_workers(services):
                killed.append(worker.pid)
                worker.kill()

    with cluster(str(tmp_path / "store"), tmp_path) as services:
        out = tmp_path / "out"
        asyncio.run(run_to_the_end(services.endpoints, plan, out, kill_in_mid_training))
    assert killed
    for name in ("refined_synthetic.parquet", "augmented/train.parquet"):
        assert digest(out / name) == digest(undisturbed / name), name


def busy_workers(services: Cluster) -> list[psutil.Process]:
    return services.stages["refine"].workers()
