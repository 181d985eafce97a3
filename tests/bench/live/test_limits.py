import resource

from bench.live.limits import too_small, workers_for

ROOMY = {
    "fs/file-max": "9999999",
    "fs/epoll/max_user_watches": "9999999",
    "net/core/somaxconn": "4096",
    "net/ipv4/tcp_max_orphans": "262144",
    "net/ipv4/tcp_mem": "1\t2\t9999999",
}


def system(directory, **values):
    for name, value in {**ROOMY, **values}.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value + "\n")
    return directory


def test_where_there_is_room_nothing_is_said(tmp_path):
    assert too_small(1_000_000, system(tmp_path)) == []


def test_what_is_too_small_is_named_with_the_way_to_raise_it(tmp_path):
    small = {"fs/file-max": "1000000", "net/ipv4/tcp_mem": "1 2 400000"}
    files, memory = too_small(1_000_000, system(tmp_path, **small))
    assert "sysctl -w fs.file-max=2200000" in files
    assert "sysctl -w net.ipv4.tcp_mem='250000 375000 500000'" in memory


def test_what_a_kernel_does_not_tell_is_not_complained_of(tmp_path):
    assert too_small(1_000_000, tmp_path) == []


def test_workers_are_as_many_as_descriptors_ask_for(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 20_000))
    assert workers_for(1) == 1
    assert 50 < workers_for(1_000_000) < 60
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, resource.RLIM_INFINITY))
    assert workers_for(1_000_000) == 1
