"""A place is written as a path, and a path that means nothing is refused with the reason."""

from __future__ import annotations

import pytest

from governor.core.counting import Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (".", Place(())),
        ("[]", Place(("[]",))),
        ("data", Place(("data",))),
        ("data[]", Place(("data", "[]"))),
        ("includes.posts[]", Place(("includes", "posts", "[]"))),
        ("a[][].b", Place(("a", "[]", "[]", "b"))),
        ("[].status", Place(("[]", "status"))),
        ("globalObjects.tweets.*", Place(("globalObjects", "tweets", "*"))),
        ("*[]", Place(("*", "[]"))),
        ("**.result", Place(("result",), is_deep=True)),
        ("**.tweet_results.result", Place(("tweet_results", "result"), is_deep=True)),
        ("$type.a-b:c", Place(("$type", "a-b:c"))),
    ],
)
def test_a_path_is_read(text: str, place: Place) -> None:
    assert Place.parse(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a]",
        "a[0]",
        "a[].[]",
        "**",
        "a.**.b",
        "a b",
        "**.",
        "a*",
    ],
)
def test_a_path_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="separated by dots"):
        Place.parse(text)


@pytest.mark.parametrize("text", ["**.*", "**.[]", "**.*.a"])
def test_any_depth_needs_a_key_to_look_for(text: str) -> None:
    with pytest.raises(ValueError, match=r"must name a key after \*\*"):
        Place.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("data[]", "data[]", True),
        ("data[]", "*[]", True),
        ("a.*", "*.b", True),
        (".", ".", True),
        ("**.b", "a.b", True),
        ("**.b", "**.a.b", True),
        ("**.a.b", "a.b", True),
        ("data", "data[]", False),
        ("data[]", "data.*", False),
        ("data.a", "data.b", False),
        ("a.b", "**.c.a.b", False),
        ("tweets.*", "**.status", False),
        ("**.a.result", "**.a[].result", False),
        (".", "*", False),
    ],
)
def test_two_places_meet_in_one_object(one: str, other: str, *, meet: bool) -> None:
    assert Place.parse(one).meets(Place.parse(other)) is meet
    assert Place.parse(other).meets(Place.parse(one)) is meet
