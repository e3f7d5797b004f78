"""A ledger that lost anything, or may lose it, says so, and grants nothing (invariant 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import Ask, Doubt, DoubtReason, Reply, RowValue
from governor.errors import LedgerUnreachableError
from tests.conformance.damage import GONE, PARTIAL, RING, ROW, TOTAL, UNSEEN
from tests.conformance.inside import LEDGER

if TYPE_CHECKING:
    from tests.conformance.twins import Member, Twins
    from tests.fakes.redis import RedisServer


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


@pytest.mark.parametrize("damage", GONE | PARTIAL)
async def test_a_missing_or_short_key_is_a_loss(member: Member, damage: str) -> None:
    (GONE | PARTIAL)[damage](member.twins.inside)

    assert (await doubt(member)).reason is DoubtReason.MISSING


@pytest.mark.parametrize("damage", UNSEEN)
async def test_a_loss_that_no_key_shows_is_found_by_the_recount(
    member: Member, damage: str
) -> None:
    """And then nobody believes it, until somebody has declared it lost."""
    twins = member.twins
    UNSEEN[damage](twins.inside)
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
    member.twins.inside.hset(LEDGER, "schema", 4)

    assert (await doubt(member)).reason is DoubtReason.SCHEMA


async def test_an_older_schema_is_a_loss(member: Member) -> None:
    member.twins.inside.hset(LEDGER, "schema", 1)

    assert (await doubt(member)).reason is DoubtReason.MISSING


async def test_a_script_that_failed_half_way_has_left_a_loss(member: Member) -> None:
    """It keeps what it wrote: here the row's growth, but not the ring's."""
    twins = member.twins
    twins.inside.setrange(RING, 0, b"\xff" * twins.inside.strlen(RING))
    failed = await twins.store.converse(member.message(values={TOTAL: RowValue(charged=60)}))

    assert isinstance(failed, Doubt)
    assert failed.reason is DoubtReason.ERROR
    assert "ring.lua:" in failed.detail
    assert "cannot hold" in failed.detail
    assert (await doubt(member)).reason is DoubtReason.MISCOUNTED


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
