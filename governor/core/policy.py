"""The rules: contracts with their limits, the jobs, and what each exchange is charged.

Everything here is a value or a pure function of values. "Charged" follows design section 2: an
answer read to its end and counted is settled by its count, a request of which nothing was written
is void, and everything else costs its full price, or the count where that is higher.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from governor.core.calendar import Calendar
from governor.core.ledger.messages import MOST_POSTS, SHARE, Account, Leniency

if TYPE_CHECKING:
    from collections.abc import Collection

Basis = Literal["asked", "received"]
Mode = Literal["enforce", "shadow"]
Unknown = Literal["charge", "refuse"]
Errors = Literal["free", "charge"]
DEFAULT_JOB = "default"  # the one job when no [[job]] is configured


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` of a unit in any window of `window_ms` or, with a `calendar`, in its periods.

    The unit is `posts` or what the contract `counts` them as, `requests`, or one in which the
    catalog states costs. `calendar` is the canonical text of a `Calendar`, and `window_ms` then the
    longest that its periods last.
    """

    name: str
    most: int
    window_ms: int
    unit: str = "posts"
    calendar: str = ""

    def __post_init__(self) -> None:
        if self.calendar and self.window_ms != Calendar.parse(self.calendar).longest_ms:
            raise ValueError(f"limit {self.name!r}: its window is not that of its calendar")
        if not 0 < self.most < MOST_POSTS:
            raise ValueError(f"limit {self.name!r}: {self.unit} must be 1 to {MOST_POSTS - 1:_}")
        if SHARE in self.name:
            raise ValueError(f"limit {self.name!r}: a name has no {SHARE!r} in it")


@dataclass(frozen=True, slots=True)
class Damages:
    """What the contract makes its breach cost: `amount` per `per_posts` posts."""

    amount: int
    currency: str
    per_posts: int


@dataclass(frozen=True, slots=True)
class Contract:
    """One platform's terms: a catalog of what it serves, and the limits on it.

    `counts` is what the catalog calls what is received, posts elsewhere. `domains` are those of a
    platform that has many, and no others are governed then.
    """

    name: str
    catalog: str
    limits: tuple[Limit, ...]
    basis: Basis = "asked"
    mode: Mode = "enforce"
    unknown: Unknown = "charge"
    errors: Errors = "free"
    throttle_from_ppm: int = 800_000
    max_wait_ms: int = 4_000
    damages: Damages | None = None
    counts: str = "posts"
    domains: tuple[str, ...] = ()

    def on_posts(self, limit: Limit) -> bool:
        """Say whether a limit is on what is received, by whichever name."""
        return limit.unit in ("posts", self.counts)

    @property
    def limits_on_posts(self) -> tuple[Limit, ...]:
        """The limits on what is received."""
        return tuple(limit for limit in self.limits if self.on_posts(limit))

    @property
    def first(self) -> Limit:
        """The limit that stands for all where one number must do: the first on posts, if any."""
        return (self.limits_on_posts or self.limits)[0]


@dataclass(frozen=True, slots=True)
class Job:
    """One crawler's identity: its token's hash, the contract it may use, and its share.

    `contract` None means all of them; `posts` None means no cap of its own.
    """

    name: str
    token_sha256: str | None = None
    contract: str | None = None
    posts: int | None = None
    reserved_posts: int = 0
    weight: int = 1
    max_wait_ms: int | None = None
    until_ms: int | None = None


def leniency(contract: Contract) -> Leniency:
    """Return in what a contract's rules are laxer than the strictest there are."""
    lax = {
        Leniency.SHADOW: contract.mode == "shadow",
        Leniency.RECEIVED: contract.basis == "received",
        Leniency.UNKNOWN_CHARGED: contract.unknown == "charge",
        Leniency.ERRORS_FREE: contract.errors == "free",
    }
    return Leniency(sum(flag for flag, is_lax in lax.items() if is_lax))


def strictest(contract: Contract, shown: Leniency) -> Contract:
    """Return the contract as it binds: where `shown` is not lax, neither is it (invariant 10).

    `shown` is what all rules have in common that the ledger was shown, so nobody's own
    configuration can loosen what another governor of the group keeps.
    """
    return replace(
        contract,
        mode=contract.mode if Leniency.SHADOW in shown else "enforce",
        basis=contract.basis if Leniency.RECEIVED in shown else "asked",
        unknown=contract.unknown if Leniency.UNKNOWN_CHARGED in shown else "refuse",
        errors=contract.errors if Leniency.ERRORS_FREE in shown else "charge",
    )


def accounts(contract: Contract, jobs: tuple[Job, ...]) -> tuple[Account, ...]:
    """Return every account of a contract: each limit's own, and each job's share of it.

    A job's cap is in posts, so that its share of a limit in another unit has none.
    """
    own = [_account(limit, limit.name, limit.most) for limit in contract.limits]
    shares = [
        _account(
            limit,
            f"{limit.name}{SHARE}{job.name}",
            job.posts if contract.on_posts(limit) else None,
        )
        for limit in contract.limits
        for job in jobs
        if job.contract in (None, contract.name)
    ]
    return (*own, *shares)


def _account(limit: Limit, name: str, most: int | None) -> Account:
    return Account(name, most, limit.window_ms, limit.unit, limit.calendar)


def amounts(
    contract: Contract,
    job: Job,
    posts: int,
    *,
    requests: int = 1,
    costs: Collection[tuple[str, int]] = (),
) -> tuple[tuple[str, int], ...]:
    """Return what a hold of `posts` by `job` takes from each of its accounts.

    A hold is one wire request (invariant 9); once void, or a top-up of one, it is none. `costs` are
    what the catalog says a request costs in other units, whatever comes back: they fall due when
    the request does. The accounts are among `accounts`: a job of another contract, which shadow
    mode lets pass, has no share.
    """
    share = f"{SHARE}{job.name}"
    endings = ("", share) if job.contract in (None, contract.name) else ("",)
    due = {"requests": requests, **{unit: cost * requests for unit, cost in costs}}
    return tuple(
        (limit.name + ending, posts if contract.on_posts(limit) else due.get(limit.unit, 0))
        for limit in contract.limits
        for ending in endings
    )
