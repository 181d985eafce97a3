"""Whether an answer is one that the document promises."""

from functools import cache
from typing import Any

import jsonschema
import msgspec

from fh.http.openapi import openapi_document
from fh.http.table import BadIdentifier, Matched, RouteTable
from fh.mr.http.app import mr_routes
from fh.mr.http.contract import mr_contract
from fh.mr.settings import MrSettings


class NoDatabase:
    async def transaction(self, work: Any, *, read_only: bool = False) -> Any:
        raise AssertionError("nobody should ask")


@cache
def document() -> dict[str, Any]:
    made = openapi_document(mr_routes(NoDatabase(), MrSettings()), mr_contract(()))
    return msgspec.json.decode(msgspec.json.encode(made))


@cache
def _operations() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for methods in document()["paths"].values()
        for operation in methods.values()
    }


@cache
def _table() -> RouteTable:
    return RouteTable(mr_routes(NoDatabase(), MrSettings()))


@cache
def _validator(operation_id: str, status: int) -> jsonschema.Draft202012Validator | None:
    content = _operations()[operation_id]["responses"][str(status)].get("content", {})
    if (media := content.get("application/json")) is None:
        return None
    whole = media["schema"] | {"components": document()["components"]}
    return jsonschema.Draft202012Validator(whole)


def check(method: str, path: str, status: int, body: Any) -> None:
    """Fail unless the operation documents this status and a body like this one."""
    match _table().match(method, path.partition("?")[0].encode()):
        case Matched(route) | BadIdentifier(route):
            operation_id = route.operation_id
        case _:
            return
    documented = _operations()[operation_id]["responses"]
    assert str(status) in documented, (
        f"{operation_id} answered {status}, which fh/mr/http/contract.py does not list: {body}"
    )
    if (
        isinstance(body, bytes)
        and body
        and "text/plain" in documented[str(status)].get("content", {})
    ):
        return
    if (validator := _validator(operation_id, status)) is None:
        assert not body, f"{operation_id} answered {status} with a body: {body}"
        return
    fault = jsonschema.exceptions.best_match(validator.iter_errors(body))
    assert fault is None, f"{operation_id} answered {status}: {fault.json_path}: {fault.message}"
