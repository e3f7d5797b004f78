"""Counting the posts in an answer, while it is relayed and without ever holding it up.

`Counting` says how, as data: walkers know a post by its keys, places by where it stands. `Counter`
counts an answer that ends, `Records` one that does not.
"""

from governor.core.counting.counter import CAP_BYTES, Counted, Counter, Unreadable
from governor.core.counting.places import Place
from governor.core.counting.records import Records
from governor.core.counting.walkers import Counting, Walker

__all__ = [
    "CAP_BYTES",
    "Counted",
    "Counter",
    "Counting",
    "Place",
    "Records",
    "Unreadable",
    "Walker",
]
