"""A mistake is told with the line where a person finds it, or with none: never with a wrong one."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from governor.config.lines import lines, nearest

if TYPE_CHECKING:
    from governor.config.lines import Where

TEXT = """\
# [listen] in a comment is none
[listen]
proxy = "127.0.0.1:8080"
  admin = "127.0.0.1:9180"   # indented

[ledger]
state = \"\"\"
[tls]
ca_cert = "this is text"
\"\"\"
keep = '''1d'''
[upstream]
connect_to = { "api.x.com:443" = "127.0.0.1:9443" }
log.level = "info"

[[contract]]
name = "x"
[[contract.limit]]
name = "day"
[[ contract . limit ]]
name = "hour"
[contract.damages]
amount = 1
[[contract]]
"name" = "y"
[[contract.limit]]
posts = 5
"""


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("listen",), 2),
        (("listen", "proxy"), 3),
        (("listen", "admin"), 4),
        (("ledger", "state"), 7),
        (("ledger", "keep"), 11),
        (("upstream", "connect_to"), 13),
        (("upstream", "log", "level"), 14),
        (("contract", 0), 16),
        (("contract", 0, "name"), 17),
        (("contract", 0, "limit", 0, "name"), 19),
        (("contract", 0, "limit", 1), 20),
        (("contract", 0, "limit", 1, "name"), 21),
        (("contract", 0, "damages", "amount"), 23),
        (("contract", 1, "name"), 25),
        (("contract", 1, "limit", 0, "posts"), 27),
    ],
)
def test_every_table_and_key_has_its_line(where: Where, line: int) -> None:
    assert line == lines(TEXT)[where]


def test_what_stands_inside_a_text_or_a_comment_is_no_key() -> None:
    found = lines(TEXT)

    assert ("tls",) not in found
    assert ("tls", "ca_cert") not in found


def test_every_line_that_is_told_has_its_key_in_the_parsed_text() -> None:
    """Nothing is found that tomllib did not find: the two read the same file."""
    content = tomllib.loads(TEXT)
    for where in lines(TEXT):
        at: Any = content
        for part in where:
            at = at[part]


def test_what_is_missing_is_told_at_its_table() -> None:
    known = lines(TEXT)

    assert nearest(("contract", 1, "limit", 0, "window"), known) == 26
    assert nearest(("upstream", "connect_to", "api.x.com:443"), known) == 13
    assert nearest(("tls", "ca_cert"), known) is None


def test_a_file_of_nothing_has_no_lines_to_tell() -> None:
    assert lines("") == {}
