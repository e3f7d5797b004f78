"""Settings that could lose a ledger are found, each with its remedy."""

from __future__ import annotations

import pytest

from governor.store.inspection import UNKNOWN, Company, inspect

ALONE = Company()
FOLLOWED = Company(replicas=1)
GUARDED = Company(replicas=2, guarded=True)
CLUSTERED = Company(clustered=True)
SOUND = {
    "redis_version": "7.0.15",
    "maxmemory-policy": "noeviction",
    "maxmemory": "1000000 of 0",
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof_last_write_status": "ok",
}
AND_FOLLOWED = SOUND | {"min-replicas-to-write": "1", "min-replicas-max-lag": "10"}
AND_GUARDED = AND_FOLLOWED | {"connected_slaves": "2"}


def unsound(settings: dict[str, str], company: Company = ALONE) -> list[str]:
    found = inspect(settings, company)

    assert len({finding.setting for finding in found}) == len(found)
    assert all(bool(finding.remedy) is not finding.sound for finding in found)
    return [finding.setting for finding in found if not finding.sound]


def test_a_redis_set_up_as_told_is_sound() -> None:
    assert unsound(SOUND) == []
    assert unsound(AND_FOLLOWED, FOLLOWED) == []
    assert unsound(AND_GUARDED, GUARDED) == []
    assert unsound(SOUND | {"cluster_state": "ok"}, CLUSTERED) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("redis_version", "6.2.14"),
        ("redis_version", "unstable"),
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory", "900001 of 1000000"),
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("no-appendfsync-on-rewrite", "yes"),
        ("aof_last_write_status", "err"),
    ],
)
def test_each_setting_that_risks_the_ledger_is_found(setting: str, value: str) -> None:
    assert unsound(SOUND | {setting: value}) == [setting]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("min-replicas-to-write", "0"),
        ("min-replicas-max-lag", "0"),
        ("min-replicas-max-lag", "61"),
    ],
)
def test_a_primary_that_is_cut_off_from_its_replicas_must_stop(setting: str, value: str) -> None:
    assert unsound(AND_FOLLOWED | {setting: value}, FOLLOWED) == [setting]


def test_sentinels_need_a_replica_to_put_in_its_place() -> None:
    alone = Company(replicas=0, guarded=True)

    assert unsound(SOUND | {"connected_slaves": "0"}, alone) == ["connected_slaves"]


def test_a_cluster_that_does_not_serve_is_found() -> None:
    assert unsound(SOUND | {"cluster_state": "fail"}, CLUSTERED) == ["cluster_state"]


@pytest.mark.parametrize("setting", AND_FOLLOWED)
def test_what_is_not_shown_is_not_sound(setting: str) -> None:
    settings = {name: value for name, value in AND_FOLLOWED.items() if name != setting}

    assert unsound(settings, FOLLOWED) == [setting]


def test_without_a_replica_there_is_none_to_wait_for() -> None:
    """To wait for one would stop every write."""
    assert unsound(SOUND | {"min-replicas-to-write": "0"}) == []
    assert unsound(SOUND | {"min-replicas-to-write": UNKNOWN}) == []
    assert unsound(SOUND | {"min-replicas-to-write": "1"}) == ["min-replicas-to-write"]


@pytest.mark.parametrize("value", ["900000 of 1000000", "5 of 0"])
def test_memory_that_is_left_is_enough(value: str) -> None:
    assert unsound(SOUND | {"maxmemory": value}) == []


def test_valkey_counts_on_from_the_version_it_left_at() -> None:
    """Valkey 9 reports 7.2.4, the last Redis that it is compatible with."""
    assert unsound(SOUND | {"redis_version": "7.2.4"}) == []
