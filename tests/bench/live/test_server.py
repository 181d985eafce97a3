import pytest
import trio

from bench.client.stream import open_stream
from bench.live.admin import open_admin
from bench.live.server import running_server, started_server
from bench.load.bounds import OutOfBounds


@pytest.mark.parametrize("url", ["https://127.0.0.1", "127.0.0.1:80", "http://192.0.2.1"])
def test_what_is_no_server_of_this_machine_is_refused(url):
    with pytest.raises(OutOfBounds):
        running_server(url, admin_url="", pid=None, allow_remote=False)


def test_a_server_that_runs_is_taken_as_it_is():
    server = running_server("http://127.0.0.1/fh/", admin_url="", pid=5, allow_remote=False)
    assert (server.port, server.path, server.admin_url) == (80, "/fh", "http://127.0.0.1/fh/")
    assert server.processes() == [5]


@pytest.mark.timeout(400)
def test_the_parts_apart_serve_what_is_changed(tmp_path):
    async def changed(server):
        async with open_admin(server.admin_url) as admin:
            await admin.log_in()
            (environment,) = await admin.make_environments(1, 1)
            url = f"http://{server.host}:{server.port}"
            async with open_stream(url, environment.client_key) as stream:
                while (await stream.receive()).name != "features":
                    pass
                version = await admin.change(environment.id, "FEATURE_0", "new")
                while stream.held.versions.get("FEATURE_0") != version:
                    await stream.receive()

    async def in_time():
        with trio.fail_after(120):
            await changed(server)

    with started_server(tmp_path, "split", workers=1, settings={}) as server:
        assert [program.name for program in server.programs] == ["nats", "mr", "dacha", "edge"]
        assert len(server.processes()) > 6  # a worker and PostgreSQL among them
        trio.run(in_time)
