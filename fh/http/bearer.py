"""The token in an `Authorization` header."""

_BEARER = "bearer "


def bearer_token(header: str | None) -> str | None:
    """Return the token of `Bearer <token>`; the scheme's case does not matter, one space does."""
    if header is None or header[: len(_BEARER)].lower() != _BEARER:
        return None
    token = header[len(_BEARER) :]
    return token if token and " " not in token else None
