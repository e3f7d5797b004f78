"""No way off this machine: this process and its children get a network that is loopback only.

Linux gives a process a network namespace of its own, where nothing but loopback exists; whoever
dials out of it is told at once that the network is unreachable. So a crawler that overlooks its
proxy fails its test instead of reaching the real platform. Patching sockets was rejected: the
clients under test are other programs.

Entering takes root (or `unshare --user --map-root-user`), is for good, and holds for everything
this process does later; what another process served on loopback before is out of reach after.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from functools import cache

CLONE_NEWNET = 0x40000000  # linux/sched.h
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)
REMEDY = "run as root, or under `unshare --user --map-root-user`"


@cache
def enter_loopback_only() -> str | None:
    """Enter it, once per process; return None, or the sentence that says why it cannot be."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None:
        return "this system has no network namespaces: no test may dial off the machine"
    if unshare(CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        return f"no network namespace of our own ({reason}): {REMEDY}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", answer, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))
    return None
