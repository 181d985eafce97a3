import pytest

from fh.mr.errors import VersionConflict, VersionMissing
from fh.mr.versions import check_version


def test_whoever_read_the_newest_may_go_on():
    check_version("feature", 3, 3)


@pytest.mark.parametrize("sent", [0, 2, 4, -1])
def test_another_version_is_a_conflict(sent):
    with pytest.raises(VersionConflict, match="The feature was changed since you read it") as found:
        check_version("feature", sent, 3)
    assert not isinstance(found.value, VersionMissing)


def test_a_version_that_is_missing_is_asked_for():
    with pytest.raises(VersionMissing, match="Send the version that you read") as found:
        check_version("feature", None, 3)
    assert isinstance(found.value, VersionConflict)  # and has the status of one
