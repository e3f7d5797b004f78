"""A ledger that lost anything, or may lose it, says so, and grants nothing (invariant 3)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.messages import Ask, Doubt, DoubtReason, Reply, RowValue
from governor.core.window import Window
from governor.errors import LedgerUnreachableError
from tests.conformance.inside import LEDGER, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from tests.conformance.twins import Member, Twins
    from tests.fakes.redis import RedisServer

TOTAL: Final = "x-24h"
ACCOUNT, RING, ROW = f"{PREFIX}account:{TOTAL}", f"{PREFIX}ring:{TOTAL}", f"{PREFIX}row:m"
BYTES: Final = 4 * Window(86_400_000).ring_length
LEDGER_FIELDS: Final = (
    *("schema", "epoch", "run_id", "replication_id", "time", "high", "store_offset", "open"),
    *("turn", "recounted", "accounts", "opens", "awaits_word", "sound", "roster", "leniency"),
)
Damage = tuple[str, "Callable[[redis.Redis], object]"]

MISSING: Final[tuple[Damage, ...]] = (
    ("FLUSHALL", lambda inside: inside.flushall()),
    ("no ledger", lambda inside: inside.delete(LEDGER)),
    ("no account", lambda inside: inside.delete(ACCOUNT)),
    ("no ring", lambda inside: inside.delete(RING)),
    ("an empty ring", lambda inside: inside.set(RING, "")),
    ("a short ring", lambda inside: inside.set(RING, inside.getrange(RING, 0, BYTES - 2))),
    ("a long ring", lambda inside: inside.setrange(RING, BYTES, "x")),
    *(
        (f"no {name}", partial(lambda name, inside: inside.hdel(LEDGER, name), name))
        for name in LEDGER_FIELDS
    ),
    *(
        (f"no {name} of an account", partial(lambda name, inside: inside.hdel(ACCOUNT, name), name))
        for name in ("limit", "window", "pending", "charged", "first")
    ),
)
MISCOUNTED: Final[tuple[Damage, ...]] = (
    ("no roster", lambda inside: inside.delete(f"{PREFIX}members")),
    ("no buckets", lambda inside: inside.delete(f"{PREFIX}buckets:m:{TOTAL}")),
    ("a lost bucket", lambda inside: lose_one(inside, f"{PREFIX}buckets:m:{TOTAL}")),
    ("no value in a row", lambda inside: inside.hdel(ROW, f"value:{TOTAL}")),
    ("a higher pending sum", lambda inside: inside.hincrby(ACCOUNT, "pending", 1)),
    ("a lower charged sum", lambda inside: inside.hincrby(ACCOUNT, "charged", -1)),
)


def lose_one(inside: redis.Redis, key: str) -> None:
    inside.hdel(key, inside.hkeys(key)[0])


def names(damages: tuple[Damage, ...]) -> list[str]:
    return [name for name, _ in damages]


@pytest.fixture
async def member(twins: Twins) -> Member:
    """Give a member with posts charged and held."""
    member = twins.member("m")
    await member.join()
    await member.ask(Ask(((TOTAL, 100),)), values={TOTAL: RowValue(charged=50)})
    return member


async def doubt(member: Member) -> Doubt:
    """Ask for a post in Redis alone; it must be refused in doubt."""
    answer = await member.twins.store.converse(member.message(asks=(Ask(((TOTAL, 1),)),)))

    assert isinstance(answer, Doubt)
    return answer


@pytest.mark.parametrize("damage", [act for _, act in MISSING], ids=names(MISSING))
async def test_a_missing_or_short_key_is_a_loss(
    member: Member, damage: Callable[[redis.Redis], object]
) -> None:
    damage(member.twins.inside)

    assert (await doubt(member)).reason is DoubtReason.MISSING


@pytest.mark.parametrize("damage", [act for _, act in MISCOUNTED], ids=names(MISCOUNTED))
async def test_a_loss_that_no_key_shows_is_found_by_the_recount(
    member: Member, damage: Callable[[redis.Redis], object]
) -> None:
    """And then nobody believes it, until somebody has declared it lost."""
    twins = member.twins
    damage(twins.inside)
    twins.pass_ms(60_000)

    found = await doubt(member)
    assert (found.reason, found.identity) == (DoubtReason.MISCOUNTED, twins.identity)
    assert (await doubt(member)).reason is DoubtReason.MISCOUNTED


async def test_a_missing_row_is_a_loss(member: Member) -> None:
    member.twins.inside.delete(ROW)

    assert (await doubt(member)).reason is DoubtReason.UNKNOWN_ROW


async def test_a_row_older_than_acknowledged_is_a_loss(member: Member) -> None:
    """What an asynchronous failover or an older append-only file would bring back."""
    member.twins.inside.hincrby(ROW, "seq", -1)

    assert (await doubt(member)).reason is DoubtReason.ROLLED_BACK


@pytest.mark.parametrize("field", ["run_id", "replication_id", "epoch"])
async def test_a_ledger_of_another_redis_is_foreign(member: Member, field: str) -> None:
    member.twins.inside.hset(LEDGER, field, "1")

    assert (await doubt(member)).reason is DoubtReason.FOREIGN


@pytest.mark.parametrize("field", ["run_id", "replication_id"])
async def test_a_redis_that_is_not_where_the_ledger_was_written_is_foreign(
    member: Member, field: str
) -> None:
    """The ledger and the governor agree, but it was copied here, or its primary was another."""
    twins = member.twins
    twins.inside.hset(LEDGER, field, "1")
    copied = {
        "run_id": replace(twins.identity, run_id="1"),
        "replication_id": replace(twins.identity, replication_id="1"),
    }
    answer = await twins.store.converse(member.message(identity=copied[field]))

    assert isinstance(answer, Doubt)
    assert answer.reason is DoubtReason.FOREIGN


async def test_a_restarted_redis_is_foreign_until_its_loss_is_judged(
    server: RedisServer, member: Member
) -> None:
    """Its files may be older than what it acknowledged; it cannot know."""
    before = member.twins.identity
    server.restart()
    with pytest.raises(LedgerUnreachableError):
        await doubt(member)

    found = await doubt(member)
    assert found.reason is DoubtReason.FOREIGN
    assert found.identity is not None
    assert found.identity.run_id != before.run_id
    assert found.identity.epoch == before.epoch


async def test_a_redis_that_lost_its_disk_has_no_ledger(
    server: RedisServer, member: Member
) -> None:
    server.lose()
    with pytest.raises(LedgerUnreachableError):
        await doubt(member)

    found = await doubt(member)
    assert (found.reason, found.identity) == (DoubtReason.MISSING, None)


async def test_a_redis_that_may_evict_is_not_asked(member: Member) -> None:
    inside = member.twins.inside
    inside.config_set("maxmemory-policy", "allkeys-lru")
    assert (await doubt(member)).reason is DoubtReason.EVICTING

    inside.config_set("maxmemory-policy", "noeviction")
    assert isinstance(await member.twins.store.converse(member.message()), Reply)


async def test_a_newer_schema_is_not_read(member: Member) -> None:
    member.twins.inside.hset(LEDGER, "schema", 3)

    assert (await doubt(member)).reason is DoubtReason.SCHEMA


async def test_a_script_that_fails_is_doubt_and_says_why(member: Member) -> None:
    member.twins.inside.set(LEDGER, "not a hash")

    found = await doubt(member)
    assert found.reason is DoubtReason.ERROR
    assert "WRONGTYPE" in found.detail
    assert "ledger.lua:" in found.detail


async def test_a_redis_without_memory_changes_nothing(member: Member) -> None:
    inside = member.twins.inside
    inside.config_set("maxmemory", "1mb")
    try:
        found = await doubt(member)
    finally:
        inside.config_set("maxmemory", "0")

    assert found.reason is DoubtReason.ERROR
    assert (await member.ask()).usage[TOTAL].pending == 100


async def test_a_script_that_redis_forgot_is_sent_again(member: Member) -> None:
    member.twins.inside.script_flush()

    assert (await member.ask(Ask(((TOTAL, 1),)))).grants[0].granted


async def test_a_frozen_redis_is_unreachable_and_a_repeat_is_heard_once(
    server: RedisServer, member: Member
) -> None:
    twins = member.twins
    twins.lead(member.boot_ms)
    message = member.message(asks=(Ask(((TOTAL, 100),)),))
    server.stop()
    with pytest.raises(LedgerUnreachableError):
        await twins.store.converse(message)
    server.cont()

    answer = await twins.store.converse(message)
    assert isinstance(answer, Reply)
    assert answer.usage[TOTAL].pending == 200


async def test_a_dead_redis_is_unreachable(server: RedisServer, member: Member) -> None:
    server.kill()

    with pytest.raises(LedgerUnreachableError):
        await member.twins.store.converse(member.message())
