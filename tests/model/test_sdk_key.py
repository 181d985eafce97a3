from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

ENVIRONMENT = EnvironmentId(UUID(int=1))


def test_a_star_means_that_the_sdk_applies_the_strategies() -> None:
    assert SdkKey(ENVIRONMENT, "a*b").client_evaluated
    assert not SdkKey(ENVIRONMENT, "ab").client_evaluated


@given(secret=st.text(alphabet="ghijklmn", min_size=5, max_size=100))
def test_no_way_of_showing_a_key_tells_more_than_four_characters(secret: str) -> None:
    key = SdkKey(ENVIRONMENT, secret)
    for shown in (key.masked, repr(key), str(key), f"{key}", f"{(key,)!r}"):
        assert secret[:4] in shown
        assert secret[:5] not in shown


def test_keys_are_values() -> None:
    assert {SdkKey(ENVIRONMENT, "a"), SdkKey(ENVIRONMENT, "a")} == {SdkKey(ENVIRONMENT, "a")}
    assert SdkKey(ENVIRONMENT, "a") != SdkKey(ENVIRONMENT, "A")
