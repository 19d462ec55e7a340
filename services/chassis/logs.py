"""Structured logs on stderr: one JSON object a line (or readable lines at a terminal), with the request id in each."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog

# Without the frames' local variables: they may hold rows of somebody's data.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def configure_logs(level: str = "info", style: Literal["json", "console"] = "json", **context: Any) -> None:
    """Sends structlog and the standard library's logging to stderr in one format; `context` is added to every line."""
    structlog.contextvars.bind_contextvars(**context)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, _TRACEBACKS, renderer] if style == "json" else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format="%(levelname)s %(name)s %(message)s", force=True)
