from uuid import UUID

import msgspec

from fh.mr.http.schemas.service_accounts import ServiceAccount, grants_of

_ID = str(UUID(int=1))


def test_secrets_never_show_in_a_repr():
    body = msgspec.json.encode({"id": _ID, "name": "n", "apiKeyServerSide": "very-secret"})
    assert "very-secret" not in repr(msgspec.json.decode(body, type=ServiceAccount))


def test_null_and_absent_lists_are_empty():
    body = msgspec.json.encode(
        {"id": _ID, "name": "n", "permissions": [{"environmentId": _ID, "permissions": None}]}
    )
    account = msgspec.json.decode(body, type=ServiceAccount)
    [grant] = grants_of(account.permissions)
    assert grant.roles == frozenset()
    assert grants_of(None) == []
