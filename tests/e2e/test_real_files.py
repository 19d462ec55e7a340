"""The main job on three real machines' files, through the command line as a person would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.runs import check_results

PROFILES = Path(__file__).parent / "profiles"
MACHINES = {
    "air compressor": ("metropt3_head.csv", "metropt3_air_compressor.yaml"),
    "gas turbine": ("gt_2011.csv", "gas_turbine.yaml"),
    # The file has no header, so a person says which column numbers the engines.
    "turbofan": ("cmapss_train_FD001.txt", "turbofan_fd001.yaml", "--run-column", "column_1"),
}


def sensorforge(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SENSORFORGE_STORE": str(home / "store"), "XDG_CONFIG_HOME": str(home / "config")}
    return subprocess.run(
        [sys.executable, "-m", "clients.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=900,
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_a_real_file_becomes_data_sets_and_a_report(machine: str, shared_data: Path, tmp_path: Path) -> None:
    file, profile, *options = MACHINES[machine]
    out = tmp_path / "out"
    data = str(shared_data / "sensor" / file)
    arguments = ("run", data, "--profile", str(PROFILES / profile), "--out", str(out), *options)
    done = sensorforge(*arguments, "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["schema_version"]
    check_results(out, 50_000)
