"""An account begins with what was used before it, and both homes take that for an ordinary row.

Only `governor init` makes such a row, and only in Redis; the book is given the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.messages import Account, Ask, DoubtReason, RowValue
from governor.core.ledger.recount import RECOUNT_MS
from governor.store import Begins
from tests.conformance.twins import joined, reason

if TYPE_CHECKING:
    from tests.conformance.twins import Member, Twins

HOUR: Final = Account("x-1h", 1_000, 3_600_000)
USED: Final = RowValue(charged=900)


@pytest.fixture
async def begun(twins: Twins) -> Member:
    """Give the member that added a limit under which 900 posts were used; it has not spoken."""
    begins = {HOUR.name: Begins(made=0, joined=USED.charged)}
    await twins.store.create((HOUR,), member="m", begins=begins)
    twins.begin("m", HOUR, USED.charged)
    return twins.member("m")


async def test_it_binds_another_member_and_adds_up(twins: Twins, begun: Member) -> None:
    assert begun.seq == 0
    other = await joined(twins, "other")
    twins.pass_ms(2 * RECOUNT_MS)
    reply = await other.ask(Ask(((HOUR.name, 101),)), Ask(((HOUR.name, 100),)))

    assert [grant.granted for grant in reply.grants] == [False, True]


async def test_its_members_whole_row_takes_its_place(twins: Twins, begun: Member) -> None:
    """Charged once, and from then on it ages."""
    await begun.join(values={HOUR.name: USED})
    twins.pass_ms(2 * RECOUNT_MS)
    usage = (await begun.tell()).usage[HOUR.name]

    assert (usage.charged, usage.pending) == (900, 0)
    assert usage.next_free_ms is not None


async def test_a_member_that_forgets_it_is_doubted(begun: Member) -> None:
    answer = await begun.say(whole=begun.whole())

    assert reason(answer) is DoubtReason.BEHIND


async def test_a_member_that_knows_more_by_now_is_believed(begun: Member) -> None:
    reply = await begun.join(values={HOUR.name: RowValue(charged=950, lingered=7)})

    assert reply.usage[HOUR.name].charged == 957
