"""Runs a command's work and turns its end into an exit code: errors into one paragraph, Ctrl-C into 130."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import typer

from clients.cli import output
from clients.sdk.errors import ExitCode, SensorForgeClientError


def carry_out(work: Coroutine[Any, Any, ExitCode | None], *, json: bool = False, events: bool = False) -> None:
    """Runs the work to its end and leaves with its exit code (None: done)."""
    try:
        code = asyncio.run(work)
    except SensorForgeClientError as failed:
        if json or events:
            values = output.error_document(failed, failed.exit_code)
            if events:
                output.EventLines.shared().write("error", values)
            else:
                output.document(values)
        output.error(failed)
        code = failed.exit_code
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    if code:
        raise typer.Exit(int(code))
