"""Every message says all that the ledger has not acknowledged, and nothing is said twice alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.conversation.composing import Composer
from governor.core.calendar import Period
from governor.core.ledger.messages import Account, Ask, Leniency, Message, Reply, RowValue
from governor.core.ledger.records import Adopted, Rostered, Started
from governor.core.ledger.roster import RosterEntry
from governor.core.ledger.state import MemberState
from tests.fakes.clock import FakeClock
from tests.shell.conversation.stage import ACCOUNTS, IDENTITY, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

HUNDRED = (("x", 100), ("x/default", 100))
LATE_MS = WINDOW.tolerance_ms + 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(clock: FakeClock) -> MemberState:
    state = MemberState()
    state.apply(Started("member", 3, clock.boot_id()))
    now_ms, boot_ms = clock.wall_ms(), clock.boot_ms()
    state.apply(
        Adopted("x", "home", IDENTITY, ACCOUNTS, now_ms, boot_ms, Leniency.SHADOW),
    )
    return state


@pytest.fixture
def composer(clock: FakeClock, state: MemberState) -> Composer:
    return Composer("x", state, clock=clock, members=("named",))


@pytest.fixture
def answered(clock: FakeClock, composer: Composer) -> Callable[..., Message]:
    """Compose a message and have it acknowledged, so late, with an offset that moved by so much."""

    def answer(*, late_ms: int = 0, moved_ms: int = 0) -> Message:
        message = composer.compose()
        clock.advance_ms(late_ms)
        offset_ms = clock.boot_ms() - clock.wall_ms() + moved_ms
        composer.acknowledge(message, reply(message, offset_ms))
        return message

    return answer


def reply(message: Message, offset_ms: int) -> Reply:
    return Reply(
        nonce=message.nonce,
        seq=message.seq,
        identity=IDENTITY,
        time_ms=0,
        high_ms=0,
        store_offset_ms=0,
        boot_offset_ms=offset_ms,
        open=True,
        grants=(),
        usage={},
    )


def test_the_first_message_brings_the_whole_row(composer: Composer, clock: FakeClock) -> None:
    message = composer.compose()

    assert message.whole is not None
    assert message.accounts == ACCOUNTS
    assert message.leniency == Leniency.SHADOW
    assert (message.member, message.generation, message.seq, message.acked) == ("member", 3, 1, 0)
    assert (message.identity, message.boot_ms) == (IDENTITY, clock.boot_ms())


def test_it_is_brought_until_it_is_acknowledged(
    composer: Composer, answered: Callable[..., Message]
) -> None:
    composer.abandon(composer.compose())

    assert answered().whole is not None
    assert answered().whole is None

    composer.bring_whole()

    assert answered().whole is not None


def test_it_names_whom_the_journal_knows_and_whom_the_configuration_names(
    composer: Composer, state: MemberState
) -> None:
    state.apply(Rostered("x", 4, (RosterEntry("other", 7),)))
    message = composer.compose()

    assert message.whole is not None
    assert message.whole.roster == (RosterEntry("named", 0), RosterEntry("other", 7))
    assert message.roster == 4


def test_no_two_messages_are_alike(composer: Composer, answered: Callable[..., Message]) -> None:
    """Invariant 2: a later one replaces an earlier one, and an answer belongs to one of them."""
    messages = [answered(), composer.compose(), composer.compose()]

    assert [message.seq for message in messages] == [1, 2, 3]
    assert [message.acked for message in messages] == [0, 1, 1]
    assert len({message.nonce for message in messages}) == 3


def test_what_an_abandoned_message_told_or_asked_is_told_anew(
    composer: Composer, answered: Callable[..., Message]
) -> None:
    """The ledger may have granted it: an absolute value of nothing gives that back."""
    answered()
    composer.row.charge((("x", 70),), lingers=False)
    composer.abandon(composer.compose((Ask(HUNDRED),)))

    told = {"x": RowValue(charged=70), "x/default": RowValue()}
    assert composer.compose().values == told

    answered()

    assert composer.compose().values == {}


def test_what_was_told_and_taken_back_is_told_anew(
    composer: Composer, answered: Callable[..., Message]
) -> None:
    """Left out because it is as it was acknowledged, it would be held there for ever."""
    answered()
    composer.row.hold(HUNDRED)
    composer.abandon(composer.compose())
    composer.row.release(HUNDRED)

    assert composer.compose().values == {"x": RowValue(), "x/default": RowValue()}


def test_a_clock_that_was_anchored_by_a_late_reading_is_anchored_anew_at_once(
    answered: Callable[..., Message], composer: Composer
) -> None:
    """It would be ahead of the others by as much as the reading was late."""
    answered(late_ms=LATE_MS, moved_ms=1)
    urgent = [composer.is_urgent]
    anchors = [answered().anchor]
    urgent.append(composer.is_urgent)
    anchors.append(answered().anchor)

    assert anchors == urgent == [True, False]


@pytest.mark.parametrize(
    ("late_ms", "moved_ms"), [(LATE_MS, 0), (LATE_MS - 1, 1)], ids=["known", "prompt"]
)
def test_a_clock_that_reads_as_it_did_or_was_heard_in_time_stays_anchored(
    answered: Callable[..., Message], *, late_ms: int, moved_ms: int
) -> None:
    """To forget its offset costs the ledger time that has passed."""
    answered(late_ms=late_ms, moved_ms=moved_ms)

    assert not answered().anchor


def test_the_reading_of_an_abandoned_message_may_be_the_late_one(
    answered: Callable[..., Message], composer: Composer, clock: FakeClock
) -> None:
    answered()
    composer.abandon(composer.compose())
    clock.advance_ms(LATE_MS)
    answered(moved_ms=1)

    assert composer.compose().anchor


def test_where_every_answer_is_late_ledger_time_goes_on(
    answered: Callable[..., Message],
) -> None:
    """A clock that is anchored in every message never moves."""
    anchors = [answered(late_ms=LATE_MS, moved_ms=number).anchor for number in range(1, 5)]

    assert anchors == [False, True, False, True]


def test_the_last_word_says_that_it_is_the_last(composer: Composer) -> None:
    assert composer.compose(leaving=True).leaving
    assert not composer.compose().leaving


def test_a_new_identity_is_spoken_to_as_soon_as_it_is_journaled(
    composer: Composer, state: MemberState, answered: Callable[..., Message]
) -> None:
    answered()
    later = type(IDENTITY)(9, "another run", "another history")
    state.apply(Adopted("x", "home", later, ACCOUNTS, 0, 0))

    assert composer.compose().identity == later


def test_a_message_names_the_periods_of_each_calendar_by_the_wall_clock(
    clock: FakeClock, state: MemberState
) -> None:
    """The one that has its date and the one before, once for all accounts of that calendar."""
    accounts = tuple(
        Account(name, 10, 90_000_000, calendar="day UTC") for name in ("day", "day/default")
    )
    boot_ms = clock.boot_ms()
    state.apply(Adopted("x", "home", IDENTITY, accounts, clock.wall_ms(), boot_ms))
    length_ms = 86_400_000

    def periods(calendar: str, date_ms: int) -> Period:
        assert calendar == "day UTC"
        number = date_ms // length_ms
        return Period(number, number * length_ms, (number + 1) * length_ms)

    composer = Composer("x", state, clock=clock, members=(), periods=periods)
    message = composer.compose()
    now = periods("day UTC", clock.wall_ms())
    before = periods("day UTC", now.begins_ms - 1)

    assert message.date_ms == clock.wall_ms()
    assert message.periods == (("day UTC", before, now),)


def test_a_calendar_needs_somebody_who_knows_zones(clock: FakeClock, state: MemberState) -> None:
    account = Account("day", 10, 90_000_000, calendar="day UTC")
    state.apply(Adopted("x", "home", IDENTITY, (account,), clock.wall_ms(), clock.boot_ms()))

    with pytest.raises(LookupError, match="day UTC"):
        Composer("x", state, clock=clock, members=()).compose()
