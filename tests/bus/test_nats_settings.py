import pytest

from fh.bus.nats_settings import InvalidNatsUrl, NatsServer, parse_servers, parse_subject
from fh.config import Secret


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("nats://one", NatsServer("one")),
        ("one", NatsServer("one")),
        ("one:4333", NatsServer("one", 4333)),
        ("nats://one:4333/", NatsServer("one", 4333)),
        ("tls://one", NatsServer("one", tls=True)),
        ("nats://[::1]:4333", NatsServer("::1", 4333)),
        (
            "nats://ann:s%40fe%3Aword@one",
            NatsServer("one", user="ann", password=Secret("s@fe:word")),
        ),
        ("tls://t%2Fken@one:1", NatsServer("one", 1, tls=True, token=Secret("t/ken"))),
        ("ann:@one", NatsServer("one", user="ann")),
    ],
)
def test_servers_as_they_are_written(url, server):
    assert parse_servers([url]) == (server,)


def test_servers_keep_their_order():
    assert [server.host for server in parse_servers(["b", "a", "c"])] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nats://",
        "http://secret@one",
        "ws://one",
        "nats://secret@one:port",
        "nats://secret@one:70000",
        "nats://secret@one/path",
        "nats://secret@one?tls=1",
        "nats://secret@[::1",
    ],
)
def test_what_names_no_server_is_refused_without_showing_it(url):
    with pytest.raises(InvalidNatsUrl) as refused:
        parse_servers(["nats://good", url])
    assert "number 2" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_no_server_at_all_is_refused():
    with pytest.raises(InvalidNatsUrl):
        parse_servers([])


def test_a_server_shows_where_it_is_and_not_what_opens_it():
    for server in parse_servers(["nats://ann:secret@one", "nats://secret@[::1]:1"]):
        assert "secret" not in repr(server)
        assert "secret" not in server.address
    assert [server.address for server in parse_servers(["one", "[::1]:1"])] == [
        "one:4222",
        "[::1]:1",
    ]


@pytest.mark.parametrize("subject", ["", "featurehub/mr-edge-channel", "a.b.c", "default/x-v2"])
def test_names_of_subjects(subject):
    assert parse_subject(subject) == subject


@pytest.mark.parametrize("subject", ["a b", "a.*", ">", "a..b", ".a", "a\r\nPUB x"])
def test_what_is_no_name_of_a_subject(subject):
    with pytest.raises(ValueError, match="subject"):
        parse_subject(subject)
