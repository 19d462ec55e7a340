"""What operations see and write, run in this process."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from services.artifacts.catalog import Catalog
from services.artifacts.derivation import Derivation
from services.artifacts.objects import ObjectStore
from services.jobs.operation import JobCancelled, JobContext, Operation
from services.jobs.testing import Recording, run_operation
from tests.jobs import toy_operations

COUNT = next(operation for operation in toy_operations.OPERATIONS if operation.name == "toy.count")


@pytest.fixture
def catalog(store: ObjectStore) -> Catalog:
    return Catalog(store)


def work(operation: str = "toy.x", inputs: dict[str, str] | None = None, **params: object) -> Derivation:
    return Derivation("m1", operation, 1, inputs or {}, params, 3)


def test_an_operation_reads_what_another_wrote(catalog: Catalog) -> None:
    def write(ctx: JobContext) -> None:
        output = ctx.output("table", "clean")
        output.table("t.parquet", pl.DataFrame({"a": [1.0, 2.0]}), units={"a": "°C"})
        output.json("n.json", {"b": math.nan, "a": [1]})
        output.bytes("x.txt", b"text", "text/plain")
        with output.open_table("s.parquet", pa.schema([("k", pa.int64())])) as table:
            table.write(pl.DataFrame({"k": [1]}))
            table.write(pl.DataFrame({"k": [2]}))

    seen: dict[str, object] = {}

    def read(ctx: JobContext) -> None:
        seen["a"] = ctx.table("table", "t.parquet")["a"].to_list()
        seen["k"] = ctx.table("table", "s.parquet")["k"].to_list()
        seen["n"] = ctx.json("table", "n.json")
        seen["x"] = ctx.file("table", "x.txt").read_text()
        seen["unit"] = ctx.manifest("table").file("t.parquet").columns[0].unit
        seen["seed"] = ctx.seed
        assert ctx.directory.is_dir()
        with pytest.raises(KeyError, match="profile"):
            ctx.table("profile")

    written = run_operation(Operation("toy.x", 1, write), work(), catalog)["table"]
    run_operation(Operation("toy.y", 1, read), work("toy.y", {"table": written.name}), catalog)
    assert seen == {"a": [1.0, 2.0], "k": [1, 2], "n": {"a": [1], "b": None}, "x": "text", "unit": "°C", "seed": 3}
    assert written.hash == work().digest()


def test_nothing_is_visible_of_an_operation_that_raises(catalog: Catalog) -> None:
    def stumble(ctx: JobContext) -> None:
        ctx.output("table", "clean").json("a.json", {})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_operation(Operation("toy.x", 1, stumble), work(), catalog)
    assert catalog.list("m1", "clean")[0] == []


def test_a_broken_table_is_not_added(catalog: Catalog) -> None:
    def write(ctx: JobContext) -> None:
        output = ctx.output("table", "clean")
        with pytest.raises(RuntimeError), output.open_table("s.parquet", pa.schema([("k", pa.int64())])):
            raise RuntimeError
        output.json("a.json", {})

    manifest = run_operation(Operation("toy.x", 1, write), work(), catalog)["table"]
    assert [file.name for file in manifest.files] == ["a.json"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda ctx: ctx.output("table", "nonsense"),
        lambda ctx: (ctx.output("a", "clean"), ctx.output("b", "clean")),
        lambda ctx: (ctx.output("a", "clean"), ctx.output("a", "models")),
        lambda ctx: ctx.output("a", "clean").bytes("../x", b"", "text/plain"),
        lambda ctx: [ctx.output("a", "clean").bytes("x", b"", "text/plain") for _ in range(2)],
        lambda ctx: ctx.epoch({"epohc": 1}),
    ],
)
def test_a_mistake_of_an_operation_is_named_at_once(catalog: Catalog, wrong: object) -> None:
    with pytest.raises(ValueError):
        run_operation(Operation("toy.x", 1, wrong), work(), catalog)  # type: ignore[arg-type]


def test_a_resumed_run_gives_the_bytes_of_an_undisturbed_one(catalog: Catalog) -> None:
    whole, resumed = Recording(), Recording()
    manifest = run_operation(COUNT, work("toy.count", n=5), catalog, whole)["table"]
    resumed.checkpoints = whole.checkpoints[:3]
    again = run_operation(COUNT, work("toy.count", n=5), catalog, resumed)["table"]
    assert again == manifest
    assert [event.body["epoch"] for event in resumed.events if event.kind == "epoch"] == [4, 5]


@pytest.mark.parametrize(("mode", "checkpoints"), [("discard", [b"{}"]), ("keep", [])])
def test_a_cancel_stops_where_nothing_is_to_be_kept(catalog: Catalog, mode: str, checkpoints: list[bytes]) -> None:
    operation = Operation("toy.x", 1, lambda ctx: ctx.stop_if_cancelled())
    with pytest.raises(JobCancelled):
        run_operation(operation, work(), catalog, Recording(cancel=mode, checkpoints=checkpoints))  # type: ignore[arg-type]


def test_a_kept_checkpoint_lets_the_operation_write_its_best(catalog: Catalog) -> None:
    state = json.dumps({"done": 2, "total": 9, "attempts": 1}).encode()
    recording = Recording(cancel="keep", checkpoints=[state])
    manifest = run_operation(COUNT, work("toy.count", n=5), catalog, recording)["table"]
    assert catalog.read_json(manifest.name, "sum.json")["done"] == 2


def test_the_directory_is_gone_afterwards(catalog: Catalog) -> None:
    places: list[Path] = []
    run_operation(Operation("toy.x", 1, lambda ctx: places.append(ctx.directory)), work(), catalog)
    assert not places[0].exists()
