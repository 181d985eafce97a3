import trio
import trio.testing

from fh.http.inbox import Inbox

GONE = {"type": "http.disconnect"}


def part(number: int) -> dict:
    return {"type": "http.request", "body": str(number).encode(), "more_body": True}


async def received(inbox: Inbox, count: int) -> list[dict]:
    with trio.fail_after(5):
        return [await inbox.receive() for _ in range(count)]


async def test_messages_arrive_in_order_and_then_the_end(nursery: trio.Nursery) -> None:
    inbox = Inbox(10)
    nursery.start_soon(inbox.put, part(1))
    assert await received(inbox, 1) == [part(1)]
    for message in (part(2), part(3), GONE):
        await inbox.put(message)
    assert await received(inbox, 3) == [part(2), part(3), GONE]


async def test_who_falls_behind_is_waited_for(nursery: trio.Nursery) -> None:
    inbox = Inbox(2)

    async def put_all() -> None:
        for number in range(5):
            await inbox.put(part(number))

    nursery.start_soon(put_all)
    await trio.testing.wait_all_tasks_blocked()
    assert len(inbox._messages) == 2
    assert await received(inbox, 5) == [part(number) for number in range(5)]


async def test_at_the_end_nobody_waits_and_the_rest_is_thrown_away(nursery: trio.Nursery) -> None:
    inbox = Inbox(2)
    put = trio.Event()

    async def put_all() -> None:
        for number in range(5):
            await inbox.put(part(number))
        put.set()

    nursery.start_soon(put_all)
    await trio.testing.wait_all_tasks_blocked()
    with trio.fail_after(5):
        await inbox.put(GONE)
        await put.wait()
    assert await received(inbox, 3) == [part(0), part(1), GONE]
    assert not inbox._messages
