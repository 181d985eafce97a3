"""What a role does not give back is noticed, and what a new process takes is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.role_process import RoleProcess
from tests.faults.footprint import Footprint, grown

BEFORE = Footprint(pid=7, resident_bytes=50_000_000, descriptors=30, tasks=4)


@pytest.fixture
def role(tmp_path: Path) -> RoleProcess:
    return RoleProcess("dacha", tmp_path)


@pytest.mark.parametrize(
    "after",
    [
        replace(BEFORE, resident_bytes=100_000_000),
        replace(BEFORE, descriptors=60),
        replace(BEFORE, tasks=20),
    ],
)
def test_what_has_grown_is_told(role: RoleProcess, after: Footprint) -> None:
    assert len(list(grown({role: BEFORE}, {role: after}))) == 1
    assert not list(grown({role: BEFORE}, {role: replace(after, pid=8)}))


def test_a_little_more_is_no_growth(role: RoleProcess) -> None:
    after = Footprint(pid=7, resident_bytes=55_000_000, descriptors=33, tasks=5)
    assert not list(grown({role: BEFORE}, {role: after}))
