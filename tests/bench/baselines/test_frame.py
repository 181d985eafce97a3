from uuid import UUID

import pytest

from bench.baselines.frame import EVENT_ID, FEATURE_ID, FEATURE_KEY, event, frame, value_bytes_for
from bench.edge_truth import feature
from bench.load.marker import marker_text, padded_value, scan
from fh.wire.sdk_json import Evaluation, encode_feature, feature_state
from fh.wire.sse import chunk, encode_json, with_id


def test_a_broadcaster_sends_the_bytes_that_the_edge_sends():
    changed = feature(FEATURE_KEY, UUID(FEATURE_ID), 17, padded_value(17, 300))
    state = feature_state(changed, Evaluation.CLIENT, extended_data=False)
    sent = with_id(encode_json("feature", encode_feature(state)), EVENT_ID)
    assert frame(17, 300) == chunk(sent)


@pytest.mark.parametrize("payload_bytes", [250, 500, 4000])
def test_an_event_has_the_size_asked_for(payload_bytes):
    value = padded_value(1, value_bytes_for(payload_bytes))
    assert len(event(1, value)) == payload_bytes


def test_a_tiny_event_still_carries_its_marker():
    assert scan(frame(3, value_bytes_for(1))) == ([3], b"")
    assert value_bytes_for(1) == len(marker_text(3))
