"""The dashboard, the history of values, and the environments that somebody hides."""

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import ADMINS, ENVIRONMENT_HOLDERS, READERS, Ask, Who, World

SEE_VALUES = ADMINS | ENVIRONMENT_HOLDERS


def hidden_path(world: World) -> str:
    return f"/mr-api/user-data/state/{world.application}/hidden-environments"


async def dashboard(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/application/{world.application}/all-feature-environment")


async def history(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/application/{world.application}/feature-history")


async def hidden(world: World, _: Who) -> Ask:
    return Ask("GET", hidden_path(world))


async def hide(world: World, _: Who) -> Ask:
    return Ask("POST", hidden_path(world), {"environmentIds": [world.environment]})


ROWS = (
    Row(
        "findAllFeatureAndFeatureValuesForEnvironmentsByApplication",
        dashboard,
        {SEE_VALUES: 200},
        refused=404,
    ),
    Row("listFeatureHistory", history, {SEE_VALUES: 200}, refused=404),
    Row("getHiddenEnvironments", hidden, {READERS: 200}),
    Row("saveHiddenEnvironments", hide, {READERS: 200}),
)
