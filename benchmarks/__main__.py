"""`python -m benchmarks`: every benchmark in turn, quick versions; each prints its own table of ratios."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUICK = {"ingest": ["--quick"], "refine": ["--quick"], "augment": ["--quick"]}


def main() -> int:
    """Runs each module beside this one in a process of its own; returns the first exit code that is not 0."""
    worst = 0
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        print(f"== {path.stem}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{path.stem}", *QUICK.get(path.stem, [])]
        worst = worst or subprocess.run(command, check=False).returncode
    return worst


if __name__ == "__main__":
    sys.exit(main())
