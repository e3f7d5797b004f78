"""Whatever a request can be read to say is returned, and what has no certain reading is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog.questions import Body, Place, Question

NOTHING = Body("", b"")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
ODD = None


def said(
    param: str, *asks: Place, query: str = "", body: Body | None = NOTHING
) -> tuple[str, ...] | None:
    return Question(query, body, asks).scalars(param)


def in_json(text: str | bytes, param: str = "count", content_type: str = JSON) -> Any:  # noqa: ANN401  # ODD or texts
    content = text if isinstance(text, bytes) else text.encode()
    return said(param, "query", "json", body=Body(content_type, content))


def in_variables(query: str = "", body: Body = NOTHING) -> tuple[str, ...] | None:
    return said("count", "variables", query=query, body=body)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{}", ()),
        ('{"count": 10}', ("10",)),
        ('{"count": "10"}', ("10",)),
        (' { "a" : [1, {"count": 5}], "count" : 10 } ', ("10",)),
        ('{"co\\u0075nt": 10}', ("10",)),
        ('{"count": 10, "count": 100}', ("10", "100")),
        ('{"count": 1e2}', ("1e2",)),
        ('{"count": 1.0}', ("1.0",)),
        ('{"count": -0}', ("-0",)),
        ('{"count": NaN}', ("NaN",)),
        ('{"count": true}', ("true",)),
        ('{"count": null}', ("",)),
        ('{"count": [10]}', ODD),
        ('{"count": {"a": 10}}', ODD),
        ('{"Count": 10}', ODD),
        ('{"count": 10, "COUNT": 100}', ODD),
        ('{"count[]": 10}', ODD),
        ('{"co%75nt": 10}', ODD),
        ('{"co%2525252575nt": 10}', ODD),
        ('{"c\\u043eunt": 10}', ODD),
        ('[{"count": 10}]', ODD),
        ('"count"', ODD),
        ("10", ODD),
        (" ", ODD),
        ('{"count": 10', ODD),
        ('{"count": 10} {"count": 100}', ODD),
        ('{"count": 10,}', ODD),
        ("{'count': 10}", ODD),
        ('{"count": 10 /* most */}', ODD),
        ('\ufeff{"count": 10}', ODD),
        (b'{"count": 10, "a": "\xff"}', ODD),
        ('{"count": 10}'.encode("utf-16"), ODD),
        (b'\x1f\x8b{"count": 10}', ODD),
    ],
)
def test_json_says_every_value_as_it_was_written(text: str | bytes, values: Any) -> None:  # noqa: ANN401  # ODD or texts
    assert in_json(text) == values


def test_what_is_too_much_to_look_at_has_no_certain_reading() -> None:
    """No nesting exhausts us, and no number of names costs time: it is the maximum at once."""
    assert in_json('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}") is ODD
    assert in_json('{"a":' * 100_000 + "1" + "}" * 100_000) is ODD
    assert in_json("{" + ",".join(f'"a{n}": 1' for n in range(1001)) + "}") is ODD
    assert in_json('{"count": ' + "9" * 5000 + "}") == ("9" * 5000,)
    assert in_json('{"count": 10, "a": "' + "x" * 256 * 1024 + '"}') is ODD
    assert said("count", "query", query="&".join(["a=1"] * 1001)) is ODD
    assert said("count", "query", query="&" * 1001) is ODD


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"page": {"count": 10}}', ("10",)),
        ('{"page": {"count": 10}, "page": {"count": 100}}', ("10", "100")),
        ('{"page": {"count": 10, "count": 100}}', ("10", "100")),
        ('{"page": {}}', ()),
        ('{"count": 10}', ()),
        ('{"page": "{\\"count\\": 10}"}', ("10",)),
        ('{"page": "count=10"}', ODD),
        ('{"page": [{"count": 10}]}', ODD),
        ('{"page": null}', ODD),
        ('{"page": {"Count": 10}}', ODD),
        ('{"Page": {"count": 10}}', ODD),
        ('{"page.count": 10}', ODD),
        ('{"page[count]": 10}', ODD),
    ],
)
def test_a_parameter_may_stand_in_an_object_in_an_object(text: str, values: Any) -> None:  # noqa: ANN401  # ODD or texts
    assert in_json(text, "page.count") == values


@pytest.mark.parametrize("content_type", [JSON, "Application/JSON", f"{JSON}; charset=UTF-8"])
def test_a_body_is_of_the_type_it_says(content_type: str) -> None:
    assert in_json('{"count": 10}', content_type=content_type) == ("10",)


@pytest.mark.parametrize(
    "content_type",
    [
        *("", FORM, "text/plain", "text/json", "application/json, text/plain", "json"),
        *(f"{JSON}; charset=utf-16", f"{JSON}; charset=utf-8; charset=utf-16", f"{JSON}x"),
        *(
            "application/jso\N{LATIN SMALL LETTER N}\N{COMBINING ACUTE ACCENT}",
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_body_of_another_type_has_no_certain_reading(content_type: str) -> None:
    """A server may read it all the same, and not as we do."""
    assert in_json('{"count": 10}', content_type=content_type) is ODD


def test_a_body_that_is_not_there_says_nothing_and_one_unknown_says_anything() -> None:
    for content_type in ("", FORM, JSON, "image/png"):
        assert said("count", "form", "json", body=Body(content_type, b"")) == ()
        assert said("count", "form", "json", body=Body(content_type, None)) is ODD
    assert said("count", "json", body=None) is ODD
    assert said("count", "query", body=None) == ()


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("count=10", ("10",)),
        ("count=10&count=100", ("10", "100")),
        ("co%75nt=1%30", ("10",)),
        ("a=%7B%22count%22%3A5%7D", ()),
        ("count=10&q=AT%26T", ("10",)),
        ("q=a%3Db&count=10", ("10",)),
        ("q=a%26count%3D100&count=10", ("10", "")),
        ("q=a%3bcount=100&count=10", ("10", "")),
        ("count%3D10", ("",)),
        ("count=10;count=100", ODD),
        ("Count=10", ODD),
        ("count=10\n", ODD),
        ("count=1\N{ARABIC-INDIC DIGIT ONE}", ODD),
        ("a=%", ODD),
    ],
)
def test_a_form_is_read_as_a_query_is(form: str, values: Any) -> None:  # noqa: ANN401  # ODD or texts
    assert said("count", "form", body=Body(FORM, form.encode())) == values
    assert said("count", "query", query=form) == values


def test_all_places_are_read() -> None:
    """Of several places a server takes one, and we do not know which."""
    form = Body(FORM, b"count=20")

    assert said("count", "query", "form", query="count=10", body=form) == ("10", "20")
    assert said("count", "query", "form", query="Count=10", body=form) is ODD


def test_a_body_where_nobody_looks_may_be_looked_at_all_the_same() -> None:
    for body in (Body(FORM, b"count=20"), Body(JSON, b"{}"), Body("", b" "), Body("", None)):
        assert said("count", "query", query="count=10", body=body) is ODD
    assert said("count", "query", query="count=10", body=NOTHING) == ("10",)
    assert said("count", "query", query="count=10", body=None) == ("10",)


def test_a_query_where_nobody_looks_may_be_looked_at_all_the_same() -> None:
    body = Body(JSON, b'{"count": 10}')

    assert said("count", "json", query="count=10", body=body) is ODD
    assert said("count", "json", query="count=100", body=body) is ODD
    assert said("count", "json", query="c=100", body=body) == ("10",)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", ()),
        ("variables=%7B%22count%22%3A20%7D&features=%7B%7D", ("20",)),
        ('variables={"count":20}', ("20",)),
        ('variables={"count":20,"count":"50"}', ("20", "50")),
        ('variables={"count":20}&variables={"count":50}', ("20", "50")),
        ('variables={"rawQuery":"count:5"}', ()),
        ("variables=", ODD),
        ("variables=null", ODD),
        ('variables={"count":20', ODD),
        ('variables={"Count":20}', ODD),
        ('Variables={"count":20}', ODD),
        ("variables[count]=20", ODD),
        ("variables.count=20", ODD),
        ("variables=%257B%2522count%2522%253A20%257D", ODD),
    ],
)
def test_variables_of_graphql_are_json_in_a_parameter(query: str, values: Any) -> None:  # noqa: ANN401  # ODD or texts
    assert in_variables(query) == values
    assert in_variables(body=Body(FORM, query.encode())) == values


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ('{"queryId": "x", "variables": {"count": 20}}', ("20",)),
        ('{"variables": "{\\"count\\": 20}"}', ("20",)),
        ('{"variables": {"count": 20}, "variables": {"count": 50}}', ("20", "50")),
        ('{"variables": {}}', ()),
        ('{"queryId": "x"}', ()),
        ('{"count": 20}', ()),
        ('[{"variables": {"count": 20}}, {"variables": {"count": 20}}]', ODD),
    ],
)
def test_variables_of_graphql_are_a_member_of_a_body(body: str, values: Any) -> None:  # noqa: ANN401  # ODD or texts
    assert in_variables(body=Body(JSON, body.encode())) == values


def test_variables_in_query_and_body_all_count() -> None:
    body = Body(JSON, b'{"variables": {"count": 20}}')

    assert in_variables('variables={"count":50}', body) == ("50", "20")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"ids": ["1", 2]}', ("1", "2")),
        ('{"ids": "1,2"}', ("1,2",)),
        ('{"ids": ["1,2"], "ids": "3"}', ("1,2", "3")),
        ('{"ids": []}', ()),
        ('{"ids": [["1"]]}', ODD),
        ('{"ids": [null]}', ODD),
        ('{"ids": {"0": "1"}}', ODD),
    ],
)
def test_a_list_may_be_an_array(text: str, values: Any) -> None:  # noqa: ANN401  # ODD or texts
    question = Question("", Body(JSON, text.encode()), ("json",))

    assert question.listed("ids") == values


@given(st.binary(max_size=200), st.sampled_from([FORM, JSON, ""]), st.text(max_size=40))
def test_no_bytes_are_beyond_reading(content: bytes, content_type: str, query: str) -> None:
    question = Question(query, Body(content_type, content), ("query", "form", "json", "variables"))

    for param in ("count", "page.count"):
        assert question.scalars(param) is None or question.listed(param) is not None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet="abcount", max_size=6), VALUES), st.integers(0, 10**6))
def test_a_number_is_found_whatever_stands_beside_it(beside: dict[str, Any], size: int) -> None:
    """It is among the values, or no reading is certain."""
    found = in_json(json.dumps(beside | {"count": size}))

    assert found is ODD or found == (str(size),)
