"""Sets a first flag up over the admin API, and flips it. Needs nothing but Python.

    python3 examples/admin.py setup     organisation, application, flag; prints the SDK keys
    python3 examples/admin.py flip      turns the flag the other way

FH_URL is the server's address (http://localhost:8085).
"""

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

URL = os.environ.get("FH_URL", "http://localhost:8085")
CREDENTIALS = {"email": "you@example.org", "password": "a long password"}
FLAG = "NEW_MENU"


def call(method: str, path: str, body: object = None, token: str = "") -> Any:
    """Send one request to the admin API and return the JSON of the answer."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{URL}/mr-api{path}", data, headers, method=method)  # noqa: S310  URL is the reader's own
    with urlopen(request) as answer:  # noqa: S310  as above
        return json.load(answer)


def log_in() -> str:
    """Return an access token; the first time, create the organisation and its superuser."""
    try:
        signed_in = call("POST", "/login", CREDENTIALS)
    except HTTPError as refused:
        refused.close()
        signed_in = call(
            "POST",
            "/initialize",
            {
                "organizationName": "Example",
                "portfolio": "First portfolio",
                "name": "You",
                "emailAddress": CREDENTIALS["email"],
                "password": CREDENTIALS["password"],
            },
        )
    return str(signed_in["accessToken"])


def set_up(token: str) -> None:
    """Create an application with a flag, and a service account that may read it."""
    [portfolio] = call("GET", "/portfolio", token=token)
    application = call(
        "POST",
        f"/portfolio/{portfolio['id']}/application?includeEnvironments=true",
        {"name": "Shop", "description": "The shop"},
        token,
    )
    [production] = application["environments"]
    call(
        "POST",
        f"/application/{application['id']}/features",
        {"key": FLAG, "name": "The new menu", "valueType": "BOOLEAN"},
        token,
    )
    account = call(
        "POST",
        f"/portfolio/{portfolio['id']}/service-account?includePermissions=true",
        {
            "name": "shop backend",
            "permissions": [{"environmentId": production["id"], "permissions": ["READ"]}],
        },
        token,
    )
    [permission] = account["permissions"]
    print("server-evaluated key:", permission["sdkUrlServerEval"])
    print("client-evaluated key:", permission["sdkUrlClientEval"])


def flip(token: str) -> None:
    """Turn the flag the other way in production, unlocking it if need be."""
    [portfolio] = call("GET", "/portfolio", token=token)
    path = f"/portfolio/{portfolio['id']}/application?includeEnvironments=true"
    [application] = call("GET", path, token=token)
    [production] = application["environments"]
    path = f"/features/{production['id']}/feature/{FLAG}"
    value = call("GET", path, token=token)
    value |= {"locked": False, "valueBoolean": not value["valueBoolean"]}
    changed = call("PUT", path, value, token)
    print(f"{FLAG} is now {changed['valueBoolean']}, version {changed['version']}")


if __name__ == "__main__":
    commands = {"setup": set_up, "flip": flip}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:  # noqa: PLR2004  a script and its command
        sys.exit(__doc__)
    try:
        commands[sys.argv[1]](log_in())
    except HTTPError as refused:
        with refused:
            sys.exit(f"The server refused with {refused.code}: {refused.read().decode()}")
    except URLError as away:
        sys.exit(f"The server at {URL} can't be reached: {away.reason}")
