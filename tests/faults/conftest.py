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

HEAD = (
    "| fault | worst window | of the limit | requests served meanwhile | resumed after |",
    "|---|---|---|---|---|",
)


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table; a run without any trial prints nothing."""
    rows = [
        str(value)
        for kind in ("passed", "failed")
        for report in terminalreporter.getreports(kind)
        for name, value in report.user_properties
        if name == "fault" and report.when == "call"
    ]
    for line in (*HEAD, *rows) if rows else ():
        terminalreporter.write_line(line)
