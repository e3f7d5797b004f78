"""The ways in: sockets become exchanges.

    front       peeks at a connection's first bytes: CONNECT, or plain HTTP
    tunnel      what follows CONNECT: interception, cleartext HTTP, or a blind tunnel
    hello       the name that a TLS ClientHello asks for
    connection  one HTTP/1 conversation, on aiohttp's low-level server
    door        one request: checked, located, identified, and given to whom it is for
    requests    the rules of admission: framing, place, end-to-end fields
    canonical   one spelling of a target, for governed hosts
    forms       the bodies in which a method may hide
    authority   `host:port`, in one canonical form
    downstream  the crawler's side of an exchange
    problems    what the door itself answers, as problem+json
    relay       plain HTTP to hosts that no contract governs
    internal    http://governor.internal/
    listener    the port, and the drain at the end

`Proxy` in `listener` puts them together.
"""

from governor.proxy.internal import Pages
from governor.proxy.listener import Proxy
from governor.proxy.relay import Relay

__all__ = ["Pages", "Proxy", "Relay"]
