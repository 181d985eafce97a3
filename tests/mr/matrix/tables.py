"""All rows. Another table is one more name here."""

from tests.mr.matrix import (
    accounts,
    applications,
    changes,
    features,
    integrations,
    overviews,
    people,
    portfolios,
    sessions,
    strategies,
)
from tests.mr.matrix.row import Row

ROWS: tuple[Row, ...] = (
    *sessions.ROWS,
    *people.ROWS,
    *portfolios.ROWS,
    *applications.ROWS,
    *features.ROWS,
    *accounts.ROWS,
    *strategies.ROWS,
    *changes.ROWS,
    *overviews.ROWS,
    *integrations.ROWS,
)
