"""A member joins under the limits that are in force, and keeps its journal short and whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from governor.cli.initialise import initialise
from governor.errors import LedgerError
from tests.fakes.serving import config_of, serving, settings

if TYPE_CHECKING:
    from pathlib import Path


async def test_without_init_it_does_not_serve(tmp_path: Path) -> None:
    governor = settings(tmp_path / "governor")

    with pytest.raises(LedgerError, match="governor init"):
        async with serving(config_of(governor)):
            pass


async def test_a_higher_limit_needs_an_operators_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invariant 10. A file can be edited by mistake; what is enforced is said in the log."""
    await initialise(config_of(settings(tmp_path / "governor")), None)
    governor = settings(tmp_path / "governor", ("posts = 10000", "posts = 20000"))
    async with serving(config_of(governor)) as running:
        limit = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["limit"]

    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert limit == 10_000
    assert (line["level"], line["configured"], line["enforced"]) == ("warning", 20_000, 10_000)


async def test_a_lower_limit_is_in_force_at_once_and_stays(tmp_path: Path) -> None:
    await initialise(config_of(settings(tmp_path / "governor")), None)
    lower = settings(tmp_path / "governor", ("posts = 10000", "posts = 9000"))
    async with serving(config_of(lower)) as running:
        at_once = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["limit"]
    back = settings(tmp_path / "governor")
    async with serving(config_of(back)) as running:
        afterwards = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["limit"]

    assert (at_once, afterwards) == (9_000, 9_000)
