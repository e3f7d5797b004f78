"""What is said on somebody's word survives the line, and so does each way of not taking it."""

from __future__ import annotations

import msgspec
import pytest

from governor.core.ledger.messages import Account, DoubtReason, Identity, Leniency, Loss
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.store import wire, words

IDENTITY = Identity(2**41, "run", "replication")
ACCOUNTS = (Account("x", None, 5_000), Account("x/a", 8, 5_000, "requests"))


def test_accounts_bring_what_they_begin_with_and_under_which_rules() -> None:
    said = words.encode_accounts(
        ACCOUNTS,
        member="m",
        begins={"x": words.Begins(3, 9)},
        leniency=Leniency.SHADOW,
        raises=True,
    )

    assert msgspec.msgpack.decode(said) == [
        *("m", 1, True),
        [["x", -1, 5_000, "posts", "", 3, 9], ["x/a", 8, 5_000, "requests", "", 0, 0]],
    ]


def test_a_loss_brings_all_that_its_member_knows() -> None:
    loss = Loss(
        seen=IDENTITY,
        time_ms=7,
        high_ms=8,
        accounts=ACCOUNTS,
        roster=(RosterEntry("n", 7, MemberStanding.RETIRED, 900),),
        leniency=Leniency.RECEIVED,
        named=True,
        vouches=True,
    )

    assert msgspec.msgpack.decode(words.encode_loss(loss)) == [
        [2**41, "run", "replication"],
        *(7, 8),
        [["x", -1, 5_000, "posts", ""], ["x/a", 8, 5_000, "requests", ""]],
        [["n", 7, 2, 900]],
        *(2, True, False, True),
    ]


@pytest.mark.parametrize(("charged", "said"), [(None, -1), (0, 0), (5, 5)])
def test_a_death_brings_what_an_operator_says_was_charged(charged: int | None, said: int) -> None:
    assert msgspec.msgpack.decode(words.encode_death("m", charged)) == ["m", said]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            ("created", (7, "run", "repl"), 100, ("x",), (5, 0)),
            words.CreatedWire(wire.IdentityWire(7, "run", "repl"), 100, ("x",), (5, 0)),
        ),
        (
            ("declared", (7, "run", "repl")),
            words.DeclaredWire(wire.IdentityWire(7, "run", "repl")),
        ),
        (("retired", (("x", 5),), 900), words.RetiredWire((("x", 5),), 900)),
        (("unknown", ("m",)), words.UnknownWire(("m",))),
        (("doubt", "closed"), words.DoubtedWire(DoubtReason.CLOSED)),
        (("schema", 3), words.NewerWire(3)),
    ],
)
def test_every_answer_comes_back(said: tuple[object, ...], meant: words.WordWire) -> None:
    assert words.decode(msgspec.msgpack.encode(said)) == meant


@pytest.mark.parametrize("said", [b"", msgspec.msgpack.encode(("doubt", "whatever"))])
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        words.decode(said)
