"""Waiting for what other processes agree on in their own time: they can only be asked, again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S: Final = 0.05  # cheap to ask, and no test is slower by more


def until(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Ask until the condition holds. Fails when it does not come to hold in time."""
    end_s = time.monotonic() + within_s
    never = threading.Event()
    while not condition():
        assert time.monotonic() < end_s, f"not within {within_s:g} s: {what}"
        never.wait(POLL_S)
