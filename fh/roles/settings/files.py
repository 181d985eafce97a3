"""The properties files of a role: those that upstream's images have, and one's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fh.config import read_properties

_UPSTREAM: Final = (
    "etc/common-config/common.properties",
    "etc/app-config/application.properties",
    "etc/app-config/secrets.properties",
)


def read_files(own: Path | None, *, root: Path = Path("/")) -> Mapping[str, str]:
    """Return the properties of all files; of two that tell one, the later counts, `own` the last.

    Raises:
        ConfigurationFaults: one of them can't be read, or there is no `own`.

    Source: section 8.1 of the data plane's contract.
    """
    found: dict[str, str] = {}
    for file in (root / name for name in _UPSTREAM):
        if file.exists():
            found |= read_properties(file)
    return found if own is None else found | read_properties(own)
