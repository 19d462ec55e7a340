"""`sensorforge`, the command. Without a subcommand it opens the screen; with one it works without a screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from clients.cli import output, plans, profiles, steps, suggest, templates
from clients.cli.convert import convert
from clients.cli.datasets import datasets
from clients.cli.demo import demo
from clients.cli.doctor import doctor
from clients.cli.examples import add_examples
from clients.cli.join import join
from clients.cli.machines import machines
from clients.cli.models import models
from clients.cli.run import run
from clients.cli.runs import runs, watch
from clients.cli.up import up
from clients.cli.web import web
from clients.sdk.errors import ExitCode, SensorForgeClientError

app = typer.Typer(
    name="sensorforge",
    help="Turn a machine's history into training data: a refined model, synthetic data sets, and a report on them.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed in a service, 2 usage or bad plan, 3 service unreachable, 4 timeout, "
    "5 input rejected, 6 mapping needs review, 7 quality gate not met, 8 conflict, 130 interrupted.",
)


@app.callback(invoke_without_command=True)
def sensorforge(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Open the screen without any character beyond ASCII.")
    ] = False,
    theme: Annotated[
        str, typer.Option("--theme", metavar="NAME", help="Colours of the screen, kept: dark, light, high-contrast.")
    ] = "",
) -> None:
    """Turn a machine's history into training data: a refined model, synthetic data sets, and a report on them."""
    if version:
        output.data.print(_version(), markup=False)
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.Exit(_open_screen(ascii_only=ascii_only, theme=theme))


def _version() -> str:
    try:
        return metadata.version("sensorforge")
    except metadata.PackageNotFoundError:
        return "unknown"


def _open_screen(*, ascii_only: bool = False, theme: str = "") -> int:
    if not ((sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TEXTUAL_DRIVER")):
        output.error(
            SensorForgeClientError(
                "NOT_A_TERMINAL",
                "`sensorforge` alone opens a screen, and this is no terminal.",
                kind="USAGE",
                remedy="`sensorforge run FILE --profile P` works without one; `sensorforge --help` lists the commands.",
            )
        )
        return ExitCode.USAGE
    try:
        from clients.tui.app import run as open_screen
    except ImportError as failed:
        output.error(
            SensorForgeClientError(
                "SCREEN_MISSING",
                f"The screen is not installed ({failed}).",
                kind="USAGE",
                remedy="pip install 'sensorforge[tui]', or use `sensorforge run`.",
            )
        )
        return ExitCode.USAGE
    return open_screen(ascii_only=ascii_only, theme=theme)


app.command("up")(up)
app.command("web")(web)
app.command("run")(run)
app.command("demo")(demo)
app.command("doctor")(doctor)
app.command("runs")(runs)
app.command("watch")(watch)
for _name, _step in (
    ("upload", steps.upload),
    ("validate", steps.validate),
    ("columns", steps.columns),
    ("preview", steps.preview),
    ("map", steps.map_),
    ("join", join),
    ("clean", steps.clean),
    ("transform", steps.transform),
    ("seed", steps.seed),
    ("train", steps.train),
    ("merge", steps.merge),
    ("refine", steps.refine),
    ("augment", steps.augment),
    ("compare", steps.compare),
    ("activate", steps.activate),
):
    app.command(_name, rich_help_panel="Single steps")(_step)
app.command("convert")(convert)
app.command("suggest")(suggest.suggest)
app.add_typer(datasets, name="datasets")
app.add_typer(models, name="models")
app.add_typer(machines, name="machines")
app.add_typer(profiles.profile, name="profile")
app.add_typer(templates.template, name="template")
app.add_typer(plans.plan, name="plan")
add_examples(app)


def main() -> None:
    """Runs the command of the process's arguments and leaves with its exit code."""
    try:
        sys.exit(app(standalone_mode=False) or ExitCode.DONE)
    except typer.TyperException as misused:
        sys.exit(_say_misuse(misused, sys.argv[1:]))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout went away (`| head`): that is its right.
        sys.stderr.close()
        sys.exit(ExitCode.DONE)


def _say_misuse(misused: typer.TyperException, arguments: Sequence[str]) -> ExitCode:
    """Says to people, and to programs that asked for it, what is wrong with the command line itself."""
    context = getattr(misused, "ctx", None)
    words = context.command_path if context is not None else "sensorforge"
    helped = context is not None and misused.format_message() == context.get_help()
    problem = SensorForgeClientError(
        "COMMAND_LINE",
        f"`{words}` needs a command." if helped else misused.format_message(),
        kind="USAGE",
        remedy=f"`{words} --help` shows what it takes.",
    )
    values = output.error_document(problem, ExitCode.USAGE)
    if "--events" in arguments:
        output.EventLines.shared().write("error", values)
    elif "--json" in arguments:
        output.document(values)
    if context is not None:
        output.say(context.get_help() if helped else context.get_usage())
    output.error(problem)
    return ExitCode.USAGE


if __name__ == "__main__":
    main()
