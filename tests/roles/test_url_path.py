"""`featurehub.url-path`: a whole party-server below a path, probes also where they always are."""

from pathlib import Path

import pytest

from fh.roles.settings.listening import url_path
from tests.roles.test_split import a_flag, ask, build, listener, running, until_value

ROOT = "/flags/eu"


@pytest.mark.parametrize(
    ("given", "read"),
    [("/", "/"), ("/flags", "/flags"), ("/flags/", "/flags"), ("/a/b-c_d.e~f", "/a/b-c_d.e~f")],
)
def test_a_slash_at_the_end_does_not_count(given: str, read: str) -> None:
    assert url_path(given) == read


@pytest.mark.parametrize(
    "given", ["", "flags", "//", "/a//b", "/a?b", "/ä", "/..", "/a/.", "/a%2F"]
)
def test_a_path_has_plain_segments(given: str) -> None:
    with pytest.raises(ValueError, match="expected a path such as /flags"):
        url_path(given)


@pytest.mark.postgres
async def test_a_party_server_below_a_path(tmp_path: Path) -> None:
    monitor = listener()
    operators = monitor.getsockname()[1]
    server = build(
        "party-server",
        monitor=monitor,
        data_directory=tmp_path / "data",
        url_path=ROOT,
    )
    async with running(server):
        _, _, key = await a_flag(server.port, root=ROOT)
        await until_value(server.port, key, value=False, root=ROOT)
        status, version = await ask(server.port, f"{ROOT}/info/version")
        assert (status, version["name"]) == (200, "party-server")
        for path in ("/mr-api/initialize", f"/features?apiKey={key}", "/info/version", "/other"):
            assert (await ask(server.port, path))[0] == 404, path
        for port in (server.port, operators):
            assert await ask(port, "/") == (200, b"featurehub is here")
            assert await ask(port, ROOT) == (200, b"featurehub is here")
        for path in ("/metrics", "/health/readiness", "/health/readyness", "/health/liveness"):
            assert (await ask(operators, path))[0] == 200, path
            assert (await ask(operators, ROOT + path))[0] == 200, path
            assert (await ask(server.port, ROOT + path))[0] == 404, path
