"""Turns understood failures into google.rpc.Status, the one shape in which errors travel."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from services.chassis.errors import SensorForgeError

DOMAIN = "sensorforge"
STATUS_DETAILS = "grpc-status-details-bin"


def status_code(error: SensorForgeError) -> grpc.StatusCode:
    """Returns the gRPC status of an error's reason."""
    return grpc.StatusCode[error.status]


def to_status(error: SensorForgeError, request_id: str) -> status_pb2.Status:
    """Returns google.rpc.Status with ErrorInfo {reason, kind, remedy, request_id, metadata} and, where the metadata
    name a `field`, BadRequest."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason,
        domain=DOMAIN,
        metadata={**error.metadata, "kind": error.kind.value, "remedy": error.remedy, "request_id": request_id},
    )
    details = [any_pb2.Any()]
    details[0].Pack(info)
    if "field" in error.metadata:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.metadata["field"], description=str(error))
        details.append(any_pb2.Any())
        details[1].Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    number: int = status_code(error).value[0]
    return status_pb2.Status(code=number, message=error.message, details=details)
