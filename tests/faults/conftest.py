"""No fault reaches beyond loopback; what each trial came to is printed as one table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.isolation import enter_loopback_only
from tests.fakes.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.fleet import Outcome

TABLES = {  # a kind of trial, and the head of its table
    "fault": (
        "| fault | worst window | of the limit | requests served meanwhile | resumed after |",
        "|---|---|---|---|---|",
    ),
    "line": (
        "| line | fault | served | refused | failed | hung | delivered | counted | undercounted |",
        "|---|---|---|---|---|---|---|---|---|",
    ),
}


@pytest.fixture(autouse=True)
def _loopback_only() -> None:
    refused = enter_loopback_only()
    if refused:
        pytest.skip(refused)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Give a Redis of the test's own, kept as an operator is told to keep it."""
    server = RedisServer(tmp_path / "redis", settings=("--enable-debug-command", "yes"))
    yield server
    server.close()


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[Outcome], Outcome]:
    """Give what puts an outcome into the table that is printed at the end."""

    def tell(outcome: Outcome) -> Outcome:
        record_property("fault", outcome.row())
        return outcome

    return tell


@pytest.fixture
def line_told(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Give what puts a row into the table of faulty lines."""
    return lambda row: record_property("line", row)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables; a run without any trial prints nothing."""
    told = [
        (name, str(value))
        for kind in ("passed", "failed")
        for report in terminalreporter.getreports(kind)
        for name, value in report.user_properties
        if report.when == "call"
    ]
    for table, head in TABLES.items():
        rows = [row for name, row in told if name == table]
        for line in (*head, *rows) if rows else ():
            terminalreporter.write_line(line)
