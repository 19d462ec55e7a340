"""Stage 1 against pandas and openpyxl, as ratios of one run: `python -m benchmarks.ingest [--quick]`.

A made-up log of 15 columns (a time, twelve measurements, a counter, a state) is parsed with its ledger, validated, and
sent through a whole service; a larger one shows what memory that takes; a workbook is read beside openpyxl's read-only
mode. pandas does the same with read_csv, to_parquet and the validation written out in it. Each figure is the best of
three, so that a busy machine disturbs it least; wall and CPU seconds are of the machine at hand, the ratio carries
over. pandas' parser and openpyxl have one thread; ours have two, plus one that looks for records (POLARS_MAX_THREADS).
The goals are those of the full size; with --quick the detection and the start of processes weigh ten times as much.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "2")

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import psutil

from clients.sdk.client import SensorForge
from clients.sdk.config import ClientConfig
from clients.sdk.embedded import running
from sensorforge.common.v1 import job_pb2
from sensorforge.ingest.v1 import ingest_service_pb2 as pb
from services.ingest.checks.validation import validate
from services.ingest.datasets import read_dataset
from services.ingest.large.delimited import read_large_file
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.reading import Source

PROFILE = "machine_id: bench\nsensors:\n" + "".join(f"  - {{name: s{i}}}\n" for i in range(12))
OPEN_STATES = (job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_RUNNING)
REPEATS = 3


def log_of(rows: int) -> pl.DataFrame:
    """Returns a made-up machine log of 15 columns, one row a second."""
    noise, at = np.random.default_rng(1), np.arange(rows)
    start = np.datetime64("2024-01-01T00:00:00", "us")
    columns: dict[str, Any] = {
        "timestamp": pl.Series(start + at.astype("timedelta64[s]")).dt.strftime("%Y-%m-%d %H:%M:%S")
    }
    for i in range(12):
        columns[f"s{i}"] = np.round(50 + 10 * np.sin(at / (100 + i)) + noise.normal(0, 1, rows), 3 + i % 3)
    return pl.DataFrame(columns | {"count": at % 1000, "state": noise.choice(["RUN", "STOP", "IDLE"], rows)})


def pandas_profile(table: pd.DataFrame) -> dict[str, Any]:
    """Returns what validation.json tells about a table, found with pandas."""
    numbers = table.select_dtypes("number")
    low, high = numbers.quantile(0.25), numbers.quantile(0.75)
    mean, std = numbers.mean(), numbers.std()
    found: dict[str, Any] = {
        "missing": table.isna().mean(),
        "duplicates": int(table.duplicated().sum()),
        "iqr": ((numbers < low - 1.5 * (high - low)) | (numbers > high + 1.5 * (high - low))).sum(),
        "z": (((numbers - mean) / std).abs() > 3).sum(),
        "range": (numbers.min(), numbers.max(), numbers.nunique()),
        "unchanged": (numbers == numbers.shift(1)).mean(),
        "stuck": {n: int((numbers[n] != numbers[n].shift()).cumsum().value_counts().iloc[0]) for n in numbers},
    }
    steps = table["timestamp"].diff().dt.total_seconds().dropna()
    forward = steps[steps > 0]
    found["time"] = ((steps < 0).sum(), (steps == 0).sum(), (forward > 5 * forward.median()).sum())
    return found


@dataclass
class Timed:
    """Best wall and CPU seconds of something done several times, and what it gave the last time."""

    wall: float = float("inf")
    cpu: float = float("inf")
    made: Any = None

    def run(self, work: Callable[[], Any]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.made = work()
        self.wall, self.cpu = min(self.wall, time.perf_counter() - wall), min(self.cpu, time.process_time() - cpu)

    def __str__(self) -> str:
        cpu = f"{self.cpu:5.2f} CPU" if self.cpu < float("inf") else "processes"
        return f"{self.wall:7.2f} s ({cpu})"


def versus(ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int = REPEATS) -> tuple[Timed, Timed]:
    """Returns both sides' times; they take turns, so that both meet the same machine."""
    one, other = Timed(), Timed()
    for _ in range(repeats):
        other.run(theirs)
        one.run(ours)
    return one, other


def told(title: str, ours: Timed, theirs: Timed, peer: str, goal: float) -> None:
    """Prints one line of the table."""
    ratio = theirs.wall / ours.wall
    print(
        f"{title:34} {ours}  {peer:9} {theirs}  {ratio:5.2f} x   goal {goal:g} x   "
        f"{'met' if ratio >= goal else 'MISSED'}",
        flush=True,
    )


def parsed(path: Path) -> Any:
    """Reads a log with its ledger, as the parser child does; returns the typed table."""
    with tempfile.TemporaryDirectory() as folder:
        read = read_large_file(Source(path, path.name), ReadOptions(), Limits(), Path(folder), from_bytes=0)
        assert read is not None
        assert read.ledger["balanced"]
        return read.table.frame({})


@dataclass
class Watched:
    """Peak memory, in MiB, of the processes of one service while something runs, by what they are."""

    root: int
    peaks: dict[str, float] = field(default_factory=dict)
    before: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watched:
        self.before = psutil.Process(self.root).memory_info().rss / 2**20
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            service = psutil.Process(self.root)
            for process in (service, *service.children(recursive=True)):
                try:
                    command, rss = " ".join(process.cmdline()), process.memory_info().rss / 2**20
                except psutil.Error:
                    continue
                kind = "child" if "ingest.child" in command else "worker" if "jobs.worker" in command else "service"
                self.peaks[kind] = max(self.peaks.get(kind, 0.0), rss)


async def finished(forge: SensorForge, started: Any) -> str:
    """Waits for a job; returns the name of its first output."""
    job = started.job
    while job.state in OPEN_STATES:
        await asyncio.sleep(0.02)
        job = await forge.get_job(job.name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job
    return str(job.outputs[0].artifact)


async def through_the_service(path: Path, validated: bool) -> tuple[float, Watched]:
    """Uploads, parses and validates a file with a service of its own; the service is up before the clock starts."""
    with tempfile.TemporaryDirectory() as store:
        async with running(store) as service, SensorForge(ClientConfig.at(service.endpoint)) as forge:
            await forge.register_machine(PROFILE, file_name="bench.yaml")
            root = await asyncio.to_thread(at_rest, store)
            with Watched(root) as watched:
                began = time.perf_counter()
                raw = (await forge.upload("bench", path)).artifact.name
                uploaded = time.perf_counter() - began
                table = await finished(forge, await forge.start_parse("bench", pb.ParseSpec(sources=[raw])))
                tabled = time.perf_counter() - began
                if validated:
                    await finished(forge, await forge.start_validation("bench", pb.ValidationSpec(table=table)))
                took = time.perf_counter() - began
        print(
            f"  upload {uploaded:.2f} s, table {tabled - uploaded:.2f} s, validation {took - tabled:.2f} s", flush=True
        )
        return took, watched


def at_rest(store: str) -> int:
    """Returns the process id of the service of a store once its warm worker waits."""
    own = psutil.Process().children(recursive=True)
    root = next(p for p in own if "services.embedded" in p.cmdline() and store in p.cmdline())
    quiet = 0
    while quiet < 10:
        time.sleep(0.2)
        warm = [c for c in root.children() if "--warm" in c.cmdline()]
        quiet = quiet + 1 if warm and warm[0].status() == psutil.STATUS_SLEEPING else 0
    return int(root.pid)


def pandas_way(path: Path) -> Any:
    """Reads, writes and profiles a log with pandas."""
    table = pd.read_csv(path, parse_dates=["timestamp"])
    table.to_parquet(path.with_suffix(".pandas.parquet"))
    return pandas_profile(table)


def profiles(ours: pl.DataFrame, theirs: pd.DataFrame) -> tuple[Timed, Timed]:
    """Returns the times of both validations of one table."""
    return versus(lambda: validate(ours), lambda: pandas_profile(theirs))


def write_workbook(table: pl.DataFrame, path: Path) -> None:
    """Writes a table as the only sheet of a workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("log")
    for row in (table.columns, *table.iter_rows()):
        sheet.append(row)
    book.save(path)


def openpyxl_way(path: Path) -> list[Any]:
    """Returns the rows of a workbook."""
    return list(openpyxl.load_workbook(path, read_only=True, data_only=True).active.iter_rows(values_only=True))


def read_workbook(path: Path) -> pl.DataFrame:
    """Returns the typed table of a workbook."""
    with tempfile.TemporaryDirectory() as folder:
        return read_dataset([Source(path, path.name)], ReadOptions(), Limits(), Path(folder)).table


def main() -> int:
    """Prints one line a claim; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and 60 MB instead of 500")
    options = parser.parse_args()
    rows, megabytes, sheet_rows = (100_000, 60, 10_000) if options.quick else (1_000_000, 490, 100_000)
    print(f"{rows:,} rows x 15; our engine has {pl.thread_pool_size()} threads, {os.cpu_count()} cores here")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        log_of(rows).write_csv(path)
        ours, theirs = versus(lambda: parsed(path), lambda: pd.read_csv(path, parse_dates=["timestamp"]))
        told("parsing with its ledger", ours, theirs, "pandas", 1.5)
        told("validation", *profiles(ours.made, theirs.made), "pandas", 5)
        ours = theirs = Timed()
        theirs, _ = versus(lambda: pandas_way(path), lambda: None)
        ours = Timed(min(asyncio.run(through_the_service(path, validated=True))[0] for _ in range(REPEATS)))
        told("through the service", ours, theirs, "pandas", 1)
        big = Path(folder) / "big.csv"
        head, _, body = path.read_bytes().partition(b"\n")
        with big.open("wb") as f:
            f.write(head + b"\n")
            while f.tell() < megabytes * 10**6:
                f.write(body)
        del head, body
        took, watched = asyncio.run(through_the_service(big, validated=False))
        growth = watched.peaks["service"] - watched.before
        print(
            f"{big.stat().st_size / 1e6:.0f} MB: service grew by {growth:.0f} MiB (goal 150), child at most "
            f"{watched.peaks.get('child', 0):.0f} MiB (goal 1,024), worker at most "
            f"{watched.peaks.get('worker', 0):.0f} MiB; {took:.1f} s"
        )
        book = Path(folder) / "log.xlsx"
        write_workbook(log_of(sheet_rows).select(pl.nth(range(10))), book)
        told("workbook of 10 columns", *versus(lambda: read_workbook(book), lambda: openpyxl_way(book)), "openpyxl", 5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
