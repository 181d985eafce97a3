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


@pytest.mark.parametrize("number", [b"1e-380", b"-5e-324", b"1e308", b"0e-390"])
async def test_a_number_in_a_rule_can_be_sent_back_as_it_is_kept(shop, sql, number):
    await shop.add_feature("title", "STRING")
    rule = b'{"fieldName":"a","conditional":"EQUALS","type":"NUMBER","values":[' + number + b"]}"
    strategies = b'[{"name":"one","value":"x","attributes":[' + rule + b"]}]"
    start = b'{"key":"title","locked":false,'
    body = start + b'"rolloutStrategies":' + strategies + b"}"
    first = await shop.api("PUT", shop.value_path("title"), body)
    assert first.status == 200, first
    [[kept]] = await sql("SELECT rollout_strategies::text FROM feature_value")
    start += f'"id":"{first.body["id"]}","version":1,'.encode()
    body = start + b'"rolloutStrategies":' + kept.encode() + b"}"
    again = await shop.api("PUT", shop.value_path("title"), body)
    assert (again.status, again.body["version"]) == (200, 1)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (b"1e400", "The number is too large."),
        (b"1e-16383", "The number has too many digits."),
        (b"1e-20000", "The number has too many digits."),
    ],
)
async def test_a_number_in_a_strategy_is_refused_where_it_stands(shop, number, reason):
    await shop.add_feature("size", "NUMBER")
    rule = b'{"fieldName":"a","conditional":"EQUALS","type":"NUMBER","values":[' + number + b"]}"
    validation = f"/mr-api/application/{shop.application}/rollout-strategy-validation"
    for strategy, member in (
        (b'{"name":"one","value":' + number + b"}", "value"),
        (b'{"name":"one","value":1,"attributes":[' + rule + b"]}", "attributes[0].values"),
    ):
        body = b'{"key":"size","locked":false,"rolloutStrategies":[' + strategy + b"]}"
        saved = await shop.api("PUT", shop.value_path("size"), body)
        judged = await shop.api("POST", validation, b'{"customStrategies":[' + strategy + b"]}")
        for answer in (saved, judged):
            assert answer.status == 400, answer
            assert answer.body["field"] == f"rolloutStrategies[0].{member}"
            assert answer.body["detail"] == reason
