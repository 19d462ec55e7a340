"""A terminal client in which a refinement streams ten epochs a second, in a real pseudo-terminal whose bytes are
counted. `python -m tests.tui.streaming` is the client itself, on a gateway that answers from a script."""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import math
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from clients.tui import views
from clients.tui.session import Step
from tests.tui.fake_gateway import FakeGateway

EVENTS_PER_S = 10
EPOCHS = 400


class StreamingGateway(FakeGateway):
    """Trains for forty seconds, an epoch every tenth of one, with the phases that a real refinement tells."""

    def __init__(self) -> None:
        super().__init__([views.RunRow("machines/pump-1/runs/1", "pump.csv", "pump-1", "merge", 90.0)])
        self.finished = dict.fromkeys(("upload", "validate", "map", "transform", "merge"), "done")

    async def take(self, step: Step) -> str:
        if step != Step.REFINE:
            return await super().take(step)
        for epoch in range(1, EPOCHS + 1):
            loss = 1.0 + 4.0 * math.exp(-epoch / 60) + 0.03 * math.sin(epoch * 1.7)
            left = (EPOCHS - epoch) / EVENTS_PER_S
            self._report(views.Advance("refining on 6,759 rows", epoch, EPOCHS, left))
            self._report(
                views.EpochPoint(
                    "refined", epoch, EPOCHS, loss - 0.1, loss, loss - 0.02, 1e-3, 0.1, left, 10, 40.0 + epoch / 20
                )
            )
            await asyncio.sleep(1 / EVENTS_PER_S)
        return "model 0123456789ab refined"


class Screen:
    """Runs a command in a pseudo-terminal of a given size (columns, rows) and reads what it writes there."""

    def __init__(self, command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        told = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=told, close_fds=True, start_new_session=True
        )
        os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait(10)
        os.close(self._master)

    def press(self, keys: str) -> None:
        """Sends what the keys send."""
        os.write(self._master, keys.encode())

    def read(self, seconds: float, *, until: str = "") -> int:
        """Reads for that long, or until the words come, and returns how many bytes were written."""
        deadline, count, seen = time.monotonic() + seconds, 0, ""
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self._master], [], [], left)
            if not ready:
                break
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the client has ended
                break
            count += len(data)
            piece = self._decoder.decode(data)
            self.text += piece
            seen = (seen + piece)[-4096:]
            if until and until in seen:
                break
        return count


def streaming_client(size: tuple[int, int], **environment: str) -> Screen:
    """Returns the client in a terminal."""
    return Screen([sys.executable, "-m", "tests.tui.streaming"], size, environment)


def main() -> None:
    """Runs the client."""
    from clients.tui.app import SensorForgeApp

    SensorForgeApp(StreamingGateway()).run()


if __name__ == "__main__":
    main()
