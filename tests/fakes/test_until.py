"""A condition is waited for as long as it takes, and not longer than it may."""

from __future__ import annotations

from itertools import count

import pytest

from tests.fakes.until import until


def test_a_condition_that_comes_to_hold_is_waited_for() -> None:
    asked = count()
    until(lambda: next(asked) == 2, within_s=10, what="the third question")

    assert next(asked) == 3


def test_what_does_not_come_is_named() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.01 s: a miracle"):
        until(lambda: False, within_s=0.01, what="a miracle")
