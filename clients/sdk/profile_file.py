"""The profile document of a machine, as the file that a person names has it."""

from __future__ import annotations

from pathlib import Path

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.upload import check_name


def read_profile(path: str) -> tuple[str, str]:
    """Returns a profile document and its file name. Raises SensorForgeClientError when it cannot be read."""
    if not path:
        raise SensorForgeClientError(
            "NO_PROFILE",
            "No machine profile is given.",
            kind="USAGE",
            remedy="Give --profile FILE; `sensorforge profile init DATA` drafts one from the data.",
        )
    check_name(Path(path))
    try:
        return Path(path).read_text("utf-8"), Path(path).name
    except UnicodeDecodeError as failed:
        what, kind = f"byte {failed.start} is not UTF-8 text", "INPUT"
    except OSError as failed:
        what, kind = failed.strerror or str(failed), "USAGE"
    raise SensorForgeClientError(
        "PROFILE_UNREADABLE",
        f"The profile {path} cannot be read: {what}.",
        kind="INPUT" if kind == "INPUT" else "USAGE",
        remedy="Check the path; a profile is a YAML or JSON text file.",
    )
