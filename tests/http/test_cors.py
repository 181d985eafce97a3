from fh.http.cors import Cors
from fh.http.idempotency import REPEATED

EXPOSED = "etag,cache-control,idempotency-replayed,retry-after"


def test_what_a_browser_needs_for_sending_a_write_again_may_be_read():
    exposed = Cors().answer()["Access-Control-Expose-Headers"].split(",")
    assert {REPEATED.lower(), "retry-after"} <= set(exposed)


def test_configured_headers_join_the_fixed_ones():
    cors = Cors(extra_allowed="x-mine", extra_exposed="x-yours", max_age_seconds=5)
    assert cors.preflight()["Access-Control-Allow-Headers"].startswith("x-mine,baggage,")
    assert cors.preflight()["Access-Control-Max-Age"] == "5"
    assert cors.answer()["Access-Control-Expose-Headers"] == EXPOSED + ",x-yours"


def test_nothing_is_added_where_nothing_is_configured():
    assert Cors().preflight()["Access-Control-Allow-Headers"].startswith("baggage,if-none-match,")
    assert Cors().preflight()["Access-Control-Max-Age"] == "86400"
    assert Cors().answer() == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": EXPOSED,
    }
