import re


async def test_clients_find_out_which_program_this_is(stranger):
    answer = await stranger("GET", "/info/version")
    assert answer.status == 200
    assert answer.body["name"] == "party-server"
    assert re.match(r"\d+\.\d+", answer.body["version"])
