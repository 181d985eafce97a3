import pytest

PATH = "/mr-api/testing/slack-testing"


@pytest.fixture
def testing(reconfigured):
    return reconfigured(testing_api_enabled=True).as_person("")


async def redirected(sql):
    return [row["value"] for row in await sql("SELECT value::text FROM system_config")]


async def test_it_is_not_there_unless_an_operator_says_so(superuser):
    assert (await superuser("POST", PATH, {"slack-url": "http://localhost:1"})).status == 404


async def test_anybody_redirects_slack_and_back(testing, sql):
    testing.token = None
    answer = await testing("POST", PATH, {"slack-url": "http://localhost:3000/slack"})
    assert (answer.status, answer.body) == (200, {})
    assert await redirected(sql) == ['"http://localhost:3000/slack"']
    assert (await testing("POST", PATH, {})).status == 200
    assert await redirected(sql) == ["null"]


async def test_it_is_listed_nowhere(testing, superuser, sql):
    await testing("POST", PATH, {"slack-url": "http://localhost:3000/slack"})
    answer = await superuser("GET", "/mr-api/system-api?filters=testing")
    assert answer.body == {"configs": []}


@pytest.mark.parametrize("url", ["", "x", "ftp://x", "http://a:b@c/"])
async def test_what_is_no_url_is_refused(testing, url):
    answer = await testing("POST", PATH, {"slack-url": url})
    assert (answer.status, answer.body["field"]) == (400, "slack-url")
