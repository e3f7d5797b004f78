"""A row is found by its literals, and of several the closest one wins."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog.asking import NOTHING_KNOWN, Operation
from governor.core.catalog.rows import Dearest, Hosts, Index, Path, Row
from governor.core.catalog.sizes import Fixed

API = Hosts(frozenset({"api.y.test"}))
NUMBER, WORD = re.compile("[0-9]+"), re.compile("[a-z]+")


def row(path: str, hosts: Hosts = API, *, price: int = 1, units: int = 0) -> Row:
    """Return a row; `#` is a segment that is a number, `@` a word, a leading `**/` any prefix."""
    segments = path.removeprefix("**/").split("/")
    patterns = [{"#": NUMBER, "@": WORD}.get(each, each) for each in segments]
    costs = (("units", units),) if units else ()
    operation = Operation(path, "posts", NOTHING_KNOWN, Fixed(price), 1, costs=costs)
    return Row(hosts, "GET", Path(tuple(patterns), path.startswith("**/")), operation, "", "", path)


@pytest.mark.parametrize(
    ("hosts", "rank"),
    [
        (Hosts(frozenset({"a.y.test"}), ("y.test",), everywhere=True), 0),
        (Hosts(frozenset({"b.y.test"}), ("y.test",), everywhere=True), 1),
        (Hosts(frozenset(), ("a.y.test",), everywhere=True), 2),
        (Hosts(frozenset({"y.test"}), ("a.y.test",)), None),
        (Hosts(frozenset(), ("test.y.test", "y.tes")), None),
    ],
)
def test_a_name_is_meant_more_closely_than_a_pattern(hosts: Hosts, rank: int | None) -> None:
    assert hosts.rank("a.y.test") == rank


def test_a_host_that_is_no_name_is_meant_by_what_is_everywhere() -> None:
    assert Hosts(everywhere=True).rank(None) == 2
    assert Hosts(frozenset({"y.test"}), ("y.test",)).rank(None) is None


@pytest.mark.parametrize(
    ("path", "plain", "matches"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/", False),
        ("a/b", "x/a/b", False),
        ("a/#", "a/12", True),
        ("a/#", "a/12x", False),
        ("a/#", "a/1/2", False),
        ("**/a/#", "a/1", True),
        ("**/a/#", "x/y/a/1", True),
        ("**/a/#", "1", False),
        ("**/a/#", "a/1/a", False),
    ],
)
def test_a_path_matches_whole_segment_by_segment(path: str, plain: str, *, matches: bool) -> None:
    found = row(path)

    assert found.path.matches(tuple(plain.split("/"))) is matches
    assert list(Index.of([found], lambda _: "k").at("k", f"/{plain}")) == [found] * matches


@given(
    st.lists(st.sampled_from(["a/b", "a/#", "#/a", "@/@", "a", "#", "**/b", "**/a/#", "**/@"])),
    st.lists(st.sampled_from(["a", "b", "1", ""]), min_size=1, max_size=4).map("/".join),
)
def test_the_index_finds_what_trying_every_row_finds(paths: list[str], plain: str) -> None:
    rows = [row(each) for each in dict.fromkeys(paths)]

    found = Index.of(rows, lambda each: each.method).at("GET", f"/{plain}")

    expected = [each for each in rows if each.path.matches(tuple(plain.split("/")))]
    assert sorted(each.request for each in found) == sorted(each.request for each in expected)


def test_only_a_path_from_the_root_is_found() -> None:
    index = Index.of([row("a")], lambda each: each.method)

    assert not list(index.at("GET", "a"))
    assert not list(index.at("POST", "/a"))


def test_of_several_rows_the_closest_wins_and_then_the_dearest() -> None:
    """Own path before any prefix, literal before template, host name before pattern, then price."""
    everywhere = Hosts(everywhere=True)
    best_first = [
        row("a/b", everywhere),
        row("a/@"),
        row("@/b", everywhere, price=2),
        row("@/b", everywhere, price=1),
        row("@/@"),
        row("**/b"),
        row("**/@"),
    ]
    ranks = [each.rank("api.y.test") for each in best_first]

    assert None not in ranks
    assert ranks == sorted(ranks, key=lambda rank: rank or (0, 0, 0, 0))
    assert len(set(ranks)) == len(ranks)
    assert row("a").rank("other.y.test") is None


def test_what_is_unknown_costs_the_most_of_its_host() -> None:
    search = Hosts(frozenset({"search.y.test"}))
    free = Hosts(frozenset({"free.y.test"}))
    everywhere = Hosts(everywhere=True)
    dearest = Dearest.of(
        [
            row("a", API, price=5, units=1),
            row("b", API, price=3, units=100),
            row("c", search, price=50),
            row("d", free, price=0),
        ]
    )

    assert dearest.at("api.y.test") == (5, (("units", 100),))
    assert dearest.at("search.y.test") == (50, ())
    for host in ("free.y.test", "new.y.test", None):
        assert dearest.at(host) == (50, (("units", 100),))
    assert Dearest.of([row("e", everywhere, price=7)]).at("new.y.test") == (7, ())
