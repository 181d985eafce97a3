from fh.roles.entrance import start_seconds


def test_workers_that_share_processors_may_take_longer_to_start():
    assert start_seconds(2, processors=2) == 60
    assert start_seconds(8, processors=2) == 60
    assert start_seconds(54, processors=2) == 405
    assert start_seconds(54, processors=64) == 60
