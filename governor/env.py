"""What a crawler's environment must say so that its libraries come through Governor.

Both spellings of the proxy variables, because curl reads `http_proxy` in lower case only; all CA
variables, because requests, urllib, curl and Node each read their own; NO_PROXY empty, because one
left there silently re-opens the way around. The CA file holds the public roots too: these variables
replace a library's store (Node's adds to it).
"""

from __future__ import annotations

import shlex
from typing import Final, Literal

Shell = Literal["sh", "fish", "powershell", "dotenv"]
Exports = tuple[tuple[str, str], ...]
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "TWS_PROXY")
CAS: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
FIXED: Final = (("NO_PROXY", ""), ("no_proxy", ""), ("NODE_USE_ENV_PROXY", "1"))
REMOTE_BUNDLE: Final = "governor-ca.pem"


def exports(proxy_url: str, bundle: str) -> Exports:
    """Return every variable, for a proxy's URL and the path of a CA bundle."""
    return (
        *((name, proxy_url) for name in PROXIES),
        *((name, bundle) for name in CAS),
        *FIXED,
    )


def render(variables: Exports, shell: Shell) -> str:
    """Return the lines that set them, quoted for one shell."""
    return "".join(f"{_line(name, value, shell)}\n" for name, value in variables)


def for_remote(proxy_url: str, sha256: str, shell: Shell) -> str:
    """Return what a crawler on another host needs: fetch the bundle, compare it, set the variables.

    The bundle comes over plain HTTP through the proxy, so its SHA-256, printed here where the
    operator is, must be compared before it is trusted. PowerShell and dotenv have the comparison
    as a comment with the value.
    """
    proxy = _quoted(proxy_url, shell)
    # Without --noproxy a NO_PROXY that the crawler's shell has would send curl around us.
    curl = f"curl -fsS --noproxy '' -x {proxy}"
    fetch = f"{curl} -o {REMOTE_BUNDLE} http://governor.internal/ca.pem"
    if shell in ("sh", "fish"):
        bundle = f"$PWD/{REMOTE_BUNDLE}"
        check = f'echo "{sha256}  {REMOTE_BUNDLE}" | sha256sum --check --quiet'
        lines = [f"{fetch} && {check} || rm -f {REMOTE_BUNDLE}"]
        for name, value in exports(proxy_url, bundle):
            quoted = f'"{value}"' if value == bundle else _quoted(value, shell)
            lines.append(f"export {name}={quoted}" if shell == "sh" else f"set -gx {name} {quoted}")
        return "\n".join(lines) + "\n"
    comment = f"# {fetch}\n# SHA-256 of {REMOTE_BUNDLE} must be {sha256}\n"
    return comment + render(exports(proxy_url, REMOTE_BUNDLE), shell)


def _line(name: str, value: str, shell: Shell) -> str:
    quoted = _quoted(value, shell)
    match shell:
        case "sh":
            return f"export {name}={quoted}"
        case "fish":
            return f"set -gx {name} {quoted}"
        case "powershell":
            return f"$env:{name} = {quoted}"
        case "dotenv":
            return f"{name}={quoted}"


def _quoted(value: str, shell: Shell) -> str:
    match shell:
        case "sh":
            return shlex.quote(value)
        case "fish":
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case "powershell":
            return "'" + value.replace("'", "''") + "'"
        case "dotenv" if "'" not in value:  # most readers expand $ in double quotes
            return f"'{value}'"
        case "dotenv":
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
