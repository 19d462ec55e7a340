"""The Textual application: settings, connection, and the way out.

The services' client is imported after the first picture is on the screen: it takes longer than everything else here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter
from textual.screen import Screen

from clients.sdk.config import ClientConfig, configured_endpoint, from_environment
from clients.tui import preferences
from clients.tui.actions import ACTIONS, actions_of, bindings, keymap
from clients.tui.gateway import Gateway
from clients.tui.modals.dialogs import Help, Picker
from clients.tui.modals.jump import Jump, targets_on
from clients.tui.plain import AsciiOnly
from clients.tui.preferences import Preferences
from clients.tui.screens.home import HomeScreen
from clients.tui.screens.run import RunScreen
from clients.tui.themes import DARK, DARK_NAMES, LIGHT_NAMES, THEMES, TITLES
from clients.tui.views import Problem

# Seconds that leaving waits for the last change to be kept.
_FAREWELL_S = 2.0


class SensorForgeApp(App[None]):
    """`ascii_only` leaves out every character beyond ASCII in charts and marks; `liked` are theme and recent files."""

    TITLE = "SensorForge"
    CSS_PATH = ["styles/app.tcss", "styles/evidence.tcss"]
    BINDINGS = bindings("app")
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]

    def __init__(
        self,
        gateway: Gateway | Callable[[], Gateway],
        *,
        ascii_only: bool = False,
        keys: Mapping[str, str] | None = None,
        liked: Preferences | None = None,
    ) -> None:
        super().__init__()
        self._opening: Callable[[], Gateway] | None = gateway if callable(gateway) else None
        self._gateway: Gateway | None = None if callable(gateway) else gateway
        self.ascii_only = ascii_only
        if ascii_only:
            self.add_class("-ascii")
        self.liked = liked or Preferences()
        self.ansi_theme_dark, self.ansi_theme_light = DARK_NAMES, LIGHT_NAMES
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.liked.theme if self.liked.theme in TITLES else DARK.name
        self.place = ""
        self._connecting: asyncio.Task[Gateway] | None = None
        if keys:
            self.set_keymap(keymap(keys))

    def get_default_screen(self) -> Screen[None]:
        """Returns the list of runs; it is shown while the connection is made."""
        return HomeScreen()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Returns what is done to every line before it is shown."""
        filters = super().get_line_filters()
        return [*filters, AsciiOnly()] if self.ascii_only else filters

    async def services(self) -> Gateway:
        """Returns the connection, once there is one. Raises views.Problem; the next call tries again."""
        if self._connecting is None or (self._connecting.done() and self._connecting.exception() is not None):
            self._connecting = asyncio.create_task(self._connect())
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Gateway:
        if self._gateway is None and self._opening is not None:
            self._gateway = await asyncio.to_thread(self._opening)
        assert self._gateway is not None
        self.place = await self._gateway.connect()
        return self._gateway

    @property
    def left_running(self) -> str:
        """Returns the run whose training went on when the screen was left, "" when none did."""
        return self._gateway.left_running if self._gateway is not None else ""

    async def on_unmount(self) -> None:
        """Gives the connection up; running jobs go on."""
        if self._connecting is not None and self._connecting.done() and self._connecting.exception() is None:
            await self._connecting.result().close()

    async def action_quit(self) -> None:
        """Leaves, once the last change is kept or the service does not answer in time."""
        for screen in self.screen_stack:
            if isinstance(screen, RunScreen):
                with contextlib.suppress(Problem, TimeoutError):
                    async with asyncio.timeout(_FAREWELL_S):
                        await screen.settle()
        self.workers.cancel_all()
        self.exit()

    def like(self, liked: Preferences) -> None:
        """Remembers what this person likes."""
        self.liked = liked
        preferences.store(liked)

    def get_key_display(self, binding: Binding) -> str:
        """Returns a key as it is written on the keyboard: F4, not f4."""
        shown = super().get_key_display(binding)
        return shown.upper() if shown[:1] == "f" and shown[1:].isdecimal() else shown

    def action_jump(self) -> None:
        """Shows a letter on whatever takes the focus, and goes where the person says."""
        screen = self.screen
        if not screen.is_modal:
            self.push_screen(Jump(targets_on(screen)))

    @work
    async def action_choose_theme(self) -> None:
        """Asks for the theme and keeps it."""
        name = await self.push_screen_wait(Picker("Colours", [(theme.name, TITLES[theme.name]) for theme in THEMES]))
        if name:
            self._take_theme(name)

    def _take_theme(self, name: str) -> None:
        self.theme = name
        self.like(Preferences(name, self.liked.files, self.liked.profiles))

    def action_show_help(self) -> None:
        """Explains what has the focus, and the keys that are valid here."""
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
        focused = self.screen.focused
        what = next((node.HELP for node in (focused.ancestors_with_self if focused else ()) if node.HELP), "")
        self.push_screen(Help(lines, what or self.screen.HELP or ""))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Returns what the palette lists: every action that is valid on this screen, then the themes."""
        places = getattr(screen, "places", {})
        for place, node in {"app": self, **places}.items():
            for action in actions_of(place):
                name = action.method.partition("(")[0]
                if action.id != "app.palette" and node.check_action(name, ()) is not False:
                    key = self.get_key_display(Binding(self._keymap.get(action.id, action.key).split(",")[0], ""))
                    yield SystemCommand(action.help.rstrip("."), key, partial(node.run_action, action.method))
        for theme, title in TITLES.items():
            yield SystemCommand(f"Colours: {title.lower()}", "", partial(self._take_theme, theme))


def run(*, endpoint: str = "", store: str = "", ascii_only: bool = False, theme: str = "") -> int:
    """Opens the terminal client and returns its exit code: 2 when there is no terminal to open it in or a setting is
    wrong, 1 when it crashed."""
    # In a browser (`sensorforge web`) there is no terminal, and Textual is told its driver.
    if not ((sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TEXTUAL_DRIVER")):
        sys.stderr.write("This is no terminal. `sensorforge run FILE --profile PROFILE` does the same without one.\n")
        return 2
    liked = preferences.load()
    try:
        _check_theme(theme)
        named = endpoint or configured_endpoint()
        opening = partial(_grpc_gateway, from_environment(named) if named else None, store)
        app = SensorForgeApp(
            opening,
            ascii_only=ascii_only or _without_unicode(),
            keys=preferences.changed_keys(),
            liked=Preferences(theme or liked.theme, liked.files, liked.profiles),
        )
    except ValueError as wrong:
        sys.stderr.write(f"Error (SETTING_INVALID): {wrong}\n")
        return 2
    if theme and theme != liked.theme:
        preferences.store(app.liked)
    app.run()
    if app.left_running:
        run_id = app.left_running.rsplit("/", 1)[-1][:12]
        sys.stdout.write(f"The work goes on. `sensorforge watch {run_id}` watches it; `sensorforge` opens it again.\n")
    return app.return_code or 0


def _check_theme(name: str) -> None:
    if name and name not in TITLES:
        raise ValueError(f"there is no theme {name!r}; there are {', '.join(TITLES)}")


def _grpc_gateway(config: ClientConfig | None, store: str) -> Gateway:
    from clients.tui.remote import GrpcGateway

    return GrpcGateway(config, store)


def _without_unicode() -> bool:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return os.environ.get("TERM") == "dumb" or not encoding.startswith("utf")
