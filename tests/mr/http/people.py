"""Acting on people, as the tests of several operations do."""

from typing import Any

NOBODY = "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"


async def identifier(api: Any) -> str:
    """Return who a client belongs to."""
    return (await api("GET", "/mr-api/person/self")).body["id"]["id"]


async def admin_group(superuser: Any, portfolio: str = "First Portfolio") -> str:
    """Return the admin group of a portfolio."""
    found = (await superuser("GET", "/mr-api/portfolio?includeGroups=true")).body
    [one] = [each for each in found if each["name"] == portfolio]
    return next(group["id"] for group in one["groups"] if group["admin"])


async def superusers_group(superuser: Any) -> str:
    """Return the group of the superusers."""
    return (await superuser("GET", "/mr-api/initialize")).body["organization"]["orgGroup"]["id"]


async def add_portfolio(superuser: Any, name: str) -> tuple[str, str]:
    """Create a portfolio; return it and its admin group."""
    answer = await superuser("POST", "/mr-api/portfolio", {"name": name})
    assert answer.status == 200, answer
    return answer.body["id"], answer.body["groups"][0]["id"]


async def invite(admin: Any, email: str = "ada@i.com", **more: Any) -> dict[str, Any]:
    """Invite somebody; return the answer."""
    body = {"email": email, "personType": "person"} | more
    answer = await admin("POST", "/mr-api/person", body)
    assert answer.status == 200, answer
    return answer.body


async def create_robot(admin: Any, name: str = "robot", **more: Any) -> dict[str, Any]:
    """Create an admin service account; return the answer."""
    body = {"name": name, "personType": "serviceAccount"} | more
    answer = await admin("POST", "/mr-api/person", body)
    assert answer.status == 200, answer
    return answer.body


async def register(stranger: Any, token: str, email: str = "ada@i.com", **more: Any) -> Any:
    """Register with an invitation."""
    details = {
        "name": "Ada",
        "email": email,
        "password": "correct horse",
        "confirmPassword": "correct horse",
        "registrationToken": token,
    }
    return await stranger("POST", "/mr-api/authentication", details | more)


async def groups_of(superuser: Any, who: str) -> list[str]:
    """Return the names of somebody's groups."""
    answer = await superuser("GET", f"/mr-api/person/{who}?includeGroups=true")
    assert answer.status == 200, answer
    return [group["name"] for group in answer.body["groups"]]
