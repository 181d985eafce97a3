from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from fh.dacha.http_truth import HttpTruth
from fh.http.health import HealthChecks
from fh.http.info import info_routes
from fh.http.operations import operations_routes
from fh.http.routing import Parameter, Request, Route, below, refuse_namesakes
from fh.http.truth_api import truth_routes


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


def test_below_a_root_everything_moves_and_some_stay_where_they_were_too():
    moves = Route("GET", "/a/{key}", "a", nothing, tag="T")
    stays = Route("GET", "/", "here", nothing, tag="T", stays=True)
    assert below((), [moves, stays]) == [moves, stays]
    moved = below(("x", "y"), [moves, stays])
    assert [each.path for each in moved] == ["/x/y/a/{key}", "/x/y/", "/"]
    assert moved[0].segments == ("x", "y", "a", Parameter("key", is_uuid=False))
    assert moved[1].segments == ("x", "y")


def test_operators_and_caches_find_what_they_ask_for_below_no_root_too():
    truth = HttpTruth("http://mr")
    stay = [
        *operations_routes(HealthChecks(), CollectorRegistry()),
        *truth_routes(truth, truth, ()),
    ]
    assert all(route.stays for route in stay)
    assert not any(route.stays for route in info_routes("edge"))


def test_an_operation_id_names_one_operation_however_often_it_is_mounted():
    async def other(_: Request[None, None, None]) -> None: ...

    stays = Route("GET", "/a", "a", nothing, tag="T", stays=True)
    refuse_namesakes(below(("x",), [stays]))
    for namesake in (
        Route("GET", "/b", "a", other, tag="T"),
        Route("PUT", "/a", "a", nothing, tag="T"),
    ):
        with pytest.raises(AssertionError, match="a is both GET /a and"):
            refuse_namesakes([stays, namesake])
