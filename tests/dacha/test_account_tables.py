from random import Random
from uuid import UUID

from fh.contracts.published import PublishAction, PublishServiceAccount
from fh.dacha.account_tables import AccountTables
from fh.dacha.misses import Misses
from fh.model.ids import ServiceAccountId
from fh.model.roles import Role
from tests.dacha.world import (
    CLIENT,
    PRODUCTION,
    ROBOT,
    SERVER,
    STAGING,
    account,
    account_deleted,
    account_published,
)

READ = (Role.READ,)


def tables(*, capacity=10, cache_all_updates=True):
    misses = Misses(10, 60.0, jitter=0.0, source=Random(1))
    return AccountTables(capacity, misses, cache_all_updates=cache_all_updates)


def publish(known, *messages):
    for each in messages:
        known.publish(each, now=0.0)
    return known


def missed(known, *secrets):
    return [secret for secret in secrets if known.misses.knows(secret, 1.0)]


def test_a_published_account_is_known_by_both_secrets():
    known = publish(tables(), account_published(account()))
    assert known.use(SERVER) is known.use(CLIENT) is known.find(ROBOT)
    assert known.use(SERVER).roles == {STAGING: {Role.READ}}
    assert known.use("other") is None
    assert repr(known.find(ROBOT)) == f"KnownAccount({ROBOT}, version=1)"


def test_a_published_account_is_a_miss_no_more():
    known = tables()
    assert known.load(SERVER, None, began=0, now=0.0) is None
    assert missed(known, SERVER) == [SERVER]
    publish(known, account_published(account()))
    assert missed(known, SERVER) == []


def test_an_account_nobody_asked_for_is_not_kept_unless_all_updates_are():
    known = tables(cache_all_updates=False)
    known.misses.remember(SERVER, 0.0)
    publish(known, account_published(account()))
    assert known.use(SERVER) is None
    assert missed(known, SERVER) == []


def test_an_equal_version_replaces_all_permissions():
    known = publish(
        tables(),
        account_published(account(permissions=((STAGING, READ), (PRODUCTION, READ)))),
        account_published(account(permissions=((PRODUCTION, (Role.LOCK,)),))),
    )
    assert known.use(SERVER).roles == {PRODUCTION: {Role.LOCK}}


def test_an_older_version_changes_nothing():
    known = publish(
        tables(), account_published(account(version=2)),
        account_published(account(version=1, permissions=())),
    )  # fmt: skip
    assert known.use(SERVER).version == 2


def test_a_reset_key_is_a_miss_and_the_new_one_works():
    known = publish(
        tables(), account_published(account()), account_published(account(version=2, server="new"))
    )
    assert known.use(SERVER) is None
    assert missed(known, SERVER, CLIENT, "new") == [SERVER]
    assert known.use("new") is known.use(CLIENT)


def test_both_secrets_of_a_deleted_account_are_misses():
    known = publish(tables(), account_published(account()), account_deleted())
    assert known.use(SERVER) is known.use(CLIENT) is known.find(ROBOT) is None
    assert missed(known, SERVER, CLIENT) == [SERVER, CLIENT]
    assert len(known) == 0


def test_deleting_an_unknown_account_changes_nothing():
    known = publish(tables(), account_deleted())
    assert len(known) == len(known.misses) == 0


def test_an_update_after_a_delete_is_left_to_mr():
    known = publish(
        tables(), account_published(account()), account_deleted(), account_published(account())
    )
    assert known.use(SERVER) is None
    assert missed(known, SERVER, CLIENT) == []
    assert known.load(SERVER, account(), began=known.changes, now=0.0) is known.use(CLIENT)


def test_an_event_without_an_account_says_nothing():
    message = PublishServiceAccount(action=PublishAction.UPDATE)
    empty = account_published(account(), PublishAction.EMPTY)
    assert len(publish(tables(), message, empty)) == 0


def test_a_load_that_began_before_the_delete_does_not_bring_the_account_back():
    known = tables()
    began = known.changes
    publish(known, account_deleted())
    assert known.load(SERVER, account(), began, now=0.0) is None
    assert missed(known, SERVER) == [SERVER]


def test_a_load_that_began_before_an_event_of_the_same_version_changes_nothing():
    known = tables()
    began = known.changes
    publish(known, account_published(account(permissions=())))
    assert known.load(SERVER, account(), began, now=0.0).roles == {}
    assert known.load(SERVER, account(version=2), began, now=0.0).roles != {}


def test_a_load_that_began_after_an_event_of_the_same_version_replaces_it():
    known = publish(tables(), account_published(account(permissions=())))
    assert known.load(SERVER, account(), known.changes, now=0.0).roles != {}


def test_a_load_during_which_the_key_was_reset_denies_the_old_key():
    known = tables()
    began = known.changes
    publish(known, account_published(account(version=2, server="new")))
    assert known.load(SERVER, account(), began, now=0.0) is None
    assert missed(known, SERVER, "new", CLIENT) == [SERVER]


def test_an_account_created_during_a_load_that_found_nothing_is_known():
    known = tables()
    began = known.changes
    publish(known, account_published(account()))
    assert known.load(SERVER, None, began, now=0.0) is known.find(ROBOT) is not None


def test_an_update_during_a_load_is_kept_even_if_updates_are_not():
    known = tables(cache_all_updates=False)
    known.loads += 1
    publish(known, account_published(account(version=2, permissions=())))
    assert known.load(SERVER, account(), began=0, now=0.0).version == 2


def test_what_mr_does_not_know_any_more_is_gone():
    known = publish(tables(), account_published(account()))
    assert known.load(SERVER, None, known.changes, now=0.0) is None
    assert known.use(CLIENT) is None
    assert missed(known, SERVER, CLIENT) == [SERVER]


def test_the_account_used_longest_ago_makes_room_with_both_secrets():
    known = tables(capacity=2)
    for number in (1, 2):
        each = account(
            id=ServiceAccountId(UUID(int=number)), server=f"s{number}", client=f"c{number}"
        )
        publish(known, account_published(each))
    known.use("c1")
    publish(known, account_published(account()))
    assert known.ids() == [ROBOT, UUID(int=1)]
    assert known.use("s2") is known.use("c2") is None
    assert missed(known, "s2", "c2") == []


def test_a_secret_that_went_to_another_account_stays_with_it():
    other = account(id=ServiceAccountId(UUID(int=9)), client="other")
    known = publish(tables(), account_published(account()), account_published(other))
    publish(known, account_deleted())
    assert known.use(SERVER).id == UUID(int=9)


def accounts(count):
    return [
        account(id=ServiceAccountId(UUID(int=number)), server=f"s{number}", client=f"c*{number}")
        for number in range(count)
    ]


def test_what_an_earlier_process_knew_keeps_its_order_and_its_bound():
    known = tables(capacity=2)
    known.restore(accounts(3), [])
    assert [each.int for each in known.ids()] == [0, 1]
    assert known.unconfirmed == 2
    assert known.use("s2") is None
    assert known.use("c*1").version == 1


def test_the_order_of_what_was_deleted_is_kept():
    gone = [ServiceAccountId(UUID(int=number)) for number in range(3)]
    known = tables(capacity=2)
    known.restore([], gone)
    assert known.deleted == gone[:2]


def test_restored_accounts_are_confirmed_by_answers_and_events():
    known = tables()
    known.restore(accounts(5), [])
    first, second, third, fourth, _ = accounts(5)
    known.load("s0", first, known.changes, now=0.0)
    known.load("s1", account(id=second.id, version=0), known.changes, now=0.0)  # older
    known.load("s2", None, known.changes, now=0.0)
    assert known.unconfirmed == 2
    assert (known.find(second.id).version, known.find(third.id)) == (1, None)
    publish(known, account_published(fourth))
    assert known.unconfirmed == 1
    publish(known, account_deleted(accounts(5)[4].id))
    assert known.unconfirmed == 0


def test_a_restored_account_that_makes_room_is_not_waited_for():
    known = tables(capacity=1)
    known.restore(accounts(1), [])
    publish(known, account_published(account()))
    assert known.unconfirmed == 0
