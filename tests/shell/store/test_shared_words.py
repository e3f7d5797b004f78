"""Somebody's word to the shared ledger: it is lost, a member is dead, its rules change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor.clock import SystemClock
from governor.core.ledger.messages import (
    Account,
    Ask,
    Leniency,
    Loss,
    Message,
    Reply,
    RowValue,
    WholeRow,
)
from governor.errors import (
    DoubtError,
    LedgerError,
    LedgerUnreachableError,
    SchemaError,
    UsageError,
)
from governor.store import Begins, RedisStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import redis

    from governor.store import Created
    from tests.fakes.redis import RedisServer

TOTAL: Final = Account("x-24h", 1_000, 86_400_000)
LEDGER: Final = "governor:{x}:ledger"
ROW: Final = "governor:{x}:row:m"


@pytest.fixture
async def store(fresh_redis: RedisServer) -> AsyncIterator[RedisStore]:
    """Give a store at an empty Redis."""
    store = RedisStore(fresh_redis.url, "x", clock=SystemClock())
    yield store
    await store.close()


@pytest.fixture
async def created(store: RedisStore) -> Created:
    """Create its ledger, with a member that was charged 10 posts and holds 5."""
    created = await store.create((TOTAL,))
    now_ms = created.time_ms
    whole = WholeRow({}, {}, now_ms, now_ms, 0)
    values, asks = {TOTAL.name: RowValue(charged=10)}, (Ask(((TOTAL.name, 5),)),)
    message = Message("m", created.identity, 1, 1, 0, "n", now_ms, values, asks, whole)

    assert isinstance(await store.converse(message), Reply)
    return created


def loss(created: Created) -> Loss:
    return Loss(created.identity, created.time_ms, created.time_ms, (TOTAL,), ())


def kept(inside: redis.Redis) -> dict[str, object]:
    """Return everything that is there."""
    return {str(key): inside.dump(key) for key in inside.keys("*")}


async def test_a_loss_that_is_declared_twice_happens_once(
    store: RedisStore, created: Created
) -> None:
    first = await store.declare(loss(created))

    assert first.epoch > created.identity.epoch
    assert await store.declare(loss(created)) == await store.identity() == first


async def test_an_empty_redis_becomes_a_ledger_that_is_closed(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    fresh_redis.flush()
    identity = await store.declare(loss(created))
    with fresh_redis.client() as inside:
        found = inside.hmget(LEDGER, "open", "awaits_word")
        limit = inside.hget("governor:{x}:account:x-24h", "limit")

    assert identity == await store.identity()
    assert found == ["0", "1"]
    assert limit == str(TOTAL.limit)


async def test_what_a_dead_member_held_is_charged(store: RedisStore, created: Created) -> None:
    done = await store.retire("m", None)

    assert done.charged == ((TOTAL.name, 5),)
    assert done.frees_ms > created.time_ms + 2 * TOTAL.window_ms


async def test_a_dead_member_begins_no_limit(store: RedisStore, created: Created) -> None:
    """It would be heard again: its row, fenced for good, would be an active one's."""
    await store.retire("m", None)
    hour = Account("x-1h", 1_000, 3_600_000)
    with pytest.raises(DoubtError, match="declared this member dead"):
        await store.create((TOTAL, hour), member="m", begins={hour.name: Begins(0, 7)})

    assert created.new


async def test_a_member_that_nobody_knows_is_a_mistake_that_names_those_known(
    store: RedisStore, created: Created
) -> None:
    assert created.new
    with pytest.raises(UsageError, match=r"no such member has a row.*these have: m"):
        await store.retire("mm", None)


async def test_a_closed_ledger_takes_the_word_that_a_member_is_dead(
    store: RedisStore, created: Created
) -> None:
    await store.declare(loss(created))

    assert (await store.retire("m", 30)).charged == ((TOTAL.name, 30),)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("run_id", "1", "restarted or replaced"),
        ("sound", "0", "do not add up"),
        ("time", "", "is gone from Redis"),
    ],
)
async def test_a_lost_ledger_takes_no_word_but_that_it_is_lost(
    store: RedisStore, created: Created, fresh_redis: RedisServer, field: str, value: str, says: str
) -> None:
    with fresh_redis.client() as inside:
        inside.hset(LEDGER, field, value)
        before = kept(inside)
        with pytest.raises(DoubtError, match=says):
            await store.retire("m", None)
        with pytest.raises(DoubtError, match=says):
            await store.create((TOTAL,))
        assert kept(inside) == before

    assert (await store.declare(loss(created))).epoch > created.identity.epoch


async def test_nobody_joins_a_ledger_that_is_closed(store: RedisStore, created: Created) -> None:
    """It does not know what was used, so it cannot say what a new limit begins with."""
    await store.declare(loss(created))

    with pytest.raises(DoubtError, match="when it is open"):
        await store.create((TOTAL,))


async def test_a_ledger_that_may_be_evicted_takes_no_word(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    assert created.new
    with fresh_redis.client() as inside:
        inside.config_set("maxmemory-policy", "allkeys-lru")

    with pytest.raises(DoubtError, match="noeviction"):
        await store.retire("m", None)


async def test_a_newer_ledger_takes_no_word(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    with fresh_redis.client() as inside:
        inside.hset(LEDGER, "schema", 4)
        before = kept(inside)
        with pytest.raises(SchemaError, match="Upgrade Governor"):
            await store.declare(loss(created))
        with pytest.raises(SchemaError, match="Upgrade Governor"):
            await store.retire("m", None)
        assert kept(inside) == before


async def test_a_redis_that_refuses_a_word_says_why_and_where(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    with fresh_redis.client() as inside:
        inside.set(LEDGER, "not a hash")

    with pytest.raises(LedgerError, match=r"WRONGTYPE.*ledger\.lua:\d+"):
        await store.declare(loss(created))


async def test_nobody_there_hears_no_word() -> None:
    store = RedisStore("redis://127.0.0.1:1/0", "x", clock=SystemClock())
    with pytest.raises(LedgerUnreachableError):
        await store.retire("m", None)
    await store.close()


@pytest.mark.parametrize(
    ("raises", "limit", "enforced"),
    [
        (False, 2_000, 1_000),
        (False, 700, 700),
        (False, None, 1_000),
        (True, 2_000, 2_000),
        (True, 700, 700),
        (True, None, -1),
    ],
)
async def test_only_an_operators_word_makes_a_limit_laxer(
    store: RedisStore,
    created: Created,
    fresh_redis: RedisServer,
    *,
    raises: bool,
    limit: int | None,
    enforced: int,
) -> None:
    changed = Account(TOTAL.name, limit, TOTAL.window_ms)
    again = await store.create((changed,), raises=raises)
    await store.create((changed,), raises=raises)
    with fresh_redis.client() as inside:
        found = inside.hget("governor:{x}:account:x-24h", "limit")

    assert again.identity == created.identity
    assert found == str(enforced)


async def test_only_an_operators_word_makes_other_rules_laxer(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    found = []
    for leniency, raises in (
        (Leniency.SHADOW | Leniency.RECEIVED, False),
        (Leniency.SHADOW | Leniency.ERRORS_FREE, False),
        (Leniency.RECEIVED, True),
    ):
        await store.create((TOTAL,), leniency=leniency, raises=raises)
        with fresh_redis.client() as inside:
            found.append(int(inside.hget(LEDGER, "leniency") or ""))

    assert found == [Leniency.SHADOW | Leniency.RECEIVED, Leniency.SHADOW, Leniency.RECEIVED]


async def test_what_an_account_begins_with_is_a_row_that_counts_and_is_known(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    """Its version of the roster is new: after a loss it must be waited for like any other."""
    hour = Account("x-1h", 100, 3_600_000)
    created = await store.create((TOTAL,), member="m", begins={TOTAL.name: Begins(900, 0)})
    with fresh_redis.client() as inside:
        row, roster = inside.hmget(ROW, "epoch", "generation"), inside.hget(LEDGER, "roster")
        await store.create((TOTAL, hour), member="m", begins={hour.name: Begins(0, 100)})
        assert inside.hget(LEDGER, "roster") == roster

    assert row == [str(created.identity.epoch), "0"]
    assert roster == "1"
