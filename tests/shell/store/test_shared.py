"""The way to Redis: created once, never trusted, and always one error when it fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from governor.clock import SystemClock
from governor.core.ledger.messages import (
    Account,
    Ask,
    Doubt,
    DoubtReason,
    Identity,
    Message,
    Reply,
    RowValue,
    WholeRow,
)
from governor.errors import DoubtError, LedgerError, LedgerUnreachableError, SchemaError
from governor.store import Begins, RedisStore
from tests.fakes.line import Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.store import Created
    from tests.fakes.redis import RedisServer

DAY_MS: Final = 86_400_000
TOTAL: Final = Account("x-24h", 1_000, DAY_MS)
HOUR: Final = Account("x-1h", 100, 3_600_000)
LEDGER: Final = "governor:{x}:ledger"
CLOCK: Final = SystemClock()


@pytest.fixture
async def store(fresh_redis: RedisServer) -> AsyncIterator[RedisStore]:
    """Give a store at an empty Redis."""
    store = RedisStore(fresh_redis.url, "x", clock=CLOCK)
    yield store
    await store.close()


@pytest.fixture
async def created(store: RedisStore) -> Created:
    """Create its ledger."""
    return await store.create((TOTAL,))


@pytest.fixture
async def line(fresh_redis: RedisServer, created: Created) -> AsyncIterator[Line]:
    """Give a line to it that can be cut."""
    assert created.new
    async with Line(fresh_redis.port) as line:
        yield line


@pytest.fixture
async def far(line: Line) -> AsyncIterator[RedisStore]:
    """Give a store at the far end of that line, connected."""
    store = RedisStore(f"redis://127.0.0.1:{line.port}/0", "x", clock=CLOCK)
    assert await store.identity()
    yield store
    await store.close()


def first_message(identity: Identity, *, nonce: str = "n", posts: int = 400) -> Message:
    return Message(
        member="m",
        identity=identity,
        generation=1,
        seq=1,
        acked=0,
        nonce=nonce,
        boot_ms=1,
        values={},
        asks=(Ask(((TOTAL.name, posts),)),),
        whole=WholeRow({}, {}, 0, 0, None),
    )


def usage(reply: Reply, account: Account) -> int:
    """Return the posts that leave no room."""
    found = reply.usage[account.name]
    return found.charged + found.pending


async def test_a_ledger_is_created_once_and_then_joined(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    assert await store.identity() is None
    first = await store.create((TOTAL,))
    with fresh_redis.client() as inside:
        before = {key: inside.dump(key) for key in inside.keys("*")}

    assert first.new == (TOTAL.name,)
    again = await store.create((TOTAL,))
    assert (again.identity, again.time_ms, again.new) == (first.identity, first.time_ms, ())
    with fresh_redis.client() as inside:
        assert {key: inside.dump(key) for key in inside.keys("*")} == before
    assert await store.identity() == first.identity


async def test_of_two_that_create_at_once_one_joins(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    other = RedisStore(fresh_redis.url, "x", clock=CLOCK)
    both = await asyncio.gather(store.create((TOTAL,)), other.create((TOTAL, HOUR)))
    await other.close()

    assert both[0].identity == both[1].identity
    assert sorted(both[0].new + both[1].new) == [HOUR.name, TOTAL.name]


async def test_joining_adds_limits_that_are_new(store: RedisStore, created: Created) -> None:
    joined = await store.create((TOTAL, HOUR))
    answer = await store.converse(first_message(created.identity))

    assert joined.new == (HOUR.name,)
    assert isinstance(answer, Reply)
    assert {name: usage.limit for name, usage in answer.usage.items()} == {
        TOTAL.name: 1_000,
        HOUR.name: 100,
    }


@pytest.mark.parametrize(("account", "posts"), [(TOTAL, 900), (HOUR, 100)])
async def test_what_an_account_begins_with_depends_on_what_was_there(
    store: RedisStore, fresh_redis: RedisServer, account: Account, posts: int
) -> None:
    """Made with the ledger, nothing was counted under it; added to one, anything may have been."""
    begins = {TOTAL.name: Begins(900, 1), HOUR.name: Begins(2, 100)}
    await store.create((TOTAL,), member="m", begins=begins)
    added = await store.create((TOTAL, HOUR), member="m", begins=begins)
    with fresh_redis.client() as inside:
        before = {key: inside.dump(key) for key in inside.keys("*")}
    again = await store.create((TOTAL, HOUR), member="m", begins=begins)

    assert added.charged[account.name] == again.charged[account.name] == posts
    assert (added.new, again.new) == ((HOUR.name,), ())
    with fresh_redis.client() as inside:
        assert {key: inside.dump(key) for key in inside.keys("*")} == before


async def test_what_another_member_began_with_is_not_ours(store: RedisStore) -> None:
    begins = {TOTAL.name: Begins(900, 900)}
    await store.create((TOTAL,), member="other", begins=begins)
    ours = await store.create((TOTAL,), member="m", begins=begins)

    assert ours.charged == {TOTAL.name: 0}


async def test_what_a_ledger_begins_with_binds_everybody_and_adds_up(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    """Before the member that brought it has said a word, and through a recount."""
    begins = {TOTAL.name: Begins(900, 900)}
    created = await store.create((TOTAL, HOUR), member="other", begins=begins)
    with fresh_redis.client() as inside:
        inside.hset(LEDGER, "recounted", created.time_ms - 60_000)
    answer = await store.converse(first_message(created.identity))

    assert isinstance(answer, Reply)
    assert not answer.grants[0].granted
    assert usage(answer, TOTAL) == 900


@pytest.mark.parametrize("rebooted", [True, False])
async def test_what_a_ledger_begins_with_binds_however_long_it_stood_still(
    store: RedisStore, created: Created, fresh_redis: RedisServer, *, rebooted: bool
) -> None:
    """Nobody spoke to it for a month, so its time is a month ago, or leaps to now."""
    month_ms = 30 * DAY_MS
    with fresh_redis.client() as inside:
        for field in ("time", "high", "recounted"):
            inside.hset(LEDGER, field, created.time_ms - month_ms)
    await store.create((TOTAL, HOUR), member="other", begins={HOUR.name: Begins(0, 100)})
    whole = WholeRow({}, {}, 0, 0, None if rebooted else 1 - created.time_ms)
    answer = await store.converse(replace(first_message(created.identity), whole=whole))

    assert isinstance(answer, Reply)
    assert (answer.time_ms >= created.time_ms) is not rebooted
    assert usage(answer, HOUR) == 100


async def test_who_forgot_what_its_row_began_with_is_doubted(store: RedisStore) -> None:
    created = await store.create((TOTAL,), member="m", begins={TOTAL.name: Begins(900, 900)})
    answer = await store.converse(first_message(created.identity))

    assert isinstance(answer, Doubt)
    assert answer.reason is DoubtReason.BEHIND


async def test_a_whole_row_takes_the_place_of_what_its_row_began_with(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    created = await store.create((TOTAL,), member="m", begins={TOTAL.name: Begins(900, 900)})
    with fresh_redis.client() as inside:
        inside.hset(LEDGER, "recounted", created.time_ms - 60_000)
    whole_row = replace(
        first_message(created.identity, posts=100), values={TOTAL.name: RowValue(charged=900)}
    )
    answer = await store.converse(whole_row)

    assert isinstance(answer, Reply)
    assert answer.grants[0].granted
    assert answer.usage[TOTAL.name].charged == 900
    assert answer.usage[TOTAL.name].pending == 100


async def test_a_ledger_created_anew_is_another_one(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    """Emptied and created again in the same Redis, it must not pass for the one that was full."""
    fresh_redis.flush()
    await store.create((TOTAL,))
    answer = await store.converse(first_message(created.identity))

    assert isinstance(answer, Doubt)
    assert answer.reason is DoubtReason.FOREIGN


async def test_contracts_keep_apart(fresh_redis: RedisServer, created: Created) -> None:
    other = RedisStore(fresh_redis.url, "y", clock=CLOCK)
    answer = await other.converse(first_message(created.identity))
    await other.close()

    assert isinstance(answer, Doubt)
    assert answer.reason is DoubtReason.MISSING


async def test_no_key_expires(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    await store.converse(first_message(created.identity))

    with fresh_redis.client() as inside:
        assert {inside.ttl(key) for key in inside.keys("*")} == {-1}


async def test_a_newer_ledger_is_refused_with_the_remedy(
    store: RedisStore, created: Created, fresh_redis: RedisServer
) -> None:
    with fresh_redis.client() as inside:
        inside.hset(LEDGER, "schema", 4)

    assert created.new
    with pytest.raises(SchemaError, match="Upgrade Governor"):
        await store.create((TOTAL,))


@pytest.mark.parametrize("lost", ["all", "accounts"])
async def test_a_ledger_that_lost_its_head_is_not_created_anew(
    store: RedisStore, created: Created, fresh_redis: RedisServer, lost: str
) -> None:
    await store.converse(first_message(created.identity))
    with fresh_redis.client() as inside:
        inside.delete(LEDGER) if lost == "all" else inside.hdel(LEDGER, lost)

    with pytest.raises(DoubtError, match="is gone from Redis"):
        await store.create((TOTAL,))


async def test_a_redis_that_refuses_to_create_says_why(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    with fresh_redis.client() as inside:
        inside.set(LEDGER, "not a hash")

    with pytest.raises(LedgerError, match="WRONGTYPE"):
        await store.create((TOTAL,))


async def test_an_answer_cut_off_is_unreachable_and_its_repeat_is_answered_as_it_was(
    line: Line, far: RedisStore, created: Created
) -> None:
    message = first_message(created.identity)
    line.cut = True
    with pytest.raises(LedgerUnreachableError):
        await far.converse(message)

    answer = await far.converse(message)
    assert isinstance(answer, Reply)
    assert answer.usage[TOTAL.name].pending == 400


async def test_a_caller_that_left_is_not_answered_in_anothers_place(
    line: Line, far: RedisStore, created: Created
) -> None:
    line.holding = True
    leaving = asyncio.ensure_future(  # noqa: TID251  # awaited in this test
        far.converse(first_message(created.identity, nonce="left"))
    )
    await line.held.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    line.holding = False

    identity = await far.identity()
    assert identity == created.identity


def bulk(said: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(said), said)


@pytest.mark.parametrize(
    "said",
    [
        bulk(msgspec.msgpack.encode(("stale", "another nonce"))),
        bulk(b"no msgpack"),
        bulk(msgspec.msgpack.encode(("reply", "n"))),
        b":1\r\n",
        b"*0\r\n",
        b"what?\r\n",
    ],
)
async def test_what_is_no_answer_to_this_message_is_not_taken_for_one(
    line: Line, far: RedisStore, created: Created, said: bytes
) -> None:
    message = first_message(created.identity)
    line.instead.append(said)
    with pytest.raises(LedgerUnreachableError):
        await far.converse(message)

    assert isinstance(await far.converse(message), Reply)


async def test_nobody_there_is_one_error_that_says_where() -> None:
    store = RedisStore("redis://:secret@127.0.0.1:1/0", "x", clock=CLOCK)
    with pytest.raises(LedgerUnreachableError) as raised:
        await store.identity()
    await store.close()

    assert "127.0.0.1:1" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("password", "welcome"), [("right", True), ("wrong", False)])
async def test_a_password_from_a_file_opens_the_ledger(
    fresh_redis: RedisServer, password: str, *, welcome: bool
) -> None:
    store = RedisStore(fresh_redis.url, "x", clock=CLOCK, password=password)
    with fresh_redis.client() as inside:
        inside.config_set("requirepass", "right")
        try:
            if welcome:
                assert (await store.create((TOTAL,))).new
            else:
                with pytest.raises(LedgerUnreachableError) as raised:
                    await store.create((TOTAL,))
                assert "wrong " not in str(raised.value)
        finally:
            inside.config_set("requirepass", "")
    await store.close()
