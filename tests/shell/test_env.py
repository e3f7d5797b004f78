"""What `governor env` prints means the same to a shell as it does to Governor."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest

from governor.env import exports, for_remote, render
from governor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governor.env import Shell

PROXY: Final = "http://127.0.0.1:8080"
BUNDLE: Final = "/var/lib/governor/ca-bundle.pem"
AWKWARD: Final = r"""/srv/it's "a" $HOME `id` \ ; place/ca.pem"""
PEM: Final = b"-----BEGIN CERTIFICATE-----\n"


def sh(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a shell that has a way around Governor set, as a crawler's may."""
    return subprocess.run(
        ["sh", "-c", script],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "api.x.com", "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"])
def test_every_spelling_of_the_proxy_is_set(name: str) -> None:
    """Curl reads http_proxy in lower case only."""
    assert dict(exports(PROXY, BUNDLE))[name] == PROXY


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("requests", "REQUESTS_CA_BUNDLE"),
        ("urllib and httpx", "SSL_CERT_FILE"),
        ("curl", "CURL_CA_BUNDLE"),
        ("node", "NODE_EXTRA_CA_CERTS"),
    ],
)
def test_each_client_finds_the_bundle_where_it_looks(client: str, name: str) -> None:
    assert dict(exports(PROXY, BUNDLE))[name] == BUNDLE, client


def test_clients_with_switches_of_their_own_are_told_too() -> None:
    """Twscrape reads TWS_PROXY; Node obeys a proxy variable only when told to."""
    variables = dict(exports(PROXY, BUNDLE))

    assert (variables["TWS_PROXY"], variables["NODE_USE_ENV_PROXY"]) == (PROXY, "1")


def test_a_way_around_that_was_left_in_the_environment_is_closed(tmp_path: Path) -> None:
    script = render(exports(PROXY, BUNDLE), "sh") + 'printf "%s|%s" "$NO_PROXY" "$no_proxy"'

    assert sh(script, tmp_path).stdout == "|"


def test_a_shell_reads_back_exactly_what_was_meant(tmp_path: Path) -> None:
    script = render(exports(PROXY, AWKWARD), "sh") + 'printf "%s" "$SSL_CERT_FILE"'

    assert sh(script, tmp_path).stdout == AWKWARD


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export SSL_CERT_FILE='/it'\"'\"'s/ca.pem'"),
        ("fish", r"set -gx SSL_CERT_FILE '/it\'s/ca.pem'"),
        ("powershell", "$env:SSL_CERT_FILE = '/it''s/ca.pem'"),
        ("dotenv", 'SSL_CERT_FILE="/it\'s/ca.pem"'),
    ],
)
def test_each_shell_is_quoted_by_its_own_rules(shell: Shell, line: str) -> None:
    assert line in render(exports(PROXY, "/it's/ca.pem"), shell).splitlines()


def test_a_dollar_in_a_dotenv_file_stands_for_itself() -> None:
    """Readers of such files put variables into double quotes, and leave single ones alone."""
    assert "SSL_CERT_FILE='/srv/$a/ca.pem'" in render(exports(PROXY, "/srv/$a/ca.pem"), "dotenv")


def test_a_plain_value_in_a_dotenv_file_has_no_quotes() -> None:
    """Docker would take them as part of the value."""
    assert f"SSL_CERT_FILE={BUNDLE}" in render(exports(PROXY, BUNDLE), "dotenv").splitlines()


@pytest.mark.parametrize("path", ["/it's $a", '/it\'s "a"', "/a\\", "/a\nb", "/it's `id`"])
def test_what_no_quotes_keep_for_every_reader_of_dotenv_files_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="neither quotes nor backslashes"):
        render(exports(PROXY, path), "dotenv")


@pytest.mark.parametrize("path", [BUNDLE, "/it's/ca.pem", '/a "b" $c `d` #e/ca.pem', "/ä/ca.pem"])
def test_node_reads_back_exactly_what_was_meant(path: str, tmp_path: Path) -> None:
    if not shutil.which("node"):
        pytest.skip("the dotenv file is read by node, which is not here")
    (tmp_path / "env").write_text(render(exports(PROXY, path), "dotenv"), encoding="utf-8")
    script = "process.stdout.write(process.env.SSL_CERT_FILE)"

    ended = subprocess.run(
        ["node", f"--env-file={tmp_path / 'env'}", "-e", script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert path == ended.stdout


@pytest.mark.parametrize("quote", ["'", "\u2018", "\u2019", "\u201a", "\u201b"])
def test_no_kind_of_quote_ends_a_powershell_text(quote: str) -> None:
    """PowerShell takes typographic quotes for plain ones; doubled, each stands for itself."""
    said = render(exports(PROXY, f"/a{quote}; rm b"), "powershell")

    assert f"$env:SSL_CERT_FILE = '/a{quote}{quote}; rm b'" in said.splitlines()


@pytest.mark.parametrize("shell", ["fish", "pwsh"])
def test_other_shells_that_are_here_read_back_what_was_meant(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} on this machine")
    syntax: Shell = "fish" if shell == "fish" else "powershell"
    script = render(exports(PROXY, AWKWARD), syntax) + "printenv SSL_CERT_FILE"

    ended = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout == f"{AWKWARD}\n"


@pytest.fixture
def proxy_with_pages() -> Iterator[str]:
    """Give a proxy that answers http://governor.internal/ca.pem."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "http://governor.internal/ca.pem"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(PEM if found else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote(proxy: str, sha256: str, directory: Path) -> subprocess.CompletedProcess[str]:
    if not (shutil.which("curl") and shutil.which("sha256sum")):
        pytest.skip("the lines for another host use curl and sha256sum, which are not here")
    script = for_remote(proxy, sha256, "sh") + 'printf "%s" "$REQUESTS_CA_BUNDLE"'
    return sh(script, directory)


def test_another_host_fetches_the_bundle_through_the_proxy_itself(
    proxy_with_pages: str, tmp_path: Path
) -> None:
    ended = remote(proxy_with_pages, hashlib.sha256(PEM).hexdigest(), tmp_path)

    assert (ended.stdout, ended.stderr) == (str(tmp_path / "governor-ca.pem"), "")
    assert (tmp_path / "governor-ca.pem").read_bytes() == PEM


def test_a_bundle_with_another_sum_is_thrown_away(proxy_with_pages: str, tmp_path: Path) -> None:
    """It came over plain HTTP: whoever changed it would read every request."""
    remote(proxy_with_pages, "0" * 64, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_proxy_url_is_no_command(tmp_path: Path) -> None:
    """A token in it may have any character."""
    script = for_remote("http://job:a$(touch pwned)&touch pwned;@127.0.0.1:1", "0" * 64, "sh")

    sh(script, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_crawler_without_its_bundle_fails_instead_of_going_around(
    proxy_with_pages: str, tmp_path: Path
) -> None:
    ended = remote(proxy_with_pages, "0" * 64, tmp_path)

    assert ended.stdout == str(tmp_path / "governor-ca.pem")
    assert "FAILED" in ended.stderr


def test_powershell_compares_the_sum_before_it_trusts_the_bundle() -> None:
    lines = for_remote(PROXY, "ab" * 32, "powershell").splitlines()

    assert '$env:SSL_CERT_FILE = "$PWD/governor-ca.pem"' in lines
    assert lines[-2].startswith(f"curl.exe -fsS -x '{PROXY}' -o governor-ca.pem")
    assert f"SHA256).Hash -ne '{'ab' * 32}'" in lines[-1]


def test_a_dotenv_file_tells_what_to_fetch_and_compare() -> None:
    said = for_remote(PROXY, "ab" * 32, "dotenv").splitlines()

    assert "http://governor.internal/ca.pem" in said[0]
    assert "ab" * 32 in said[1]
    assert all(line.startswith("#") for line in said[:2])
