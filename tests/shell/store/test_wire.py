"""Messages and answers survive the line, and anything else is refused."""

from __future__ import annotations

import msgspec
import pytest

from governor.core.calendar import Period
from governor.core.ledger.messages import (
    Account,
    Ask,
    Dated,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Identity,
    Leniency,
    Message,
    Reply,
    RowValue,
    Stale,
    Usage,
    WholeRow,
)
from governor.core.ledger.roster import MemberStanding, Roster, RosterEntry
from governor.store import wire

DAY = "day UTC"
IDENTITY = Identity(2**41, "run", "replication")
MESSAGE = Message(
    member="m",
    identity=IDENTITY,
    generation=3,
    seq=2,
    acked=1,
    nonce="n",
    boot_ms=-5,
    values={"x": RowValue(1, 2, 3)},
    asks=(Ask((("x", 7),), patience_ms=9),),
    whole=WholeRow(
        {"x": RowValue(0, 2, 3)},
        {"x": {11: 5}},
        100,
        101,
        None,
        (RosterEntry("n", 7, MemberStanding.LEFT, 900),),
        {DAY: Period(3, 30, 40)},
    ),
    accounts=(Account("x", None, 5_000), Account("x/a", 8, 5_000, "requests", DAY)),
    roster=4,
    anchor=True,
    leniency=Leniency.SHADOW | Leniency.ERRORS_FREE,
    kept_ms=77,
    date_ms=45,
    periods=((DAY, Period(3, 30, 40), Period(4, 40, 50)),),
)


def test_a_message_is_an_array_of_everything_it_says() -> None:
    assert msgspec.msgpack.decode(wire.encode(MESSAGE)) == [
        "m",
        [2**41, "run", "replication"],
        *(3, 2, 1, "n", -5),
        [["x", 1, 2, 3]],
        [[9, [["x", 7]]]],
        [
            100,
            101,
            None,
            [["x", 2, 3]],
            [["x", [[11, 5]]]],
            [["n", 7, 1, 900]],
            [[DAY, [3, 30, 40]]],
        ],
        [["x", -1, 5_000, "posts", ""], ["x/a", 8, 5_000, "requests", DAY]],
        *(4, True, False, 9, 77, 45),
        [[DAY, [3, 30, 40], [4, 40, 50]]],
    ]


def test_a_reply_comes_back_as_it_was_meant() -> None:
    said = (
        *("reply", "n", 2, (7, "run", "replication"), 100, 101, 5, -6, 1),
        ((1, "", -1, 0), (0, "x", 900, 0), (0, "x", -1, 1)),
        (("x", 3, 4, -1, -1), ("x/a", 1, 2, 8, 700)),
        ("store",),
        105,
        (3, (("two", 4, 1, 900), ("one", 2, 0, 0))),
        2,
        ("two", "three"),
        1,
        ((DAY, (3, 30, 40), 3, 4),),
    )

    assert wire.decode(msgspec.msgpack.encode(said)) == Reply(
        nonce="n",
        seq=2,
        identity=Identity(7, "run", "replication"),
        time_ms=100,
        high_ms=101,
        store_offset_ms=5,
        boot_offset_ms=-6,
        open=True,
        grants=(
            Grant(granted=True),
            Grant(granted=False, account="x", retry_at_ms=900),
            Grant(granted=False, account="x", never=True),
        ),
        usage={"x": Usage(3, 4, None, None), "x/a": Usage(1, 2, 8, 700)},
        stepped=("store",),
        store_ms=105,
        roster=Roster(3, (RosterEntry("one", 2), RosterEntry("two", 4, MemberStanding.LEFT, 900))),
        leniency=Leniency.RECEIVED,
        awaiting=("three", "two"),
        awaits_word=True,
        periods={DAY: Dated(Period(3, 30, 40), 3, 4)},
    )


def test_a_roster_that_is_known_is_not_told_again() -> None:
    said = ("reply", "n", 2, (7, "r", "r"), 1, 1, 0, 0, 1, (), (), (), 0, (0, ()), 15, (), 0, ())
    reply = wire.decode(msgspec.msgpack.encode(said))

    assert isinstance(reply, Reply)
    assert reply.roster is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (("fenced", "n"), Fenced("n")),
        (("stale", "n"), Stale("n")),
        (("doubt", "n", "missing", 0, "run", "repl"), Doubt("n", DoubtReason.MISSING)),
        (
            ("doubt", "n", "foreign", 4, "run", "repl"),
            Doubt("n", DoubtReason.FOREIGN, Identity(4, "run", "repl")),
        ),
    ],
)
def test_every_other_answer_comes_back(said: tuple[object, ...], meant: object) -> None:
    assert wire.decode(msgspec.msgpack.encode(said)) == meant


@pytest.mark.parametrize(
    "said",
    [b"", b"\xc1", msgspec.msgpack.encode(("fenced",)), msgspec.msgpack.encode(("other", "n"))],
)
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        wire.decode(said)
