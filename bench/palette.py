"""Who has which colour, in pictures and charts alike."""

from collections.abc import Iterable
from typing import Final

OURS: Final = "#0d9488"
_OURS_TOO: Final = ("#5eead4", "#115e59")
_OTHERS: Final = ("#64748b", "#d97706", "#7c3aed", "#db2777", "#2563eb", "#65a30d", "#b45309")


def colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name: fh's own stand out, the others keep theirs by order."""
    ours, others = 0, 0
    found: dict[str, str] = {}
    for name in names:
        if name in found:
            continue
        if name == "fh":
            found[name] = OURS
        elif name.startswith("fh"):
            found[name] = _OURS_TOO[ours % len(_OURS_TOO)]
            ours += 1
        else:
            found[name] = _OTHERS[others % len(_OTHERS)]
            others += 1
    return found
