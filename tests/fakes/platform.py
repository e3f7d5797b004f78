"""The demo platform, started for one test: `async with running_platform(tmp_path) as platform`."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from governor.clock import SystemClock
from governor.demo.platform import Behaviour, Platform
from governor.demo.recorded import Recordings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
    directory = os.environ.get("GOVERNOR_FIXTURES")
    if not directory:
        pytest.skip("GOVERNOR_FIXTURES names no collection of recorded bodies")
    return Recordings(Path(directory))
