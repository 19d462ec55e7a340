"""`python -P -m services.jobs.worker`: the entry point of a worker, see `work` for what it does.

One thread a worker: slots are what scales, and two trainers on busy cores are many times slower than one after the
other. Numerical libraries read their limits when they are imported, so the limits come first.
"""

from __future__ import annotations

import os
import sys

THREAD_LIMITS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "POLARS_MAX_THREADS": "2",
}


def main() -> int:
    """Returns the exit code, see heart.Exit."""
    for variable, limit in THREAD_LIMITS.items():
        os.environ.setdefault(variable, limit)
    from services.jobs.work import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    code = main()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # To take an interpreter with the libraries of all stages apart costs .6 s, for which the next job would wait.
    os._exit(code)
