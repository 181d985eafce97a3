"""What the end-to-end tests share: the installed SDKs and one party-server."""

from collections.abc import Iterator

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party, open_party
from tests.e2e.sdk_process import Mode
from tests.e2e.sdks import InstalledSdk, install_node_sdk, install_python_sdk

KINDS = [
    (sdk, mode, evaluation)
    for sdk in ("node", "python")
    for mode in Mode
    for evaluation in ("client", "server")
]


@pytest.fixture(scope="session")
def node_sdk() -> InstalledSdk:
    return install_node_sdk()


@pytest.fixture(scope="session")
def python_sdk() -> InstalledSdk:
    return install_python_sdk()


@pytest.fixture(params=KINDS, ids=[f"{name}-{mode.value}-{who}" for name, mode, who in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each way of using each SDK, one after another."""
    name, mode, evaluation = request.param
    return Kind(request.getfixturevalue(f"{name}_sdk"), mode, evaluation)


@pytest.fixture
def kinds(node_sdk: InstalledSdk, python_sdk: InstalledSdk) -> list[Kind]:
    """Every way of using every SDK, all at once."""
    sdks = {"node": node_sdk, "python": python_sdk}
    return [Kind(sdks[name], mode, evaluation) for name, mode, evaluation in KINDS]


@pytest.fixture(scope="session")
def shared_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with open_party(tmp_path_factory.mktemp("party")) as party:
        yield party


@pytest.fixture
def party(shared_party: Party) -> Iterator[Party]:
    """The shared server; a test that makes it log an error fails."""
    mark = shared_party.server.log_length()
    yield shared_party
    shared_party.server.assert_log_is_clean(since=mark)


@pytest.fixture
def project(party: Party) -> Project:
    """An application of the test's own."""
    return party.admin.new_project()
