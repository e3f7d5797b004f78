"""The house checks itself: no rule has a complaint about this tree.

The rules stand in `tests/house`, functions from the root of a tree to their complaints. Here each
is pointed at this project; beside them, at samples that were made to break it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.conftest import PRESET
from tests.house import papers, rules

ROOT: Final = Path(__file__).parent.parent
README: Final = (ROOT / "README.md").read_text("utf-8")


def test_imports_point_inwards() -> None:
    """Errors <- core <- {adapters}, {the line} <- {faces} <- cli; no adapter knows another."""
    assert rules.arrows(ROOT) == []


def test_the_core_takes_values_and_returns_values() -> None:
    """It imports no I/O, clock, chance or logger, and msgspec only to count."""
    assert rules.core_is_pure(ROOT) == []


def test_files_functions_and_lines_keep_their_size() -> None:
    """At most 400 lines, 70 lines and 100 columns."""
    assert rules.sizes(ROOT) == []


def test_every_module_says_what_it_is_for() -> None:
    """In its first line, as a sentence."""
    assert rules.purpose(ROOT) == []


def test_every_module_has_its_own_tests() -> None:
    """At the same place in the tree of tests."""
    assert rules.tested(ROOT) == []


def test_every_task_has_an_owner() -> None:
    """Only `governor.tasks` starts one."""
    assert rules.tasks_have_an_owner(ROOT) == []


def test_one_module_asks_what_time_it_is() -> None:
    """`governor.clock`, and it alone waits for time to pass."""
    assert rules.one_clock(ROOT) == []


def test_every_queue_has_a_size() -> None:
    assert rules.queues_are_bounded(ROOT) == []


def test_nothing_is_caught_to_go_on_as_if_nothing_were() -> None:
    """One handler of everything may stand in the proxy; it refuses the request."""
    assert rules.nothing_is_swallowed(ROOT) == []


def test_tests_talk_to_real_parts_and_wait_for_events() -> None:
    assert rules.tests_are_honest(ROOT) == []


def test_the_judge_believes_nothing_of_governor() -> None:
    """It imports the standard library only."""
    assert rules.judge_stands_alone(ROOT) == []


def test_names_are_plain_and_posts_have_one_vocabulary() -> None:
    assert rules.names_are_plain(ROOT) == []


def test_nothing_in_the_tree_belongs_to_one_machine() -> None:
    """No path of a machine, no registry's host; only `.ci/run` looks beside the tree."""
    assert rules.nothing_of_this_machine(ROOT) == []


def test_unfinished_work_says_when_it_is_done() -> None:
    assert rules.unfinished_work_has_a_condition(ROOT) == []


def test_every_exemption_has_a_rule_and_a_reason() -> None:
    assert rules.exemptions_have_a_reason(ROOT) == []


def test_the_top_level_holds_only_what_it_may() -> None:
    assert rules.top_level(ROOT) == []


def test_everything_installed_is_locked_by_hash() -> None:
    """And no lock names an address, so that any mirror serves it."""
    assert papers.locks_are_whole(ROOT) == []


def test_the_tests_run_on_what_users_get() -> None:
    assert papers.locks_agree(ROOT) == []


def test_every_word_of_make_is_explained() -> None:
    assert papers.words_of_make(ROOT) == []


def test_make_help_names_every_word() -> None:
    words = re.findall(r"^([a-z0-9]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    told = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert [line.split()[1] for line in told.stdout.splitlines()] == words


def test_the_readme_names_every_metric() -> None:
    """And the README names none that is not there."""
    names = set(papers.metrics(ROOT))

    assert names
    assert papers.undocumented(sorted(names), README) == []
    assert set(re.findall(r"`(governor_[a-z_]+)`", README)) - names == set()


def test_the_readme_names_every_setting() -> None:
    ended = _governor("config", "schema")

    assert papers.undocumented(papers.settings(json.loads(ended)), README) == []


def test_the_readme_names_every_endpoint() -> None:
    names = list(papers.endpoints(ROOT))

    assert names
    assert papers.undocumented(names, README) == []


def test_the_readme_names_every_command() -> None:
    """And the README names none that is not there."""
    named = set(re.findall(r"^\| `governor ([a-z-]+)`", README, re.MULTILINE))
    listed = re.findall(
        r"^\W*([a-z][a-z-]*)  ", _governor("--help").split("Commands")[1], re.MULTILINE
    )

    assert sorted(named) == sorted(listed)


def test_no_test_inherits_where_this_machine_keeps_certificates_or_proxies() -> None:
    assert [name for name in PRESET if name in os.environ or name.lower() in os.environ] == []


def _governor(*arguments: str) -> str:
    """Run the command as a user does, with a plain terminal."""
    ended = subprocess.run(
        [sys.executable, "-c", "from governor.cli import main; main()", *arguments],
        env={**os.environ, "TERM": "dumb", "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout
