"""An executable model of the job protocol: the real code, a hostile world.

Actors (workers, cancellers, callers, readers) run the real `JobLog`, `Attempt`, `Jobs` and `publish`. At every access
to the store a seeded adversary decides who moves in between (any actor that is not itself waiting there makes its next
move, which may be interrupted in turn) and what goes wrong: crashes, lost replies, writes that land late or twice or
never, reads that fail, owners suspected at any moment. `check` then reads the raw log with rules of its own; it shares
no code with the fold.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from services.artifacts.derivation import Derivation
from services.artifacts.manifest import ArtifactFile, Manifest
from services.artifacts.objects import ObjectExists, ObjectMissing, StoreUnavailable
from services.jobs.attempt import Attempt, Failure, Fenced
from services.jobs.engine import Jobs
from services.jobs.keys import job_name
from services.jobs.log import JobLog
from services.jobs.publishing import publish
from services.jobs.records import Event, OutputManifest

DERIVATION = Derivation("m1", "toy.count", 1, {}, {"n": 3})
JOB = DERIVATION.digest()
TERMINAL = ("succeeded", "failed", "cancelled")

Behaviour = Callable[["Actor"], Iterator[None]]


class Crashed(BaseException):
    """The actor is gone, in the middle of whatever it did."""


class Violation(AssertionError):
    """The protocol broke its promise."""


@dataclass
class Objects:
    """What the store holds. `atomic=False` lets a create replace, as broken servers do."""

    atomic: bool = True
    held: dict[str, bytes] = field(default_factory=dict)
    opened: bool = False
    ended: bool = False

    def create(self, key: str, data: bytes) -> None:
        if key in self.held and self.atomic:
            raise ObjectExists(key)
        self.held[key] = data
        if key.startswith(f"jobs/{JOB}/1/"):
            self.opened = True
            self.ended = self.ended or json.loads(data)["type"] in TERMINAL


class ActorStore:
    """The store as one actor reaches it: every call is a moment at which the adversary acts."""

    url = "model:"

    def __init__(self, world: World, actor: Actor) -> None:
        self._world = world
        self._actor = actor

    def create(self, key: str, data: bytes) -> None:
        self._world.moment(self._actor)
        self._world.put(self._actor, key, data)

    def get(self, key: str) -> bytes:
        self._world.moment(self._actor)
        if self._world.goes_wrong(0.04):
            raise StoreUnavailable("no answer")
        try:
            return self._world.objects.held[key]
        except KeyError:
            raise ObjectMissing(key) from None

    def size(self, key: str) -> int:
        return len(self.get(key))

    def list(self, prefix: str, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        self._world.moment(self._actor)
        yield from sorted(key for key in self._world.objects.held if key.startswith(prefix) and key > start_after)

    def delete(self, keys: Any) -> None:
        self._world.moment(self._actor)
        for key in keys:
            self._world.objects.held.pop(key, None)


class ActorCatalog:
    """Remembers who published what."""

    def __init__(self, world: World, actor: Actor) -> None:
        self._world = world
        self._actor = actor

    def publish(self, manifest: Manifest) -> Manifest:
        self._world.moment(self._actor)
        self._world.published.append(manifest)
        return manifest

    def exists(self, name: str) -> bool:
        return any(manifest.name == name for manifest in self._world.published)


class Actor:
    """Somebody who does one move after the other; `busy` while a move of his is interrupted."""

    def __init__(self, name: str, world: World, behaviour: Behaviour) -> None:
        self.name = name
        self.world = world
        self.store: Any = ActorStore(world, self)
        self.catalog: Any = ActorCatalog(world, self)
        self.done = False
        self.busy = False
        self._moves = behaviour(self)

    def move(self) -> None:
        """Makes the next move. A crash ends the actor wherever it happens."""
        self.busy = True
        try:
            next(self._moves)
        except (StopIteration, Crashed):
            self.done = True
        finally:
            self.busy = False


class World:
    """One schedule. `believed` are the nonces of terminal records whose writer was told that it won."""

    def __init__(self, seed: int, *, atomic: bool = True) -> None:
        self.random = random.Random(seed)
        self.objects = Objects(atomic)
        self.flights: list[tuple[str, bytes]] = []
        self.published: list[Manifest] = []
        self.believed: list[str] = []
        self.hostile = True
        self.events = 0
        self.lives = 0
        self.actors: list[Actor] = []

    # What actors meet

    def goes_wrong(self, probability: float) -> bool:
        return self.hostile and self.random.random() < probability

    def moment(self, actor: Actor) -> None:
        """Lets others move while `actor` waits for the store."""
        self._land()
        while self.random.random() < 0.45:
            self._step()
        if self.goes_wrong(0.01):
            raise Crashed

    def put(self, actor: Actor, key: str, data: bytes) -> None:
        fate = self.random.random() if self.hostile else 1.0
        if fate < 0.06:  # lost on the way
            raise StoreUnavailable("no answer")
        if fate < 0.16:  # lands, and the reply is lost
            with suppress(ObjectExists):
                self.objects.create(key, data)
            raise StoreUnavailable("no answer")
        if fate < 0.24:  # lands later
            self.flights.append((key, data))
            raise StoreUnavailable("no answer")
        if fate < 0.27:  # the actor dies, the write lands later
            self.flights.append((key, data))
            raise Crashed
        if fate < 0.33:  # a second copy is on its way
            self.flights.append((key, data))
        self.objects.create(key, data)

    # What the adversary does

    def run(self, steps: int = 40, quiet_steps: int = 400) -> None:
        """Opens the job, lets workers, a canceller and readers loose on it, then lets the world calm down."""
        for name, behaviour in (("caller-a", _open), ("caller-b", _open), ("canceller", _cancel), ("reader", _read)):
            self._spawn(name, behaviour)
        for _ in range(steps):
            self._step()
            if self.random.random() < 0.05 and self.actors:
                self.actors.pop(self.random.randrange(len(self.actors)))  # crashed between two moves
        self.hostile = False
        self._spawn("caller-c", _open)
        self._spawn("late-reader", _read)
        for _ in range(quiet_steps):
            self._step()
            if self.objects.ended and not self.actors:
                break
        while self.flights:
            self._land(always=True)
        check(self)

    def _step(self) -> None:
        """Somebody who is not in the middle of a move makes one."""
        self.actors = [actor for actor in self.actors if not actor.done]
        workers = sum(1 for actor in self.actors if actor.name.startswith("worker"))
        if not self.objects.ended and workers < (3 if self.hostile else 1):
            self.lives += 1
            self._spawn(f"worker-{self.lives}", _work)
        moving = [actor for actor in self.actors if not actor.busy]
        if moving:
            self.random.choice(moving).move()
            self.actors = [actor for actor in self.actors if not actor.done]

    def _land(self, always: bool = False) -> None:
        if self.flights and (always or self.random.random() < 0.15):
            key, data = self.flights.pop(self.random.randrange(len(self.flights)))
            with suppress(ObjectExists):
                self.objects.create(key, data)

    def _spawn(self, name: str, behaviour: Behaviour) -> None:
        self.actors.append(Actor(name, self, behaviour))

    def records(self) -> list[dict[str, Any]]:
        """Returns the raw log."""
        prefix = f"jobs/{JOB}/1/"
        keys = sorted(key for key in self.objects.held if key.startswith(prefix))
        assert keys == [f"{prefix}{n:08}.json" for n in range(len(keys))], "the log has a hole"
        return [json.loads(self.objects.held[key]) for key in keys]


# Behaviours


def _jobs(actor: Actor) -> Jobs:
    return Jobs(actor.store, actor.catalog, wait=lambda _: None)


def _open(actor: Actor) -> Iterator[None]:
    while True:
        with suppress(StoreUnavailable):
            _jobs(actor).start(DERIVATION, caller=actor.name, request_id="r1")
            return
        yield


def _cancel(actor: Actor) -> Iterator[None]:
    world = actor.world
    for _ in range(world.random.randrange(40)):
        yield
    if world.random.random() < 0.4:
        return
    mode = world.random.choice(["keep", "discard"])
    while not world.objects.opened:
        yield
    while True:
        with suppress(StoreUnavailable):
            _jobs(actor).cancel(job_name("m1", JOB), mode)
            return
        yield


def _read(actor: Actor) -> Iterator[None]:
    """A later reader: publishes what an ended job committed."""
    while True:
        with suppress(StoreUnavailable):
            jobs = _jobs(actor)
            if jobs.log(JOB, 1).refresh().terminal is not None:
                jobs.settle(JOB, 1)
                return
        yield


def _work(actor: Actor) -> Iterator[None]:
    """One life of a worker, suspicious of everybody at any moment."""
    world, log = actor.world, JobLog(actor.store, JOB, 1, wait=lambda _: None)
    with suppress(Fenced):
        log.append(lambda _: None)
        suspicious = world.random.random() < (0.5 if world.hostile else 1.0)
        tail = log.state.next_slot
        yield
        attempt = Attempt.take(log, actor.name, after=tail if suspicious else None)
        if attempt is None:
            return
        move = attempt.first_move()
        if move == "cancelled":
            terminal = attempt.cancelled()
        elif move == "poisoned":
            terminal = attempt.fail(Failure("WORKER_LOST", "lost", "", "INTERNAL", {}))
        else:
            for _ in range(world.random.randrange(7)):
                yield
                world.events += 1
                number = world.events
                attempt.heartbeat([Event("progress", {"done": number})])
                if world.random.random() < 0.3:
                    attempt.checkpoint(f"attempts/{number}", "0" * 64)
                if world.random.random() < 0.05:
                    attempt.release()
                    return
            yield
            world.events += 1
            mine = world.events
            if world.random.random() < 0.1:
                terminal = attempt.fail(Failure("INTERNAL", "failed", "", "INTERNAL", {}))
            else:
                terminal = attempt.finish(lambda mode: (_output(attempt.claim, mine),))
        world.believed.append(terminal.nonce)
        yield
        with suppress(StoreUnavailable):
            publish(actor.store, actor.catalog, JOB, 1, terminal)


def _output(claim: int, number: int) -> OutputManifest:
    file = ArtifactFile("t", f"clean/m1/{JOB}/1-{claim}/{number}", "0" * 64, 1, "text/plain")
    return OutputManifest(
        "table", Manifest("m1", "clean", JOB, "toy.count", 1, {}, {}, 0, "model", (file,), "2026-01-01T00:00:00Z")
    )


# The promises, on the raw log


def check(world: World) -> None:
    """Raises Violation for the first promise that the schedule broke."""
    records = world.records()
    owner: int | None = None
    claims = 0
    cancelled = False
    seen: set[int] = set()
    for slot, record in enumerate(records):
        kind = record["type"]
        _demand((kind == "opened") == (slot == 0), f"slot {slot} is {kind}", records)
        _demand(kind not in TERMINAL or slot == len(records) - 1, f"the terminal of slot {slot} is not last", records)
        if kind in ("events", "checkpoint", "released", "succeeded", "failed"):
            _demand(record["claim"] == owner, f"slot {slot} was written by a fenced owner", records)
        if kind == "cancelled":
            right = record["claim"] == owner if record["claim"] is not None else claims == 0
            _demand(right, f"slot {slot} was cancelled by somebody who may not", records)
            _demand(cancelled or claims == 0, f"slot {slot} was cancelled without being asked", records)
        _demand(not (cancelled and kind in ("succeeded", "failed")), f"{kind} after a cancel", records)
        for event in record.get("events", []):
            number = event["body"]["done"]
            _demand(number not in seen, f"event {number} is recorded twice", records)
            seen.add(number)
        if kind == "claim":
            owner, claims = slot, claims + 1
        elif kind == "released":
            owner = None
        elif kind == "cancel":
            cancelled = True
    end = records[-1]
    _demand(end["type"] in TERMINAL, "the job did not end although the world is calm", records)
    for nonce in world.believed:
        _demand(nonce == end["nonce"], "a worker believes that it ended the job, and did not", records)
    committed = [output["manifest"] for output in end.get("outputs", [])]
    for manifest in world.published:
        _demand(manifest.to_json() in committed, "a manifest was published that is not committed", records)
    names = {manifest.name for manifest in world.published}
    _demand(len(names) == len(committed), "what was committed was not published", records)


def _demand(promise: bool, what: str, records: list[dict[str, Any]]) -> None:
    if not promise:
        story = [(r["type"], r.get("claim")) for r in records]
        raise Violation(f"{what}: {story}")


def violations(seeds: range, *, atomic: bool = True, enough: int | None = None) -> list[str]:
    """Returns what broke in the schedules of `seeds`; stops after `enough`."""
    found: list[str] = []
    for seed in seeds:
        try:
            with patch("services.artifacts.objects.time.sleep"):
                World(seed, atomic=atomic).run()
        except Violation as violation:
            found.append(f"seed {seed}: {violation}")
            if enough is not None and len(found) >= enough:
                break
    return found
