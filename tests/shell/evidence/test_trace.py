"""A span is as long as the journal leaves open when the platform counted, and no longer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governor.core.ledger.messages import Account, Identity, RowValue
from governor.core.ledger.records import Adopted, Claimed, Outcome, Resolved, Rostered, Stamped
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.core.window import Window
from governor.evidence.spans import OPEN_MS
from governor.evidence.trace import IN_FORCE_MS, SILENT_MS, Trace

WINDOW = Window(10_000)
ACCOUNT = Account("x", 1_000, WINDOW.window_ms)
ADOPTED = Adopted("x", "embedded", Identity(1, "run", ""), (ACCOUNT,), 1_000, 0)


def trace() -> Trace:
    found = Trace("x", "member")
    found.adopt(ADOPTED)
    return found


def claimed(hold: str, at_ms: int, posts: int = 100) -> Claimed:
    return Claimed("x", hold, "default", "search", 10, posts, (("x", posts),), "sha", at_ms)


def resolved(hold: str, at_ms: int, posts: int, *, lingers: bool = False) -> Resolved:
    outcome = Outcome.ORPHANED if lingers else Outcome.SETTLED
    return Resolved("x", hold, outcome, posts, (("x", posts),), lingers, at_ms)


def stamped(at_ms: int, charged: int, lingered: int = 0) -> Stamped:
    spread = (("x", RowValue(charged=charged, lingered=lingered)),)
    return Stamped("x", 1, spread, at_ms, at_ms, 0, 0, 0)


def tell(found: Trace, at_ms: int, *, before: tuple[int, int], after: tuple[int, int]) -> None:
    charged, lingered = before
    had = {"x": RowValue(charged=charged, lingered=lingered)}
    found.stamp(stamped(at_ms, *after), had, 0)


def seen(found: Trace, account: str = "x") -> list[tuple[int, int, int]]:
    spans = found.spans[account]
    return list(zip(spans.begins, spans.ends, spans.posts, strict=True))


def test_it_lasts_from_the_claim_to_the_stamp_that_covers_it() -> None:
    found = trace()
    found.claim(claimed("a", 2_000), 1)
    found.resolve(resolved("a", 2_500, 70), 1)
    tell(found, 2_600, before=(0, 0), after=(70, 0))

    assert seen(found) == [(2_000, 2_600, 70)]


def test_what_was_let_go_lasts_a_linger_longer() -> None:
    found = trace()
    found.claim(claimed("a", 2_000), 1)
    found.resolve(resolved("a", 2_500, 70, lingers=True), 1)
    tell(found, 2_600, before=(0, 0), after=(0, 70))

    assert seen(found) == [(2_000, 2_600 + WINDOW.linger_ms, 70)]


def test_a_stamp_covers_only_what_it_was_told() -> None:
    """And in the order in which it was told, which may not be the journal's."""
    found = trace()
    for hold, posts in (("a", 100), ("b", 50), ("c", 20)):
        found.claim(claimed(hold, 2_000), 1)
        found.resolve(resolved(hold, 2_500, posts), 1)
    tell(found, 2_600, before=(0, 0), after=(50, 0))
    tell(found, 2_700, before=(50, 0), after=(170, 0))

    assert seen(found) == [(2_000, 2_600, 50), (2_000, 2_700, 100), (2_000, 2_700, 20)]


def test_an_answer_that_was_lost_makes_it_no_longer_than_the_fence() -> None:
    """The ledger may have stamped it before the silence; all was closed soon after it began."""
    found = trace()
    found.claim(claimed("a", 2_000), 1)
    found.resolve(resolved("a", 2_500, 70), 1)
    tell(found, 9_000_000, before=(0, 0), after=(70, 0))

    assert seen(found) == [(2_000, 2_500 + SILENT_MS, 70)]


def test_an_orphan_of_a_start_lasts_until_it_is_stamped() -> None:
    """The ledger held it all that time, and nobody knows when its process died."""
    found = trace()
    found.claim(claimed("a", 2_000), 1)
    found.resolve(resolved("a", 2_000, 100, lingers=True), 2)
    tell(found, 9_000_000, before=(0, 0), after=(0, 100))

    assert seen(found) == [(2_000, 9_000_000 + WINDOW.linger_ms, 100)]
    assert found.counts["x"]["orphans"] == 1


def test_what_is_open_never_ended_unless_its_member_was_retired() -> None:
    """Then it ends a window and a pad before the last of it is free."""
    ends = []
    for frees_ms in (None, 50_000):
        found = trace()
        found.claim(claimed("a", 2_000), 1)
        found.claim(claimed("b", 2_000), 1)
        found.resolve(resolved("b", 2_500, 70), 1)
        found.close(frees_ms)
        ends.append({end for _, end, _ in seen(found)})

        assert found.counts["x"]["open"] == 100
    assert ends == [{OPEN_MS}, {50_000 - WINDOW.window_ms - WINDOW.pad_ms}]


def test_what_is_void_was_counted_by_nobody() -> None:
    found = trace()
    found.claim(claimed("a", 2_000), 1)
    found.resolve(Resolved("x", "a", Outcome.VOID, None, (), lingers=False, at_ms=2_100), 1)
    found.close(None)

    assert found.spans == {}
    assert found.counts["x"]["requests"] == 1


def test_a_claim_that_was_removed_as_old_was_there_from_the_beginning() -> None:
    found = trace()
    found.claim(claimed("b", 1_500), 1)
    found.resolve(resolved("a", 2_500, 70), 1)
    tell(found, 2_600, before=(0, 0), after=(70, 0))

    assert seen(found) == [(1_500, 2_600, 70)]


def test_a_tear_is_told_but_was_seen_counted_by_nobody() -> None:
    found = trace()
    found.claim(claimed("a", 2_000), 1)
    found.resolve(resolved("a", 2_500, 70, lingers=True), 1)
    found.grow((("x", 1_000),), 2_500, why="torn", lingers=True, counts=False)
    tell(found, 2_600, before=(0, 0), after=(0, 1_070))

    assert seen(found) == [(2_000, 2_600 + WINDOW.linger_ms, 70)]


def test_limits_bind_from_when_the_ledger_was_told_and_no_grant_before_is_left() -> None:
    found = trace()
    found.adopt(replace(ADOPTED, accounts=(replace(ACCOUNT, limit=900),)))
    tell(found, 2_000, before=(0, 0), after=(0, 0))
    found.adopt(replace(ADOPTED, accounts=(Account("y", 5, 1_000),)))
    tell(found, 3_000, before=(0, 0), after=(0, 0))

    assert found.rules == [
        (1_000, {"x": 1_000}),
        (2_000 + IN_FORCE_MS, {"x": 900}),
        (3_000 + IN_FORCE_MS, {"x": None, "y": 5}),
    ]


def test_who_was_retired_is_told_once() -> None:
    found = trace()
    entries = (
        RosterEntry("dead", 2, MemberStanding.RETIRED, 50_000),
        RosterEntry("gone", 1, MemberStanding.LEFT, 40_000),
        RosterEntry("member", 1),
    )
    told = [found.meet(Rostered("x", version, entries)) for version in (2, 3)]

    assert told == [["dead"], []]
    assert found.frees_ms == {"dead": 50_000}


def test_whoever_was_in_the_roster_once_has_shared_the_ledger() -> None:
    found = trace()
    for version, members in ((2, ("a", "member")), (3, ("b", "member"))):
        entries = tuple(RosterEntry(member, 1) for member in members)
        found.meet(Rostered("x", version, entries))

    assert found.members == {"a", "b", "member"}


def test_the_wall_clock_is_as_it_was_compared_with_ledger_time() -> None:
    """Without a right clock, as it was when the record was written."""
    found = trace()
    found.stamp(replace(stamped(2_000, 0), wall_offset_ms=700), {}, 9)
    found.stamp(replace(stamped(3_000, 0), wall_offset_ms=701), {}, 9)
    found.stamp(replace(stamped(4_000, 0), wall_offset_ms=None), {}, 10_000)

    assert found.offsets == [(2_000, 700), (4_000, 6_000)]


@pytest.mark.parametrize("lingers", [False, True])
def test_what_one_ledger_did_not_stamp_is_stamped_in_the_next(*, lingers: bool) -> None:
    left = trace()
    left.claim(claimed("a", 2_000), 1)
    left.resolve(resolved("a", 2_500, 70, lingers=lingers), 1)
    found = Trace("x", "member")
    found.follow(left, 900_000)
    found.grow((("x", 30),), 900_000, why="moved", lingers=lingers)
    tell(found, 900_100, before=(5, 5), after=(5, 105) if lingers else (105, 5))
    linger_ms = WINDOW.linger_ms if lingers else 0
    ends = {min(900_100, 900_000 + SILENT_MS) + linger_ms}

    assert {end for _, end, _ in seen(found)} == ends
    assert sum(posts for _, _, posts in seen(found)) == 100
    assert found.counts["x"]["moved"] == 30
