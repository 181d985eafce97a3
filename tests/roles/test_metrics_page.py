"""docs/metrics.md tells of every metric of every role, and of no other."""

from pathlib import Path

import pytest

from fh.db.dsn import Dsn
from fh.roles.settings.roles import SETTINGS
from tests.roles.metrics_page import documented, in_full_dress, shown
from tests.roles.test_split import listener, running

pytestmark = pytest.mark.postgres

# In this order: whoever migrates the database comes before who only reads it.
ROLES = sorted(SETTINGS, key=lambda role: role == "edge-rest")


async def test_each_role_shows_what_the_page_says(tmp_path: Path, empty_postgres_dsn: Dsn) -> None:
    pages = documented()
    for name in ROLES:
        monitor = listener()
        port = monitor.getsockname()[1]
        async with running(in_full_dress(name, monitor, tmp_path, empty_postgres_dsn)):
            assert await shown(port) == pages[name], name
