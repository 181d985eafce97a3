import pytest
import trio
from prometheus_client import CollectorRegistry
from werkzeug.datastructures import Headers

from fh.mr.http.app import create_mr_app
from fh.mr.services.passwords import Passwords, Wrong
from fh.mr.settings import MrSettings, SessionLimits

# Of "featurehub", as FeatureHub's own documentation writes it into its database.
FEATUREHUBS_OWN = (
    "1000:caffda0b26e265a0977718a548d784e6:"
    "1123a076c3925d0d77f2c902115e8732de25ae22394f74faaa52c8d9d9a829b8"
    "021299afd4a1793e47936445bb0ceff0f17f329716342db19f4e428dd5859dc1"
)


def login(stranger, email="irina@i.com", password="password123"):
    return stranger("POST", "/mr-api/login", {"email": email, "password": password})


async def test_logging_in_gives_a_token_and_the_person_with_everything(superuser, stranger):
    answer = await login(stranger, "IRINA@i.com")
    assert answer.status == 200
    assert [group["name"] for group in answer.body["person"]["groups"]] == [
        "First Portfolio Administrators",
        "org_admin",
    ]
    assert answer.body["person"]["passwordRequiresReset"] is False
    assert "capabilityInfo" not in answer.body
    again = await login(stranger)
    assert again.body["accessToken"] != answer.body["accessToken"]
    for token in (superuser.token, answer.body["accessToken"], again.body["accessToken"]):
        assert (await stranger.as_person(token)("GET", "/mr-api/portfolio")).status == 200


async def test_the_token_itself_is_nowhere_in_the_database(superuser, sql):
    [row] = await sql("SELECT token_hash FROM login_session")
    assert superuser.token.encode() not in row["token_hash"]
    assert len(row["token_hash"]) == 32


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("irina@i.com", "password124"),
        ("nobody@i.com", "password123"),
        ("", "password123"),
        ("gone@i.com", "password123"),
        ("never@i.com", "password123"),
        ("robot@i.com", "password123"),
    ],
)
async def test_a_bad_login_is_not_found_whatever_is_wrong(
    superuser, stranger, add_person, sql, email, password
):
    await add_person("gone@i.com")
    await add_person("robot@i.com")
    await sql("UPDATE person SET when_archived = now() WHERE email = 'gone@i.com'")
    await sql("UPDATE person SET person_type = 'serviceAccount' WHERE email = 'robot@i.com'")
    await sql("INSERT INTO person (email) VALUES ('never@i.com')")
    answer = await login(stranger, email, password)
    assert answer.status == 404
    assert answer.body["detail"] == "There is no such account with this password."


@pytest.mark.parametrize("password", ["", "   "])
async def test_a_blank_password_is_forbidden(superuser, stranger, password):
    assert (await login(stranger, password=password)).status == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "irina@i.com"}, "password"),
        ({"password": "x"}, "email"),
        ({"email": 1, "password": "x"}, "email"),
        ({"email": "a\0", "password": "x"}, "email"),
        ({"email": "x" * 101, "password": "x"}, "email"),
        ({"email": "x", "password": "x" * 1001}, "password"),
        (b'{"email": "\\ud800", "password": "x"}', "email"),
        (b"nonsense", None),
        (b"[" * 10_000, None),
    ],
)
async def test_a_malformed_login_is_a_bad_request(stranger, body, field):
    answer = await stranger("POST", "/mr-api/login", body)
    assert (answer.status, answer.body.get("field")) == (400, field)


async def test_blanks_around_a_password_do_not_count(superuser, stranger):
    assert (await login(stranger, password="  password123 ")).status == 200


async def test_logging_out_ends_one_session_only(superuser, stranger):
    other = stranger.as_person((await login(stranger)).body["accessToken"])
    answer = await other("GET", "/mr-api/logout")
    assert (answer.status, answer.body) == (204, b"")
    assert (await other("GET", "/mr-api/portfolio")).status == 401
    assert (await superuser("GET", "/mr-api/portfolio")).status == 200


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 5000, "ümlaut"])
async def test_strangers_are_asked_to_log_in(stranger, superuser, token):
    answer = await stranger.as_person(token)("GET", "/mr-api/portfolio")
    assert (answer.status, answer.body) == (401, b"Please login.")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("column", ["when_archived = now()", "password_requires_reset = true"])
async def test_people_who_may_not_act_any_more_are_asked_to_log_in(superuser, sql, column):
    await sql(f"UPDATE person SET {column}")
    assert (await superuser("GET", "/mr-api/portfolio")).status == 401


async def test_a_temporary_password_still_logs_in_and_says_so(superuser, stranger, sql):
    await sql("UPDATE person SET password_requires_reset = true")
    answer = await login(stranger)
    assert answer.status == 200
    assert answer.body["person"]["passwordRequiresReset"] is True


async def test_a_password_of_featurehub_is_accepted_and_replaced(superuser, stranger, sql):
    await sql("UPDATE person SET password_hash = $1", FEATUREHUBS_OWN)
    assert (await login(stranger)).status == 404
    assert (await login(stranger, password="featurehub")).status == 200
    [row] = await sql("SELECT password_hash FROM person")
    assert row["password_hash"].startswith("$argon2id$")
    assert (await login(stranger, password="featurehub")).status == 200


async def test_all_who_log_in_while_the_hash_is_replaced_do(superuser, stranger, sql):
    await sql("UPDATE person SET password_hash = $1", FEATUREHUBS_OWN)
    statuses = []

    async def attempt():
        statuses.append((await login(stranger, password="featurehub")).status)

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(attempt)
    assert statuses == [200] * 4


@pytest.mark.usefixtures("no_failure_is_forgotten")
async def test_an_account_is_closed_for_a_while_after_ten_failures(superuser, stranger, add_person):
    await add_person("ada@i.com")
    statuses = [(await login(stranger, password="wrong")).status for _ in range(10)]
    assert statuses == [404] * 10
    answer = await login(stranger)
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    # Others, also behind the same address, are not concerned.
    assert (await login(stranger, "ada@i.com")).status == 200


@pytest.mark.parametrize("email", ["\u0130rina@i.com", "irina@\u0130.com", "IR\u0130NA@I.COM"])
async def test_no_spelling_of_an_address_is_counted_as_another_account(superuser, stranger, email):
    # In PostgreSQL the lower case of a dotted capital I is a plain i.
    assert (await login(stranger, email)).status == 404


async def test_logins_that_succeed_are_not_counted(superuser, stranger):
    for _ in range(15):
        assert (await login(stranger)).status == 200


@pytest.mark.usefixtures("no_failure_is_forgotten")
async def test_guesses_at_the_same_time_are_counted_too(superuser, stranger):
    statuses = []

    async def guess() -> None:
        statuses.append((await login(stranger, password="wrong")).status)

    async with trio.open_nursery() as nursery:
        for _ in range(14):
            nursery.start_soon(guess)

    assert sorted(statuses) == [404] * 10 + [429] * 4


async def test_last_seen_is_written_once_a_minute_at_most(superuser, sql):
    seen = "SELECT last_seen FROM login_session"
    await superuser("GET", "/mr-api/portfolio")
    [first] = await sql(seen)
    await superuser("GET", "/mr-api/portfolio")
    assert [tuple(row) for row in await sql(seen)] == [tuple(first)]
    await sql("UPDATE login_session SET last_seen = now() - interval '2 minutes'")
    await superuser("GET", "/mr-api/portfolio")
    [later] = await sql("SELECT last_seen > now() - interval '1 minute' FROM login_session")
    assert later[0] is True


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("last_seen = now() - interval '71 hours'", 200),
        ("last_seen = now() - interval '73 hours'", 401),
        ("when_created = now() - interval '29 days'", 200),
        ("when_created = now() - interval '31 days'", 401),
    ],
)
async def test_a_session_ends_when_it_is_idle_and_when_it_is_old(superuser, sql, change, status):
    await sql(f"UPDATE login_session SET {change}")
    assert (await superuser("GET", "/mr-api/portfolio")).status == status


async def test_machines_stay_logged_in(superuser, sql):
    await sql("UPDATE person SET person_type = 'serviceAccount'")
    long_ago = "now() - interval '10 years'"
    await sql(f"UPDATE login_session SET when_created = {long_ago}, last_seen = {long_ago}")
    assert (await superuser("GET", "/mr-api/portfolio")).status == 200


async def test_how_long_sessions_last_can_be_told(superuser, sql, database):
    limits = SessionLimits(idle_seconds=None, lifetime_seconds=60)
    app = create_mr_app(
        database, MrSettings(sessions=limits), registry=CollectorRegistry(), name="x"
    )
    headers = {"Authorization": f"Bearer {superuser.token}"}

    async def status():
        return (await app.test_client().get("/mr-api/portfolio", headers=headers)).status_code

    await sql("UPDATE login_session SET last_seen = now() - interval '10 years'")
    assert await status() == 200
    await sql("UPDATE login_session SET when_created = now() - interval '61 seconds'")
    assert await status() == 401


async def test_sessions_that_are_over_are_forgotten_at_the_next_login(superuser, stranger, sql):
    await sql("UPDATE login_session SET last_seen = now() - interval '4 days'")
    assert (await login(stranger)).status == 200
    [count] = await sql("SELECT count(*) FROM login_session")
    assert count[0] == 1


async def test_there_is_no_external_provider(stranger):
    answer = await stranger("GET", "/mr-api/external-provider/google")
    assert answer.status == 404


@pytest.mark.usefixtures("no_failure_is_forgotten")
async def test_one_address_is_stopped_whatever_accounts_it_tries(superuser, database):
    settings = MrSettings(
        password_memory_kib=64, password_passes=1, login_failures_per_minute_and_address=3
    )
    app = create_mr_app(database, settings, registry=CollectorRegistry(), name="x")

    assert [await guess(app, number) for number in range(4)] == [404, 404, 404, 429]
    assert await guess(app, 5, "10.0.0.2") == 404
    # Nobody becomes somebody else by saying so.
    assert await guess(app, 6, header="10.0.0.3") == 429


@pytest.mark.usefixtures("no_failure_is_forgotten")
async def test_several_mrs_count_together(superuser, database):
    settings = MrSettings(
        password_memory_kib=64, password_passes=1, login_failures_per_minute_and_address=3
    )
    one, other = (
        create_mr_app(database, settings, registry=CollectorRegistry(), name="x") for _ in range(2)
    )
    assert [await guess(one, 1), await guess(other, 2), await guess(one, 3)] == [404] * 3
    assert await guess(other, 4) == 429
    assert await guess(one, 5) == 429


@pytest.mark.usefixtures("no_failure_is_forgotten")
async def test_behind_a_proxy_everybody_has_their_own_address(superuser, database):
    settings = MrSettings(
        password_memory_kib=64,
        password_passes=1,
        login_failures_per_minute_and_address=1,
        client_address_header="X-Forwarded-For",
    )
    app = create_mr_app(database, settings, registry=CollectorRegistry(), name="x")
    assert await guess(app, 1, header="10.0.0.3") == 404
    assert await guess(app, 2, header="10.0.0.3") == 429
    assert await guess(app, 3, header="10.0.0.4, 10.0.0.3") == 429
    assert await guess(app, 4, header="10.0.0.3,10.0.0.4") == 404
    assert await guess(app, 5) == 404
    assert await guess(app, 6, header="") == 429
    # The proxy's own line is the last one, and what it tells is an address.
    assert await guess(app, 7, header=["10.0.0.9", "10.0.0.3"]) == 429
    assert await guess(app, 8, header="10.0.0.3:1000") == 429
    assert await guess(app, 9, header="made up") == 429


async def test_one_address_does_not_fill_the_queue_for_everybody(superuser, database, monkeypatch):
    statuses, waiting, goes_on = [], [], trio.Event()

    async def verify(passwords, password, stored, **_):
        waiting.append(password)
        await goes_on.wait()
        return Wrong()

    async def attempt(number):
        statuses.append(await guess(app, number))

    monkeypatch.setattr(Passwords, "verify", verify)
    app = create_mr_app(database, MrSettings(), registry=CollectorRegistry(), name="x")
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(attempt, number)
            while len(waiting) + len(statuses) < 30:
                await trio.lowlevel.checkpoint()
            assert statuses == [429] * 10
            nursery.start_soon(guess, app, 31, "10.0.0.2")
            while len(waiting) < 21:
                await trio.lowlevel.checkpoint()
            goes_on.set()
    assert sorted(statuses) == [404] * 20 + [429] * 10


async def guess(app, number, address="10.0.0.1", header=()):
    """Try an account that there is not; return the status."""
    lines = [header] if isinstance(header, str) else header
    response = await app.test_client().post(
        "/mr-api/login",
        json={"email": f"guess-{number}@i.com", "password": "x"},
        headers=Headers([("X-Forwarded-For", line) for line in lines]),
        scope_base={"client": (address, 1)},
    )
    return response.status_code
