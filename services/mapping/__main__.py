"""`python -m services.mapping`: the mapping stage as a service of its own, set up by SENSORFORGE_* variables."""

from __future__ import annotations

import sys

from services.jobs.hosting import run_host
from services.mapping.stage import STAGE

if __name__ == "__main__":
    sys.exit(run_host([STAGE]))
