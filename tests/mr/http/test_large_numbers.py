import pytest

from tests.mr.hostile.bodies import numbers, with_number

SIZES = [2**63, -(2**63) - 1, 2**64, -(2**70)]


@pytest.mark.parametrize("number", SIZES)
async def test_no_value_has_such_a_version(shop, number):
    await shop.add_feature("title", "STRING")
    first = (await shop.put_value("title", {"valueString": "x", "locked": False})).body
    sent = with_number({**first, "valueString": "y"}, ("version",), number)
    everywhere = f"/mr-api/application/{shop.application}/feature-environments/title"
    for path, body in (
        (shop.value_path("title"), sent),
        (f"/mr-api/features/{shop.production}", b"[" + sent + b"]"),
        (everywhere, b"[" + sent + b"]"),
    ):
        answer = await shop.api("PUT", path, body)
        assert answer.status == 409, (path, answer)
    assert (await shop.api("GET", shop.value_path("title"))).body["version"] == 1


@pytest.mark.parametrize("number", SIZES)
async def test_no_strategy_has_such_a_percentage(shop, number):
    await shop.add_feature("title", "STRING")
    strategy = {"name": "s", "percentage": 1, "value": "x", "attributes": []}
    bodies = {
        ("PUT", shop.value_path("title")): {
            "key": "title",
            "locked": False,
            "rolloutStrategies": [strategy],
        },
        ("POST", f"/mr-api/application/{shop.application}/strategy"): strategy,
        ("POST", f"/mr-api/application/{shop.application}/rollout-strategy-validation"): {
            "customStrategies": [strategy]
        },
    }
    for (method, path), body in bodies.items():
        [place] = [one for one in numbers(body) if one[-1] == "percentage"]
        answer = await shop.api(method, path, with_number(body, place, number))
        assert answer.status < 500, (path, answer)
        assert answer.status >= 400 or "validation" in path, (path, answer)
