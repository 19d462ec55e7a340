"""The Textual application: settings, connection, and the way out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence

from textual.app import App
from textual.binding import Binding
from textual.filter import LineFilter

from clients.sdk.config import from_environment
from clients.sdk.local import config_directory
from clients.tui.actions import ACTIONS, bindings, keymap
from clients.tui.gateway import Gateway
from clients.tui.modals.dialogs import Help
from clients.tui.plain import AsciiOnly
from clients.tui.remote import GrpcGateway
from clients.tui.screens.home import HomeScreen


class SensorForgeApp(App[None]):
    """`ascii_only` leaves out every character beyond ASCII in charts and marks."""

    TITLE = "SensorForge"
    CSS_PATH = "styles/app.tcss"
    BINDINGS = bindings("app")
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]

    def __init__(self, gateway: Gateway, *, ascii_only: bool = False, keys: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.gateway = gateway
        self.ascii_only = ascii_only
        if ascii_only:
            self.add_class("-ascii")
        self.place = ""
        self._connecting: asyncio.Task[str] | None = None
        if keys:
            self.set_keymap(keymap(keys))

    def on_mount(self) -> None:
        """Shows the list of runs while the connection is made."""
        self.push_screen(HomeScreen())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Returns what is done to every line before it is shown."""
        filters = super().get_line_filters()
        return [*filters, AsciiOnly()] if self.ascii_only else filters

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
        keys: dict[str, list[str]] = {}
        for active in self.screen.active_bindings.values():
            binding: Binding = active.binding
            if binding.id in known and active.enabled:
                keys.setdefault(binding.id, []).append(self.get_key_display(binding))
        steps = [i for i in keys if i.startswith("run.step-")]
        lines = [(" ".join(keys[i]), known[i].help) for i in keys if i not in steps]
        if steps:
            lines.append((f"{keys[steps[0]][0]}-{keys[steps[-1]][0]}", "Show that step."))
        self.push_screen(Help(lines))


def run(*, endpoint: str = "", store: str = "", ascii_only: bool = False) -> int:
    """Opens the terminal client and returns its exit code: 2 when there is no terminal to open it in or a setting is
    wrong, 1 when it crashed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write("This is no terminal. `sensorforge run FILE --profile PROFILE` does the same without one.\n")
        return 2
    try:
        config = from_environment(endpoint) if endpoint else None
        gateway = GrpcGateway(config, store)
        app = SensorForgeApp(gateway, ascii_only=ascii_only or _without_unicode(), keys=changed_keys())
    except ValueError as wrong:
        sys.stderr.write(f"Error (SETTING_INVALID): {wrong}\n")
        return 2
    app.run()
    if gateway.left_running:
        run_id = gateway.left_running.rsplit("/", 1)[-1][:12]
        sys.stdout.write(f"The work goes on. `sensorforge watch {run_id}` watches it; `sensorforge` opens it again.\n")
    return app.return_code or 0


def changed_keys() -> dict[str, str]:
    """Returns the user's keys from `keys.json` in the client's configuration directory: {action id: key}. Raises
    ValueError naming the file when it is no such thing."""
    path = config_directory() / "keys.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError:
        return {}
    except ValueError as wrong:
        raise ValueError(f"{path} is not JSON: {wrong}") from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found.values()):
        raise ValueError(f'{path} has to be one object like {{"map.accept": "A"}}')
    return found


def _without_unicode() -> bool:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return os.environ.get("TERM") == "dumb" or not encoding.startswith("utf")
