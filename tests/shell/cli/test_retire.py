"""A member is retired on an operator's word, and only one that can be dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.cli.initialise import initialise
from governor.cli.restore import restore
from governor.cli.retire import retire
from governor.core.ledger.roster import MemberStanding
from governor.errors import DoubtError, LedgerError, UsageError
from tests.fakes.serving import serving
from tests.shell.cli.conftest import elsewhere, known_member, surveyed

if TYPE_CHECKING:
    from governor.config import Config
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure


async def two(configure: Configure, server: RedisServer) -> tuple[Config, Config]:
    """Return two members of one ledger, the second with 250 posts used before."""
    one = configure(ledger=f'redis = "{server.url}"\n')
    other = elsewhere(one)
    await initialise(other, 250)
    await initialise(one, None)
    return one, other


async def test_it_needs_the_operators_word_spelled_out(configure: Configure) -> None:
    with pytest.raises(UsageError, match="retire needs --dead"):
        await retire(configure(), "a" * 32, dead=False, charged=None)


async def test_an_embedded_ledger_has_nobody_to_retire(configure: Configure) -> None:
    with pytest.raises(UsageError, match="no member but this one"):
        await retire(configure(), "a" * 32, dead=True, charged=None)


async def test_without_a_journal_nobody_can_say_who_is_meant(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')

    with pytest.raises(LedgerError, match="governor init"):
        await retire(config, "a" * 32, dead=True, charged=None)


async def test_who_is_unknown_is_answered_with_those_that_are_known(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    one, other = await two(configure, fresh_redis)

    with pytest.raises(UsageError, match="these are known") as refused:
        await retire(one, "a" * 32, dead=True, charged=None)
    assert known_member(one) in str(refused.value)
    assert known_member(other) in str(refused.value)


async def test_nobody_retires_himself(configure: Configure, fresh_redis: RedisServer) -> None:
    """His journal is here, and knows what he left open."""
    one, _ = await two(configure, fresh_redis)

    with pytest.raises(UsageError, match="start it with `governor run`"):
        await retire(one, known_member(one), dead=True, charged=None)


async def test_who_was_heard_just_now_is_not_dead(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """What it goes on to do would be counted by nobody."""
    one, other = await two(configure, fresh_redis)
    async with serving(other):
        with pytest.raises(DoubtError, match=r"heard .* ago: it lives\. Stop it first"):
            await retire(one, known_member(other), dead=True, charged=None)


async def test_of_a_member_that_the_ledger_knows_only_what_it_held_is_charged(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    one, other = await two(configure, fresh_redis)

    first, second, third = await retire(one, known_member(other), dead=True, charged=400)

    assert "is retired, and charged nothing more" in first
    assert "ledger time" in second
    assert "--charged 400 was not needed" in third
    [entry] = [each for each in (await surveyed(one)).members if each.member == known_member(other)]
    assert (entry.standing, entry.generation) == (MemberStanding.RETIRED, 2)
    with pytest.raises(DoubtError, match="an operator declared this member dead"):
        await initialise(other, None)


async def test_to_retire_twice_charges_once(configure: Configure, fresh_redis: RedisServer) -> None:
    one, other = await two(configure, fresh_redis)
    await retire(one, known_member(other), dead=True, charged=None)

    [said] = await retire(one, known_member(other), dead=True, charged=None)

    assert said.endswith("was retired before")


@pytest.mark.parametrize(("charged", "posts"), [(None, "1,000"), (30, "30")])
async def test_of_a_member_whose_row_was_lost_all_is_charged_or_what_an_operator_knows(
    configure: Configure, fresh_redis: RedisServer, charged: int | None, posts: str
) -> None:
    """And then nobody waits for it any more."""
    one, other = await two(configure, fresh_redis)
    fresh_redis.flush()
    with pytest.raises(DoubtError, match="gone, and with it who has used it"):
        await retire(one, known_member(other), dead=True, charged=charged)
    with pytest.raises(DoubtError, match=f"waits for {known_member(other)}"):
        await restore(one, print, patience_ms=0)

    first, _, *more = await retire(one, known_member(other), dead=True, charged=charged)

    assert f"charged {posts} posts of x-24h" in first
    assert len(more) == (charged is None)
    said: list[str] = []
    await restore(one, said.append)
    assert said == ["ledger of x: it is open"]
