"""docs/errors.md says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc

from clients.sdk.errors import SensorForgeClientError
from services.chassis.errors import ErrorKind
from services.embedded.error_catalogue import EXIT_CODES, MODULES, load_catalogue

REPOSITORY = Path(__file__).parents[2]


def test_committed_page_is_what_the_code_prints() -> None:
    # In a process of its own: tests register reasons too.
    printed = subprocess.run(
        [sys.executable, "-m", "services.embedded.error_catalogue"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    committed = (REPOSITORY / "docs/errors.md").read_text("utf-8")
    assert committed == printed, "run: python -m services.embedded.error_catalogue > docs/errors.md"


def test_every_module_that_registers_reasons_is_in_the_catalogue() -> None:
    registering = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in (REPOSITORY / "services").rglob("*.py")
        if any(line.startswith("register_reasons(") for line in path.read_text("utf-8").splitlines())
    }
    assert registering == set(MODULES)


def test_exit_codes_are_those_of_the_clients() -> None:
    for kind in ErrorKind:
        assert SensorForgeClientError("ANY", "", kind=kind.value).exit_code == EXIT_CODES[kind]


def test_every_status_is_one_of_grpc() -> None:
    known = {status.name for status in grpc.StatusCode}
    assert {reason.status for reason in load_catalogue().values()} <= known
