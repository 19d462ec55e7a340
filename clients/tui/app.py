"""The Textual application: settings, connection, and the way out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

from textual.app import App
from textual.binding import Binding

from clients.sdk.config import from_environment
from clients.tui.actions import ACTIONS, bindings, keymap
from clients.tui.gateway import Gateway
from clients.tui.modals.dialogs import Help
from clients.tui.remote import GrpcGateway
from clients.tui.screens.home import HomeScreen


class SensorForgeApp(App[None]):
    """`ascii_only` leaves out every character beyond ASCII in charts and marks."""

    TITLE = "SensorForge"
    CSS_PATH = "styles/app.tcss"
    BINDINGS = bindings("app")
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, gateway: Gateway, *, ascii_only: bool = False, keys: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.gateway = gateway
        self.ascii_only = ascii_only
        self.place = ""
        self._connecting: asyncio.Task[str] | None = None
        if keys:
            self.set_keymap(keymap(keys))

    def on_mount(self) -> None:
        """Shows the list of runs while the connection is made."""
        self.push_screen(HomeScreen())

    async def connected(self) -> None:
        """Waits until there is a connection. Raises views.Problem; the next call tries again."""
        if self._connecting is None or (self._connecting.done() and self._connecting.exception() is not None):
            self._connecting = asyncio.create_task(self.gateway.connect())
        self.place = await asyncio.shield(self._connecting)

    async def on_unmount(self) -> None:
        """Gives the connection up; running jobs go on."""
        if self._connecting is not None and self._connecting.done() and self._connecting.exception() is None:
            await self.gateway.close()

    def action_show_help(self) -> None:
        """Explains the keys that are valid here."""
        known = {action.id: action for action in ACTIONS}
        lines = []
        for active in self.screen.active_bindings.values():
            binding: Binding = active.binding
            if binding.id in known:
                lines.append((self.get_key_display(binding), known[binding.id].help))
        self.push_screen(Help(lines))


def run(*, endpoint: str = "", store: str = "", ascii_only: bool = False) -> int:
    """Opens the terminal client and returns its exit code: 2 when there is no terminal to open it in."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write("This is no terminal. `sensorforge run FILE --profile PROFILE` does the same without one.\n")
        return 2
    config = from_environment(endpoint) if endpoint else None
    app = SensorForgeApp(GrpcGateway(config, store), ascii_only=ascii_only or os.environ.get("TERM") == "dumb")
    app.run()
    return app.return_code or 0
