"""A configuration in a directory of its own, and the process-wide logger as it was before."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import pytest

from governor.config import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governor.config import Config

CONTRACT = '[[contract]]\n[[contract.limit]]\nname = "x-24h"\nposts = 1000\nwindow = "24h"\n'


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


@pytest.fixture(autouse=True)
def _libraries_log_as_before() -> Iterator[None]:
    """Give the root logger back what it had: a `Log` takes it over for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
