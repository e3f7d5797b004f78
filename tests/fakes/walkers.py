"""What X's posts look like, as its catalog says, for tests that need no catalog."""

from __future__ import annotations

from governor.core.counting import Counting, Walker

V2 = Walker("v2", (("text",), ("id",)), lacks=("event_type", "entity_set"))
V1_1 = Walker(
    "v1.1",
    (("created_at",), ("id_str",)),
    any_of=("full_text", "text"),
    lacks=("recipient_id",),
)
GRAPHQL = Walker("graphql", (("legacy", "full_text"), ("rest_id",)), within="legacy")
WALKERS = (V2, V1_1, GRAPHQL)
ALL = Counting(WALKERS, WALKERS)


def only(*walkers: Walker) -> Counting:
    """Return a counting by these alone."""
    return Counting(walkers, walkers)
