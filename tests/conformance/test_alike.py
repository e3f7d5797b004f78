"""Whatever is said to them, in whatever order, the book and the script answer alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.messages import DoubtReason, Fenced, Reply, Stale
from governor.core.ledger.roster import MemberStanding
from tests.conformance.talk import ACCOUNTS, Talk
from tests.conformance.twins import Twins

if TYPE_CHECKING:
    from tests.fakes.redis import RedisServer


REACHED: Final = {  # or the talk is not about what it should be
    *(Reply, Stale, Fenced, "open", "closed", "store", "boot"),
    *(DoubtReason.FOREIGN, DoubtReason.UNKNOWN_ROW, DoubtReason.ROLLED_BACK),
    DoubtReason.CALENDAR,
    *MemberStanding,
}


@pytest.mark.parametrize("seed", range(6))
async def test_book_and_script_answer_alike(server: RedisServer, seed: int) -> None:
    """Step by step, over hundreds of messages; the seed reproduces a failure."""
    twins = await Twins.create(server, *ACCOUNTS)
    talk = Talk(twins, seed)
    await talk.run()
    await twins.end()

    assert talk.kinds >= REACHED


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1_000, 1_200))
async def test_they_answer_alike_all_night(server: RedisServer, seed: int) -> None:
    twins = await Twins.create(server, *ACCOUNTS)
    await Talk(twins, seed).run()
    await twins.end()
