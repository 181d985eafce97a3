"""Maps of settings of which some values are secret.

A key that ends with `.encrypt` lists, separated by commas, the keys whose values are to be sealed.
Of such a key `K` is stored `K = ENCRYPTED-TEXT`, `K.encrypted` and `K.salt`; clients see the first
only, and send it back when they don't change the value. An empty value is no secret. What clients
send is laid over what is stored: leaving a key out does not delete it, sending `K.deleted` does.

Source: section 8.3 of the admin contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from fh.mr.errors import Invalid
from fh.mr.sealed_text import SealedText

PLACEHOLDER: Final = "ENCRYPTED-TEXT"
"""What stands in place of a secret."""

MANAGED_PREFIX: Final = "mgmt."
"""Settings under such keys are not the users' to set."""

MOST_SETTINGS: Final = 500
LONGEST_KEY_CHARACTERS: Final = 255
LONGEST_VALUE_CHARACTERS: Final = 10_000

_LIST: Final = ".encrypt"
_CIPHER: Final = ".encrypted"
_SALT: Final = ".salt"
_DELETED: Final = ".deleted"
_RESERVED: Final = (_LIST, _CIPHER, _SALT, _DELETED)

Settings: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unsealed:
    """These texts have to be sealed before the settings can be stored."""

    texts: frozenset[str]


def merged(
    stored: Settings, sent: Settings, sealed: Mapping[str, SealedText]
) -> Settings | Unsealed:
    """Return what to store once `sent` came in; `sealed` are the texts that were sealed so far."""
    # Ciphers are never taken from a client: it could have those of another environment opened.
    taken = {
        key: value
        for key, value in sent.items()
        if not key.startswith(MANAGED_PREFIX) and not key.endswith((_CIPHER, _SALT, _DELETED))
    }
    result = {**stored, **taken}
    for key in sent:
        if key.endswith(_DELETED):
            base = key.removesuffix(_DELETED)
            for gone in (base, base + _SALT, base + _CIPHER):
                result.pop(gone, None)
    secret = _secret_keys(result)
    kept = {key: one for key in secret if (one := _sealed_value(result, key)) is not None}
    missing = frozenset(one for one in kept.values() if isinstance(one, str)) - sealed.keys()
    if missing:
        return Unsealed(missing)
    plain = {
        key: value
        for key, value in result.items()
        if not key.endswith((_CIPHER, _SALT))
        and (key not in secret or not value)  # nothing is no secret
        and value != PLACEHOLDER  # its secret is listed no more, and so is gone
    }
    for key, one in kept.items():
        final = sealed[one] if isinstance(one, str) else one
        plain |= {key: PLACEHOLDER, key + _CIPHER: final.cipher, key + _SALT: final.salt}
    return plain


def sealed_values(stored: Settings) -> Mapping[str, SealedText]:
    """Return the secrets in settings by their keys."""
    return {
        key: SealedText(stored[key + _CIPHER], stored.get(key + _SALT, ""))
        for key in _secret_keys(stored)
        if stored.get(key) == PLACEHOLDER and key + _CIPHER in stored
    }


def shown(stored: Settings, opened: Settings | None = None) -> dict[str, str]:
    """Return what clients see: placeholders, or the values in `opened`."""
    hidden = {key + end for key in _secret_keys(stored) for end in (_CIPHER, _SALT)}
    visible = {key: value for key, value in stored.items() if key not in hidden}
    return visible | dict(opened or {})


def check_settings(field: str, settings: Settings) -> None:
    """Refuse settings out of bounds.

    Raises:
        Invalid: they are too many, or one is too long.
    """
    if len(settings) > MOST_SETTINGS:
        raise Invalid(field, f"At most {MOST_SETTINGS} settings.")
    for key, value in settings.items():
        if not key or len(key) > LONGEST_KEY_CHARACTERS:
            raise Invalid(field, f"Keys have 1 to {LONGEST_KEY_CHARACTERS} characters.")
        if len(value) > LONGEST_VALUE_CHARACTERS:
            raise Invalid(f"{field}.{key}", f"At most {LONGEST_VALUE_CHARACTERS} characters.")


def _secret_keys(settings: Settings) -> frozenset[str]:
    listed = (
        name.strip()
        for key, value in settings.items()
        if key.endswith(_LIST)
        for name in value.split(",")
    )
    return frozenset(name for name in listed if name and not name.endswith(_RESERVED))


def _sealed_value(settings: Settings, key: str) -> SealedText | str | None:
    """Return the secret as it is stored, or the text to seal; None where there is nothing."""
    value = settings.get(key)
    if value != PLACEHOLDER:
        return value or None
    cipher, salt = settings.get(key + _CIPHER), settings.get(key + _SALT)
    if cipher is None:
        return None
    # Without a salt nothing seals it: stored when there was no password.
    return SealedText(cipher, salt) if salt else cipher
