"""The run: one state machine for every front end.

A run takes files through ordered steps. Each step derives its spec from the plan and from earlier outputs, starts jobs,
watches them and records the outcome in the run's journal on the server. Nothing of it lives in the client: the same
files, profile and plan are the same run, and running it again repeats nothing.
"""

from clients.sdk.workflow.events import (
    EpochEvent,
    Event,
    Finding,
    JobStarted,
    LinkLost,
    LinkRestored,
    NeedsReview,
    RunOpened,
    ServerQuiet,
    StepDone,
    StepProgress,
    StepSkipped,
    StepStarted,
)
from clients.sdk.workflow.steps import STEPS, StepName

__all__ = [
    "STEPS",
    "EpochEvent",
    "Event",
    "Finding",
    "JobStarted",
    "LinkLost",
    "LinkRestored",
    "NeedsReview",
    "RunOpened",
    "ServerQuiet",
    "StepDone",
    "StepName",
    "StepProgress",
    "StepSkipped",
    "StepStarted",
]
