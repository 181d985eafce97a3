import re
from uuid import UUID

import pytest

from fh.model.ids import EnvironmentId
from fh.mr.api_keys import may_be_secret, new_client_secret, new_server_secret, sdk_url


def test_a_server_secret_is_letters_and_digits():
    assert re.fullmatch(r"[A-Za-z0-9]{40}", new_server_secret())


def test_a_client_secret_has_its_star():
    assert re.fullmatch(r"[A-Za-z0-9]{30}\*[A-Za-z0-9]{20}", new_client_secret())


def test_no_two_secrets_are_alike():
    assert len({new_server_secret() for _ in range(50)}) == 50
    assert len({new_client_secret() for _ in range(50)}) == 50


def test_an_sdk_gets_environment_and_secret():
    environment = EnvironmentId(UUID(int=1))
    assert sdk_url(environment, "s") == "00000000-0000-0000-0000-000000000001/s"


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        (new_server_secret(), True),
        (new_client_secret(), True),
        ("x" * 101, False),
        ("\0", False),
        ("é", False),
    ],
    ids=["server", "client", "long", "nul", "accent"],
)
def test_what_can_be_no_secret_is_told(text, may_be):
    assert may_be_secret(text) is may_be
