"""A verb looks before it speaks, and says what a closed ledger waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.cli.initialise import initialise
from governor.cli.looking import in_force, look, rules_of, waits_for
from governor.clock import SystemClock
from governor.core.ledger.messages import Account, DoubtReason, Identity, Leniency
from governor.core.ledger.roster import MemberStanding
from governor.errors import LedgerUnreachableError
from governor.store import Seen, Survey
from tests.shell.cli.conftest import known

if TYPE_CHECKING:
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure

CLOCK = SystemClock()
CLOSED = Survey(
    identity=Identity(7, "run", "replication"),
    amiss=None,
    is_here=True,
    time_ms=1_000,
    open=False,
    awaits_word=False,
    leniency=Leniency(0),
    accounts=(Account("x-24h", 500, 86_400_000),),
    members=(),
)


async def test_an_embedded_ledger_is_nowhere_to_be_looked_at(configure: Configure) -> None:
    config = configure()
    await initialise(config, None)

    assert await look(config, "x", CLOCK) is None


async def test_nothing_is_seen_where_nothing_is(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')

    assert await look(config, "x", CLOCK) is None
    await initialise(config, None)
    there = await look(config, "x", CLOCK)
    assert there is not None
    assert there.identity == known(config).identity


async def test_a_redis_that_is_away_is_named(configure: Configure) -> None:
    with pytest.raises(LedgerUnreachableError):
        await look(configure(ledger='redis = "redis://127.0.0.1:1/0"\n'), "x", CLOCK)


async def test_the_rules_in_force_are_those_of_the_ledger_that_the_journal_knows(
    configure: Configure,
) -> None:
    """An operator may have told another governor more; of another ledger nobody has told us."""
    config = configure()
    await initialise(config, None)
    journal = known(config)
    same = replace(CLOSED, identity=journal.identity)

    assert in_force(None, None) is None
    assert in_force(None, CLOSED) == rules_of(CLOSED)
    assert in_force(journal, same) == rules_of(CLOSED)
    for there in (None, CLOSED, replace(same, amiss=DoubtReason.MISSING)):
        found = in_force(journal, there)
        assert found is not None
        assert found.accounts == journal.accounts


async def test_as_long_as_a_tear_counts_no_limit_is_above_what_it_was_charged_under(
    configure: Configure,
) -> None:
    """What was lost may have been a raise, and twice as much as was charged for it collected."""
    config = configure()
    await initialise(config, None)
    torn = replace(known(config), tear_frees_ms=2_000)
    share = Account("x-24h/default", 7, 86_400_000)
    rules = (Account("x-24h", 9_000, 86_400_000), share, Account("x-1h", None, 3_600_000))
    there = replace(CLOSED, identity=torn.identity, accounts=rules)
    dropped = replace(there, accounts=(replace(rules[0], limit=None),))

    def limits(there: Survey) -> list[int | None]:
        found = in_force(torn, there)
        assert found is not None
        return [each.limit for each in found.accounts.values()]

    assert limits(there) == [1_000, 7, None]
    assert limits(dropped) == [None]
    assert limits(replace(there, time_ms=2_000)) == [9_000, 7, None]


def test_what_a_closed_ledger_waits_for_comes_with_its_remedy() -> None:
    silent = Seen(
        "b" * 32, 4, MemberStanding.ACTIVE, 0, counts=False, silent_ms=61_999, awaited=True
    )
    unheard = replace(silent, member="c" * 32, silent_ms=None)
    restored = replace(silent, member="d" * 32, counts=True, awaited=False)
    there = replace(CLOSED, awaits_word=True, members=(silent, unheard, restored))

    word, first, second = waits_for(there)

    assert "`governor restore`" in word
    assert first.startswith(f"{silent.member}, generation 4, last heard 61s ago: start")
    assert second.startswith(f"{unheard.member}, generation 4, not heard since it was lost")
    assert second.endswith(
        f"`governor retire --dead {unheard.member}` (charges the whole of every limit for two "
        "windows, unless --charged N says what it cost)"
    )
    assert waits_for(replace(there, open=True, awaits_word=False)) == []
    left = replace(silent, standing=MemberStanding.LEFT)
    assert "`governor restore` says so" in waits_for(replace(there, members=(left,)))[1]
