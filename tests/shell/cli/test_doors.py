"""The ports open as configured, and the way out never leads back to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.cli.doors import own
from governor.cli.initialise import initialise
from governor.demo.launch import Place
from governor.errors import ConfigError
from tests.fakes.platform import running_platform
from tests.fakes.serving import SEARCH, config_of, get, serving, settings
from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from pathlib import Path


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
            status, said = await get(f"http://127.0.0.1:{port}/metrics", proxy=governor.proxy_url)

            assert (status, "is this Governor itself" in said) == (502, True), said


def test_a_port_on_a_name_is_ours_on_every_address() -> None:
    assert own("127.0.0.1", 80) == {("127.0.0.1", 80)}
    assert own("localhost", 80) == {("0.0.0.0", 80), ("::", 80)}  # noqa: S104  # nothing is bound
