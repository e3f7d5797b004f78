"""Settings that could lose a ledger are found, each with its remedy."""

from __future__ import annotations

import pytest

from governor.store.inspection import RULES, inspect

SOUND = {
    "redis_version": "7.0.15",
    "maxmemory-policy": "noeviction",
    "appendonly": "yes",
    "appendfsync": "always",
    "min-replicas-to-write": "1",
}


def unsound(settings: dict[str, str], *, replicas: int = 1) -> list[str]:
    found = inspect(settings, replicas=replicas)

    assert [finding.setting for finding in found] == [rule.setting for rule in RULES]
    assert all(bool(finding.remedy) is not finding.sound for finding in found)
    return [finding.setting for finding in found if not finding.sound]


def test_a_redis_set_up_as_told_is_sound() -> None:
    assert unsound(SOUND) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("redis_version", "6.2.14"),
        ("redis_version", "unstable"),
        ("maxmemory-policy", "allkeys-lru"),
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("min-replicas-to-write", "0"),
        ("min-replicas-to-write", ""),
    ],
)
def test_each_setting_that_risks_the_ledger_is_found(setting: str, value: str) -> None:
    assert unsound(SOUND | {setting: value}) == [setting]


@pytest.mark.parametrize("setting", SOUND)
def test_what_is_not_shown_is_not_sound(setting: str) -> None:
    settings = {name: value for name, value in SOUND.items() if name != setting}

    assert unsound(settings) == [setting]


def test_without_a_replica_there_is_none_to_wait_for() -> None:
    assert unsound(SOUND | {"min-replicas-to-write": "0"}, replicas=0) == []


def test_valkey_counts_on_from_the_version_it_left_at() -> None:
    """Valkey 9 reports 7.2.4, the last Redis that it is compatible with."""
    assert unsound(SOUND | {"redis_version": "7.2.4"}) == []
