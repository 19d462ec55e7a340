"""`python -m services.chassis.probe ENDPOINT [SERVICE]`: exit 0 when the service says SERVING, 1 when not.

For health checks of container engines that have no gRPC probe of their own. Kubernetes has one and does not need this.
"""

from __future__ import annotations

import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def main(arguments: list[str]) -> int:
    """Asks once, for at most 5 s. Returns the exit code."""
    endpoint, service = arguments[0], arguments[1] if len(arguments) > 1 else ""
    with grpc.insecure_channel(endpoint) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(request, timeout=5)
        except grpc.RpcError:
            return 1
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
