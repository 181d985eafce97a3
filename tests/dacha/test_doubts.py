from fh.dacha.doubts import Doubts


def doubted(*keys):
    doubts = Doubts()
    doubts.begin(keys)
    return doubts


def test_what_is_known_is_in_doubt_until_it_was_loaded():
    doubts = doubted("a", "b")
    doubts.settle("a", asked=1)
    assert ("a" in doubts, "b" in doubts, "c" in doubts, len(doubts)) == (False, True, False, 1)


def test_a_load_that_began_before_settles_nothing():
    doubts = doubted("a")
    doubts.begin(["a"])
    doubts.settle("a", asked=1)
    doubts.settle("new", asked=1)
    assert ("a" in doubts, "new" in doubts) == (True, True)
    doubts.settle("a", asked=2)
    assert "a" not in doubts


def test_what_it_was_first_is_kept_for_those_who_are_still_to_be_told():
    doubts = doubted("a")
    doubts.note("a", 1)
    doubts.note("a", 2)
    doubts.note("trusted", 1)
    doubts.settle("a", asked=1)
    assert doubts.untold == ("a",)
    assert (doubts.take("a"), doubts.take("a"), doubts.untold) == (1, None, ())


def test_what_is_gone_has_to_be_told_and_what_is_forgotten_has_not():
    doubts = doubted("gone", "forgotten")
    for key in ("gone", "forgotten"):
        doubts.note(key, 1)
    doubts.gone("gone")
    doubts.forget("forgotten")
    assert (len(doubts), doubts.untold) == (0, ("gone",))
