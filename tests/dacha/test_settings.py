from dataclasses import FrozenInstanceError

import pytest

from fh.dacha.settings import DachaSettings


def test_the_sizes_are_upstreams_unless_set():
    settings = DachaSettings(accounts=5)
    assert settings.environments == settings.environment_misses == settings.account_misses == 10_000
    assert settings.accounts == 5
    with pytest.raises(FrozenInstanceError):
        settings.accounts = 6
