"""Each of our roles among members of another make, who play by the contract and by nothing else."""

import gzip
import json
from typing import Any

import httpx2
import pytest
import trio
from structlog.testing import capture_logs

from fh.config import Secret
from fh.db.dsn import Dsn
from tests.nats_peer import Peer, Received, open_peer
from tests.nats_server import running_server
from tests.roles import java
from tests.roles.test_split import SECONDS, a_flag, ask, build, running

pytestmark = pytest.mark.postgres

ENVIRONMENT, KEY = java.ENVIRONMENT, java.KEY
SDK_KEY = f"{ENVIRONMENT}/{KEY}"


@pytest.fixture
def nats(tmp_path):
    with running_server(tmp_path) as server:
        yield server


@pytest.fixture
async def peer(nats):
    async with open_peer(nats.port) as peer:
        yield peer


async def get(port: int, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}{path}", headers=headers)


async def seen(port: int) -> dict[str, Any]:
    """Return what a poll sees, by key."""
    status, body = await ask(port, f"/features?apiKey={SDK_KEY}")
    assert status in {200, 503}, (status, body)
    if status == 503:
        return {}
    return {each["key"]: each["value"] for each in body[0]["features"]}


async def until_answered(port: int, status: int) -> None:
    with trio.fail_after(SECONDS):
        while (await ask(port, f"/features?apiKey={SDK_KEY}"))[0] != status:
            pass


async def until_seen(port: int, **expected: bool) -> None:
    with trio.fail_after(SECONDS):
        while await seen(port) != expected:
            pass


async def test_a_java_mr_feeds_our_dacha_and_edge(nats, peer) -> None:
    mr = java.JavaMr(peer, "secret")
    async with java.served(mr.answer) as mr_port:
        dacha = build(
            "dacha",
            nats_urls=(nats.url,),
            management_url=f"http://127.0.0.1:{mr_port}",
            upstream_key=Secret("secret"),
        )
        edge = build(
            "edge", nats_urls=(nats.url,), dacha_url=f"http://127.0.0.1:{dacha.port}", workers=0
        )
        async with running(dacha, edge):
            await until_seen(edge.port, FLAG_1=False)
            await mr.announce_feature(java.feature(1, 3, True))
            await until_seen(edge.port, FLAG_1=True)

            # Again, and older: both do nothing, as what comes behind them shows.
            await mr.announce_feature(java.feature(1, 3, True))
            await mr.announce_feature(java.feature(1, 2, False))
            await mr.announce_feature(java.feature(2, 1, True), "CREATE")
            await until_seen(edge.port, FLAG_1=True, FLAG_2=True)

            # A whole environment, and one from before it.
            newer = java.environment(
                2, java.feature(1, 4, False), java.feature(2, 1, True), cacheControl="max-age=20"
            )
            await mr.announce_environment(newer)
            await until_seen(edge.port, FLAG_1=False, FLAG_2=True)
            await mr.announce_environment(java.environment(1, java.feature(1, 1, True)))
            await mr.announce_feature(java.feature(2, 2, False))
            await until_seen(edge.port, FLAG_1=False, FLAG_2=False)
            await mr.announce_feature(java.feature(2, 2, False), "DELETE")
            await until_seen(edge.port, FLAG_1=False)

            await a_java_edge_asks(dacha.port, mr)

            # An account loses its permission, and then the environment goes.
            await mr.announce_account(java.account(2))
            await until_answered(edge.port, 404)
            await mr.announce_account(java.account(3, "READ"))
            await until_answered(edge.port, 200)
            await until_seen(edge.port, FLAG_1=False)
            gone = java.environment(java.MAX_LONG, action="DELETE")
            await mr.announce_environment({**gone, "sa": [], "c": 0})
            await until_answered(edge.port, 404)


async def a_java_edge_asks(port: int, mr: java.JavaMr) -> None:
    base = f"/v2/environment/{ENVIRONMENT}"
    await mr.announce_feature(java.feature(3, 1, True, retired=True))
    with trio.fail_after(SECONDS):
        told: list[str] = []
        while told != ["FLAG_1", "FLAG_3"]:
            features = (await get(port, f"{base}/{KEY}")).json()["features"]
            told = [each["feature"]["key"] for each in features]
    details = (await get(port, f"{base}/{KEY}?excludeRetired=true")).json()
    flag = java.feature(1, 4, False)
    del flag["fp"]  # nothing without EXTENDED_DATA
    del flag["value"]["retired"]  # absent is false
    assert details == {
        "etag": details["etag"],
        **java.PLACE,
        "sId": java.ACCOUNT,
        "eInf": {"cacheControl": "max-age=20"},
        "ed": False,
        "features": [flag],
    }
    assert len(details["etag"]) == 33
    assert details["etag"].endswith("0")
    retired = java.feature(3, 1, True, retired=True)
    del retired["fp"]
    assert (await get(port, f"{base}/{KEY}/permissions/FLAG_3")).json() == {
        **java.PLACE,
        "sId": java.ACCOUNT,
        "eInf": {"cacheControl": "max-age=20"},
        "roles": ["READ"],
        "feature": retired,
    }
    assert (await get(port, f"{base}/structure")).json() == java.PLACE
    for path in (
        f"{base}/unknown",
        f"{base}/{KEY}/permissions/unknown",
        f"/v2/environment/{java.ACCOUNT}/{KEY}",
        f"/v2/environment/{java.ACCOUNT}/structure",
    ):
        assert (await get(port, path)).status_code == 404, path
    # What can't be known for now is no 404, and what is known is served all the same.
    mr.is_down = True
    answer = await get(port, f"{base}/never-asked-for")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await get(port, f"{base}/{KEY}")).status_code == 200
    mr.is_down = False


async def test_a_java_dacha_behind_our_edge_is_told_plainly_and_never_to_sdks(nats) -> None:
    async with java.served(java.java_dacha) as port:
        edge = build("edge", nats_urls=(nats.url,), dacha_url=f"http://127.0.0.1:{port}", workers=0)
        with capture_logs() as logs:
            async with running(edge):
                assert (await ask(edge.port, f"/features?apiKey={SDK_KEY}"))[0] == 503
                status, told = await ask(edge.port, "/health/readiness")
        assert status == 500
        assert not told["checks"]["upstream"]
        assert "point dacha.url.default at an fh dacha or an MR" in told["reasons"]["upstream"]
        [line] = [line for line in logs if line["event"] == "truth_asked_of_the_wrong_server"]
        assert (line["log_level"], line["hint"]) == ("error", told["reasons"]["upstream"])


class Listener:
    """A Java Dacha and a Java Edge, of which each hears what is for it."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.heard: list[Received] = []

    async def until(self, kind: str, found=lambda _: True) -> dict[str, Any]:
        """Return the body of the next message on a subject and of a type that is wanted."""
        with trio.fail_after(SECONDS):
            while True:
                received = await self._peer.receive()
                self.heard.append(received)
                body = json.loads(gzip.decompress(received.data))
                if f"{received.subject} {received.headers['ce-type']}" == kind and found(body):
                    return body


async def test_our_mr_among_java_caches_and_edges(nats, peer, empty_postgres_dsn: Dsn) -> None:
    mr = build(
        "mr",
        nats_urls=(nats.url,),
        database_url=empty_postgres_dsn.url,
        database_user=empty_postgres_dsn.user,
        truth_keys=(Secret("secret"),),
    )
    for subject in (java.CACHE, java.EDGE):
        await peer.subscribe(subject)
    async with running(mr):
        _, environment_id, sdk_key = await a_flag(mr.port)
        key = sdk_key.split("/")[-1]
        listener = Listener(peer)
        told = await listener.until(f"{java.CACHE} publish-serviceaccount-v1")
        assert key in {
            told["serviceAccount"]["apiKeyServerSide"],
            told["serviceAccount"]["apiKeyClientSide"],
        }
        await a_java_dacha_asks(mr.port, environment_id, key)

        def is_on(body: dict[str, Any]) -> bool:
            return body["features"][0]["feature"]["value"].get("value") is True

        # An Edge of another make wants no answer.
        update = java.java_update(
            key, environment_id, "FLAG", valueBoolean=True, updatingValue=True, lock=False
        )
        for _ in range(2):
            await peer.publish(java.UPDATES, *update)
        changed = await listener.until(f"{java.EDGE} publish-feature-v1", is_on)
        [change] = changed["features"]
        assert (change["action"], change["environmentId"]) == ("UPDATE", environment_id)
        assert not change["feature"]["value"]["locked"]
        # A second time it changes nothing, so what comes next is the next change.
        await peer.publish(java.UPDATES, *java.java_update(key, environment_id, "FLAG", lock=True))
        again = await listener.until(f"{java.EDGE} publish-feature-v1")
        assert again["features"][0]["feature"]["value"]["locked"]
        assert is_on(again)
    check_headers(listener.heard)


async def a_java_dacha_asks(port: int, environment_id: str, key: str) -> None:
    path = f"/dacha2/environment/{environment_id}"
    told = (await get(port, path, key="secret")).json()["env"]
    assert told.keys() == {"environment", "oId", "pId", "aId", "fv", "sa", "action", "c"}
    assert (told["action"], told["c"]) == ("CREATE", 0)
    account = (await get(port, f"/dacha2/serviceAccount/{key}", key="secret")).json()
    assert account["serviceAccount"]["id"] in told["sa"]
    for unknown in (f"/dacha2/environment/{ENVIRONMENT}", "/dacha2/serviceAccount/unknown"):
        assert (await get(port, unknown, key="secret")).status_code == 404
    assert (await get(port, path, key="other")).status_code == 403
    assert (await get(port, path)).status_code == 403


def check_headers(heard: list[Received]) -> None:
    """Each message has the headers of the contract, our number, and nothing else."""
    ids = {
        "publish-environment-v1": lambda body: body["environment"]["id"],
        "publish-serviceaccount-v1": lambda body: body["serviceAccount"]["id"],
        "publish-feature-v1": lambda body: (
            "{environmentId}/".format(**body["features"][0])
            + body["features"][0]["feature"]["feature"]["key"]
        ),
    }
    subjects = {
        "publish-environment-v1": "io.featurehub.events.environment",
        "publish-serviceaccount-v1": "io.featurehub.events.service-account",
        "publish-feature-v1": "io.featurehub.events.feature-values",
    }
    by_subject: dict[str, list[tuple[dict[str, str], bytes]]] = {java.CACHE: [], java.EDGE: []}
    for received in heard:
        headers = dict(received.headers)
        body = json.loads(gzip.decompress(received.data))
        action = (body.get("features") or [body])[0]["action"]
        assert headers.pop("ce-time").endswith("Z")
        assert headers.pop("ce-fhsequence").isdecimal()
        kind = headers["ce-type"]
        assert headers == {
            "ce-specversion": "1.0",
            "ce-type": kind,
            "ce-subject": subjects[kind],
            "ce-source": f"http://management-service/{action}",
            "ce-id": ids[kind](body),
            "content-type": "application/json+gzip",
        }
        assert received.reply == ""
        if kind == "publish-feature-v1":
            by_subject[received.subject].append((received.headers, received.data))
        else:
            assert received.subject == java.CACHE
    assert by_subject[java.CACHE] == by_subject[java.EDGE] != []
