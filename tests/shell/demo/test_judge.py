"""The judge finds the worst window, wherever it lies, and looks at nothing of Governor's."""

from __future__ import annotations

import ast
import inspect
import random

import pytest

from governor.demo import judge as judge_module
from governor.demo.judge import PLACEMENTS, Delivery, events, judge, per_window, worst_window

WINDOW_MS = 10


def delivery(arrived: int, first: int, last: int, posts: int) -> Delivery:
    return Delivery("search", arrived, first, last, posts, complete=True)


def by_brute_force(placed: list[tuple[int, int]], window_ms: int) -> int:
    starts = range(-window_ms, max((at for at, _ in placed), default=0) + 1)
    return max(
        sum(posts for at, posts in placed if start <= at <= start + window_ms) for start in starts
    )


@pytest.mark.parametrize("seed", range(200))
def test_the_worst_window_is_the_one_that_trying_every_window_finds(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # a seeded schedule, nothing secret
    placed = [(draw.randint(0, 60), draw.randint(0, 9)) for _ in range(draw.randint(0, 25))]

    assert worst_window(placed, WINDOW_MS) == by_brute_force(placed, WINDOW_MS)


def test_posts_exactly_a_window_apart_are_in_one_window() -> None:
    assert worst_window([(0, 3), (WINDOW_MS, 4)], WINDOW_MS) == 7


def test_posts_more_than_a_window_apart_are_not() -> None:
    assert worst_window([(0, 3), (WINDOW_MS + 1, 4)], WINDOW_MS) == 4


def test_nothing_delivered_is_nothing_used() -> None:
    verdict = judge([], limit=1, window_ms=WINDOW_MS)

    assert (verdict.kept, verdict.sustained, verdict.per_window) == (True, 0.0, ())


def test_each_placement_counts_a_request_at_its_own_instant() -> None:
    one = delivery(1, 5, 9, posts=2)

    assert [events([one], placement)[0][0] for placement in PLACEMENTS[:3]] == [1, 5, 9]


def test_a_random_instant_lies_between_first_and_last_byte_and_follows_its_seed() -> None:
    record = [delivery(0, 5, 9, posts=1)] * 100
    drawn = events(record, "random", seed=7)

    assert {at for at, _ in drawn} == {5, 6, 7, 8, 9}
    assert events(record, "random", seed=7) == drawn


def test_an_unknown_placement_is_refused() -> None:
    with pytest.raises(ValueError, match="teatime"):
        events([], "teatime")


def test_a_breach_seen_by_one_placement_alone_is_a_breach() -> None:
    """Two answers finish together though their requests were a window and more apart."""
    record = [delivery(0, 30, 30, posts=6), delivery(25, 30, 30, posts=6)]
    verdict = judge(record, limit=10, window_ms=WINDOW_MS)

    assert verdict.worst == {"arrival": 6, "first byte": 12, "last byte": 12, "random": 12}
    assert not verdict.kept


def test_the_limit_itself_is_allowed() -> None:
    assert judge([delivery(0, 0, 0, posts=10)], limit=10, window_ms=WINDOW_MS).kept


def test_a_window_that_is_not_over_is_not_averaged() -> None:
    record = [delivery(at, at, at, posts=1) for at in range(25)]

    assert per_window(record, WINDOW_MS) == (10, 10)
    assert judge(record, limit=99, window_ms=WINDOW_MS).sustained == 10


def test_time_runs_forward() -> None:
    with pytest.raises(ValueError, match="runs forward"):
        delivery(5, 4, 6, posts=1)


def test_the_judge_imports_nothing_of_governor() -> None:
    """What it would be judging cannot be what it judges with."""
    imported = {
        name
        for node in ast.walk(ast.parse(inspect.getsource(judge_module)))
        for name in _imported_by(node)
    }

    assert not [name for name in imported if name.split(".")[0] == "governor"]


def _imported_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=module):
            return [module or "governor"]
    return []
