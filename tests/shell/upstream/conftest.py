"""What the tests of the upstream are given."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def authority(tmp_path: Path) -> TinyAuthority:
    """Make an authority that nobody trusts unless told to."""
    return TinyAuthority(tmp_path)


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    """Close what a test opened, the clients before the servers."""
    async with AsyncExitStack() as stack:
        yield stack
