"""The four stages of the house, composed. Only this room may import more than one of them."""

from __future__ import annotations

from services.compare.stage import STAGE as COMPARE
from services.ingest.stage import STAGE as INGEST
from services.jobs.stage import Stage
from services.mapping.stage import STAGE as MAPPING
from services.refine.stage import STAGE as REFINE

STAGES: tuple[Stage, ...] = (INGEST, MAPPING, REFINE, COMPARE)
