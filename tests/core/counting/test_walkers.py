"""A walker that could not bound what it knows is refused with the reason."""

from __future__ import annotations

import pytest

from governor.core.counting import Counting, Walker
from tests.fakes.walkers import GRAPHQL, V1_1, V2, WALKERS, only


@pytest.mark.parametrize(
    ("walker", "marks"),
    [
        (V2, ("text",)),
        (V1_1, ("full_text", "text")),
        (GRAPHQL, ("full_text",)),
        (Walker("x", (("id",), ("text",)), mark="text"), ("text",)),
        (Walker("x", (("id",),), any_of=("a", "b"), mark="b"), ("a", "b")),
        (Walker("x", (("id",),), any_of=("a", "b"), mark="id"), ("id",)),
        (Walker("x", (("rest_id",), ("legacy", "id")), mark="rest_id"), ("rest_id",)),
        (Walker("x", (("id",), ("legacy", "id")), mark="id"), ("id",)),
    ],
)
def test_a_mark_is_a_key_that_every_post_has(walker: Walker, marks: tuple[str, ...]) -> None:
    assert walker.marks == marks


def test_walkers_of_one_counting_share_their_marks() -> None:
    """A post has one mark of its own, however many walkers know it."""
    assert only(*WALKERS).marks == ("text", "full_text")
    assert Counting((V2,), WALKERS).walkers == WALKERS
    assert Counting((), ()).marks == ()


@pytest.mark.parametrize("has", [(), ((),), (("",),), (("a", ""),)])
def test_a_walker_asks_for_a_key(has: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ValueError, match="must name a key"):
        Walker("x", has)


def test_a_mark_that_a_post_may_lack_is_refused() -> None:
    with pytest.raises(ValueError, match="a post may lack it"):
        Walker("x", (("id",),), mark="text")


@pytest.mark.parametrize("key", ['te"xt', "te xt", "a/b", "texté", "a\\"])
def test_a_mark_that_json_spells_in_many_ways_is_refused(key: str) -> None:
    """It could not be looked for. Such a key may well be asked for, beside another mark."""
    with pytest.raises(ValueError, match="letters, digits"):
        Walker("x", ((key,),))
    Walker("x", ((key,), ("id",)), mark="id")


@pytest.mark.parametrize(
    ("path", "within"), [(("a", "text"), ""), (("a", "text"), "b"), (("a", "b", "text"), "a")]
)
def test_a_mark_that_two_posts_may_share_is_refused(path: tuple[str, ...], within: str) -> None:
    """The member that has it may be a post itself."""
    with pytest.raises(ValueError, match="must be the same post"):
        Walker("x", (path,), within=within)
