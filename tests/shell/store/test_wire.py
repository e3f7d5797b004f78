"""Messages and answers survive the line, and anything else is refused."""

from __future__ import annotations

import msgspec
import pytest

from governor.core.ledger.messages import (
    Account,
    Ask,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Identity,
    Message,
    Reply,
    RowValue,
    Stale,
    Usage,
    WholeRow,
)
from governor.core.window import Window
from governor.store import wire

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
    whole=WholeRow({"x": RowValue(0, 2, 3)}, {"x": {11: 5}}, 100, 101, None),
    accounts=(Account("x", None, 5_000), Account("x/a", 8, 5_000)),
)


def test_a_message_is_an_array_of_everything_it_says() -> None:
    assert msgspec.msgpack.decode(wire.encode(MESSAGE)) == [
        "m",
        [2**41, "run", "replication"],
        *(3, 2, 1, "n", -5),
        [["x", 1, 2, 3]],
        [[9, [["x", 7]]]],
        [100, 101, None, [["x", 2, 3]], [["x", [[11, 5]]]]],
        [["x", -1, 5_000], ["x/a", 8, 5_000]],
    ]


def test_accounts_bring_the_length_of_their_ring_and_what_they_begin_with() -> None:
    said = msgspec.msgpack.decode(
        wire.encode_accounts(MESSAGE.accounts, member="m", begins={"x": wire.Begins(3, 9)})
    )

    length = Window(5_000).ring_length
    assert said == ["m", [["x", -1, 5_000, length, 3, 9], ["x/a", 8, 5_000, length, 0, 0]]]


def test_a_reply_comes_back_as_it_was_meant() -> None:
    said = (
        *("reply", "n", 2, (7, "run", "replication"), 100, 101, 5, -6, 1),
        ((1, "", -1, 0), (0, "x", 900, 0), (0, "x", -1, 1)),
        (("x", 3, 4, -1, -1), ("x/a", 1, 2, 8, 700)),
        ("store",),
        105,
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
    )


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
