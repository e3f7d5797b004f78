"""What has more than one meaning, or none, is not counted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.counting.documents import MOST_NODES, UncountableError, tally
from governor.core.counting.walking import Walk
from tests.core.counting import reference, written
from tests.fakes.posts import encoded, v2_post
from tests.fakes.walkers import ALL

WALK = Walk(ALL)


def count(body: bytes) -> int:
    return tally(body, WALK).every


@given(written.texts())
def test_a_document_is_counted_as_by_the_slow_counter_or_not_at_all(text: bytes) -> None:
    """It is not counted exactly if an object in it has a key twice."""
    expected = reference.found(text)

    if expected.twice:
        with pytest.raises(UncountableError, match="same key twice"):
            count(text)
    else:
        assert count(text) == expected.together


@given(written.texts(), st.data())
def test_no_broken_document_is_counted_lower_than_it_can_be_read(
    text: bytes, data: st.DataObject
) -> None:
    """A byte lost, a byte more, a part twice: it is refused, or read as the slow counter does."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    more = data.draw(st.sampled_from([b"", b'"', b"}", b",", b"\\", b"\x00", b"\xff", text]))
    broken = text[:start] + more + text[end:]

    try:
        posts = count(broken)
    except UncountableError:
        return

    parts = [part for part in broken.splitlines() if part.strip()]
    try:
        found = [reference.found(broken)] if parts else []
    except ValueError:
        found = [reference.found(part) for part in parts]
    assert not any(each.twice for each in found)
    assert posts == sum(each.together for each in found)


@pytest.mark.parametrize("body", [b"", b"\r\n", b" \n\t"])
def test_a_blank_body_has_no_post(body: bytes) -> None:
    assert count(body) == 0


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\r\n\r\n"])
def test_lines_of_json_are_counted_line_by_line(end: bytes) -> None:
    lines = [encoded({"data": v2_post(n), "includes": {"posts": [v2_post(9)]}}) for n in range(4)]

    assert count(end.join([*lines, b""])) == 8
    assert count(b" \r\n" + end.join(lines)) == 8


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"data":[]', "not JSON"),
        (b'{"data":[]}{}', "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{}\n{", "not JSON"),
        (b"{},", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not JSON"),
        ("{}".encode("utf-32-le"), "not JSON"),
        (b'{"text":"\xff"}', "not JSON"),
        (b'{"te\xc0\xf4t":1}', "not JSON"),
        (b'{"text":"\xed\xa0\x80"}', "not JSON"),
        (b'{"text":"\\ud800"}', "not JSON"),
        (b'{"text":"\x00"}', "not JSON"),
        (b"{}\x00", "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"a":1e999}', "not JSON"),
        (b'{"a":' + b"1" * 5000 + b"}", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"{a:1}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":1} // comment', "not JSON"),
        (b'callback({"a":1})', "not JSON"),
        (b"data: {}\n\ndata: {}\n", "not JSON"),
        (b")]}'\n{}", "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    ],
)
def test_what_has_no_certain_meaning_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(UncountableError, match=reason):
        count(body)


@pytest.mark.parametrize("node", [b"{}", b"[]", b'"{"'])
def test_a_body_of_nothing_but_objects_is_refused_before_it_is_held(node: bytes) -> None:
    """It would take hundreds of megabytes. The longest that is read takes no more than some."""
    nodes = b",".join([node] * (MOST_NODES - 1))

    assert count(b"[" + nodes + b"]") == 0
    with pytest.raises(UncountableError, match="objects and lists"):
        count(b"[" + nodes + b"," + node + b"]")


def test_a_body_of_nothing_but_lines_is_refused_before_it_is_held() -> None:
    assert count(b"1\n" * MOST_NODES) == 0
    with pytest.raises(UncountableError, match="lines"):
        count(b"1\n" * (MOST_NODES + 1))


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"id":"1","text":"x"}],"data":[]}',
        b'{"data":[{"id":"1","text":"x"}] , "data" \n : []}',
        b'{"data":[{"id":"1","text":"x"}],"d\\u0061ta":[]}',
        b'{"a":":","a":":","b":[{"id":1,"text":"\\":"}]}',
        b'{"a":1}\n{"data":[],"data":[]}',
        b'{"data" :[],"data":[]}',
        b'{"a":{"event_type":1,"id":1,"text":1,"event_type":2}}',
        b'{"a,":":","a,":1}',
        b'{"":1,"":2}',
    ],
)
def test_a_key_written_twice_hides_nothing(body: bytes) -> None:
    with pytest.raises(UncountableError, match="same key twice"):
        count(body)


@given(
    st.recursive(
        st.one_of(st.text(alphabet=':" \\a{},', max_size=6), st.integers(), st.none()),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(alphabet=':" \\ab,', max_size=4), inner, max_size=4)
        ),
        max_leaves=20,
    ),
    st.sampled_from([(",", ":"), (" , ", " : "), (",", ":\t")]),
)
def test_no_text_is_taken_for_a_key_written_twice(
    document: object, separators: tuple[str, str]
) -> None:
    """Quotes and colons inside texts and keys, and any white space, leave a body readable."""
    assert count(json.dumps(document, separators=separators).encode()) == 0


@pytest.mark.parametrize(
    "body",
    [b'{"text":"secret"', b'{"secret":1,"secret":2}', b'"\xffsecret"', b"secret", b'"\\usecret"'],
)
def test_no_text_of_a_post_is_in_a_reason(body: bytes) -> None:
    with pytest.raises(UncountableError) as caught:
        count(body)

    assert "secret" not in str(caught.value)
