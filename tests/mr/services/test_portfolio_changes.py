from fh.model.ids import PortfolioId
from fh.mr.services.portfolio_changes import delete_portfolio


class Counting:
    """A transaction that counts statements."""

    def __init__(self, tx):
        self._tx = tx
        self.statements = 0

    def __getattr__(self, name):
        self.statements += 1
        return getattr(self._tx, name)


class UndoneError(Exception):
    """Rolls back."""


async def test_a_portfolio_goes_in_as_many_statements_whatever_is_in_it(superuser, place, database):
    async def statements() -> int:
        counted = []

        async def work(tx):
            counting = Counting(tx)
            assert await delete_portfolio(counting, place.caller, PortfolioId(place.portfolio))
            counted.append(counting.statements)
            raise UndoneError

        try:
            await database.transaction(work)
        except UndoneError:
            return counted[-1]
        raise AssertionError("it was not rolled back")

    before = await statements()
    for number in range(3):
        application = await superuser(
            "POST",
            f"/mr-api/portfolio/{place.portfolio}/application",
            {"name": f"App {number}", "description": ""},
        )
        for key in "abc":
            await superuser(
                "POST",
                f"/mr-api/application/{application.body['id']}/features",
                {"key": key, "name": key, "valueType": "BOOLEAN"},
            )
        for kind in ("group", "service-account"):
            await superuser(
                "POST", f"/mr-api/portfolio/{place.portfolio}/{kind}", {"name": f"n{number}"}
            )
    assert await statements() == before
