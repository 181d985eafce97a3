import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    Client,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from msgspec import Raw, structs

from fh.edge.evaluation import FeatureStates
from fh.wire.context_header import NO_CONTEXT
from fh.wire.sdk_json import Evaluation, FeatureState

FRED: Mapping[str, tuple[str, ...]] = {"userkey": ("fred",)}
MARY: Mapping[str, tuple[str, ...]] = {"userkey": ("mary",)}


def state(
    feature: object, context: object, evaluation: Evaluation = Evaluation.SERVER
) -> FeatureState:
    states = FeatureStates(now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return states.state(feature, evaluation, context, extended_data=False)


def test_a_strategy_decides_for_those_who_meet_it_and_nobody_else() -> None:
    feature = targeted_at("userkey", "fred", b'"for fred"')
    fred, mary = state(feature, FRED), state(feature, MARY)
    assert (bytes(fred.value), fred.v) == (b'"for fred"', "rs1A")
    assert (bytes(mary.value), mary.v) == (b'"default"', None)
    assert fred.strategies is not feature.value.rollout_strategies


def test_an_sdk_that_evaluates_itself_gets_the_default_and_the_strategies() -> None:
    feature = targeted_at("userkey", "fred", b'"for fred"')
    sent = state(feature, FRED, Evaluation.CLIENT)
    assert (bytes(sent.value), sent.v) == (b'"default"', None)
    assert sent.strategies == feature.value.rollout_strategies


@pytest.mark.parametrize("value", [Raw(), Raw(b"null")])
def test_a_strategy_without_a_value_leaves_none(value: Raw) -> None:
    feature = targeted_at("userkey", "fred", b'"x"')
    [strategy] = feature.value.rollout_strategies
    strategies = (structs.replace(strategy, value=value),)
    feature = structs.replace(
        feature, value=structs.replace(feature.value, rollout_strategies=strategies)
    )
    sent = state(feature, FRED)
    assert (bytes(sent.value), sent.v) == (b"", "rs1A")


def test_a_changed_value_is_evaluated_by_its_new_strategies() -> None:
    states = FeatureStates(capacity=1)
    for version, text in enumerate((b'"one"', b'"two"'), start=1):
        feature = targeted_at("userkey", "fred", text, version=version)
        for _ in range(2):
            sent = states.state(feature, Evaluation.SERVER, FRED, extended_data=False)
            assert bytes(sent.value) == text
    states.state(boolean("plain", True), Evaluation.SERVER, NO_CONTEXT, extended_data=False)
    assert states.patterns_cut_off == 0


def test_only_a_rule_on_the_time_looks_at_the_clock() -> None:
    days = iter((datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)))
    states = FeatureStates(now=lambda: next(days))
    for_fred = targeted_at("userkey", "fred", b'"x"').value
    assert all(states.matched(for_fred, FRED) for _ in range(3))

    value = targeted_at("now", "2026-01-02", b'"x"').value
    [strategy] = value.rollout_strategies
    [rule] = strategy.attributes
    on_a_day = structs.replace(strategy, attributes=(structs.replace(rule, type="DATE"),))
    value = structs.replace(value, rollout_strategies=(on_a_day,))
    assert states.matched(value, FRED) is None
    assert states.matched(value, FRED) == on_a_day


async def features_of(client: Client) -> dict[str, object]:
    await client.event()
    return {feature["key"]: feature for feature in json.loads((await client.event())[2])}


async def test_streams_are_sent_what_their_context_makes_of_a_feature() -> None:
    lookup = MemoryLookup(
        {
            key: granted([targeted_at("userkey", "fred", b'"for fred"')])
            for key in (SERVER_KEY, CLIENT_KEY)
        }
    )
    async with edge_under_test(lookup) as edge:
        fred = await edge.open_stream(headers="x-featurehub: userkey=fred\r\n")
        freds_twin = await edge.open_stream(headers="x-featurehub: userkey=fred\r\n")
        mary = await edge.open_stream(headers="x-featurehub: userkey=mary\r\n")
        nobody = await edge.open_stream()
        client_side = await edge.open_stream(CLIENT_KEY, headers="x-featurehub: userkey=fred\r\n")
        assert (await features_of(fred))["rolled"]["value"] == "for fred"
        assert (await features_of(freds_twin))["rolled"]["v"] == "rs1A"
        assert (await features_of(mary))["rolled"]["value"] == "default"
        assert (await features_of(nobody))["rolled"]["value"] == "default"
        assert (await features_of(client_side))["rolled"]["strategies"][0]["id"] == "rs1A"

        await edge.announce(targeted_at("userkey", "mary", b'"for mary"', version=2))
        values = [
            json.loads((await client.event())[2])["value"]
            for client in (fred, freds_twin, mary, nobody, client_side)
        ]
        assert values == ["default", "default", "for mary", "default", "default"]

        await mary.stream.aclose()
        await edge.announce(targeted_at("userkey", "fred", b'"again"', version=3))
        assert json.loads((await fred.event())[2])["value"] == "again"


async def test_polls_are_answered_for_their_context() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([targeted_at("userkey", "fred", b'"for fred"')])})
    async with edge_under_test(lookup) as edge:
        for context, value in (("userkey=fred", "for fred"), ("userkey=mary", "default")):
            for _ in range(2):
                _, _, body = await edge.poll(SERVER_KEY, headers=f"x-featurehub: {context}\r\n")
                assert json.loads(body)[0]["features"][0]["value"] == value
