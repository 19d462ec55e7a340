"""The status of a data set message holds for each of its fields that does not tell its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.ingest.formats.json_batches import exploded
from services.ingest.formats.opcua_json import status_on_fields
from tests.ingest.conftest import Read, values

BAD = 0x80310000


def message(row: int, payload: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"DataSetWriterId": 1, "Timestamp": f"2024-03-01T00:00:{row:02d}Z", **status, "Payload": payload}


@pytest.mark.parametrize(
    "status", [BAD, {"Code": BAD, "Symbol": "BadNoCommunication"}, "BadNoCommunication", 0x40000000]
)
def test_a_doubtful_message_marks_all_its_fields(status: Any) -> None:
    network = {
        "MessageType": "ua-data",
        "Messages": [message(0, {"Flow": 1.5, "Temp": 20}), message(1, {"Flow": 2.5, "Temp": 21}, Status=status)],
    }
    rows = exploded([network])
    code = status["Code"] if isinstance(status, dict) else status
    assert [row["Payload"]["Flow"] for row in rows] == [
        {"Value": 1.5, "StatusCode": 0},
        {"Value": 2.5, "StatusCode": code},
    ]
    assert not any("Status" in row for row in rows)


def test_samples_of_a_bad_message_are_missing(read: Read) -> None:
    messages = [message(row, {"Flow": row + 0.5}, **({"Status": BAD} if row in (7, 8) else {})) for row in range(20)]
    network = [{"MessageType": "ua-data", "PublisherId": "P", "Messages": [m]} for m in messages]
    dataset = read("\n".join(map(json.dumps, network)).encode(), name="messages.json")
    assert values(dataset, "Payload.Flow") == [None if row in (7, 8) else row + 0.5 for row in range(20)]


def test_messages_without_an_envelope_are_as_good_as_their_status(read: Read) -> None:
    messages = [message(row, {"Flow": row + 0.5}, **({"Status": BAD} if row == 7 else {})) for row in range(20)]
    lines = "\n".join(map(json.dumps, messages)).encode()
    assert values(read(lines, name="messages.json"), "Payload.Flow") == [
        None if row == 7 else row + 0.5 for row in range(20)
    ]


def test_a_field_keeps_the_status_that_it_tells_itself() -> None:
    payload = {"Flow": {"Value": 1.0, "StatusCode": 0x40000000}, "Temp": {"Value": 2.0}}
    told = status_on_fields([message(0, payload, Status=BAD)])[0]["Payload"]
    assert told["Flow"]["StatusCode"] == 0x40000000
    assert told["Temp"] == {"Value": 2.0, "StatusCode": BAD}


@pytest.mark.parametrize("status", [{}, {"Status": 0}, {"Status": "Good"}, {"Status": {"Symbol": "Good"}}])
def test_good_messages_stay_as_they_are(status: dict[str, Any]) -> None:
    messages = [message(0, {"Flow": 1.0}, **status)]
    assert status_on_fields(messages) is messages
