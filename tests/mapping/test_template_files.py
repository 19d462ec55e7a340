"""Templates leave one service as a file and enter another one as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clients.cli.templates import read_templates
from clients.sdk.errors import SensorForgeClientError
from clients.sdk.workflow.templates import time_of

TEMPLATE = {
    "name": "machines/m1/templates/0",
    "columns": [{"column": "T", "role": "sensor", "sensor": "temp", "unit": "°F"}],
    "time": {"format": "%d.%m.%Y", "day_first": True, "zone": "Europe/Berlin", "gap_factor": 5.0},
}


def written(folder: Path, content: object) -> Path:
    path = folder / "templates.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_a_file_of_templates_keeps_columns_units_and_how_time_is_read(tmp_path: Path) -> None:
    saved = read_templates(written(tmp_path, {"machine": "m1", "templates": [TEMPLATE]}))
    ((columns, time),) = saved.templates
    assert saved.machine == "m1"
    assert (columns[0].column, columns[0].sensor, columns[0].source_unit) == ("T", "temp", "°F")
    assert (time.format, time.day_first, time.zone) == ("%d.%m.%Y", True, "Europe/Berlin")


@pytest.mark.parametrize(
    "content",
    [
        {"machine": "m1"},
        {"machine": "m1", "templates": []},
        [1, 2],
        {"machine": "m1", "templates": [{**TEMPLATE, "time": {"no": 1}}]},
    ],
)
def test_a_file_that_holds_no_templates_is_refused_with_what_it_lacks(tmp_path: Path, content: object) -> None:
    with pytest.raises(SensorForgeClientError) as refused:
        read_templates(written(tmp_path, content))
    assert refused.value.reason == "TEMPLATES_INVALID"


def test_a_run_is_remembered_with_how_its_time_was_read() -> None:
    params = {"columns": [], "time": {"format": "", "day_first": True, "zone": "Europe/Berlin", "gap_factor": 5.0}}
    time = time_of(json.dumps(params))
    assert (time.day_first, time.zone, time.gap_factor) == (True, "Europe/Berlin", 5.0)
    params["time"] = {"format": "epoch_ms", "day_first": None, "zone": "", "gap_factor": 5.0}
    assert not time_of(json.dumps(params)).HasField("day_first")
