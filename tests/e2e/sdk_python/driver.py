"""Runs the unmodified Python SDK and speaks JSON lines: what it sees on stdout, orders on stdin.

Started with one argument,
{"url", "key", "moreKeys", "mode": "sse" | "poll", "intervalSeconds", "context"?}.
Orders: {"do": "snapshot"}, {"do": "context", "attributes": {name: [value]}}, {"do": "revive"},
{"do": "quit"}; the end of stdin means quit.

It runs in a virtual environment that holds the SDK and nothing of fh.
"""

import asyncio
import json
import logging
import os
import sys
import threading
import time
from decimal import Decimal

from featurehub_sdk.featurehub_config import FeatureHubConfig
from featurehub_sdk.featurehub_repository import FeatureHubRepository

_output = threading.Lock()


def say(event, **values):
    line = json.dumps({"event": event, **values, "at": time.time() * 1000}, default=_plain)
    with _output:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _plain(value):
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value))


class ObservedRepository(FeatureHubRepository):
    """A repository of one's own is one of the SDK's extension points: this one looks on."""

    def __init__(self, driver):
        super().__init__()
        self._driver = driver

    def notify(self, status, data):
        super().notify(status, data)
        say("received", name=status)
        self._driver.observe()


class Driver:
    def __init__(self, options):
        self._mode = options["mode"]
        self._repository = ObservedRepository(self)
        keys = [options["key"], *options["moreKeys"]]
        self._config = FeatureHubConfig(options["url"], keys, self._repository)
        if self._mode == "poll":
            self._config.use_polling_edge_service(options["intervalSeconds"])
        self._context = None
        self._seen = {}
        self._readiness = None
        # Two threads observe: the SDK's own, and this one after an order.
        self._observing = threading.RLock()

    def start(self, attributes):
        # The Python SDK sends its context only in polls, and a stream needs a start of its own.
        if attributes is not None:
            self.set_context(attributes)
        asyncio.run(self._config.init())

    def set_context(self, attributes):
        context = self._config.new_context()
        for name, values in attributes.items():
            context.attribute_values(name, values)
        self._context = context
        asyncio.run(context.build())
        self.observe()

    def revive(self):
        """Do what an application does when its SDK has given up: connect again."""
        if self._mode == "sse":
            self._config.close()
        asyncio.run(self._config.init())

    def observe(self):
        with self._observing:
            now = self.read_all()
            for key, feature in now.items():
                if feature != self._seen.get(key):
                    say("change", key=key, **feature)
            self._seen = now
            readiness = "Ready" if self._repository.is_ready() else "NotReady"
            if readiness != self._readiness:
                self._readiness = readiness
                say("readiness", state=readiness)

    def read_all(self):
        return {key: self._read(key) for key in list(self._repository.features)}

    def _read(self, key):
        reader = self._repository if self._context is None else self._context
        feature = self._repository.feature(key)
        return {
            "exists": feature.exists,
            "version": feature.get_version,
            "value": reader.feature(key).get_value,
            "locked": feature.locked,
            "type": feature.feature_type,
        }

    def obey(self, order):
        match order["do"]:
            case "snapshot":
                say("snapshot", features=self.read_all(), readiness=self._readiness)
            case "context":
                self.set_context(order["attributes"])
                say("context_set")
            case "revive":
                self.revive()
                say("revived")
            case "quit":
                self._config.close()
                return False
        return True


def main():
    logging.basicConfig(stream=sys.stderr)
    # An SDK whose thread dies of a refused connection says nothing else about it.
    threading.excepthook = lambda args: say("crashed", error=repr(args.exc_value))
    options = json.loads(sys.argv[1])
    driver = Driver(options)
    say("started")
    driver.start(options.get("context"))
    for line in sys.stdin:
        if not driver.obey(json.loads(line)):
            break
    sys.stdout.flush()
    # The SDK's streaming thread may sit in a read that nothing ends.
    os._exit(0)


if __name__ == "__main__":
    main()
