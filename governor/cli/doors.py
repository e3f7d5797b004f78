"""The two ports of a serving Governor, and the way from them to the platforms.

Both ports are told to the way out before the first request: what they listen on is this Governor
itself and is never dialled, whatever a crawler asks for.
"""

from __future__ import annotations

import ssl
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from governor.admin import Admin
from governor.certs import Leaves, bundle
from governor.cli import parts
from governor.config.values import endpoint
from governor.core.identity import identify
from governor.errors import ConfigError
from governor.proxy import Pages, Proxy, Relay
from governor.upstream import HttpUpstream, Route

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from governor.certs import CertificateAuthority
    from governor.cli.answers import Answers
    from governor.cli.member import Member
    from governor.config import Config
    from governor.exchange import Exchange
    from governor.metrics import Metrics

Listeners = set[tuple[str, int]]


def way_out(config: Config, listeners: Listeners) -> HttpUpstream:
    """Return the way to the platforms, which never leads to `listeners`. Raises ConfigError."""
    upstream = config.upstream
    return HttpUpstream(
        Route.of(
            allow_addresses=upstream.allow_addresses,
            listeners=listeners,
            connect_to=upstream.connect_to,
            proxy=upstream.proxy,
        ),
        connect_timeout_ms=upstream.connect_timeout,
        read_timeout_ms=upstream.read_timeout,
        ca_file=upstream.ca_file,
    )


async def open_admin(
    config: Config, answers: Answers, metrics: Metrics, listeners: Listeners, stack: AsyncExitStack
) -> None:
    """Listen for Prometheus and people. Raises AddressError."""
    token = config.listen.admin_token_file
    admin = Admin(
        metrics=metrics.text,
        live=answers.live,
        ready=answers.ready,
        status=answers.status,
        admin_token=None if token is None else parts.secret(token),
    )
    host, port = endpoint(config.listen.admin)
    listeners |= own(host, await admin.listen(host, port))
    stack.push_async_callback(admin.close)


def front(
    member: Member,
    exchange: Exchange,
    upstream: HttpUpstream,
    authority: CertificateAuthority,
    domains: tuple[str, ...],
) -> Proxy:
    """Return what crawlers will meet on the proxy port: their requests reach these."""
    config = member.config
    return Proxy(
        exchange=exchange,
        relay=Relay(upstream),
        internal=Pages(lambda: bundle(authority.pem)),
        governs=exchange.governs,
        leaf=Leaves(authority, domains, member.clock.wall_ms).context,
        dial=upstream.dial,
        identify=partial(identify, {job.name: job for job in config.jobs()}),
        tasks=member.tasks,
        other_hosts=config.upstream.other_hosts,
    )


async def open_proxy(
    config: Config, proxy: Proxy, listeners: Listeners, stack: AsyncExitStack
) -> None:
    """Listen for crawlers. Raises AddressError, and ConfigError for a bad tls_cert.

    Taken down, every exchange has ended: nothing is charged any more, so the ledger can be told.
    """
    host, port = endpoint(config.listen.proxy)
    listeners |= own(host, await proxy.listen(host, port, own_tls(config)))
    stack.push_async_callback(proxy.close, 0)


def own(host: str, port: int) -> Listeners:
    """Return the addresses that are this Governor itself and so are never dialled.

    A name may have any address of this machine, so that a port on a name is ours on all of them.
    """
    try:
        ip_address(host)
    except ValueError:
        return {("0.0.0.0", port), ("::", port)}  # noqa: S104  # nothing is bound to it
    return {(host, port)}


def own_tls(config: Config) -> ssl.SSLContext | None:
    """Return how the proxy port itself is encrypted, if it is. Raises ConfigError."""
    cert, key = config.listen.tls_cert, config.listen.tls_key
    if cert is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"listen.tls_cert: {cert} and {key} are no certificate and key"
        ) from error
    return context
