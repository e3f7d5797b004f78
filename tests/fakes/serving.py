"""A Governor that serves within the test's own process, where its parts can be looked at."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp

from governor.cli.serve import Running, start
from governor.clock import SystemClock
from governor.config import load
from governor.demo.launch import Launched, Place, Terms
from governor.log import Log
from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.clock import Clock
    from governor.config import Config

TERMS: Final = Terms(10_000, "1h")
SEARCH: Final = "/gateway/api.x.com/2/tweets/search/recent?query=rain&max_results=100"


def settings(directory: Path, *changes: tuple[str, str], place: Place | None = None) -> Launched:
    """Write a governor.toml with some words in it exchanged; without a place it leads nowhere."""
    directory.mkdir(parents=True, exist_ok=True)
    governor = Launched(directory, TERMS, place or Place(9, TinyAuthority(directory).file))
    text = governor.settings()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (directory / "governor.toml").write_text(text, encoding="utf-8")
    return governor


def config_of(governor: Launched) -> Config:
    """Read what `settings` wrote."""
    return load(governor.directory / "governor.toml", {})


@asynccontextmanager
async def serving(config: Config, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run a Governor in this process."""
    clock = clock or SystemClock()
    log = Log(sys.stderr, clock, style=config.log.format, level=config.log.level)
    async with AsyncExitStack() as stack:
        yield await start(config, stack, clock, log)


async def get(url: str, **options: object) -> tuple[int, str]:
    """Ask as a crawler does, and return the status and the body."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, **options) as answer,  # type: ignore[arg-type]  # whatever aiohttp takes
    ):
        return answer.status, await answer.text()
