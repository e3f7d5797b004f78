"""Time that no clock saw passes on an operator's word, and on nothing less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor import recovery
from governor.cli.initialise import initialise
from governor.cli.passing import let_pass
from governor.core.ledger.records import Vouched, Word
from governor.errors import InUseError, UsageError
from governor.journal import Reader
from tests.fakes.serving import serving

if TYPE_CHECKING:
    from governor.config import Config
    from governor.core.ledger.state import ContractState
    from tests.fakes.redis import RedisServer
    from tests.shell.cli.conftest import Configure

OFF_MS: Final = 25 * 3_600_000


def state(config: Config) -> ContractState:
    return recovery.load(Reader(config.ledger.state / "journal.db"))[1].contracts["x"]


async def test_time_passes_by_as_much_as_is_said_and_the_word_is_kept(
    configure: Configure,
) -> None:
    config, said = configure(), list[str]()
    await initialise(config, 500)
    before = state(config)
    await let_pass(config, OFF_MS, said.append)

    assert state(config).time_ms == before.time_ms + OFF_MS
    assert said == ["ledger of x: you vouch that 25h have passed that no clock of this machine saw"]
    journal = Reader(config.ledger.state / "journal.db")
    words = [record for _, record in journal.records((Vouched,)) if isinstance(record, Vouched)]
    assert [word.word for word in words] == [Word.PASSED]


async def test_what_passed_frees_what_was_charged_before(configure: Configure) -> None:
    config = configure()
    await initialise(config, 500)
    await let_pass(config, OFF_MS, lambda _: None)
    async with serving(config) as running:
        usage = running.member.talks["x"].snapshot().usage

    assert usage["x-24h"].charged == 0


async def test_a_shared_ledger_needs_nobodys_word_on_time(
    configure: Configure, fresh_redis: RedisServer
) -> None:
    config = configure(ledger=f'redis = "{fresh_redis.url}"\n')
    await initialise(config, 500)

    with pytest.raises(UsageError, match="went on meanwhile"):
        await let_pass(config, OFF_MS, lambda _: None)


async def test_nothing_is_said_beside_a_governor_that_runs(configure: Configure) -> None:
    """Its clocks are running: what they see is what has passed."""
    config = configure()
    await initialise(config, 500)
    async with serving(config):
        with pytest.raises(InUseError):
            await let_pass(config, OFF_MS, lambda _: None)
