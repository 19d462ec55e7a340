"""How fast the terminal client answers while a training streams: `python -m benchmarks.terminal [--presses N]`.

A real pseudo-terminal of 80x24 and one of 160x48, ten epochs a second. A key whose answer the stream never writes (it
holds the chart, and lets it go on) is pressed at moments that the stream does not know; counted is the time until that
answer has been written. The client at rest is the peer: the ratio says what the stream costs a person. Bytes a second
are counted in between. Milliseconds are of the machine at hand.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time

from tests.tui.streaming import Screen, streaming_client

LIMIT_MS = 100.0
SIZES = ((80, 24), (160, 48))
WATCHED_S = 4.0


def started(size: tuple[int, int], *, training: bool) -> Screen:
    """Returns a client that shows the refinement, which runs or not."""
    screen = streaming_client(size)
    screen.read(30, until="pump.csv")
    screen.press("\r")
    screen.read(30, until="Advanced")
    if training:
        screen.press("\x07")
        screen.read(30, until="/400")
    screen.read(1.5)
    return screen


def latencies(screen: Screen, presses: int) -> list[float]:
    """Returns the milliseconds from each press to its answer."""
    chance = random.Random(7)
    found = []
    for number in range(presses):
        screen.read(0.1 + 0.2 * chance.random())
        began = time.monotonic()
        screen.press("p")
        screen.read(5, until="chart goes on" if number % 2 else "chart is held")
        found.append(1000 * (time.monotonic() - began))
    return found


def measure(size: tuple[int, int], presses: int) -> dict[str, float]:
    """Returns the 50th and 95th percentile at rest and while training, in ms, and bytes a second while training."""
    with started(size, training=False) as screen:
        at_rest = latencies(screen, presses)
    with started(size, training=True) as screen:
        began = time.monotonic()
        written = screen.read(WATCHED_S)
        rate = written / (time.monotonic() - began)
        streaming = latencies(screen, presses)
    figures = {"bytes_per_s": rate}
    for name, times in (("at_rest", at_rest), ("streaming", streaming)):
        figures[f"{name}_p50_ms"] = statistics.median(times)
        figures[f"{name}_p95_ms"] = statistics.quantiles(times, n=20)[-1]
    return figures | {"ratio_p95": figures["streaming_p95_ms"] / figures["at_rest_p95_ms"]}


def main() -> int:
    """Prints one line a size; returns 1 when an answer comes too late."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {f"{width}x{height}": measure((width, height), options.presses) for width, height in SIZES}
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{'size':8}{'bytes/s':>9}{'rest p95':>10}{'train p50':>11}{'train p95':>11}{'ratio':>7}")
        for size, f in found.items():
            print(
                f"{size:8}{f['bytes_per_s']:9,.0f}{f['at_rest_p95_ms']:7.0f} ms{f['streaming_p50_ms']:8.0f} ms"
                f"{f['streaming_p95_ms']:8.0f} ms{f['ratio_p95']:7.1f}"
            )
    return int(any(f["streaming_p95_ms"] > LIMIT_MS for f in found.values()))


if __name__ == "__main__":
    sys.exit(main())
