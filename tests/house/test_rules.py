"""Every rule of the house is heard about a tree that breaks it, and about no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.house import rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


def _write(root: Path, place: str, text: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n", "utf-8")
