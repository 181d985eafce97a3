"""Official SDKs, a browser and curl over TLS, as they come."""

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fh.http.key_pair import KeyPairFiles
from tests.e2e.admin import Admin, Project
from tests.e2e.party import LONG_STREAMS, Kind, Party
from tests.e2e.server import PartyServer
from tests.e2e.wire import Wire, poll_target
from tests.http.certificates import trusting, write_pair

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, slots=True)
class SecureParty:
    party: Party
    files: KeyPairFiles


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureParty]:
    """A party-server that speaks TLS, and an administrator who does so over HTTP/2."""
    directory = tmp_path_factory.mktemp("secure")
    files = write_pair(directory)
    names = {
        "SERVER_TLS_CERTIFICATE": str(files.certificate),
        "SERVER_TLS_KEY": str(files.key),
    }
    server = PartyServer(directory, {**LONG_STREAMS, **names})
    try:
        server.start()
        server.url = f"https://localhost:{server.port}"
        with Admin(server.url, trusting(files)) as admin:
            admin.sign_in()
            yield SecureParty(Party(server, admin), files)
        assert server.stop() == 0, server.log()
        server.assert_log_is_clean()
    finally:
        server.discard()


@pytest.fixture
def project(secure: SecureParty) -> Project:
    return secure.party.admin.new_project()


def test_the_admin_api_speaks_http2(secure: SecureParty) -> None:
    answer = secure.party.admin.request("GET", "/mr-api/portfolio")
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")


def test_an_sdk_sees_values_and_changes(secure: SecureParty, project: Project, kind: Kind) -> None:
    project.create("flag", "BOOLEAN", False)
    trusted = str(secure.files.certificate)
    environment = {
        **kind.sdk.environment,
        "NODE_EXTRA_CA_CERTS": trusted,
        "SSL_CERT_FILE": trusted,
        "REQUESTS_CA_BUNDLE": trusted,
    }
    trusting_kind = dataclasses.replace(
        kind, sdk=dataclasses.replace(kind.sdk, environment=environment)
    )
    with trusting_kind.connect(secure.party, project) as sdk:
        sdk.wait_value("flag", False)
        project.save("flag", valueBoolean=True)
        sdk.wait_value("flag", True)


def test_plain_requests_are_told_to_come_with_tls(secure: SecureParty, project: Project) -> None:
    with Wire(secure.party.server.port) as wire:
        answer = wire.ask("GET", poll_target(project.client_key))
    assert answer.status == 400
    assert "https" in json.loads(answer.body)["detail"]


def curl(secure: SecureParty, *options: str) -> str:
    program = shutil.which("curl")
    if program is None or "HTTP2" not in subprocess.check_output([program, "-V"], text=True):
        pytest.skip("no curl that speaks HTTP/2")
    command = [program, "--silent", "--show-error", "--cacert", str(secure.files.certificate)]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode in {0, _TIMED_OUT}, done.stderr
    return done.stdout


_TIMED_OUT = 28


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_curl_polls_and_follows(secure: SecureParty, project: Project, version: str) -> None:
    project.create("flag", "BOOLEAN", True)
    url = secure.party.server.url
    known = f"--http{version}"
    written = "%{http_version} %{http_code}"
    target = url + poll_target(project.server_key)
    answer = curl(secure, known, "--write-out", written, "--output", "/dev/null", target)
    assert answer == f"{version} 200"
    stream = curl(
        secure, known, "--no-buffer", "--max-time", "2", f"{url}/features/{project.server_key}"
    )
    assert stream.startswith("event: ack\n")
    assert "event: features\n" in stream
