"""Whoever only looks sees the ledger as it is, and leaves no trace in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from governor.clock import SystemClock
from governor.core.ledger.messages import (
    Account,
    DoubtReason,
    Identity,
    Leniency,
    Loss,
    Message,
    RowValue,
    WholeRow,
)
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.errors import SchemaError
from governor.store import Begins, RedisStore, Survey
from governor.store.survey import decode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.redis import RedisServer

DAY_MS: Final = 86_400_000
TOTAL: Final = Account("x-24h", 1_000, DAY_MS)
SHARE: Final = Account("x-24h/a", None, DAY_MS, "requests")


@pytest.fixture
async def store(fresh_redis: RedisServer) -> AsyncIterator[RedisStore]:
    """Give a store at an empty Redis."""
    store = RedisStore(fresh_redis.url, "x", clock=SystemClock())
    yield store
    await store.close()


async def seen(store: RedisStore) -> Survey:
    found = await store.survey()

    assert found is not None
    return found


async def join(
    store: RedisStore, identity: Identity, member: str, *, leaving: bool = False
) -> None:
    await store.converse(
        Message(
            member=member,
            identity=identity,
            generation=3,
            seq=1,
            acked=0,
            nonce="n",
            boot_ms=1,
            values={TOTAL.name: RowValue(0, 7, 0)},
            whole=WholeRow({}, {}, 0, 0, None),
            leaving=leaving,
        )
    )


def loss(identity: Identity, *members: str, word: bool = False) -> Loss:
    roster = tuple(RosterEntry(member, 3) for member in members)
    return Loss(identity, 5_000, 6_000, (TOTAL,), roster, word=word)


async def test_where_no_ledger_is_nothing_is_seen(store: RedisStore) -> None:
    assert await store.survey() is None


async def test_an_open_ledger_shows_its_rules_and_its_members(store: RedisStore) -> None:
    created = await store.create(
        (TOTAL, SHARE), leniency=Leniency.ERRORS_FREE, begins={TOTAL.name: Begins(5, 5)}, member="b"
    )
    await join(store, created.identity, "a", leaving=True)

    found = await seen(store)

    assert (found.identity, found.stands, found.open) == (created.identity, True, True)
    assert (found.accounts, found.leniency) == ((TOTAL, SHARE), Leniency.ERRORS_FREE)
    assert found.awaited() == ()
    [left, made] = found.members
    assert (left.member, left.generation, left.standing) == ("a", 3, MemberStanding.LEFT)
    assert left.frees_ms > found.time_ms
    assert left.silent_ms is not None
    assert left.silent_ms < 10_000
    assert (made.member, made.generation, made.silent_ms) == ("b", 0, None)
    assert left.counts
    assert made.counts


async def test_to_look_changes_nothing(store: RedisStore, fresh_redis: RedisServer) -> None:
    created = await store.create((TOTAL,))
    await join(store, created.identity, "a")
    with fresh_redis.client() as inside:
        before = {key: inside.dump(key) for key in inside.keys("*")}
        await store.survey()

        assert {key: inside.dump(key) for key in inside.keys("*")} == before


async def test_a_closed_ledger_shows_whom_it_waits_for(store: RedisStore) -> None:
    identity = await store.declare(loss(Identity(1, "r", "r"), "a", "b"))
    await join(store, identity, "a")

    found = await seen(store)

    assert (found.stands, found.open, found.awaits_word) == (True, False, True)
    assert [(each.member, each.generation) for each in found.awaited()] == [("b", 3)]


async def test_an_operators_word_is_seen_to_be_given(store: RedisStore) -> None:
    identity = await store.declare(loss(Identity(1, "r", "r"), "a"))
    assert (await seen(store)).awaits_word

    earlier = Identity(identity.epoch - 1, "r", "r")
    assert await store.declare(loss(earlier, word=True)) == identity
    assert not (await seen(store)).awaits_word


async def test_a_ledger_of_another_run_does_not_stand(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    await store.create((TOTAL,))
    await store.close()
    fresh_redis.restart()

    found = await seen(store)

    assert (found.amiss, found.is_here, found.stands) == (None, False, False)


@pytest.mark.parametrize("key", ["ledger", "account:x-24h", "ring:x-24h"])
async def test_a_ledger_with_a_key_gone_is_missing(
    store: RedisStore, fresh_redis: RedisServer, key: str
) -> None:
    """Its rows are still there to be seen: they say who must restore."""
    created = await store.create((TOTAL,))
    await join(store, created.identity, "a")
    with fresh_redis.client() as inside:
        assert inside.delete(f"governor:{{x}}:{key}") == 1

    found = await seen(store)

    assert (found.amiss, found.stands) == (DoubtReason.MISSING, False)
    assert [each.member for each in found.members] == ["a"]


async def test_a_newer_ledger_is_not_guessed_at(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    await store.create((TOTAL,))
    with fresh_redis.client() as inside:
        inside.hset("governor:{x}:ledger", "schema", 99)

    with pytest.raises(SchemaError, match="schema 99"):
        await store.survey()


async def test_who_left_is_awaited_unless_somebody_vouches_for_it(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    """A copy may show it gone that has long been back; an operator, or who was heard, may know."""
    created = await store.create((TOTAL,))
    gone = (RosterEntry("m", 3), RosterEntry("n", 3, MemberStanding.LEFT, 1))
    lost = Loss(created.identity, 5_000, 6_000, (TOTAL,), gone)
    with fresh_redis.client() as inside:
        inside.hset("governor:{x}:ledger", "run_id", "another")
    await store.declare(lost)
    doubted = await store.survey()
    await store.declare(replace(lost, vouches=True))
    vouched = await store.survey()

    assert doubted is not None
    assert vouched is not None
    assert [each.member for each in doubted.awaited()] == ["m", "n"]
    assert [each.member for each in vouched.awaited()] == ["m"]


def test_what_no_survey_says_is_not_believed() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(msgspec.msgpack.encode(("survey", "", 1)))
