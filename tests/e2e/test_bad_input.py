"""Whatever is wrong, `governor` says it in one message, with the documented exit code.

The codes are design.md section 5's: 3 configuration or catalog, 4 ledger or journal, 5 address.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from governor.demo.launch import COMMAND, Launched, Place, Terms, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.redis import RedisServer

WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    said: str


async def ended(directory: Path, *words: str) -> Ended:
    """Run a governor command that is expected to end by itself."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        cwd=directory,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, said.decode())


def is_one_clear_message(one: Ended, code: int, *words: str) -> None:
    """Assert the exit code, that the message names what it must, and that it is no traceback."""
    assert "Traceback" not in one.said, one.said
    assert one.code == code, one.said
    assert all(word in one.said for word in words), one.said
    assert 0 < len(one.said.strip().splitlines()) <= 10, one.said


@pytest.fixture
def governor(tmp_path: Path) -> Launched:
    """Give a Governor configured well and not yet created; each test spoils one thing."""
    ca_file = tmp_path / "platform-ca.pem"
    place = Place(9, ca_file)
    return Launched(tmp_path, Terms(1_000, "10s"), place)


def spoil(governor: Launched, old: str, new: str) -> None:
    """Write the configuration with one thing replaced, and no reference to the platform's CA."""
    settings = governor.settings()
    trust = f'ca_file = "{governor.place.ca_file}"\n'
    assert old in settings
    text = settings.replace(trust, "").replace(old, new)
    (governor.directory / "governor.toml").write_text(text, encoding="utf-8")


SPOILT = {
    "no TOML": ("[listen]", "[listen", ()),
    "an unknown key, with a suggestion": ("proxy = ", "prxy = ", ("prxy", "proxy")),
    "an unknown table": ("[log]", "[logs]", ("logs",)),
    "a word for a number": ("posts = 1000", 'posts = "many"', ("posts",)),
    "a limit of nothing": ("posts = 1000", "posts = 0", ("posts",)),
    "a window that is no span": ('window = "10s"', 'window = "soon"', ("window", "soon")),
    "a window too short": ('window = "10s"', 'window = "1ms"', ("window",)),
    "an address that is none": ("127.0.0.1:", "300.0.0.1:", ("300.0.0.1",)),
    "an unknown catalog": ('catalog = "x"', 'catalog = "y"', ("catalog", "y")),
    "an unknown mode": ('catalog = "x"', 'catalog = "x"\nmode = "perhaps"', ("mode", "perhaps")),
    "an unknown format": ('format = "json"', 'format = "xml"', ("format", "xml")),
    "a contract without a limit": ("[[contract.limit]]", "[[contract]]", ("limit",)),
    "an unknown contract": (
        "[[contract]]",
        '[[job]]\nname = "a"\ntoken_sha256 = "' + "0" * 64 + '"\ncontract = "z"\n[[contract]]',
        ("contract", "z"),
    ),
}


@pytest.mark.parametrize("verb", ["init", "run", "check"])
@pytest.mark.parametrize("kind", SPOILT)
async def test_an_invalid_configuration_is_named(governor: Launched, kind: str, verb: str) -> None:
    old, new, words = SPOILT[kind]
    spoil(governor, old, new)
    arguments = (verb,)

    is_one_clear_message(await ended(governor.directory, *arguments), 3, *words)


async def test_all_mistakes_are_named_at_once(governor: Launched) -> None:
    spoil(governor, 'format = "json"\n', 'format = "xml"\nlevel = "shout"\n')

    is_one_clear_message(await ended(governor.directory, "init"), 3, "xml", "shout")


async def test_a_platform_ca_that_is_not_there_is_named(governor: Launched) -> None:
    (governor.directory / "governor.toml").write_text(governor.settings(), encoding="utf-8")

    is_one_clear_message(await ended(governor.directory, "init"), 3, "platform-ca.pem")


async def test_a_local_ca_that_is_gone_is_named(governor: Launched) -> None:
    spoil(governor, "[log]", "[log]")
    assert (await ended(governor.directory, "init")).code == 0
    gone = [path for path in (governor.directory / "state").rglob("*.pem") if "ca" in path.name]
    for path in gone:
        path.unlink()

    assert gone != []
    is_one_clear_message(await ended(governor.directory, "run"), 3, "governor init")


async def test_a_port_in_use_is_named(governor: Launched) -> None:
    spoil(governor, "[log]", "[log]")
    assert (await ended(governor.directory, "init")).code == 0
    with socket.create_server(("127.0.0.1", governor.proxy_port)):
        one = await ended(governor.directory, "run")

    is_one_clear_message(one, 5, str(governor.proxy_port))


async def test_a_ledger_that_was_never_created_is_not_taken_for_an_empty_one(
    governor: Launched,
) -> None:
    """Never is a missing ledger "0 used": only `governor init` creates one."""
    spoil(governor, "[log]", "[log]")
    one = await ended(governor.directory, "run")

    is_one_clear_message(one, one.code, "governor init")
    assert one.code in (3, 4, 6)


async def test_an_unreachable_redis_is_named(governor: Launched) -> None:
    governor.redis = "redis://127.0.0.1:1/0"
    spoil(governor, "[log]", "[log]")

    is_one_clear_message(await ended(governor.directory, "init"), 4, "127.0.0.1:1")


async def test_a_redis_that_has_died_is_named(governor: Launched, fresh_redis: RedisServer) -> None:
    governor.redis = fresh_redis.url
    spoil(governor, "[log]", "[log]")
    assert (await ended(governor.directory, "init")).code == 0
    fresh_redis.kill()

    is_one_clear_message(await ended(governor.directory, "run"), 4, str(fresh_redis.port))


async def test_a_state_directory_that_cannot_be_written_is_named(governor: Launched) -> None:
    """A file stands where the directory should; root, who may write anywhere, cannot either."""
    spoil(governor, "[log]", "[log]")
    (governor.directory / "state").write_text("in the way", encoding="utf-8")

    is_one_clear_message(await ended(governor.directory, "init"), 4, "state")


async def test_a_journal_that_cannot_be_written_is_named(governor: Launched) -> None:
    """A directory stands where the file should, for the same reason."""
    spoil(governor, "[log]", "[log]")
    assert (await ended(governor.directory, "init")).code == 0
    journal = governor.directory / "state" / "journal.db"
    for path in journal.parent.glob(f"{journal.name}*"):
        path.unlink()
    journal.mkdir()

    is_one_clear_message(await ended(governor.directory, "run"), 4, "journal.db")


async def test_a_verb_that_does_not_exist_is_wrong_usage(governor: Launched) -> None:
    one = await ended(governor.directory, "frobnicate")

    assert (one.code, "Traceback" in one.said) == (2, False)
