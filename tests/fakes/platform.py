"""The demo platform, started for one test: `async with running_platform(tmp_path) as platform`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from governor.clock import SystemClock
from governor.demo.platform import Behaviour, Platform
from governor.demo.recorded import Recordings, recordings_at_hand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def running_platform(
    directory: Path, behaviour: Behaviour | None = None, recordings: Recordings | None = None
) -> AsyncIterator[Platform]:
    """Start a platform on a free port of loopback, its certificates in `directory`."""
    platform = Platform(SystemClock(), behaviour, recordings)
    await platform.start(directory)
    try:
        yield platform
    finally:
        await platform.close()


def recordings() -> Recordings:
    """Return the collection that GOVERNOR_FIXTURES names; without one, the test is skipped."""
    found = recordings_at_hand()
    if found is None:
        pytest.skip("GOVERNOR_FIXTURES names no collection of recorded bodies")
    return found
