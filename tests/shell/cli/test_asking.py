"""The Governor that runs is asked by its admin port, and its silence is an answer too."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from governor.admin import Admin
from governor.cli.asking import ask, table
from governor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.shell.cli.conftest import Configure

USAGE = {
    "limit": 1_000_000,
    "unit": "posts",
    "span": "24h",
    "usage": 4_217,
    "held": 300,
    "headroom": 995_783,
}
SHARE = {"limit": None, "unit": "posts", "span": "24h", "usage": 17, "held": 0, "headroom": None}
PACIFIC = {
    "limit": 10_000,
    "unit": "units",
    "span": "day America/Los_Angeles",
    "usage": 101,
    "held": 1,
    "headroom": 9_899,
}


async def nothing() -> None:
    """Do nothing."""


async def no_metrics(_: str) -> tuple[str, bytes]:
    return "text/plain", b""


@asynccontextmanager
async def admin(*, ready: bool = True, token: str | None = None) -> AsyncIterator[str]:
    """Run an admin port and give its address."""

    async def says() -> tuple[bool, str]:
        return ready, "ready" if ready else "contract x: unreachable"

    one = Admin(
        metrics=no_metrics, live=nothing, ready=says, status=lambda: {"a": 1}, admin_token=token
    )
    port = await one.listen("127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await one.close()


def listen(address: str, *more: str) -> str:
    return "\n".join(('[listen]\nproxy = "127.0.0.1:0"', f'admin = "{address}"', *more, ""))


async def test_a_governor_says_that_it_would_serve(configure: Configure) -> None:
    async with admin(ready=True) as address:
        assert await ask(configure(listen(address)), "/ready") == (True, "ready\n")


async def test_a_governor_says_why_it_would_not(configure: Configure) -> None:
    async with admin(ready=False) as address:
        said = await ask(configure(listen(address)), "/ready")

    assert said == (False, "contract x: unreachable\n")


async def test_where_nobody_listens_the_remedy_is_said(configure: Configure) -> None:
    said = await ask(configure(listen("127.0.0.1:1")), "/ready")

    assert said == (
        False,
        "no Governor answers on 127.0.0.1:1: start it with `governor run`",
    )


async def test_the_token_is_read_from_its_file(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n", "utf-8")
    async with admin(token="secret") as address:  # noqa: S106  # a test's own
        config = configure(listen(address, 'admin_token_file = "token"'))

        assert (await ask(config, "/status"))[0]


async def test_another_token_is_an_error_of_the_configuration(
    configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("another", "utf-8")
    async with admin(token="secret") as address:  # noqa: S106  # a test's own
        config = configure(listen(address, 'admin_token_file = "token"'))

        with pytest.raises(ConfigError, match="wants another token") as caught:
            await ask(config, "/status")
    assert "another\n" not in str(caught.value)


def rows(contract: dict[str, Any]) -> list[list[str]]:
    """Return the table's cells, line by line, without its frame."""
    lines = table({"contracts": [{"name": "x", **contract}]}).splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def test_a_person_sees_each_account_with_its_headroom() -> None:
    assert rows({"ledger": "open", "accounts": {"x-24h": USAGE, "x-24h/elections": SHARE}}) == [
        ["x", "x-24h", "1,000,000 posts", "24h", "4,217", "300", "995,783", "open"],
        ["x", "x-24h/elections", "-", "24h", "17", "0", "-", "open"],
    ]


def test_a_person_sees_in_which_unit_and_in_which_period_a_limit_holds() -> None:
    """On one line, however long its names are."""
    name = "youtube-search-and-video-units"

    assert rows({"ledger": "open", "accounts": {name: PACIFIC}}) == [
        ["x", name, "10,000 units", "day America/Los_Angeles", "101", "1", "9,899", "open"]
    ]


def test_an_account_whose_limit_is_not_configured_is_shown_as_it_stands() -> None:
    dropped = {"limit": None, "unit": None, "span": None, "usage": 5, "held": 0, "headroom": None}

    assert rows({"ledger": "open", "accounts": {"old": dropped}}) == [
        ["x", "old", "-", "-", "5", "0", "-", "open"]
    ]


def test_a_ledger_that_never_spoke_is_shown_with_its_state() -> None:
    assert rows({"ledger": "unreachable", "accounts": {}}) == [
        ["x", "-", "-", "-", "-", "-", "-", "unreachable"]
    ]


def below(**contract: object) -> list[str]:
    """Return what stands below the table."""
    lines = table({"contracts": [{"name": "x", "accounts": {}, **contract}]}).splitlines()
    return lines[next(at for at, line in enumerate(lines) if line.startswith("└")) + 1 :]


def test_below_an_open_ledger_nothing_is_said() -> None:
    assert below(ledger="open", doubt_ms=None, awaiting=[], awaits_word=False) == []


def test_a_doubt_is_said_with_its_age_and_its_remedy() -> None:
    [line] = below(ledger="evicting", doubt_ms=65_300, awaiting=[], awaits_word=False)

    assert line == (
        "x: evicting for 65s: Redis may evict its keys; set maxmemory-policy to noeviction"
    )


def test_a_closed_ledger_says_for_whom_it_waits_and_what_to_do() -> None:
    first, *rest = below(ledger="closed", doubt_ms=4_000, awaiting=["a1", "b2"], awaits_word=True)

    assert first.startswith("x: closed for 4s: ")
    assert rest == [
        (
            "  it waits for member a1: start that governor or, if it is dead for good, "
            "`governor retire --dead a1` (charges the whole of every limit for two windows, "
            "unless --charged N says what it cost)"
        ),
        (
            "  it waits for member b2: start that governor or, if it is dead for good, "
            "`governor retire --dead b2` (charges the whole of every limit for two windows, "
            "unless --charged N says what it cost)"
        ),
        "  it was lost whole, and needs an operator's word: `governor restore`",
    ]
