"""What the tests of TLS and HTTP/2 share."""

import ssl
from collections.abc import Iterator

import pytest
import structlog.testing

from fh.http.key_pair import KeyPairFiles, load_key_pair
from tests.http.certificates import trusting, write_pair


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> KeyPairFiles:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def context(files: KeyPairFiles) -> ssl.SSLContext:
    return load_key_pair(files).context


@pytest.fixture
def h1(files: KeyPairFiles) -> ssl.SSLContext:
    return trusting(files, "http/1.1")


@pytest.fixture
def h2(files: KeyPairFiles) -> ssl.SSLContext:
    return trusting(files, "h2", "http/1.1")


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Whatever clients do, nothing is logged that an operator would have to look at."""
    expected: list[str] = []
    with structlog.testing.capture_logs() as logs:
        yield expected
    loud = [line["event"] for line in logs if line["log_level"] not in {"debug", "info"}]
    assert loud == expected
    assert expected or not [line for line in logs if "exc_info" in line]
