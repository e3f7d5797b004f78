"""The CA can sign for the governed hosts only, and nothing about it is left open or to expire."""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from governor.certs import (
    CERT_FILE,
    KEY_FILE,
    CertificateAuthority,
    Leaves,
    bundle,
    create_ca,
    load_ca,
)
from governor.errors import ConfigError, MisdirectedError

if TYPE_CHECKING:
    from pathlib import Path

Kind = TypeVar("Kind", bound=x509.ExtensionType)
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL
DAY_MS = 86_400_000
DOMAINS = ("x.com", "twitter.com")


def now_ms() -> int:
    """Return today: TLS libraries judge validity by the real clock."""
    return int(datetime.now(UTC).timestamp() * 1000)


@pytest.fixture(autouse=True)
def ca(tmp_path: Path) -> CertificateAuthority:
    return create_ca(tmp_path, DOMAINS, now_ms=now_ms())


def trusting(ca_pem: bytes) -> ssl.SSLContext:
    """Return a strict client that trusts this CA alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=ca_pem.decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """Return the client's side of a whole handshake, in memory. Raises ssl.SSLError."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    crawler = client.wrap_bio(down, up, server_hostname=host)
    governor = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (crawler, governor):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return crawler


def leaf_of(leaves: Leaves, ca: CertificateAuthority, host: str) -> x509.Certificate:
    """Return the certificate that a client is shown."""
    shown = handshake(leaves.context(host), trusting(ca.pem), host).getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def extension(certificate: x509.Certificate, kind: type[Kind]) -> x509.Extension[Kind]:
    return certificate.extensions.get_extension_for_class(kind)


def signed_by(ca: CertificateAuthority, name: x509.GeneralName) -> ssl.SSLContext:
    """Return a server whose certificate this CA signed for any name: what a thief would do."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False
        )
        .sign(ca.key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with tempfile.NamedTemporaryFile() as file:
        file.write(secret + leaf.public_bytes(pem))
        file.flush()
        context.load_cert_chain(file.name)
    return context


# What `governor init` makes.


def test_it_may_sign_for_the_governed_domains_and_no_address(ca: CertificateAuthority) -> None:
    constraints = extension(ca.certificate, x509.NameConstraints)

    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName(name) for name in DOMAINS]
    assert [str(each.value) for each in constraints.value.excluded_subtrees or ()] == [
        "0.0.0.0/0",
        "::/0",
    ]


def test_it_signs_leaves_only_and_lives_a_year(ca: CertificateAuthority) -> None:
    basic = extension(ca.certificate, x509.BasicConstraints)

    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert 364 * DAY_MS < ca.expires_ms - now_ms() <= 365 * DAY_MS
    assert isinstance(ca.key, ec.EllipticCurvePrivateKey)
    assert ca.key.curve.name == "secp256r1"


@pytest.mark.parametrize(
    "name",
    [x509.DNSName("example.org"), x509.DNSName("notx.com"), x509.DNSName("com")],
    ids=lambda name: str(name.value),
)
def test_a_stolen_key_opens_no_other_host(ca: CertificateAuthority, name: x509.DNSName) -> None:
    """Clients refuse what was signed for a name outside the constraints."""
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(signed_by(ca, name), trusting(ca.pem), name.value)


def test_a_stolen_key_opens_no_address(ca: CertificateAuthority) -> None:
    name = x509.IPAddress(ip_address("8.8.8.8"))

    with pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"):
        handshake(signed_by(ca, name), trusting(ca.pem), "8.8.8.8")


def test_the_key_is_its_owners_alone_from_its_first_instant(
    ca: CertificateAuthority, tmp_path: Path
) -> None:
    """Also under a umask that hides nothing."""
    assert ca.pem == (tmp_path / CERT_FILE).read_bytes()
    second = tmp_path / "second"
    second.mkdir()

    before = os.umask(0)
    try:
        create_ca(second, DOMAINS, now_ms=now_ms())
    finally:
        os.umask(before)

    assert stat.S_IMODE((second / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("present", [CERT_FILE, KEY_FILE])
def test_an_existing_file_is_never_overwritten(tmp_path: Path, present: str) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    (directory / present).write_text("precious")

    with pytest.raises(ConfigError, match=f"{present} exists already"):
        create_ca(directory, DOMAINS, now_ms=now_ms())

    assert {present: "precious"} == {path.name: path.read_text() for path in directory.iterdir()}


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        create_ca(tmp_path / "absent", DOMAINS, now_ms=now_ms())


"""A CA that cannot do its work is refused at start, with the remedy."""


def mistake(directory: Path, *domains: str, at_ms: int | None = None) -> str:
    """Load what is in `directory` and return the mistake that was found, or nothing."""
    files = directory / CERT_FILE, directory / KEY_FILE
    try:
        load_ca(*files, domains or DOMAINS, now_ms=at_ms or now_ms())
    except ConfigError as error:
        return str(error)
    return ""


def test_what_was_made_can_be_loaded(tmp_path: Path) -> None:
    assert not mistake(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / KEY_FILE).chmod(mode)

    assert "is open to other users: chmod 600" in mistake(tmp_path)


def test_an_expired_one_is_refused(tmp_path: Path) -> None:
    assert "expired on" in mistake(tmp_path, at_ms=now_ms() + 366 * DAY_MS)


def test_one_of_the_future_is_refused(tmp_path: Path) -> None:
    assert "check the clock" in mistake(tmp_path, at_ms=now_ms() - DAY_MS)


def test_a_domain_it_does_not_permit_is_named(tmp_path: Path) -> None:
    """Such a leaf would be refused by every crawler."""
    said = mistake(tmp_path, "x.com", "bsky.social", "reddit.com")

    assert "does not permit the governed domain bsky.social: move it" in said
    assert "does not permit the governed domain reddit.com" in said
    assert "domain x.com" not in said


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    (tmp_path / CERT_FILE).unlink()

    assert "ca.pem is missing: run `governor init`" in mistake(tmp_path)


@pytest.mark.parametrize("broken", [CERT_FILE, KEY_FILE])
def test_a_file_that_is_no_pem_is_named(tmp_path: Path, broken: str) -> None:
    (tmp_path / broken).write_text("no pem")

    assert f"{broken} holds no" in mistake(tmp_path)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    create_ca(other, DOMAINS, now_ms=now_ms())
    (other / KEY_FILE).replace(tmp_path / KEY_FILE)

    assert "is not the key of" in mistake(tmp_path)


def test_a_certificate_that_may_not_sign_is_refused(
    ca: CertificateAuthority, tmp_path: Path
) -> None:
    """Crawlers would refuse its leaves."""
    now = datetime.now(UTC)
    plain = (
        x509.CertificateBuilder()
        .subject_name(ca.certificate.subject)
        .issuer_name(ca.certificate.subject)
        .public_key(ca.certificate.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(ca.key, hashes.SHA256())
    )
    (tmp_path / CERT_FILE).write_bytes(plain.public_bytes(serialization.Encoding.PEM))

    assert "is not the certificate of an authority" in mistake(tmp_path)


# What a crawler is shown for a governed host.


@pytest.mark.parametrize("host", ["x.com", "api.x.com", "caps.twitter.com"])
def test_a_strict_client_accepts_them(ca: CertificateAuthority, host: str) -> None:
    """OpenSSL with X509_STRICT, as Python 3.13 and later verify."""
    session = handshake(Leaves(ca, DOMAINS, now_ms).context(host), trusting(ca.pem), host)

    assert session.version() == "TLSv1.3"
    assert session.selected_alpn_protocol() == "http/1.1"


def test_they_name_the_host_only_and_end_within_30_days(ca: CertificateAuthority) -> None:
    leaf = leaf_of(Leaves(ca, DOMAINS, now_ms), ca, "api.x.com")
    names = extension(leaf, x509.SubjectAlternativeName)

    assert names.value == x509.SubjectAlternativeName([x509.DNSName("api.x.com")])
    assert not leaf.subject.rdns
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=30)
    assert leaf.serial_number.bit_length() > 64
    assert not extension(leaf, x509.BasicConstraints).value.ca


def test_they_never_outlive_the_authority(ca: CertificateAuthority) -> None:
    late = Leaves(ca, DOMAINS, lambda: ca.expires_ms - 3 * DAY_MS)

    leaf = leaf_at(late, ca)

    assert leaf.not_valid_after_utc == ca.certificate.not_valid_after_utc


@pytest.mark.parametrize("host", ["example.org", "notx.com", "x.com.evil.org", "com", ""])
def test_none_is_minted_for_another_name(ca: CertificateAuthority, host: str) -> None:
    leaves = Leaves(ca, DOMAINS, now_ms)

    with pytest.raises(MisdirectedError, match="not a governed host"):
        leaves.context(host)

    assert len(leaves) == 0


def test_one_host_is_minted_once(ca: CertificateAuthority) -> None:
    leaves = Leaves(ca, DOMAINS, now_ms)

    assert leaves.context("api.x.com") is leaves.context("API.X.com.")


def test_an_old_leaf_is_replaced_at_half_its_life(ca: CertificateAuthority) -> None:
    now = [now_ms()]
    leaves = Leaves(ca, DOMAINS, lambda: now[0])
    first = leaves.context("x.com")

    now[0] += 14 * DAY_MS
    assert leaves.context("x.com") is first
    now[0] += DAY_MS
    assert leaves.context("x.com") is not first


def test_a_flood_of_names_keeps_memory_bounded(ca: CertificateAuthority) -> None:
    """The names used last stay."""
    leaves = Leaves(ca, DOMAINS, now_ms, most=3)
    kept = leaves.context("kept.x.com")

    for number in range(6):
        newest = leaves.context(f"h{number}.x.com")
        assert leaves.context(f"h{number}.x.com") is newest
        assert leaves.context("kept.x.com") is kept

    assert len(leaves) == 3


def leaf_at(leaves: Leaves, ca: CertificateAuthority) -> x509.Certificate:
    """Return a leaf minted at another time, as a client sees it that checks no dates."""
    client = trusting(ca.pem)
    client.verify_flags |= NO_CHECK_TIME
    session = handshake(leaves.context("x.com"), client, "x.com")
    shown = session.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def test_the_bundle_holds_the_public_roots_and_ours(ca: CertificateAuthority) -> None:
    """It replaces a client's roots, so tunnelled hosts need the public ones in it."""
    public = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    public.load_verify_locations(certifi.where())

    client = trusting(bundle(ca.pem))

    assert len(client.get_ca_certs()) == len(public.get_ca_certs()) + 1
    handshake(Leaves(ca, DOMAINS, now_ms).context("x.com"), client, "x.com")
