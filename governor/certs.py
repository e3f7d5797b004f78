"""The local certificate authority that lets governed hosts be read, and nothing else.

Its certificate carries critical name constraints (RFC 5280, 4.2.1.10): a crawler that trusts it
trusts it for the governed domains only, and refuses it for every other name and for every address.
So a stolen key opens the platforms we are contracted with, and no bank. Keys are ECDSA P-256: a
leaf is minted in a millisecond. An unconstrained ten-year CA, the custom of intercepting proxies,
was rejected.

All leaves share one key, made at each start and never kept. Python's ssl reads a key from a file
only, so each leaf passes through a temporary file that only its owner can read.
"""

from __future__ import annotations

import os
import ssl
import stat
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from governor.errors import ConfigError, MisdirectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CERT_FILE = "ca.pem"
KEY_FILE = "ca.key"
CA_LIFE = timedelta(days=365)
LEAF_LIFE = timedelta(days=29)  # with the hour of grace below still less than 30 days
CLOCK_GRACE = timedelta(hours=1)  # a crawler whose clock is behind must not find it "not yet valid"
MOST_LEAVES = 1_000  # some 28 KB each; platforms have tens of hosts
ALL_ADDRESSES = (ip_network("0.0.0.0/0"), ip_network("::/0"))

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A certificate that may sign for the governed domains, and its key. It was checked."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """Return the certificate as crawlers load it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def expires_ms(self) -> int:
        """Return the instant from which nobody accepts it any more, wall time."""
        return int(self.certificate.not_valid_after_utc.timestamp()) * 1000


def create_ca(directory: Path, domains: Iterable[str], *, now_ms: int) -> CertificateAuthority:
    """Make a CA for these domains and their subdomains in two new files: `ca.pem`, `ca.key`.

    Valid for a year. Raises ConfigError when a file is there already, or cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    authority = CertificateAuthority(_root(key, domains, _instant(now_ms)), key)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write_new(directory / KEY_FILE, secret, 0o600)
    try:
        _write_new(directory / CERT_FILE, authority.pem, 0o644)
    except ConfigError:
        (directory / KEY_FILE).unlink()  # made a moment ago, by us, and of no use alone
        raise
    return authority


def load_ca(
    cert_file: Path, key_file: Path, domains: Iterable[str], *, now_ms: int
) -> CertificateAuthority:
    """Read a CA and make sure that it can sign for these domains now. Raises ConfigError."""
    pem = _read(cert_file)
    secret = _read(key_file, secret=True)
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise ConfigError(f"{cert_file} holds no certificate in PEM") from error
    try:
        key = serialization.load_pem_private_key(secret, password=None)
    except (ValueError, TypeError) as error:  # TypeError: it is encrypted
        raise ConfigError(f"{key_file} holds no unencrypted private key in PEM") from error
    if not isinstance(key, PrivateKey):
        raise ConfigError(f"{key_file} is neither an ECDSA nor an RSA key")
    if key.public_key() != certificate.public_key():
        raise ConfigError(f"{key_file} is not the key of {cert_file}")
    mistakes = tuple(_faults(certificate, tuple(domains), _instant(now_ms)))
    if mistakes:
        raise ConfigError(*(f"{cert_file} {mistake}" for mistake in mistakes))
    return CertificateAuthority(certificate, key)


def bundle(ca_pem: bytes) -> bytes:
    """Return the public roots and ours: variables like SSL_CERT_FILE replace, they do not add."""
    return Path(certifi.where()).read_bytes() + b"\n" + ca_pem


class Leaves:
    """Server certificates for governed hosts, minted when asked for, the latest used kept."""

    def __init__(
        self,
        authority: CertificateAuthority,
        domains: Iterable[str],
        wall_ms: Callable[[], int],
        *,
        most: int = MOST_LEAVES,
    ) -> None:
        self._authority = authority
        self._domains = tuple(domains)
        self._wall_ms = wall_ms
        self._most = most
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._kept: OrderedDict[str, tuple[ssl.SSLContext, int]] = OrderedDict()

    def context(self, host: str) -> ssl.SSLContext:
        """Return how to serve TLS as `host`, over HTTP/1.1 only.

        Raises MisdirectedError for a host outside the governed domains: nothing is minted for
        names that a client makes up.
        """
        host = host.lower().removesuffix(".")
        if not any(_within(host, domain) for domain in self._domains):
            raise MisdirectedError(f"{host} is not a governed host, so it has no certificate here")
        context, renew_at_ms = self._kept.pop(host, (None, 0))
        now_ms = self._wall_ms()
        if context is None or now_ms >= renew_at_ms:
            leaf = _leaf(self._authority, self._key, host, _instant(now_ms))
            left_ms = int(leaf.not_valid_after_utc.timestamp()) * 1000 - now_ms
            context, renew_at_ms = self._serve(leaf), now_ms + left_ms // 2
        self._kept[host] = context, renew_at_ms
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return context

    def __len__(self) -> int:
        return len(self._kept)

    def _serve(self, leaf: x509.Certificate) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        secret = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        chain = leaf.public_bytes(serialization.Encoding.PEM) + self._authority.pem
        with tempfile.NamedTemporaryFile() as file:  # mode 0600, gone when it is closed
            file.write(secret + chain)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def _root(
    key: ec.EllipticCurvePrivateKey, domains: Iterable[str], now: datetime
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Governor"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Governor local CA"),
        ]
    )
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain) for domain in domains],
        excluded_subtrees=[x509.IPAddress(network) for network in ALL_ADDRESSES],
    )
    return (
        _draft(name, name, key.public_key(), now, now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    authority: CertificateAuthority, key: ec.EllipticCurvePrivateKey, host: str, now: datetime
) -> x509.Certificate:
    issuer = authority.certificate
    ends = min(now + LEAF_LIFE, issuer.not_valid_after_utc)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    # Without a subject the names must be critical (RFC 5280, 4.2.1.6).
    return (
        _draft(x509.Name([]), issuer.subject, key.public_key(), now, ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())  # 159 random bits
        .not_valid_before(now - CLOCK_GRACE)
        .not_valid_after(ends)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _faults(
    certificate: x509.Certificate, domains: tuple[str, ...], now: datetime
) -> Iterable[str]:
    """Yield what keeps this certificate from signing for the domains, each with the remedy."""
    renew = "move it and its key away and run `governor init` for a new one"
    if now >= certificate.not_valid_after_utc:
        yield f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}: {renew}"
    if now < certificate.not_valid_before_utc:
        yield f"is valid from {certificate.not_valid_before_utc:%Y-%m-%d} only: check the clock"
    if not _is_authority(certificate):
        yield f"is not the certificate of an authority: {renew}"
    for domain in domains:
        if not _permits(certificate, domain):
            yield f"does not permit the governed domain {domain}: {renew}"


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _permits(certificate: x509.Certificate, domain: str) -> bool:
    """Whether its name constraints, if it has any, leave this domain and its subdomains free."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    permitted = _names(constraints.permitted_subtrees)
    excluded = _names(constraints.excluded_subtrees)
    inside = not permitted or any(_within(domain, name) for name in permitted)
    return inside and not any(_within(domain, name) or _within(name, domain) for name in excluded)


def _names(subtrees: Iterable[x509.GeneralName] | None) -> list[str]:
    return [name.value for name in subtrees or () if isinstance(name, x509.DNSName)]


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def _instant(now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms // 1000, UTC)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that did not exist, durable, and at no instant readable beyond its mode."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise ConfigError(f"{path} exists already: move it away to make a new CA") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink()  # half a file would stand in the way of the next attempt
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _read(path: Path, *, secret: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if secret and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigError(f"{path} is open to other users: chmod 600 {path}")
            return file.read()
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing: run `governor init` to make a CA") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
