from bench.client.context import context_headers
from fh.wire.context_header import parse_context


def test_a_server_reads_what_the_header_tells():
    context = {"userkey": ["irina"], "country": ["turkey", "new zealand"], "name": "a,b=c"}
    header = context_headers(context)["x-featurehub"]
    assert parse_context([header]) == {
        "userkey": ("irina",),
        "country": ("turkey", "new zealand"),
        "name": ("a", "b=c"),
    }


def test_without_a_context_there_is_no_header():
    assert context_headers({}) == {}
