"""A ledger that forgot its members opens on an operator's word, and on nothing less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.cli.initialise import initialise
from governor.cli.restore import restore
from governor.core.ledger.records import Vouched
from governor.errors import DoubtError
from governor.journal import Reader
from tests.fakes.serving import serving
from tests.shell.cli.conftest import charged, elsewhere, known, known_member, surveyed

if TYPE_CHECKING:
    from governor.config import Config
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure

LEDGER = "governor:{x}:ledger"


def on_redis(server: RedisServer) -> str:
    return f'redis = "{server.url}"\n'


def vouched(config: Config) -> list[str]:
    """Return what an operator is on record for."""
    records = Reader(config.ledger.state / "journal.db").records((Vouched,))
    return [record.said for _, record in records if isinstance(record, Vouched)]


async def told(config: Config, *, patience_ms: int = 10_000) -> list[str]:
    """Restore, and return what was said."""
    said: list[str] = []
    await restore(config, said.append, patience_ms=patience_ms)
    return said


async def test_an_embedded_ledger_needs_no_restoring(configure: Configure) -> None:
    assert "nothing to restore" in (await told(configure()))[0]


async def test_an_open_ledger_is_left_alone(configure: Configure, fresh_redis: RedisServer) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, 250)
    before = (await surveyed(config)).identity

    assert "nothing to restore" in (await told(config))[0]
    assert (await surveyed(config)).identity == before
    assert vouched(config) == []


async def test_a_journal_that_knows_no_ledger_has_none_to_restore(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(), None)

    with pytest.raises(DoubtError, match="put the ledger setting back"):
        await told(configure(ledger=on_redis(fresh_redis)))


async def test_what_the_operator_vouches_for_is_said_and_kept(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Without a Governor that runs, this verb brings the row, and all that it was charged."""
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, 250)
    fresh_redis.flush()

    word, opened = await told(config)

    assert "in the last 24h nobody has collected under it but these members" in word
    assert word.endswith(known_member(config))
    assert opened == "ledger of x: it is open"
    assert vouched(config) == [word.partition("you vouch that ")[2]]
    there = await surveyed(config)
    assert (there.open, there.identity) == (True, known(config).identity)
    with fresh_redis.client() as inside:
        assert inside.hget("governor:{x}:account:x-24h", "charged") == "250"


async def test_beside_a_governor_that_runs_the_word_is_kept_by_that_one(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Its journal has one writer; it hears that the ledger waits for a word no more."""
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, 250)
    async with serving(config) as running:
        fresh_redis.flush()
        word, opened = await told(config)

        assert "you vouch that" in word
        assert opened.endswith("it is open")
        assert await running.answers.ready() == (True, "ready")

    assert vouched(config) == ["the ledger waits for an operator's word no more"]
    assert charged(config) == {"x-24h": 250}


@pytest.mark.parametrize("lost", ["restart", "its hash"])
async def test_a_ledger_that_remembers_its_members_needs_no_word(
    configure: Configure, fresh_redis: RedisServer, lost: str
) -> None:
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, 250)
    if lost == "restart":
        fresh_redis.restart()
    else:
        with fresh_redis.client() as inside:
            inside.delete("governor:{x}:ring:x-24h")

    assert await told(config) == ["ledger of x: it is open"]
    assert vouched(config) == []


async def test_that_a_member_which_left_has_not_come_back_needs_a_word(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Nobody was heard up to the loss, so the ledger may be a copy from before it came back."""
    one = configure(ledger=on_redis(fresh_redis))
    other = elsewhere(one)
    await initialise(other, 250)
    await initialise(one, None)
    fresh_redis.restart()

    word, opened = await told(one)

    assert word.endswith(f"these members have left, and not come back: {known_member(other)}")
    assert vouched(one) == [word.partition("you vouch that ")[2]]
    assert opened == "ledger of x: it is open"
    with fresh_redis.client() as inside:
        assert inside.hget("governor:{x}:account:x-24h", "charged") == "250"


async def test_a_ledger_of_which_only_rows_are_left_needs_a_word(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Rows may be gone with it, and nobody would know."""
    config = configure(ledger=on_redis(fresh_redis))
    await initialise(config, 250)
    with fresh_redis.client() as inside:
        inside.delete(LEDGER)

    assert len(await told(config)) == 2
    assert len(vouched(config)) == 1


async def test_who_has_not_come_is_named_with_the_remedy(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """A word that all are known is no word that they are dead."""
    one = configure(ledger=on_redis(fresh_redis))
    other = elsewhere(one)
    await initialise(other, 250)
    await initialise(one, None)
    fresh_redis.flush()

    with pytest.raises(DoubtError) as refused:
        await told(one, patience_ms=0)

    [line] = str(refused.value).splitlines()
    assert f"it is still closed, and waits for {known_member(other)}, generation 1" in line
    assert f"`governor retire --dead {known_member(other)}`" in line
    assert await told(other) == ["ledger of x: it is open"]


async def test_members_that_the_configuration_names_need_no_word(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    await initialise(configure(ledger=on_redis(fresh_redis)), 250)
    member = known_member(configure())
    config = configure(ledger=f'{on_redis(fresh_redis)}members = ["{member}"]\n')
    fresh_redis.flush()

    assert await told(config) == ["ledger of x: it is open"]
    fresh_redis.flush()
    async with serving(config):
        assert await told(config) == ["ledger of x: it is open"]

    assert vouched(config) == []
