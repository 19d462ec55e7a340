"""`python docs/make_screenshots.py`: the pictures of docs/user-guide.md, taken of a real run.

It writes the demonstration's sample, opens the terminal client on a real embedded service in a directory of its own,
presses the keys that the guide names, and saves what is on the screen after each step as SVG under docs/screens/.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SCREENS = Path(__file__).resolve().parent / "screens"
SIZE = (110, 32)
# Textual's exports load their font from elsewhere; whoever reads the guide has a monospaced font of their own.
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


@contextlib.contextmanager
def _own_place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="screens-", dir="/tmp") as directory:
        os.environ |= {
            "HOME": directory,
            "XDG_CONFIG_HOME": f"{directory}/config",
            "XDG_RUNTIME_DIR": directory,
            "SENSORFORGE_STORE": f"{directory}/store",
            "OMP_NUM_THREADS": "1",
        }
        os.environ.pop("SENSORFORGE_ENDPOINT", None)
        os.chdir(directory)
        yield Path(directory)


async def _take(directory: Path) -> None:
    # Imported here: the client reads its places when it is imported.
    from textual.pilot import Pilot
    from textual.widgets import Input

    from clients.cli.demo_sample import write_demo_sample
    from clients.sdk.embedded import running
    from clients.tui.app import SensorForgeApp
    from clients.tui.remote import GrpcGateway

    sample = write_demo_sample(directory)

    def shown(pilot: Pilot[None]) -> str:
        text = re.sub(r"<style.*?</style>|<[^>]+>", " ", pilot.app.export_screenshot(), flags=re.DOTALL)
        return re.sub(r"\s+", " ", html.unescape(text).replace("\xa0", " "))

    async def until(pilot: Pilot[None], *words: str, within_s: float = 120) -> None:
        for _ in range(int(within_s / 0.2)):
            await pilot.pause(0.2)
            if all(word in shown(pilot) for word in words):
                return
        raise SystemExit(f"{words} did not appear within {within_s:.0f} s; the screen: {shown(pilot)}")

    def save(pilot: Pilot[None], name: str) -> None:
        svg = _FONT.sub("", pilot.app.export_screenshot(title="SensorForge"))
        (SCREENS / f"{name}.svg").write_text(svg.replace(str(directory), "/home/you"), "utf-8")
        sys.stderr.write(f"{name}\n")

    SCREENS.mkdir(exist_ok=True)
    async with running(str(directory / "store")):
        app = SensorForgeApp(GrpcGateway(None, str(directory / "store")))
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, "No runs yet")
            save(pilot, "home-empty")
            await pilot.press("n")
            await until(pilot, "Data file")
            for field, path in zip(("#files", "#profile"), (sample.files[0], sample.profile_path), strict=True):
                app.screen.query_one(field, Input).value = str(path)
            await until(pilot, "1 file")
            save(pilot, "upload")
            await pilot.press("ctrl+g")
            await until(pilot, "1✔Upload")
            await pilot.press("ctrl+g")
            await until(pilot, "2✔Validate", "Nothing blocks")
            save(pilot, "validate")
            await pilot.press("ctrl+g")
            await until(pilot, "10 of 10")
            save(pilot, "map")
            await pilot.press("ctrl+g")
            await until(pilot, "4●Clean", "rows before")
            save(pilot, "clean")
            await pilot.press("ctrl+g")
            await until(pilot, "5●Merge", "to train on", "Remaining life")
            await pilot.pause(3)
            save(pilot, "merge")
            await pilot.press("ctrl+g")
            await until(pilot, "6●Refine", "Advanced", "original")
            await pilot.press("ctrl+g")
            await until(pilot, "refinement: up to")
            await pilot.pause(1)
            save(pilot, "refine-training")
            await until(pilot, "6✔Refine", "lowest loss")
            save(pilot, "refine")
            await pilot.press("ctrl+g")
            await until(pilot, "7✔Compare", "KL divergence", "✔ pass", within_s=480)
            save(pilot, "compare")
            for view, words in (("2", "sensor, by KL"), ("3", "real +1.00"), ("4", "from scratch")):
                await pilot.press("right_square_bracket")
                await until(pilot, words)
                save(pilot, f"compare-{view}")
            await pilot.press("M")
            await until(pilot, "Make the refined model the default")
            save(pilot, "make-default")
            await pilot.press("enter")
            await until(pilot, "is the default now")
            await pilot.press("ctrl+g")
            await until(pilot, "Machines", "reached", "▁")
            save(pilot, "home")


if __name__ == "__main__":
    with _own_place() as place:
        asyncio.run(_take(place))
