"""The dearest reading of a query is the one that is priced."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog.asking import Expansions, Fixed, Listed, Operation, Page, Query

PAGE = Page("max_results", least=10, default=15, most=100)
LISTED = Listed("ids", most=100)
EXPANSIONS = Expansions(
    "expansions", ((("referenced_*",), 2), (("pinned", "top"), 1)), frozenset({"author_id"})
)


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
    assert PAGE.items(Query(query)) == items


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
        "max%255Fresults=10",
        "?max_results=10",
        "max_results =10",
        "max_results%20=10",
        "max_results=10&MAX_RESULTS=20",
    ],
)
def test_an_odd_page_size_costs_the_maximum(query: str) -> None:
    assert PAGE.items(Query(query)) == 100


@given(st.lists(st.integers(10, 100), min_size=1, max_size=4))
def test_of_several_page_sizes_the_largest_counts(sizes: list[int]) -> None:
    query = "&".join(f"max_results={size}" for size in sizes)

    assert PAGE.items(Query(query)) == max(sizes)


@given(st.text())
def test_a_page_is_never_outside_its_bounds(value: str) -> None:
    """Whatever a crawler writes, raw or escaped, is priced between the bounds of the operation."""
    for written in (value, quote(value)):
        assert 10 <= PAGE.items(Query(f"max_results={written}")) <= 100


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
    assert LISTED.items(Query(query)) == items


def test_ids_in_a_body_are_not_seen_and_cost_the_maximum() -> None:
    assert Listed("ids", 100, in_body=True).items(Query("ids=1")) == 100


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
    assert EXPANSIONS.posts(Query(query)) == posts


@given(st.lists(st.sampled_from(["author_id", "top", "referenced_posts", "new"])))
def test_another_expansion_never_makes_a_request_cheaper(names: list[str]) -> None:
    prices = [
        EXPANSIONS.posts(Query("expansions=" + ",".join(names[:count])))
        for count in range(1, len(names) + 1)
    ]

    assert prices == sorted(prices)


@pytest.mark.parametrize(
    ("size", "each", "numbers"),
    [
        (PAGE, 1, (15, 0, 45)),
        (LISTED, 1, (100, 100, 300)),
        (Fixed(1, named=True), 1, (1, 1, 3)),
        (Fixed(1), 1, (1, 0, 3)),
        (PAGE, 0, (0, 0, 30)),
        (LISTED, 0, (0, 0, 200)),
        (PAGE, 4, (15, 0, 90)),
    ],
)
def test_a_quote_has_asked_ids_and_price(
    size: Page | Listed | Fixed, each: int, numbers: tuple[int, int, int]
) -> None:
    """Users listed are not posts asked for; ids are charged only where they name posts."""
    operation = Operation("o", "posts", ("v2",), size, each, EXPANSIONS)

    quoted = operation.quote("expansions=referenced_posts")

    assert (quoted.asked, quoted.ids, quoted.price) == numbers
    assert operation.most == size.most * (each + 3)


@given(st.text(max_size=60))
def test_no_query_is_priced_above_the_operations_maximum(raw: str) -> None:
    operation = Operation("o", "posts", ("v2",), PAGE, 1, EXPANSIONS)

    quoted = operation.quote(raw)

    assert 10 <= quoted.asked <= quoted.price <= operation.most
