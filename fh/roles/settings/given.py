"""What was set and can't be meant: properties that do nothing, and names of ours that are wrong."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from fh.config import Fault, find_text
from fh.roles.settings.without_effect import WithoutEffect, without_effect

_OURS: Final = "fh."
_NEAR: Final = 0.85


def unknown_faults(file: Mapping[str, str], known: Iterable[str]) -> Sequence[Fault]:
    """Return a fault for each property of `file` that has a name of ours and is none of `known`.

    Other names may belong to anybody: files are shared by several roles and programs.
    """
    names = [name for name in known if name.startswith(_OURS)]
    return [
        Fault(name, f"is not known{_did_you_mean(name, names)}")
        for name in file
        if name.startswith(_OURS) and name not in names
    ]


def misspelt(environ: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that looks like a property of ours and is none, and the nearest that is.

    What is near to none may be anybody's: FH_VENV, or what tests are told.
    """
    spelled = {_variable(name): name for name in known if name.startswith(_OURS)}
    for given in environ:
        name = _variable(given)
        if name.startswith(_variable(_OURS)) and name not in spelled:
            for near in get_close_matches(name, spelled, n=1, cutoff=_NEAR):
                yield given, spelled[near]


def set_in_vain(
    role: str,
    *,
    environ: Mapping[str, str],
    file: Mapping[str, str],
    overrides: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield each property that is set and does nothing for `role`, and why.

    Set to what is done anyway, it is not worth a word.
    """
    for each in without_effect(role):
        for name in _names(each, (*environ, *file)):
            text = find_text(name, environ=environ, file=file, overrides=overrides)
            if text is not None and text.strip().lower() not in each.fits:
                yield name, each.reason


def _names(known: WithoutEffect, given: Iterable[str]) -> Iterable[str]:
    if not known.name.endswith("*"):
        return [known.name]
    prefix = known.name[:-1]
    forms = {prefix, prefix.upper(), _variable(prefix)}
    return dict.fromkeys(name for name in given if name.startswith(tuple(forms)))


def _variable(name: str) -> str:
    return re.sub(r"[.\-]", "_", name.upper())


def _did_you_mean(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f": did you mean {close[0]}?" if close else ": `fh settings ROLE` lists those there are"
