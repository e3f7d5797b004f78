"""The judge counts each request wherever it can have been counted, and nowhere else."""

from __future__ import annotations

import pytest

from tests.simulation.loop import VirtualLoop
from tests.simulation.platform import Platform, Span, page_of, worst_window

WINDOW_MS = 1_000


@pytest.mark.parametrize(
    ("spans", "worst"),
    [
        ([], 0),
        ([Span(0, 5, 10)], 5),
        ([Span(0, 5, 10), Span(1_010, 5, 1_020)], 10),
        ([Span(0, 5, 10), Span(1_011, 5, 1_020)], 5),
        ([Span(0, 5, 900), Span(1_500, 5, 1_510)], 10),
        ([Span(0, 5, None), Span(9_000, 5, 9_001)], 10),
        ([Span(0, 3, 0), Span(0, 4, 0), Span(2_000, 6, 2_000)], 7),
    ],
    ids=["none", "one", "just within", "just apart", "long", "never ended", "the largest of two"],
)
def test_the_worst_window_holds_all_that_it_touches(spans: list[Span], worst: int) -> None:
    assert worst_window(spans, WINDOW_MS) == worst


def test_what_can_have_been_counted_by_now_is_known_at_every_instant() -> None:
    loop = VirtualLoop()  # type: ignore[abstract]  # of sockets and threads it knows nothing
    platform = Platform(loop, WINDOW_MS)
    first, second = platform.begin(100), platform.begin(100)
    platform.end(first, 60, last_ms=0)
    platform.end(first, 100, last_ms=500)

    assert platform.countable() == 160
    loop.now_ms = 1_001
    assert platform.countable() == 100
    platform.end(second, 100, last_ms=1_121)
    loop.now_ms = 2_121
    assert platform.countable() == 100
    loop.now_ms = 2_122
    assert platform.countable() == 0


def test_a_page_holds_the_posts_that_it_is_made_of() -> None:
    assert page_of(3).count(b'"id"') == 3
