"""Moments as artifacts record them: RFC 3339 in UTC with microseconds, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_US = 253_402_300_800_000_000  # 10000-01-01 in microseconds since 1970


def utc_now() -> str:
    """Returns the present, e.g. "2026-01-31T09:15:00.000000Z"."""
    return format_utc(datetime.now(UTC))


def format_utc(moment: datetime) -> str:
    """Returns an aware datetime as RFC 3339 text with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_utc(text: str) -> datetime:
    """Returns the aware datetime. Raises ValueError when the text is not RFC 3339 with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"moment without an offset: {text!r}")
    return moment.astimezone(UTC)


def inverse_time(text: str) -> str:
    """Returns 18 digits that sort newest first: microseconds from the moment to the year 10000."""
    return f"{_END_US - (parse_utc(text) - _EPOCH) // timedelta(microseconds=1):018d}"
