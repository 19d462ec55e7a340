"""`python -m services.refine`: the refine stage as a service of its own, set up by SENSORFORGE_* variables."""

from __future__ import annotations

import sys

from services.jobs.hosting import run_host
from services.refine.stage import STAGE

if __name__ == "__main__":
    sys.exit(run_host([STAGE]))
