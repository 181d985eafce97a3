import msgspec
import pytest
from msgspec import Struct
from prometheus_client import CollectorRegistry
from werkzeug.datastructures import Headers

from fh.errors import FeatureHubError
from fh.http.cors import Cors
from fh.http.idempotency import HEADER, KeptAnswer, attempt_of
from fh.http.metrics import HttpMetrics
from fh.http.problem import Problem
from fh.http.quart_app import Face, create_app
from fh.http.routing import Reply, Request, Route


def attempt(key="key", **changed):
    given = {"method": "POST", "target": b"/a?b=1", "body": b"{}", **changed}
    return attempt_of(key, caller="irina", token="token", **given)


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "a\n"])
def test_a_key_is_visible_ascii_and_not_long(key):
    with pytest.raises(Problem) as caught:
        attempt(key)
    assert (caught.value.status, caught.value.field) == (400, HEADER)


def test_what_is_asked_tells_requests_apart():
    same = attempt().request_hash
    assert attempt("other").request_hash == same
    others = {
        attempt(**changed).request_hash
        for changed in (
            {"method": "PUT"},
            {"target": b"/a?b=2"},
            {"body": b"{ }"},
            {"target": b"/a?b=1{", "body": b"}"},
        )
    }
    assert len(others | {same}) == 5


def test_neither_token_nor_key_is_shown():
    shown = repr(attempt_of("k3y", caller="irina", token="t0ken", method="", target=b"", body=b""))
    assert "k3y" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize(
    ("status", "lasts"),
    [
        (200, True),
        (204, True),
        (404, True),
        (409, True),
        (401, False),
        (403, False),
        (429, False),
        (503, False),
    ],
)
def test_rights_haste_and_defects_do_not_last(status, lasts):
    assert KeptAnswer(status, "", b"").lasts is lasts


class Wish(Struct):
    name: str


class Taken(FeatureHubError):
    retry_after_seconds = 3


class Memory:
    """Remembers by key alone."""

    def __init__(self):
        self.kept = {}

    async def once(self, attempt, answer):
        if attempt.key not in self.kept:
            self.kept[attempt.key] = await answer()
        return self.kept[attempt.key]


@pytest.fixture
def made():
    return []


@pytest.fixture
def client(made):
    async def make(request: Request[str, None, Wish]) -> object:
        made.append(request.body.name)
        match request.body.name:
            case "taken":
                raise Taken("it is taken")
            case "nothing":
                return Reply(None, 204)
            case _:
                return {"made": request.body.name}

    async def authenticate(token):
        return "irina" if token else None

    routes = [
        Route(method, path, f"{method}{path[1:]}", make, tag="T", body=Wish, authenticated=known)
        for method, path, known in (
            ("POST", "/thing", True),
            ("DELETE", "/thing", True),
            ("POST", "/open", False),
        )
    ]
    face = Face(
        routes,
        authenticate,
        {Taken: 409},
        HttpMetrics(CollectorRegistry(), routes),
        Cors(),
        answers=Memory(),
    )
    test_client = create_app(face).test_client()

    async def ask(method, path, name, key=None):
        keys = [] if key is None else [key] if isinstance(key, str) else key
        headers = Headers([("Authorization", "Bearer t"), *((HEADER, one) for one in keys)])
        body = msgspec.json.encode({"name": name})
        answer = await test_client.open(path, method=method, headers=headers, data=body)
        return answer.status_code, answer.headers, await answer.get_data()

    return ask


@pytest.mark.parametrize("name", ["a", "taken", "nothing"])
async def test_the_same_answer_is_given_again(client, made, name):
    first = await client("POST", "/thing", name, "k")
    assert await client("POST", "/thing", name, "k") == first
    assert made == [name]
    if name == "taken":
        assert (first[0], first[1]["Retry-After"]) == (409, "3")
    if name == "nothing":
        assert (first[0], first[2]) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [("POST", "/thing", None), ("DELETE", "/thing", "k"), ("POST", "/open", "k")],
)
async def test_without_key_without_caller_and_for_other_methods_nothing_is_kept(
    client, made, method, path, key
):
    for _ in range(2):
        assert (await client(method, path, "a", key))[0] == 200
    assert made == ["a", "a"]


@pytest.mark.parametrize("key", ["two words", ["one", "two"], ["one", "one"], ["", "one"]])
async def test_a_bad_key_is_refused_before_anything_happens(client, made, key):
    status, _, body = await client("POST", "/thing", "a", key)
    assert (status, msgspec.json.decode(body)["field"]) == (400, HEADER)
    assert made == []
