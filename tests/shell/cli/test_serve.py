"""`governor run` puts the parts together, serves, and goes down without forgetting anything."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
import pytest

from governor.cli.initialise import initialise
from governor.cli.serve import Running, own
from governor.config import load
from governor.demo.launch import Launched, Metrics, Place, Terms
from governor.demo.platform import Behaviour
from governor.errors import AddressError, ConfigError, LedgerError
from governor.tasks import Tasks
from tests.fakes.platform import running_platform
from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.config import Config
    from governor.demo.platform import Platform
    from tests.fakes.redis import RedisServer

TERMS: Final = Terms(10_000, "1h")
SEARCH: Final = "/gateway/api.x.com/2/tweets/search/recent?query=rain&max_results=100"
SLOW: Final = Behaviour(takes_ms=(600, 600))  # long enough that a signal arrives within it


def settings(directory: Path, place: Place, *changes: tuple[str, str]) -> Launched:
    """Write a governor.toml that leads to a platform, with some words in it exchanged."""
    governor = Launched(directory, TERMS, place)
    text = governor.settings()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "governor.toml").write_text(text, encoding="utf-8")
    return governor


def config_of(governor: Launched) -> Config:
    return load(governor.directory / "governor.toml", {})


@asynccontextmanager
async def serving(config: Config) -> AsyncIterator[Running]:
    """Run a Governor in this process."""
    async with AsyncExitStack() as stack:
        running = Running(config, stack)
        await running.start()
        yield running


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(tmp_path) as one:
        yield one


@pytest.fixture
def place(platform: Platform) -> Place:
    return Place(platform.port, platform.ca_file)


@pytest.fixture
def nowhere(tmp_path: Path) -> Place:
    """Give a platform that nobody will ask."""
    authority = TinyAuthority(tmp_path)
    return Place(9, authority.file)


async def get(url: str, **options: object) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, **options) as answer,  # type: ignore[arg-type]  # whatever aiohttp takes
    ):
        return answer.status, await answer.text()


async def recorded(governor: Launched) -> Metrics:
    """Return the metrics once one exchange is recorded and told: that ends after its answer."""
    while True:
        metrics = await governor.metrics()
        if metrics.sum("exchanges_total") == 1 and metrics.sum("held_posts") == 0:
            return metrics


async def test_a_request_is_carried_and_counted_and_every_face_says_so(
    tmp_path: Path, platform: Platform, place: Place
) -> None:
    governor = settings(tmp_path / "governor", place)
    await initialise(config_of(governor), 250)
    async with serving(config_of(governor)) as running:
        status, body = await get(governor.proxy_url + SEARCH)
        ready = await governor.read("/ready")
        metrics = await recorded(governor)
        told = running.status()["contracts"][0]

    posts = platform.posts
    assert (status, len(json.loads(body)["data"]) <= posts) == (200, True)
    assert ready == "ready\n"
    assert metrics.sum("received_posts_total") == posts
    assert metrics.sum("usage_posts", limit="x-demo", job="") == told["accounts"]["x-demo"]["usage"]
    assert told["ledger"] == "open"


async def test_what_was_charged_is_there_after_a_restart(
    tmp_path: Path, platform: Platform, place: Place
) -> None:
    governor = settings(tmp_path / "governor", place)
    await initialise(config_of(governor), 250)
    async with serving(config_of(governor)):
        await get(governor.proxy_url + SEARCH)
    async with serving(config_of(governor)) as running:
        usage = running.status()["contracts"][0]["accounts"]["x-demo"]["usage"]

    assert usage == 250 + max(100, platform.posts)


async def test_whoever_starts_it_learns_what_to_do_next(tmp_path: Path, nowhere: Place) -> None:
    governor = settings(tmp_path / "governor", nowhere)
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)) as running:
        said = "\n".join(running.welcome())

    assert governor.proxy_url in said
    assert 'eval "$(governor env)"' in said
    assert f"http://127.0.0.1:{governor.admin_port}/metrics" in said


async def test_without_init_it_does_not_serve(tmp_path: Path, nowhere: Place) -> None:
    governor = settings(tmp_path / "governor", nowhere)

    with pytest.raises(LedgerError, match="governor init"):
        async with serving(config_of(governor)):
            pass


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path, nowhere: Place) -> None:
    """Above all not its lock on the state directory."""
    governor = settings(tmp_path / "governor", nowhere)
    config = config_of(governor)
    await initialise(config, None)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", governor.proxy_port)
    with pytest.raises(AddressError, match=r"in use.*listen\.proxy"):
        async with serving(config):
            pass
    server.close()
    await server.wait_closed()

    async with serving(config):
        assert await governor.read("/ready") == "ready\n"


async def test_a_higher_limit_needs_an_operators_word(
    tmp_path: Path, nowhere: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invariant 10. A file can be edited by mistake; what is enforced is said in the log."""
    await initialise(config_of(settings(tmp_path / "governor", nowhere)), None)
    governor = settings(tmp_path / "governor", nowhere, ("posts = 10000", "posts = 20000"))
    async with serving(config_of(governor)) as running:
        limit = running.status()["contracts"][0]["accounts"]["x-demo"]["limit"]

    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert limit == 10_000
    assert (line["level"], line["configured"], line["enforced"]) == ("warning", 20_000, 10_000)


async def test_a_lower_limit_is_in_force_at_once_and_stays(tmp_path: Path, nowhere: Place) -> None:
    await initialise(config_of(settings(tmp_path / "governor", nowhere)), None)
    lower = settings(tmp_path / "governor", nowhere, ("posts = 10000", "posts = 9000"))
    async with serving(config_of(lower)) as running:
        at_once = running.status()["contracts"][0]["accounts"]["x-demo"]["limit"]
    back = settings(tmp_path / "governor", nowhere)
    async with serving(config_of(back)) as running:
        afterwards = running.status()["contracts"][0]["accounts"]["x-demo"]["limit"]

    assert (at_once, afterwards) == (9_000, 9_000)


async def test_a_ledger_that_goes_away_is_not_ready(
    tmp_path: Path, nowhere: Place, fresh_redis: RedisServer
) -> None:
    governor = settings(
        tmp_path / "governor", nowhere, ("[log]", f'redis = "{fresh_redis.url}"\n[log]')
    )
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        before = await governor.read("/ready")
        fresh_redis.kill()
        status, said = await get(f"http://127.0.0.1:{governor.admin_port}/ready")

    assert before == "ready\n"
    assert (status, said) == (503, "contract x: unreachable\n")


async def test_the_proxy_port_itself_can_be_under_tls(
    tmp_path: Path, platform: Platform, place: Place
) -> None:
    authority = TinyAuthority(tmp_path)
    authority.leaf("127.0.0.1")
    chain = tmp_path / "127.0.0.1.pem"
    tls = f'[listen]\ntls_cert = "{chain}"\ntls_key = "{chain}"\n'
    governor = settings(tmp_path / "governor", place, ("[listen]\n", tls))
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        url = governor.proxy_url.replace("http:", "https:") + SEARCH
        status, _ = await get(url, ssl=authority.trusting())

    assert (status, platform.arrived) == (200, 1)


async def test_a_certificate_that_is_none_is_named(tmp_path: Path, nowhere: Place) -> None:
    tls = f'[listen]\ntls_cert = "{__file__}"\ntls_key = "{__file__}"\n'
    governor = settings(tmp_path / "governor", nowhere, ("[listen]\n", tls))
    await initialise(config_of(governor), None)

    with pytest.raises(ConfigError, match=r"listen\.tls_cert.*no certificate and key"):
        async with serving(config_of(governor)):
            pass


async def test_it_never_dials_itself(tmp_path: Path, nowhere: Place) -> None:
    """Neither its proxy port nor its admin port, although loopback is allowed here."""
    governor = settings(tmp_path / "governor", nowhere, ('"refuse"', '"tunnel"'))
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        for port in (governor.proxy_port, governor.admin_port):
            status, said = await get(f"http://127.0.0.1:{port}/metrics", proxy=governor.proxy_url)

            assert (status, "is this Governor itself" in said) == (502, True), said


def test_a_port_on_a_name_is_ours_on_every_address() -> None:
    assert own("127.0.0.1", 80) == {("127.0.0.1", 80)}
    assert own("localhost", 80) == {("0.0.0.0", 80), ("::", 80)}  # noqa: S104  # nothing is bound


@asynccontextmanager
async def in_flight(
    directory: Path,
) -> AsyncIterator[tuple[Launched, asyncio.Task[tuple[int, str]]]]:
    """Give a Governor that runs as a process, and a request that is under way in it."""
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    async with running_platform(directory, SLOW) as platform:
        governor = settings(directory / "governor", Place(platform.port, platform.ca_file))
        await governor.command("init")
        await governor.start()
        try:
            asked = tasks.start(get(governor.proxy_url + SEARCH), "crawler")
            await platform.until(lambda one: one.under_way == 1)
            yield governor, asked
        finally:
            await tasks.cancel()
            await governor.stop()


async def test_one_signal_lets_running_exchanges_end(tmp_path: Path) -> None:
    async with in_flight(tmp_path) as (governor, asked):
        code = await governor.stop()
        status, _ = await asked

    assert (status, code) == (200, 0)
    assert "Traceback" not in governor.log


async def test_a_second_signal_charges_in_full_and_goes(tmp_path: Path) -> None:
    """The platform may have counted what was cut off."""
    async with in_flight(tmp_path) as (governor, asked):
        process = governor._process  # noqa: SLF001  # two signals without a wait between them
        assert process is not None
        os.kill(process.pid, signal.SIGINT)
        code = await governor.stop()
        with pytest.raises(aiohttp.ClientError):
            await asked
        await governor.start()
        metrics = await governor.metrics()

    assert code == 0
    assert "Traceback" not in governor.log
    assert metrics.sum("usage_posts", limit="x-demo", job="") >= 100
