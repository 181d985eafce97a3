from uuid import UUID

import pytest

from fh.http.routing import Parameter, Request, Route


async def nothing(_: Request[None, None, None]) -> None: ...


def test_a_template_is_cut_into_text_and_parameters():
    route = Route("GET", "/a/{app_id:uuid}/b/{key}", "op", nothing, tag="T")
    assert route.segments == ("a", Parameter("app_id", True), "b", Parameter("key", False))


def test_a_segment_is_either_text_or_a_parameter():
    with pytest.raises(AssertionError, match="mixes"):
        _ = Route("GET", "/a/x{id}", "op", nothing, tag="T").segments


def test_a_request_never_shows_its_token():
    request = Request(None, None, None, {"key": "k", "id": UUID(int=1)}, "::1", token="secret-42")
    assert "secret-42" not in repr(request)
    assert request.text("key") == "k"
    assert request.uuid("id") == UUID(int=1)


def test_asking_for_the_wrong_kind_of_parameter_is_a_bug():
    request = Request(None, None, None, {"key": "k", "id": UUID(int=1)}, "::1")
    with pytest.raises(AssertionError):
        request.text("id")
    with pytest.raises(AssertionError):
        request.uuid("key")
