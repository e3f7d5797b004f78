"""The ports open as configured, and the way out never leads back to them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NoReturn

import pytest

from governor.cli.doors import open_proxy, own
from governor.cli.initialise import initialise
from governor.demo.launch import Place
from governor.demo.platform import Behaviour
from governor.errors import ConfigError
from governor.proxy import Proxy
from governor.tasks import Tasks
from tests.fakes.platform import running_platform
from tests.fakes.serving import SEARCH, config_of, get, serving, settings
from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from pathlib import Path

    from tests.shell.cli.conftest import Configure


async def test_the_proxy_port_itself_can_be_under_tls(tmp_path: Path) -> None:
    authority = TinyAuthority(tmp_path)
    authority.leaf("127.0.0.1")
    chain = tmp_path / "127.0.0.1.pem"
    tls = f'[listen]\ntls_cert = "{chain}"\ntls_key = "{chain}"\n'
    async with running_platform(tmp_path) as platform:
        governor = settings(
            tmp_path / "governor", ("[listen]\n", tls), place=Place(platform.port, platform.ca_file)
        )
        await initialise(config_of(governor), None)
        async with serving(config_of(governor)):
            url = governor.proxy_url.replace("http:", "https:") + SEARCH
            status, _ = await get(url, ssl=authority.trusting())

    assert (status, platform.arrived) == (200, 1)


async def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    tls = f'[listen]\ntls_cert = "{__file__}"\ntls_key = "{__file__}"\n'
    governor = settings(tmp_path / "governor", ("[listen]\n", tls))
    await initialise(config_of(governor), None)

    with pytest.raises(ConfigError, match=r"listen\.tls_cert.*no certificate and key"):
        async with serving(config_of(governor)):
            pass


async def test_it_never_dials_itself(tmp_path: Path) -> None:
    """Neither its proxy port nor its admin port, although loopback is allowed here."""
    governor = settings(tmp_path / "governor", ('"refuse"', '"tunnel"'))
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        for port in (governor.proxy_port, governor.admin_port):
            status, said = await get(f"http://localhost:{port}/metrics", proxy=governor.proxy_url)

            assert (status, "is this Governor itself" in said) == (502, True), said


def test_a_port_on_a_name_is_ours_on_every_address() -> None:
    assert own("127.0.0.1", 80) == {("127.0.0.1", 80)}
    assert own("localhost", 80) == {("0.0.0.0", 80), ("::", 80)}  # noqa: S104  # nothing is bound


async def test_the_admin_port_wants_its_token(tmp_path: Path) -> None:
    governor = settings(tmp_path / "governor", ("[ledger]", 'admin_token_file = "token"\n[ledger]'))
    (governor.directory / "token").write_text("secret\n", "utf-8")
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        url = f"http://127.0.0.1:{governor.admin_port}/status"
        without, _ = await get(url)
        status, _ = await get(url, headers={"Authorization": "Bearer secret"})

    assert (without, status) == (401, 200)


@pytest.mark.parametrize(("other_hosts", "expected"), [("refuse", 403), ("tunnel", 502)])
async def test_other_hosts_are_refused_if_so_configured(
    tmp_path: Path, other_hosts: str, expected: int
) -> None:
    """Where they are not, one that nobody can reach is only a bad gateway."""
    governor = settings(tmp_path / "governor", ('"refuse"', f'"{other_hosts}"'))
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        status, _ = await get("http://localhost:1/", proxy=governor.proxy_url)

    assert status == expected


async def test_a_silent_platform_is_left_after_the_configured_time(tmp_path: Path) -> None:
    times = '[upstream]\nconnect_timeout = "30s"\nread_timeout = "1s"'
    async with running_platform(tmp_path, Behaviour(takes_ms=(60_000, 60_000))) as platform:
        place = Place(platform.port, platform.ca_file)
        governor = settings(tmp_path / "governor", ("[upstream]", times), place=place)
        await initialise(config_of(governor), None)
        async with serving(config_of(governor)), asyncio.timeout(10):
            status, _ = await get(governor.proxy_url + SEARCH)

    assert status == 504


async def test_a_job_is_known_by_its_token(tmp_path: Path) -> None:
    hashed = hashlib.sha256(b"secret").hexdigest()
    job = f'[[job]]\nname = "elections"\ntoken_sha256 = "{hashed}"\n[[contract]]'
    governor = settings(tmp_path / "governor", ("[[contract]]", job))
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        for token, expected in (("secret", 502), ("another", 401)):  # 502: it leads nowhere
            word = base64.b64encode(f"elections:{token}".encode()).decode()
            fields = {"X-Governor-Authorization": f"Basic {word}"}
            status, _ = await get(governor.proxy_url + SEARCH, headers=fields)

            assert status == expected


class Slow:
    """An exchange that takes some turns of the loop to end once it is cut."""

    def __init__(self) -> None:
        self.began, self.ended = asyncio.Event(), False

    async def run(self, *_: object) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _turn in range(1_000):
                await asyncio.sleep(0)
            self.ended = True


async def no_way(host: str, port: int) -> NoReturn:
    raise AssertionError(f"nothing is dialled here: {host}:{port}")


def no_leaf(_: str) -> NoReturn:
    raise AssertionError("nothing is intercepted here")


async def test_once_the_door_is_closed_every_exchange_has_ended(configure: Configure) -> None:
    """Each resolves its hold when it is cut; the ledger is told after the last has."""
    slow, tasks = Slow(), Tasks(lambda *_: None)
    proxy = Proxy(
        exchange=slow,
        relay=slow,
        internal=slow,
        governs=lambda _: True,
        leaf=no_leaf,
        dial=no_way,
        identify=lambda _: "default",
        tasks=tasks,
    )
    listeners: set[tuple[str, int]] = set()
    async with AsyncExitStack() as stack:
        await open_proxy(configure(), proxy, listeners, stack)
        [(host, port)] = listeners
        tasks.start(get(f"http://{host}:{port}/gateway/api.x.com/2/tweets"), "crawler")
        await slow.began.wait()

    assert slow.ended
    await tasks.cancel()
