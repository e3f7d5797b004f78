"""`governor check`: whether what is configured would do, each part judged, with its remedy.

Nothing is changed, and it can be asked beside a Governor that runs.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from governor import recovery
from governor.cli import parts, tears
from governor.cli.asking import ask
from governor.clock import SystemClock
from governor.config.values import endpoint
from governor.core.ledger.decisions import REMEDIES
from governor.core.ledger.messages import DoubtReason
from governor.core.ledger.records import Torn
from governor.errors import GovernorError
from governor.journal import Reader, kept
from governor.upstream import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.messages import Identity

JOURNAL: Final = "journal.db"
OTHERS: Final = 0o077  # what a mode lets other users do


@dataclass(frozen=True, slots=True)
class Checked:
    """One part, judged. `said` is what was found or, for an unsound one, the remedy."""

    part: str
    sound: bool
    said: str

    def line(self) -> str:
        """Return it for a person."""
        return f"{'ok    ' if self.sound else 'FAILED'} {self.part}: {self.said}"

    def as_json(self) -> dict[str, Any]:
        """Return it for a program."""
        return asdict(self)


async def check_all(config: Config) -> list[Checked]:
    """Judge everything; a part that cannot be judged is unsound."""
    clock = SystemClock()
    found = [Checked("configuration", sound=True, said="it is well formed")]
    for part, check in CHECKS:
        try:
            found.append(Checked(part, sound=True, said=check(config, clock)))
        except GovernorError as error:
            found.append(Checked(part, sound=False, said=str(error)))
    found += [checked async for checked in _ports(config)]
    found += [checked async for checked in _ledgers(config, clock)]
    return found


def _catalogs(config: Config, _: Clock) -> str:
    read = parts.read_catalogs(config)
    count = sum(len(catalog.operations) for catalog in read.values())
    return f"{', '.join(read)}: {count} operations"


def _ca(config: Config, clock: Clock) -> str:
    parts.load_ca(config, parts.read_catalogs(config), clock)
    return f"{parts.ca_files(config)[0]}"


def _upstream(config: Config, _: Clock) -> str:
    Route.of(
        allow_addresses=config.upstream.allow_addresses,
        connect_to=config.upstream.connect_to,
        proxy=config.upstream.proxy,
    )
    return "its addresses can be read"


def _state(config: Config, _: Clock) -> str:
    state = config.ledger.state
    if not state.is_dir():
        raise GovernorError(f"{state} is no directory: run `governor init`")
    if state.stat().st_mode & OTHERS:
        raise GovernorError(f"{state} is open to other users: chmod 700 {state}")
    return f"{state}"


def _journal(config: Config, _: Clock) -> str:
    reader = Reader(_journal_file(config))
    rows = reader.verify_chain(tail=True)
    state = recovery.load(reader)[1]
    still_there = kept(config.ledger.state)
    for _, torn in reader.records({Torn}) if still_there else ():
        if isinstance(torn, Torn) and torn.kept in still_there:
            raise GovernorError(tears.said(torn, config.ledger.state))
    for contract in config.contracts():
        recovery.require_home(state, contract.name, parts.home(config))
    return f"{_journal_file(config)}: its last {rows:,} records are whole"


CHECKS: Final[tuple[tuple[str, Callable[[Config, Clock], str]], ...]] = (
    ("catalogs", _catalogs),
    ("upstream", _upstream),
    ("state", _state),
    ("CA", _ca),
    ("journal", _journal),
)


def _journal_file(config: Config) -> Path:
    file = config.ledger.state / JOURNAL
    if not file.is_file():
        raise GovernorError(f"{file} is missing: run `governor init`")
    return file


async def _ports(config: Config) -> AsyncIterator[Checked]:
    """Yield whether each address can be listened on, or a Governor listens there already."""
    for key, address in (("proxy", config.listen.proxy), ("admin", config.listen.admin)):
        part, (host, port) = f"listen.{key}", endpoint(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            serves = error.errno == errno.EADDRINUSE and (await ask(config, "/live"))[0]
            why = str(error.strerror).partition(" (")[0]  # Python repeats the address there
            said = "a Governor serves" if serves else f"{why}: see listen.{key}"
            yield Checked(part, sound=serves, said=f"{address}: {said}")
        else:
            yield Checked(part, sound=True, said=f"{address} is free")


async def _ledgers(config: Config, clock: Clock) -> AsyncIterator[Checked]:
    if not config.ledger.is_shared:
        yield Checked("ledger", sound=True, said="embedded: for one Governor on this machine")
        return
    for contract in config.contracts():
        store = parts.redis_store(config, contract.name, clock)
        try:
            findings = await store.settings()
            there = await store.identity()
        except GovernorError as error:
            yield Checked("ledger", sound=False, said=str(error))
            continue
        finally:
            await store.close()
        for finding in findings:
            said = f"{finding.value}" if finding.sound else f"{finding.value}: {finding.remedy}"
            yield Checked(f"redis {finding.setting}", sound=finding.sound, said=said)
        yield _compared(contract.name, _known(config, contract.name), there)


def _compared(contract: str, known: Identity | None, there: Identity | None) -> Checked:
    """Judge the ledger that Redis holds by the one that the journal knows."""
    part = f"ledger of {contract}"
    if there is None:
        return Checked(part, sound=False, said=REMEDIES[DoubtReason.MISSING])
    if known is None:
        return Checked(part, sound=False, said="it is there: run `governor init` to join it")
    if known != there:
        return Checked(part, sound=False, said=REMEDIES[DoubtReason.FOREIGN])
    return Checked(part, sound=True, said="it is the one that the journal knows")


def _known(config: Config, contract: str) -> Identity | None:
    """Return which ledger the journal knows; a journal that is no good was told of already."""
    try:
        _, state = recovery.load(Reader(_journal_file(config)))
    except GovernorError:
        return None
    known = state.contracts.get(contract)
    return known.identity if known else None
