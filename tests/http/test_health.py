import json

from fh.errors import Unavailable
from fh.http.health import PROBE_PATHS, HealthChecks, health_routes


async def yes() -> bool:
    return True


async def away() -> bool:
    raise Unavailable("gone fishing")


def test_without_checks_a_process_lives():
    status, body = HealthChecks().liveness()
    assert (status, json.loads(body)) == (200, {"checks": {}})


def test_one_dead_part_is_enough():
    checks = HealthChecks(liveness={"bus": lambda: False, "engine": lambda: True})
    status, body = checks.liveness()
    assert (status, json.loads(body)) == (500, {"checks": {"bus": False, "engine": True}})


async def test_readiness_may_wait_for_others():
    checks = HealthChecks(readiness={"database": yes, "bus": lambda: True})
    status, body = await checks.readiness()
    assert (status, json.loads(body)) == (200, {"checks": {"database": True, "bus": True}})


async def test_a_part_that_refuses_to_answer_is_not_ready():
    checks = HealthChecks(liveness={"self": lambda: True}, readiness={"database": away})
    status, body = await checks.readiness()
    assert (status, json.loads(body)) == (500, {"checks": {"database": False}})
    assert checks.liveness()[0] == 200


async def test_a_part_may_say_what_to_do():
    checks = HealthChecks(readiness={"upstream": lambda: "ask another one", "bus": yes})
    status, body = await checks.readiness()
    assert status == 500
    assert json.loads(body) == {
        "checks": {"upstream": False, "bus": True},
        "reasons": {"upstream": "ask another one"},
    }


async def test_a_process_that_is_held_is_alive_and_not_ready_whatever_its_parts_say():
    checks = HealthChecks(liveness={"edge": lambda: False}, readiness={"bus": yes})
    checks.hold("it is starting")
    assert checks.liveness()[0] == 200
    status, body = await checks.readiness()
    assert status == 500
    assert json.loads(body) == {
        "checks": {"bus": True, "process": False},
        "reasons": {"process": "it is starting"},
    }
    checks.release()
    assert checks.liveness()[0] == 500
    assert (await checks.readiness())[0] == 200


def test_probes_need_no_login_and_the_misspelt_one_is_there():
    routes = health_routes(HealthChecks())
    assert [route.path for route in routes] == [
        "/",
        "/health/liveness",
        "/health/readiness",
        "/health/readyness",
    ]
    assert not any(route.authenticated for route in routes)


def test_the_paths_of_probes_are_all_that_is_served():
    assert {route.path for route in health_routes(HealthChecks())} == PROBE_PATHS
