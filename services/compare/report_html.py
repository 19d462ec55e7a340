"""comparison.html: the same report as one self-contained page; nothing is loaded from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment

from services.compare import wording
from services.compare.figures import Figure


def html_report(document: Mapping[str, Any], figures: Sequence[Figure], title: str = "") -> str:
    """Returns the page of a comparison document and its figures; all texts are escaped."""
    head, body = wording.sensor_rows(document)
    return (
        Environment(autoescape=True)
        .from_string((resources.files("services.compare") / "comparison.html.j2").read_text(encoding="utf-8"))
        .render(
            document=document,
            title=title or document["machine_id"],
            advice=wording.ADVICE[document["recommendation"]],
            verdict=wording.spoken(document["verdict"]),
            outcomes=wording.OUTCOMES,
            gates=wording.gate_rows(document["gates"]),
            metrics=wording.metric_rows(document),
            sensor_head=head,
            sensors=body,
            augmented=wording.augmented_rows(document["augmented"]) if document["augmented"] else [],
            definitions=wording.defined(document),
            figures=[
                {"title": figure.title, "caption": figure.caption, "data": base64.b64encode(figure.png).decode()}
                for figure in figures
            ],
        )
    )
