"""The tree of errors is what its drawing says, and says who must act."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from governor import errors

ROOT: Final = Path(__file__).parents[2]
CLASSES: Final = dict(inspect.getmembers(errors, inspect.isclass))
EXIT_CODES: Final = [
    pytest.param(kind, id=name)
    for name, kind in CLASSES.items()
    if issubclass(kind, errors.OperatorError) and kind is not errors.OperatorError
]


def test_the_drawing_shows_every_error_below_its_parent() -> None:
    drawing = re.findall(r"^    ([├└│─ ]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    parents = [""]
    drawn = {}
    for branches, name in drawing:
        depth = len(branches) // 4
        drawn[name] = parents[depth]
        parents[depth + 1 :] = [name]
    parents_in_code = {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}

    assert parents_in_code | {"GovernorError": ""} == drawn


@pytest.mark.parametrize("kind", EXIT_CODES)
def test_an_exit_code_is_the_same_in_drawing_code_and_readme(
    kind: type[errors.OperatorError],
) -> None:
    """A subclass without a code of its own in the drawing has that of its parent."""
    drawn = re.search(rf"\b{kind.__name__}\b.*exit (\d)$", errors.__doc__ or "", re.MULTILINE)
    parent = kind.__bases__[0]
    expected = int(drawn[1]) if drawn else getattr(parent, "exit_code", None)

    assert expected == kind.exit_code
    assert f"\n| {kind.exit_code} | " in (ROOT / "README.md").read_text("utf-8")


def test_the_message_of_a_wrong_configuration_lists_every_mistake() -> None:
    error = errors.ConfigError("posts must be positive", "window is missing")

    assert error.mistakes == ("posts must be positive", "window is missing")
    assert str(error) == "posts must be positive\nwindow is missing"


def test_a_client_is_told_what_it_did_wrong() -> None:
    assert errors.BadRequestError.status == 400
    assert errors.MisdirectedError.status == 421


def test_an_error_of_the_platform_says_whether_anything_was_sent() -> None:
    error = errors.UpstreamError(
        "The platform refused the connection.", sent=False, status=502, kind="connection_refused"
    )

    assert not error.sent
    assert (error.status, error.kind) == (502, "connection_refused")
