"""`python -m services.artifacts.collect --store URL [--delete]`: finds, and removes, what nothing needs.

Without `--delete` it only says what it would do. Safe beside running services; run it once a day.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.artifacts.catalog import Catalog
from services.artifacts.collector import WAIT, collect
from services.artifacts.opening import open_store
from services.chassis.errors import SensorForgeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was found, one line. Returns the exit code: 3 when the store does not answer."""
    parser = argparse.ArgumentParser(prog="python -m services.artifacts.collect", description=__doc__)
    parser.add_argument("--store", required=True, help="directory or s3://bucket/prefix")
    parser.add_argument("--delete", action="store_true", help="remove it; without this nothing is changed")
    given = parser.parse_args(arguments)
    try:
        found = collect(Catalog(open_store(given.store)), dry_run=not given.delete)
    except SensorForgeError as error:
        sys.stderr.write(f"{error.reason}: {error.message} {error.remedy}\n")
        return 3
    megabytes = found.removed_bytes / 1e6
    sys.stdout.write(
        f"removed {len(found.removed)} objects ({megabytes:,.1f} MB), condemned {len(found.condemned)} that the next "
        f"collection after {WAIT.total_seconds() / 3600:g} h removes, kept {found.kept}\n"
        if given.delete
        else f"would remove {len(found.removed)} objects ({megabytes:,.1f} MB) and condemn {len(found.condemned)}, "
        f"keep {found.kept}; nothing was changed\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
