"""A verb speaks as its member does, and as nobody else may meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.cli.idle import idle_member
from governor.cli.initialise import initialise
from governor.clock import SystemClock
from governor.core.ledger.roster import MemberStanding
from governor.errors import InUseError, LedgerError
from tests.shell.cli.conftest import known, known_member, surveyed

if TYPE_CHECKING:
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure

CLOCK = SystemClock()


async def test_a_state_directory_is_taken_by_one_verb_at_a_time(configure: Configure) -> None:
    config = configure()
    async with idle_member(config, CLOCK, create=True):
        with pytest.raises(InUseError):
            async with idle_member(config, CLOCK, create=False):
                pass
    async with idle_member(config, CLOCK, create=False):
        pass


async def test_only_init_makes_a_journal(configure: Configure) -> None:
    with pytest.raises(LedgerError, match="governor init"):
        async with idle_member(configure(), CLOCK, create=False):
            pass


async def test_a_verb_takes_leave_so_that_nobody_waits_for_it_after_a_loss(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    await initialise(config, 250)

    [member] = (await surveyed(config)).members

    assert (member.member, member.standing) == (known_member(config), MemberStanding.LEFT)
    assert member.generation == 1


async def test_what_a_verb_heard_is_journaled_when_it_ends(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    await initialise(config, 250)

    assert known(config).spread["x-24h"].charged == 250
    assert [entry.member for entry in known(config).roster] == [known_member(config)]
