"""What a crawler's environment must say so that its libraries come through Governor.

Both spellings of the proxy variables, because curl reads `http_proxy` in lower case only; all CA
variables, because requests, urllib, curl and Node each read their own; NO_PROXY empty, because one
left there silently re-opens the way around. The CA file holds the public roots too: these variables
replace a library's store (Node's adds to it).

"dotenv" is no one format: docker takes quotes as part of a value, others differ in escapes and in
what they expand. So plain values stay bare, others get the quotes that all readers agree on, and a
value that has none is refused: a path read wrongly would send a crawler around its CA.
"""

from __future__ import annotations

import re
import shlex
from typing import Final, Literal

from governor.errors import UsageError

Shell = Literal["sh", "fish", "powershell", "dotenv"]
Exports = tuple[tuple[str, str], ...]
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "TWS_PROXY")
CAS: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
FIXED: Final = (("NO_PROXY", ""), ("no_proxy", ""), ("NODE_USE_ENV_PROXY", "1"))
REMOTE_BUNDLE: Final = "governor-ca.pem"
BUNDLE_URL: Final = "http://governor.internal/ca.pem"
BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
QUOTES: Final = re.compile("(['\u2018\u2019\u201a\u201b])")  # each of them ends a PowerShell text


def exports(proxy_url: str, bundle: str) -> Exports:
    """Return every variable, for a proxy's URL and the path of a CA bundle."""
    return (
        *((name, proxy_url) for name in PROXIES),
        *((name, bundle) for name in CAS),
        *FIXED,
    )


def render(variables: Exports, shell: Shell) -> str:
    """Return the lines that set them, quoted for one shell.

    Raises UsageError for a value that cannot be written for all readers of dotenv files.
    """
    return "".join(f"{_line(name, value, shell)}\n" for name, value in variables)


def for_remote(proxy_url: str, sha256: str, shell: Shell) -> str:
    """Return what a crawler on another host needs: fetch the bundle, compare it, set the variables.

    The bundle comes over plain HTTP through the proxy, so its SHA-256, printed here where the
    operator is, is compared before it is trusted. Another one is removed, and the variables are set
    all the same: then a crawler fails, where without them it would go around Governor. A dotenv
    file runs nothing and has the two steps as a comment.
    """
    if shell == "dotenv":
        steps = f"# First: {_curl(proxy_url, 'sh')}\n# Its SHA-256 must be {sha256}\n"
        return steps + render(exports(proxy_url, REMOTE_BUNDLE), shell)
    # The variables come first: a NO_PROXY that the shell has would send curl around us.
    here = f"$PWD/{REMOTE_BUNDLE}"  # in double quotes, the same in the three shells
    lines = [
        _line(name, value, shell).replace(_quoted(here, shell), f'"{here}"')
        for name, value in exports(proxy_url, here)
    ]
    return "\n".join([*lines, *_fetched(proxy_url, sha256, shell)]) + "\n"


def _fetched(proxy_url: str, sha256: str, shell: Shell) -> tuple[str, ...]:
    """Return the lines that leave the bundle in this directory, or none there."""
    if shell == "powershell":
        differs = f"(Get-FileHash {REMOTE_BUNDLE} -Algorithm SHA256).Hash -ne '{sha256}'"
        return (
            _curl(proxy_url, shell),
            f"if ({differs}) {{ Remove-Item {REMOTE_BUNDLE}; Write-Error 'not the same CA' }}",
        )
    check = f'echo "{sha256}  {REMOTE_BUNDLE}" | sha256sum --check --quiet >&2'
    return (f"{_curl(proxy_url, shell)} && {check} || rm -f {REMOTE_BUNDLE}",)


def _curl(proxy_url: str, shell: Shell) -> str:
    """Return the command that fetches the bundle; NO_PROXY must be empty before it runs."""
    program = "curl.exe" if shell == "powershell" else "curl"  # there `curl` is something else
    return f"{program} -fsS -x {_quoted(proxy_url, shell)} -o {REMOTE_BUNDLE} {BUNDLE_URL}"


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
            return "'" + QUOTES.sub(r"\1\1", value) + "'"
        case "dotenv":
            return _for_any_dotenv(value)


def _for_any_dotenv(value: str) -> str:
    if BARE.fullmatch(value):
        return value
    if not re.search(r"['\\\n]", value):
        return f"'{value}'"
    if not re.search(r'["\\$`\n]', value):
        return f'"{value}"'
    raise UsageError(
        f"{value!r} cannot be written for every reader of dotenv files: "
        "use a directory whose name has neither quotes nor backslashes"
    )
