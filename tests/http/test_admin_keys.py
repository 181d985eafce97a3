"""Keys of operators: read, hashed, compared."""

import pytest

from fh.http.admin_keys import AdminCheck, admin_keys
from fh.http.problem import Problem

FIRST, SECOND = "first-key-of-an-operator", "second-key-of-an-operator"


async def status(check: AdminCheck, token: str | None) -> int:
    with pytest.raises(Problem) as refused:
        await check.authenticate(token)
    assert refused.value.detail is not None
    return refused.value.status


async def test_each_key_has_a_name_that_may_be_told() -> None:
    check = AdminCheck(admin_keys(f"{FIRST}, {SECOND}"))
    assert await check.authenticate(FIRST) == "firs…"
    assert await check.authenticate(SECOND) == "seco…"


async def test_whoever_shows_none_or_another_is_told_how() -> None:
    check = AdminCheck(admin_keys(FIRST))
    assert [await status(check, token) for token in (None, "", FIRST[:-1], SECOND)] == [401] * 4


async def test_without_keys_nobody_is_an_operator() -> None:
    check = AdminCheck(())
    with pytest.raises(Problem, match=r"set fh\.admin\.keys") as refused:
        await check.authenticate(FIRST)
    assert refused.value.status == 403


def test_nothing_readable_is_kept() -> None:
    assert FIRST not in repr([(key, key.digest) for key in admin_keys(FIRST)])


@pytest.mark.parametrize(
    "text", ["short", f"{FIRST},short", "with a space in the middle", "ä" * 20]
)
def test_a_key_that_could_be_guessed_or_not_sent_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected keys of"):
        admin_keys(text)
