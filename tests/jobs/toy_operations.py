"""Operations for the tests of the job runner; workers import this module by name."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import polars as pl

from services.chassis.errors import SensorForgeError
from services.jobs.operation import JobCancelled, JobContext, Operation


def _hold(gate: str, ctx: JobContext, state: dict[str, int]) -> None:
    """Waits until the test creates a file, answering cancels and stops as a training loop does."""
    while not Path(gate).exists() and ctx.cancel_requested() != "keep":
        ctx.stop_if_cancelled()
        if ctx.checkpoint_due():
            ctx.checkpoint(json.dumps(state).encode())
        time.sleep(0.01)


def count(ctx: JobContext) -> None:
    """Adds up the seeded numbers 1..n, saving after each; waits at `hold_at` until the file `gate` exists."""
    saved = ctx.last_checkpoint()
    state = json.loads(saved) if saved else {"done": 0, "total": 0, "attempts": 0}
    state["attempts"] += 1
    total = int(ctx.params["n"])
    while state["done"] < total:
        if state["done"] == ctx.params.get("hold_at", -1):
            _hold(ctx.params["gate"], ctx, state)
        if ctx.cancel_requested() == "keep":
            break
        ctx.stop_if_cancelled()
        state["done"] += 1
        state["total"] += state["done"] * (ctx.seed + 1)
        ctx.epoch({"epoch": state["done"], "epochs": total, "train_loss": 1 / state["done"], "series": "toy"})
        ctx.progress("counting", state["done"], total)
        if ctx.checkpoint_due() or ctx.params.get("eager", True):
            ctx.checkpoint(json.dumps(state).encode())
    output = ctx.output("table", "clean")
    output.json("sum.json", {"total": state["total"], "done": state["done"]})
    output.table("table.parquet", pl.DataFrame({"n": list(range(state["done"]))}), units={"n": "1"})
    trace = ctx.params.get("trace")
    if trace:
        Path(trace).write_text(str(state["attempts"]))


def die(ctx: JobContext) -> None:
    """Takes its process down, each time."""
    with Path(ctx.params["deaths"]).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), 9)


def refuse(ctx: JobContext) -> None:
    """Fails in a way that is understood."""
    raise SensorForgeError("INVALID_REQUEST", "row 7 says 'abc'", remedy="Correct row 7.", metadata={"row": "7"})


def stumble(ctx: JobContext) -> None:
    """Fails in a way that nobody understands."""
    raise ZeroDivisionError("secret detail")


def quit_early(ctx: JobContext) -> None:
    """Claims to be cancelled although nobody asked."""
    raise JobCancelled("on a whim")


def greedy(ctx: JobContext) -> None:
    """Takes more memory than it may have."""
    held = bytearray(400 << 20)
    while held:
        ctx.progress("holding", len(held))
        time.sleep(0.01)


def stall(ctx: JobContext) -> None:
    """Gives no sign of life the first time."""
    marker = Path(ctx.params["marker"])
    if not marker.exists():
        marker.touch()
        while True:
            time.sleep(0.05)
    ctx.output("table", "clean").json("ok.json", {"ok": True})


OPERATIONS = (
    Operation("toy.count", 1, count),
    Operation("toy.die", 1, die),
    Operation("toy.refuse", 1, refuse),
    Operation("toy.stumble", 1, stumble),
    Operation("toy.quit", 1, quit_early),
    Operation("toy.greedy", 1, greedy, memory_mb=300),
    Operation("toy.stall", 1, stall, phase_limit_s=0.5),
)
