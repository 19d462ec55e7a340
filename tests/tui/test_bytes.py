"""How much the client writes while a training streams: a slow line to a machine hall has to carry it."""

from __future__ import annotations

import re
import sys
import time

import pytest

from tests.tui.streaming import EVENTS_PER_S, streaming_client

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

MOST_BYTES_PER_S = 2_000
WATCHED_S = 5.0


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["colour", "NO_COLOR"])
def test_a_streaming_training_writes_at_most_two_kilobytes_a_second_at_80x24(environment: dict[str, str]) -> None:
    with streaming_client((80, 24), **environment) as screen:
        screen.read(30, until="pump.csv")
        screen.press("\r")
        screen.read(30, until="Advanced")
        screen.press("\x07")
        screen.read(30, until="/400")
        screen.read(2)  # the axis settles
        screen.text, began = "", time.monotonic()
        written = screen.read(WATCHED_S)
        spent = time.monotonic() - began
    epochs = {int(shown) for shown in re.findall(r"(\d+)/400", screen.text)}
    # A client that shows nothing writes nothing: the epochs have to go on, and the curve with them.
    assert max(epochs) - min(epochs) > EVENTS_PER_S * WATCHED_S / 4
    assert any("⠀" < character <= "⣿" for character in screen.text)
    assert written / spent <= MOST_BYTES_PER_S
