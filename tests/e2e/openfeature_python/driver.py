"""Runs OpenFeature's unmodified OFREP provider and speaks JSON lines: orders in, answers out.

Started with one argument, {"url", "key"}. Order: {"do": "evaluate", "type", "key", "default",
"context": {"targetingKey"?, …}}; the end of stdin means quit.

It runs in a virtual environment that holds OpenFeature and nothing of fh.
"""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext


def say(event, **values):
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


def evaluate(client, order):
    attributes = dict(order["context"])
    context = EvaluationContext(attributes.pop("targetingKey", None), attributes)
    read = getattr(client, f"get_{order['type']}_details")
    details = read(order["key"], order["default"], context)
    say(
        "evaluated",
        value=details.value,
        reason=details.reason,
        variant=details.variant,
        error=details.error_code,
        message=details.error_message,
        metadata=details.flag_metadata,
    )


def main():
    options = json.loads(sys.argv[1])
    headers = {"Authorization": f"Bearer {options['key']}"}
    api.set_provider(OFREPProvider(options["url"], headers_factory=lambda: headers))
    client = api.get_client()
    say("ready")
    for line in sys.stdin:
        evaluate(client, json.loads(line))


if __name__ == "__main__":
    main()
