"""What the book grants, what it refuses and until when, and who keeps a place before whom."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random

import pytest

from governor.core.ledger.accounts import stricter
from governor.core.ledger.messages import (
    Grant,
    RowValue,
    Usage,
)
from tests.core.ledger.speaker import (
    BEGIN_MS,
    DAY,
    FREE,
    GRANTED,
    MINUTE,
    SHARE,
    SHORT,
    TOTAL,
    Speaker,
    ask,
    refused,
)


@pytest.fixture
def speaker() -> Speaker:
    """Give a member that has joined."""
    speaker = Speaker()
    speaker.join()
    return speaker


@pytest.mark.parametrize("posts", [0, 1, 299, 300, 301, 1_000, 1_001])
def test_an_ask_is_granted_on_all_accounts_or_on_none(speaker: Speaker, posts: int) -> None:
    reply = speaker.reply(ask(posts, TOTAL, SHARE, FREE))

    taken = posts if posts <= 300 else 0
    assert reply.grants[0].granted is (posts <= 300)
    assert [reply.usage[account.name].pending for account in (TOTAL, SHARE, FREE)] == [taken] * 3


def test_a_price_above_a_limit_is_refused_for_good(speaker: Speaker) -> None:
    assert speaker.reply(ask(301, FREE, SHARE)).grants == (
        Grant(granted=False, account=SHARE.name, never=True),
    )


def test_holds_in_the_way_have_no_time(speaker: Speaker) -> None:
    speaker.reply(ask(900))

    assert speaker.reply(ask(101)).grants == (refused(),)


def test_the_account_that_frees_last_is_named(speaker: Speaker) -> None:
    told = {"day": RowValue(charged=1_000), "minute": RowValue(charged=500)}
    reply = speaker.reply(ask(1, SHORT, TOTAL), ask(1, SHORT), values=told)

    day_ms, minute_ms = (window.frees_at(window.bucket(BEGIN_MS)) for window in (DAY, MINUTE))
    assert reply.grants == (refused(TOTAL, day_ms), refused(SHORT, minute_ms))


def test_pending_has_no_clock(speaker: Speaker) -> None:
    speaker.reply(ask(1_000))
    speaker.now_ms += 100 * DAY.window_ms

    assert speaker.reply(ask(1)).grants == (refused(),)


def test_growth_is_stamped_at_h_and_what_lingers_later(speaker: Speaker) -> None:
    reply = speaker.reply(values={"minute": RowValue(charged=2, lingered=3)})
    at_once = MINUTE.frees_at(MINUTE.bucket(reply.high_ms))
    lingering = MINUTE.frees_at(MINUTE.bucket(reply.high_ms + MINUTE.linger_ms))

    assert reply.usage["minute"] == Usage(5, 0, 500, at_once)
    speaker.now_ms = at_once - 1
    assert speaker.reply().usage["minute"].charged == 5
    speaker.now_ms = at_once
    assert speaker.reply().usage["minute"] == Usage(3, 0, 500, lingering)
    speaker.now_ms = lingering
    assert speaker.reply().usage["minute"] == Usage(0, 0, 500, None)


def test_truth_is_recorded_over_the_limit(speaker: Speaker) -> None:
    assert speaker.reply(values={"day": RowValue(charged=9_999)}).usage["day"].charged == 9_999


def test_lowering_is_adopted_at_once_and_raising_never(speaker: Speaker) -> None:
    speaker.reply(ask(600))
    for shown, granted in ((700, True), (1_000, True), (None, True), (650, False), (10, False)):
        account = replace(TOTAL, limit=shown)
        trial = Speaker(deepcopy(speaker.book), "other")
        trial.now_ms += 10_000  # the other is not waited for any more
        trial.join(accounts=(replace(TOTAL, limit=700),))
        reply = trial.reply(ask(51), accounts=(account,))
        assert reply.grants[0].granted is granted
        assert reply.usage["day"].limit == stricter(700, shown)


def test_first_come_first_served_while_there_is_patience(speaker: Speaker) -> None:
    speaker.reply(ask(900))
    patient, impatient = ask(200, patience_ms=1), ask(200)

    assert speaker.reply(patient, ask(100)).grants == (refused(), refused())
    assert speaker.reply(impatient, ask(100)).grants == (refused(), GRANTED)


def test_those_ahead_are_counted_together(speaker: Speaker) -> None:
    """Two wait for 300 each; the third, for 1, must wait until all 601 fit."""
    speaker.reply(values={"day": RowValue(charged=400)})
    speaker.now_ms += DAY.bucket_ms
    reply = speaker.reply(values={"day": RowValue(charged=1_000)})
    first = reply.usage["day"].next_free_ms
    assert first is not None
    waiting = ask(300, patience_ms=2 * DAY.window_ms)
    grants = speaker.reply(waiting, waiting, ask(1)).grants

    assert [grant.retry_at_ms for grant in grants] == [first, *[first + DAY.bucket_ms] * 2]


@pytest.mark.parametrize(("patience_ms", "keeps"), [(0, False), (-1, False), (1, True)])
def test_patience_reaches_as_far_as_the_time_to_return(
    speaker: Speaker, patience_ms: int, *, keeps: bool
) -> None:
    speaker.reply(values={"day": RowValue(charged=900)})
    retry_at_ms = speaker.reply(ask(200)).grants[0].retry_at_ms
    assert retry_at_ms is not None
    waits_ms = retry_at_ms - BEGIN_MS - 1 + patience_ms
    grants = speaker.reply(ask(200, patience_ms=waits_ms), ask(100)).grants

    assert grants[1].granted is not keeps


def test_who_waits_for_one_account_holds_back_nobody_from_another(speaker: Speaker) -> None:
    speaker.reply(ask(300, SHARE))
    waiting = ask(10, SHARE, TOTAL, patience_ms=1)

    assert speaker.reply(waiting, ask(1_000)).grants == (refused(SHARE), GRANTED)


def test_a_price_above_the_limit_holds_back_nobody(speaker: Speaker) -> None:
    assert speaker.reply(ask(1_001, patience_ms=1), ask(1_000)).grants[1] == GRANTED


def random_state(random: Random) -> Speaker:
    """Return a member with posts charged over time, some of them free again, and holds."""
    speaker = Speaker()
    speaker.join()
    charged = dict.fromkeys(("day", "minute"), 0)
    for _ in range(random.randrange(1, 12)):
        speaker.now_ms += random.choice((1, 7, 999, 30_000, 61_000, 3_600_000, 50_000_000))
        for name in charged:
            charged[name] += random.choice((0, 1, 50, 300))
        pending = random.randrange(200)
        values = {name: RowValue(pending, posts) for name, posts in charged.items()}
        speaker.reply(values=values)
    return speaker


@pytest.mark.parametrize("seed", range(300))
def test_the_time_to_return_is_exact(seed: int) -> None:
    """At that millisecond of ledger time the ask fits; one earlier it does not."""
    random = Random(seed)  # noqa: S311  # a schedule, not a secret
    speaker = random_state(random)
    wanted = ask(random.choice((1, 100, 499, 500)), TOTAL, SHORT)
    (grant,) = speaker.reply(wanted).grants
    if grant.granted or grant.retry_at_ms is None:
        return
    early, late = deepcopy(speaker), deepcopy(speaker)
    early.now_ms, late.now_ms = grant.retry_at_ms - 1, grant.retry_at_ms

    assert grant.retry_at_ms > speaker.book.clocks.time_ms
    assert not early.reply(wanted).grants[0].granted
    assert late.reply(wanted).grants[0].granted


@pytest.mark.parametrize("seed", range(30))
def test_where_holds_are_in_the_way_no_time_would_do(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a schedule, not a secret
    speaker = random_state(random)
    speaker.reply(values={"day/a": RowValue(pending=250)})
    wanted = ask(random.choice((51, 300)), SHARE, FREE)
    speaker.now_ms += random.choice((0, 1, 10 * DAY.window_ms))

    assert speaker.reply(wanted).grants == (refused(SHARE),)
