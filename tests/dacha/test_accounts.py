from random import Random

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.child import ActorSpec
from fh.actors.testing import open_supervisor
from fh.contracts.answers import Denied, NotReady
from fh.dacha.account_tables import AccountTables, KnownAccount
from fh.dacha.accounts import AccountLoaded, Accounts, AskAccount
from fh.dacha.misses import Misses
from fh.model.roles import Role
from tests.dacha.world import (
    CLIENT,
    ROBOT,
    SERVER,
    FakeSource,
    account,
    account_deleted,
    account_published,
    known_world,
)


class Subject(Accounts):
    """The accounts with their MR and their tables at hand."""

    def __init__(self, source, **settings):
        misses = Misses(10, 60.0, jitter=0.0, source=Random(1))
        self.tables = AccountTables(10, misses, **({"cache_all_updates": True} | settings))
        self.source = source
        super().__init__(source, self.tables)


@pytest.fixture
async def known():
    subject = Subject(known_world())
    async with open_supervisor(ActorSpec("accounts", subject.make)):
        yield subject


async def test_an_account_is_loaded_once_for_both_secrets(known):
    assert known.find(SERVER) is None
    robot = await known.load(SERVER)
    assert isinstance(robot, KnownAccount)
    assert known.find(CLIENT) is robot is await known.load(CLIENT)
    assert known.source.account_questions == [SERVER]


async def test_many_questions_are_one_load(known, nursery):
    known.source.hold()
    got = []

    async def ask():
        got.append(await known.load(SERVER))

    for _ in range(1_000):
        nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    known.source.release()
    await wait_all_tasks_blocked()
    assert set(got) == {known.find(SERVER)}
    assert len(got) == 1_000
    assert known.source.account_questions == [SERVER]


async def test_an_unknown_secret_is_denied_and_remembered_until_it_expires(known, autojump_clock):
    assert await known.load("wrong") == Denied()
    assert known.find("wrong") == Denied()
    assert await known.load("wrong") == Denied()
    assert known.source.account_questions == ["wrong"]
    await trio.sleep(61)
    assert known.find("wrong") is None
    await known.load("wrong")
    assert known.source.account_questions == ["wrong", "wrong"]


async def test_mr_away_is_not_ready_and_never_a_miss(known):
    known.source.is_down = True
    assert await known.load(SERVER) == NotReady("MR is away")
    known.source.is_down = False
    assert isinstance(await known.load(SERVER), KnownAccount)


async def test_an_event_is_part_of_the_tables_when_publish_returns(known):
    await known.load(SERVER)
    await known.publish(account_published(account(version=2, server="new")))
    assert known.find(SERVER) == Denied()
    assert known.find("new").version == 2
    await known.publish(account_deleted())
    assert known.find("new") == Denied()


async def test_permissions_edited_during_a_load_are_not_undone_by_it(known, nursery):
    known.source.hold()
    nursery.start_soon(known.load, SERVER)
    await wait_all_tasks_blocked()
    await known.publish(account_published(account(permissions=())))
    known.source.release()
    await wait_all_tasks_blocked()
    assert known.find(SERVER).roles == {}


async def test_an_account_deleted_during_a_load_stays_deleted(known, nursery):
    known.source.hold()
    nursery.start_soon(known.load, SERVER)
    await wait_all_tasks_blocked()
    await known.publish(account_deleted())
    known.source.release()
    await wait_all_tasks_blocked()
    assert known.find(SERVER) == Denied()


async def test_a_reload_brings_what_was_missed(known):
    await known.load(SERVER)
    known.source.keep(account(version=2, permissions=()))
    assert await known.reload(ROBOT) is None
    assert known.find(CLIENT).roles == {}
    known.source.accounts.clear()
    assert await known.reload(ROBOT) is None
    assert (known.find(SERVER), known.find(CLIENT)) == (Denied(), None)
    assert await known.reload(ROBOT) is None
    assert len(known) == 0


async def test_a_reload_that_fails_keeps_what_is_known(known):
    robot = await known.load(SERVER)
    known.source.is_down = True
    assert await known.reload(ROBOT) == NotReady("MR is away")
    assert known.find(SERVER) is robot


async def test_when_the_owner_crashes_the_tables_are_served_on(known, autojump_clock, monkeypatch):
    robot = await known.load(SERVER)
    monkeypatch.setattr(known.tables, "publish", None)
    await known.publish(account_published(account(version=2)))
    assert known.find(SERVER) is None
    assert await known.load(SERVER) is robot
    assert known.find(SERVER) is robot


async def test_a_question_the_owner_crashes_on_is_not_ready(known, monkeypatch, autojump_clock):
    monkeypatch.setattr(known.tables, "load", None)
    assert isinstance(await known.load(SERVER), NotReady)
    monkeypatch.undo()
    assert isinstance(await known.load(SERVER), KnownAccount)


async def test_without_its_owner_nothing_is_known_and_nothing_breaks():
    subject = Subject(FakeSource())
    await subject.publish(account_published(account()))
    assert subject.find(SERVER) is None
    assert await subject.load(SERVER) == NotReady("Dacha is not running")
    async with open_supervisor(ActorSpec("accounts", subject.make)):
        assert await subject.load(SERVER) == Denied()
    await subject.publish(account_published(account()))
    assert subject.find(SERVER) is None
    assert isinstance(await subject.load(SERVER), NotReady)


def test_secrets_are_in_no_representation():
    shown = [
        AskAccount(SERVER, None),
        AccountLoaded(SERVER, account(), 1, None),
        KnownAccount.of(account(permissions=(("e", (Role.READ,)),)), 0),
    ]
    assert SERVER not in repr(shown)
    assert CLIENT not in repr(shown)


async def test_an_event_that_waits_for_the_next_life_is_known_to_be_missing(known, autojump_clock):
    await known.publish(account_published(account()))
    assert known.held() == ([known.known(ROBOT)], False)
    await known.publish(account_published("no account"))
    await known.publish(account_published(account(version=2)))
    assert known.held() == ([known.known(ROBOT)], True)
    assert known.known(ROBOT).version == 1
    await trio.sleep(5)
    assert known.held() == ([known.known(ROBOT)], False)
    assert known.known(ROBOT).version == 2
