"""What no single table can tell: names that stand twice, references to nothing, open doors.

It reads the content as TOML gave it and not the validated model, for a mistake elsewhere must not
hide these: all mistakes are told at once. What has the wrong type is skipped; its own table tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from governor.config import limits
from governor.config.model import BUILT_IN, Contract, Listen
from governor.config.values import duration_ms, duration_text, is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from governor.config.lines import Where

Item = dict[str, Any]
Mistake = tuple["Where", str]  # where it stands, and what to do about it
NAMELESS: Final[Item] = {"name": None, "catalog": None}
DEFAULT_NAME: Final[str] = Contract.model_fields["name"].default
DEFAULT_CATALOG: Final[str] = Contract.model_fields["catalog"].default
WINDOWS_KEPT: Final = 2  # of the longest: what a lost ledger is refilled from (design, invariant 4)


def conflicts(
    content: Mapping[str, Any],
    directory: Path,
    catalogs: Collection[str],
    zones: Collection[str] = (),
) -> Iterator[Mistake]:
    """Yield every mistake between tables. Relative catalogs are looked up from `directory`.

    `catalogs` and `zones` are the names that there are; without any zone none is looked up.
    """
    contracts = _items(content, "contract")
    if "contract" not in content:
        contracts = [BUILT_IN.model_dump()]
    jobs = _items(content, "job")
    yield from _twice("contract", [each.get("name", DEFAULT_NAME) for each in contracts])
    yield from _twice("job", [each.get("name") for each in jobs])
    for number, contract in enumerate(contracts):
        names = [limit.get("name") for limit in _items(contract, "limit")]
        for where, said in _twice("limit", names):
            yield ("contract", number, *where), said
    yield from _catalogs(contracts, directory, catalogs)
    yield from _limits(contracts, zones)
    yield from _jobs(jobs, contracts)
    yield from _pairs(content)
    yield from _homes(content)
    yield from _kept(content, contracts)
    yield from _exposed(content.get("listen", {}), jobs)


def _items(content: Mapping[str, Any], key: str) -> list[Item]:
    """Return an array of tables; what is no table becomes a nameless one, to keep the numbers."""
    return [each if isinstance(each, dict) else NAMELESS for each in _list(content, key)]


def _list(content: Mapping[str, Any], key: str) -> list[object]:
    found = content.get(key, ())
    return list(found) if isinstance(found, list | tuple) else []


def _twice(kind: str, names: list[object], key: str = "name") -> Iterator[Mistake]:
    for number, name in enumerate(names):
        if isinstance(name, str) and name in names[:number]:
            yield (kind, number, key), f"{name!r} stands twice; each {kind} needs its own {key}"


def _catalogs(
    contracts: list[Item], directory: Path, built_in: Collection[str]
) -> Iterator[Mistake]:
    """Two contracts on one host could not be told apart, for a request has one contract."""
    yield from _overlaps(contracts)
    for number, contract in enumerate(contracts):
        catalog, name = contract.get("catalog", DEFAULT_CATALOG), contract.get("name", DEFAULT_NAME)
        where: Where = ("contract", number, "catalog")
        if "catalog" not in contract and name in built_in and name != DEFAULT_CATALOG:
            yield where, f"it would govern {catalog}, not {name}: write catalog = {name!r}"
        if not isinstance(catalog, str) or catalog in built_in:
            continue
        if not catalog.endswith(".toml"):
            known = ", ".join(sorted(built_in))
            yield where, f"there is no catalog {catalog!r}; write {known} or the path of a .toml"
        elif not (directory / Path(catalog).expanduser()).is_file():
            yield where, f"{catalog} is not there, or is no file; create it or correct the path"


def _overlaps(contracts: list[Item]) -> Iterator[Mistake]:
    """Refuse a catalog twice, unless each contract has domains of its own on it."""
    seen: dict[object, list[str]] = {}
    for number, contract in enumerate(contracts):
        catalog = contract.get("catalog", DEFAULT_CATALOG)
        if not isinstance(catalog, str):
            continue
        domains = [each for each in _list(contract, "domains") if isinstance(each, str)]
        taken = seen.get(catalog)
        if taken is not None and not (taken and domains):
            said = f"{catalog!r} stands twice; each contract needs its own catalog"
            yield ("contract", number, "catalog"), said
        for domain in domains:
            if any(_overlap(domain, other) for other in taken or ()):
                said = f"{domain} is, or overlaps, a domain of another contract; write it in one"
                yield ("contract", number, "domains"), said
        seen[catalog] = [*(taken or ()), *domains]


def _overlap(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _limits(contracts: list[Item], zones: Collection[str]) -> Iterator[Mistake]:
    """Tell which keys of each limit do not go together."""
    for number, contract in enumerate(contracts):
        for place, limit in enumerate(_items(contract, "limit")):
            if limit is not NAMELESS:
                for key, said in limits.mistakes(limit, zones):
                    yield ("contract", number, "limit", place, key), said


def _jobs(jobs: list[Item], contracts: list[Item]) -> Iterator[Mistake]:
    largest: dict[str, int] = {}
    for contract in contracts:
        posts = [_number(limit.get("posts")) for limit in _items(contract, "limit")]
        if isinstance(name := contract.get("name", DEFAULT_NAME), str):
            largest[name] = max(posts, default=0)
    for number, job in enumerate(jobs):
        name, cap = job.get("contract"), _number(job.get("posts"))
        if isinstance(name, str) and name not in largest:
            said = f"there is no contract {name!r}; write {' or '.join(sorted(largest))}"
            yield ("job", number, "contract"), said
            continue
        most = largest[name] if isinstance(name, str) else max(largest.values(), default=0)
        if cap > most > 0:
            said = f"{cap} is above the limit of {most}; write less, or leave it out for no cap"
            yield ("job", number, "posts"), said


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _pairs(content: Mapping[str, Any]) -> Iterator[Mistake]:
    for table, one, other in (("listen", "tls_cert", "tls_key"), ("tls", "ca_cert", "ca_key")):
        found = content.get(table)
        if isinstance(found, dict) and (one in found) != (other in found):
            alone, lacking = (one, other) if one in found else (other, one)
            yield (table, alone), f"it goes with {lacking}; set both or none"


def _homes(content: Mapping[str, Any]) -> Iterator[Mistake]:
    """Refuse two places for one ledger: looked for in both, it would be two."""
    ledger = content.get("ledger")
    if isinstance(ledger, dict) and "redis" in ledger and "sentinel" in ledger:
        yield (
            ("ledger", "sentinel"),
            "redis says where the ledger is too; leave one of them out",
        )
    if isinstance(ledger, dict) and ledger.get("members") and not {"redis", "sentinel"} & {*ledger}:
        yield ("ledger", "members"), "an embedded ledger has one member; leave it out, or say redis"


def _kept(content: Mapping[str, Any], contracts: list[Item]) -> Iterator[Mistake]:
    ledger = content.get("ledger")
    if not isinstance(ledger, dict) or "keep" not in ledger:
        return
    keep_ms = _duration(ledger["keep"])
    spans = [limits.longest_ms(limit) for each in contracts for limit in _items(each, "limit")]
    least_ms = WINDOWS_KEPT * max(spans, default=0)
    if 0 < keep_ms < least_ms:
        said = (
            f"a lost ledger is refilled from two windows; write {duration_text(least_ms)} or more"
        )
        yield ("ledger", "keep"), said


def _duration(value: object) -> int:
    """Return a duration in either form, or 0 for what is none: its own table tells that."""
    try:
        return value if isinstance(value, int) else duration_ms(value)
    except ValueError:
        return 0


def _exposed(listen: object, jobs: list[Item]) -> Iterator[Mistake]:
    """Beyond loopback anybody could collect on this group's account."""
    try:
        door = Listen.model_validate(_without_files(listen))
    except ValidationError:
        return
    if door.proxy_endpoint == door.admin_endpoint and door.proxy_endpoint[1] != 0:
        yield ("listen", "admin"), "it is the proxy's address too; write another port"
    if door.insecure_network or not isinstance(listen, dict):
        return
    instead = "or say listen.insecure_network = true"
    if not is_loopback(door.proxy_endpoint[0]):
        if not jobs or any("token_sha256" not in job for job in jobs):
            said = f"beyond loopback every [[job]] needs a token_sha256; add them, {instead}"
            yield ("listen", "proxy"), said
        if "tls_cert" not in listen:
            said = f"beyond loopback it needs tls_cert and tls_key; add them, {instead}"
            yield ("listen", "proxy"), said
    if not is_loopback(door.admin_endpoint[0]) and "admin_token_file" not in listen:
        yield ("listen", "admin"), f"beyond loopback it needs admin_token_file; add it, {instead}"


def _without_files(listen: object) -> object:
    """Leave out what may be wrong without changing where is listened."""
    if not isinstance(listen, dict):
        return listen
    return {key: listen[key] for key in ("proxy", "admin", "insecure_network") if key in listen}
