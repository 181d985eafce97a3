from prometheus_client import CollectorRegistry

from fh.dacha.last_known import LastKnownStatistics
from fh.dacha.last_known_metrics import LastKnownCollector

FIGURES = LastKnownStatistics(
    restored_environments=1,
    restored_accounts=2,
    restored_age_seconds=3.5,
    unconfirmed_environments=4,
    unconfirmed_accounts=5,
    refused=1,
    written=7,
    failed=8,
    left_out=9,
    file_bytes=10,
    file_age_seconds=11.0,
)


def test_every_figure_is_a_metric():
    registry = CollectorRegistry()
    registry.register(LastKnownCollector(lambda: FIGURES))
    found = {each.name: each.samples[0].value for each in registry.collect()}
    assert found == {
        "last_known_restored_environments": 1,
        "last_known_restored_accounts": 2,
        "last_known_restored_age_seconds": 3.5,
        "last_known_unconfirmed_environments": 4,
        "last_known_unconfirmed_accounts": 5,
        "last_known_file_refused": 1,
        "last_known_written": 7,
        "last_known_failed": 8,
        "last_known_left_out": 9,
        "last_known_file_bytes": 10,
        "last_known_file_age_seconds": 11.0,
    }
