"""The document that is served says what the contract says, operation by operation.

What differs is listed in `facts/differences.txt`, line by line, each `name: what  # why`. A line
that no longer holds has to go: the list only ever says what is missing.
"""

from functools import cache
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from fh.http.info import info_routes
from fh.http.openapi import openapi_document
from fh.mr.http.app import create_mr_app, mr_routes
from fh.mr.http.contract import mr_contract
from fh.mr.settings import MrSettings
from tests.mr.contract.answers import NoDatabase
from tests.mr.contract.compared import Comparison
from tests.mr.contract.typed import differences, enumerations, operations, reasons, schemas

TYPED = operations()
KNOWN = differences()


@cache
def document() -> dict[str, Any]:
    routes = [*mr_routes(NoDatabase(), MrSettings()), *info_routes("mr")]
    return msgspec.json.decode(msgspec.json.encode(openapi_document(routes, mr_contract(()))))


@cache
def found() -> dict[str, set[str]]:
    return Comparison(document()).run()


def test_all_operations_are_typed():
    assert len(TYPED) == 103


def test_what_is_typed_holds_together():
    known = schemas().keys() | enumerations().keys()
    scalars = {"str", "email", "bool", "int", "long", "num", "uuid", "datetime", "map<str,str>"}
    scalars |= {"any", "RolloutStrategyArrayType", "map<str,IdentityProviderInfo>"}
    mentioned = {member.kind.name for one in schemas().values() for member in one.values()}
    for operation in TYPED.values():
        kinds = [operation.body, operation.answer, *(member.kind for member in operation.query)]
        mentioned |= {kind.name for kind in kinds if kind is not None}
    assert mentioned - scalars - known == set()


@pytest.mark.parametrize("name", TYPED)
def test_an_operation_is_as_in_the_contract(name):
    assert found().get(name, set()) == KNOWN.get(name, set())


def test_schemas_are_as_in_the_contract():
    def about_schemas(all_of_them):
        return {
            f"{name}: {what}"
            for name, faults in all_of_them.items()
            for what in faults
            if name not in TYPED
        }

    differing, listed = about_schemas(found()), about_schemas(KNOWN)
    assert sorted(differing - listed) == [], "not in the contract, and not listed"
    assert sorted(listed - differing) == [], "listed, but as in the contract by now"


def test_every_difference_has_its_reason():
    assert [line for line, reason in reasons().items() if not reason] == []


def test_every_operation_is_documented_once():
    names = [
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    ]
    assert len(names) == len(set(names))


def test_every_refusal_that_is_declared_belongs_to_an_operation():
    contract = mr_contract(())
    named = {
        *contract.refused,
        *(end for one in contract.links for end in (one.source, one.target)),
    }
    ours = {name for name, faults in differences().items() if "is not in the contract" in faults}
    assert named - TYPED.keys() - ours == set()


async def test_the_document_is_served_to_everybody():
    app = create_mr_app(NoDatabase(), MrSettings(), registry=CollectorRegistry(), name="mr")
    answer = await app.test_client().get("/openapi.json")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert msgspec.json.decode(await answer.get_data()) == document()


async def test_below_a_context_root_paths_stay_and_the_server_moves():
    settings = MrSettings(root=("flags",))
    app = create_mr_app(NoDatabase(), settings, registry=CollectorRegistry(), name="mr")
    for path in ("/flags/openapi.json", "/openapi.json"):
        answer = msgspec.json.decode(await (await app.test_client().get(path)).get_data())
        assert answer["servers"] == [{"url": "/flags"}]
        assert answer["paths"] == document()["paths"]
