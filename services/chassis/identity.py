"""Who calls: the hook where authentication plugs in.

The default authenticator accepts one bearer token, a client certificate that the TLS layer has verified, or, where
neither is configured, anybody who can reach the socket.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol

from services.chassis.errors import SensorForgeError

_caller: ContextVar[str] = ContextVar("caller", default="local")


class Authenticator(Protocol):
    """Names the caller of a request, or refuses it."""

    def __call__(self, metadata: Mapping[str, str], certificate_names: Sequence[str]) -> str:
        """Returns the caller's name; raises SensorForgeError UNAUTHENTICATED."""
        ...


class TokenAuthenticator:
    """Accepts calls that carry `authorization: Bearer TOKEN`. Without a token every caller is accepted."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, metadata: Mapping[str, str], certificate_names: Sequence[str]) -> str:
        if self._token is not None:
            given = metadata.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                raise SensorForgeError("UNAUTHENTICATED", "The call carries no valid bearer token.")
        return certificate_names[0] if certificate_names else "local" if self._token is None else "token"


def set_caller(name: str) -> None:
    """Records the caller for the rest of this request."""
    _caller.set(name)


def caller_of(context: object | None = None) -> str:
    """Returns the caller of the current request; safe to use as part of an object key."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in _caller.get())[:64] or "local"
