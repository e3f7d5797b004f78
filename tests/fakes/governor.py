"""A real Governor process for one test, in front of a platform of the test's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from governor.demo.launch import Launched, Place, Terms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.demo.platform import Platform


@asynccontextmanager
async def running_governor(
    directory: Path, platform: Platform, terms: Terms, redis: str | None = None
) -> AsyncIterator[Launched]:
    """Run `governor init` and `governor run` on this platform; stop it afterwards."""
    place = Place(platform.port, platform.ca_file)
    governor = Launched(directory, terms, place, redis)
    await governor.create()
    try:
        await governor.start()
        yield governor
    finally:
        await governor.stop()
