from fh.grouping import grouped


def test_each_list_is_in_the_order_in_which_its_things_came():
    assert grouped(["bc", "a", "bd", "ac"], lambda text: text[0]) == {
        "b": ["bc", "bd"],
        "a": ["a", "ac"],
    }
    assert grouped([], len) == {}
