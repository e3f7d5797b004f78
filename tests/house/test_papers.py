"""The rules about what is not code are heard, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.house import papers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_with_a_hole_is_heard(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "pyproject.toml",
        '[project]\ndependencies = ["a>=1", "b"]\n'
        'optional-dependencies = { build = ["c"], test = ["d"] }\n',
    )
    _write(tmp_path, "requirements.lock", "a==1 \\\n    --hash=sha256:00\nb==1\n")
    _write(tmp_path, "tests/requirements.lock", "--index-url https://x\na==2 --hash=sha256:00\n")

    assert papers.locks_are_whole(tmp_path) == [
        "requirements.lock: b has no hash",
        "requirements.lock: nothing pins c; run `make lock`",
        "tests/requirements.lock: '--index-url' is not a pin",
        *(f"tests/requirements.lock: nothing pins {name}; run `make lock`" for name in "bcd"),
    ]
    assert papers.locks_agree(tmp_path) == [
        "a: users get 1, the tests run 2",
        "b: users get 1, the tests run none",
    ]


def test_a_word_that_nobody_explains_is_heard(tmp_path: Path) -> None:
    _write(tmp_path, "Makefile", ".PHONY: run fly\nrun:  ## Start\nfly:\n")
    _write(tmp_path, "README.md", "Say `make run`.")

    assert papers.words_of_make(tmp_path) == [
        "make fly: has no `##` line",
        "make fly is not in the README",
    ]


def test_metrics_and_endpoints_are_found_where_they_are_made(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "governor/metrics/made.py",
        "from prometheus_client import Counter, Info\n"
        "Counter('asked_posts', 'Posts')\nInfo('governor_build', 'Version')\nf('other')\n",
    )
    _write(tmp_path, "governor/admin.py", "get('/live', live)\nprint('no / path')\n")

    assert list(papers.metrics(tmp_path)) == ["governor_asked_posts_total", "governor_build_info"]
    assert list(papers.endpoints(tmp_path)) == ["/live"]
    assert papers.undocumented(["usage", "--json"], "no `usage_posts`, `--json`") == [
        "usage is not in the README"
    ]


def test_every_level_of_a_schema_is_found() -> None:
    schema = {"properties": {"listen": {}}, "$defs": {"Listen": {"properties": {"proxy": {}}}}}

    assert list(papers.settings(schema)) == ["listen", "proxy"]


def _write(root: Path, place: str, text: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
