"""What every verb that touches the ledger builds from a configuration, in one way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from governor import catalogs, certs, recovery
from governor.config import without_password
from governor.config.environment import suggestion
from governor.core.catalog import Catalog
from governor.errors import ConfigError, LedgerError
from governor.journal import Reader
from governor.store import EmbeddedStore, RedisStore, Sentinels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from governor.clock import Clock
    from governor.config import Config
    from governor.config.model import Contract, Sentinel
    from governor.core import policy
    from governor.core.ledger.state import ContractState

JOURNAL: Final = "journal.db"


def read_catalogs(config: Config) -> dict[str, Catalog]:
    """Return each contract's catalog, on the contract's domains.

    Raises ConfigError with every mistake in them, and with every one that a contract makes about
    its own: a unit that it does not know, domains where it names hosts, or none where it does not.
    """
    found, mistakes = {}, list[str]()
    for contract in config.contract:
        try:
            catalog = Catalog.parse(_catalog_text(contract.catalog))
            mistakes += _unknown_units(contract, catalog)
            found[contract.name] = catalog.on(contract.domains)
        except ConfigError as error:
            where = f"contract {contract.name!r} ({contract.catalog})"
            mistakes += (f"{where}: {each}" for each in error.mistakes)
    if mistakes:
        raise ConfigError(*mistakes)
    return found


def contracts(config: Config, read: Mapping[str, Catalog]) -> tuple[policy.Contract, ...]:
    """Return the contracts as the core knows them, counting what their catalogs count."""
    return tuple(
        replace(contract, counts=read[contract.name].counts) for contract in config.contracts()
    )


def _catalog_text(name: str) -> str:
    if not name.endswith(".toml"):
        return catalogs.text(name)
    try:
        return Path(name).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"catalog {name} cannot be read: {said}") from error


def _unknown_units(contract: Contract, catalog: Catalog) -> Iterator[str]:
    """Yield what is wrong with limits in a unit that nothing is counted in."""
    known = tuple(dict.fromkeys(("posts", *catalog.units)))
    for limit in contract.limit:
        if limit.unit is not None and limit.unit not in known:
            meant = suggestion(limit.unit, known) or f"; it has {', '.join(known)}"
            yield (
                f"contract {contract.name!r}: limit {limit.name!r} counts {limit.unit}, a unit "
                f"that catalog {catalog.name!r} does not have{meant}"
            )


def domains(read: dict[str, Catalog]) -> tuple[str, ...]:
    """Return what the CA must be allowed to sign for."""
    return tuple(dict.fromkeys(domain for catalog in read.values() for domain in catalog.domains))


def ca_files(config: Config) -> tuple[Path, Path]:
    """Return where the CA's certificate and key are."""
    if config.tls.ca_cert is not None and config.tls.ca_key is not None:
        return config.tls.ca_cert, config.tls.ca_key
    return config.ledger.state / certs.CERT_FILE, config.ledger.state / certs.KEY_FILE


def load_ca(config: Config, read: dict[str, Catalog], clock: Clock) -> certs.CertificateAuthority:
    """Return the CA. Raises ConfigError that names the remedy."""
    cert, key = ca_files(config)
    if not cert.exists() or not key.exists():
        missing = cert if not cert.exists() else key
        raise ConfigError(f"the CA's file {missing} is missing: run `governor init`")
    return certs.load_ca(cert, key, domains(read), now_ms=clock.wall_ms())


def home(config: Config) -> str:
    """Return the name of the ledger's home, as journals keep it.

    Behind Sentinels it is the service, wherever its primary is now: a failover does not move it.
    """
    redis, sentinel = config.ledger.redis, config.ledger.sentinel
    if sentinel is not None:
        return f"sentinel://{','.join(sorted(sentinel.hosts))}/{sentinel.service}"
    return recovery.EMBEDDED if redis is None else without_password(redis)


def redis_store(config: Config, contract: str, clock: Clock) -> RedisStore:
    """Return the contract's ledger in Redis. Raises ConfigError for a URL that is none."""
    where = _sentinels(config.ledger.sentinel) or config.ledger.redis
    assert where is not None, "an embedded ledger is in no Redis"
    password = _secret(config.ledger.redis_password_file)
    try:
        return RedisStore(where, contract, clock=clock, password=password)
    except ValueError as error:
        raise ConfigError(
            "ledger.redis: write it as redis://host:port/0, rediss:// or unix://"
        ) from error


def _sentinels(sentinel: Sentinel | None) -> Sentinels | None:
    if sentinel is None:
        return None
    return Sentinels(sentinel.endpoints, sentinel.service, _secret(sentinel.password_file))


def store(
    config: Config, contract: str, known: ContractState, clock: Clock
) -> EmbeddedStore | RedisStore:
    """Return the contract's ledger, wherever its home is."""
    if not config.ledger.is_shared:
        return EmbeddedStore(recovery.book(known), clock)
    return redis_store(config, contract, clock)


def _secret(file: Path | None) -> str | None:
    return None if file is None else secret(file)


def read_journal(config: Config) -> Reader:
    """Return the journal to read, beside a Governor that may be writing to it.

    Raises LedgerError that names the remedy.
    """
    file = config.ledger.state / JOURNAL
    if not file.is_file():
        raise LedgerError(f"{file} is missing: run `governor init`")
    return Reader(file)


def require_named(config: Config, member: str) -> None:
    """Raise ConfigError if the configuration names all members, but not this one.

    After a loss the others would open the ledger without it.
    """
    if config.ledger.members and member not in config.ledger.members:
        raise ConfigError(
            f"ledger.members does not name this governor, {member}: name all that share the "
            "ledger, or none"
        )


def secret(file: Path) -> str:
    """Return the password or token that a file holds. Raises ConfigError, which does not say it."""
    try:
        found = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{file} cannot be read: {said}") from error
    if not found:
        raise ConfigError(f"{file} is empty: write the password or token into it")
    return found
