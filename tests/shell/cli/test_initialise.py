"""Only `governor init` makes a ledger, and what is there it leaves as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor import catalogs
from governor.cli import initialise as verb
from governor.clock import SystemClock
from governor.core.ledger.records import Used
from governor.errors import (
    ConfigError,
    DoubtError,
    JournalError,
    LedgerUnreachableError,
    UsageError,
)
from governor.journal import Journal, Reader
from tests.shell.cli.conftest import CONTRACT, TWO_LIMITS, charged, elsewhere, known

if TYPE_CHECKING:
    from pathlib import Path

    from governor.config import Config
    from governor.core.ledger.records import Record
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure


def facts(config: Config) -> list[Record]:
    """Return every record but those of starting and of talking to the ledger."""
    kinds = (Used,)
    return [record for _, record in Reader(config.ledger.state / "journal.db").records(kinds)]


async def test_it_makes_all_that_run_needs(configure: Configure, tmp_path: Path) -> None:
    config, state = configure(), tmp_path / "state"

    said = await verb.initialise(config, None)

    assert {path.name for path in state.iterdir()} >= {"journal.db", "ca.pem", "ca.key"}
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "ca.key").stat().st_mode & 0o777 == 0o600
    assert said[-1] == "next: `governor run`"


async def test_that_a_ledger_begins_with_nothing_used_is_said_aloud(configure: Configure) -> None:
    said = await verb.initialise(configure(), None)

    assert [line for line in said if "0 posts used (say otherwise with --used N)" in line]


async def test_what_was_collected_before_is_charged(configure: Configure) -> None:
    config = configure()

    said = await verb.initialise(config, 250)

    assert charged(config) == {"x-24h": 250}
    assert [line for line in said if "250 posts used" in line and "otherwise" not in line]


async def test_run_twice_it_changes_nothing(configure: Configure, tmp_path: Path) -> None:
    config = configure()
    await verb.initialise(config, 250)
    ca, before = (tmp_path / "state" / "ca.pem").read_bytes(), known(config)

    said = await verb.initialise(config, None)

    after = known(config)
    assert (tmp_path / "state" / "ca.pem").read_bytes() == ca
    assert (after.identity, after.accounts, after.totals) == (
        before.identity,
        before.accounts,
        before.totals,
    )
    assert facts(config) == [Used("x", (("x-24h", 250),))]
    assert [line for line in said if "nothing was changed" in line]


async def test_what_was_used_is_said_once_only(configure: Configure) -> None:
    """The second time the posts would be counted twice, or taken back."""
    config = configure()
    await verb.initialise(config, 250)

    with pytest.raises(UsageError, match="nothing was charged"):
        await verb.initialise(config, 500)
    assert charged(config) == {"x-24h": 250}


async def test_a_limit_that_comes_later_starts_full(configure: Configure) -> None:
    """Invariant 10: nobody has counted for it yet, so it ages in."""
    await verb.initialise(configure(), None)
    config = configure(contract=TWO_LIMITS)

    await verb.initialise(config, None)

    assert charged(config) == {"x-1h": 100}


async def test_a_limit_that_comes_later_starts_as_an_operator_says(configure: Configure) -> None:
    await verb.initialise(configure(), None)
    config = configure(contract=TWO_LIMITS)

    await verb.initialise(config, 7)

    assert charged(config) == {"x-1h": 7}


async def test_a_higher_limit_is_not_taken_up_by_the_way(configure: Configure) -> None:
    """Invariant 10: raising needs an operator's word, and `init` is said without thinking."""
    config = configure()
    await verb.initialise(config, None)
    raised = configure(
        contract='[[contract]]\n[[contract.limit]]\nname = "x-24h"\nposts = 9000\nwindow = "24h"\n'
        '[[contract.limit]]\nname = "x-1h"\nposts = 100\nwindow = "1h"\n'
    )

    await verb.initialise(raised, None)

    assert known(raised).accounts["x-24h"].limit == 1_000


async def test_a_limit_that_is_left_out_is_asked_for(configure: Configure) -> None:
    """Invariant 10: it binds until an operator says otherwise."""
    await verb.initialise(configure(contract=TWO_LIMITS), None)

    with pytest.raises(DoubtError, match="'x-1h' is in the ledger but not in the configuration"):
        await verb.initialise(configure(), None)


async def test_a_window_is_not_changed_under_its_name(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """And nothing else of that configuration is taken up."""
    redis = f'redis = "{fresh_redis.url}"\n'
    config = configure(ledger=redis)
    await verb.initialise(config, None)
    before = known(config)
    changed = configure(
        ledger=redis, contract=TWO_LIMITS.replace('window = "24h"', 'window = "23h"')
    )

    with pytest.raises(DoubtError, match="Give the new window a new name"):
        await verb.initialise(changed, None)
    with fresh_redis.client() as client:
        assert client.keys("*account:x-1h") == []
    assert known(config) == before


async def test_one_state_directory_has_one_writer(configure: Configure) -> None:
    config = configure()
    await verb.initialise(config, None)
    journal = Journal.open(config.ledger.state, clock=SystemClock(), create=False)
    try:
        with pytest.raises(JournalError, match="in use by process"):
            await verb.initialise(config, None)
    finally:
        await journal.close()


async def test_half_a_ca_is_not_made_whole(configure: Configure, tmp_path: Path) -> None:
    """A new certificate for an old key, or the reverse, would be trusted by nobody."""
    config = configure()
    await verb.initialise(config, None)
    (tmp_path / "state" / "ca.pem").unlink()

    with pytest.raises(ConfigError, match=r"ca\.pem is missing"):
        await verb.initialise(config, None)


async def test_in_redis_a_second_governor_joins(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    redis = f'redis = "{fresh_redis.url}"\n'
    first = configure(ledger=redis)
    await verb.initialise(first, 250)
    second = elsewhere(first)

    said = await verb.initialise(second, None)

    assert [line for line in said if "joined" in line]
    assert known(second).identity == known(first).identity
    assert charged(second) == {}


async def test_a_limit_that_another_governor_began_is_taken_up(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """It is full in Redis already, so this one charges nothing for it."""
    redis = f'redis = "{fresh_redis.url}"\n'
    before = configure(ledger=redis)
    await verb.initialise(before, None)
    await verb.initialise(elsewhere(before), None)
    after = configure(ledger=redis, contract=TWO_LIMITS)
    await verb.initialise(after, None)

    await verb.initialise(elsewhere(after), None)

    assert known(elsewhere(after)).accounts == known(after).accounts
    assert (charged(after), charged(elsewhere(after))) == ({"x-1h": 100}, {})


async def test_what_was_used_before_is_told_to_redis_at_once(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Another governor may run before this one does."""
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    await verb.initialise(config, 250)

    assert known(config).spread["x-24h"].charged == 250


async def test_a_ledger_that_redis_lost_is_not_made_anew(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    """Never is a missing ledger "0 used"."""
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    await verb.initialise(config, 250)
    fresh_redis.flush()

    said = await verb.initialise(config, None)

    assert [line for line in said if "`governor run` restores it" in line]
    with fresh_redis.client() as inside:
        assert inside.keys("*") == []


async def test_another_home_is_refused(configure: Configure, fresh_redis: RedisServer) -> None:
    await verb.initialise(configure(), 250)
    moved = configure(ledger=f'redis = "{fresh_redis.url}"\n')

    with pytest.raises(DoubtError, match="put the ledger setting back"):
        await verb.initialise(moved, None)


async def test_a_redis_that_is_away_is_named(configure: Configure) -> None:
    config = configure(ledger='redis = "redis://127.0.0.1:1/0"\n')

    with pytest.raises(LedgerUnreachableError, match="no reply from the Redis"):
        await verb.initialise(config, None)


async def test_more_than_a_ledger_can_hold_is_refused_before_anything_is_made(
    configure: Configure, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="below 2,147,483,648 posts"):
        await verb.initialise(configure(), 1 << 31)
    assert not (tmp_path / "state").exists()


async def test_more_than_one_contract_allows_is_not_to_be_lowered_for_all(
    configure: Configure, tmp_path: Path
) -> None:
    """What another contract's limit has room for would be forgotten."""
    (tmp_path / "y.toml").write_text(catalogs.text("x"), "utf-8")
    other = '\n[[contract]]\nname = "y"\ncatalog = "y.toml"\n[[contract.limit]]\n'
    other += 'name = "y-24h"\nposts = 10\nwindow = "24h"\n'

    with pytest.raises(UsageError, match=r"'y' allows .*take 'y' out .*run this for the others"):
        await verb.initialise(configure(contract=CONTRACT + other), 250)
    with pytest.raises(UsageError, match=r"if so much was collected, say --used 1000$"):
        await verb.initialise(configure(), 2_000)


async def test_a_contract_under_a_new_name_does_not_begin_anew(configure: Configure) -> None:
    """Its posts were counted under the old one, and would be forgotten by a slip of the pen."""
    await verb.initialise(configure(), 250)
    renamed = CONTRACT.replace("[[contract]]", '[[contract]]\nname = "y"\n', 1)

    with pytest.raises(UsageError, match=r"charges of contract 'x'.*--used N"):
        await verb.initialise(configure(contract=renamed), None)
    assert await verb.initialise(configure(contract=renamed), 250)


async def test_a_contract_beside_another_begins_with_nothing_used(
    configure: Configure, tmp_path: Path
) -> None:
    await verb.initialise(configure(), 250)
    (tmp_path / "y.toml").write_text(catalogs.text("x"), "utf-8")
    other = CONTRACT.replace("x-24h", "y-24h").replace(
        "[[contract]]", f'\n[[contract]]\nname = "y"\ncatalog = "{tmp_path / "y.toml"}"', 1
    )

    said = await verb.initialise(configure(contract=CONTRACT + other), None)

    assert [line for line in said if "y-24h begins with 0 posts" in line]
