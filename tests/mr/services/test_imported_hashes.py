import pytest
import trio.testing

from fh.mr.repositories.persons import find_dearest_import
from fh.mr.services.imported_hashes import ImportedHashes

ADD = "INSERT INTO person (email, name, password_hash, person_type) VALUES ($1, $1, $2, $3)"
DEAREST = "200000:aa:bb"


class Counted:
    """Knows one hash, and counts who looks."""

    def __init__(self) -> None:
        self.looks = 0

    async def transaction(self, work, *, read_only=False):
        assert read_only
        self.looks += 1
        return DEAREST


async def test_a_look_now_and_then_is_enough(autojump_clock: trio.testing.MockClock):
    database = Counted()
    imported = ImportedHashes(database)
    for seconds in (0, 599):
        await trio.sleep(seconds)
        assert await imported.dearest() == DEAREST
    assert database.looks == 1
    await trio.sleep(1)
    assert await imported.dearest() == DEAREST
    assert database.looks == 2


@pytest.mark.postgres
async def test_the_dearest_is_whoever_s_that_can_log_in(superuser, database, sql):
    async def found():
        return await database.transaction(find_dearest_import)

    assert await found() is None
    for name, stored, kind in (
        ("cheap", "1000:aa:bb", "person"),
        ("dear", DEAREST, "person"),
        ("gone", "300000:aa:bb", "person"),
        ("machine", "400000:aa:bb", "serviceAccount"),
        ("broken", "x:aa:bb", "person"),
        ("absurd", "1000001:aa:bb", "person"),
    ):
        await sql(ADD, f"{name}@i.com", stored, kind)
    await sql("UPDATE person SET when_archived = now() WHERE email = 'gone@i.com'")
    assert await found() == DEAREST
