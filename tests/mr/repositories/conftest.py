"""An application with an environment and a feature, for statements that are run directly."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from fh.mr.access import PersonType
from fh.mr.repositories.access import load_caller


@dataclass
class Place:
    caller: Any
    portfolio: UUID
    application: UUID
    environment: UUID


@pytest.fixture
async def place(superuser, sql, database) -> Place:
    portfolio = (await superuser("GET", "/mr-api/portfolio")).body[0]["id"]
    application = await superuser(
        "POST",
        f"/mr-api/portfolio/{portfolio}/application?includeEnvironments=true",
        {"name": "Shop", "description": ""},
    )
    await superuser(
        "POST",
        f"/mr-api/application/{application.body['id']}/features",
        {"key": "title", "name": "Title", "valueType": "STRING"},
    )
    [person] = await sql("SELECT id FROM person")
    caller = await database.transaction(lambda tx: load_caller(tx, person["id"], PersonType.PERSON))
    environment = application.body["environments"][0]["id"]
    return Place(caller, UUID(portfolio), UUID(application.body["id"]), UUID(environment))
