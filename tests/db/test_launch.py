import os

import pytest

from fh.db.launch import NOBODY, Launch, find_launch, works

NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
TIED = ("setpriv", "--pdeathsig", "INT", "--")


def only(*programs):
    """A system on which only these programs work."""
    return lambda command: {"unshare", "setpriv"}.intersection(command) <= set(programs)


@pytest.mark.parametrize(
    ("euid", "programs", "expected"),
    [
        (0, ("unshare", "setpriv"), Launch(NAMESPACE, TIED)),
        (0, ("unshare",), Launch(NAMESPACE, ())),
        (0, ("setpriv",), Launch((), TIED, NOBODY)),
        (0, (), Launch((), (), NOBODY)),
        (1000, ("unshare", "setpriv"), Launch((), TIED)),
        (1000, (), Launch((), ())),
    ],
)
def test_the_way_to_start_depends_on_who_we_are_and_what_works(
    monkeypatch, euid, programs, expected
):
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    assert find_launch(only(*programs)) == expected


def test_files_belong_to_whom_the_server_becomes():
    assert Launch().owner() == os.geteuid()
    assert Launch(uid=NOBODY).owner() == NOBODY
    assert Launch(uid=NOBODY).options() == {
        "user": NOBODY,
        "group": NOBODY,
        "extra_groups": [],
    }


def test_a_probe_tells_what_works():
    assert works(("env",))
    assert not works(("env", "--no-such-option"))
    assert not works(("no-such-program",))
