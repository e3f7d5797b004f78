"""Whether a Redis is set up to keep a ledger, and what to change where it is not.

The ledger survives a badly kept Redis - a loss is noticed and the contract is closed - but then
nobody collects until it is restored. These settings keep that from happening. Only `noeviction` is
also enforced, in every message.

`save` is not among them: a snapshot is minutes old by design, so a Redis that kept the ledger in
snapshots only would be set back at each restart, and one with `appendonly yes` does not read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OLDEST: Final = (7, 0)  # INFO of several sections in a script; what Debian 12 ships
UNKNOWN: Final = "not shown"  # CONFIG is often forbidden to an application's user
MOST_LAG_S: Final = 60  # as long as a governor without a reply lets the platform answer
FREE_SHARE: Final = 10  # a tenth: a ledger takes 49 KB an account, and grows with its members


@dataclass(frozen=True, slots=True)
class Finding:
    """One setting as it is. `remedy` is empty where the setting is sound."""

    setting: str
    value: str
    sound: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """Who else is there: replicas that follow it, Sentinels that watch it, nodes of a cluster."""

    replicas: int = 0
    guarded: bool = False
    clustered: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One setting as it should be in this company, and what an unsound one risks.

    Where it does not apply there is nothing to be found.
    """

    setting: str
    is_sound: Callable[[str], bool]
    remedy: str
    applies: Callable[[Company], bool] = lambda _: True


def inspect(settings: Mapping[str, str], company: Company) -> tuple[Finding, ...]:
    """Judge settings by name; one that is missing could not be seen, and is not sound."""
    findings = []
    for rule in RULES:
        if not rule.applies(company):
            continue
        value = settings.get(rule.setting, UNKNOWN)
        sound = rule.is_sound(value)
        findings.append(Finding(rule.setting, value, sound, "" if sound else rule.remedy))
    return tuple(findings)


def version(value: str) -> tuple[int, ...]:
    """Return a version as numbers, as far as it is one."""
    return tuple(int(part) for part in value.split(".")[:2] if part.isdecimal())


def _number(value: str) -> int:
    return int(value) if value.isdecimal() else -1


def _has_room(value: str) -> bool:
    """Judge "used of most" bytes; a most of 0 is none."""
    used, _, most = value.partition(" of ")
    return _number(most) == 0 or 0 <= _number(used) <= _number(most) * (1 - 1 / FREE_SHARE)


RULES: Final = (
    Rule(
        "redis_version",
        lambda value: version(value) >= OLDEST,
        "the ledger's script needs Redis 7.0 or later, or any Valkey; upgrade",
    ),
    Rule(
        "cluster_state",
        lambda value: value == "ok",
        "some slots are served by no node, and then no node serves; see `redis-cli --cluster "
        "check`",
        lambda company: company.clustered,
    ),
    Rule(
        "maxmemory-policy",
        lambda value: value == "noeviction",
        "Redis may drop the ledger when memory is short, and every request is refused until it "
        "may not; set `maxmemory-policy noeviction`",
    ),
    Rule(
        "maxmemory",
        _has_room,
        "Redis refuses every write when this is used up, and with it every request; set "
        "`maxmemory` higher, or 0 for no end",
    ),
    Rule(
        "appendonly",
        lambda value: value == "yes",
        "a restart loses the ledger and closes the contract; set `appendonly yes`",
    ),
    Rule(
        "appendfsync",
        lambda value: value == "always",
        "a power failure may lose what was acknowledged and close the contract; set "
        "`appendfsync always`",
    ),
    Rule(
        "no-appendfsync-on-rewrite",
        lambda value: value == "no",
        "while its file is rewritten nothing is synced, whatever appendfsync says; set "
        "`no-appendfsync-on-rewrite no`",
    ),
    Rule(
        "aof_last_write_status",
        lambda value: value == "ok",
        "its disk did not take the last write, and it refuses every other one; free the disk, and "
        "see the log of Redis",
    ),
    Rule(
        "connected_slaves",
        lambda value: _number(value) > 0,
        "the Sentinels have no replica that could take its place; start one",
        lambda company: company.guarded,
    ),
    Rule(
        "min-replicas-to-write",
        lambda value: _number(value) > 0,
        "with replicas, a primary that is cut off goes on writing what the failover will lose; set "
        "`min-replicas-to-write 1`",
        lambda company: company.replicas > 0,
    ),
    Rule(
        "min-replicas-to-write",
        lambda value: _number(value) <= 0,  # not shown is well: then it answers or it does not
        "no replica follows it, so it refuses every write, and with it every request; start one, "
        "or set `min-replicas-to-write 0`",
        lambda company: company.replicas == 0,
    ),
    Rule(
        "min-replicas-max-lag",
        lambda value: 0 < _number(value) <= MOST_LAG_S,
        "a replica that has not been heard from for so long counts as one that follows (0: "
        "for ever); set `min-replicas-max-lag 10`",
        lambda company: company.replicas > 0,
    ),
)
