"""`Jobs`: everything that may be asked of the jobs of one store. The state is in the logs; this object only reads and
appends, so any number of replicas may have one.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from services.artifacts.catalog import Catalog, check_page_size
from services.artifacts.derivation import Derivation
from services.artifacts.manifest import check_machine
from services.artifacts.objects import ObjectExists, ObjectMissing, ObjectStore, create_or_get
from services.chassis.errors import SensorForgeError
from services.jobs.keys import (
    OPEN_PREFIX,
    REQUEST_ID,
    index_key,
    index_prefix,
    job_name,
    open_key,
    parse_job_name,
    parse_open_key,
    request_key,
    slot_key,
)
from services.jobs.log import JobLog
from services.jobs.publishing import outputs_of, publish
from services.jobs.records import Cancel, Cancelled, CancelMode, Opened, Record, new_nonce
from services.jobs.state import JobState, Phase
from services.jobs.views import JobView, view_of

_PATIENCE = 10.0  # seconds that a call waits for a store that does not answer
_LOGS_KEPT = 128
_HINT = re.compile(r"\d{18}-[0-9a-f]{64}")


class Jobs:
    """The jobs of a store. Thread-safe. All methods raise StoreUnavailable when the store does not answer; `wait`
    pauses (seconds) before it is asked again. `supported` are the (operation, revision) that this release can do."""

    def __init__(
        self,
        store: ObjectStore,
        catalog: Catalog,
        wait: Callable[[float], object] = time.sleep,
        supported: Collection[tuple[str, int]] = (),
    ) -> None:
        self.store = store
        self._wait = wait
        self._supported = frozenset(supported)
        self._operations = frozenset(operation for operation, _ in supported)
        self.catalog = catalog
        self._logs: OrderedDict[tuple[str, int], JobLog] = OrderedDict()
        self._published: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    # Asking for work

    def start(self, derivation: Derivation, *, caller: str, request_id: str) -> tuple[JobView, bool]:
        """Opens the job of a derivation, or finds it; returns it and whether its result was there already.

        The same request_id always gets the same run. Another one gets the run that is open or succeeded, and a new
        run after a failure, a cancellation, or when the outputs were deleted since. An empty request_id is a new one.
        Raises SensorForgeError REQUEST_ID_REUSED, INVALID_REQUEST or, for an input that is not there,
        ARTIFACT_NOT_FOUND.
        """
        job = derivation.digest()
        run = self._request(job, caller, request_id, derivation)
        log = self.log(job, run)
        opened = Opened(derivation=derivation.to_json())
        log.append(lambda state: opened if state.opened is None else None, _PATIENCE)
        state = log.refresh()
        reused = state.phase is Phase.SUCCEEDED
        if state.terminal is None and state.opened is not None:
            with suppress(ObjectExists):
                self.store.create(open_key(job, run), b"")
            first = state.opened if run == 1 else self.log(job, 1).refresh().opened
            if first is not None:
                with suppress(ObjectExists):
                    self.store.create(index_key(derivation.machine, job, first.time), b"")
        return self._view(log), reused

    def _request(self, job: str, caller: str, request_id: str, derivation: Derivation) -> int:
        """Returns the run that this request stands for, recording it the first time."""
        if request_id and not REQUEST_ID.match(request_id):
            raise SensorForgeError(
                "INVALID_REQUEST",
                f"request_id {request_id[:80]!r} is not 1 to 128 letters, digits, dots, dashes or underscores",
                metadata={"field": "request_id"},
            )
        key = request_key(caller, request_id or uuid.uuid4().hex)
        try:
            stored = self.store.get(key)
        except ObjectMissing:
            for name in derivation.inputs.values():
                self.catalog.get(name)
            wanted = {"digest": job, "job": job, "run": self._run_for(job), "nonce": new_nonce()}
            stored = create_or_get(self.store, key, json.dumps(wanted, sort_keys=True).encode(), _PATIENCE)
        request = json.loads(stored)
        if request["digest"] != job:
            raise SensorForgeError(
                "REQUEST_ID_REUSED",
                f"request_id {request_id!r} was used before for another request",
                metadata={"field": "request_id"},
            )
        return int(request["run"])

    def _run_for(self, job: str) -> int:
        latest = self.latest_run(job)
        if latest == 0:
            return 1
        log = self.log(job, latest)
        state = log.refresh()
        if state.phase in (Phase.FAILED, Phase.CANCELLED):
            return latest + 1
        if state.phase is Phase.SUCCEEDED:
            self.settle(job, latest)
            if not all(self.catalog.exists(output.manifest.name) for output in outputs_of(state.terminal)):
                return latest + 1
        return latest

    # Looking

    def get(self, name: str) -> JobView:
        """Returns a job as it stands, its outputs published. Raises SensorForgeError JOB_NOT_FOUND."""
        return self._view(self.find(name))

    def find(self, name: str) -> JobLog:
        """Returns the log of a job's latest run, read to its end. Raises SensorForgeError JOB_NOT_FOUND."""
        machine, job = parse_job_name(name)
        run = self.latest_run(job)
        log = self.log(job, run) if run else None
        opened = log.refresh().opened if log else None
        if log is None or opened is None or opened.derivation.get("machine") != machine:
            raise SensorForgeError("JOB_NOT_FOUND", f"there is no job {name}")
        return log

    def list(
        self, machine: str, page_size: int = 0, page_token: str = "", operation: str = ""
    ) -> tuple[list[JobView], str]:
        """Returns a page of a machine's jobs, newest first, and the token of the next page ("" on the last)."""
        prefix = index_prefix(check_machine(machine))
        wanted = check_page_size(page_size)
        if page_token and not _HINT.fullmatch(page_token):
            raise SensorForgeError("INVALID_REQUEST", f"{page_token!r} is not a page_token of this listing")
        page: list[JobView] = []
        last = ""
        for key in self.store.list(prefix, start_after=prefix + page_token if page_token else ""):
            hint = key.removeprefix(prefix)
            try:
                view = self.get(job_name(machine, hint.rpartition("-")[2]))
            except SensorForgeError as error:
                if error.reason != "JOB_NOT_FOUND":
                    raise
                continue
            if operation in ("", view.operation):
                if len(page) == wanted:
                    return page, last
                page.append(view)
                last = hint
        return page, ""

    # Ending

    def cancel(self, name: str, mode: CancelMode) -> JobView:
        """Asks a job to end and returns it. One that nobody ever claimed ends here; an ended one stays as it is.
        Raises SensorForgeError JOB_NOT_FOUND."""
        log = self.find(name)

        def decide(state: JobState) -> Record | None:
            if state.terminal is not None or state.cancel == mode:
                return None
            return Cancelled(claim=None) if state.claims == 0 else Cancel(mode=mode)

        log.append(decide, _PATIENCE)
        return self._view(log)

    def settle(self, job: str, run: int) -> None:
        """Publishes what an ended run committed, if nobody did, and drops the hint that it is open."""
        terminal = self.log(job, run).state.terminal
        if terminal is None or (job, run) in self._published:
            return
        publish(self.store, self.catalog, job, run, terminal)
        self._published.add((job, run))

    # For the dispatcher and the followers

    def unfinished(self) -> Sequence[tuple[str, int]]:
        """Returns the (job, run) that the hints call open; some may have ended."""
        found = (parse_open_key(key) for key in self.store.list(OPEN_PREFIX))
        return [hint for hint in found if hint is not None]

    def depends_on(self, artifact: str) -> str | None:
        """Returns why an artifact has to stay: an unfinished job reads it. A guard for the catalogue."""
        for job, run in self.unfinished():
            state = self.log(job, run).refresh()
            if state.terminal is None and state.opened is not None:
                derivation = Derivation.from_json(state.opened.derivation)
                if artifact in derivation.inputs.values():
                    return f"the unfinished job {job_name(derivation.machine, job)} reads it."
        return None

    def log(self, job: str, run: int) -> JobLog:
        """Returns the log of a run, shared by everybody in this process and read only where it is new."""
        with self._lock:
            log = self._logs.setdefault((job, run), JobLog(self.store, job, run, self._wait))
            self._logs.move_to_end((job, run))
            while len(self._logs) > _LOGS_KEPT:
                self._logs.popitem(last=False)
            return log

    def latest_run(self, job: str) -> int:
        """Returns the number of the newest run that was opened; 0 when there is none."""
        run = 0
        while self._opened(job, run + 1):
            run += 1
        return run

    def _opened(self, job: str, run: int) -> bool:
        with self._lock:
            known = self._logs.get((job, run))
        if known is not None and known.state.opened is not None:
            return True
        try:
            self.store.size(slot_key(job, run, 0))
        except ObjectMissing:
            return False
        return True

    def _view(self, log: JobLog) -> JobView:
        view = log.look(lambda state: view_of(state, log.job, log.run))
        if view.state.ended:
            self.settle(log.job, log.run)
        elif view.state is Phase.PENDING and self._is_of_another_release(view.operation, view.revision):
            message = f"REVISION_UNSUPPORTED: this release does not do revision {view.revision} of {view.operation}"
            return replace(view, progress={"phase": "waiting", "message": message})
        return view

    def _is_of_another_release(self, operation: str, revision: int) -> bool:
        return operation in self._operations and (operation, revision) not in self._supported
