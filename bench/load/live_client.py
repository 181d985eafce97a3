"""A process of the live load: obeys lines of JSON on stdin, each answered by its figures.

The first line is the plan. Then, in any order:

    {"open": true}                                  let all streams connect
    {"churn": {"per_second": 2.5, "away_seconds": 1}}   let streams leave, and come back
    {"goal": [3, 1, …]}                             versions to reach, by environment and feature
    {"held": true}                                  tell what every stream holds
    {}                                              just tell the figures

It ends at the end of its input, and after the seconds of its plan whatever happens.
"""

import gc
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

from bench.load.bounds import (
    OutOfBounds,
    require_bounded,
    require_descriptors,
    require_local,
)
from bench.load.live import LivePlan, LiveStreams
from bench.load.live_counts import Figures

_INPUT: Final = 0
_PIECE_BYTES: Final = 1 << 20
_HEAD: Final = (
    "GET {path}/features/{key} HTTP/1.1\r\n"
    "Host: {host}:{port}\r\n"
    "Accept: text/event-stream\r\n"
    "Cache-Control: no-cache\r\n"
    "X-SDK: fh-bench\r\n"
)
_REFUSED: Final = 2


@dataclass(slots=True)
class Orders:
    """Lines of stdin as they arrive."""

    _bytes: bytes = b""
    ended: bool = False

    def read(self) -> list[dict[str, Any]]:
        """Return the orders that have arrived as a whole."""
        data = os.read(_INPUT, _PIECE_BYTES)
        self.ended = not data
        *lines, self._bytes = (self._bytes + data).split(b"\n")
        return [json.loads(line) for line in lines]


def plan_of(told: dict[str, Any]) -> LivePlan:
    """Return the plan that the driver told.

    Raises:
        OutOfBounds: it is too large, too long, or loads another machine without consent.
    """
    require_bounded(told["streams"], told["life_seconds"])
    require_descriptors(told["streams"])
    host, port = told["host"], told["port"]
    address = require_local(host, port, allow_remote=told["allow_remote"])
    requests = tuple(
        _HEAD.format(path=told["path"], key=key, host=host, port=port).encode()
        for key in told["keys"]
    )
    return LivePlan(
        address,
        port,
        requests,
        tuple(told["features"]),
        told["streams"],
        told["first_index"],
        told["window"],
    )


def obey(streams: LiveStreams, order: dict[str, Any]) -> dict[str, Any]:
    """Do what is ordered; return what to answer."""
    holdings = streams.holdings
    if order.get("open"):
        streams.open_all()
    if churn := order.get("churn"):
        streams.churn(churn["per_second"], churn["away_seconds"])
    if goal := order.get("goal"):
        holdings.aim_at(goal)
    figures = Figures(
        streams.live,
        streams.met,
        holdings.behind,
        holdings.reached_ns,
        holdings.counts,
        (time.process_time(),),
        holdings.latencies,
        streams.openings,
    )
    answer = figures.encoded()
    if order.get("held"):
        answer["held"] = holdings.grouped()
    return answer


def main() -> int:
    """Run the client; return the exit status."""
    orders = Orders()
    waiting: list[dict[str, Any]] = []
    while not waiting and not orders.ended:
        waiting = orders.read()
    if not waiting:
        return 0
    first = waiting.pop(0)
    try:
        plan = plan_of(first)
    except OutOfBounds as refusal:
        print(refusal, file=sys.stderr)
        return _REFUSED
    os.nice(first.get("niceness", 0))
    signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, first["life_seconds"])
    epoll = select.epoll()
    epoll.register(_INPUT, select.EPOLLIN)
    streams = LiveStreams(plan, epoll)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the client would be taken for one of the server
    try:
        while not orders.ended:
            for order in waiting:
                print(json.dumps(obey(streams, order)), flush=True)
            waiting = orders.read() if _INPUT in streams.turn() else []
    except BrokenPipeError:  # who asked has gone
        return 1
    finally:
        streams.close()
        epoll.close()
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit("the load client has reached the end of its time")


if __name__ == "__main__":
    sys.exit(main())
