import re

from fh.http.info import info_routes
from fh.http.routing import Request


async def test_clients_find_out_which_program_this_is():
    (route,) = info_routes("edge")
    answer = await route.handle(Request(None, None, None, {}, "::1"))
    assert (route.path, route.authenticated, answer.name) == ("/info/version", False, "edge")
    assert re.match(r"\d+\.\d+", answer.version)
