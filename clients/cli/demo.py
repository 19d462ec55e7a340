"""`sensorforge demo`: the main job end to end on generated sample data, in a directory of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import options, output, typed
from clients.cli.connection import connect
from clients.cli.demo_sample import write_demo_sample
from clients.cli.narration import Narrator
from clients.cli.run import drive
from clients.cli.running import carry_out
from clients.sdk.errors import ExitCode, SensorForgeClientError
from clients.sdk.plan import Plan
from clients.sdk.workflow.session import RunSession


def demo(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where everything of the demonstration goes.")
    ] = Path("sensorforge-demo"),
    rows: Annotated[int, typer.Option("--rows", min=10, help="Synthetic rows.")] = 50_000,
    epochs: Annotated[int, typer.Option("--epochs", min=0, help="Most training epochs; 0: chosen by the service.")] = 0,
    timeout: options.Timeout = "",
    json: options.Json = False,
    events: options.Events = False,
) -> None:
    """Try the whole job on sample data: a pump's export becomes a model, 50,000 rows and a report."""

    async def work() -> ExitCode:
        try:
            sample = await asyncio.to_thread(write_demo_sample, directory / "data")
        except OSError as failed:
            raise SensorForgeClientError(
                "TARGET_UNWRITABLE",
                f"{directory} cannot be written: {failed.strerror or failed}.",
                kind="USAGE",
                remedy="Choose another place with --dir.",
            ) from None
        output.say(f"The sample: {', '.join(str(path) for path in sample.files)} with profile {sample.profile_path}")
        plan = Plan(
            files=tuple(str(path) for path in sample.files), profile=str(sample.profile_path), rows=rows, epochs=epochs
        )
        store = (directory / "store").absolute()
        out = directory / "results"
        typed.needs({"SENSORFORGE_STORE": str(store)})
        async with connect(store=str(store)) as connection:
            if connection.embedded is None:
                raise SensorForgeClientError("EMBEDDED_FAILED", "The demonstration needs an embedded service.")

            async def opened(narrator: Narrator) -> RunSession:
                return await RunSession.open(connection.forge, plan, narrator, title="demonstration")

            code = await drive(
                connection,
                opened,
                lambda session: session.run(),
                out=out,
                limit_s=options.seconds(timeout),
                json=json,
                events=events,
            )
        if code == ExitCode.DONE and not (json or events):
            output.data.print(what_now(store, out), markup=False)
        return code

    carry_out(work(), json=json, events=events)


def what_now(store: Path, out: Path) -> str:
    """Returns where everything is and what to do next, as commands that can be pasted."""
    profile, results = "machine.yaml", "results"
    lines = (
        "",
        f"Report      {out / 'report' / 'comparison.pdf'}",
        f"Data sets   {out / 'augmented'}/train.parquet, val.parquet, test.parquet",
        f"Held out    {out / 'holdout.parquet'} (real rows no model saw)",
        f"Lineage     {out / 'lineage.json'}",
        "",
        "With a file of your own (look the drafted profile through before the second):",
        f"  {typed.command('profile', 'init', 'YOUR.csv', '--out', profile)}",
        f"  {typed.command('run', 'YOUR.csv', '--profile', profile, '--out', results)}",
        "",
        "On a screen, with this demonstration's runs in it:",
        f"  {typed.command(SENSORFORGE_STORE=str(store))}",
    )
    return "\n".join(lines)
