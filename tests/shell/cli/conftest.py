"""A configuration in a directory of its own, what its journal says, and the logger as it was."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import pytest

from governor import recovery
from governor.cli.looking import look
from governor.clock import SystemClock
from governor.config import load
from governor.journal import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governor.config import Config
    from governor.core.ledger.state import ContractState
    from governor.store import Survey

CONTRACT = '[[contract]]\n[[contract.limit]]\nname = "x-24h"\nposts = 1000\nwindow = "24h"\n'
TWO_LIMITS = (
    '[[contract]]\n[[contract.limit]]\nname = "x-24h"\nposts = 1000\nwindow = "24h"\n'
    '[[contract.limit]]\nname = "x-1h"\nposts = 100\nwindow = "1h"\n'
)


class Configure(Protocol):
    """Writes governor.toml and reads it."""

    def __call__(self, *tables: str, contract: str = CONTRACT, ledger: str = "") -> Config:
        """Return the configuration of these tables, with ports that are free and its own state."""
        ...


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Give what writes a test's governor.toml."""

    def write(*tables: str, contract: str = CONTRACT, ledger: str = "") -> Config:
        file = tmp_path / "governor.toml"
        listen = '[listen]\nproxy = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n'
        if any("[listen]" in table for table in tables):
            listen = ""
        state = f'[ledger]\nstate = "state"\n{ledger}\n'
        file.write_text("\n".join((listen, state, *tables, contract)), encoding="utf-8")
        return load(file, {})

    return write


def known(config: Config) -> ContractState:
    """Return what the journal says of contract x."""
    return recovery.load(Reader(config.ledger.state / "journal.db"))[1].contracts["x"]


def known_member(config: Config) -> str:
    """Return whose journal it is."""
    return Reader(config.ledger.state / "journal.db").member


async def surveyed(config: Config) -> Survey:
    """Return what Redis holds of contract x."""
    there = await look(config, "x", SystemClock())

    assert there is not None
    return there


def charged(config: Config) -> dict[str, int]:
    return {account: total.charged for account, total in known(config).totals.items()}


def elsewhere(config: Config) -> Config:
    """Return the same for a governor with a state directory of its own."""
    ledger = config.ledger.model_copy(update={"state": config.ledger.state / "2"})
    return config.model_copy(update={"ledger": ledger})


@pytest.fixture(autouse=True)
def _libraries_log_as_before() -> Iterator[None]:
    """Give the root logger back what it had: a `Log` takes it over for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
