"""`governor check`: whether what is configured would do, each part judged, with its remedy.

Nothing is changed, and it can be asked beside a Governor that runs. What would make `governor run`
end at once is judged by the same functions, so that both say the same.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from governor import catalogs, recovery
from governor.cli import parts, tears
from governor.cli.asking import ask
from governor.cli.ending import require_none_left_out
from governor.cli.looking import configured, in_force, waits_for
from governor.clock import SystemClock
from governor.config.values import endpoint
from governor.core.catalog import Catalog
from governor.core.ledger.decisions import REMEDIES
from governor.core.ledger.messages import DoubtReason
from governor.core.ledger.records import Torn
from governor.core.ledger.roster import MemberStanding
from governor.core.rules import bind
from governor.errors import ConfigError, DoubtError, GovernorError
from governor.journal import kept
from governor.upstream import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.state import ContractState, MemberState
    from governor.core.policy import Contract
    from governor.core.rules import Laxer, Rules
    from governor.store import Survey

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
    found += [_checked(part, partial(check, config, clock)) for part, check in CHECKS]
    found += [checked async for checked in _ports(config)]
    found += [checked async for checked in _ledgers(config, clock)]
    return found


def _catalogs(config: Config, _: Clock) -> str:
    read = parts.read_catalogs(config)
    for name in catalogs.names():  # those that no contract uses yet, too
        Catalog.parse(catalogs.text(name))
    count = sum(len(catalog.operations) for catalog in read.values())
    return f"{', '.join(read)}: {count} operations"


def _sound_catalogs(config: Config) -> dict[str, Catalog]:
    """Return the catalogs for a part that rests on them: what is wrong with them is said once."""
    try:
        return parts.read_catalogs(config)
    except ConfigError:
        raise ConfigError("it rests on the catalogs, which are wrong") from None


def _domains(config: Config, _: Clock) -> str:
    read = _sound_catalogs(config)
    twice = [
        f"{one} and {other} both govern {inner}, and only {one} would count it: take the domain "
        f"from the contract or catalog of one"
        for one, other in combinations(read, 2)
        for inner in _shared(read[one].domains, read[other].domains)
    ]
    if twice:
        raise ConfigError(*twice)
    return ", ".join(parts.domains(read))


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> list[str]:
    """Return the domains of either that are, or are below, one of the other's."""
    inner = {a for a in one for b in other if f".{a}".endswith(f".{b}")}
    return sorted(inner | {b for a in one for b in other if f".{b}".endswith(f".{a}")})


def _ca(config: Config, clock: Clock) -> str:
    parts.load_ca(config, _sound_catalogs(config), clock)
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
    reader = parts.read_journal(config)
    rows = reader.verify_chain(tail=True)
    state = recovery.load(reader)[1]
    parts.require_named(config, state.member)
    still_there = kept(config.ledger.state)
    for _row, torn in reader.records({Torn}) if still_there else ():
        if isinstance(torn, Torn) and torn.kept in still_there:
            raise GovernorError(tears.said(torn, config.ledger.state))
    require_none_left_out(state, [contract.name for contract in config.contracts()])
    for contract in config.contracts():
        recovery.require_home(state, contract.name, parts.home(config))
    return f"its last {rows:,} records are whole; it is that of member {state.member}"


CHECKS: Final[tuple[tuple[str, Callable[[Config, Clock], str]], ...]] = (
    ("catalogs", _catalogs),
    ("domains", _domains),
    ("upstream", _upstream),
    ("state", _state),
    ("CA", _ca),
    ("journal", _journal),
)


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


def _contracts(config: Config) -> tuple[Contract, ...]:
    """Return the contracts as they would run; where catalogs are wrong, and told, as configured."""
    try:
        return parts.contracts(config, parts.read_catalogs(config))
    except ConfigError:
        return config.contracts()


async def _ledgers(config: Config, clock: Clock) -> AsyncIterator[Checked]:
    if not config.ledger.is_shared:
        yield Checked("ledger", sound=True, said="embedded: for one Governor on this machine")
    for contract in _contracts(config):
        there = None
        if config.ledger.is_shared:
            store = parts.redis_store(config, contract.name, clock)
            try:
                findings = await store.settings()
                there = await store.survey()
            except GovernorError as error:
                yield Checked("ledger", sound=False, said=str(error))
                continue
            finally:
                await store.close()
            for finding in findings:
                said = f"{finding.value}" if finding.sound else f"{finding.value}: {finding.remedy}"
                yield Checked(f"redis {finding.setting}", sound=finding.sound, said=said)
        # After the survey, for a start is journaled before a ledger hears of it.
        for checked in _contract(config, contract, _known(config), there):
            yield checked


def _contract(
    config: Config, contract: Contract, state: MemberState | None, there: Survey | None
) -> Iterator[Checked]:
    """Yield whether a start of `state` would be listened to, and its rules be taken."""
    name = contract.name
    if config.ledger.is_shared:
        yield _checked(f"ledger of {name}", partial(_judged, state, name, there))
    if state is not None and name in state.contracts:
        bound = partial(_bound, state.contracts[name], there, configured(config, contract))
        yield _checked(f"rules of {name}", bound)


def _checked(part: str, judge: Callable[[], str]) -> Checked:
    try:
        return Checked(part, sound=True, said=judge())
    except GovernorError as error:
        return Checked(part, sound=False, said=str(error))


def _judged(state: MemberState | None, contract: str, there: Survey | None) -> str:
    """Return how the ledger stands that Redis holds. Raises DoubtError with what is to be done."""
    known = None if state is None else state.contracts.get(contract)
    if there is None:
        was = "" if known is None else "it was lost: "
        raise DoubtError(f"{was}{REMEDIES[DoubtReason.MISSING]}")
    if there.amiss not in (None, DoubtReason.EVICTING):  # that one is told with the settings
        raise DoubtError(REMEDIES[there.amiss])
    if state is None or known is None:
        raise DoubtError("it is there: run `governor init` to join it")
    if not there.is_here:
        raise DoubtError(REMEDIES[DoubtReason.FOREIGN])
    _require_heard(state, there)
    if not there.open:
        waits = "; ".join(waits_for(there)) or "the next word of a Governor"
        raise DoubtError(f"it is closed by a loss, and waits for {waits}")
    if known.identity != there.identity:
        raise DoubtError(
            "it was lost, and restored or made anew, since this journal knew it; `governor run` "
            "brings this row to it"
        )
    return f"open; its members are {', '.join(seen.member for seen in there.members)}"


def _require_heard(state: MemberState, there: Survey) -> None:
    """Raise DoubtError if a start of this member would not be listened to."""
    for seen in there.members:
        if seen.member != state.member:
            continue
        if seen.standing is MemberStanding.RETIRED:
            raise DoubtError(REMEDIES[DoubtReason.RETIRED])
        if seen.generation > state.generation:
            raise DoubtError(REMEDIES[DoubtReason.FENCED])


def _bound(known: ContractState, there: Survey | None, shown: Rules) -> str:
    """Return what a start makes of the rules that are configured. Raises DoubtError if nothing."""
    binds = in_force(known, there)
    assert binds is not None, "the journal knows them"
    laxer = bind(binds, shown).laxer
    return "; ".join(map(_held_back, laxer)) or "those configured bind"


def _held_back(change: Laxer) -> str:
    return (
        f"{change.rule}: {change.binds} binds, {change.shown} is configured: "
        "`governor init --raise`"
    )


def _known(config: Config) -> MemberState | None:
    """Return what the journal knows; one that is no good was told of already."""
    try:
        return recovery.load(parts.read_journal(config))[1]
    except GovernorError:
        return None
