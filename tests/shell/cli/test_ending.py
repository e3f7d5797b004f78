"""A contract that has charges does not go out of the configuration without an operator's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor import recovery
from governor.cli import initialise as verb
from governor.cli.checks import check_all
from governor.cli.ending import left_out
from governor.core.ledger.records import Claimed, Vouched, Word
from governor.errors import DoubtError, UsageError
from governor.journal import Reader
from tests.fakes.serving import serving
from tests.shell.cli.conftest import CONTRACT

if TYPE_CHECKING:
    from governor.config import Config
    from tests.shell.cli.conftest import Configure

OTHER = CONTRACT.replace("x-24h", "y-24h").replace("[[contract]]", '[[contract]]\nname = "y"', 1)
PUT_BACK = r"contract 'x' has charges in the journal and no \[\[contract\]\].*init --drop x"


def journal(config: Config) -> Reader:
    return Reader(config.ledger.state / "journal.db")


async def replaced(configure: Configure, used: int) -> Config:
    """Return a configuration in which y stands where x stood, under which `used` were charged."""
    await verb.initialise(configure(), used)
    config = configure(contract=OTHER)
    await verb.initialise(config, 0)
    return config


async def test_nothing_starts_beside_a_contract_that_was_left_out(configure: Configure) -> None:
    """Whatever its platform serves would pass uncounted."""
    config = await replaced(configure, 250)

    with pytest.raises(DoubtError, match=PUT_BACK):
        async with serving(config):
            pass
    found = {each.part: each for each in await check_all(config)}
    assert not found["journal"].sound
    assert "init --drop x" in found["journal"].said


async def test_a_contract_under_which_nothing_was_charged_needs_no_word(
    configure: Configure,
) -> None:
    """The built-in one of a first try, most often."""
    async with serving(await replaced(configure, 0)):
        pass


async def test_an_operators_word_ends_it_and_is_journaled(configure: Configure) -> None:
    config = await replaced(configure, 250)

    said = await verb.initialise(config, None, drops=("x",))

    assert "contract x: kept no more, on your word" in said
    words = [record for _, record in journal(config).records({Vouched})]
    assert [(each.contract, each.word) for each in words if isinstance(each, Vouched)] == [
        ("x", Word.ENDED)
    ]
    async with serving(config):
        pass


async def test_what_is_collected_after_it_was_put_back_needs_a_word_of_its_own(
    configure: Configure,
) -> None:
    config = await replaced(configure, 250)
    await verb.initialise(config, None, drops=("x",))
    _, state = recovery.load(journal(config))
    assert left_out(state, ["y"]) == ()

    state.contracts["x"].apply(Claimed("x", "h", "default", "tweets", 1, 1, (), "", 0))

    assert left_out(state, ["y"]) == ("x",)
    assert left_out(state, ["x", "y"]) == ()


async def test_only_a_contract_that_was_left_out_can_be_ended(configure: Configure) -> None:
    config = configure()
    await verb.initialise(config, 250)

    with pytest.raises(UsageError, match="--drop: no limit 'x' binds"):
        await verb.initialise(config, None, drops=("x",))
