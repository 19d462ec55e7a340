"""What the commands around a profile do with files: a pipe is read once, a faulty profile is named."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from clients.cli import profiles, suggest
from clients.sdk.errors import SensorForgeClientError


async def test_a_profile_is_drafted_from_a_pipe_as_from_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"time,temp\n1,2\n",))
    writer.start()
    async with profiles._that_can_be_read_twice(pipe) as copy:
        assert [copy.read_bytes(), copy.read_bytes()] == [b"time,temp\n1,2\n"] * 2
    writer.join()
    assert not copy.exists()


async def test_a_plain_file_is_read_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("time,temp\n")
    async with profiles._that_can_be_read_twice(file) as local:
        assert local == file


def test_a_faulty_profile_of_a_suggestion_is_named_by_its_file() -> None:
    refused = SensorForgeClientError("PROFILE_INVALID", "profile: line 4: sensor 'a' has no name.", kind="INPUT")
    named = suggest._naming_the_file(refused, "pump.yaml")
    assert (named.message, named.exit_code) == ("pump.yaml: line 4: sensor 'a' has no name.", refused.exit_code)
    other = SensorForgeClientError("STORE_UNREACHABLE", "profile store is away.")
    assert suggest._naming_the_file(other, "pump.yaml") is other
