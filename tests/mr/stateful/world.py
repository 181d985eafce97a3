"""A party-server in a thread of its own, and those who watch it: a spy on its bus, and streams."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from queue import Queue
from typing import Any
from unittest import mock

import msgspec
import trio

from bench.client.refused import Refused
from bench.client.stream import open_stream
from fh.bus.port import Delivery
from fh.contracts.published import (
    PublishEnvironment,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.edge.door import listen
from fh.roles import party_server
from fh.roles.settings.roles import PartyServerSettings
from tests.mr.conftest import SITE
from tests.mr.stateful.model import Announced, Served

_START_SECONDS = 60
CONVERGE_SECONDS = 5.0


class Spy:
    """Hears of everything on the bus."""

    def __init__(self) -> None:
        self._heard: list[Announced] = []
        self._more = threading.Condition()
        self._foreign: set[str] = set()
        self.values: dict[tuple[str, str], Any] = {}

    def forget(self, *identifiers: str) -> None:
        """Never mention these again; what is still under way about them does not count."""
        with self._more:
            self._foreign.update(identifiers)
            self._heard.clear()

    async def hear(self, delivery: Delivery) -> None:
        with self._more:
            match delivery:
                case PublishEnvironment():
                    self._heard.append(
                        ("environment", delivery.action.value, str(delivery.environment.id))
                    )
                case PublishServiceAccount(service_account=account):
                    assert account is not None
                    self._heard.append(("account", delivery.action.value, str(account.id)))
                case PublishFeatureValues():
                    for one in delivery.features:
                        place = str(one.environment_id), one.feature.feature.key
                        self._heard.append(("feature", one.action.value, *place))
                        self.values[place] = one.feature.value
                case _:
                    raise AssertionError(delivery)
            self._more.notify_all()

    def take(self, least: int) -> list[Announced]:
        """Return what was heard since the last time, at least so much if it comes in time."""
        with self._more:
            self._more.wait_for(lambda: len(self._familiar()) >= least, CONVERGE_SECONDS)
            heard, self._heard = self._familiar(), []
            return heard

    def _familiar(self) -> list[Announced]:
        return [one for one in self._heard if one[2] not in self._foreign]


@dataclass
class Watch:
    """What an SDK that streams holds, by the identifiers of features: keys may change.

    `versions` never go back.
    """

    held: dict[str, tuple[str, Served]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    refused: bool = False
    begun: bool = False
    changed: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    async def follow(self, url: str, key: str) -> None:
        with self.scope:
            async with open_stream(url, key) as stream:
                try:
                    async for event in stream:
                        self._take(event)
                except Refused:
                    self.refused = True
                    self._tell()

    def _take(self, event: Any) -> None:
        if event.name == "features":
            self.held.clear()
            self.begun = True
        told = msgspec.json.decode(event.data) if event.features else []
        for feature in told if isinstance(told, list) else [told]:
            identifier, key, version = feature.get("id"), feature["key"], feature["version"]
            if event.name == "delete_feature":
                self.held = {one: held for one, held in self.held.items() if held[0] != key}
                continue
            if version < self.versions.get(identifier, 0):
                self.complaints.append(f"{key} went back to {version}")
            self.versions[identifier] = version
            self.held[identifier] = (key, _served(feature))
        self._tell()

    @property
    def features(self) -> dict[str, Served]:
        """By their keys; two of one key would be a fault."""
        assert len({key for key, _ in self.held.values()}) == len(self.held), self.held
        return dict(self.held.values())

    def _tell(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    async def until(self, holds: Callable[[], bool]) -> bool:
        """Return whether `holds` becomes true in time."""
        with trio.move_on_after(CONVERGE_SECONDS):
            while not holds():
                await self.changed.wait()
        return holds()


class World:
    """The server, and the superuser who drives it; for one thread."""

    def __init__(self, port: int, spy: Spy, nursery: trio.Nursery, token: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.spy = spy
        self._nursery, self._trio = nursery, token
        self._http = HTTPConnection("127.0.0.1", port, timeout=30)
        self.token = ""
        self._member: tuple[str, str] | None = None
        self.token = self.ask("POST", "/mr-api/initialize", SITE)[1]["accessToken"]
        paths = self.ask("GET", "/openapi.json")[1]["paths"]
        self.offered = {
            operation["operationId"] for methods in paths.values() for operation in methods.values()
        }

    def close(self) -> None:
        self._http.close()

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Ask as the superuser, or as whoever has `token`."""
        data = None if body is None else msgspec.json.encode(body)
        token = token or self.token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http.request(method, path, data, headers)
        answer = self._http.getresponse()
        content = answer.read()
        is_json = content and answer.headers["content-type"] == "application/json"
        return answer.status, msgspec.json.decode(content) if is_json else content

    def call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.ask(method, path, body)
        assert status in {200, 201, 204}, (method, path, body, status, answer)
        return answer

    def member(self) -> tuple[str, str]:
        """Return somebody who is in no group unless a test adds them, and their token."""
        if self._member is None:
            email = "member@i.com"
            invited = {"email": email, "personType": "person"}
            invitation = self.call("POST", "/mr-api/person", invited)
            details = {
                "name": "Member",
                "email": email,
                "password": SITE["password"],
                "confirmPassword": SITE["password"],
                "registrationToken": invitation["token"],
            }
            token = self.call("POST", "/mr-api/authentication", details)["accessToken"]
            self._member = invitation["personId"], token
        return self._member

    def poll(self, key: str) -> dict[str, Served] | None:
        """Return what an SDK gets that polls, None if its key is refused."""
        status, answer = self.ask("GET", f"/features?apiKey={key}&contextSha=0")
        if status in {403, 404}:
            return None
        assert status == 200, (status, answer)
        return {one["key"]: _served(one) for one in answer[0]["features"]}

    def poll_until(self, key: str, wanted: dict[str, Any] | None) -> dict[str, Any] | None:
        """Poll until `wanted` is served, or it has taken too long; return what was served last."""
        deadline = time.monotonic() + CONVERGE_SECONDS
        while (found := self.poll(key)) != wanted and time.monotonic() < deadline:
            pass
        return found

    def watch(self, key: str) -> Watch:
        watch = trio.from_thread.run_sync(Watch, trio_token=self._trio)
        trio.from_thread.run_sync(
            self._nursery.start_soon, watch.follow, self.url, key, trio_token=self._trio
        )
        return watch

    def wait_for(self, watch: Watch, wanted: dict[str, Served] | None) -> None:
        """Fail unless a stream comes to hold `wanted`, or to be refused where that is None."""

        def holds() -> bool:
            if wanted is None:
                return watch.refused
            return watch.begun and not watch.refused and watch.features == wanted

        reached = trio.from_thread.run(watch.until, holds, trio_token=self._trio)
        assert reached, (watch, wanted)
        assert watch.complaints == []

    def leave(self, watch: Watch) -> None:
        trio.from_thread.run_sync(watch.scope.cancel, trio_token=self._trio)


def _served(feature: dict[str, Any]) -> Served:
    """Return what counts of a feature as an SDK gets it."""
    strategies = [
        (one.get("percentage"), one.get("value")) for one in feature.get("strategies", ())
    ]
    value, version = feature.get("value"), feature["version"]
    return feature["type"], value, feature["l"], version, tuple(strategies)


@contextmanager
def open_world(data_directory: Path) -> Iterator[World]:
    """Run a party-server on an empty directory, in a thread of its own."""
    outcome: Queue[Any] = Queue()
    spy, make_bus = Spy(), party_server.make_bus

    def make_spied(*args: Any, **options: Any) -> Any:
        bus = make_bus(*args, **options)
        bus.subscribe("spy", spy.hear)
        return bus

    async def serve() -> None:
        settings = PartyServerSettings(
            port=0, host="127.0.0.1", data_directory=data_directory, grace_seconds=0
        )
        listener = listen(settings.host, settings.port, settings.edge())
        with mock.patch.object(party_server, "make_bus", make_spied):
            role = party_server.build_party_server(settings, listener)
        async with trio.open_nursery() as nursery:
            with trio.fail_after(_START_SECONDS):
                await nursery.start(role.run)
            outcome.put((role, nursery, trio.lowlevel.current_trio_token()))

    def thread() -> None:
        try:
            trio.run(serve)
        except BaseException as error:
            outcome.put(error)
            raise

    server = threading.Thread(target=thread, name="party-server-for-tests", daemon=True)
    server.start()
    started = outcome.get(timeout=_START_SECONDS)
    if isinstance(started, BaseException):
        raise started
    role, nursery, token = started
    try:
        with contextlib.closing(World(role.port, spy, nursery, token)) as world:
            yield world
    finally:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(nursery.cancel_scope.cancel)
        server.join(timeout=30)
