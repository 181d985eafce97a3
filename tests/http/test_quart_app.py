import json
import threading
from uuid import UUID

import pytest
import trio
from msgspec import Struct
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from fh.errors import FeatureHubError, Unavailable
from fh.http.cors import Cors
from fh.http.decoding import LARGEST_BODY_BYTES, BodyDecoder
from fh.http.metrics import HttpMetrics, exposition
from fh.http.problem import Problem
from fh.http.quart_app import Face, create_app
from fh.http.routing import Reply, Request, Route

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
ADA = {"Authorization": "Bearer ada"}


class Conflict(FeatureHubError): ...


class SpecialConflict(Conflict): ...


class Unmapped(FeatureHubError): ...


class Named(Struct):
    name: str


class Query(Struct):
    ids: tuple[UUID, ...] = ()


async def echo(request: Request[str | None, Query, Named]) -> dict[str, object]:
    return {
        "caller": request.caller,
        "id": str(request.uuid("id")),
        "ids": [str(each) for each in request.query.ids],
        "name": request.body.name,
    }


async def name_only(request: Request[str | None, None, Named]) -> dict[str, object]:
    return {"name": request.body.name}


async def key(request: Request[None, None, None]) -> Reply:
    headers = {"Cache-Control": "max-age=1", "X-Mine": "yes"}
    return Reply({"key": request.text("key")}, status=203, headers=headers)


async def nothing(_: Request[None, None, None]) -> None: ...


async def raise_by_name(request: Request[None, None, None]) -> None:
    raise {
        "conflict": Conflict("taken"),
        "special": SpecialConflict("taken twice"),
        "unmapped": Unmapped("a bug"),
        "away": Unavailable("secret reason"),
        "bug": RuntimeError("secret detail"),
        "group": ExceptionGroup("several", [RuntimeError("one")]),
        "problem": Problem(418, "short and stout"),
    }[request.text("name")]


async def authenticate(token: str | None) -> str:
    if token is None or token == "unknown":
        raise Problem(401, text="Please login.")
    return token


ROUTES = [
    Route("PUT", "/echo/{id:uuid}", "echo", echo, tag="T", body=Named, query=Query),
    Route("PUT", "/much", "much", name_only, tag="T", body=Named, carries_much=True),
    Route("PUT", "/open", "open", name_only, tag="T", body=Named, authenticated=False),
    Route("GET", "/key/{key}", "key", key, tag="T", authenticated=False),
    Route("GET", "/nothing", "nothing", nothing, tag="T", status=204, authenticated=False),
    Route(
        "GET",
        "/raise/{name}",
        "raise",
        raise_by_name,
        tag="T",
        authenticated=False,
        refusals={SpecialConflict: 422},
    ),
]


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def app(registry):
    return create_app(
        Face(
            routes=ROUTES,
            authenticate=authenticate,
            refusals={Conflict: 409},
            metrics=HttpMetrics(registry, ROUTES),
            cors=Cors(),
        )
    )


@pytest.fixture
def client(app):
    return app.test_client()


async def put(client, path: str, body: bytes = b'{"name": "x"}', headers=None):
    return await client.put(path, data=body, headers=ADA if headers is None else headers)


def test_two_operations_of_one_name_are_no_app(registry):
    routes = [*ROUTES, Route("GET", "/other", "key", nothing, tag="T", authenticated=False)]
    metrics = HttpMetrics(registry, routes)
    with pytest.raises(AssertionError, match="key is both"):
        create_app(Face(routes, authenticate, {}, metrics, Cors()))


async def test_path_query_body_and_caller_arrive(client):
    response = await put(client, f"/echo/{ID}?ids={ID}&ids={ID}")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert await response.get_json() == {"caller": "ada", "id": ID, "ids": [ID, ID], "name": "x"}


async def test_a_reply_overrides_what_is_usual(client):
    response = await client.get("/key/a/b", scope_base={"raw_path": b"/key/a%2Fb"})
    assert (response.status_code, await response.get_json()) == (203, {"key": "a/b"})
    assert response.headers["X-Mine"] == "yes"
    assert response.headers["Cache-Control"] == "max-age=1"


async def test_no_value_is_no_body(client):
    async with client.request("/nothing") as connection:
        await connection.send_complete()
    assert (connection.status_code, bytes(connection.response_data)) == (204, b"")
    assert "Content-Type" not in connection.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Bearer  ada"},
        {"Authorization": "Bearer ada "},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic ada"},
        {"Authorization": "ada"},
    ],
)
async def test_strangers_are_asked_to_log_in_before_anything_is_looked_at(client, headers):
    response = await put(client, "/echo/nope", b"nonsense", headers)
    assert response.status_code == 401
    assert await response.get_data() == b"Please login."
    assert response.content_type.startswith("text/plain")


async def test_the_scheme_is_matched_in_any_case(client):
    response = await put(client, f"/echo/{ID}", headers={"authorization": "bEARER ada"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/echo/nope", b'{"name": "x"}', 404, None),
        (f"/echo/{ID}?ids=nope", b'{"name": "x"}', 404, "ids[0]"),
        (f"/echo/{ID}", b"{}", 400, "name"),
        (f"/echo/{ID}", b"", 400, None),
        (f"/echo/{ID}", b"[" * 10_000, 400, None),
    ],
)
async def test_bad_input_is_the_clients_fault(client, path, body, status, field):
    response = await put(client, path, body)
    problem = await response.get_json()
    assert (response.status_code, problem["status"], problem.get("field")) == (
        status,
        status,
        field,
    )
    assert response.content_type == "application/json"


@pytest.mark.parametrize(
    ("name", "status", "detail"),
    [
        ("conflict", 409, "taken"),
        ("special", 422, "taken twice"),
        ("problem", 418, "short and stout"),
        ("away", 503, "The service is away for the moment."),
    ],
)
async def test_refusals_have_the_status_their_table_says(client, name, status, detail):
    response = await client.get(f"/raise/{name}")
    assert response.status_code == status
    assert (await response.get_json())["detail"] == detail


async def test_away_means_try_again(client):
    assert (await client.get("/raise/away")).headers["Retry-After"] == "1"


async def test_what_is_away_is_told_to_whoever_reads_the_log(client):
    with capture_logs() as logs:
        await client.get("/raise/away")
    [entry] = logs
    assert (entry["event"], entry["log_level"]) == ("request_unavailable", "warning")
    assert (entry["operation_id"], entry["reason"]) == ("raise", "secret reason")


async def test_what_stays_away_is_warned_of_once_a_minute(client, mock_clock):
    with capture_logs() as logs:
        for _ in range(3):
            await client.get("/raise/away")
        mock_clock.jump(60)
        await client.get("/raise/away")
    assert [entry["log_level"] for entry in logs] == ["warning", "debug", "debug", "warning"]


@pytest.mark.parametrize("name", ["bug", "unmapped", "group"])
async def test_a_bug_is_logged_once_and_not_shown(client, name):
    with capture_logs() as logs:
        response = await client.get(f"/raise/{name}")
    assert response.status_code == 500
    assert await response.get_json() == {"status": 500, "title": "Internal Server Error"}
    [entry] = logs
    assert (entry["event"], entry["operation_id"]) == ("request_failed", "raise")


async def test_unknown_paths_and_methods_are_json_problems_too(client):
    response = await client.get("/nowhere")
    assert (response.status_code, (await response.get_json())["status"]) == (404, 404)
    response = await client.delete(f"/echo/{ID}")
    assert (response.status_code, response.headers["Allow"]) == (405, "PUT")
    assert (await response.get_json())["title"] == "Method Not Allowed"


async def test_other_routes_of_the_framework_stay_reachable(app):
    @app.get("/ui/<path:name>")
    async def ui(name: str) -> str:
        return f"ui {name}"

    response = await app.test_client().get("/ui/a/b")
    assert await response.get_data() == b"ui a/b"


async def test_a_preflight_is_answered_on_any_path(client):
    response = await client.options("/anything/at/all", headers={"Origin": "https://ui.example"})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in response.headers["Access-Control-Allow-Headers"]


async def test_answers_to_other_origins_may_be_read_and_refusals_too(client):
    for path in ("/key/a", "/raise/bug", "/nowhere"):
        response = await client.get(path, headers={"Origin": "https://ui.example"})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Access-Control-Expose-Headers"].startswith("etag,cache-control")
    assert "Access-Control-Allow-Origin" not in (await client.get("/key/a")).headers


async def test_nothing_is_cached_or_sniffed_unless_said_otherwise(client):
    response = await client.get("/nothing")
    assert response.headers["Cache-Control"] == "no-store, max-age=0"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Cache-Control" not in (await put(client, f"/echo/{ID}")).headers


@pytest.mark.parametrize(
    ("path", "most_bytes"),
    [("/much", LARGEST_BODY_BYTES), (f"/echo/{ID}", 1_048_576), ("/open", 65_536)],
)
async def test_how_long_a_body_may_be_depends_on_what_it_carries_and_for_whom(
    client, path, most_bytes
):
    fits = b'{"name": "' + b"x" * (most_bytes - len(b'{"name": ""}')) + b'"}'
    response = await put(client, path, fits)
    assert response.status_code == 200
    assert (await response.get_json())["name"] == "x" * (most_bytes - len(b'{"name": ""}'))
    response = await put(client, path, fits + b" ")
    assert response.status_code == 413
    assert str(most_bytes) in (await response.get_json())["detail"]


async def test_a_long_body_is_decoded_while_others_are_served(client, monkeypatch):
    """It is, in another thread: where it was decoded is what counts, not how long it took."""
    threads = []
    decode = BodyDecoder.decode

    def spy(decoder, body):
        threads.append(threading.get_ident())
        return decode(decoder, body)

    monkeypatch.setattr(BodyDecoder, "decode", spy)
    for size in (1000, 300_000):
        assert (await put(client, "/much", b'{"name": "' + b"x" * size + b'"}')).status_code == 200
    assert threads[0] == threading.get_ident()
    assert threads[1] != threading.get_ident()


async def test_a_body_that_nobody_reads_is_not_kept():
    kept, sent, told = [], [b"x" * 65_536] * 5, trio.Event()

    async def wait(_: Request[None, None, None]) -> None:
        await told.wait()

    async def receive():
        if not sent:
            told.set()
            await trio.sleep_forever()
        return {"type": "http.request", "body": sent.pop(), "more_body": True}

    async def send(message): ...

    route = Route("GET", "/wait", "wait", wait, tag="T", authenticated=False)
    metrics = HttpMetrics(CollectorRegistry(), [route])
    app = create_app(Face([route], authenticate, {}, metrics, Cors()))

    class Spied(app.request_class.body_class):
        def append(self, data):
            kept.append(len(data))

        async def put(self, data):  # quart 0.23 and later
            self.append(data)

    app.request_class = type("SpiedRequest", (app.request_class,), {"body_class": Spied})
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/wait",
        "raw_path": b"/wait",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    with trio.fail_after(5):
        await app(scope, receive, send)
    assert kept == [65_536, 0, 0, 0, 0]


async def test_an_endless_body_is_refused_without_being_kept(app):
    connection = app.test_client().request(f"/echo/{ID}", method="PUT", headers=ADA)
    with trio.fail_after(20):
        async with connection:
            for _ in range(3):
                await connection.send(b"x" * 524_288)
    response = await connection.as_response()
    assert response.status_code == 413


async def test_every_request_is_counted(client, registry):
    await client.get("/key/a")
    await client.get("/raise/bug")
    await client.get("/nowhere")
    lines = exposition(registry)[0].decode().splitlines()
    assert "requests_total 3.0" in lines
    assert "response_2xx_total 1.0" in lines
    assert "response_4xx_total 1.0" in lines
    assert "response_5xx_total 1.0" in lines
    assert "key_histogram_count 1.0" in lines


@pytest.mark.parametrize("host", ["", "[::1", "a b", "[", "x" * 300, "a:b:c"])
async def test_a_strange_host_header_breaks_nothing(client, host):
    scope = {"headers": [(b"host", host.encode())]}
    response = await client.get("/key/a", scope_base=scope)
    assert response.status_code == 203
    assert json.loads(await response.get_data()) == {"key": "a"}


async def test_a_query_that_is_no_text_breaks_nothing(client):
    scope = {"query_string": b"ids=\xff\xfe"}
    response = await client.get("/key/a", scope_base=scope)
    assert response.status_code == 203
    response = await client.put(f"/echo/{ID}", data=b'{"name": "x"}', headers=ADA, scope_base=scope)
    assert response.status_code == 400
