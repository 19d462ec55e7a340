"""comparison.pdf: one page a plant manager can act on, then the evidence, then the definitions.

It is written from comparison.json and the figures alone, so the PDF cannot say anything the JSON does not. The font is
DejaVu, as matplotlib ships it, since units need ° and µ.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from fpdf import FPDF
from fpdf.enums import TableCellFillMode
from fpdf.fonts import FontFace

from services.compare.figures import Figure
from services.compare.wording import (
    ADVICE,
    OUTCOMES,
    augmented_rows,
    defined,
    gate_rows,
    metric_rows,
    number,
    r_squared,
    sensor_rows,
    spoken,
)

_INK, _QUIET, _RULE, _BAND = (28, 33, 40), (98, 106, 117), (205, 209, 214), (244, 246, 248)
_COLOURS = {
    "use_refined": (23, 105, 70), "keep_original": (156, 58, 24), "collect_more_data": (145, 98, 10),
    "pass": (23, 105, 70), "fail": (156, 58, 24), "undecided": (145, 98, 10), "skipped": _QUIET,
}  # fmt: skip


class _Report(FPDF):
    """A page with the running foot of a report."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4", unit="mm")
        self._foot = foot
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        self.add_font("report", "", fonts / "DejaVuSans.ttf")
        self.add_font("report", "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_margins(17, 15, 17)
        self.set_auto_page_break(True, margin=17)
        self.set_text_color(*_INK)
        self.set_draw_color(*_RULE)

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("report", "", 7)
        self.set_text_color(*_QUIET)
        self.cell(self.epw / 2, 5, self._foot)
        self.cell(self.epw / 2, 5, f"{self.page_no()} / {{nb}}", align="R")
        self.set_text_color(*_INK)

    def heading(self, text: str, keep: float = 30) -> None:
        """Writes a section heading, on a new page when fewer than `keep` mm are left."""
        if self.will_page_break(keep):
            self.add_page()
        self.ln(3)
        self.set_font("report", "B", 11.5)
        self.cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
        self.ln(1)

    def paragraph(self, text: str, size: float = 8.5, *, quiet: bool = False, bold: bool = False) -> None:
        """Writes a paragraph of the page's width."""
        self.set_font("report", "B" if bold else "", size)
        self.set_text_color(*(_QUIET if quiet else _INK))
        self.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(*_INK)

    def rows(
        self,
        head: Sequence[str],
        body: Sequence[Sequence[str]],
        widths: Sequence[float],
        align: Sequence[Literal["LEFT", "RIGHT", "CENTER"]],
        *,
        size: float = 8,
        outcome_column: int | None = None,
    ) -> None:
        """Writes a table with ruled rows; cells of `outcome_column` hold outcomes and are set in their colours."""
        self.set_font("report", "", size)
        with self.table(
            col_widths=tuple(widths),
            text_align=tuple(align),
            borders_layout="HORIZONTAL_LINES",
            cell_fill_mode=TableCellFillMode.NONE,
            headings_style=FontFace(emphasis="BOLD", color=_QUIET, size_pt=size - 0.5),
            line_height=size * 0.48,
            padding=(1.1, 1.2, 1.1, 1.2),
            repeat_headings=1,
        ) as table:
            line = table.row()
            for text in head:
                line.cell(text)
            for cells in body:
                line = table.row()
                for i, text in enumerate(cells):
                    if i == outcome_column:
                        style = FontFace(emphasis="BOLD", color=_COLOURS.get(text, _INK))
                        line.cell(OUTCOMES.get(text, text), style=style)
                    else:
                        line.cell(text)


def pdf_report(document: Mapping[str, Any], figures: Sequence[Figure], title: str = "") -> bytes:
    """Returns the PDF of a comparison document and its figures."""
    machine = document["machine_id"]
    pdf = _Report(f"SensorForge comparison · {machine} · {document['comparison_timestamp'][:16].replace('T', ' ')} UTC")
    pdf.set_title(f"Comparison of synthetic and real rows: {machine}")
    pdf.set_author("SensorForge")
    pdf.add_page()
    _verdict_page(pdf, document, title or machine)
    for figure in figures[:1]:  # the overview stays on the first page where it fits
        _figure(pdf, figure)
    if pdf.page_no() == 1:
        pdf.add_page()
    _measures(pdf, document)
    _worst(pdf, document)
    _augmented(pdf, document)
    for figure in figures[1:]:
        _figure(pdf, figure)
    _definitions(pdf, document)
    return bytes(pdf.output())


def _verdict_page(pdf: _Report, document: Mapping[str, Any], title: str) -> None:
    pdf.set_font("report", "B", 17)
    pdf.cell(0, 9, title, new_x="LMARGIN", new_y="NEXT")
    sets = document["datasets_compared"]
    real, seed, refined = sets["real_data"], sets["seed_synthetic"], sets["refined_synthetic"]
    original = f"{seed['rows']:,} rows of the original model" if seed else "no original model"
    pdf.paragraph(
        f"Are rows of the refined model like real ones? {refined['rows']:,} refined rows and {original}, each against "
        f"{real['rows']:,} real rows that no model has seen (split by {real['split_by']}; {real['train_rows']:,} real "
        "rows were for training).",
        8.5,
        quiet=True,
    )
    pdf.ln(3)
    _verdict_box(pdf, document)
    pdf.heading("Gates")
    pdf.rows(
        ("Gate", "Original", "Refined", "Real rows", "Limit", "Outcome"),
        gate_rows(document["gates"]),
        (58, 21, 21, 21, 29, 26),
        ("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"),
        outcome_column=5,
    )
    pdf.ln(1.5)
    pdf.paragraph(
        "“Real rows” is what real training rows get against the same test rows: the best one can hope for. Gates on "
        "distances act on the excess over it; improvement is the fall in energy distance, in percent.",
        7.5,
        quiet=True,
    )
    pdf.heading("In words")
    for gate in document["gates"]:
        if gate["outcome"] != "skipped":
            _bullet(pdf, f"{OUTCOMES[gate['outcome']].capitalize()}: ", gate["explanation"])
    sentences = [entry["finding"] for entry in document["worst_sensors"] if entry["finding"]]
    for text in sentences[:3]:
        _bullet(pdf, "", text)
    if document["warnings"]:
        pdf.heading("What limits these conclusions")
        for text in document["warnings"]:
            _bullet(pdf, "", text)


def _verdict_box(pdf: _Report, document: Mapping[str, Any]) -> None:
    colour = _COLOURS[document["recommendation"]]
    text = spoken(document["verdict"])
    top = pdf.get_y()
    pdf.set_font("report", "", 10)
    text_height: Any = pdf.multi_cell(pdf.epw - 14, 5.2, text, dry_run=True, output="HEIGHT", align="L")
    height = 15 + float(text_height)
    pdf.set_fill_color(*_BAND)
    pdf.rect(pdf.l_margin, top, pdf.epw, height, style="F")
    pdf.set_fill_color(*colour)
    pdf.rect(pdf.l_margin, top, 2.2, height, style="F")
    pdf.set_fill_color(255, 255, 255)
    pdf.set_xy(pdf.l_margin + 7, top + 4)
    pdf.set_font("report", "B", 14)
    pdf.set_text_color(*colour)
    pdf.cell(0, 7, ADVICE[document["recommendation"]])
    pdf.set_text_color(*_INK)
    pdf.set_xy(pdf.l_margin + 7, top + 11.5)
    pdf.set_font("report", "", 10)
    pdf.multi_cell(pdf.epw - 14, 5.2, text, align="L")
    pdf.set_y(top + height)


def _bullet(pdf: _Report, lead: str, text: str) -> None:
    if pdf.will_page_break(9):
        pdf.add_page()
    pdf.set_font("report", "", 8.5)
    pdf.cell(4, 4.4, "•")
    left = pdf.l_margin
    pdf.set_left_margin(left + 4)
    pdf.set_font("report", "B", 8.5)
    pdf.write(4.4, lead)
    pdf.set_font("report", "", 8.5)
    pdf.write(4.4, text)
    pdf.set_left_margin(left)
    pdf.ln(5.6)


def _measures(pdf: _Report, document: Mapping[str, Any]) -> None:
    pdf.heading("All measures")
    pdf.rows(
        ("Measure", "Original", "Refined", "95 % interval", "Real rows", "Calibrated original", "Good is"),
        metric_rows(document),
        (48, 20, 20, 32, 20, 22, 18),
        ("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT", "RIGHT", "LEFT"),
        size=7.5,
    )
    pdf.ln(1.5)
    pdf.paragraph(
        "“Calibrated original” maps each column of the original's rows onto the real training rows without any "
        "training; a refined model that is no better has learnt nothing but margins.",
        7.5,
        quiet=True,
    )
    tstr = document["statistical_metrics"].get("tstr_r2", {"details": {"refined": {}}})["details"]["refined"]
    if tstr.get("train_on_real") is not None:
        pdf.paragraph(
            f"Learning from real training rows gives R² {r_squared(tstr['train_on_real'])}, from real and synthetic "
            f"rows together {r_squared(tstr['real_and_synthetic'])}; below 0 is worse than always guessing the mean.",
            7.5,
            quiet=True,
        )
    scores = document["sdmetrics"]
    if scores:
        pdf.paragraph(
            f"SDMetrics: quality {number(scores.get('quality'))}, diagnostic {number(scores.get('diagnostic'))} (1 is "
            "best; both saturate, so no gate acts on them).",
            7.5,
            quiet=True,
        )


def _worst(pdf: _Report, document: Mapping[str, Any]) -> None:
    head, body = sensor_rows(document)
    pdf.heading("By sensor, worst first", keep=70)
    rest = len(head) - 1
    widths = (64, *[116 / rest] * rest)
    pdf.rows(head, body, widths, ("LEFT", *["RIGHT"] * rest), size=7 if rest < 9 else 6)  # type: ignore[arg-type]


def _augmented(pdf: _Report, document: Mapping[str, Any]) -> None:
    augmented = document["augmented"]
    if not augmented:
        return
    counts = ", ".join(f"{split} {rows:,}" for split, rows in augmented["rows"].items())
    pdf.heading("Augmented sets", keep=110)
    pdf.paragraph(f"Rows: {counts}.")
    pdf.ln(1)
    body = [(check["explanation"], check["outcome"]) for check in augmented["checks"]]
    pdf.rows(("Check", "Outcome"), body, (140, 36), ("LEFT", "LEFT"), outcome_column=1)
    pdf.ln(3)
    pdf.rows(
        ("Measure, against real test rows", "Augmented", "95 % interval", "Real training rows", "95 % interval"),
        augmented_rows(augmented),
        (66, 22, 33, 26, 33),
        ("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"),
        size=7.5,
    )
    if augmented.get("interval_note"):
        pdf.ln(1.5)
        pdf.paragraph(augmented["interval_note"], 7.5, quiet=True)


def _figure(pdf: _Report, figure: Figure) -> None:
    # PNG headers hold width and height as big-endian integers at bytes 16 and 20.
    width, height = (int.from_bytes(figure.png[start : start + 4], "big") for start in (16, 20))
    shown = pdf.epw * height / width
    if pdf.will_page_break(shown + 20):
        pdf.add_page()
    pdf.heading(figure.title, keep=shown + 16)
    pdf.paragraph(figure.caption, 7.5, quiet=True)
    pdf.ln(1.5)
    pdf.image(io.BytesIO(figure.png), w=pdf.epw, alt_text=figure.caption)
    pdf.ln(2)


def _definitions(pdf: _Report, document: Mapping[str, Any]) -> None:
    pdf.heading("Definitions", keep=50)
    for name, entry in defined(document).items():
        title = entry.get("title") or name.replace("_", " ").capitalize()
        if pdf.will_page_break(14):
            pdf.add_page()
        pdf.paragraph(title, 8, bold=True)
        floor = f" Noise floor: {entry['noise_floor']}" if entry.get("noise_floor") else ""
        pdf.paragraph(entry["definition"] + floor, 7.5)
        pdf.ln(1.6)
    pdf.ln(1)
    pdf.paragraph("Inputs", 8, bold=True)
    for role, name in document["inputs"].items():
        if name:
            pdf.paragraph(f"{role.replace('_', ' ')}: {name}", 6.5, quiet=True)
