"""The time a request spent on the platform is from its sending to its end."""

from __future__ import annotations

import pytest

from governor.exchange.course import Course


@pytest.mark.parametrize(
    ("sent_ms", "ended_ms", "upstream_ms"), [(None, None, 0), (3, None, 7), (3, 5, 2), (0, 0, 0)]
)
def test_the_platforms_time_ends_with_the_answer_or_is_still_running(
    sent_ms: int | None, ended_ms: int | None, upstream_ms: int
) -> None:
    course = Course(began_ms=0, sent_ms=sent_ms, ended_ms=ended_ms)

    assert course.upstream_ms(10) == upstream_ms
