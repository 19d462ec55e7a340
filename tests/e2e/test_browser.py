"""The screen in a browser: `sensorforge web` and headless Chromium, driven by the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textual_serve")
aiohttp = pytest.importorskip("aiohttp")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]

_PATIENCE_S = 60.0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.asynccontextmanager
async def _ended(process: asyncio.subprocess.Process) -> AsyncIterator[asyncio.subprocess.Process]:
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()


class _Page:
    """One page of the browser: what its web socket received, its keys, its picture."""

    def __init__(self, link: Any) -> None:
        self._link = link
        self._number = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.received = b""
        self._more = asyncio.Event()
        self.asked_for: list[str] = []

    async def listen(self) -> None:
        async for message in self._link:
            event = message.json()
            if (answer := self._answers.pop(event.get("id", 0), None)) is not None:
                answer.set_result(event)
            elif event.get("method") == "Network.webSocketFrameReceived":
                frame = event["params"]["response"]
                data = frame["payloadData"]
                self.received += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
                self._more.set()
            elif event.get("method") == "Network.requestWillBeSent":
                self.asked_for.append(event["params"]["request"]["url"])

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._number)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._link.send_json({"id": number, "method": method, "params": params})
        answer = await asyncio.wait_for(self._answers[number], _PATIENCE_S)
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def type(self, key: str) -> None:
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key, unmodifiedText=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def until(self, words: str) -> None:
        async def there() -> None:
            while words.encode() not in self.received:
                self._more.clear()
                await self._more.wait()

        try:
            await asyncio.wait_for(there(), _PATIENCE_S)
        except TimeoutError:
            pytest.fail(f"{words!r} did not appear; the last of what did: {self.received[-3000:]!r}")


async def _page(session: Any, port: int) -> str:
    async def waited() -> str:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    for page in await answer.json():
                        if page["type"] == "page":
                            return str(page["webSocketDebuggerUrl"])
            await asyncio.sleep(0.1)

    return await asyncio.wait_for(waited(), _PATIENCE_S)


async def _answering(session: Any, url: str) -> None:
    async def waited() -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    assert answer.status == 200
                    return
            await asyncio.sleep(0.1)

    await asyncio.wait_for(waited(), _PATIENCE_S)


async def test_screen_works_in_a_browser_and_for_its_own_page_alone(tmp_path: Path) -> None:
    port, debugging = _free_port(), _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "SENSORFORGE_STORE": str(tmp_path / "store"),
    }
    environment.pop("SENSORFORGE_ENDPOINT", None)
    assert CHROMIUM is not None
    serving = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clients.cli.main", "web", "--port", str(port)),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    async with _ended(serving), aiohttp.ClientSession() as session:
        await _answering(session, url)
        async with session.get(url, headers={"Host": "elsewhere.example"}) as answer:
            assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{url}/ws", origin="http://elsewhere.example")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{url}/ws")

        browser = await asyncio.create_subprocess_exec(
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,700"),
            *(f"--remote-debugging-port={debugging}", f"--user-data-dir={tmp_path / 'browser'}", "about:blank"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with _ended(browser), session.ws_connect(await _page(session, debugging), max_msg_size=0) as link:
            page = _Page(link)
            listening = asyncio.create_task(page.listen())
            await page.call("Network.enable")
            await page.call("Page.navigate", url=url)
            await page.until("No runs yet")
            await page.click(600, 350)
            await page.type("n")
            await page.until("Upload")
            picture = base64.b64decode((await page.call("Page.captureScreenshot"))["data"])
            (tmp_path / "browser.png").write_bytes(picture)
            listening.cancel()
        assert len(picture) > 20_000, "the terminal stayed empty"
        assert page.asked_for, "the browser's requests were not seen"
