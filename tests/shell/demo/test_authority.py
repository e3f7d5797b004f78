"""The platform's certificates are trusted by who is told to, and by nobody else."""

from __future__ import annotations

import ssl
import stat
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.fakes.platform import running_platform

if TYPE_CHECKING:
    from pathlib import Path


async def status_of(port: int, context: ssl.SSLContext, host: str = "api.x.com") -> int:
    url = f"https://127.0.0.1:{port}/1.1/application/rate_limit_status.json"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, ssl=context, server_hostname=host) as answer,
    ):
        return answer.status


async def test_a_client_that_trusts_the_ca_is_answered_for_every_name(tmp_path: Path) -> None:
    async with running_platform(tmp_path) as platform:
        context = ssl.create_default_context(cafile=platform.ca_file)
        for host in ("api.x.com", "api.twitter.com"):
            assert await status_of(platform.port, context, host) == 200


async def test_a_client_that_does_not_is_not_answered(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    async with running_platform(tmp_path) as platform:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await status_of(platform.port, context)


async def test_a_name_that_is_not_the_platforms_is_not_vouched_for(tmp_path: Path) -> None:
    async with running_platform(tmp_path) as platform:
        context = ssl.create_default_context(cafile=platform.ca_file)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await status_of(platform.port, context, "example.org")


async def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    async with running_platform(tmp_path):
        assert stat.S_IMODE((tmp_path / "platform.pem").stat().st_mode) == 0o600
