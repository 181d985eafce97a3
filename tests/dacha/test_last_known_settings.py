from pathlib import Path

import pytest

from fh.config import ConfigurationFaults, load_settings
from fh.dacha.last_known_settings import LastKnownSettings, check_last_known

PASSPHRASE = "correct horse battery staple"


def load(**environ):
    named = {f"fh.last-known.{name.replace('_', '-')}": text for name, text in environ.items()}
    return load_settings(LastKnownSettings, environ=named, check=check_last_known)


def test_nothing_is_kept_unless_it_is_asked_for():
    assert load().path() is None


def test_a_file_and_a_key_turn_it_on():
    settings = load(file="~/last-known", key=PASSPHRASE, seconds="5", maximum_megabytes="2")
    assert settings.path() == Path.home() / "last-known"
    assert (settings.seconds, settings.most_bytes) == (5, 2 * 1024 * 1024)
    assert PASSPHRASE not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "name", "reason"),
    [
        ({"file": "f"}, "fh.last-known.key", "is missing"),
        ({"key": PASSPHRASE}, "fh.last-known.file", "is missing"),
        ({"file": "f", "key": "secret"}, "fh.last-known.key", "too short"),
        ({"file": "f", "key": "0" * 64}, "fh.last-known.key", "too regular"),
    ],
    ids=["no key", "no file", "short", "regular"],
)
def test_what_does_not_go_together_is_told(environ, name, reason):
    with pytest.raises(ConfigurationFaults) as refusal:
        load(**environ)
    (fault,) = refusal.value.faults
    assert fault.property == name
    assert reason in fault.reason
    assert not environ.get("key") or environ["key"] not in str(fault)
