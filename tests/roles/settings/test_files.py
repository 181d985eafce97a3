from pathlib import Path

import pytest

from fh.config import ConfigurationFaults
from fh.roles.settings.files import read_files

COMMON = "etc/common-config/common.properties"
APPLICATION = "etc/app-config/application.properties"
SECRETS = "etc/app-config/secrets.properties"


def write(root: Path, name: str, text: str) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_without_any_there_is_nothing(tmp_path: Path) -> None:
    assert read_files(None, root=tmp_path) == {}


def test_of_two_files_that_tell_the_same_property_the_later_counts(tmp_path: Path) -> None:
    own = write(tmp_path, "own.properties", "d=own\n")
    write(tmp_path, SECRETS, "c=secrets\nd=secrets\n")
    write(tmp_path, APPLICATION, "b=application\nc=application\nd=application\n")
    write(tmp_path, COMMON, "a=common\nb=common\nc=common\nd=common\n")
    found = read_files(own, root=tmp_path)
    assert found == {"a": "common", "b": "application", "c": "secrets", "d": "own"}
    assert read_files(None, root=tmp_path)["d"] == "secrets"


def test_one_that_can_not_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / APPLICATION).mkdir(parents=True)
    with pytest.raises(ConfigurationFaults, match=r"application\.properties: can't be read"):
        read_files(None, root=tmp_path)


def test_one_s_own_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFaults, match=r"own\.properties"):
        read_files(tmp_path / "own.properties", root=tmp_path)
