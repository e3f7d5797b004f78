"""A row is its own words and its group's, and every mistake in either names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from governor.core.catalog import reading
from governor.core.catalog.rows import Hosts, Row
from governor.core.catalog.sizes import Expansions, Fixed, Listed, Page, Unless
from governor.core.counting import Place
from governor.errors import ConfigError

if TYPE_CHECKING:
    from governor.core.catalog.asking import Operation

TOP = """
name = "y"
counts = "records"
domains = ["y.test"]
[segments]
id = "[0-9]+"
uri = "at://[a-z]+"
[walkers.new]
has = ["id", "text"]
[walkers.old]
has = ["id_str"]
[expansions.post]
param = "expand"
adds = [{ names = ["ref_*"], posts = 2 }]
"""
GROUP = (
    TOP
    + """
[[group]]
title = "g"
kind = "posts"
hosts = ["api.y.test"]
walkers = ["new"]
each = 1
"""
)


def rows(text: str) -> tuple[Row, ...]:
    return reading.read(text).rows


def row(*keys: str, group: str = GROUP, request: str = '"GET /a"') -> Row:
    """Return the row of a group with one, made of these keys."""
    written = ", ".join(('name = "r"', f"request = {request}", 'source = "docs"', *keys))
    return rows(f"{group}operations = [{{ {written} }}]")[0]


def operation(*keys: str, group: str = GROUP) -> Operation:
    return row(*keys, group=group).operation


def mistakes(*keys: str, group: str = GROUP, request: str = '"GET /a"') -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        row(*keys, group=group, request=request)
    return caught.value.mistakes


def test_a_row_has_what_its_group_says_and_what_it_says_itself() -> None:
    found = row(
        *("items = 2", "each = 4", 'asks = ["json", "query"]'),
        *('hosts = ["*.y.test", "B.y.test", "*"]', 'walkers = ["old"]', 'expansions = "post"'),
    )

    assert found.hosts == Hosts(frozenset({"b.y.test"}), ("y.test",), everywhere=True)
    assert (found.title, found.source, found.request) == ("g", "docs", "GET /a")
    assert found.operation.asks == ("query", "json")
    assert found.operation.each == 4
    assert found.operation.expansions == Expansions("expand", ((("ref_*",), 2),))
    assert [each.name for each in found.operation.counting.own] == ["old"]
    assert [each.name for each in found.operation.counting.every] == ["new", "old"]


@pytest.mark.parametrize(
    ("size", "read"),
    [
        ('page = { param = "n", max = 50 }', Page("n", 1, 50, 50)),
        ('page = { param = "n", min = 5, default = 10, max = 50 }', Page("n", 5, 10, 50)),
        ('page_param = "m", page = { max = 50 }', Page("m", 1, 50, 50)),
        ('page_param = "m", page = { param = "n", max = 50 }', Page("n", 1, 50, 50)),
        ('ids = { param = "ids", max = 9 }', Listed("ids", 9)),
        ('ids = { param = "ids", max = 9, split = "|" }', Listed("ids", 9, "|")),
        (
            'ids = { param = "ids", max = 9, like = "uri" }',
            Listed("ids", 9, like=re.compile("at://[a-z]+", re.IGNORECASE | re.ASCII)),
        ),
        ('ids = { param = "{id}", max = 1 }', Fixed(1, named=True)),
        ("items = 7", Fixed(7)),
    ],
)
def test_a_row_has_one_of_three_sizes(size: str, read: object) -> None:
    assert operation(size).size == read


def test_what_has_no_ceiling_has_a_hold() -> None:
    assert operation("items = 1", "hold = 200").hold == 200
    assert operation("items = 1").hold == 0


def test_costs_in_other_units_are_sorted_by_name() -> None:
    found = operation("items = 1", "costs = { units = 100, searches = 1 }")

    assert found.costs == (("searches", 1), ("units", 100))


def test_places_are_a_second_way_to_count() -> None:
    counting = operation(
        *("items = 1", 'places = ["data[]", "**.result"]'),
        'not_post = { key = "type", values = ["gone", "hidden"] }',
    ).counting

    assert counting.places == (Place.parse("data[]"), Place.parse("**.result"))
    assert counting.not_post == ("type", frozenset({"gone", "hidden"}))


def test_posts_can_be_left_out_by_a_parameter() -> None:
    found = operation("items = 1", 'none_when = { param = "skip", values = ["1", "true"] }')

    assert found.unless == Unless("skip", frozenset({"1", "true"}))


def test_items_that_only_bring_posts_are_not_asked_for() -> None:
    assert operation("items = 1").asks_items
    assert operation("items = 1", 'asked = "items"').asks_items
    assert not operation("items = 1", 'asked = "nothing"').asks_items


def test_a_stream_has_a_rate_and_a_smallest_record() -> None:
    plain = operation('kind = "stream"')
    fast = operation('kind = "stream"', "rate = 250", "record_bytes = 138", "costs = { units = 1 }")

    assert (plain.kind, plain.each, plain.rate, plain.record_bytes) == ("stream", 1, 100, 100)
    assert (fast.rate, fast.record_bytes, fast.costs) == (250, 138, (("units", 1),))


def test_what_is_free_or_refused_has_a_reason_and_is_counted_in_every_shape() -> None:
    """The source is the reason why something is free, where the row gives no other."""
    bare = TOP + '[[group]]\ntitle = "g"\nhosts = ["y.test"]\n'
    by_source = operation('kind = "free"', group=bare)
    by_reason = operation('kind = "free"', 'reason = "numbers"', group=bare)
    refused = operation('kind = "refused"', 'reason = "pushed"', group=bare)

    assert (by_source.reason, by_reason.reason, refused.reason) == ("docs", "numbers", "pushed")
    for each in (by_source, by_reason, refused):
        assert [walker.name for walker in each.counting.own] == ["new", "old"]
        assert each.most == 0


def test_a_row_may_be_asked_for_in_several_ways() -> None:
    text = GROUP + (
        'operations = [{ name = "r", source = "docs", items = 1,'
        ' request = ["GET /A/{id}.json", "POST /**/a/{id}/B"] }]'
    )
    get, post = rows(text)

    assert (get.method, post.method) == ("GET", "POST")
    assert get.path.matches(("a", "7.json"))
    assert not get.path.matches(("a", "7xjson"))
    assert post.path.matches(("x", "y", "a", "7", "b"))
    assert get.operation is post.operation


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            "items = 1, kind = 'post'",
            "kind must be one of posts, stream, free, refused, not 'post'",
        ),
        ("kind = 'refused'", "operation 'r': reason must be a text, and is missing"),
        ("kind = 'free', items = 1", "operation 'r': items has no meaning for the kind 'free'"),
        ("kind = 'free', costs = { a = 1 }", "costs has no meaning for the kind 'free'"),
        ("kind = 'stream', hold = 1", "hold has no meaning for the kind 'stream'"),
        ("kind = 'stream', each = 0", "each must be a number from 1 up, not 0"),
        ("kind = 'stream', rate = 0", "rate must be a number from 1 up, not 0"),
        ("items = 1, rate = 1", "rate has no meaning for the kind 'posts'"),
        ("", "operation 'r': needs one of page, ids, items; has none"),
        ("items = 1, page = { max = 1 }", "needs one of page, ids, items; has page, items"),
        ("items = 1, page_size = 1", "unknown key 'page_size'"),
        ("page = { max = 1 }", "page needs the name of its parameter, as param or as page_param"),
        ("page = { param = 'n', max = 0 }", "max must be a number from 1 up, not 0"),
        ("page = { param = 'n', min = 5, max = 4 }", "page must have 1 <= min <= default <= max"),
        ("page = { param = 'n', maximum = 4 }", "unknown key 'maximum'"),
        ("ids = { param = 'n', max = 4, in_body = true }", "unknown key 'in_body'"),
        ("ids = { param = 'n', max = 4, like = 'url' }", "like must name one of the segments"),
        ("items = 1, asks = ['body']", "asks may be query, form, json, variables, not 'body'"),
        ("items = 1, asks = []", "asks must list names, not []"),
        ("items = 1, walkers = ['v3']", "unknown walker 'v3'; known are new, old"),
        ("items = 1, places = ['a..b']", "operation 'r': places: "),
        ("items = 1, places = ['a.*', 'a.b']", "operation 'r': places: to a.b another leads too"),
        ("items = 1, not_post = { key = 'a' }", "values must list names, and is missing"),
        ("items = 1, none_when = { values = ['a'] }", "param must be a text, and is missing"),
        ("items = 1, asked = 'users'", "asked must be 'items' or 'nothing', not 'users'"),
        ("items = 1, expansions = 'user'", "expansions 'user' is not a table of expansions"),
        ("items = 1, costs = { posts = 1 }", "costs: 'posts' is no name for another unit"),
        ("items = 1, costs = { records = 1 }", "costs: 'records' is no name for another unit"),
        ("items = 1, costs = { requests = 1 }", "costs: 'requests' is no name for another unit"),
        ("items = 1, costs = { A1 = 1 }", "costs: 'A1' is no name for another unit"),
        ("items = 1, costs = { units = -1 }", "units must be a number from 0 up, not -1"),
        ("items = 1, hosts = ['*x.y.test']", "hosts: '*x.y.test' must be a name, *.name or *"),
        ("items = 1, hosts = ['y.test:80']", "hosts: 'y.test:80' must be a name, *.name or *"),
        ("items = 1, each = -1", "operation 'r': each must be a number from 0 up, not -1"),
        ("items = 1, hold = 9_999_999", "hold must be at most 1,000,000, not 9,999,999"),
        ("items = 9_999, each = 999_999", "it may cost 9,998,990,001 posts, more than any limit"),
    ],
)
def test_a_mistake_is_said_with_its_row(keys: str, says: str) -> None:
    found = mistakes(keys) if keys else mistakes()

    assert any(says in each and each.startswith("catalog, operation 'r'") for each in found), found


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ('"FETCH /a"', "request must be \"METHOD /path\", not 'FETCH /a'"),
        ('"GET a"', 'request must be "METHOD /path"'),
        ("3", 'request must be "METHOD /path", not 3'),
        ('"GET /a/{post}"', "{post} is not one of the segments"),
        ('"GET /a/*/b"', "* has no meaning in /a/*/b; only a path that begins with /**/ has"),
        ('"GET /a/**/b"', "* has no meaning in /a/**/b"),
        ('"GET /a?b=1"', "no plain path is /a?b=1"),
        ('"GET /a%20b"', "no plain path is /a%20b"),
        ('"GET /a;b"', "no plain path is /a;b"),
        ('"GET /a b"', "no plain path is /a b"),
        ('"GET //a"', "no plain path is //a"),
        ('"GET /../a"', "no plain path is /../a"),
        ('"GET /a//b"', "no plain path is /a//b"),
    ],
)
def test_a_request_is_a_method_and_a_path(request_: str, says: str) -> None:
    assert any(says in each for each in mistakes("items = 1", request=request_))


@pytest.mark.parametrize("name", ["A", "a-b", "1a", "unknown", "a b"])
def test_a_name_is_a_plain_word(name: str) -> None:
    """It is a label of metrics; and what nobody knows is called unknown."""
    written = f'operations = [{{ name = "{name}", request = "GET /a", source = "d", items = 1 }}]'
    with pytest.raises(ConfigError) as caught:
        rows(GROUP + written)

    assert "name must be a word" in caught.value.mistakes[0]


def test_a_name_is_one_operations() -> None:
    """What a price is raised by after an overrun is remembered by name."""
    first, second = (
        f'{{ name = "r", request = "GET /{path}", source = "d", items = 1 }}' for path in "ab"
    )
    with pytest.raises(ConfigError) as caught:
        rows(f"{GROUP}operations = [{first}, {second}]")

    assert caught.value.mistakes == ("catalog, operation 'r': another operation has this name",)


def test_a_request_has_one_row() -> None:
    one = 'request = "GET /a", source = "docs", items = 1'
    text = f'{GROUP}operations = [{{ name = "r", {one} }}, {{ name = "s", {one} }}]'
    with pytest.raises(ConfigError) as caught:
        rows(text)

    assert caught.value.mistakes == (
        "catalog, operation 's': GET /a at api.y.test is operation 'r' already",
    )


def test_what_is_free_names_its_whole_path() -> None:
    """A server may take `/1.1/help/tos.json` behind a path of posts for parameters."""
    text = GROUP + (
        'operations = [{ name = "r", kind = "free", source = "docs", request = "GET /**/a" }]'
    )
    with pytest.raises(ConfigError) as caught:
        rows(text)

    (mistake,) = caught.value.mistakes
    assert mistake.startswith(
        "catalog, operation 'r': what is free names its whole path, not /**/a"
    )


def test_a_cost_of_the_group_is_not_forgotten_for_what_is_free() -> None:
    """Free passes without a hold, so nothing would count the cost."""
    found = mistakes('kind = "free"', group=f"{GROUP}costs = {{ units = 1 }}\n")

    assert found == ("catalog, group 'g': what is free costs nothing; if it does: kind 'posts'",)


def test_a_group_without_operations_is_a_mistake() -> None:
    with pytest.raises(ConfigError) as caught:
        rows(GROUP + "operations = []")

    assert "catalog, group 'g': it has no operations" in caught.value.mistakes
