"""A parent of workers as a process of its own: `python -m tests.roles.parent_process`.

Says in one line of JSON on which port its workers are and which processes they are, and runs until
the end of stdin.
"""

import json
import sys

import trio

from tests.roles.workers_world import parent_of_workers


async def main() -> None:
    async with parent_of_workers(edge={"grace_seconds": float(sys.argv[1])}) as parent:
        print(json.dumps({"port": parent.workers.port, "pids": parent.pids()}), flush=True)  # noqa: T201  that is how it says so
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


if __name__ == "__main__":
    trio.run(main)
