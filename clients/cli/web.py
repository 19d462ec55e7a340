"""`sensorforge web`: the same screen in a browser on this machine.

There are no accounts: whoever reaches the port can do whatever the screen can. So it binds the loopback address alone,
answers only requests that were addressed to it by that name, and opens the screen only for its own page: a page of
another site that the same browser shows gets nothing. Nothing is loaded from elsewhere, so it works without a network.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from clients.cli import output
from clients.sdk.errors import ExitCode, SensorForgeClientError

_HOST = "127.0.0.1"
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' ws://{address}; frame-ancestors 'none'"
)


def web(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8450,
    endpoint: Annotated[
        str, typer.Option("--endpoint", metavar="ADDRESS", help="Services, as for every other command.")
    ] = "",
) -> None:
    """Open the screen in a browser on this machine, until Ctrl-C. Needs the extra [web]."""
    try:
        serve = _server(port)
    except ImportError as missing:
        output.error(
            SensorForgeClientError(
                "SCREEN_MISSING",
                f"The screen for browsers is not installed ({missing}).",
                kind="USAGE",
                remedy="pip install 'sensorforge[web]'",
            )
        )
        raise typer.Exit(ExitCode.USAGE) from None
    if endpoint:
        os.environ["SENSORFORGE_ENDPOINT"] = endpoint
    output.say(f"SensorForge is at http://{_HOST}:{port}. Ctrl-C stops it; running jobs go on.")
    try:
        serve()
    except OSError as taken:
        output.error(
            SensorForgeClientError(
                "PORT_TAKEN",
                f"Port {port} cannot be used: {taken.strerror}.",
                kind="USAGE",
                remedy="Name another --port.",
            )
        )
        raise typer.Exit(ExitCode.USAGE) from None


def _server(port: int) -> Callable[[], None]:
    """Returns what serves the screen until it is interrupted. Raises ImportError without the extra `[web]`."""
    from aiohttp import web as http
    from textual_serve.server import Server

    address = f"{_HOST}:{port}"

    @http.middleware
    async def own_page_only(
        request: http.Request, handler: Callable[[http.Request], Awaitable[http.StreamResponse]]
    ) -> http.StreamResponse:
        if request.host != address or request.headers.get("Origin", f"http://{address}") != f"http://{address}":
            raise http.HTTPForbidden(text=f"This page is at http://{address} alone.")
        if request.path == "/ws" and "Origin" not in request.headers:
            raise http.HTTPForbidden(text="Open the page itself.")
        return await handler(request)

    async def nothing_from_elsewhere(request: http.Request, response: http.StreamResponse) -> None:
        response.headers["Content-Security-Policy"] = _POLICY.format(address=address)

    class OwnPage(Server):  # type: ignore[misc, unused-ignore]
        async def _make_app(self) -> http.Application:
            app: http.Application = await super()._make_app()
            app.middlewares.append(own_page_only)
            app.on_response_prepare.append(nothing_from_elsewhere)
            return app

        async def on_startup(self, app: Any) -> None:
            """Says nothing: the command already has."""

    command = shlex.join([sys.executable, "-P", "-m", "clients.cli.main"])
    served: Callable[[], None] = OwnPage(command, host=_HOST, port=port, title="SensorForge").serve
    return served
