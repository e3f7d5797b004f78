"""The house checks itself: each rule keeps silent about this tree, and is heard about a bad one.

The rules stand in `tests/house`, functions from the root of a tree to their complaints. Below,
each is first pointed at the project, then at a sample made to break it.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.conftest import PRESET
from tests.house import papers, rules

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parent.parent


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

    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert [line.split()[1] for line in told.stdout.splitlines()] == words


def test_no_test_inherits_where_this_machine_keeps_certificates_or_proxies() -> None:
    assert [name for name in PRESET if name in os.environ or name.lower() in os.environ] == []


class Sample(NamedTuple):
    """A tree of one file that breaks one rule, and what is complained of."""

    rule: Callable[[Path], list[str]]
    place: str
    text: str
    complaint: str


OTHER: Final = "".join  # puts together what must not stand here whole
SAMPLES: Final = (
    Sample(rules.arrows, "governor/errors.py", "import governor.core.x", "import core"),
    Sample(rules.arrows, "governor/core/a.py", "from governor import clock", "import clock"),
    Sample(rules.arrows, "governor/core/a.py", "from governor.exchange import b", "exchange"),
    Sample(rules.arrows, "governor/store.py", "from governor.journal import b", "journal"),
    Sample(rules.arrows, "governor/store/x.py", "from governor.exchange import b", "exchange"),
    Sample(rules.arrows, "governor/exchange.py", "from governor.store import b", "store"),
    Sample(rules.arrows, "governor/proxy/x.py", "from governor.admin import b", "admin"),
    Sample(rules.arrows, "governor/proxy/x.py", "from governor import cli", "cli"),
    Sample(rules.arrows, "governor/cellar.py", "", "'cellar' has no room"),
    Sample(rules.core_is_pure, "governor/core/a.py", "import random", "import random"),
    Sample(rules.core_is_pure, "governor/core/a.py", "import msgspec", "import msgspec"),
    Sample(rules.core_is_pure, "governor/core/a.py", "from urllib import request", "request"),
    Sample(rules.core_is_pure, "governor/core/a.py", "open('x')", "call open()"),
    Sample(rules.sizes, "governor/a.py", "x = 1\n" * 401, "401 lines"),
    Sample(rules.sizes, "governor/a.py", f"x = '{'-' * 100}'", "106 columns"),
    Sample(rules.sizes, "tests/a.py", "def f():\n" + "    x = 1\n" * 70, "71 lines"),
    Sample(rules.purpose, "governor/a.py", "x = 1", "what it is for"),
    Sample(rules.purpose, "governor/a.py", '"""Things and more things"""', "what it is for"),
    Sample(rules.tested, "governor/a.py", "", "no tests/shell/test_a.py"),
    Sample(rules.tested, "governor/b/a.py", "", "no tests/shell/b/test_a.py"),
    Sample(rules.tested, "governor/core/b/a.py", "", "no tests/core/b/test_a.py"),
    Sample(
        rules.tasks_have_an_owner,
        "governor/a.py",
        "from asyncio import create_task as go\ngo(f())",
        "asyncio.create_task",
    ),
    Sample(
        rules.tasks_have_an_owner,
        "governor/a.py",
        "import asyncio\nasyncio.get_running_loop().create_task(f())",
        "create_task",
    ),
    Sample(rules.one_clock, "governor/a.py", "from time import monotonic", "time.monotonic"),
    Sample(
        rules.one_clock,
        "governor/a.py",
        "from datetime import datetime\ndatetime.now()",
        "datetime.datetime.now",
    ),
    Sample(rules.one_clock, "governor/a.py", "asyncio.get_running_loop().time()", "time"),
    Sample(rules.one_clock, "governor/a.py", "import asyncio\nasyncio.sleep(1)", "asyncio.sleep"),
    Sample(rules.queues_are_bounded, "governor/a.py", "import asyncio\nasyncio.Queue()", "Queue"),
    Sample(
        rules.queues_are_bounded,
        "governor/a.py",
        "from queue import SimpleQueue\nSimpleQueue()",
        "SimpleQueue",
    ),
    Sample(
        rules.nothing_is_swallowed,
        "governor/a.py",
        "try:\n    f()\nexcept Exception:\n    pass",
        "except Exception",
    ),
    Sample(
        rules.nothing_is_swallowed,
        "governor/a.py",
        "try:\n    f()\nexcept:\n    pass",
        "except BaseException",
    ),
    Sample(
        rules.nothing_is_swallowed,
        "governor/proxy.py",
        "try:\n    f()\nexcept Exception:\n    g()\n" * 2,
        "governor/proxy.py:7",
    ),
    Sample(
        rules.nothing_is_swallowed,
        "governor/a.py",
        "from contextlib import suppress\nwith suppress(Exception):\n    f()",
        "suppress(Exception)",
    ),
    Sample(rules.tests_are_honest, "tests/a.py", "from unittest import mock", "unittest.mock"),
    Sample(rules.tests_are_honest, "tests/a.py", "import time\ntime.sleep(1)", "time.sleep"),
    Sample(rules.judge_stands_alone, "governor/demo/judge.py", "import governor.x", "governor.x"),
    Sample(rules.names_are_plain, "governor/utils.py", "", "'utils'"),
    Sample(rules.names_are_plain, "governor/a.py", "class LedgerManager: ...", "'manager'"),
    Sample(rules.names_are_plain, "governor/a.py", "def f(daily_quota): ...", "'quota'"),
    Sample(rules.nothing_of_this_machine, "deploy/a", OTHER(["see /wo", "rk/x"]), "rk/"),
    Sample(rules.nothing_of_this_machine, "tests/a", OTHER(["py", "pi.org"]), "belongs to"),
    Sample(rules.nothing_of_this_machine, "README.md", OTHER([".", "./shared"]), "shared"),
    Sample(
        rules.unfinished_work_has_a_condition,
        "governor/a.py",
        OTHER(["# TO", "DO: make faster"]),
        "does not say when",
    ),
    Sample(
        rules.exemptions_have_a_reason, "tests/a.py", OTHER(["f()  # no", "qa: S101"]), "reason"
    ),
    Sample(rules.exemptions_have_a_reason, "tests/a.py", OTHER(["f()  # no", "qa"]), "reason"),
    Sample(rules.top_level, "notes.txt", "", "notes.txt"),
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.rule.__name__)
def test_a_broken_rule_is_heard(sample: Sample, tmp_path: Path) -> None:
    _write(tmp_path, sample.place, sample.text)

    complaints = sample.rule(tmp_path)

    assert len(complaints) == 1
    assert sample.complaint in complaints[0]


KEPT: Final = (
    Sample(rules.arrows, "governor/cli.py", "from governor import store, proxy", ""),
    Sample(rules.arrows, "governor/store.py", "from governor.clock import Clock", ""),
    Sample(
        rules.arrows,
        "governor/store.py",
        "if TYPE_CHECKING:\n    from governor.exchange import Request",
        "",
    ),
    Sample(rules.core_is_pure, "governor/core/counting.py", "import msgspec", ""),
    Sample(rules.tasks_have_an_owner, "governor/tasks.py", "asyncio.create_task(f())", ""),
    Sample(rules.one_clock, "governor/clock.py", "import time\ntime.time()", ""),
    Sample(rules.queues_are_bounded, "governor/a.py", "asyncio.Queue(maxsize=8)", ""),
    Sample(
        rules.nothing_is_swallowed,
        "governor/proxy.py",
        "try:\n    f()\nexcept Exception:\n    g()",
        "",
    ),
    Sample(
        rules.nothing_is_swallowed,
        "governor/a.py",
        "try:\n    f()\nexcept BaseException:\n    g()\n    raise",
        "",
    ),
    Sample(rules.nothing_of_this_machine, ".ci/run", OTHER([".", "./shared/fixtures"]), ""),
    Sample(rules.nothing_of_this_machine, ".venv/a", OTHER(["py", "pi.org"]), ""),
    Sample(
        rules.unfinished_work_has_a_condition,
        "governor/a.py",
        OTHER(["# TO", "DO: remove when Python 3.11 is gone"]),
        "",
    ),
    Sample(
        rules.exemptions_have_a_reason, "tests/a.py", OTHER(["f()  # no", "qa: S101  # why"]), ""
    ),
    Sample(rules.top_level, ".editorconfig", "", ""),
)


@pytest.mark.parametrize("sample", KEPT, ids=lambda sample: sample.rule.__name__)
def test_what_a_rule_allows_is_not_complained_of(sample: Sample, tmp_path: Path) -> None:
    _write(tmp_path, sample.place, sample.text)

    assert sample.rule(tmp_path) == []


def test_a_lock_with_a_hole_is_heard(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "pyproject.toml",
        '[project]\ndependencies = ["a>=1", "b"]\n'
        'optional-dependencies = { build = ["c"], test = ["d"] }\n',
    )
    _write(tmp_path, "requirements.lock", "a==1 \\\n    --hash=sha256:00\nb==1\n")
    _write(tmp_path, "tests/requirements.lock", "--index-url https://x\na==2 --hash=sha256:00\n")

    assert papers.locks_are_whole(tmp_path) == [
        "requirements.lock: b has no hash",
        "requirements.lock: nothing pins c; run `make lock`",
        "tests/requirements.lock: '--index-url' is not a pin",
        *(f"tests/requirements.lock: nothing pins {name}; run `make lock`" for name in "bcd"),
    ]
    assert papers.locks_agree(tmp_path) == [
        "a: users get 1, the tests run 2",
        "b: users get 1, the tests run none",
    ]


def test_a_word_that_nobody_explains_is_heard(tmp_path: Path) -> None:
    _write(tmp_path, "Makefile", ".PHONY: run fly\nrun:  ## Start\nfly:\n")
    _write(tmp_path, "README.md", "Say `make run`.")

    assert papers.words_of_make(tmp_path) == [
        "make fly: has no `##` line",
        "make fly is not in the README",
    ]


def _write(root: Path, place: str, text: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n", "utf-8")
