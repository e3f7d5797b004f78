"""A loss is declared once, whoever notices it, and what is left of the ledger counts nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.messages import (
    Account,
    Ask,
    DoubtReason,
    Identity,
    Leniency,
    Loss,
    Reply,
    RowValue,
    WholeRow,
)
from governor.core.ledger.opening import GRACE_MS
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.errors import LedgerError, LedgerUnreachableError, SchemaError
from tests.conformance.damage import MEMBERS, PARTIAL, RING, TOTAL
from tests.conformance.inside import LEDGER, PREFIX
from tests.conformance.twins import joined, reason

if TYPE_CHECKING:
    from tests.conformance.twins import Member, Twins
    from tests.fakes.redis import RedisServer

HOUR: Final = Account("x-1h", 70, 3_600_000)


@pytest.fixture
async def member(twins: Twins) -> Member:
    """Give a member that was charged 50 posts and holds 100; nobody else is there."""
    member = await joined(twins)
    await member.tell(**{TOTAL: RowValue(100, 50)})
    return member


async def reopened(member: Member) -> Reply:
    """Have the member restore its row, wait, and ask for what is just left, and one post more."""
    await member.restore()
    member.twins.pass_ms(GRACE_MS)
    return await member.ask(Ask(((TOTAL, 851),)), Ask(((TOTAL, 850),)))


def opened(reply: Reply) -> bool:
    """Say whether it is open and has lost nothing."""
    return reply.open and [grant.granted for grant in reply.grants] == [False, True]


@pytest.mark.parametrize("damage", PARTIAL)
async def test_a_ledger_that_lost_a_part_is_closed_and_built_anew_from_rows(
    member: Member, damage: str
) -> None:
    twins = member.twins
    before = twins.identity
    PARTIAL[damage](twins.inside)
    gone = RosterEntry("gone", 1, MemberStanding.LEFT, twins.time_ms)
    identity = await twins.declare(roster=(gone,), vouches=True)

    assert identity.epoch > before.epoch
    assert reason(await member.say(identity=before)) is DoubtReason.FOREIGN
    assert reason(await member.say()) is DoubtReason.UNKNOWN_ROW
    await member.restore()
    assert not (await member.ask(Ask(((TOTAL, 1),)))).grants[0].granted
    assert opened(await reopened(member))


async def test_a_restarted_redis_keeps_its_rows_to_compare_with(
    server: RedisServer, member: Member
) -> None:
    twins = member.twins
    before = twins.identity
    server.restart()
    with pytest.raises(LedgerUnreachableError):
        await twins.store.identity()
    identity = await twins.declare()

    assert identity.run_id != before.run_id
    member.restart()
    assert reason(await member.say(whole=WholeRow({}, {}, 0, 0, None))) is DoubtReason.BEHIND
    assert opened(await reopened(member))


async def test_an_emptied_redis_waits_for_an_operator(member: Member) -> None:
    twins = member.twins
    seen = twins.identity
    await twins.declare(emptied=True)
    reply = await reopened(member)
    assert (reply.open, reply.awaiting, reply.awaits_word) == (False, (), True)
    assert await twins.declare(seen=seen, word=True) == twins.identity

    assert opened(await reopened(member))


@pytest.mark.parametrize("part", ["named", "word"])
async def test_an_emptied_redis_opens_if_somebody_knows_who_used_it(
    member: Member, part: str
) -> None:
    await member.twins.declare(emptied=True, **{part: True})

    assert opened(await reopened(member))


@pytest.mark.parametrize("gone", [LEDGER, MEMBERS])
async def test_a_ledger_without_its_head_or_its_members_waits_for_an_operator(
    member: Member, gone: str
) -> None:
    """Rows that are left are still compared with, and waited for if anybody knows of them."""
    twins = member.twins
    twins.inside.delete(gone)
    loss = Loss(twins.identity, twins.time_ms, twins.time_ms, twins.rules(), ())
    identity = await twins.store.declare(loss)
    message = member.message(identity=identity, whole=WholeRow({}, {}, 0, 0, None))

    assert reason(await twins.store.converse(message)) is DoubtReason.BEHIND
    assert twins.inside.hget(LEDGER, "awaits_word") == "1"


async def test_a_second_loss_does_not_forget_that_a_word_is_needed(member: Member) -> None:
    twins = member.twins
    await twins.declare(emptied=True)
    await twins.declare()

    assert (await reopened(member)).awaits_word


async def test_of_two_who_notice_only_the_first_moves_the_epoch(member: Member) -> None:
    twins = member.twins
    seen = twins.identity
    first = await twins.declare(seen=seen)
    await member.restore()
    before = twins.copy()
    second = await twins.declare(seen=seen)

    assert first == second
    assert before.keys == twins.copy().keys


async def test_the_second_who_notices_says_whom_else_it_knows(member: Member) -> None:
    twins = member.twins
    seen = twins.identity
    await twins.declare(seen=seen)
    await member.restore()
    later = RosterEntry("m", 2)
    await twins.declare(seen=seen, roster=(RosterEntry("other", 4), later))

    member.restart()
    member.restart()
    assert (await member.restore()).awaiting == ("other",)
    twins.agree()


async def test_a_declaration_that_failed_half_way_has_left_a_loss(member: Member) -> None:
    twins = member.twins
    seen = await twins.declare()
    await member.restore()
    twins.inside.setrange(RING, 0, b"\0" * twins.inside.strlen(RING))
    earlier = replace(seen, epoch=seen.epoch - 1)
    loss = Loss(earlier, twins.time_ms, twins.time_ms, twins.rules(), (RosterEntry("m", 2),))
    with pytest.raises(LedgerError, match=r"ring\.lua:"):
        await twins.store.declare(loss)

    doubted = await twins.store.converse(member.message())
    assert reason(doubted) is DoubtReason.MISCOUNTED


async def test_an_open_ledger_hears_no_more_of_an_earlier_loss(member: Member) -> None:
    twins = member.twins
    seen = twins.identity
    await twins.declare(seen=seen)
    await reopened(member)
    await twins.declare(seen=seen, roster=(RosterEntry("other", 4),))

    assert (await member.ask()).open


async def test_the_ledger_that_is_known_can_be_declared_lost(member: Member) -> None:
    """Its member knows that it was put back from a copy: its own row is older there."""
    twins = member.twins
    copy = twins.copy()
    await member.tell(**{TOTAL: RowValue(100, 60)})
    twins.put_back(copy)
    assert reason(await member.say()) is DoubtReason.ROLLED_BACK
    await twins.declare()

    assert not opened(await reopened(member))
    assert (await member.ask()).usage[TOTAL].charged == 60


async def test_an_earlier_ledger_is_a_loss_however_sound(member: Member) -> None:
    """It was put back from a copy in which it had not been closed yet."""
    twins = member.twins
    copy = twins.copy()
    later = await twins.declare()
    twins.put_back(copy)
    identity = await twins.declare(seen=later)

    assert identity.epoch > later.epoch
    assert not twins.book.open


async def test_sums_that_do_not_add_up_are_declared_lost_by_anybody(member: Member) -> None:
    twins = member.twins
    twins.book.accounts[TOTAL].pending += 1
    twins.inside.hincrby(f"{LEDGER.removesuffix('ledger')}account:{TOTAL}", "pending", 1)
    twins.pass_ms(60_000)
    twins.step_store_ms(3_600_000)  # so that both homes read the same, though no reply says what
    assert reason(await member.hear(member.message())) is DoubtReason.MISCOUNTED
    await twins.declare(seen=Identity(1, "another", "another"), time_ms=0, high_ms=0)

    assert opened(await reopened(member))


@pytest.mark.parametrize("ahead_ms", [0, 86_400_000])
async def test_an_epoch_never_comes_back(member: Member, ahead_ms: int) -> None:
    """Neither after a clock that was set back, nor by one that knows a later one."""
    twins = member.twins
    epoch = twins.identity.epoch + ahead_ms
    identity = await twins.declare(seen=replace(twins.identity, epoch=epoch))

    assert identity.epoch > epoch
    assert (await twins.declare()).epoch > identity.epoch


async def test_time_goes_on_from_the_latest_that_anybody_knows(member: Member) -> None:
    twins = member.twins
    ahead_ms = twins.time_ms + 7_000
    await twins.declare(time_ms=ahead_ms, high_ms=ahead_ms + 9)
    clocks = twins.book.clocks
    await twins.declare(time_ms=0, high_ms=0)

    assert (clocks.time_ms, clocks.high_ms) == (ahead_ms, ahead_ms + 9)
    assert twins.time_ms == ahead_ms


async def test_rules_survive_a_loss_the_strictest_that_either_knows(member: Member) -> None:
    twins = member.twins
    await member.ask(leniency=Leniency.SHADOW | Leniency.RECEIVED)
    shown = (Account(TOTAL, 700, 86_400_000), HOUR)
    await twins.declare(accounts=shown, leniency=Leniency.RECEIVED | Leniency.ERRORS_FREE)
    reply = await reopened(member)

    assert reply.usage[TOTAL].limit == 700
    assert reply.usage[HOUR.name].limit == 70
    assert "x-24h/elections" in reply.usage
    assert reply.leniency is Leniency.RECEIVED


async def test_what_an_account_counts_survives_a_loss(member: Member) -> None:
    """Also where nobody's journal has it, and against whoever shows it in another unit."""
    twins = member.twins
    calls = Account("x-24h/calls", 5, 86_400_000, "requests")
    await member.ask(accounts=(calls,))
    await twins.declare(accounts=())
    other = (replace(calls, unit="posts"),)
    await twins.declare(accounts=other)
    answer = await member.say(whole=member.whole(), values=dict(member.told), accounts=other)

    assert reason(answer) is DoubtReason.RULES
    assert calls in twins.rules()


async def test_who_is_in_any_journal_is_waited_for(member: Member) -> None:
    twins = member.twins
    left = RosterEntry("left", 2, MemberStanding.LEFT, twins.time_ms + 86_400_000)
    await twins.declare(roster=(RosterEntry("other", 3), left))
    reply = await reopened(member)

    assert reply.awaiting == ("left", "other")
    assert member.entries == (left, RosterEntry("m", 1), RosterEntry("other", 3))


async def test_a_ledger_of_an_older_governor_is_a_loss_with_its_rows_kept(member: Member) -> None:
    """Schema 1 had neither epochs of rows nor a roster: its rows say who must restore."""
    twins = member.twins
    twins.inside.hset(LEDGER, "schema", 1)
    for field in ("sound", "opens", "awaits_word", "vouched", "roster", "leniency"):
        twins.inside.hdel(LEDGER, field)
    await twins.declare()

    assert twins.inside.hget(LEDGER, "schema") == "3"
    assert opened(await reopened(member))


async def test_a_ledger_from_before_calendars_is_a_loss_with_its_rows_kept(member: Member) -> None:
    """Schema 2 had none: its accounts count by their windows."""
    twins = member.twins
    twins.inside.hset(LEDGER, "schema", 2)
    twins.inside.hdel(LEDGER, "calendars")
    for account in twins.book.accounts:
        twins.inside.hdel(f"{PREFIX}account:{account}", "calendar")
    await twins.declare()

    assert opened(await reopened(member))


async def test_a_ledger_of_a_newer_governor_is_left_as_it_is(member: Member) -> None:
    twins = member.twins
    twins.inside.hset(LEDGER, "schema", 4)
    before = twins.copy()
    with pytest.raises(SchemaError, match="Upgrade Governor"):
        await twins.declare()

    assert before.keys == twins.copy().keys
