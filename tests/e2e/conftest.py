"""Real clients run here, so nothing here can reach beyond loopback, whatever a client ignores."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.isolation import enter_loopback_only

HERE = Path(__file__).parent


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave the network before the first test of any kind, so that no server is left behind.

    A server that a session fixture had started before would be out of reach afterwards.
    """
    if any(HERE in item.path.parents for item in session.items):
        enter_loopback_only()


@pytest.fixture(autouse=True)
def _loopback_only() -> None:
    refused = enter_loopback_only()
    if refused:
        pytest.skip(refused)
