"""Whatever fits the document, and much that does not: never 5xx, never a status that is not listed.

`FH_API_FUZZ_SECONDS` is how long it is tried; where nothing is said, every operation once and a few
chains of them.
"""

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.mr.hostile.callers import CALLERS, tokens
from tests.mr.stateful.world import open_world
from tests.mr.turns import seconds_for, turns

CHAINS = 2
SECONDS = seconds_for("FH_API_FUZZ_SECONDS")
SECONDS_EACH = SECONDS / len(CALLERS) / 2
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
# They would end the very session that asks, lock an account for a while, or set up a second time.
LEFT_OUT = ["logout", "login", "setupSiteAdmin", "deletePerson", "updatePerson", "updatePersonV2"]
QUICK = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(SECONDS + 300)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("party")
    with open_world(directory) as world:
        yield world, tokens(directory, world.token)


@pytest.fixture(params=CALLERS)
def schema(world, request):
    server, known = world
    made = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    made.config.update(base_url=server.url)
    headers = {"Authorization": f"Bearer {known[request.param]}"}
    return made.exclude(operation_id=LEFT_OUT), headers


def test_single_requests(schema):
    api, headers = schema
    operations = [one.ok() for one in api.get_all_operations()]
    assert len(operations) > 35
    for turn in turns(1, SECONDS_EACH):
        for operation in operations:

            @settings(QUICK, max_examples=6)
            @given(case=operation.as_strategy())
            def try_it(case):
                case.call_and_validate(headers=headers, checks=CHECKS)

            (try_it if turn is None else seed(turn)(try_it))()


def test_one_request_leads_to_another(schema):
    """What is made is read, changed and deleted, as the links of the document say."""
    api, headers = schema
    seen: Counter[str] = Counter()
    made = api.as_state_machine()

    class Following(made):
        def get_call_kwargs(self, case):
            return {"headers": headers}  # schemathesis calls it for each request

        def validate_response(self, response, case, additional_checks=(), **kwargs):
            seen[case.operation.label] += 1
            case.validate_response(response, headers=headers, checks=CHECKS)

    for turn in turns(CHAINS, SECONDS_EACH):
        (Following if turn is None else seed(turn)(Following)).run(
            settings=settings(QUICK, max_examples=5, stateful_step_count=8)
        )
    assert seen.total() > 0
