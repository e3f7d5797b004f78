"""Schema drift: an answer that no longer looks as the catalog says.

Two signs of it. The counts of one body differ (core/counting says so, and gives the highest). Or
there is no post in an answer where there always were some: an operation that brings posts itself
answers 200 with a body at least as long as the shortest in which it was ever counted to have one.
Such an empty count is not believed, and costs the full price: a platform that renames a key would
otherwise be free from that day on.

Look-ups by id are left out: all that they name may be deleted, and then an answer of errors alone
is long and right. They are charged the ids in any case, and their places are counted beside.

What is remembered is one length per operation and is forgotten at a restart; the first answers
after it teach it anew.

Weakness, said aloud: an honest empty page that is longer than the shortest with a post (a timeline
of advertisements) is taken for drift. That costs its price, once per such page, and is alarmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from governor.core.counting import Counted

if TYPE_CHECKING:
    from governor.core.catalog import Quote
    from governor.core.counting import Unreadable

OK: Final = 200
ZERO: Final = "zero"


class Lengths:
    """The shortest body of each operation of one contract in which a post was counted."""

    def __init__(self) -> None:
        self._shortest: dict[str, int] = {}

    def drift(
        self, quote: Quote, *, status: int | None, count: Counted | Unreadable | None, length: int
    ) -> str:
        """Return what is odd about an answer that was read to its end, in numbers only; "" if not.

        `length` is that of its decoded body. It begins with `ZERO` if the count of no post at all
        is not to be believed.
        """
        if not isinstance(count, Counted):
            return ""
        if count.posts:
            known = self._shortest.get(quote.operation, length)
            self._shortest[quote.operation] = min(known, length)
            return count.drift
        shortest = self._shortest.get(quote.operation)
        looks = quote.asked > quote.ids
        if looks and status == OK and shortest is not None and length >= shortest:
            return f"{ZERO}: 0 posts in {length} bytes, and once some in {shortest}"
        return count.drift
