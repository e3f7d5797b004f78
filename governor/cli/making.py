"""The ledger of one contract, made, joined, or changed on an operator's word.

First a plan is made of all contracts, from what is there and what is configured; only when nothing
stands in the way of any is the first carried out. Each may break off anywhere and be made again:
what an operator vouches for is durable before it takes effect, a limit begins with its charge in
one step, and the journal takes the ledger's word for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from governor import recovery
from governor.cli import parts, tears
from governor.cli.looking import configured, in_force, last_ms, look, rules_of
from governor.core.ledger.messages import DoubtReason, Identity
from governor.core.ledger.records import Adopted, Used, Vouched, Word
from governor.core.rules import Rules, bind, bind_both
from governor.errors import DoubtError, LedgerUnreachableError, UsageError
from governor.store import Begins

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Mapping

    from governor.cli.idle import IdleMember
    from governor.core.ledger.messages import Account
    from governor.core.ledger.records import Record
    from governor.core.ledger.state import ContractState
    from governor.core.policy import Contract
    from governor.core.rules import Binding
    from governor.store import Survey


@dataclass(frozen=True, slots=True)
class Words:
    """What an operator says to `init`: each is a fact, or a leave, that nobody else can give."""

    used: int | None = None
    move: bool = False
    raises: bool = False
    drops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one contract. `home` is where the configuration keeps it.

    `there` is what Redis holds, and `accounts` are all that bind from now on, or did.
    """

    contract: Contract
    home: str
    known: ContractState | None
    there: Survey | None
    accounts: tuple[Account, ...]
    bound: Binding
    begins: Mapping[str, Begins]

    @property
    def is_lost(self) -> bool:
        """Whether Redis does not hold, open, the ledger that this journal keeps there."""
        if self.known is None or self.moves or self.home == recovery.EMBEDDED:
            return False
        return self.there is None or not self.there.stands or not self.there.open

    @property
    def limits(self) -> frozenset[str]:
        """The limits that bind, or have just been dropped."""
        binding = (each.name for each in self.accounts if each.limit is not None)
        return frozenset((*binding, *self.bound.dropped))

    @property
    def moves(self) -> bool:
        """Whether the journal keeps it somewhere else."""
        return self.known is not None and self.known.home != self.home


@dataclass(frozen=True, slots=True)
class Begun:
    """The ledger as it is now: `charged` are the limits that begin, with what was used before.

    Those that are not `new` began in a try of `init` that did not end. `time_ms` is ledger time.
    """

    identity: Identity
    time_ms: int
    charged: Mapping[str, int]
    new: Collection[str]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done about one contract, line by line; `began`: a limit has begun."""

    lines: tuple[str, ...]
    began: bool


async def plan(member: IdleMember, contract: Contract, words: Words) -> Plan:
    """Look at what is there, and return what is to be done. Nothing is changed.

    Raises DoubtError and UsageError where an operator must say more, or something else.
    """
    home = parts.home(member.config)
    known = member.state.contracts.get(contract.name)
    if known is not None and not words.move:
        recovery.require_home(member.state, contract.name, home)
    there = await look(member.config, contract.name, member.clock)
    binds, bound = _bind(known, there, configured(member.config, contract), words)
    if known is None and (bound.dropped or (words.raises and bound.laxer)):
        raise UsageError(
            f"this governor does not know contract {contract.name!r} yet: run `governor init` "
            "with the rules that bind now, then raise or drop them"
        )
    if known is not None and words.raises and bound.laxer:
        tears.require_aged(contract.name, known, last_ms(known, there))
    begun = _begun(known, there, home)
    begins = {
        account.name: _begins(account, contract, words)
        for account in bound.accounts
        if account.name not in begun and account.limit is not None and not account.is_share
    }
    accounts = {**binds, **{account.name: account for account in bound.accounts}}
    return Plan(contract, home, known, there, tuple(accounts.values()), bound, begins)


def _bind(
    known: ContractState | None, there: Survey | None, shown: Rules, words: Words
) -> tuple[Mapping[str, Account], Binding]:
    """Return what bound and what binds: by the ledger or, if it is not the journal's, by both."""
    now = in_force(known, there) or Rules({}, shown.leniency)
    if known is None or there is None or not there.stands or there.identity == known.identity:
        bound = bind(now, shown, begins=True, raises=words.raises, drops=words.drops)
        return now.accounts, bound
    other = rules_of(there)
    bound = bind_both(now, other, shown, raises=words.raises, drops=words.drops)
    return {**now.accounts, **other.accounts}, bound


def _begun(known: ContractState | None, there: Survey | None, home: str) -> Container[str]:
    """Return the accounts that have begun; what `init` did and did not end has not."""
    if known is None:
        return ()
    if there is None or not there.stands:
        return known.accounts
    in_ledger = rules_of(there).accounts.keys()
    return in_ledger if known.home != home else in_ledger & known.accounts.keys()


def _begins(account: Account, contract: Contract, words: Words) -> Begins:
    """Return what a new limit begins with: the operator's word, 0 for a ledger made now.

    A limit added to a ledger in use starts full and ages in (invariant 10), or stays full until its
    period ends. So does one in another unit if any posts were collected: the word is on posts, but
    for a contract that limits one other unit and nothing else. More than full is nothing else.
    """
    full = account.limit or 0
    if words.used is None:
        return Begins(made=0, joined=full)
    on_posts = account.unit in ("posts", contract.counts)
    is_meant = on_posts or {limit.unit for limit in contract.limits} == {account.unit}
    used = min(words.used, full) if is_meant or not words.used else full
    return Begins(used, used)


async def carry_out(member: IdleMember, plan: Plan, words: Words) -> Done:
    """Make, join or change the ledger of a contract that stays where it is, and say so.

    Raises DoubtError if a lost ledger should be changed, and what the ledger raises.
    """
    if plan.is_lost:
        return _leave_lost(plan, words)
    vouched = tuple(vouched_for(plan, words))
    if member.config.ledger.is_shared:
        if vouched:
            await member.write(*vouched)
        begun = await begin_shared(member, plan, words)
        is_news = await adopt(member, plan, begun)
    else:
        begun = _begin_embedded(member, plan)
        is_news = await adopt(member, plan, begun, *vouched)
    await tell(member, plan)
    lines = [*said_of_rules(plan, words), *_said_begun(plan, words, begun)]
    if not begun.charged:
        unchanged = "" if is_news else "; nothing was changed"
        lines.append(f"ledger of {plan.contract.name}: joined in {plan.home}{unchanged}")
    return Done(tuple(lines), began=bool(begun.charged))


def _leave_lost(plan: Plan, words: Words) -> Done:
    """Say that a ledger must be restored first. Raises DoubtError if more was asked for."""
    name = plan.contract.name
    is_closed = plan.there is not None and plan.there.stands
    state = (
        "closed until all who share it have brought their rows"
        if is_closed
        else "lost: it is not there as this journal knows it"
    )
    if plan.begins or plan.bound.dropped or (words.raises and plan.bound.laxer):
        raise DoubtError(
            f"the ledger of contract {name!r} is {state}, and its rules do not change before it is "
            "open again. `governor run` restores it; then say this again."
        )
    return Done((f"ledger of {name}: it is {state}; `governor run` restores it",), began=False)


def vouched_for(plan: Plan, words: Words) -> Iterator[Vouched]:
    """Yield the operator's words that make rules laxer."""
    now_ms = plan.known.time_ms if plan.known is not None else 0
    for change in plan.bound.laxer if words.raises else ():
        yield Vouched(plan.contract.name, Word.RAISED, str(change), now_ms)
    for limit in plan.bound.dropped:
        yield Vouched(plan.contract.name, Word.DROPPED, f"limit {limit}", now_ms)


async def begin_shared(member: IdleMember, plan: Plan, words: Words) -> Begun:
    """Create or join it in Redis. What begins is charged there before anybody can use it.

    The journal then takes the ledger's word for it: a try that broke off has charged already.
    """
    store = parts.redis_store(member.config, plan.contract.name, member.clock)
    try:
        created = await store.create(
            plan.bound.accounts,
            member=member.state.member,
            begins=plan.begins,
            leniency=plan.bound.leniency,
            raises=bool(plan.bound.dropped) or words.raises,
        )
    finally:
        await store.close()
    charged = {
        account: created.charged[account]
        for account in plan.begins
        if account in created.new or created.charged[account]
    }
    return Begun(created.identity, created.time_ms, charged, created.new)


def _begin_embedded(member: IdleMember, plan: Plan) -> Begun:
    """Return what the journal is to say: it is all that an embedded ledger is made from."""
    if plan.known is not None:
        charged = {limit: begins.joined for limit, begins in plan.begins.items()}
        return Begun(plan.known.identity, plan.known.time_ms, charged, tuple(charged))
    charged = {limit: begins.made for limit, begins in plan.begins.items()}
    made = Identity(1, member.state.member, recovery.EMBEDDED)
    return Begun(made, member.clock.wall_ms(), charged, tuple(charged))


async def adopt(member: IdleMember, plan: Plan, begun: Begun, *before: Record) -> bool:
    """Journal `before`, the rules that bind from now on, and what was used before, in one.

    A ledger that had begun without the last would begin with nothing used. Returns whether there
    was anything to journal.
    """
    bound, known, name = plan.bound, plan.known, plan.contract.name
    used = tuple((account, posts) for account, posts in begun.charged.items() if posts)
    is_news = (
        known is None
        or known.leniency != bound.leniency
        or any(known.accounts.get(each.name) != each for each in plan.accounts)
    )
    if not (is_news or before):
        return False
    adopted = Adopted(
        name,
        plan.home,
        begun.identity,
        plan.accounts,
        begun.time_ms,
        member.clock.boot_ms(),
        bound.leniency,
    )
    await member.write(*before, adopted, *((Used(name, used),) if used else ()))
    return True


async def tell(member: IdleMember, plan: Plan) -> None:
    """Bring this member's row to the ledger once, so that others see what it charged."""
    async with member.talking(plan.contract.name) as talk:
        if talk.doubt is DoubtReason.UNREACHABLE:
            raise LedgerUnreachableError(
                f"the ledger of contract {plan.contract.name!r} did not answer: it was made "
                "and is journaled, but has not heard of this governor. "
                "Run `governor init` again, without --used."
            )


def said_of_rules(plan: Plan, words: Words) -> Iterator[str]:
    """Yield what binds otherwise than before, or than the configuration says."""
    name = plan.contract.name
    for change in plan.bound.laxer:
        if words.raises:
            yield (
                f"ledger of {name}: {change}, on your word. Every governor must show it: the next "
                "start of one that shows the old one brings that back"
            )
        else:
            yield (
                f"ledger of {name}: {change.rule} stays {change.binds}: what is laxer needs an "
                "operator's word, `governor init --raise`"
            )
    for limit in plan.bound.dropped:
        yield (
            f"ledger of {name}: limit {limit} binds no more, on your word. No governor that still "
            "shows it can start"
        )


def _said_begun(plan: Plan, words: Words, begun: Begun) -> Iterator[str]:
    """Yield what each limit begins with."""
    name = plan.contract.name
    units = {each.name: each.unit for each in plan.accounts}
    for account, posts in begun.charged.items():
        if account not in begun.new:
            why = ", as an earlier `governor init` that did not end told the ledger"
        else:
            why = " (say otherwise with --used N)" if words.used is None else ""
        yield f"ledger of {name}: limit {account} begins with {posts:,} {units[account]} used{why}"
