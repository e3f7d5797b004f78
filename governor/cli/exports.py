"""`governor env` and `governor ca`: what crawlers must trust, and where they must go."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import TYPE_CHECKING, Any

from governor import clock as clocks
from governor.certs import bundle
from governor.cli import parts
from governor.config.values import endpoint
from governor.env import Exports, Shell, exports, for_remote

if TYPE_CHECKING:
    from pathlib import Path

    from governor.certs import CertificateAuthority
    from governor.config import Config

BUNDLE = "ca-bundle.pem"
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # where a wildcard is reached


def local_exports(config: Config) -> Exports:
    """Return the variables for a crawler on this machine; the bundle is written anew."""
    return exports(proxy_url(config), str(_write_bundle(config)))


def remote_exports(config: Config, url: str, shell: Shell) -> str:
    """Return what a crawler elsewhere needs, the bundle's SHA-256 with it."""
    return for_remote(url, hashlib.sha256(bundle(_authority(config).pem)).hexdigest(), shell)


def proxy_url(config: Config) -> str:
    """Return how the proxy is reached from this machine."""
    host, port = endpoint(config.listen.proxy)
    host = ANYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"{'https' if config.listen.tls_cert else 'http'}://{host}:{port}"


def ca_pem(config: Config) -> str:
    """Return the CA's certificate."""
    return _authority(config).pem.decode()


def ca_facts(config: Config) -> dict[str, Any]:
    """Return what an operator must know of the CA."""
    authority = _authority(config)
    cert, _ = parts.ca_files(config)
    return {
        "certificate": str(cert),
        "expires": clocks.utc(authority.expires_ms),
        "domains": list(parts.domains(parts.read_catalogs(config))),
        "bundle_sha256": hashlib.sha256(bundle(authority.pem)).hexdigest(),
    }


def _authority(config: Config) -> CertificateAuthority:
    return parts.load_ca(config, parts.read_catalogs(config), clocks.SystemClock())


def _write_bundle(config: Config) -> Path:
    """Put public roots and our CA into one file, whole or not at all: crawlers may read it now."""
    path = config.ledger.state / BUNDLE
    content = bundle(_authority(config).pem)
    if path.exists() and path.read_bytes() == content:
        return path
    descriptor, name = tempfile.mkstemp(dir=config.ledger.state)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.chmod(name, 0o644)  # noqa: PTH101  # certificates are public, and crawlers are other users
    os.replace(name, path)  # noqa: PTH105  # atomic
    return path
