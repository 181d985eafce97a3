import pytest

from fh.config import Secret
from fh.mr.errors import VersionConflict
from fh.mr.sealed_text import SealedText, Unreadable
from fh.mr.services.stored_secrets import SealFirst, StoredSecrets

SECRETS = StoredSecrets(Secret("password"))


async def test_work_comes_again_with_what_it_asked_for():
    tries = []

    async def work(sealed):
        tries.append(set(sealed))
        for text in ("one", "two"):
            if text not in sealed:
                raise SealFirst([text])
        return sealed["one"]

    sealed = await SECRETS.sealing(work)
    assert tries == [set(), {"one"}, {"one", "two"}]
    assert await SECRETS.open({"x": sealed}) == {"x": "one"}


async def test_it_does_not_go_on_for_ever():
    count = 0

    async def work(sealed):
        nonlocal count
        count += 1
        raise SealFirst([str(count)])

    with pytest.raises(VersionConflict):
        await SECRETS.sealing(work)
    assert count == 5


async def test_what_can_not_be_read_is_not_shown():
    sealed = {"x": SealedText("AAAA", "salt")}
    with pytest.raises(Unreadable):
        await SECRETS.open(sealed)
    assert await SECRETS.open_readable(sealed) == {}
    assert await SECRETS.open_readable({}) == {}


def test_whether_secrets_are_sealed():
    assert SECRETS.has_password
    assert not StoredSecrets(Secret()).has_password
