"""The registry: versions, artifacts and listing, on a real local store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.opening import open_store
from services.chassis.errors import SensorForgeError
from services.machines.examples import example
from services.machines.profile import MachineProfile, parse_profile
from services.machines.registry import Machines


@pytest.fixture
def open_machines(tmp_path: Path) -> Callable[[], Machines]:
    def opened() -> Machines:
        store = open_store(str(tmp_path / "store"))
        return Machines(store, Catalog(store))

    return opened


@pytest.fixture
def machines(open_machines: Callable[[], Machines]) -> Machines:
    return open_machines()


@pytest.fixture
def motor() -> MachineProfile:
    return parse_profile(example("motor"), "motor.yaml")[0]


def test_the_same_document_twice_is_the_same_version(machines: Machines, motor: MachineProfile) -> None:
    first = machines.register(motor)
    assert machines.register(motor) == first
    assert first.version == 1
    assert first.artifact.startswith("machines/motor_55kw/profiles/")


def test_a_changed_document_is_the_next_version_and_the_old_one_stays_readable(
    machines: Machines, motor: MachineProfile
) -> None:
    first = machines.register(motor)
    second = machines.register(replace(motor, title="Another"))
    assert second.version == 2
    assert machines.get(motor.machine_id).profile.title == "Another"
    assert machines.profile(first.artifact) == motor


def test_going_back_to_an_older_document_is_a_new_version_of_the_same_artifact(
    machines: Machines, motor: MachineProfile
) -> None:
    first = machines.register(motor)
    machines.register(replace(motor, title="Another"))
    third = machines.register(motor)
    assert (third.version, third.artifact) == (3, first.artifact)


def test_another_process_sees_the_machine(open_machines: Callable[[], Machines], motor: MachineProfile) -> None:
    registered = open_machines().register(motor)
    assert open_machines().get(motor.machine_id) == registered


@pytest.mark.parametrize("machine_id", ["nobody", "../etc", "", "A"])
def test_an_unknown_machine_is_not_found(machines: Machines, machine_id: str) -> None:
    with pytest.raises(SensorForgeError) as caught:
        machines.get(machine_id)
    assert caught.value.reason == "MACHINE_NOT_FOUND"


def test_machines_are_listed_by_id_in_pages(machines: Machines, motor: MachineProfile) -> None:
    for name in ("c", "a", "b", "a-1"):
        machines.register(replace(motor, machine_id=name))
    page, token = machines.list(page_size=3)
    rest, end = machines.list(page_size=3, page_token=token)
    assert [m.profile.machine_id for m in page + rest] == ["a", "a-1", "b", "c"]
    assert end == ""
