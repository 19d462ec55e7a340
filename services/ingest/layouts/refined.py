"""What the lines and columns beside a table say about its columns: names of numbered ones, zones of times."""

from __future__ import annotations

from services.ingest.layouts.keyed_names import with_keyed_names
from services.ingest.layouts.zone_column import with_zone_column
from services.ingest.tables import SourceTable


def refined(table: SourceTable) -> SourceTable:
    """Returns a table, before it is reshaped, with what stands beside its columns put into them; itself where nothing
    does."""
    return with_zone_column(with_keyed_names(table))
