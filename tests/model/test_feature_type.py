from fh.model.feature_type import FeatureType


def test_the_types_have_their_wire_names() -> None:
    assert [*FeatureType] == ["BOOLEAN", "STRING", "NUMBER", "JSON"]
