import trio


async def _all_at_once(*requests):
    """Send requests at the same time; return their answers in order."""
    answers: dict[int, object] = {}

    async def one(index: int, request) -> None:
        answers[index] = await request

    async with trio.open_nursery() as nursery:
        for index, request in enumerate(requests):
            nursery.start_soon(one, index, request)
    return [answers[index] for index in range(len(requests))]


async def test_of_many_who_change_one_value_at_once_one_succeeds(shop):
    await shop.add_feature("title", "STRING")
    first = (await shop.put_value("title", {"valueString": "x", "locked": False})).body
    answers = await _all_at_once(
        *(shop.put_value("title", {**first, "valueString": f"y{number}"}) for number in range(6))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert (await shop.api("GET", shop.value_path("title"))).body["version"] == 2


async def test_of_many_who_write_the_first_value_at_once_one_succeeds(shop):
    await shop.add_feature("title", "STRING")
    answers = await _all_at_once(
        *(shop.put_value("title", {"valueString": f"{n}", "locked": False}) for n in range(6))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]


async def test_an_update_is_never_announced_after_the_farewell(shop):
    for attempt in range(5):
        key = f"feature-{attempt}"
        await shop.add_feature(key, "STRING")
        await shop.announced()
        await _all_at_once(
            shop.put_value(key, {"valueString": "x", "locked": False}),
            shop.api("DELETE", f"{shop.features_path}/{key}"),
            shop.put_value(key, {"valueString": "y", "locked": False}),
        )
        events = await shop.announced()
        assert events[-1][1]["features"][0]["action"] == "DELETE"


async def test_every_switch_gets_a_value_in_every_environment(shop):
    await _all_at_once(
        *(shop.add_environment(f"env-{number}") for number in range(4)),
        *(shop.add_feature(f"switch-{number}") for number in range(4)),
    )
    [row] = await shop.sql("SELECT count(*) FROM feature_value")
    assert row[0] == 5 * 4
    [row] = await shop.sql("SELECT count(DISTINCT prior_environment_id) FROM environment")
    assert row[0] == 4  # one chain
