"""Prometheus metrics that every service reports: calls by method and status, their time, and calls in flight."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

CALLS = Counter("sensorforge_calls_total", "Finished calls.", ["method", "status"])
SECONDS = Histogram(
    "sensorforge_call_seconds",
    "Time to answer, in seconds.",
    ["method"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600),
)
IN_FLIGHT = Gauge("sensorforge_calls_in_flight", "Calls being answered now.", ["method"])


def expose_metrics(listen: str) -> None:
    """Serves /metrics on host:port in a thread of its own. Raises OSError when the port is taken."""
    host, port = listen.rsplit(":", 1)
    start_http_server(int(port), addr=host)
