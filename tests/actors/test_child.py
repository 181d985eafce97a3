"""Declarations."""

import pytest
import trio

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec, ServiceSpec
from fh.actors.mailbox import Full, Mailbox
from fh.actors.monitor import Ended
from fh.actors.restart import Restart
from fh.actors.supervisor import Supervisor
from fh.actors.testing import Probe


async def nothing(*, task_status=trio.TASK_STATUS_IGNORED):
    task_status.started()


def test_an_actor_is_permanent_with_a_waiting_mailbox_of_64_by_default():
    spec = ActorSpec("probe", Probe)
    assert spec.mailbox == Mailbox(capacity=64, full=Full.WAIT)
    assert spec.restart is Restart.PERMANENT
    assert spec.drain_seconds == 5.0


async def test_a_service_that_can_be_drained_needs_time_to_do_so():
    with pytest.raises(ValueError, match="its drain_seconds leave no time"):
        ServiceSpec("listener", nothing, drain=lambda: None)
    assert ServiceSpec("listener", nothing, drain=lambda: None, drain_seconds=1).drain_seconds == 1
    await nothing()


async def test_an_end_is_told_to_the_spec_as_to_whoever_watches(nursery: trio.Nursery) -> None:
    heard: list[Ended] = []
    supervisor = Supervisor("many")
    await nursery.start(supervisor.run)
    ref = supervisor.spawn(ActorSpec("one", Actor[str], ended=heard.append))
    ref.when_ended(heard.append)
    ref.stop()
    assert heard == [Ended("one", None), Ended("one", None)]
