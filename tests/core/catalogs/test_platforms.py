"""README shows how a platform is added in TOML alone: what it shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from governor.catalogs import names
from governor.core.catalog import Catalog
from governor.core.dialects import DIALECTS
from tests.core.catalogs.platforms import catalog, configured, counted, json_body, recommended

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
HOST = "api.agora.example"
OTHERS = sorted(set(names()) - {"x"})  # X's has tests of its own


def shown(beginning: str) -> str:
    """Return the one block of TOML in README that begins so."""
    blocks: list[str] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (block,) = (each for each in blocks if each.startswith(beginning))
    return block


AGORA = Catalog.parse(shown("# agora.toml"))
POST = {"id": "7", "body": "b"}
QUOTING = {**POST, "quoted": POST}


def test_the_example_prices_a_page_by_its_query() -> None:
    """Fifty posts, each of which may quote one."""
    quote = AGORA.quote("GET", HOST, "/v1/search?count=50")

    assert (quote.kind, quote.asked, quote.price) == ("posts", 50, 100)
    assert quote.costs == (("calls", 1),)
    assert counted(quote, {"results": [QUOTING] * 50, "next": "c"}) == 100
    assert counted(quote, {"results": [POST]}) == 1


def test_the_example_prices_a_look_up_by_its_body() -> None:
    quote = AGORA.quote("POST", HOST, "/v1/lookup", json_body({"ids": ["1", "2", "3"]}))

    assert (quote.asked, quote.ids, quote.price) == (3, 3, 6)
    assert AGORA.reads_body("POST", HOST, "/v1/lookup")
    assert AGORA.quote("POST", HOST, "/v1/lookup").price == 200


def test_the_example_prices_one_post_and_what_is_free_or_unknown() -> None:
    quote = AGORA.quote("GET", HOST, "/v1/posts/7")

    assert (quote.ids, quote.price) == (1, 2)
    assert counted(quote, QUOTING) == 2
    assert AGORA.quote("GET", HOST, "/v1/account").kind == "free"
    assert AGORA.quote("GET", HOST, "/v2/search").kind == "unknown"
    assert not AGORA.governs("example.org")


def test_the_example_s_limits_are_in_its_units(tmp_path: Path) -> None:
    """And its catalog is found beside the configuration that names it."""
    (tmp_path / "agora.toml").write_text(shown("# agora.toml"), encoding="utf-8")
    file = tmp_path / "governor.toml"
    file.write_text(shown("# governor.toml\n[[contract]]"), encoding="utf-8")
    contract = configured(file)

    assert [(limit.most, limit.unit, limit.calendar) for limit in contract.limits] == [
        (50_000, "posts", ""),
        (2_000, "calls", "month Europe/Berlin from 15"),
    ]
    assert {limit.unit for limit in contract.limits} <= set(AGORA.units)


def test_x_s_month_is_a_limit_beside_its_day(tmp_path: Path) -> None:
    file = tmp_path / "governor.toml"
    file.write_text(shown('[[contract]]\nname = "x"\nlimit = ['), encoding="utf-8")
    contract = configured(file)

    assert [(limit.name, limit.most, limit.calendar) for limit in contract.limits] == [
        ("x-24h", 1_000_000, ""),
        ("x-month", 3_000_000, "month UTC from 7"),
    ]


@pytest.mark.parametrize("name", names())
def test_each_built_in_catalog_is_listed_and_speaks_a_dialect(name: str) -> None:
    assert f"| `{name}` |" in README
    assert catalog(name).name == name
    assert catalog(name).dialect in DIALECTS


@pytest.mark.parametrize("name", OTHERS)
def test_each_catalog_recommends_a_contract_of_its_own_name(name: str, tmp_path: Path) -> None:
    contract = recommended(name, tmp_path)

    assert (contract.name, contract.catalog) == (name, name)


SAMPLES = {
    "id": "7",
    "name": "rain",
    "json": "",
    "names": "t3_a,t3_b",
    "title": "a_title",
    "comment": "c3",
    "sort": "new",
    "kind": "saved",
    "group_key": "ungrouped-7",
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_row_is_found_by_a_plain_request(name: str) -> None:
    """No row stands behind another: each path leads to the operation that its row names."""
    each = catalog(name)
    host = each.domains[0] if each.domains else "example.social"
    for row in each.rows:
        method, _, path = row.request.partition(" ")
        plain = re.sub(r"\{([a-z_]+)\}", lambda found: SAMPLES[found[1]], path)
        here = next(iter(row.hosts.exact), host)

        assert each.quote(method, here, plain).operation == row.operation.name


@pytest.mark.parametrize("name", OTHERS)
def test_no_row_is_without_a_source(name: str) -> None:
    assert all(row.source.strip() for row in catalog(name).rows)
