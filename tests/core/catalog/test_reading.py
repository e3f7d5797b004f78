"""A catalog with mistakes is refused with all of them, each naming its row."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.catalogs import names, text
from governor.core.catalog import reading
from governor.core.catalog.tables import Mistakes
from governor.core.counting import Walker
from governor.errors import ConfigError

GOOD = """
name = "y"
domains = ["y.test"]
ungoverned = [{ host = "img.y.test", source = "images" }]
[segments]
id = "[0-9]+"
[walkers.v2]
has = ["id", "text"]
[expansions.post]
param = "expand"
adds = [{ names = ["ref_*"], posts = 2 }]
adds_nothing = ["author"]
[[group]]
title = "posts"
kind = "posts"
hosts = ["api.y.test"]
walkers = ["v2"]
each = 1
expansions = "post"
page_param = "limit"
operations = [
  { name = "search", request = "GET /search", page = { min = 1, max = 50 }, source = "docs" },
  { name = "one", request = "GET /posts/{id}", ids = { param = "{id}", max = 1 }, source = "docs" },
]
"""


def mistakes(source: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        reading.read(source)
    return caught.value.mistakes


def test_a_small_catalog_says_what_it_says() -> None:
    source = reading.read(GOOD)

    assert source.name == "y"
    assert source.domains == ("y.test",)
    assert source.ungoverned == {"img.y.test"}
    assert [row.operation.most for row in source.rows] == [150, 3]
    assert source.rows[1].path.matches(("posts", "7"))
    assert not source.rows[1].path.matches(("posts", "x"))


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ('name = "y"', "name = 3", "catalog, top: name must be a text, not 3"),
        ('name = "y"', 'counts = "requests"', "counts: 'requests' is no name for what is counted"),
        ('name = "y"', 'dialect = "ex"', "dialect must be one of plain, x, reddit, bluesky, "),
        ('name = "y"', 'domains_from = "contract"', "domains must be [] beside domains_from"),
        ('name = "y"', 'domains_from = "host"', "domains_from must be 'contract', not 'host'"),
        ('name = "y"', 'domain = "y.test"', "catalog, top: unknown key 'domain'; 'domains'?"),
        ('"img.y.test"', '"api.y.test"', "'api.y.test' is ungoverned, so no operation of it"),
        ('["id", "text"]', "[]", "catalog, walkers.v2: has must list names, not []"),
        ('["id", "text"]', '["id", "text"]\nmark = "name"', "catalog, walkers.v2: "),
        ('["id", "text"]', '["id", "text"]\nwith = "name"', "walkers.v2: unknown key 'with'"),
        ('["y.test"]', "[]", "catalog, top: domains must list names"),
        ('["y.test"]', '["*.y.test", "y.test"]', "domains: '*.y.test' is no domain"),
        ('["y.test"]', '[".y.test", "y.test"]', "domains: '.y.test' is no domain"),
        ('["y.test"]', '["https://y.test", "y.test"]', "domains: 'https://y.test' is no domain"),
        ('["y.test"]', '["y.test.", "y.test"]', "domains: 'y.test.' is no domain"),
        ('["y.test"]', '["z.test"]', "host 'api.y.test' is below none of the domains"),
        (', source = "images"', "", "catalog, ungoverned 1: source must be a text"),
        ('id = "[0-9]+"', 'id = "["', "catalog, segments: id:"),
        ("adds_nothing", "ads_nothing", "'ads_nothing'; 'adds_nothing'?"),
        ("posts = 2", "posts = -2", "expansions.post: posts must be a number from 0 up, not -2"),
        ('kind = "posts"', 'kind = "post"', "kind must be one of posts, stream, free, refused"),
        ('kind = "posts"', 'kind = "refused"', "reason must be a text, and is missing"),
        ('kind = "posts"', 'kind = "free"', "operation 'search': page has no meaning for"),
        ('["v2"]', '["v3"]', "unknown walker 'v3'; known are v2"),
        ("each = 1", "each = true", "each must be a number from 0 up, not True"),
        ('expansions = "post"', 'expansions = "user"', "'user' is not a table of expansions"),
        ('page_param = "limit"', "", "operation 'search': page needs the name of its"),
        ("min = 1, max", "min = 90, max", "operation 'search': page must have 1 <= min"),
        ("page = { min", "pages = { min", "operation 'search': unknown key 'pages'; 'page'?"),
        ("page = { min = 1, max = 50 }, ", "", "needs one of page, ids, items; has none"),
        ('"GET /search"', '"FETCH /search"', 'request must be "METHOD /path"'),
        ('"GET /search"', '"GET /posts/{id}"', "is operation 'search' already"),
        ("/posts/{id}", "/posts/{post}", "operation 'one': {post} is not one of the segments"),
        (', source = "docs" },\n]', " },\n]", "operation 'one': source must be a text"),
        ("operations = [", "operations = [ 3,", "operations must list tables, not 3"),
    ],
)
def test_a_mistake_is_said_with_its_row(good: str, bad: str, says: str) -> None:
    found = mistakes(GOOD.replace(good, bad, 1))

    assert any(says in each for each in found), found


def test_all_mistakes_are_said_at_once() -> None:
    found = mistakes(
        GOOD.replace('name = "y"', "").replace(", posts = 2", "").replace("GET", "get")
    )

    assert len(found) == 5  # the name, the posts, two requests, and so no operation at all


def test_a_catalog_says_how_its_platform_counts_and_whom_it_governs() -> None:
    plain = reading.read(GOOD)
    other = reading.read(
        GOOD.replace('name = "y"', 'name = "y"\ncounts = "records"\ndialect = "tiktok"').replace(
            '["y.test"]', '[]\ndomains_from = "contract"'
        )
    )

    assert (plain.counts, plain.dialect, plain.asks_domains) == ("posts", "plain", False)
    assert (other.counts, other.dialect, other.asks_domains) == ("records", "tiktok", True)
    assert (plain.domains, other.domains) == (("y.test",), ())


def test_a_shape_of_a_post_is_written_in_the_catalog() -> None:
    shape = """[walkers.old]
has = ["id_str", "legacy.full_text"]
any = ["text", "note"]
lacks = ["recipient_id"]
within = "legacy"
mark = "full_text"
[walkers.v2]"""

    old, v2 = reading.read(GOOD.replace("[walkers.v2]", shape)).walkers

    assert old == Walker(
        "old",
        (("id_str",), ("legacy", "full_text")),
        any_of=("text", "note"),
        lacks=("recipient_id",),
        within="legacy",
        mark="full_text",
    )
    assert v2 == Walker("v2", (("id",), ("text",)))


def test_what_is_not_toml_says_where() -> None:
    assert "line 2" in mistakes("\nname = x\n")[0]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401  # TOML
    if isinstance(value, dict):
        return [p for key in value for p in ((*path, key), *places(value[key], (*path, key)))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in ((*path, i), *places(v, (*path, i)))]
    return []


TABLE = tomllib.loads(GOOD)
JUNK: st.SearchStrategy[Any] = st.sampled_from([3, -1, True, "", "x", [], ["x"], [3], {}, {"x": 1}])


@given(st.sampled_from(places(TABLE)), JUNK)
def test_any_wrong_value_is_a_mistake_and_never_a_crash(place: tuple[Any, ...], junk: Any) -> None:  # noqa: ANN401  # any TOML
    table = copy.deepcopy(TABLE)
    at: Any = table
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = junk

    reading.catalog(table, Mistakes())


@pytest.mark.parametrize("name", names())
def test_a_catalog_that_comes_with_governor_has_no_mistake(name: str) -> None:
    assert reading.read(text(name)).name == name
