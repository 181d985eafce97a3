"""A network namespace for one run: sockets that no firewall, proxy or neighbour takes part in.

Connection tracking of the machine does not see them, ports are all free, and the table of
established connections is as large as wished. This process moves into it; the servers and load
clients that it starts are born there.

Source: unshare(2), user_namespaces(7), netdevice(7); tcp_child_ehash_entries in the kernel's
Documentation/networking/ip-sysctl.rst.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.load.bounds import OutOfBounds

_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWUSER: Final = 0x10000000
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_FLAGS: Final = struct.Struct("16sh14x")
_TABLE: Final = Path("/proc/sys/net/ipv4/tcp_child_ehash_entries")
_TABLE_ENTRIES: Final = 1 << 20
_SETTING_BYTES: Final = 64


def enter_namespace() -> None:
    """Move this process into a network namespace of its own, whose loopback is up.

    Root does so directly, with a larger table of connections; anybody else as the owner of a user
    namespace, where the system permits those.

    Raises:
        OutOfBounds: it is not permitted; the text says what is missing.
    """
    if os.geteuid() == 0:
        with _larger_table():
            _unshare(_CLONE_NEWNET, "CAP_SYS_ADMIN: in a container, --cap-add SYS_ADMIN")
    else:
        user, group = os.geteuid(), os.getegid()
        _unshare(
            _CLONE_NEWUSER | _CLONE_NEWNET,
            "user namespaces: sysctl user.max_user_namespaces and, on Debian and Ubuntu, "
            "kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns; "
            "or run this as root",
        )
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _raise_loopback()


def _unshare(flags: int, missing: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        number = ctypes.get_errno()
        if number in {errno.EPERM, errno.ENOSPC, errno.EINVAL, errno.ENOSYS}:
            raise OutOfBounds(f"--netns is not permitted here, it needs {missing}")
        raise OutOfBounds(f"--netns failed: {os.strerror(number)}")


@contextmanager
def _larger_table() -> Iterator[None]:
    """Have namespaces made meanwhile get a large table of connections, where that can be told."""
    try:
        # An open file stays that of the namespace which is about to be left.
        setting = _TABLE.open("r+b", buffering=0)
    except OSError:  # an older kernel, or a read-only /proc: the table is shared, which is slower
        yield
        return
    with setting:
        # Written at offset 0 each time: the kernel takes no notice of what comes after.
        before = os.pread(setting.fileno(), _SETTING_BYTES, 0)
        os.pwrite(setting.fileno(), b"%d" % _TABLE_ENTRIES, 0)
        try:
            yield
        finally:
            os.pwrite(setting.fileno(), before, 0)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _SIOCGIFFLAGS, _FLAGS.pack(b"lo", 0))
        _name, flags = _FLAGS.unpack(answer)
        fcntl.ioctl(control, _SIOCSIFFLAGS, _FLAGS.pack(b"lo", flags | _IFF_UP))
