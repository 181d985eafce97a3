import os
import signal

import click
import pytest
import trio
from click.testing import CliRunner

from bench.command import end_with_what_was_started
from bench.deployment.process import DeploymentFailed
from bench.live.options import Wanted, failures, wanted, with_live
from bench.load.bounds import OutOfBounds
from bench.load.link import LoadFailed


def asked(*words):
    found = []

    @click.command()
    @with_live
    def command(**options):
        with failures():
            found.append(wanted(options))
        assert options == {}

    done = CliRunner().invoke(command, words)
    return done, *found


def test_options_are_what_is_wanted():
    done, what = asked("--streams", "7", "--workers", "2", "--shape", "split")
    assert done.exit_code == 0
    assert (what.streams, what.workers, what.processes) == (7, 2, 1)
    assert what.name == "split, 2 workers"


def test_a_server_by_its_url_needs_a_key_and_an_administrator():
    (done,) = asked("--url", "http://localhost:1", "--key", "a/b")
    assert done.exit_code == 2
    assert "--admin-token" in done.stderr


def test_no_secret_is_shown():
    _, what = asked("--url", "http://h", "--key", "a/secret", "--admin-token", "token")
    assert what.name == "http://h"
    assert not {"a/secret", "token"} & {str(value) for value in what.shown().values()}


@pytest.mark.parametrize(
    ("raised", "status"),
    [(OutOfBounds("too far"), 2), (LoadFailed("gone"), 1), (DeploymentFailed("no"), 1)],
)
@pytest.mark.parametrize("grouped", [False, True])
def test_what_fails_is_one_line_and_a_status(raised, status, grouped):
    @click.command()
    def command():
        with failures():
            raise ExceptionGroup("several", [raised]) if grouped else raised

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stderr) == (status, f"{raised}\n")


@pytest.mark.parametrize("interrupt", [signal.default_int_handler, signal.SIG_IGN])
def test_who_is_told_to_end_ends_without_a_word(interrupt):
    async def told_to_end():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            os.kill(os.getpid(), signal.SIGTERM)
            await trio.sleep_forever()

    @click.command()
    def command():
        end_with_what_was_started()
        with failures():
            trio.run(told_to_end)

    before = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGINT, interrupt)
    try:
        done = CliRunner().invoke(command)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert (done.exit_code, done.stderr) == (130, "")


def test_load_processes_are_as_many_as_told():
    assert Wanted(10, 1, 1, 0, "party", 3).processes == 3
