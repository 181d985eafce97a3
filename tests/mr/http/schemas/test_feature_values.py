import msgspec
import pytest

from fh.mr.http.schemas.feature_values import FeatureValueContent, sent_value


@pytest.mark.parametrize("list_", ["", ',"rolloutStrategies":null'])
def test_absent_and_null_lists_are_left_alone(list_):
    body = f'{{"key":"k","locked":true{list_}}}'.encode()
    assert sent_value(msgspec.json.decode(body, type=FeatureValueContent)).strategies is None


def test_an_empty_list_takes_all_away():
    body = b'{"key":"k","locked":true,"rolloutStrategies":[]}'
    assert sent_value(msgspec.json.decode(body, type=FeatureValueContent)).strategies == ()


def test_explicit_nulls_count_as_absent():
    body = (
        b'{"key":"k","locked":true,"id":null,"version":null,"retired":null,"valueBoolean":null,'
        b'"valueString":null,"valueNumber":null,"valueJson":null,"environmentId":null,'
        b'"rolloutStrategyInstances":null,"whoUpdated":1}'
    )
    sent = sent_value(msgspec.json.decode(body, type=FeatureValueContent))
    assert (sent.version, sent.retired, sent.id) == (0, False, None)


def test_numbers_are_not_rounded():
    body = b'{"key":"k","locked":true,"valueNumber":0.1000000000000000000000001}'
    sent = sent_value(msgspec.json.decode(body, type=FeatureValueContent))
    assert bytes(sent.number) == b"0.1000000000000000000000001"
