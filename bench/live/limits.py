"""What of the system is too small for so many streams, and how to raise it.

Source: the kernel's Documentation/networking/ip-sysctl.rst and admin-guide/sysctl/{fs,net}.rst;
epoll(7).
"""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SYS: Final = Path("/proc/sys")
_MARGIN: Final = 1.1
_KEPT_DESCRIPTORS: Final = 256
"""Of a worker: for its parent, its door and its files, which it takes no connection from."""

_SPREAD_SHARE: Final = 0.05
"""The system deals connections out by their addresses' hash: some workers get more than others."""

_PAGES_OF_A_STREAM: Final = 0.5
"""Of TCP's buffers while every stream is told something: a part of a page at each end."""


def workers_for(streams: int) -> int:
    """Return how many Edge workers so many streams need, by the limit of open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return 1
    return -(-streams // int((hard - _KEPT_DESCRIPTORS) * (1 - _SPREAD_SHARE)))


def too_small(streams: int, system: Path = _SYS) -> list[str]:
    """Return what stands in the way of so many streams from this machine to itself."""
    return [
        f"{name} is {found:,}, {streams:,} streams want {wanted:,}: "
        f"sysctl -w {name.replace('/', '.')}={setting}"
        for name, found, wanted, setting in _wants(streams, system)
        if found < wanted
    ]


def _wants(streams: int, system: Path) -> Iterator[tuple[str, int, int, str]]:
    ends = int(2 * streams * _MARGIN)
    pages = int(streams * _PAGES_OF_A_STREAM)
    for name, position, wanted, setting in (
        ("fs/file-max", 0, ends, str(ends)),
        ("fs/epoll/max_user_watches", 0, ends, str(ends)),
        ("net/core/somaxconn", 0, 1_024, "4096"),
        # When the client leaves, all its connections at once.
        ("net/ipv4/tcp_max_orphans", 0, 65_536, "262144"),
        ("net/ipv4/tcp_mem", 2, pages, f"'{pages // 2} {pages * 3 // 4} {pages}'"),
    ):
        words = _words(system / name)
        if len(words) > position:
            yield name, int(words[position]), wanted, setting


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:  # of the first namespace only, or of another kernel
        return []
