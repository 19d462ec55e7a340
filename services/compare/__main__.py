"""`python -m services.compare`: the compare stage as a service of its own, set up by SENSORFORGE_* variables."""

from __future__ import annotations

import sys

from services.compare.stage import STAGE
from services.jobs.hosting import run_host

if __name__ == "__main__":
    sys.exit(run_host([STAGE]))
