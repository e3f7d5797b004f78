"""`governor check`: whether what is configured would do, each part judged, with its remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from governor import recovery
from governor.cli import parts
from governor.clock import SystemClock
from governor.errors import GovernorError
from governor.journal import Reader
from governor.upstream import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.clock import Clock
    from governor.config import Config

JOURNAL = "journal.db"


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
    """Judge everything; a part that cannot be judged is unsound. Beside a running Governor too."""
    clock = SystemClock()
    found = [Checked("configuration", sound=True, said="it is well formed")]
    for check in (_catalogs, _ca, _upstream, _journal):
        try:
            found.append(check(config, clock))
        except GovernorError as error:
            part = check.__name__.strip("_").replace("ca", "CA")
            found.append(Checked(part, sound=False, said=str(error)))
    found += [checked async for checked in _ledgers(config, clock)]
    return found


def _catalogs(config: Config, _: Clock) -> Checked:
    read = parts.read_catalogs(config)
    count = sum(len(catalog.operations) for catalog in read.values())
    return Checked("catalogs", sound=True, said=f"{len(read)}, of {count} operations")


def _ca(config: Config, clock: Clock) -> Checked:
    parts.load_ca(config, parts.read_catalogs(config), clock)
    return Checked("CA", sound=True, said=f"{parts.ca_files(config)[0]}")


def _upstream(config: Config, _: Clock) -> Checked:
    Route.of(
        allow_addresses=config.upstream.allow_addresses,
        connect_to=config.upstream.connect_to,
        proxy=config.upstream.proxy,
    )
    return Checked("upstream", sound=True, said="its addresses can be read")


def _journal(config: Config, __: Clock) -> Checked:
    file = config.ledger.state / JOURNAL
    if not file.is_file():
        return Checked("journal", sound=False, said=f"{file} is missing: run `governor init`")
    reader = Reader(file)
    rows = reader.verify_chain(tail=True)
    _, state = recovery.load(reader)
    for contract in config.contracts():
        recovery.require_home(state, contract.name, parts.home(config))
    return Checked("journal", sound=True, said=f"{file}, its last {rows:,} records are whole")


async def _ledgers(config: Config, clock: Clock) -> AsyncIterator[Checked]:
    if config.ledger.redis is None:
        yield Checked("ledger", sound=True, said="embedded: for one Governor on this machine")
        return
    for contract in config.contracts():
        store = parts.redis_store(config, contract.name, clock)
        try:
            findings = await store.settings()
            known = await store.identity()
        except GovernorError as error:
            yield Checked("ledger", sound=False, said=str(error))
            continue
        finally:
            await store.close()
        for finding in findings:
            said = f"{finding.value}" if finding.sound else f"{finding.value}: {finding.remedy}"
            yield Checked(f"redis {finding.setting}", sound=finding.sound, said=said)
        there = "it is there" if known else "it is missing: run `governor init`"
        yield Checked(f"ledger of {contract.name}", sound=known is not None, said=there)
