"""The dearest reading of a parameter is the size that is priced."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog.questions import Question
from governor.core.catalog.sizes import Expansions, Listed, Page, Unless

PAGE = Page("max_results", least=10, default=15, most=100)
LISTED = Listed("ids", most=100)
EXPANSIONS = Expansions(
    "expansions", ((("referenced_*",), 2), (("pinned", "top"), 1)), frozenset({"author_id"})
)


def asked(query: str) -> Question:
    return Question(query, None, ("query",))


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("", 15),
        ("query=cats", 15),
        ("max_results=10", 10),
        ("max_results=99", 99),
        ("max_results=0099", 99),
        ("max_results=%35%30", 50),
        ("max%5Fresults=50", 50),
        ("max_results=10&max_results=50", 50),
        ("max_results=50&max_results=10", 50),
    ],
)
def test_a_plain_page_size_is_taken_as_written(query: str, items: int) -> None:
    assert PAGE.items(asked(query)) == items


@pytest.mark.parametrize(
    "query",
    [
        "max_results",
        "max_results=",
        "max_results=10&max_results=",
        "max_results=9",
        "max_results=0",
        "max_results=101",
        "max_results=9999999",
        "max_results=-10",
        "max_results=+10",
        "max_results=%2B10",
        "max_results=1_0",
        "max_results=1e1",
        "max_results=0x10",
        "max_results=10.0",
        "max_results=10,100",
        "max_results= 10",
        "max_results=10%00",
        "max_results=%D9%A1%D9%A0",
        "max_results=\u0661\u0660",
        "max_results=10;max_results=100",
        "query=a;max_results=100",
        "max_results=10#&max_results=100",
        "max_results=10\\",
        "max_results=%zz",
        "max_results=10&q=%",
        "MAX_RESULTS=10",
        "Max-Results=10",
        "maxResults=10",
        "max_results[]=10",
        "max_results[0]=10",
        "max%255Fresults=10",
        "?max_results=10",
        "max_results =10",
        "max_results%20=10",
        "max_results=10&MAX_RESULTS=20",
    ],
)
def test_an_odd_page_size_costs_the_maximum(query: str) -> None:
    assert PAGE.items(asked(query)) == 100


@given(st.lists(st.integers(10, 100), min_size=1, max_size=4))
def test_of_several_page_sizes_the_largest_counts(sizes: list[int]) -> None:
    query = "&".join(f"max_results={size}" for size in sizes)

    assert PAGE.items(asked(query)) == max(sizes)


@given(st.text())
def test_a_page_is_never_outside_its_bounds(value: str) -> None:
    """Whatever a crawler writes, raw or escaped, is priced between the bounds of the operation."""
    for written in (value, quote(value)):
        assert 10 <= PAGE.items(asked(f"max_results={written}")) <= 100


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("ids=1", 1),
        ("ids=1,2,3", 3),
        ("ids=1%2C2", 2),
        ("ids=1,1,1", 3),
        ("ids=1,2&ids=3", 3),
        ("ids=" + ",".join(["7"] * 101), 100),
        ("", 100),
        ("ids=", 100),
        ("ids=1,,2", 100),
        ("ids=1,%202", 100),
        ("ids=1%252C2", 100),
        ("ids=1;ids=2", 100),
        ("ids=1|2", 100),
        ("IDS=1", 100),
        ("ids[]=1&ids[]=2", 100),
    ],
)
def test_every_listed_id_counts(query: str, items: int) -> None:
    assert LISTED.items(asked(query)) == items


@pytest.mark.parametrize(
    ("query", "posts"),
    [
        ("", 0),
        ("expansions=author_id", 0),
        ("expansions=referenced_tweets.id", 2),
        ("expansions=Referenced_Posts", 2),
        ("expansions=referenced_tweets.id,referenced_tweets.id.author_id", 2),
        ("expansions=referenced_tweets.id%2Ctop", 3),
        ("expansions=author_id&expansions=pinned,top", 1),
        ("expansions=", 3),
        ("expansions=author_id,", 3),
        ("expansions=something_new", 3),
        ("expansions=top%20", 3),
        ("Expansions=author_id", 3),
        ("expansions=author_id;q", 3),
        ("expansions%5B%5D=author_id", 3),
    ],
)
def test_an_expansion_nobody_knows_may_add_everything(query: str, posts: int) -> None:
    assert EXPANSIONS.posts(asked(query)) == posts


@given(st.lists(st.sampled_from(["author_id", "top", "referenced_posts", "new"])))
def test_another_expansion_never_makes_a_request_cheaper(names: list[str]) -> None:
    prices = [
        EXPANSIONS.posts(asked("expansions=" + ",".join(names[:count])))
        for count in range(1, len(names) + 1)
    ]

    assert prices == sorted(prices)


def test_a_very_long_list_of_expansions_adds_everything() -> None:
    """Nobody has so many names, and none is looked at one by one."""
    assert EXPANSIONS.posts(asked("expansions=" + "author_id," * 250 + "author_id")) == 3


def test_ids_are_split_and_look_as_the_catalog_says() -> None:
    uris = Listed("uris", 25, split=" ", like=re.compile("at://[a-z0-9:./-]+", re.ASCII))

    assert uris.items(asked("uris=at://did:plc:x/app.y/1+at://did:plc:x/app.y/2")) == 2
    assert uris.items(asked("uris=at://did:plc:x/app.y/1,at://did:plc:x/app.y/2")) == 25


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("skip=true", True),
        ("skip=%74rue", True),
        ("skip=1", True),
        ("skip=TRUE", False),
        ("skip=false", False),
        ("skip=", False),
        ("", False),
        ("skip=true&skip=false", False),
        ("skip=true&skip=true", False),
        ("skip=true&Skip=false", False),
        ("skip=true;skip=false", False),
    ],
)
def test_posts_are_left_out_only_when_that_is_said_plainly_and_once(
    query: str, *, holds: bool
) -> None:
    assert Unless("skip", frozenset({"true", "1"})).holds(asked(query)) is holds


@pytest.mark.parametrize("query", ["name=a", "name=", "name", "name=a&name=b", "Name[0]=a"])
def test_beside_another_parameter_that_chooses_items_neither_bounds_them(query: str) -> None:
    page, listed = Page("n", 1, 5, 100, ("x", "name")), Listed("ids", 100, beside=("x", "name"))

    assert (page.items(asked("n=3")), listed.items(asked("ids=1,2"))) == (3, 2)
    assert page.items(asked(f"n=3&{query}")) == 100
    assert listed.items(asked(f"ids=1,2&{query}")) == 100
