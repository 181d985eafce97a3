"""Prints a flag whenever it changes, with the official Python SDK.

python3 examples/watch.py KEY     KEY is one of the keys that `admin.py setup` printed

FH_URL is the server's address (http://localhost:8085). The SDK (featurehub-sdk 1.1.0 from PyPI)
wants a virtual environment of its own.
"""

import asyncio
import os
import sys
import time

from featurehub_sdk.featurehub_config import FeatureHubConfig

URL = os.environ.get("FH_URL", "http://localhost:8085") + "/"


def main(key: str) -> None:
    """Connect by server-sent events and print what the SDK sees."""
    config = FeatureHubConfig(URL, [key])
    asyncio.run(config.init())
    repository = config.repository()
    flag = repository.feature("NEW_MENU")
    seen = object()
    while True:
        if repository.is_ready() and flag.get_value != seen:
            seen = flag.get_value
            print(f"NEW_MENU is {seen}, version {flag.get_version}", flush=True)
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1])
