"""What a portfolio or an application has that can be announced again."""

from collections.abc import Collection, Sequence

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId, PortfolioId, ServiceAccountId

_PORTFOLIOS = """
SELECT id FROM portfolio WHERE ($2 OR id = ANY ($1)) AND when_archived IS NULL ORDER BY id
"""

_APPLICATIONS = """
SELECT a.id FROM application a JOIN portfolio p ON p.id = a.portfolio_id
WHERE (a.id = ANY ($1) OR a.portfolio_id = ANY ($2))
  AND a.when_archived IS NULL AND p.when_archived IS NULL
ORDER BY a.id
"""

_ENVIRONMENTS = """
SELECT id FROM environment
WHERE application_id = ANY ($1) AND when_archived IS NULL AND when_unpublished IS NULL
ORDER BY id
"""

_ACCOUNTS = """
SELECT id FROM service_account
WHERE portfolio_id = ANY ($1) AND when_archived IS NULL AND when_unpublished IS NULL
ORDER BY id
"""


async def find_live_portfolios(
    tx: Transaction, portfolio_ids: Collection[PortfolioId] | None
) -> Sequence[PortfolioId]:
    """Return those of the portfolios that are live; of all portfolios where it is None."""
    rows = await tx.fetch(_PORTFOLIOS, portfolio_ids or (), portfolio_ids is None)
    return [row["id"] for row in rows]


async def find_live_applications(
    tx: Transaction,
    application_ids: Collection[ApplicationId],
    portfolio_ids: Collection[PortfolioId],
) -> Sequence[ApplicationId]:
    """Return those of the applications that are live, and the live ones of the portfolios."""
    rows = await tx.fetch(_APPLICATIONS, application_ids, portfolio_ids)
    return [row["id"] for row in rows]


async def find_published_environments(
    tx: Transaction, application_ids: Collection[ApplicationId]
) -> Sequence[EnvironmentId]:
    """Return the live, published environments of applications."""
    return [row["id"] for row in await tx.fetch(_ENVIRONMENTS, application_ids)]


async def find_published_accounts(
    tx: Transaction, portfolio_ids: Collection[PortfolioId]
) -> Sequence[ServiceAccountId]:
    """Return the live, published service accounts of portfolios."""
    return [row["id"] for row in await tx.fetch(_ACCOUNTS, portfolio_ids)]
