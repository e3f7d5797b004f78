"""Whether a Redis is set up to keep a ledger, and what to change where it is not.

The ledger survives a badly kept Redis - a loss is noticed and the contract is closed - but then
nobody collects until it is restored. These settings keep that from happening. Only `noeviction` is
also enforced, in every message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OLDEST: Final = (7, 0)  # INFO of several sections in a script; what Debian 12 ships
UNKNOWN: Final = "not shown"  # CONFIG is often forbidden to an application's user


@dataclass(frozen=True, slots=True)
class Finding:
    """One setting as it is. `remedy` is empty where the setting is sound."""

    setting: str
    value: str
    sound: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One setting as it should be, and what an unsound one risks."""

    setting: str
    is_sound: Callable[[str], bool]
    remedy: str


RULES: Final = (
    Rule(
        "redis_version",
        lambda value: version(value) >= OLDEST,
        "the ledger's script needs Redis 7.0 or later, or any Valkey; upgrade",
    ),
    Rule(
        "maxmemory-policy",
        lambda value: value == "noeviction",
        "Redis may drop the ledger when memory is short, and every request is refused until it "
        "may not; set `maxmemory-policy noeviction`",
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
        "min-replicas-to-write",
        lambda value: value.isdecimal() and int(value) > 0,
        "with replicas, a primary that is cut off goes on writing what the failover will lose; set "
        "`min-replicas-to-write 1` (without any replica there is nothing to set)",
    ),
)


def version(value: str) -> tuple[int, ...]:
    """Return a version as numbers, as far as it is one."""
    return tuple(int(part) for part in value.split(".")[:2] if part.isdecimal())


def inspect(settings: Mapping[str, str], *, replicas: int) -> tuple[Finding, ...]:
    """Judge settings by name; one that is missing could not be seen, and is not sound.

    Without replicas `min-replicas-to-write` would stop every write, so 0 is then right.
    """
    findings = []
    for rule in RULES:
        value = settings.get(rule.setting, UNKNOWN)
        alone = rule.setting == "min-replicas-to-write" and replicas == 0
        sound = rule.is_sound(value) or (alone and value in {"0", UNKNOWN})
        findings.append(Finding(rule.setting, value, sound, "" if sound else rule.remedy))
    return tuple(findings)
