"""Counting the posts in an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer was read to its end and parsed: `posts` post objects, nested ones too."""

    posts: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be counted; `at_least` posts were seen or must be assumed by its size."""

    reason: str
    at_least: int = 0
