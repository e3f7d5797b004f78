"""One walk counts in all ways, and as a slow counter of another make does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings

from governor.core.counting import Counting, Place, Walker
from governor.core.counting.walking import Tally, Walk
from tests.core.counting import reference, written
from tests.fakes.posts import graphql_post, v1_1_body, v1_1_status, v2_body, v2_post
from tests.fakes.walkers import ALL, GRAPHQL, V1_1, V2, WALKERS, only


def walked(body: object, counting: Counting) -> Tally:
    found = Tally()
    Walk(counting).over(body, found)
    return found


@pytest.mark.parametrize(
    ("walker", "body", "posts"),
    [
        (V2, v2_body([2, 1, 0]), 6),
        (V2, v2_body([2, 1, 0], "posts"), 6),
        (V2, {"data": v2_post(1)}, 1),
        (V2, {"data": [{"id": "1", "text": "x", "event_type": "MessageCreate"}]}, 0),
        (V2, {"meta": {"result_count": 0}}, 0),
        (V1_1, v1_1_body(["plain", "quote", "retweet", "retweet of a quote"]), 9),
        (V1_1, {"id": {"1": v1_1_status(1), "2": None}}, 1),
        (V1_1, {"users": [{"id_str": "7", "created_at": "x", "status": v1_1_status(1)}]}, 1),
        (V1_1, [v1_1_status(1, recipient_id=7)], 0),
        (V1_1, [{"id": 1, "id_str": "1", "text": "x"}], 0),
        (V1_1, [{"created_at": "x", "id_str": "1"}], 0),
        (GRAPHQL, {"result": graphql_post(1)}, 1),
        (GRAPHQL, {"result": {"tweet": graphql_post(1), "rest_id": "1"}}, 1),
        (GRAPHQL, graphql_post(1, quoted_status_result={"result": graphql_post(2)}), 2),
        (GRAPHQL, {"result": {"__typename": "Tweet", "rest_id": "1"}}, 0),
        (GRAPHQL, {"result": {"__typename": "TweetTombstone", "tombstone": {"text": "x"}}}, 0),
        (GRAPHQL, {"rest_id": "7", "legacy": {"name": "x"}}, 0),
        (GRAPHQL, {"rest_id": "7", "legacy": None}, 0),
        (GRAPHQL, {"globalObjects": {"tweets": {"1": v1_1_status(1)}}}, 0),
    ],
)
def test_each_walker_knows_its_shape(walker: Walker, body: object, posts: int) -> None:
    found = walked(body, only(walker))

    assert found.own == found.every == posts


@pytest.mark.parametrize("body", [7, None, "text", [], {}, [[[]]], ["id", "text"], 1.5, True])
def test_json_without_a_post_has_none(body: object) -> None:
    assert walked(body, ALL) == Tally()


def test_posts_of_all_shapes_in_one_body_count_and_none_counts_twice() -> None:
    """A GraphQL post holds its v1.1 self; a v1.1 status has a v2 post's keys. Each is one post."""
    both = {"id": 1, **v1_1_status(1), "text": "x"}
    body = [v2_post(1), v1_1_status(2), graphql_post(3), both]

    assert walked(body, ALL).every == 4


def test_a_retweet_inside_a_graphql_post_counts() -> None:
    """It lies in the `legacy` of the other, which itself is not counted again."""
    post = graphql_post(1)
    post["legacy"]["retweeted_status_result"] = {"result": graphql_post(2)}

    assert walked(post, ALL).every == 2


def test_a_post_is_an_operations_own_if_a_walker_of_it_knows_its_other_self() -> None:
    body = graphql_post(1)

    assert walked(body, Counting((V1_1,), WALKERS)) == Tally(1, 1, 0, walked(body, ALL).members)
    assert walked(body, Counting((V2,), WALKERS)).own == 0


def test_a_member_that_is_no_object_is_no_other_self() -> None:
    """What lies in it counts as everywhere else."""
    walker = Walker("x", (("text",),), within="same")

    assert walked({"text": 1, "same": [{"text": 2}]}, only(walker)).every == 2
    assert walked({"text": 1, "same": {"text": 2, "below": {"text": 3}}}, only(walker)).every == 2


def test_keys_may_be_asked_for_at_any_depth_of_a_post() -> None:
    walker = Walker("deep", (("id",), ("a", "b", "c")), mark="id")

    assert walked({"id": 1, "a": {"b": {"c": None}}}, only(walker)).every == 1
    for body in ({"id": 1, "a": {"b": ["c"]}}, {"id": 1, "a": {"b": {}}}, {"id": 1}):
        assert walked(body, only(walker)).every == 0


@given(written.texts())
def test_the_counts_are_those_of_the_slow_counter(text: bytes) -> None:
    expected = reference.found(text)
    assume(not expected.twice)

    found = walked(msgspec.json.decode(text), Counting((V2,), WALKERS))

    assert expected.together == found.every
    assert walked(msgspec.json.decode(text), only(V2)).every == expected.v2
    assert found.members == sum(len(each) for each in reference.objects(reference.read(text)))


PLACES = {
    ".": "",
    "data": "/data",
    "data[]": r"/data\[\]",
    "[]": r"\[\]",
    "[][].data": r"\[\]\[\]/data",
    "includes.posts[]": r"/includes/posts\[\]",
    "*": "/[^/\\[]+",
    "data.*.legacy": "/data/[^/\\[]+/legacy",
    "**.legacy": ".*/legacy",
    "**.includes.data[]": r".*/includes/data\[\]",
    "**.legacy.*": ".*/legacy/[^/\\[]+",
}


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=30)
@given(text=written.texts())
def test_a_place_is_where_its_path_leads(place: str, text: bytes) -> None:
    expected = reference.placed(text, PLACES[place])
    assume(not reference.found(text).twice)
    counting = Counting(WALKERS, WALKERS, (Place.parse(place),))

    found = walked(msgspec.json.decode(text), counting)

    assert found.placed == expected


@pytest.mark.parametrize(
    ("kind", "posts"),
    [("Tweet", 1), ("Tombstone", 0), (None, 1), ({"a": 1}, 1), (["Tombstone"], 1), (7, 1)],
)
def test_an_object_in_a_place_may_say_that_it_is_no_post(kind: object, posts: int) -> None:
    counting = Counting(
        (), (), (Place.parse("data[]"),), ("__typename", frozenset({"Tombstone", "Unavailable"}))
    )

    assert walked({"data": [{"__typename": kind}]}, counting).placed == posts


def test_a_place_at_any_depth_is_found_in_a_posts_other_self() -> None:
    post = graphql_post(1)
    post["legacy"]["retweeted_status_result"] = {"result": graphql_post(2)}
    places = (Place.parse("**.tweet.result"), Place.parse("**.retweeted_status_result.result"))

    found = walked({"tweet": {"result": post}}, Counting((GRAPHQL,), WALKERS, places))

    assert found.own == found.every == found.placed == 2


def test_only_objects_in_a_place_are_posts() -> None:
    counting = Counting((), (), (Place.parse("data[]"),))

    assert walked({"data": [{}, None, 7, "x", [{}]]}, counting).placed == 1
    assert walked({"data": {"0": {}}}, counting).placed == 0


def test_nesting_exhausts_no_walk() -> None:
    body: Any = v2_post(1)
    for _ in range(100_000):
        body = {"a": [body]}

    assert walked(body, ALL).every == 1
    while body.get("a"):
        body = body["a"][0]  # taken apart here, for a deep structure is deep to free, too
