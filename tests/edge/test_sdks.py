"""Which SDK a client says that it is, and the number that its streams carry."""

import pytest

from fh.edge.sdks import OTHER, Sdk, SdkNumbers, sdk_of
from fh.wire.http_head import RequestHead


def head(**headers: str) -> RequestHead:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return RequestHead("GET", "/", "", "1.1", named, keep_alive=True)


@pytest.mark.parametrize(
    ("headers", "sdk"),
    [
        ({}, OTHER),
        ({"x_sdk": "Python", "x_sdk_version": "1.2.3"}, Sdk("Python", "1.2.3")),
        ({"x_sdk": "Java Jersey 3"}, Sdk("Java Jersey 3", "")),
        ({"x_sdk": "Python", "user_agent": "okhttp/4.9"}, Sdk("Python", "")),
        ({"user_agent": "okhttp/4.9.1"}, Sdk("okhttp", "4.9.1")),
        ({"user_agent": "Mozilla/5.0 (X11; Linux) Gecko/20"}, Sdk("Mozilla", "5.0")),
        ({"user_agent": "curl"}, Sdk("curl", "")),
        ({"user_agent": "/1.0"}, OTHER),
        ({"x_sdk": "<script>"}, OTHER),
        ({"x_sdk": "a" * 41}, OTHER),
        ({"x_sdk": "Python", "x_sdk_version": "1\x001"}, Sdk("Python", "")),
    ],
)
def test_what_a_client_says_of_itself(headers: dict[str, str], sdk: Sdk) -> None:
    assert sdk_of(head(**headers)) == sdk


def test_an_sdk_keeps_its_number() -> None:
    numbers = SdkNumbers(set)
    python, java = Sdk("Python", "1"), Sdk("Java", "2")
    assert numbers.number(OTHER) == 0
    assert numbers.number(python) == numbers.number(python) != numbers.number(java)
    assert numbers.sdk(numbers.number(java)) == java
    assert numbers.sdk(99) == OTHER


def test_inventors_of_names_cost_a_bounded_memory_and_others_a_name_for_a_while() -> None:
    in_use = set(range(1, 6))
    looks: list[int] = []

    def look() -> set[int]:
        looks.append(len(in_use))
        return in_use

    numbers = SdkNumbers(look, most=5)
    for each in range(5):
        numbers.number(Sdk("evil", str(each)))
    assert [numbers.number(Sdk("Python", "1")) for _ in range(5)] == [0] * 5
    assert len(looks) == 1
    in_use.difference_update({2, 4})
    number = numbers.number(Sdk("Python", "1"))
    assert number in {2, 4}
    assert numbers.sdk(number) == Sdk("Python", "1")
    assert numbers.sdk(1) == Sdk("evil", "0")
