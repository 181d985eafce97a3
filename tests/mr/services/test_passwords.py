import hashlib

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from fh.mr.services.passwords import Passwords, Right, TooManyPasswords, Wrong, parse_pbkdf2

# As FeatureHub's documentation writes it into its database.
FEATUREHUBS_OWN = (
    "1000:caffda0b26e265a0977718a548d784e6:"
    "1123a076c3925d0d77f2c902115e8732de25ae22394f74faaa52c8d9d9a829b8"
    "021299afd4a1793e47936445bb0ceff0f17f329716342db19f4e428dd5859dc1"
)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(memory_kib=64, passes=1)


async def test_a_password_is_verified_against_its_hash(passwords):
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert "horse" not in stored
    assert await passwords.verify("correct horse", stored) == Right(stored)
    assert await passwords.verify("correct mule", stored) == Wrong()


async def test_equal_passwords_have_different_hashes(passwords):
    assert await passwords.hash("same") != await passwords.hash("same")


async def test_blanks_around_a_password_do_not_count(passwords):
    stored = await passwords.hash("  secret\n")
    assert await passwords.verify(" secret", stored) == Right(stored)


async def test_a_weaker_hash_is_replaced(passwords):
    weak = await passwords.hash("secret")
    stronger = Passwords(memory_kib=128, passes=2)
    verdict = await stronger.verify("secret", weak)
    assert isinstance(verdict, Right)
    assert "m=128,t=2" in verdict.stored
    assert await stronger.verify("secret", verdict.stored) == verdict


async def test_a_hash_of_featurehub_is_replaced(passwords):
    verdict = await passwords.verify("featurehub", FEATUREHUBS_OWN)
    assert isinstance(verdict, Right)
    assert await passwords.verify("featurehub", verdict.stored) == verdict
    assert await passwords.verify("featurehum", FEATUREHUBS_OWN) == Wrong()


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$nonsense", "a:b:c"])
async def test_where_no_hash_is_stored_every_password_is_wrong(passwords, stored):
    assert await passwords.verify("secret", stored) == Wrong()


async def test_a_password_of_any_text_can_be_hashed(passwords):
    stored = await passwords.hash("ünïcode 🐎\0")
    assert await passwords.verify("ünïcode 🐎\0", stored) == Right(stored)


async def test_a_verdict_hides_its_hash(passwords):
    assert "argon2" not in repr(await passwords.verify("x", await passwords.hash("x")))


async def test_an_unknown_account_costs_one_hash_too(passwords, monkeypatch):
    verified = []
    original = type(passwords._hasher).verify

    def counting(hasher, stored, password):
        verified.append(stored)
        return original(hasher, stored, password)

    monkeypatch.setattr(type(passwords._hasher), "verify", counting)
    await passwords.verify("secret", None)
    await passwords.verify("wrong", FEATUREHUBS_OWN)
    assert verified == [passwords._decoy] * 2


@pytest.fixture
def rounds(monkeypatch) -> list[int]:
    """The iterations of all PBKDF2 that was run."""
    run, made = [], hashlib.pbkdf2_hmac

    def counting(algorithm, password, salt, iterations, length):
        run.append(iterations)
        return made(algorithm, password, salt, iterations, length)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    return run


async def test_what_is_imported_is_told_by_no_time(passwords, rounds):
    """Work is counted: whoever is wrong costs as much as the dearest hash that anybody has."""
    cheap = "300:aa:" + "bb" * 64
    own = await passwords.hash("secret")
    for stored in (None, own, cheap, FEATUREHUBS_OWN, "nonsense"):
        rounds.clear()
        assert await passwords.verify("wrong", stored, dearest=FEATUREHUBS_OWN) == Wrong()
        assert sum(rounds) == 2 * 1000, stored


@pytest.mark.parametrize("dearest", [None, "nonsense", "2000000:aa:bb"])
async def test_where_nothing_is_imported_nothing_more_is_paid(passwords, rounds, dearest):
    for stored in (None, await passwords.hash("secret")):
        assert await passwords.verify("wrong", stored, dearest=dearest) == Wrong()
    assert rounds == []


async def test_a_crowd_is_refused_instead_of_kept_waiting(passwords, monkeypatch):
    monkeypatch.setattr("fh.mr.services.passwords._MOST_WAITING", 3)
    refused = 0

    async def attempt() -> None:
        nonlocal refused
        try:
            await passwords.hash("x")
        except TooManyPasswords:
            refused += 1

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(attempt)
    assert refused == 5


def verify_pbkdf2(password: str, stored: str) -> bool:
    found = parse_pbkdf2(stored)
    return found is not None and found.fits(password)


def test_featurehubs_documented_vector_verifies():
    assert verify_pbkdf2("featurehub", FEATUREHUBS_OWN)
    assert not verify_pbkdf2("Featurehub", FEATUREHUBS_OWN)


@pytest.mark.parametrize("length", [20, 64])
def test_the_older_algorithm_verifies_too(length):
    hashed = hashlib.pbkdf2_hmac("sha1", b"secret", b"salt", 1000, length)
    assert verify_pbkdf2("secret", f"1000:{b'salt'.hex()}:{hashed.hex()}")


@pytest.mark.parametrize(
    "stored",
    [
        "0:aa:bb",
        "-1:aa:bb",
        "99999999999:aa:bb",
        "1000001:aa:bb",
        "1:aa:",
        "1:zz:bb",
        "1:aa",
        "x:aa:bb",
    ],
)
def test_a_broken_hash_fits_no_password(stored):
    assert not verify_pbkdf2("", stored)


@given(st.text(max_size=30))
def test_no_text_as_a_stored_hash_raises(stored):
    assert not verify_pbkdf2("secret", stored)
