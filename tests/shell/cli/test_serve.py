"""`governor run` puts the parts together, serves, and goes down without forgetting anything."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
import pytest

from governor import recovery
from governor.cli.initialise import initialise
from governor.cli.serve import serve, welcome
from governor.core.ledger.records import Outcome, Resolved
from governor.demo.launch import Launched, Metrics, Place
from governor.demo.platform import Behaviour
from governor.errors import AddressError
from governor.journal import Reader
from governor.tasks import Tasks
from tests.fakes.platform import running_platform
from tests.fakes.serving import SEARCH, config_of, get, serving, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.demo.platform import Platform
    from tests.fakes.redis import RedisServer

SLOW: Final = Behaviour(takes_ms=(600, 600))  # long enough that a signal arrives within it

NEVER: Final = Behaviour(takes_ms=(60_000, 60_000))  # no test waits for that answer


def at(platform: Platform) -> Place:
    return Place(platform.port, platform.ca_file)


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(tmp_path) as one:
        yield one


async def recorded(governor: Launched) -> Metrics:
    """Return the metrics once one exchange is recorded and told: that ends after its answer."""
    while True:
        metrics = await governor.metrics()
        if metrics.sum("exchanges_total") == 1 and metrics.sum("held_posts") == 0:
            return metrics


async def test_a_request_is_carried_and_counted_and_every_face_says_so(
    tmp_path: Path, platform: Platform
) -> None:
    governor = settings(tmp_path / "governor", place=at(platform))
    await initialise(config_of(governor), 250)
    async with serving(config_of(governor)) as running:
        status, body = await get(governor.proxy_url + SEARCH)
        ready = await governor.read("/ready")
        metrics = await recorded(governor)
        told = running.answers.status()["contracts"][0]

    posts = platform.posts
    assert (status, len(json.loads(body)["data"]) <= posts) == (200, True)
    assert ready == "ready\n"
    assert metrics.sum("received_posts_total") == posts
    assert metrics.sum("usage_posts", limit="x-demo", job="") == told["accounts"]["x-demo"]["usage"]
    assert told["ledger"] == "open"


async def test_what_was_charged_is_there_after_a_restart(
    tmp_path: Path, platform: Platform
) -> None:
    governor = settings(tmp_path / "governor", place=at(platform))
    await initialise(config_of(governor), 250)
    async with serving(config_of(governor)):
        await get(governor.proxy_url + SEARCH)
    async with serving(config_of(governor)) as running:
        usage = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["usage"]

    assert usage == 250 + max(100, platform.posts)


def test_whoever_starts_it_learns_what_to_do_next(tmp_path: Path) -> None:
    governor = settings(tmp_path / "governor")

    said = "\n".join(welcome(config_of(governor)))

    assert governor.proxy_url in said
    assert 'eval "$(governor env)"' in said
    assert f"http://127.0.0.1:{governor.admin_port}/metrics" in said


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Above all not its lock on the state directory."""
    governor = settings(tmp_path / "governor")
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


@asynccontextmanager
async def in_flight(
    directory: Path, redis: str | None = None
) -> AsyncIterator[tuple[Launched, asyncio.Task[tuple[int, str]]]]:
    """Give a Governor that runs as a process, and a request that is under way in it."""
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    async with running_platform(directory, SLOW) as platform:
        changes = (("[log]", f'redis = "{redis}"\n[log]'),) if redis else ()
        governor = settings(directory / "governor", *changes, place=at(platform))
        await governor.command("init")
        await governor.start()
        try:
            asked = tasks.start(get(governor.proxy_url + SEARCH), "crawler")
            await platform.until(lambda one: one.under_way == 1)
            yield governor, asked
        finally:
            await tasks.cancel()
            await governor.stop()


def outcomes(governor: Launched) -> list[Outcome]:
    """Return how the requests ended, as the journal has it."""
    found = journal(governor).records((Resolved,))
    return [record.outcome for _, record in found if isinstance(record, Resolved)]


def journal(governor: Launched) -> Reader:
    return Reader(governor.directory / "state" / "journal.db")


async def test_one_signal_lets_running_exchanges_end(tmp_path: Path) -> None:
    async with in_flight(tmp_path) as (governor, asked):
        code = await governor.stop()
        status, _ = await asked

    assert (status, code) == (200, 0)
    assert "Traceback" not in governor.log


async def test_a_stop_leaves_nothing_open(tmp_path: Path, fresh_redis: RedisServer) -> None:
    """Drained, then durable, then told to the ledger, then checkpointed, then closed."""
    async with in_flight(tmp_path, redis=fresh_redis.url) as (governor, _):
        await governor.stop()
        left, covered = journal(governor), journal(governor).checkpoint()
        contract = recovery.load(left)[1].contracts["x"]
        with fresh_redis.client() as inside:
            told = inside.hgetall("governor:{x}:account:x-demo")

        assert covered is not None
        assert outcomes(governor) == [Outcome.SETTLED]
        assert contract.spread == contract.totals
        assert (told["pending"], int(told["charged"])) == ("0", contract.totals["x-demo"].charged)
        assert covered[0] == left.head.id
        await governor.start()
        assert outcomes(governor) == [Outcome.SETTLED]


async def stopping(governor: Launched) -> None:
    """Return once it says that it has heard a signal: two of a kind at once would be one."""
    while "stopping" not in governor.log:  # noqa: ASYNC110  # a process can only be asked
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
async def test_a_second_signal_charges_in_full_and_goes(
    tmp_path: Path, first: signal.Signals
) -> None:
    """The platform may have counted what was cut off. The next start has nothing to find out."""
    async with in_flight(tmp_path) as (governor, asked):
        process = governor._process  # noqa: SLF001  # what an init system does, step by step
        assert process is not None
        os.kill(process.pid, first)
        await stopping(governor)
        code = await governor.stop()
        before = outcomes(governor)
        with pytest.raises(aiohttp.ClientError):
            await asked
        await governor.start()
        metrics = await governor.metrics()

    assert code == 0
    assert "Traceback" not in governor.log
    assert before == outcomes(governor) == [Outcome.ORPHANED]
    assert metrics.sum("usage_posts", limit="x-demo", job="") >= 100


async def test_one_state_directory_serves_one_governor(tmp_path: Path) -> None:
    governor = settings(tmp_path / "governor")
    await governor.command("init")
    await governor.start()
    first = governor._process  # noqa: SLF001  # the message names it
    assert first is not None
    try:
        with pytest.raises(RuntimeError, match=rf"ended with 4:\n.*in use by process {first.pid}:"):
            await governor.command("run")
        assert await governor.read("/ready") == "ready\n"
    finally:
        await governor.stop()


async def test_whoever_has_read_that_it_serves_may_stop_it(tmp_path: Path) -> None:
    """No signal after the first word is lost, and none ends it the hard way."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, None)
    said: list[str] = []
    missed: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: missed.append(number))

    def say(line: str) -> None:
        said.append(line)
        signal.raise_signal(signal.SIGTERM)

    try:
        await asyncio.wait_for(serve(config, say), 10)
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)
        signal.signal(signal.SIGTERM, before)

    assert "serves on" in said[0]
    assert missed == []


async def test_what_is_cut_is_told_before_the_governor_is_gone(tmp_path: Path) -> None:
    tasks = Tasks(lambda *_: None)
    async with running_platform(tmp_path, NEVER) as platform:
        governor = settings(tmp_path / "governor", place=at(platform))
        await initialise(config_of(governor), None)
        async with serving(config_of(governor)):
            tasks.start(get(governor.proxy_url + SEARCH), "crawler")
            await platform.until(lambda one: one.under_way == 1)
        await tasks.cancel()

    contract = recovery.load(journal(governor))[1].contracts["x"]
    assert outcomes(governor) == [Outcome.ORPHANED]
    assert contract.totals["x-demo"].lingered == 100  # its last byte was never read
    assert contract.spread == contract.totals


async def test_nothing_secret_is_written_down(
    tmp_path: Path, fresh_redis: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not into the journal, the bundle, the log, the metrics or the status; nor what was read."""
    hashed = hashlib.sha256(b"t0ken-of-job").hexdigest()
    job = f'[[job]]\nname = "elections"\ntoken_sha256 = "{hashed}"\n[[contract]]'
    redis = f'redis = "{fresh_redis.url}"\nredis_password_file = "passw0rd"\n[log]'
    fields = {
        "X-Governor-Authorization": "Basic " + base64.b64encode(b"elections:t0ken-of-job").decode(),
        "Authorization": "Bearer t0ken-of-x",
        "Cookie": "auth=t0ken-of-cookie",
    }
    async with running_platform(tmp_path) as platform:
        changes = ("[log]", redis), ("[[contract]]", job)
        governor = settings(tmp_path / "governor", *changes, place=at(platform))
        (governor.directory / "passw0rd").write_text("t0ken-of-redis")
        with fresh_redis.client() as inside:
            inside.config_set("requirepass", "t0ken-of-redis")
            try:
                await initialise(config_of(governor), None)
                async with serving(config_of(governor)) as running:
                    url = governor.proxy_url + SEARCH.replace("rain", "t0ken-of-query")
                    status, body = await get(url, headers=fields)
                    metrics = await governor.read("/metrics")
                    said = str(running.answers.status()) + metrics + str(capfd.readouterr())
            finally:
                inside.config_set("requirepass", "")
    state = b"".join(file.read_bytes() for file in (governor.directory / "state").iterdir())

    text = json.loads(body)["data"][0]["text"].encode()
    written = state + said.encode()
    assert status == 200
    assert b"search" in written
    assert [secret for secret in (b"t0ken", hashed.encode(), text) if secret in written] == []
