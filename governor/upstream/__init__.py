"""The way to the platforms: one wire request per ask, and the tunnels to everybody else.

    addresses    which addresses may be dialled
    route        from a name to the addresses that are dialled for it
    fields       header fields on their way back
    mishaps      what went wrong, in Governor's words: was anything sent?
    connecting   how connections are made
    client       the exchange itself, on aiohttp
    tunnel       connections of which only the ends are known

aiohttp speaks HTTP; everything in it that is meant to help a browser is off, because each of
those helps is a request, or a byte, that nobody counted.
"""

from governor.upstream.client import HttpUpstream
from governor.upstream.route import Proxy, Route

__all__ = ["HttpUpstream", "Proxy", "Route"]
