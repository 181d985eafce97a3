"""The model is right about what two admins do to one value."""

import pytest

from tests.mr.stateful.model import Account, Application, Setting, Value

FIRST = Setting("a", locked=False)


def test_what_nobody_else_changed_is_merged():
    value = Value([FIRST])
    assert value.write(1, Setting("b", locked=False))
    assert value.write(1, Setting("a", locked=False, retired=True))
    assert value.current == Setting("b", locked=False, retired=True)
    assert value.version == 3


def test_what_somebody_else_changed_is_refused():
    value = Value([FIRST])
    assert value.write(1, Setting("b", locked=False))
    assert not value.write(1, Setting("c", locked=False))
    assert value.version == 2


@pytest.mark.parametrize("same", ["a", "b"])
def test_an_old_copy_sent_again_changes_nothing(same):
    value = Value([FIRST, Setting("b", locked=False)])
    assert value.write(1, Setting(same, locked=False))
    assert value.version == 2


def test_a_locked_value_changes_only_with_its_lock():
    value = Value([Setting("a", locked=True)])
    assert not value.write(1, Setting("b", locked=True))
    assert value.write(1, Setting("b", locked=False))
    assert value.current == Setting("b", locked=False)


def test_a_switch_is_off_and_locked_everywhere_from_the_beginning():
    model = Application()
    list(model.add_environment("e", "first"))
    assert list(model.add_feature("menu", "BOOLEAN")) == [("feature", "CREATE", "e", "menu")]
    assert list(model.add_environment("f", "second")) == [
        ("environment", "UPDATE", "f"),
        ("feature", "UPDATE", "f", "menu"),
    ]
    assert model.served("f", Account({})) == {"menu": ("BOOLEAN", False, True, 1, ())}
