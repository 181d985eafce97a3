"""Whether there are passwords of an imported FeatureHub, which cost more to verify than others."""

from typing import Final

import trio

from fh.db.port import Database
from fh.mr.repositories.persons import find_dearest_import

_KNOWN_SECONDS: Final = 600.0


class ImportedHashes:
    """Knows the one that is dearest to verify, as it was not long ago."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dearest: str | None = None
        self._look_at = -float("inf")

    async def dearest(self) -> str | None:
        """Return the dearest hash, or None where there are none.

        Raises:
            Unavailable: the database is away.
        """
        # They come with an import, and then go one by one: a look now and then is enough.
        if trio.current_time() >= self._look_at:
            self._dearest = await self._database.transaction(find_dearest_import, read_only=True)
            self._look_at = trio.current_time() + _KNOWN_SECONDS
        return self._dearest
