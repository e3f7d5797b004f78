"""Whoever has entered it reaches loopback and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import socket, sys
from tests.fakes.isolation import enter_loopback_only
refused = enter_loopback_only()
if refused:
    sys.exit(f"refused: {refused}")
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
try:
    socket.create_connection(("192.0.2.1", 443), timeout=5)
except OSError as error:
    print(error.strerror)
"""


def test_loopback_answers_and_the_rest_of_the_world_is_unreachable() -> None:
    """192.0.2.1 belongs to nobody (RFC 5737), should this ever fail."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    if ended.stderr.startswith("refused: "):
        pytest.skip(ended.stderr.removeprefix("refused: ").strip())

    assert (ended.stdout.strip(), ended.stderr) == ("Network is unreachable", "")
