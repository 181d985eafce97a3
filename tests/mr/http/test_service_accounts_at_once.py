import trio
from structlog.testing import capture_logs

_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def test_many_who_grant_permissions_in_one_environment_are_not_in_each_others_way(shop):
    """Each permission refers to the environment, and each gives it its next version."""
    other = await shop.add_environment("test")
    environments = [shop.production, other["id"]]
    path = f"/mr-api/portfolio/{shop.portfolio}/service-account"
    known = [await shop.add_account(f"old-{number}") for number in range(6)]
    [before] = await shop.sql(_DEADLOCKS)
    statuses = []

    def granted(number, roles):
        """Return permissions everywhere, named in one order or the other."""
        order = environments if number % 2 else environments[::-1]
        return [{"environmentId": one, "permissions": roles} for one in order]

    async def create(number):
        body = {"name": f"new-{number}", "permissions": granted(number, ["READ"])}
        statuses.append((await shop.api("POST", path, body)).status)

    async def update(number):
        body = {**known[number], "permissions": granted(number, ["CHANGE_VALUE"])}
        statuses.append((await shop.api("PUT", path, body)).status)

    with capture_logs() as logs, trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(create, number)
                nursery.start_soon(update, number)
    assert statuses == [200] * 12
    assert [entry for entry in logs if entry["event"] == "transaction_repeated"] == []
    [after] = await shop.sql(_DEADLOCKS)
    assert after["deadlocks"] == before["deadlocks"]
    permissions = await shop.sql("SELECT FROM service_account_permission")
    assert len(permissions) == 24
    versions = await shop.sql("SELECT DISTINCT version FROM environment")
    assert len(versions) == 1
