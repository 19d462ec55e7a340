"""JSON read in blocks gives what it gives when it is read at once, and what blocks cannot tell is read at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.errors import SensorForgeError
from services.ingest.formats.json_file import read_json
from services.ingest.formats.json_stream import read_large_json
from services.ingest.limits import Limits
from services.ingest.options import ReadOptions
from services.ingest.tables import SourceTable, silent
from tests.ingest.test_fuzz import DAMAGE, Damage, damaged

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=5)
)
RECORDS = st.lists(
    st.dictionaries(st.sampled_from("abc"), CELLS | st.dictionaries(st.sampled_from("xy"), CELLS, max_size=2)),
    min_size=2,
    max_size=30,
)
DAMAGES = ["", "{", "[1]\n", "\n\n", '{"a": NaN}\n', " \n"]
READING = {"t": "2024-01-01T00:00:00Z", "flow": 1.5}


def in_blocks(path: Path, block_bytes: int = 64) -> SourceTable | None:
    folder = path.parent
    return read_large_json(
        path, path.name, ReadOptions(), Limits(), folder, from_bytes=0, block_bytes=block_bytes
    )  # fmt: skip


def told(read: Any) -> object:
    """Returns all of a table, or the reason of its refusal."""
    try:
        table = read()
    except SensorForgeError as error:
        return error.reason
    return table and (
        table.frame.to_dict(as_series=False),
        dict(table.frame.schema),
        table.counts,
        table.units,
        table.rejects,
        table.row_numbers.to_list(),
        table.line_numbers.to_list(),
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=RECORDS, lines=st.booleans(), damage=st.sampled_from(["", "{", "[1]\n", "\n\n", '{"a": NaN}\n', " \n"]))
def test_blocks_give_what_the_whole_gives(
    records: list[dict[str, Any]], lines: bool, damage: str, tmp_path: Path
) -> None:
    texts = [json.dumps(r, ensure_ascii=False) for r in records]
    path = tmp_path / "export.json"
    path.write_text("\n".join(texts) + "\n" + damage if lines else "[" + ",\n ".join(texts) + "]" + damage, "utf-8")
    blocks = told(lambda: in_blocks(path))
    if blocks is not None:
        assert blocks == told(lambda: read_json(path, path.name, ReadOptions(), Limits(), silent))


@pytest.mark.parametrize("lines", [True, False])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(damage=DAMAGE)
def test_damaged_json_in_blocks_ends_as_it_ends_at_once(lines: bool, damage: Damage, tmp_path: Path) -> None:
    texts = [json.dumps({**READING, "n": i, "inner": {"state": "on"}}) for i in range(20)]
    sound = "\n".join(texts) if lines else "[" + ",\n".join(texts) + "]"
    path = tmp_path / "export.json"
    path.write_bytes(damaged(sound.encode(), damage))
    blocks = told(lambda: in_blocks(path))
    if blocks is not None:
        whole = told(lambda: read_json(path, path.name, ReadOptions(), Limits(), silent))
        assert blocks == whole or (isinstance(blocks, str) and isinstance(whole, str))


def test_a_list_is_cut_anywhere_between_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(" [ " + " , ".join(json.dumps({**READING, "name": "Ü]},{"}) for _ in range(5)) + " ] \n", "utf-8")
    tables = [in_blocks(path, size) for size in range(1, 40)]
    assert all(t is not None and t.frame.rows() == [(*READING.values(), "Ü]},{")] * 5 for t in tables)


@pytest.mark.parametrize("tail", ["", ",]", "] x", "}", ',{"t": 01}]', ',{"t": NaN}]', "]]"])
def test_a_list_that_is_not_json_to_its_end_is_refused(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "export.json"
    path.write_text("[" + ",".join([json.dumps(READING)] * 9) + tail)
    with pytest.raises(SensorForgeError, match="not valid JSON") as refused:
        in_blocks(path)
    assert refused.value.reason == "FILE_CORRUPT"


def test_batches_of_samples_come_apart_in_every_block(tmp_path: Path) -> None:
    path = tmp_path / "gateway.jsonl"
    batch = {"sent": "2024-01-01T00:00:09Z", "values": [{"id": "P1", "v": 1.5, "t": 1}, {"id": "P2", "v": 2, "t": 1}]}
    path.write_text("".join(json.dumps(batch) + "\n" for _ in range(20)))
    table = in_blocks(path, 300)
    assert table is not None
    assert table.frame.height == 40
    assert told(lambda: table) == told(lambda: read_json(path, path.name, ReadOptions(), Limits(), silent))


@pytest.mark.parametrize(
    "document",
    [
        [
            {"name": "P1", "values": [[1.7e9, 1], [1.7e9 + 1, 2]]},
            {"name": "P2", "values": [[1.7e9, 3], [1.7e9 + 1, 4]]},
        ],
        [[1, 2], [3, 4]],
        [{"a": 1}, 2],
        {"data": [READING, READING]},
    ],
)
def test_what_only_the_whole_document_tells_is_left_to_it(tmp_path: Path, document: object) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(document))
    assert in_blocks(path) is None
