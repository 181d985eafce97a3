from fh.dacha.recent import Recent


def test_the_entry_used_longest_ago_makes_room():
    recent = Recent(2)
    assert recent.keep("a", 1) is None
    assert recent.keep("b", 2) is None
    assert recent.use("a") == 1
    assert recent.keep("c", 3) == 2
    assert list(recent.newest_first()) == ["c", "a"]


def test_finding_does_not_use():
    recent = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.find("a") == 1
    assert recent.keep("c", 3) == 1


def test_a_replaced_entry_is_the_newest():
    recent = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.keep("a", 3) is None
    assert recent.keep("c", 4) == 2
    assert recent.pop("a") == 3
    assert recent.pop("a") is None
    assert recent.use("a") is None
    assert len(recent) == 1
