"""Kills a process at every step of an operation on a directory store, and tells what others see afterwards.

Run as a program: `dying.py OPERATION DIRECTORY`. A step is one call that changes the disk. For every step, a forked
child runs the operation on a fresh store and kills itself with SIGKILL just before that step; where the step writes
bytes, another one dies in the middle of it. After each death a new process opens the store; it prints, as a JSON line,
the step, what is visible before and after a retry, and what temporary files are left. The last line is that of a child
that came to its end. Forking is fine here: nothing with threads runs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.artifacts.journal import Journal
from services.artifacts.local import LocalStore
from services.artifacts.objects import ObjectExists

DATA = b"0123456789" * 1_000
STEPS = ("open", "write", "fchmod", "fsync", "link", "replace", "unlink", "mkdir", "close")


def create(store: LocalStore) -> None:
    store.create("deep/folder/key.json", DATA)


def write(store: LocalStore) -> None:
    with store.writer("deep/folder/key.json") as sink:
        for start in range(0, len(DATA), 2_000):
            sink.write(DATA[start : start + 2_000])
            sink.flush()
            os.fsync(sink.fileno())


def put_file(store: LocalStore) -> None:
    source = store.root.parent / "source"
    source.write_bytes(DATA)
    store.put_file("deep/folder/key.json", source)


def append(store: LocalStore) -> None:
    journal = Journal(store, "deep")
    journal.append(journal.version(), {"text": DATA.decode()})


def publish_parent(store: LocalStore) -> None:
    from services.artifacts.catalog import Catalog
    from tests.artifacts.publishing import draft

    catalog = Catalog(store)
    catalog.publish(draft(catalog, DATA, kind="raw"))


def publish_child(store: LocalStore) -> None:
    from services.artifacts.catalog import Catalog
    from tests.artifacts.publishing import draft

    catalog = Catalog(store)
    parent = next(catalog.each("pump-1", "raw"))
    catalog.publish(draft(catalog, DATA, parents={"source-0": parent.name}))


def publish_both(store: LocalStore) -> None:
    publish_parent(store)
    publish_child(store)


def delete_child(store: LocalStore) -> None:
    from services.artifacts.catalog import Catalog

    catalog = Catalog(store)
    for manifest in list(catalog.each("pump-1", "clean")):
        catalog.delete(manifest.name)


def delete_and_publish_again(store: LocalStore) -> None:
    delete_child(store)
    publish_child(store)


def nothing(store: LocalStore) -> None:
    pass


Operation = Callable[[LocalStore], None]

# name -> (what is there before, what dies)
OPERATIONS: dict[str, tuple[Operation, Operation]] = {
    "create": (nothing, create),
    "write": (nothing, write),
    "put_file": (nothing, put_file),
    "append": (nothing, append),
    "publish": (publish_parent, publish_child),
    "delete": (publish_both, delete_child),
    "publish again": (publish_both, delete_and_publish_again),
}


def arm(fatal: int, in_the_middle: bool) -> list[str]:
    """Makes the `fatal`-th step kill this process; returns the list to which every step adds its name."""
    taken: list[str] = []

    def deadly(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def step(*args: Any, **more: Any) -> Any:
            taken.append(name)
            if len(taken) == fatal:
                if in_the_middle:
                    call(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **more)

        return step

    for name in STEPS:
        setattr(os, name, deadly(getattr(os, name), name))
    return taken


def run(before: Operation, operation: Operation, root: Path, fatal: int, in_the_middle: bool = False) -> list[str]:
    """Runs the operation in a child that dies at a step (0: never); returns the steps it took if it came to its end."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        store = LocalStore(root)
        before(store)
        tell = os.write
        taken = arm(fatal, in_the_middle)
        operation(store)
        tell(writer, " ".join(taken).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        steps = told.read().split()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise RuntimeError(f"the operation failed at step {fatal} instead of dying")
    return steps


def visible(store: LocalStore) -> dict[str, str]:
    """Returns every key with "whole" or with what is wrong."""
    found = {}
    for key in store.list(""):
        data = store.get(key)
        if key.startswith(("index/", "children/")):
            whole = data == b""
        elif key.endswith(".json") and key.startswith(("journals/", "manifests/")):
            whole = json.loads(data) is not None
        else:
            whole = data == DATA
        found[key] = "whole" if whole else f"{len(data)} bytes"
    return found


def artifacts(store: LocalStore) -> dict[str, list[str]]:
    """Returns what the catalogue shows, with the bytes read and checked."""
    from services.artifacts.catalog import Catalog

    catalog = Catalog(store)
    shown = {}
    for kind in ("raw", "clean"):
        page, _ = catalog.list("pump-1", kind)
        shown[kind] = [manifest.name for manifest in page if catalog.read(manifest.name) == DATA]
        shown[f"{kind}-unlisted"] = [m.name for m in catalog.each("pump-1", kind) if m not in page]
        for manifest in page:
            if kind == "clean" and manifest not in catalog.descendants(next(iter(manifest.parents.values()))):
                shown.setdefault("orphans", []).append(manifest.name)
    return shown


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    before, operation = OPERATIONS[name]
    with_artifacts = before is not nothing
    if with_artifacts:
        import services.artifacts.catalog  # noqa: F401  # loaded once, before the forks
    steps = run(before, operation, folder / "alive" / "store", fatal=0)
    deaths = [(number, False) for number in range(1, len(steps) + 1)]
    deaths += [(number, True) for number, step in enumerate(steps, 1) if step == "write"]
    for fatal, in_the_middle in [*deaths, (0, False)]:
        root = folder / f"{fatal}-{in_the_middle}" / "store"
        alive = bool(run(before, operation, root, fatal, in_the_middle))
        left = len(list((root / ".writing").iterdir()))
        store = LocalStore(root)
        report: dict[str, Any] = {"step": fatal, "died": not alive, "left": left, "visible": visible(store)}
        report["swept"] = not list((root / ".writing").iterdir())
        if with_artifacts:
            report["artifacts"] = artifacts(store)
        with suppress(ObjectExists):
            operation(store)
        report["retried"] = visible(store)
        if with_artifacts:
            report["artifacts retried"] = artifacts(store)
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
