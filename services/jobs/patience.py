"""How long a worker waits for a store that does not answer, before it gives up its job as failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from services.artifacts.objects import StoreDenied, StoreUnavailable

T = TypeVar("T")
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds; a rolling restart of an S3 server is over by then


def patiently(action: Callable[[], T]) -> T:
    """Returns what an idempotent action returns, trying again for about a minute. Raises StoreUnavailable after it."""
    for pause in _PAUSES:
        try:
            return action()
        except StoreDenied:
            raise
        except StoreUnavailable:
            time.sleep(pause)
    return action()
