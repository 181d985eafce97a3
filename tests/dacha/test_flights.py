import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.contracts.answers import NotReady
from fh.dacha.flights import Flights


class Answers:
    """Loads that return one answer after the other, each when it is let."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.turns = []

    async def load(self):
        answer = self.answers.pop(0)
        turn = trio.Event()
        self.turns.append(turn)
        await turn.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


def nothing():
    return None


async def asks(flights, answers, got, find=nothing):
    got.append(await flights.share("key", find, answers.load))


async def test_questions_that_came_later_share_one_newer_answer(nursery):
    flights, answers, got = Flights(), Answers("old", "new"), []
    for _ in range(5):
        nursery.start_soon(asks, flights, answers, got)
    await wait_all_tasks_blocked()
    assert len(answers.turns) == 1
    answers.turns[0].set()
    await wait_all_tasks_blocked()
    assert (got, len(answers.turns)) == (["old"], 2)
    answers.turns[1].set()
    await wait_all_tasks_blocked()
    assert got == ["old"] + 4 * ["new"]
    assert len(flights) == 0


async def test_who_finds_an_answer_after_waiting_asks_nothing(nursery):
    flights, answers, got = Flights(), Answers("loaded"), []
    for _ in range(3):
        nursery.start_soon(asks, flights, answers, got, lambda: "found")
    await wait_all_tasks_blocked()
    answers.turns[0].set()
    await wait_all_tasks_blocked()
    assert sorted(got) == ["found", "found", "loaded"]


async def test_a_failure_is_shared_by_all_who_waited(nursery):
    flights, answers, got = Flights(), Answers(NotReady("away")), []
    for _ in range(5):
        nursery.start_soon(asks, flights, answers, got)
    await wait_all_tasks_blocked()
    answers.turns[0].set()
    await wait_all_tasks_blocked()
    assert got == 5 * [NotReady("away")]


async def test_when_the_asker_gives_up_another_one_asks(nursery):
    flights, answers, got = Flights(), Answers("first", "second", "third"), []
    scope = trio.CancelScope()

    async def impatient():
        with scope:
            await asks(flights, answers, got)

    nursery.start_soon(impatient)
    await wait_all_tasks_blocked()
    for _ in range(3):
        nursery.start_soon(asks, flights, answers, got)
    await wait_all_tasks_blocked()
    scope.cancel()
    await wait_all_tasks_blocked()
    answers.turns[1].set()
    await wait_all_tasks_blocked()
    assert got == 3 * ["second"]


async def test_a_bug_is_its_askers_only_and_the_others_ask_again(nursery):
    flights, answers, got = Flights(), Answers(ZeroDivisionError(), "second"), []

    async def unlucky():
        with pytest.raises(ZeroDivisionError):
            await asks(flights, answers, got)

    nursery.start_soon(unlucky)
    await wait_all_tasks_blocked()
    for _ in range(3):
        nursery.start_soon(asks, flights, answers, got)
    await wait_all_tasks_blocked()
    answers.turns[0].set()
    await wait_all_tasks_blocked()
    answers.turns[1].set()
    await wait_all_tasks_blocked()
    assert got == 3 * ["second"]
    assert len(flights) == 0


async def test_who_waits_for_the_next_answer_asks_when_its_asker_gives_up_too(nursery):
    flights, answers, got = Flights(), Answers("first", "second", "third"), []
    scopes = [trio.CancelScope(), trio.CancelScope(), trio.CancelScope()]

    async def impatient(scope):
        with scope:
            await asks(flights, answers, got)

    for scope in scopes:
        nursery.start_soon(impatient, scope)
        await wait_all_tasks_blocked()
    for turn in range(2):
        scopes[turn].cancel()
        await wait_all_tasks_blocked()
    # Who of the two that waited asked next is up to the scheduler: two questions, or three.
    answers.turns[-1].set()
    await wait_all_tasks_blocked()
    assert got == [("first", "second", "third")[len(answers.turns) - 1]]
