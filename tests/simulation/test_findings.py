"""What the simulation found, each as the few steps that it comes down to."""

from __future__ import annotations

from typing import Final

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Account, Ask, Identity, Message, Reply, RowValue, WholeRow

IDENTITY: Final = Identity(1, "run", "history")
BEGIN_MS: Final = 10_000_000
WINDOW_MS: Final = 600_000
LIMIT: Final = 100
EMPTY: Final = WholeRow({}, {}, 0, 0, None)


class Steps:
    """Two members of one book, all on true time but for the store's clock."""

    def __init__(self) -> None:
        clocks = Clocks(BEGIN_MS, BEGIN_MS, 0)
        self.book = Book([Account("x", LIMIT, WINDOW_MS)], identity=IDENTITY, clocks=clocks)
        self.seq = {"a": 0, "b": 0}
        self.row = {"a": RowValue(), "b": RowValue()}

    def say(
        self, member: str, now_ms: int, step_ms: int = 0, ask: int = 0, *, joins: bool = False
    ) -> Reply:
        self.seq[member] += 1
        answer = self.book.converse(
            Message(
                member=member,
                identity=IDENTITY,
                generation=1,
                seq=self.seq[member],
                acked=self.seq[member] - 1,
                nonce="",
                boot_ms=BEGIN_MS + now_ms,
                values={"x": self.row[member]},
                asks=(Ask((("x", ask),)),) if ask else (),
                whole=EMPTY if joins else None,
                roster=self.book.members.version,
            ),
            store_ms=BEGIN_MS + now_ms + step_ms,
        )

        assert isinstance(answer, Reply)
        return answer


def test_a_clock_stepped_by_less_than_is_noticed_frees_nothing_too_early() -> None:
    """The store's clock is 1.9 s late while `b` joins and settles, `a` silent; then it is right."""
    steps = Steps()
    steps.say("a", 0, joins=True)
    steps.say("a", 1_000, -1_900)
    steps.say("b", 1_001, -1_900, joins=True)
    steps.say("a", 1_001, -1_900)

    assert steps.say("b", 5_000, -1_900, ask=LIMIT).grants[0].granted
    last_byte_ms = 5_100
    steps.row["b"] = RowValue(charged=LIMIT)
    steps.say("b", last_byte_ms, -1_900)
    steps.say("a", 6_000)
    freed = steps.say("a", last_byte_ms + WINDOW_MS, ask=LIMIT)

    assert not freed.grants[0].granted
