"""What single values look like in governor.toml: durations, endpoints, files, names.

Each parser takes what the file says and returns what the program uses, or raises ValueError with a
sentence that names the remedy.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d)")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
HOSTNAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
LARGEST_PORT: Final = 65_535


def duration_ms(value: object) -> int:
    """Read "24h", "90s", "1m30s", "500ms", "400d" as milliseconds."""
    text = value if isinstance(value, str) else ""
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'{value!r} is no duration: write it as "24h", "90s" or "1m30s"')
    return sum(int(number) * UNITS_MS[unit] for number, unit in parts)


def endpoint(text: str) -> tuple[str, int]:
    """Read "127.0.0.1:8080" or "[::1]:8080" as host and port."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > LARGEST_PORT:
        raise ValueError(f"{text!r} is no address: write host:port, a port from 0 to 65535")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    looks_numeric = ":" in host or re.fullmatch(r"[0-9.]+", host)
    if looks_numeric:
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"{host!r} is no IP address") from None
    elif not HOSTNAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Say whether only this machine can connect to a listening host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _endpoint(text: str) -> str:
    endpoint(text)
    return text


def _path(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  # whatever the file says
    """Take `~` for the home directory, and a relative path from where the file stands."""
    if not isinstance(value, str) or not value:
        raise ValueError("write a path, in quotes")
    base = (info.context or {}).get("directory", Path())
    return base / Path(value).expanduser()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path} is not there, or is no file")
    return path


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name: use a-z, 0-9, '.', '_' and '-'")
    return text


def _sha256(text: str) -> str:
    if not SHA256.fullmatch(text):
        raise ValueError("write the token's SHA-256 as 64 hexadecimal digits, never the token")
    return text


def _network(text: str) -> str:
    ip_network(text)
    return text


def _list(value: object) -> object:
    """Let an environment variable give a list, separated by commas."""
    return [each.strip() for each in value.split(",")] if isinstance(value, str) else value


Duration = Annotated[
    int,
    BeforeValidator(duration_ms),
    Field(json_schema_extra={"type": "string", "examples": ["24h", "90s", "1m30s"]}),
]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Name = Annotated[str, AfterValidator(_name)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_list)]
Place = Annotated[Path, BeforeValidator(_path)]
ExistingFile = Annotated[Path, BeforeValidator(_path), AfterValidator(_existing)]
