from fh.strategies.context import default_percentage_key, percentage_key


def test_percentages_go_by_the_attribute_sessionkey_which_no_sdk_sends() -> None:
    # Ruling 18, copied.
    assert default_percentage_key({"sessionkey": ("s1", "s2"), "userkey": ("u",)}) == "s1"
    assert default_percentage_key({"session": ("s",), "userkey": ("u", "v")}) == "u"
    assert default_percentage_key({"session": ("s",)}) is None


def test_an_attribute_without_values_is_missing() -> None:
    assert default_percentage_key({"sessionkey": (), "userkey": ("u",)}) == "u"
    assert percentage_key({"a": ()}, ["a"]) == "<none>"


def test_an_empty_user_key_is_a_key() -> None:
    assert default_percentage_key({"userkey": ("",)}) == ""


def test_percentage_attributes_are_joined_in_their_order_with_all_their_values() -> None:
    context = {"colour": ("red", "blue"), "country": ("nz",)}
    assert percentage_key(context, ["country", "size", "colour"]) == "nz$<none>$red$blue"
