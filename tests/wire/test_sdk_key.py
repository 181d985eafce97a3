from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey
from fh.wire.sdk_key import MalformedKey, parse_key, parse_parts

ENVIRONMENT = "95f6c09a-20e7-41e2-9014-1421682b71b1"
SECRET = "aB3" * 10 + "*" + "x9" * 10

SECRETS = st.from_regex(r"\A[A-Za-z0-9*]{1,100}\Z")


def key(secret: str = SECRET) -> SdkKey:
    return SdkKey(EnvironmentId(UUID(ENVIRONMENT)), secret)


@given(environment=st.uuids(), secret=SECRETS, cache=st.text(max_size=9))
def test_both_forms_name_the_same_key(environment: UUID, secret: str, cache: str) -> None:
    expected = SdkKey(EnvironmentId(environment), secret)
    assert parse_parts([str(environment), secret]) == expected
    assert parse_parts([cache, str(environment), secret]) == expected
    assert parse_key(f"{environment}/{secret}") == expected


def test_an_environment_in_capitals_is_the_same() -> None:
    assert parse_key(f"{ENVIRONMENT.upper()}/{SECRET}") == key()


@pytest.mark.parametrize("parts", [[], [ENVIRONMENT], ["a", "b", ENVIRONMENT, SECRET], ["", ""]])
def test_another_number_of_parts_is_no_key(parts: list[str]) -> None:
    with pytest.raises(MalformedKey):
        parse_parts(parts)


@pytest.mark.parametrize(
    "environment",
    [
        "",
        "default",
        "x" * 36,
        ENVIRONMENT.replace("-", ""),
        f"{{{ENVIRONMENT[:-2]}}}",
        f"{{{ENVIRONMENT.replace('-', '')}}}--",
        f"{ENVIRONMENT[:-2]}_1",
        f"{ENVIRONMENT[:-1]}\uff11",
        f"{ENVIRONMENT.replace('-', '')}----",
        f"urn:uuid:{ENVIRONMENT}"[:36],
        f"{ENVIRONMENT} ",
        ENVIRONMENT.replace("-", "\u2010"),
    ],
)
def test_a_fault_in_the_environment_is_told_apart(environment: str) -> None:
    with pytest.raises(MalformedKey) as caught:
        parse_parts([environment, SECRET])
    assert caught.value.in_environment


@pytest.mark.parametrize(
    "secret",
    ["", "x" * 101, "a b", "a;b", "a,b", 'a"b', "a'b", "a\tb", "a\nb", "a\0b", "ä", "a\x7fb"],
)
def test_what_no_secret_holds_is_refused_and_is_no_fault_of_the_environment(secret: str) -> None:
    with pytest.raises(MalformedKey) as caught:
        parse_parts([ENVIRONMENT, secret])
    assert not caught.value.in_environment


@given(text=st.one_of(st.text(max_size=60), st.text(max_size=60).map(quote)))
def test_any_other_text_is_refused_without_showing_it(text: str) -> None:
    marked = f"{ENVIRONMENT}/{text}\0marked-secret"
    with pytest.raises(MalformedKey) as caught:
        parse_key(marked)
    shown = f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"
    assert "marked-secret" not in shown
    assert caught.value.__cause__ is None


def test_a_wrong_environment_is_not_shown_either() -> None:
    # Someone may have put the secret first.
    with pytest.raises(MalformedKey) as caught:
        parse_parts([SECRET, ENVIRONMENT])
    assert SECRET not in f"{caught.value!s} {caught.value!r}"
    assert caught.value.__context__ is None
