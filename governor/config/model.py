"""What may stand in governor.toml, with its defaults. The names are what users rely on (design, 5).

Every key may be absent: without any file Governor keeps X's terms on this machine.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from governor.config.values import (
    Duration,
    Endpoint,
    ExistingFile,
    Name,
    Networks,
    Place,
    Sha256,
    is_loopback,
)
from governor.config.values import endpoint as parse_endpoint
from governor.core import policy
from governor.core.ledger.messages import MOST_POSTS

DAY_MS = 86_400_000
STATE = Path("~/.local/state/governor").expanduser()


class Table(BaseModel):
    """A table of the file: no unknown key, and never changed once it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listen(Table):
    """Where Governor is reached."""

    proxy: Endpoint = Field("127.0.0.1:8080", description="Every way in: proxy and gateway.")
    admin: Endpoint = Field("127.0.0.1:9180", description="Metrics, health, status.")
    tls_cert: ExistingFile | None = Field(None, description="TLS on the proxy port itself.")
    tls_key: ExistingFile | None = Field(None, description="The key of tls_cert.")
    admin_token_file: ExistingFile | None = Field(
        None, description="Holds the bearer token that the admin port then asks for."
    )
    insecure_network: bool = Field(
        default=False, description="Listen beyond loopback without tokens and TLS."
    )


class Ledger(Table):
    """Where the ledger and the journal are kept."""

    state: Place = Field(STATE, description="Directory of the journal and the CA.")
    redis: str | None = Field(
        None, description="The shared ledger; absent: embedded, this machine only."
    )
    redis_password_file: ExistingFile | None = Field(
        None, description="Holds the password, out of the configuration."
    )
    keep: Duration = Field(400 * DAY_MS, description="How long the journal is kept.")


class Tls(Table):
    """The CA that signs for governed hosts."""

    ca_cert: ExistingFile | None = Field(None, description="One CA for all governors of a group.")
    ca_key: ExistingFile | None = Field(None, description="The key of ca_cert, mode 0600.")


class Log(Table):
    """What is written to standard error."""

    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, else JSON."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is written."
    )


class Upstream(Table):
    """How the platforms are reached."""

    connect_to: dict[str, Endpoint] = Field(
        default_factory=dict, description="Another address for a host:port, as curl --connect-to."
    )
    ca_file: ExistingFile | None = Field(None, description="Trusted besides the public roots.")
    allow_addresses: Networks = Field((), description="Private ranges that may be dialled.")
    other_hosts: Literal["tunnel", "refuse"] = Field(
        "tunnel", description="Hosts without a contract."
    )
    proxy: str | None = Field(None, description="An upstream proxy, by CONNECT only.")
    connect_timeout: Duration = Field(10_000, description="Name, connection and TLS together.")
    read_timeout: Duration = Field(60_000, description="The longest silence in an answer.")
    drain: Duration = Field(30_000, description="How long a stop waits for running exchanges.")


class Damages(Table):
    """What the contract makes a breach cost."""

    amount: int = Field(gt=0, description="Per started per_posts posts above the limit.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")
    per_posts: int = Field(gt=0, description="The unit of amount.")


class Limit(Table):
    """At most so many posts in any window."""

    name: Name = Field(description="What refusals and metrics call it.")
    posts: int = Field(gt=0, lt=MOST_POSTS, description="The most posts.")
    window: Duration = Field(ge=1_000, description="The window's length, from 1s up.")


class Contract(Table):
    """One platform's terms."""

    name: Name = Field("x", description="What the ledger calls it.")
    catalog: str = Field("x", description="What its platform serves: a built-in name, or a file.")
    basis: policy.Basis = Field("asked", description="What is charged for an answer.")
    mode: policy.Mode = Field("enforce", description="shadow counts and refuses nothing.")
    unknown: policy.Unknown = Field("charge", description="Operations not in the catalog.")
    errors: policy.Errors = Field("free", description="A 4xx without posts.")
    throttle_from: float = Field(
        0.80, ge=0, le=1, description="Share of the limit from which requests are paced."
    )
    max_wait: Duration = Field(4_000, description="How long a request waits before it is refused.")
    damages: Damages | None = Field(None, description="For the exposure that metrics show.")
    limit: Annotated[tuple[Limit, ...], Field(min_length=1)] = Field(
        description="All of them hold at once."
    )


class Job(Table):
    """One crawler's identity."""

    name: Name = Field(description="The user of its proxy credentials.")
    token_sha256: Sha256 | None = Field(None, description="SHA-256 of its token, in hex.")
    contract: str | None = Field(None, description="The one contract it may use; absent: all.")
    posts: int | None = Field(None, gt=0, description="Its cap within the contract's limit.")
    reserved_posts: int = Field(0, ge=0, description="Kept free for it by the others.")
    weight: int = Field(1, ge=1, le=1_000, description="Its share when requests wait.")
    max_wait: Duration | None = Field(None, description="Instead of the contract's.")
    until: date | None = Field(None, description="The last day on which it collects, UTC.")


BUILT_IN = Contract(
    damages=Damages(amount=15_000, currency="USD", per_posts=1_000_000),
    limit=(Limit.model_validate({"name": "x-24h", "posts": 1_000_000, "window": "24h"}),),
)


class Config(Table):
    """All of it."""

    listen: Listen = Field(default_factory=Listen)
    ledger: Ledger = Field(default_factory=Ledger)
    tls: Tls = Field(default_factory=Tls)
    log: Log = Field(default_factory=Log)
    upstream: Upstream = Field(default_factory=Upstream)
    contract: Annotated[tuple[Contract, ...], Field(min_length=1)] = Field((BUILT_IN,))
    job: tuple[Job, ...] = Field(())

    def contracts(self) -> tuple[policy.Contract, ...]:
        """Return the contracts as the core knows them."""
        return tuple(
            policy.Contract(
                name=each.name,
                catalog=each.catalog,
                limits=tuple(
                    policy.Limit(limit.name, limit.posts, limit.window) for limit in each.limit
                ),
                basis=each.basis,
                mode=each.mode,
                unknown=each.unknown,
                errors=each.errors,
                throttle_from_ppm=round(each.throttle_from * 1_000_000),
                max_wait_ms=each.max_wait,
                damages=policy.Damages(**each.damages.model_dump()) if each.damages else None,
            )
            for each in self.contract
        )

    def jobs(self) -> tuple[policy.Job, ...]:
        """Return the jobs as the core knows them; without any table, one called `default`."""
        return tuple(_job(each) for each in self.job) or (policy.Job(policy.DEFAULT_JOB),)

    def conflicts(self) -> list[str]:
        """Return what is wrong between tables, each as a sentence with its key."""
        return [*self._names(), *self._references(), *self._exposure()]

    def notes(self) -> list[str]:
        """Return what is accepted and not yet in force, so that nobody relies on it."""
        paced = [each.name for each in self.contract if "throttle_from" in each.model_fields_set]
        shares = [
            each.name
            for each in self.job
            if each.reserved_posts or each.weight != Job(name="a").weight
        ]
        return [
            *(f"contract {name!r}: throttle_from has no effect yet" for name in paced),
            *(f"job {name!r}: weight and reserved_posts have no effect yet" for name in shares),
        ]

    def _names(self) -> list[str]:
        said = []
        for kind, names in (
            ("contract", [each.name for each in self.contract]),
            ("contract.limit", [limit.name for each in self.contract for limit in each.limit]),
            ("job", [each.name for each in self.job]),
            ("contract.catalog", [each.catalog for each in self.contract]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            said += [f"{kind}: {name!r} stands twice; each needs its own" for name in twice]
        return said

    def _references(self) -> list[str]:
        known = [each.name for each in self.contract]
        said = [
            f"job.contract: there is no contract {job.contract!r}; there are {', '.join(known)}"
            for job in self.job
            if job.contract is not None and job.contract not in known
        ]
        if (self.listen.tls_cert is None) != (self.listen.tls_key is None):
            said.append("listen.tls_cert: it goes with tls_key; set both or none")
        if (self.tls.ca_cert is None) != (self.tls.ca_key is None):
            said.append("tls.ca_cert: it goes with ca_key; set both or none")
        return said

    def _exposure(self) -> list[str]:
        """Beyond loopback anybody could collect on this group's account."""
        if self.listen.insecure_network:
            return []
        said = []
        if not is_loopback(parse_endpoint(self.listen.proxy)[0]):
            if not self.job or any(job.token_sha256 is None for job in self.job):
                said.append("listen.proxy: beyond loopback every [[job]] needs a token_sha256, ")
            if self.listen.tls_cert is None:
                said.append("listen.proxy: beyond loopback it needs tls_cert and tls_key, ")
        if not is_loopback(parse_endpoint(self.listen.admin)[0]) and (
            self.listen.admin_token_file is None
        ):
            said.append("listen.admin: beyond loopback it needs admin_token_file, ")
        return [f"{each}or listen.insecure_network = true" for each in said]


def _job(job: Job) -> policy.Job:
    until_ms = None
    if job.until is not None:  # to the end of that day
        midnight = datetime.combine(job.until, time(), UTC)
        until_ms = int(midnight.timestamp()) * 1_000 + DAY_MS
    return policy.Job(
        name=job.name,
        token_sha256=job.token_sha256,
        contract=job.contract,
        posts=job.posts,
        reserved_posts=job.reserved_posts,
        weight=job.weight,
        max_wait_ms=job.max_wait,
        until_ms=until_ms,
    )
