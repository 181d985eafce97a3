from uuid import UUID

import msgspec

from fh.model.feature_type import FeatureType
from fh.mr.http.schemas.features import FeatureContent, feature_body, feature_change
from fh.mr.repositories import features as rows
from fh.mr.repositories.features import FeatureText

_ROW = rows.Feature(
    UUID(int=1), UUID(int=2), FeatureText("k", "n", meta_data="m"), FeatureType.STRING, 3
)


def test_metadata_is_shown_on_demand_and_nothing_is_shown_as_null():
    shown = msgspec.json.decode(msgspec.json.encode(feature_body(_ROW, meta_data=True)))
    assert shown == {
        "id": str(UUID(int=1)),
        "key": "k",
        "name": "n",
        "valueType": "STRING",
        "version": 3,
        "secret": False,
        "metaData": "m",
    }
    assert "metaData" not in msgspec.json.decode(msgspec.json.encode(feature_body(_ROW)))


def test_what_was_shown_is_accepted_back():
    body = msgspec.json.encode(feature_body(_ROW, meta_data=True))
    change = feature_change(msgspec.json.decode(body, type=FeatureContent))
    assert (change.text, change.version) == (_ROW.text, 3)
