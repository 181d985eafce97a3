"""The client process: opens the streams it is asked for, then obeys lines of JSON on stdin.

    {"expect": 17, "seconds": 30}   wait for event 17 on every stream, report the receipts
    {"expect": 17, "first": 14, "seconds": 30}   report those of 14, 15 and 16, too

It ends at the end of its input, and after `--seconds` whatever happens.
"""

import argparse
import base64
import gc
import json
import signal
import sys
import time
from types import FrameType

from bench.load.bounds import (
    LONGEST_RUN_SECONDS,
    OutOfBounds,
    require_bounded,
    require_descriptors,
    require_local,
)
from bench.load.opening import StreamRefused
from bench.load.streams import Delivered, Opened, Streams, Target

_HEAD = (
    "GET %(path)s HTTP/1.1\r\n"
    "Host: %(host)s:%(port)d\r\n"
    "Accept: text/event-stream\r\n"
    "Cache-Control: no-cache\r\n"
    "X-SDK: fh-bench\r\n"
)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.load",
        description=(
            "Opens server-sent event streams on this machine and stamps the events that carry a "
            "bench marker (fhbench:0000000017;). Reports as JSON lines on stdout; obeys "
            '{"expect": NUMBER, "seconds": DEADLINE} lines on stdin and ends with its input.'
        ),
    )
    parser.add_argument("--host", default="127.0.0.1", help="the server (default %(default)s)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--path",
        required=True,
        help="for example /features/ENVIRONMENT/KEY; {environment} in it stands for the id of one "
        "of the bench's environments, {channel} for its number",
    )
    parser.add_argument(
        "--environments", type=int, default=1, help="how many those are (default %(default)s)"
    )
    parser.add_argument("--streams", type=int, default=1_000, help="default %(default)s")
    parser.add_argument(
        "--first-index",
        type=int,
        default=0,
        help="the number of the first stream, when several processes share the load; each block "
        "of 10,000 streams has a source address of its own (127.0.0.1, 127.0.0.2, …)",
    )
    parser.add_argument(
        "--ready-mark",
        default="event: features",
        help="the bytes that make a stream count as open (default %(default)r)",
    )
    parser.add_argument(
        "--user-keys",
        action="store_true",
        help="each stream sends a context of its own, x-featurehub: userkey=NUMBER, and checks "
        "that it gets the value that a strategy of 50 %% means for it",
    )
    parser.add_argument(
        "--window", type=int, default=128, help="streams opening at once (default %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=600,
        help=f"the client's life, up to {LONGEST_RUN_SECONDS:,} s (default %(default)s)",
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="load a server on another machine"
    )
    return parser


def main() -> int:
    """Run the client; return the exit status."""
    options = arguments().parse_args()
    try:
        require_bounded(options.streams, options.seconds)
        require_descriptors(options.streams)
        address = require_local(options.host, options.port, allow_remote=options.allow_remote)
    except OutOfBounds as refusal:
        print(refusal, file=sys.stderr)
        return 2
    signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, options.seconds)
    head = _HEAD % {"path": options.path, "host": options.host, "port": options.port}
    target = Target(
        address,
        options.port,
        head.encode(),
        options.ready_mark.encode(),
        options.user_keys,
        options.environments,
    )
    streams = Streams(target, first_index=options.first_index)
    try:
        deadline = time.monotonic() + options.seconds
        _report_opened(streams.open_all(options.streams, window=options.window, deadline=deadline))
        gc.collect()
        gc.freeze()
        gc.disable()  # a pause of the client would be taken for one of the server
        for line in sys.stdin:
            order = json.loads(line)
            _say({"armed": order["expect"]})
            deadline = time.monotonic() + order["seconds"]
            _report_delivered(
                streams.receive(order["expect"], deadline=deadline, first=order.get("first"))
            )
    except StreamRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except BrokenPipeError:  # who asked has gone
        return 1
    finally:
        streams.close()
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit("the load client has reached the end of its time")


def _report_opened(opened: Opened) -> None:
    _say({"opened": opened.streams, "seconds": opened.seconds})


def _report_delivered(delivered: Delivered) -> None:
    _say(
        {
            "delivered": delivered.last,
            "finished": delivered.finished,
            "receipts": {
                number: base64.b64encode(stamps.tobytes()).decode()
                for number, stamps in delivered.receipts.items()
            },
            "duplicates": delivered.duplicates,
            "ended_streams": delivered.ended_streams,
            "by_strategy": delivered.by_strategy,
            "wrong_outcomes": delivered.wrong_outcomes,
            "received_bytes": delivered.received_bytes,
            "processor_seconds": delivered.processor_seconds,
        }
    )


def _say(fact: dict[str, object]) -> None:
    print(json.dumps(fact), flush=True)


if __name__ == "__main__":
    sys.exit(main())
