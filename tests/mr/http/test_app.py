import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from fh.db.errors import DatabaseUnavailable
from fh.mr.http.app import create_mr_app, mr_routes
from fh.mr.settings import MrSettings


class NoDatabase:
    async def transaction(self, work, *, read_only=False):
        raise DatabaseUnavailable("gone")


async def test_without_its_database_everything_says_try_again():
    app = create_mr_app(
        NoDatabase(), MrSettings(), registry=CollectorRegistry(), name="party-server"
    )
    client = app.test_client()
    token = {"Authorization": "Bearer x"}
    login = {"email": "irina@i.com", "password": "x"}
    for response in (
        await client.get("/mr-api/initialize"),
        await client.get("/mr-api/portfolio", headers=token),
        await client.post("/mr-api/login", json=login),
    ):
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert (await response.get_json())["status"] == 503
    assert (await client.get("/info/version")).status_code == 200


async def test_a_lost_database_does_not_count_as_a_failed_login():
    app = create_mr_app(NoDatabase(), MrSettings(), registry=CollectorRegistry(), name="x")
    login = {"email": "irina@i.com", "password": "x"}
    for _ in range(12):
        assert (await app.test_client().post("/mr-api/login", json=login)).status_code == 503


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("ADD CONSTRAINT inner_rule CHECK (name <> 'new')", 400),
        ("ADD CONSTRAINT inner_rule UNIQUE (name)", 409),
        ("ADD CHECK ((length(name) * 30000)::smallint > 0)", 400),
    ],
    ids=["check", "unique", "out of range"],
)
async def test_what_only_the_database_knows_stays_between_us(shop, rule, status):
    await shop.add_feature("k", name="new" if status == 409 else "k")
    await shop.sql(f"ALTER TABLE feature {rule}")
    body = {"key": "new", "name": "new", "valueType": "STRING"}
    with capture_logs() as logs:
        answer = await shop.api("POST", shop.features_path, body)
    assert answer.status == status
    for inner in ("inner_rule", "constraint", "Key (", "smallint", "DETAIL"):
        assert inner not in answer.body["detail"]
    [entry] = [entry for entry in logs if entry["event"] == "refusal_reworded"]
    assert "inner_rule" in entry["reason"] or "smallint" in entry["reason"]
    assert entry["operation_id"] == "createFeaturesForApplication"


async def test_operations_are_counted_under_their_names(superuser, stranger):
    metrics = (await stranger("GET", "/metrics")).body.decode()
    assert "setupSiteAdmin_histogram_count 1.0" in metrics


def test_operation_ids_are_unique():
    names = [route.operation_id for route in mr_routes(NoDatabase(), MrSettings())]
    assert len(names) == len(set(names))


def test_only_the_documented_operations_need_no_login():
    routes = mr_routes(NoDatabase(), MrSettings())
    assert {route.operation_id for route in routes if not route.authenticated} == {
        "isInstalled",
        "setupSiteAdmin",
        "login",
        "getLoginUrlForProvider",
        "registerPerson",
        "personByToken",
        "getWebhookTypes",
    }
