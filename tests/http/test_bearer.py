import pytest

from fh.http.bearer import bearer_token


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bEARER abc", "abc"),
        ("Bearer ", None),
        ("Bearer a b", None),
        ("Bearer  a", None),
        ("Basic abc", None),
        ("", None),
        (None, None),
    ],
)
def test_the_token_is_all_that_follows_the_scheme(header: str | None, token: str | None) -> None:
    assert bearer_token(header) == token
