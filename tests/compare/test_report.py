"""The report's files: legible with many sensors, safe with hostile names, summed up by machine."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.compare.comparison import Comparison, compare
from services.compare.datasets import build_datasets
from services.compare.document import Extras, Provenance, comparison_document
from services.compare.figures import Figure, panel_title
from services.compare.findings import _range
from services.compare.gates import in_percent
from services.compare.limits import Limits
from services.compare.metrics.registry import QUICK
from services.compare.plots import draw_figures
from services.compare.report_html import html_report
from services.compare.report_pdf import pdf_report
from services.compare.summary import COLUMNS, all_machines_summary
from services.compare.wording import metric_rows, sensor_rows
from services.machines.profile import MachineProfile, Sensor
from tests.compare.conftest import datasets, machine_rows, split_rows

CURVES: dict[str, list[dict[str, Any]]] = {
    "refined": [{"epoch": i, "train_loss": 1 / i, "validation_loss": 1.1 / i} for i in range(1, 20)],
    "broken": [{"epoch": 1, "train_loss": None, "validation_loss": None}],
}


@pytest.fixture(scope="module")
def result() -> Comparison:
    data = datasets(split_rows(200, 50, 120), machine_rows(200, 2), machine_rows(200, 3, shift=0.5))
    return compare(data, Limits(), resamples=20)


@pytest.fixture(scope="module")
def figures(result: Comparison) -> list[Figure]:
    return draw_figures(result, CURVES, None)


def document_of(result: Comparison, machine: str = "m1", timestamp: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return comparison_document(result, Provenance(machine, timestamp, "machines/m1/processed/t", "r", "s"), Extras())


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext (poppler)")
def test_the_pdf_reads_as_text_and_its_first_page_holds_the_verdict(
    result: Comparison, figures: list[Figure], tmp_path: Path
) -> None:
    document = document_of(result)
    path = tmp_path / "comparison.pdf"
    path.write_bytes(pdf_report(document, figures, "Kompressor Süd, 45 °C"))
    text = subprocess.run(["pdftotext", "-l", "1", path, "-"], check=True, capture_output=True, text=True).stdout
    assert "Kompressor Süd, 45 °C" in text
    assert document["verdict"].split(": ")[1][:30].lower() in text.replace("\n", " ").lower()
    assert "Gates" in text


def test_every_figure_has_a_name_of_its_own(figures: list[Figure]) -> None:
    names = [figure.name for figure in figures]
    assert names == ["overview", "distributions", "correlations", "rul", "losses"]


def test_names_from_files_are_escaped_in_html(result: Comparison) -> None:
    document = document_of(result)
    document["per_sensor_metrics"] = {"<script>alert(1)</script>": next(iter(document["per_sensor_metrics"].values()))}
    page = html_report(document, [], "A & B")
    assert "<script>" not in page
    assert "A &amp; B" in page


def test_the_html_loads_nothing_from_anywhere(result: Comparison, figures: list[Figure]) -> None:
    page = html_report(document_of(result), figures[:1])
    assert "http" not in page
    assert "data:image/png;base64," in page


def test_fifty_sensors_become_several_pages_of_panels() -> None:
    rng = np.random.default_rng(0)
    names = [f"a_rather_long_sensor_name_{i:02}_degC" for i in range(50)]
    real = pl.DataFrame(rng.normal(size=(260, 50)), schema=names)
    real = real.with_columns(pl.Series("split", ["train"] * 140 + ["test"] * 120))
    profile = MachineProfile("m1", tuple(Sensor(name, unit="°C") for name in names))
    refined = pl.DataFrame(rng.normal(size=(140, 50)), schema=names)
    figures = draw_figures(
        compare(build_datasets(real, refined, None, profile), Limits(), metrics=QUICK, resamples=0), {}, None
    )
    assert [figure.name for figure in figures if figure.name.startswith("distributions")] == [
        f"distributions-{page}" for page in (1, 2, 3, 4, 5)
    ]


def test_the_summary_has_one_row_a_machine_with_its_newest_comparison(result: Comparison) -> None:
    documents = [
        document_of(result, "b", "2026-01-01T00:00:00Z"),
        document_of(result, "a", "2026-01-01T00:00:00Z"),
        document_of(result, "b", "2026-02-01T00:00:00Z"),
    ]
    rows = list(csv.DictReader(io.StringIO(all_machines_summary(documents))))
    assert [row["machine_id"] for row in rows] == ["a", "b"]
    assert rows[1]["comparison_timestamp"].startswith("2026-02")
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["kl_divergence_refined"]) >= 0


def test_a_loss_of_all_but_a_trace_never_reads_as_everything() -> None:
    assert [in_percent(value) for value in (99.963, 99.4, 100.0, 75.2, -3.4)] == ["99.96", "99", "100", "75", "-3"]


def test_worse_than_guessing_reads_as_below_zero_with_the_number_in_the_json(result: Comparison) -> None:
    document = document_of(result)
    document["statistical_metrics"]["tstr_r2"] |= {"seed_vs_real": -8.9, "refined_interval": [-0.4, 0.8]}
    line = next(row for row in metric_rows(document) if row[0].startswith("Train on synthetic"))
    assert line[1] == "< 0"
    assert line[3] == "< 0 to 0.8"
    assert "-8.9" in json.dumps(document)


def test_a_sensor_table_shows_what_was_learnt_when_every_sensor_was(result: Comparison) -> None:
    document = document_of(result)
    assert not any("TSTR" in title for title in sensor_rows(document)[0])
    for entry in document["per_sensor_metrics"].values():
        entry |= {"tstr_r2_refined": -0.5, "tstr_r2_control": 0.7}
    head, body = sensor_rows(document)
    assert head[-2:] == ("TSTR R² ref.", "TSTR R² real")
    assert body[0][-2:] == ("< 0", "0.7")


def test_long_names_keep_both_ends_and_break_into_two_lines() -> None:
    first, second = "line3_pump4_stage0_bearing_temperature", "line3_pump5_stage0_bearing_temperature"
    assert panel_title(first) != panel_title(second)
    assert all(len(line) <= 30 for line in panel_title(first).split("\n"))
    assert panel_title("rul") == "rul"


def test_ranges_are_written_with_as_many_digits_as_tell_them_apart() -> None:
    assert _range(99.998754, 99.999169) == "99.998754 to 99.999169"
    assert _range(96.054, 121.3) == "96.05 to 121.3"
