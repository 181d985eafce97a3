"""What a service sees of the database: one unit of work in one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Row(Protocol):
    """One row: by column name or position. Iterating gives the values, so `Struct(*row)` works."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...

    def get(self, key: str, default: Any = ..., /) -> Any:
        """Return a column's value, or the default when there is no such column."""
        ...

    def keys(self) -> Iterator[str]:
        """Return the column names in order."""
        ...

    def values(self) -> Iterator[Any]:
        """Return the values in order."""
        ...

    def items(self) -> Iterator[tuple[str, Any]]:
        """Return the columns in order."""
        ...


class Transaction(Protocol):
    """The statements of one unit of work.

    A unit of work runs on the asyncio island: await nothing but these methods in it, and nothing
    of trio. Each statement raises what `fh.db.errors` lists; after an error the transaction is
    over, so let the error leave the unit of work.
    """

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """Return all rows."""
        ...

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """Return the first row, or None."""
        ...

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        ...

    async def execute(self, sql: str, *args: object) -> str:
        """Run one statement, or without `args` a script of several; return the status tag."""
        ...

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each sequence of arguments, in few round trips."""
        ...


class Database(Protocol):
    """Transactions, and nothing else."""

    async def transaction(
        self, work: Callable[[Transaction], Awaitable[T]], *, read_only: bool = False
    ) -> T:
        """Run `work` in one transaction and return what it returns.

        The transaction commits when `work` returns and rolls back when it raises; the exception
        arrives here unchanged. `work` may be run several times, each time from the beginning, when
        other transactions are in the way, so it must have no effect but through its transaction.
        Cancelling rolls back, unless the COMMIT was sent already: then it completes.

        With `read_only` all statements see one moment of the database, and writing fails.

        Raises:
            DatabaseUnavailable: no connection, or it broke; nothing was written.
            CommitUnknown: it broke during COMMIT; all or nothing was written.
            TransactionConflict: others were in the way at each of five attempts.
            StatementTimedOut: a statement took longer than allowed.
            ConstraintViolated: also by a deferred constraint, at the end.
        """
        ...
