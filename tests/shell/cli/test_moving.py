"""A contract moves with all that still counts, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor.cli.initialise import initialise
from governor.cli.restore import restore
from governor.cli.retire import retire
from governor.core.ledger.records import Adopted, Moved, Vouched
from governor.errors import DoubtError
from governor.journal import Reader
from governor.recovery import EMBEDDED
from tests.fakes.redis import RedisServer
from tests.fakes.serving import serving
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
    from collections.abc import Iterator
    from pathlib import Path

    from governor.config import Config
    from tests.shell.cli.conftest import Configure

HIGHER: Final = CONTRACT.replace("posts = 1000", "posts = 9000")


@pytest.fixture
def second_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Give another server than the session's."""
    server = RedisServer(tmp_path / "second")
    yield server
    server.close()


def at(server: RedisServer) -> str:
    return f'redis = "{server.url}"\n'


def moves(config: Config) -> list[Moved]:
    records = Reader(config.ledger.state / "journal.db").records((Moved,))
    return [record for _, record in records if isinstance(record, Moved)]


async def counted(config: Config) -> int:
    """Return what a Governor that serves counts under x-24h, once its ledger is open."""
    async with serving(config) as running:
        await restore(config, print)  # it waits until the ledger is open
        usage = running.member.talks["x"].snapshot().usage["x-24h"]
    return usage.charged + usage.pending


async def test_to_redis_all_goes_along_and_keeps_its_age(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Ledger time goes on there where the journal has it, so nobody waits a window longer."""
    await initialise(configure(), 250)
    before = known(configure())
    config = configure(ledger=at(fresh_redis))

    said = await initialise(config, None, moves=True)

    assert [line for line in said if f"moved from embedded to {fresh_redis.url}" in line]
    after = known(config)
    assert (after.home, after.buckets) == (fresh_redis.url, before.buckets)
    assert (await surveyed(config)).identity == after.identity
    assert await counted(config) == 250


async def test_the_old_home_is_refused_from_then_on(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(), 250)
    await initialise(configure(ledger=at(fresh_redis)), None, moves=True)

    with pytest.raises(DoubtError, match="governor init --move"):
        await initialise(configure(), None)


async def test_a_move_is_journaled_with_the_ledger_that_it_leads_to(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(), 250)
    time_ms = known(configure()).time_ms
    config = configure(ledger=at(fresh_redis))
    await initialise(config, None, moves=True)

    rows = list(Reader(config.ledger.state / "journal.db").records((Moved, Adopted)))
    (at_move, moved), (at_adoption, adopted) = rows[-2:]
    assert moved == Moved("x", fresh_redis.url, anew=False, time_ms=time_ms)
    assert at_adoption == at_move + 1
    assert isinstance(adopted, Adopted)
    assert adopted.home == fresh_redis.url


async def test_what_is_there_already_is_not_moved(configure: Configure) -> None:
    config = configure()
    await initialise(config, 250)

    said = await initialise(config, None, moves=True)

    assert [line for line in said if "nothing was changed" in line]
    assert moves(config) == []


async def test_a_group_opens_its_new_home_when_all_have_moved(
    configure: Configure, fresh_redis: RedisServer, second_redis: RedisServer
) -> None:
    """Before, one would find the room there that the others have used up here."""
    await initialise(configure(ledger=at(fresh_redis)), 250)
    other = elsewhere(configure(ledger=at(fresh_redis)))
    await initialise(other, None)
    async with serving(other):  # it collects: whoever knows it must wait for it
        await initialise(configure(ledger=at(fresh_redis)), None)
    config = configure(ledger=at(second_redis))

    said = await initialise(config, None, moves=True)

    assert [line for line in said if "when these have moved too (`governor init --move`) " in line]
    assert not (await surveyed(config)).open
    moved = elsewhere(config)
    assert moved.ledger.redis == second_redis.url
    again = await initialise(moved, None, moves=True)
    assert [line for line in again if "stamped there anew" in line]
    assert await counted(config) == 250


async def test_what_moves_into_a_ledger_in_use_counts_for_a_whole_window_again(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """It has a time of its own, in which nobody knows how old these posts are."""
    await initialise(configure(), 250)
    config = configure(ledger=at(fresh_redis))
    await initialise(elsewhere(config), 100)

    said = await initialise(config, None, moves=True)

    assert [line for line in said if "stamped there anew" in line]
    [moved] = moves(config)
    assert moved.anew
    assert await counted(config) == 350
    assert charged(config) == {"x-24h": 250}


async def test_a_limit_that_the_other_ledger_lacks_begins_full_there(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Its members have collected, and nobody has counted that under it."""
    await initialise(configure(contract=TWO_LIMITS), 5)
    config = configure(ledger=at(fresh_redis), contract=TWO_LIMITS)
    await initialise(elsewhere(configure(ledger=at(fresh_redis))), None)

    await initialise(configure(ledger=at(fresh_redis), contract=TWO_LIMITS), None, moves=True)

    assert charged(config) == {"x-24h": 5, "x-1h": 105}
    with fresh_redis.client() as inside:
        assert inside.hget("governor:{x}:account:x-1h", "charged") == "105"


async def test_a_move_is_no_way_to_raise_a_limit(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(), None)
    await initialise(elsewhere(configure(ledger=at(fresh_redis), contract=HIGHER)), None)
    config = configure(ledger=at(fresh_redis), contract=HIGHER)

    await initialise(config, None, moves=True)

    assert known(config).accounts["x-24h"].limit == 1_000
    assert (await surveyed(config)).accounts[0].limit == 1_000


@pytest.mark.parametrize("is_there", [False, True])
async def test_what_is_raised_on_the_way_is_vouched_for(
    configure: Configure, fresh_redis: RedisServer, *, is_there: bool
) -> None:
    await initialise(configure(), 5)
    config = configure(ledger=at(fresh_redis), contract=HIGHER)
    if is_there:
        await initialise(elsewhere(configure(ledger=at(fresh_redis))), None)
        config = configure(ledger=at(fresh_redis), contract=HIGHER)

    said = await initialise(config, None, moves=True, raises=True)

    assert [line for line in said if "limit x-24h: 1,000 -> 9,000, on your word" in line]
    records = Reader(config.ledger.state / "journal.db").records((Vouched, Moved))
    assert {type(record) for _, record in records} == {Vouched, Moved}
    assert (await surveyed(config)).accounts[0].limit == 9_000


async def test_into_a_ledger_that_is_lost_itself_nothing_moves(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(), 250)
    config = configure(ledger=at(fresh_redis))
    await initialise(elsewhere(config), 100)
    fresh_redis.restart()

    with pytest.raises(DoubtError, match="lost or closed itself"):
        await initialise(config, None, moves=True)
    assert known(config).home == EMBEDDED


async def test_who_is_alone_takes_the_ledger_back(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(ledger=at(fresh_redis)), 250)
    before = known(configure()).buckets

    await initialise(configure(), None, moves=True)

    assert (known(configure()).home, known(configure()).buckets) == (EMBEDDED, before)
    assert await counted(configure()) == 250


async def test_who_is_not_alone_does_not(configure: Configure, fresh_redis: RedisServer) -> None:
    """An embedded ledger would forget what the others have charged, retired ones too."""
    one = configure(ledger=at(fresh_redis))
    other = elsewhere(one)
    await initialise(other, 250)
    await initialise(one, None)
    with pytest.raises(DoubtError, match=f"is shared .* with {known_member(other)}"):
        await initialise(configure(), None, moves=True)

    config = configure(ledger=at(fresh_redis))
    await retire(config, known_member(other), dead=True, charged=None)
    await initialise(config, None)
    with pytest.raises(DoubtError, match=f"is shared .* with {known_member(other)}"):
        await initialise(configure(), None, moves=True)
    assert moves(config) == []
