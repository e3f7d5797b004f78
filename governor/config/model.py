"""What may stand in governor.toml, with its defaults. The names are what users rely on (design, 5).

Every key may be absent: without any file Governor keeps X's terms on this machine.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from governor.config.values import (
    UNITS_MS,
    Catalog,
    Count,
    Day,
    Domains,
    Duration,
    Endpoint,
    ExistingFile,
    Members,
    Name,
    Networks,
    Place,
    Posts,
    ProxyUrl,
    RedisUrl,
    Routes,
    SentinelTable,
    Sha256,
    Share,
    Switch,
    Unit,
    at_least,
    endpoint,
    only,
)
from governor.core import policy
from governor.core.calendar import LAST_RESET_DAY, Calendar, PeriodName

DAY_MS = UNITS_MS["d"]


class Table(BaseModel):
    """A table of the file: no unknown key, and never changed once it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def as_written(default: str, *, description: str) -> Any:  # noqa: ANN401  # as pydantic's Field
    """Return a field whose default is written, and read, as the file would have it."""
    return Field(default, validate_default=True, description=description)


class Listen(Table):
    """Where Governor is reached."""

    proxy: Endpoint = Field("127.0.0.1:8080", description="Every way in: proxy and gateway.")
    admin: Endpoint = Field("127.0.0.1:9180", description="Metrics, health, status.")
    tls_cert: ExistingFile | None = Field(None, description="TLS on the proxy port itself.")
    tls_key: ExistingFile | None = Field(None, description="The key of tls_cert.")
    admin_token_file: ExistingFile | None = Field(
        None, description="Holds the bearer token that the admin port then asks for."
    )
    insecure_network: Switch = Field(
        default=False, description="Listen beyond loopback without tokens and TLS."
    )

    @property
    def proxy_endpoint(self) -> tuple[str, int]:
        """Host and port of the ways in; an IPv6 host comes without brackets."""
        return endpoint(self.proxy)

    @property
    def admin_endpoint(self) -> tuple[str, int]:
        """Host and port of the admin listener."""
        return endpoint(self.admin)


class Sentinel(Table):
    """Who knows where the primary is that keeps the shared ledger."""

    hosts: Annotated[tuple[Endpoint, ...], Field(min_length=1)] = Field(
        description="The Sentinels; each is asked until one knows."
    )
    service: Name = Field(description="What the Sentinels call the primary.")
    password_file: ExistingFile | None = Field(
        None, description="Holds the Sentinels' own password."
    )

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each; an IPv6 host comes without brackets."""
        return tuple(map(endpoint, self.hosts))


class Ledger(Table):
    """Where the ledger and the journal are kept."""

    state: Place = as_written(
        "~/.local/state/governor", description="Directory of the journal and the CA."
    )
    redis: RedisUrl | None = Field(
        None, description="The shared ledger; absent: embedded, this machine only."
    )
    redis_password_file: ExistingFile | None = Field(
        None, description="Holds the password, out of the configuration."
    )
    sentinel: Annotated[Sentinel | None, SentinelTable] = Field(
        None, description="Finds the shared ledger, in place of redis."
    )
    members: Members = Field(
        (), description="All governors that share the ledger; then an empty one needs no word."
    )
    keep: Duration = as_written("400d", description="How long the journal is kept.")

    @property
    def is_shared(self) -> bool:
        """Whether the ledger is kept in Redis, and not in this process."""
        return self.redis is not None or self.sentinel is not None


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

    connect_to: Routes = Field(
        default_factory=dict, description="Another address for a host:port, as curl --connect-to."
    )
    ca_file: ExistingFile | None = Field(None, description="Trusted besides the public roots.")
    allow_addresses: Networks = Field((), description="Private ranges that may be dialled.")
    other_hosts: Literal["tunnel", "refuse"] = Field(
        "tunnel", description="Hosts without a contract."
    )
    proxy: ProxyUrl | None = Field(None, description="An upstream proxy, by CONNECT only.")
    connect_timeout: Annotated[Duration, at_least(1)] = as_written(
        "10s", description="Name, connection and TLS together."
    )
    read_timeout: Annotated[Duration, at_least(1)] = as_written(
        "60s", description="The longest silence in an answer."
    )
    drain: Duration = as_written("30s", description="How long a stop waits for running exchanges.")


class Damages(Table):
    """What the contract makes a breach cost."""

    amount: Posts = Field(description="Per started per_posts posts above the limit.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")
    per_posts: Posts = Field(description="The unit of amount.")


class Limit(Table):
    """At most so much of one unit: in any window, or in each period of a calendar."""

    name: Name = Field(description="What refusals and metrics call it.")
    posts: Posts | None = Field(None, description="The most posts.")
    requests: Posts | None = Field(None, description="The most requests, in place of posts.")
    most: Posts | None = Field(None, description="The most of another unit, in place of posts.")
    unit: Unit | None = Field(
        None, description="What most counts: a unit in which the catalog states costs, or counts."
    )
    window: Annotated[Duration, at_least(1_000)] | None = Field(
        None, description="The length of any window, from 1s up."
    )
    period: PeriodName | None = Field(
        None, description="Days or months of a time zone, in place of a window."
    )
    time_zone: str | None = Field(
        None, description="Where a period begins at midnight: an IANA name."
    )
    reset_day: Annotated[Count, Field(ge=1, le=LAST_RESET_DAY)] | None = Field(
        None, description="On which day of the month it begins; a shorter month's last. Absent: 1."
    )

    def rule(self) -> policy.Limit:
        """Return the limit as the core knows it."""
        most, unit = self.most, self.unit or "posts"
        for key in ("posts", "requests"):
            if (written := getattr(self, key)) is not None:
                most, unit = written, key
        assert most is not None, "`between` refuses a limit on nothing"
        if self.window is not None:
            return policy.Limit(self.name, most, self.window, unit)
        assert self.period is not None, "`between` refuses a limit without a span"
        assert self.time_zone is not None, "`between` refuses a period without a zone"
        calendar = Calendar(self.period, self.time_zone, self.reset_day or 1)
        return policy.Limit(self.name, most, calendar.longest_ms, unit, str(calendar))


class Contract(Table):
    """One platform's terms."""

    name: Name = Field("x", description="What the ledger calls it.")
    catalog: Catalog = Field(
        "x", description="What its platform serves: a built-in name, or a file."
    )
    domains: Domains = Field(
        (), description="The platform's hosts, with all below them, where its catalog names none."
    )
    basis: policy.Basis = Field("asked", description="What is charged for an answer.")
    mode: policy.Mode = Field("enforce", description="shadow counts and refuses nothing.")
    unknown: policy.Unknown = Field("charge", description="Operations not in the catalog.")
    errors: policy.Errors = Field("free", description="A 4xx without posts.")
    throttle_from: Share = Field(
        0.80, description="Share of the limit from which requests will be paced; not built yet."
    )
    max_wait: Duration = as_written(
        "4s", description="How long a request waits before it is refused."
    )
    damages: Damages | None = Field(None, description="For the exposure that metrics show.")
    limit: Annotated[tuple[Limit, ...], Field(min_length=1)] = Field(
        description="All of them hold at once."
    )


class Job(Table):
    """One crawler's identity."""

    name: Name = Field(description="The user of its proxy credentials.")
    token_sha256: Sha256 | None = Field(None, description="SHA-256 of its token, in hex.")
    contract: str | None = Field(None, description="The one contract it may use; absent: all.")
    posts: Posts | None = Field(None, description="Its cap within the contract's limit.")
    reserved_posts: Annotated[Count, only(0, "keeping posts free for a job")] = Field(
        0, description="Kept free for it by the others; not built yet."
    )
    weight: Annotated[Count, only(1, "weighing jobs against each other")] = Field(
        1, description="Its share when requests wait; not built yet."
    )
    max_wait: Duration | None = Field(None, description="Instead of the contract's.")
    until: Day | None = Field(None, description="The last day on which it collects, UTC.")


BUILT_IN = Contract(
    damages=Damages(amount=15_000, currency="USD", per_posts=1_000_000),
    limit=(Limit.model_validate({"name": "x-24h", "posts": 1_000_000, "window": "24h"}),),
)


class Config(Table):
    """What Governor is told, all of it."""

    listen: Listen = Field(default_factory=Listen)
    ledger: Ledger = Field(default_factory=Ledger)
    tls: Tls = Field(default_factory=Tls)
    log: Log = Field(default_factory=Log)
    upstream: Upstream = Field(default_factory=Upstream)
    contract: Annotated[tuple[Contract, ...], Field(min_length=1)] = Field(
        (BUILT_IN,), description="The terms to keep; absent: X's."
    )
    job: tuple[Job, ...] = Field((), description="Who may collect; absent: everybody, as one job.")

    def contracts(self) -> tuple[policy.Contract, ...]:
        """Return the contracts as the core knows them."""
        return tuple(
            policy.Contract(
                name=each.name,
                catalog=each.catalog,
                limits=tuple(limit.rule() for limit in each.limit),
                basis=each.basis,
                mode=each.mode,
                unknown=each.unknown,
                errors=each.errors,
                throttle_from_ppm=round(each.throttle_from * 1_000_000),
                max_wait_ms=each.max_wait,
                damages=policy.Damages(**each.damages.model_dump()) if each.damages else None,
                domains=each.domains,
            )
            for each in self.contract
        )

    def jobs(self) -> tuple[policy.Job, ...]:
        """Return the jobs as the core knows them; without any table, one called `default`."""
        return tuple(_job(each) for each in self.job) or (policy.Job(policy.DEFAULT_JOB),)

    def notes(self) -> list[str]:
        """Return what is accepted and not yet in force, so that nobody relies on it."""
        return [
            f"contract {each.name!r}: throttle_from has no effect yet"
            for each in self.contract
            if "throttle_from" in each.model_fields_set
        ]


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
