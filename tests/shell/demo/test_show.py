"""The demo shows usage climbing to the limit and ends with the judge's verdict."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from governor.demo.crawlers import Crawler
from governor.demo.judge import Verdict
from governor.demo.launch import Metrics, Terms
from governor.demo.show import Sight, run_demo, sentence

METRICS = Metrics(
    (
        ("governor_usage_posts", {"limit": "x-demo", "job": ""}, 1_500.0),
        ("governor_held_posts", {"limit": "x-demo", "job": ""}, 75.0),
        ("governor_waiting_exchanges", {}, 2.0),
        ("governor_refusals_total", {"reason": "limit"}, 9.0),
    )
)


def sight() -> Sight:
    crawler = Crawler("ada", "searches", answered=12, refused=3, state="waiting 4 s")
    return Sight(7, Terms(2_000, "20s"), METRICS, 1_425, (crawler,))


def verdict(worst: int) -> Verdict:
    return Verdict(2_000, {"arrival": 1_990, "last byte": worst}, (2_000, 1_900, 1_800))


def test_a_look_is_one_line() -> None:
    assert sight().line() == (
        "  7 s  used 1,500 of 2,000  held 75  waiting 2  refused 9  delivered 1,425"
    )


def test_a_look_on_a_terminal_names_every_crawler() -> None:
    console = Console(file=StringIO(), width=100, record=True)
    console.print(sight().table())
    text = console.export_text()

    assert all(word in text for word in ("ada", "searches", "12", "waiting 4 s", "1,500"))


@pytest.mark.parametrize(("worst", "word"), [(2_000, "kept"), (2_001, "BROKEN")])
def test_the_verdict_is_said_in_words(worst: int, word: str) -> None:
    said = sentence(verdict(worst))

    assert f"{worst:,} by last byte" in said
    assert f"The contract was {word}." in said
    assert "92% of the limit" in said


def test_what_was_delivered_per_window_is_said_only_after_a_second_one() -> None:
    short = replace(verdict(1_985), per_window=(1_985,))

    assert sentence(short).endswith("The contract was kept.")


async def test_a_short_demo_meets_its_limit_and_keeps_it() -> None:
    """The whole thing: platform, Governor's own command, crawlers, judge."""
    console = Console(file=StringIO(), width=200, record=True, force_terminal=False)
    code = await run_demo(seconds=9, posts=400, window_s=3, console=console)
    text = console.export_text()

    assert code == 0, text
    assert "The contract was kept." in text
    assert "9 s  used" in text
