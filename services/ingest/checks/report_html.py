"""A validation report as one HTML page without scripts or outside resources. Every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Validation of {{ r.file_name or "table" }}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2733}
table{border-collapse:collapse;width:100%}th,td{padding:.25rem .6rem;border-bottom:1px solid #dde3ea;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.passed{color:#12703f}.failed{color:#a3222c}code{background:#eef2f6;padding:0 .25rem}
</style></head><body>
<h1>Validation of {{ r.file_name or "table" }}</h1>
<p>{{ r.machine_id }}: <strong class="{{ 'passed' if r.validation_passed else 'failed' }}">
{{ "passed" if r.validation_passed else "failed" }}</strong>.
{{ "{:,}".format(r.total_rows) }} rows, {{ r.total_columns }} columns, {{ r.duplicate_rows }} duplicate rows.</p>
{% if r.timestamp %}<p>Time <code>{{ r.timestamp.column }}</code>: {{ r.timestamp.start }} to {{ r.timestamp.end }},
median step {{ r.timestamp.median_step_seconds }} s, {{ r.timestamp.gaps }} gaps,
{{ "sorted" if r.timestamp.sorted else "not sorted" }}.</p>{% endif %}
{% for title, findings in sections if findings %}<h2>{{ title }}</h2><ul>
{% for f in findings %}<li><code>{{ f.code }}</code> {{ f.message }}</li>
{% endfor %}</ul>{% endfor %}
<h2>Columns</h2>
<table><thead><tr><th>Column</th><th>Type</th><th>Unit</th><th class="n">Missing %</th><th class="n">Outliers</th>
<th class="n">Min</th><th class="n">Mean</th><th class="n">Max</th><th>Suggested cleaning</th></tr></thead><tbody>
{% for name, kind in r.data_types.items() %}{% set c = r.columns.get(name, {}) %}
<tr><td>{{ name }}</td><td>{{ kind }}</td><td>{{ r.units.get(name, "") }}</td>
<td class="n">{{ "%.2f" | format(r.missing_values[name]) }}</td>
<td class="n">{{ r.outliers.get(name, "") }}</td>
{% for key in ("min", "mean", "max") %}
<td class="n">{{ "%.6g" | format(c[key]) if c.get(key) is not none else "" }}</td>
{% endfor %}<td>{{ r.suggested_cleaning.get(name, "") }}</td></tr>
{% endfor %}</tbody></table></body></html>
"""

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined)


def render_html(report: Mapping[str, Any]) -> str:
    """Returns validation.html from validation.json."""
    sections = [("Errors", report["errors"]), ("Warnings", report["warnings"]), ("Notes", report["notes"])]
    return _ENVIRONMENT.from_string(_PAGE).render(r=report, sections=sections)
