"""`governor init` may break off anywhere: run again it goes on, and nobody had room meanwhile.

In Redis others are there at once, so the instants between its steps are instants to collect in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from governor import recovery
from governor.cli import initialise as verb
from governor.cli.idle import IdleMember
from governor.cli.making import Words, carry_out, plan
from governor.cli.moving import move
from governor.cli.restore import restore
from governor.clock import SystemClock
from governor.core.ledger.messages import Leniency
from governor.errors import LedgerUnreachableError
from governor.journal import Journal
from tests.shell.cli.conftest import (
    CONTRACT,
    TWO_LIMITS,
    charged,
    elsewhere,
    known,
    known_member,
    surveyed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.config import Config
    from governor.core.ledger.records import Record
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure


class Breaking:
    """A journal at which something happens: on reaching it, or once the facts are durable."""

    def __init__(
        self,
        journal: Journal,
        *,
        before: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        self._journal, self._before, self._after = journal, before, after

    async def append(self, *records: Record) -> int:
        if self._before is not None:
            self._before()
        return await self._journal.append(*records)

    async def write_checkpoint(self, record_id: int, state: bytes) -> None:
        await self._journal.write_checkpoint(record_id, state)
        if self._after is not None:
            self._after()


class CrashError(Exception):
    """The machine went down here."""


def crash() -> None:
    raise CrashError


async def broken(
    config: Config,
    used: int | None,
    *,
    before: Callable[[], None] | None = None,
    after: Callable[[], None] | None = None,
    moves: bool = False,
    raises: bool = False,
) -> list[str]:
    """Initialise, with something happening before or after the ledger is journaled."""
    journal = Journal.open(config.ledger.state, clock=SystemClock(), create=True)
    try:
        state = await recovery.start(journal, SystemClock())
        breaking = cast("Journal", Breaking(journal, before=before, after=after))
        member = IdleMember(config, breaking, state, SystemClock())
        (contract,) = config.contracts()
        words = Words(used, moves, raises)
        act = move if moves else carry_out
        done = await act(member, await plan(member, contract, words), words)
        return list(done.lines)
    finally:
        await journal.close()


def in_redis(server: RedisServer, account: str) -> int:
    """Return what the ledger counts in an account, over all members."""
    with server.client() as inside:
        found = inside.hmget(f"governor:{{x}}:account:{account}", "charged", "pending")
    return sum(int(posts or "") for posts in found)


async def test_a_crash_before_the_journal_knows_forgets_nothing(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """The ledger began with the charge, so the second try finds it there."""
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    with pytest.raises(CrashError):
        await broken(config, 900, before=crash)
    assert in_redis(fresh_redis, "x-24h") == 900

    said = await verb.initialise(config, 900)

    assert [line for line in said if "begins with 900 posts used, as an earlier" in line]
    assert charged(config) == {"x-24h": 900}
    assert known(config).spread["x-24h"].charged == 900
    assert in_redis(fresh_redis, "x-24h") == 900


async def test_after_a_crash_the_ledger_is_believed_and_not_the_second_word(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    with pytest.raises(CrashError):
        await broken(config, 900, before=crash)

    said = await verb.initialise(config, 5)

    assert [line for line in said if "900 posts used, as an earlier" in line]
    assert charged(config) == {"x-24h": 900}


async def test_a_crash_while_a_limit_is_added_leaves_it_full(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    redis = f'redis = "{fresh_redis.url}"\n'
    await verb.initialise(configure(ledger=redis), None)
    config = configure(ledger=redis, contract=TWO_LIMITS)
    with pytest.raises(CrashError):
        await broken(config, None, before=crash)
    assert in_redis(fresh_redis, "x-1h") == 100

    await verb.initialise(config, None)

    assert charged(config) == {"x-1h": 100}
    assert in_redis(fresh_redis, "x-1h") == 100


async def test_what_was_used_binds_others_before_it_is_told(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Between this governor's journal and its first word, another may join and collect."""
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    with pytest.raises(CrashError):
        await broken(config, 900, after=crash)

    await verb.initialise(elsewhere(config), None)

    assert in_redis(fresh_redis, "x-24h") == 900
    assert charged(elsewhere(config)) == {}
    await verb.initialise(config, None)
    assert in_redis(fresh_redis, "x-24h") == 900


async def test_the_rules_bind_others_before_this_governor_has_said_a_word(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    with pytest.raises(CrashError):
        await broken(config, 0, after=crash)

    assert (await surveyed(config)).leniency == Leniency.UNKNOWN_CHARGED | Leniency.ERRORS_FREE


async def test_a_ledger_that_was_not_told_is_no_success(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')

    with pytest.raises(LedgerUnreachableError, match="Run `governor init` again"):
        await broken(config, 250, after=fresh_redis.kill)
    assert charged(config) == {"x-24h": 250}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_move_that_broke_off_is_made_again(
    configure: Configure, fresh_redis: RedisServer, when: str
) -> None:
    """The ledger is there and the journal does not know of it, or it has not heard of us."""
    await verb.initialise(configure(), 250)
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    at = {"before": None, "after": None, when: crash}
    with pytest.raises(CrashError):
        await broken(config, None, moves=True, before=at["before"], after=at["after"])
    assert known(config).home == ("embedded" if when == "before" else fresh_redis.url)
    there = await surveyed(config)
    assert [seen.member for seen in there.awaited()] == [known_member(config)]
    assert (there.open, there.awaits_word) == (False, False)

    await verb.initialise(config, None, moves=True)
    await restore(config, print)

    assert known(config).home == fresh_redis.url
    assert in_redis(fresh_redis, "x-24h") == 250


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_word_that_broke_off_is_said_again(
    configure: Configure, fresh_redis: RedisServer, when: str
) -> None:
    """Before it is durable nothing is raised; said again it takes effect."""
    redis = f'redis = "{fresh_redis.url}"\n'
    await verb.initialise(configure(ledger=redis), 250)
    config = configure(ledger=redis, contract=CONTRACT.replace("1000", "9000"))
    at = {"before": None, "after": None, when: crash}
    with pytest.raises(CrashError):
        await broken(config, None, raises=True, before=at["before"], after=at["after"])
    with fresh_redis.client() as inside:
        assert inside.hget("governor:{x}:account:x-24h", "limit") == "1000"

    await verb.initialise(config, None, raises=True)

    assert known(config).accounts["x-24h"].limit == 9_000
    assert in_redis(fresh_redis, "x-24h") == 250
