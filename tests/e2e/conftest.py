"""What the end-to-end tests share: the installed SDKs and one party-server."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from tests.e2e.admin import Project
from tests.e2e.browser import open_browser
from tests.e2e.party import Kind, Party, open_party, shape
from tests.e2e.sdk_process import Mode
from tests.e2e.sdks import InstalledSdk, install_node_sdk, install_python_sdk

SDKS = ("node", "python", "browser")
KINDS = [
    (sdk, mode, evaluation) for sdk in SDKS for mode in Mode for evaluation in ("client", "server")
]
POLLING_KINDS = [kind for kind in KINDS if kind[1] is Mode.POLL]

# These choose their deployment themselves, and so have nothing new to say of another shape.
collect_ignore = [] if shape() == "party" else ["test_split.py", "test_tls.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the time in which fixtures install and start things: they bound it themselves."""
    for item in items:
        if item.get_closest_marker("e2e") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(func_only=True))


def names_of(kinds: Sequence[tuple[str, Mode, str]]) -> list[str]:
    return [f"{sdk}-{mode.value}-{evaluation}" for sdk, mode, evaluation in kinds]


def wanted_kind(request: pytest.FixtureRequest) -> Kind:
    name, mode, evaluation = request.param
    return Kind(request.getfixturevalue(f"{name}_sdk"), mode, evaluation)


@pytest.fixture(scope="session")
def node_sdk() -> InstalledSdk:
    return install_node_sdk()


@pytest.fixture(scope="session")
def python_sdk() -> InstalledSdk:
    return install_python_sdk()


@pytest.fixture(scope="session")
def browser_sdk() -> Iterator[InstalledSdk]:
    with open_browser() as sdk:
        yield sdk


@pytest.fixture(params=KINDS, ids=names_of(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each way of using each SDK, one after another."""
    return wanted_kind(request)


@pytest.fixture(params=POLLING_KINDS, ids=names_of(POLLING_KINDS))
def polling(request: pytest.FixtureRequest) -> Kind:
    """As `kind`, but for streams."""
    return wanted_kind(request)


@pytest.fixture
def kinds(request: pytest.FixtureRequest) -> list[Kind]:
    """Every way of using every SDK, all at once."""
    sdks = {}
    for name in SDKS:
        # What is not to be had here is told by the tests that need just that.
        with suppress(pytest.skip.Exception):
            sdks[name] = request.getfixturevalue(f"{name}_sdk")
    if not sdks:
        pytest.skip("no SDK is to be had here")
    return [Kind(sdks[name], mode, who) for name, mode, who in KINDS if name in sdks]


@pytest.fixture(scope="session")
def shared_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with open_party(tmp_path_factory.mktemp("party")) as party:
        yield party


@pytest.fixture
def party(shared_party: Party) -> Iterator[Party]:
    """The shared server; a test that makes it log an error fails."""
    mark = shared_party.server.log_mark()
    yield shared_party
    shared_party.server.assert_log_is_clean(since=mark)


@pytest.fixture
def project(party: Party) -> Project:
    """An application of the test's own."""
    return party.admin.new_project()
