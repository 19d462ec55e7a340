"""One step of a run that `upload` or `run` opened: the run is opened again with its plan, changed where an option says
so, and what the step came to is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clients.cli import naming, options
from clients.cli.connection import connect
from clients.cli.narration import Narrator
from clients.cli.run import drive
from clients.cli.running import carry_out
from clients.sdk.errors import ExitCode
from clients.sdk.plan import Plan, merged
from clients.sdk.workflow.session import RunReport, RunSession
from clients.sdk.workflow.steps import StepName
from clients.sdk.workflow.work import Detached

Change = Callable[[Plan], Plan]


def one_step(
    run: str,
    step: StepName,
    endpoint: str,
    *,
    json: bool,
    events: bool = False,
    change: Change | None = None,
    detach: bool = False,
    timeout: str = "",
) -> None:
    """Takes one step of a run and ends the process with its exit code."""

    async def work() -> ExitCode:
        async with connect(endpoint) as connection:
            name = await naming.find_run(connection, run)

            async def opened(narrator: Narrator) -> RunSession:
                return await RunSession.reopen(connection.forge, name, narrator, change=change, detach=detach)

            async def act(session: RunSession) -> RunReport:
                session.work.detach_at = step
                try:
                    if step == "activate":
                        await session.activate_now(if_pass=session.work.plan.activate_if_pass)
                    else:
                        await session.step(step)
                except Detached as left:
                    return session.report(detached_job=left.job, detached_step=left.step)
                return session.report()

            limit = options.seconds(timeout)
            return await drive(connection, opened, act, out=None, limit_s=limit, json=json, events=events)

    carry_out(work(), json=json, events=events)


def setting(**values: Any) -> Change:
    """Returns the change of a plan that sets its fields to `values`; None leaves a field as it is."""
    return lambda plan: merged(plan, values)
