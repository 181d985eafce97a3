"""What the load client refuses: foreign targets, too many streams, too long a run."""

import ipaddress
import resource
import socket

MOST_STREAMS = 1_000_000
LONGEST_RUN_SECONDS = 3_600
DESCRIPTOR_HEADROOM = 64
"""Descriptors a process needs beside its streams: standard streams, epoll, modules, a margin."""

STREAMS_PER_ADDRESS = 10_000
"""Well below the about 28,000 ephemeral ports between one source address and one listener."""


class OutOfBounds(Exception):
    """The run asked for is refused; the text says what would make it possible."""


def require_local(host: str, port: int, *, allow_remote: bool) -> str:
    """Return the address to connect to.

    Raises:
        OutOfBounds: `host` has no address, or one that isn't this machine's loopback.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OutOfBounds(f"{host} has no address: {error.strerror}") from error
    addresses = [str(entry[4][0]) for entry in found]
    foreign = [text for text in addresses if not ipaddress.ip_address(text).is_loopback]
    if foreign and not allow_remote:
        raise OutOfBounds(
            f"{host} is {foreign[0]}, not this machine: load on others' machines only with "
            "--allow-remote, and with their consent"
        )
    return addresses[0]


def require_bounded(streams: int, seconds: float) -> None:
    """Check a run's size.

    Raises:
        OutOfBounds: it would be empty, too large or too long.
    """
    if not 1 <= streams <= MOST_STREAMS:
        raise OutOfBounds(f"streams must be 1 to {MOST_STREAMS:,}, not {streams:,}")
    if not 0 < seconds <= LONGEST_RUN_SECONDS:
        raise OutOfBounds(f"a run lasts up to {LONGEST_RUN_SECONDS:,} s, not {seconds:,}")


def streams_per_process() -> int:
    """Raise this process's limit of descriptors as far as it may; return the streams that fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return MOST_STREAMS
    return hard - DESCRIPTOR_HEADROOM


def require_descriptors(streams: int, *, processes: int = 1) -> None:
    """Check that `streams` fit into `processes` processes.

    Raises:
        OutOfBounds: the hard limit of open files is too low.
    """
    fit = streams_per_process()
    if streams > fit * processes:
        raise OutOfBounds(
            f"{streams:,} streams in {processes} process(es) need more open files than the hard "
            f"limit leaves ({fit:,} each): raise it (ulimit -Hn), or ask for fewer streams"
        )


def source_address(target: str, index: int) -> str | None:
    """Return the address stream `index` connects from, None to leave the choice to the kernel.

    All of 127.0.0.0/8 is this machine, so each block of streams gets an address, and with it a
    set of ephemeral ports, of its own.
    """
    address = ipaddress.ip_address(target)
    if address.version != 4 or not address.is_loopback:
        return None
    block = index // STREAMS_PER_ADDRESS
    return str(ipaddress.IPv4Address("127.0.0.1") + block)
