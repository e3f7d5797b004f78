"""What every test gets: a clean environment, no way off this machine, and a real Redis.

Machines may preset where certificates and proxies are found. A test that inherits such a setting
proves something about that machine, not about Governor, so all of them are removed before the
first module is imported; a test that needs one sets it for the process that it starts.

Where the system allows it, the whole run has a network of its own with nothing but loopback in it.
It is entered before the first server starts, for what was started outside is out of reach inside.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes.isolation import enter_loopback_only
from tests.fakes.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PRESET: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NODE_EXTRA_CA_CERTS", "NODE_USE_ENV_PROXY", "TWS_PROXY"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"),
)

for _name in PRESET:
    os.environ.pop(_name, None)
    os.environ.pop(_name.lower(), None)

enter_loopback_only()  # where it cannot, the tests that might dial out skip and say why


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One real server for the session; a test that writes to it asks for `fresh_redis`."""
    server = RedisServer(tmp_path_factory.mktemp("redis") / "files")
    yield server
    server.close()


@pytest.fixture
def fresh_redis(redis_server: RedisServer) -> RedisServer:
    """Give the session's server, running and empty, whatever the test before did to it."""
    redis_server.refresh()
    return redis_server
