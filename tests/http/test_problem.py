import json

from fh.errors import FeatureHubError
from fh.http.problem import Problem, problem_of


class Refusal(FeatureHubError):
    def __init__(self):
        super().__init__("no such luck")
        self.field = "luck"
        self.retry_after_seconds = 7


def test_a_problem_is_json_without_nulls():
    problem = Problem(404, "There is no such group.")
    assert json.loads(problem.encode()) == {
        "status": 404,
        "title": "Not Found",
        "detail": "There is no such group.",
    }
    assert problem.content_type == "application/json"


def test_a_problem_can_be_plain_text():
    problem = Problem(401, text="Please login.")
    assert problem.encode() == b"Please login."
    assert problem.content_type.startswith("text/plain")


def test_a_refusal_lends_its_text_its_field_and_its_patience():
    problem = problem_of(Refusal(), 429)
    assert (problem.status, problem.detail, problem.field) == (429, "no such luck", "luck")
    assert problem.headers == {"Retry-After": "7"}


def test_a_refusal_may_have_nothing_to_say():
    problem = problem_of(FeatureHubError(), 409)
    assert json.loads(problem.encode()) == {"status": 409, "title": "Conflict"}
    assert problem.headers == {}


def test_a_text_for_our_own_eyes_is_replaced():
    class Inner(FeatureHubError):
        told = "It can't be."

    assert problem_of(Inner('violates constraint "person_pkey"'), 409).detail == "It can't be."
