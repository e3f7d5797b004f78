"""A page's posts are in the state it embeds; a page with any elsewhere cannot be counted."""

from __future__ import annotations

import pytest

from governor.core.counting.documents import UncountableError
from governor.core.counting.pages import page_tally
from governor.core.counting.walking import Walk
from tests.fakes.posts import encoded, v2_body
from tests.fakes.walkers import ALL

STATE = encoded(v2_body([1, 0]))
NEXT = b'<script id="__NEXT_DATA__" type="application/json">%s</script>'
INITIAL = b"<script>window.__INITIAL_STATE__ = %s;window.__META__={};</script>"


def count(page: bytes) -> int:
    found = page_tally(b"<!doctype html><html><body>" + page, Walk(ALL), ALL.marks)
    assert found.own == found.every
    return found.every


@pytest.mark.parametrize(
    "form",
    [
        NEXT,
        INITIAL,
        b'<SCRIPT TYPE=application/json data-x="y">\n%s\n</SCRIPT >',
        b'<script type="application/ld+json">%s</script>',
        b"<script nonce=x>window.__INITIAL_STATE__=%s</script>",
        b'<script nonce=x>window["__INITIAL_STATE__"]=1;self.__STATE__ = %s /* x */</script>',
    ],
)
def test_the_state_in_a_script_is_counted(form: bytes) -> None:
    assert count(b"<p>before</p>" + form % STATE + b"<p>behind</p>") == 3


def test_all_states_of_a_page_are_counted() -> None:
    assert count(NEXT % STATE + INITIAL % STATE + NEXT % b"{}") == 6


def test_a_page_whose_state_has_no_post_has_none() -> None:
    assert count(NEXT % b'{"props":{}}') == 0


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<p>text</p>",
        b"<script>let a = 1;</script>",
        NEXT % b"",
        NEXT % b"{",
        NEXT % b'{"a":1,"a":2}',
        NEXT % (b"[" * 100_000),
        INITIAL % b"{a:1}",
        INITIAL % b"[undefined]",
        INITIAL % (b"[" * 100_000),
        INITIAL % b'{"a":"\xff"}',
        NEXT % b'{"a":"</script>"}',
        (NEXT % STATE)[: -len(b"</script>")],
    ],
)
def test_a_page_without_a_state_that_can_be_read_is_not_counted(page: bytes) -> None:
    if page == NEXT % b"":
        assert count(page) == 0  # an empty state is one: nothing is in it
        return
    with pytest.raises(UncountableError):
        count(page)


@pytest.mark.parametrize(
    "more",
    [
        b"<script>let a = " + STATE + b"</script>",
        b"<script>push('" + STATE.replace(b"'", b"") + b"')</script>",
        b"<div data-state='" + STATE + b"'></div>",
        b'<script>x({"te\\u0078t":1})</script>',
    ],
)
def test_a_page_with_what_may_be_posts_elsewhere_is_not_counted(more: bytes) -> None:
    with pytest.raises(UncountableError, match="web page"):
        count(NEXT % STATE + more)


def test_a_text_in_a_state_that_looks_like_another_state_is_none() -> None:
    assert count(INITIAL % (b'{"a":"; __B__ = {","b":%s}' % STATE)) == 3


@pytest.mark.parametrize(
    "page",
    [
        b"<script>" * 40_000,
        b"<script " * 40_000,
        b"<script>" + b"</script " * 40_000,
        b"<script>" + b";__A__={" * 40_000 + b"</script>",
        b"<script>" + b"__A" * 100_000 + b"</script>",
    ],
)
def test_a_page_of_nothing_but_beginnings_is_refused_at_once(page: bytes) -> None:
    """Each took its length squared, which were minutes in which nothing else was done."""
    with pytest.raises(UncountableError):
        count(page)


def test_a_page_of_very_many_states_is_counted_at_once() -> None:
    assert count(b"<script>" + b";__A__={}" * 200_000 + b"</script>") == 0
