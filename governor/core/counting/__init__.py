"""Counting the posts in an answer, while it is relayed and without ever holding it up."""

from governor.core.counting.counter import (
    CAP_BYTES,
    GRAPHQL,
    MARKS,
    V1_1,
    V2,
    WALKERS,
    Counted,
    Counter,
    Unreadable,
)
from governor.core.counting.places import Place
from governor.core.counting.walkers import Counting, Walker

__all__ = [
    "CAP_BYTES",
    "GRAPHQL",
    "MARKS",
    "V1_1",
    "V2",
    "WALKERS",
    "Counted",
    "Counter",
    "Counting",
    "Place",
    "Unreadable",
    "Walker",
]
