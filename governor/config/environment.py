"""GOVERNOR_<TABLE>_<KEY> over the file, for containers and for one run by hand.

Contracts and jobs stand in the file only: a list of tables has no plain spelling in variables, and
a contract that one process reads differently from its neighbours is what Governor is there to stop.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from governor.config.model import Config, Table
from governor.config.values import Variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PREFIX: Final = "GOVERNOR_"
OTHERS: Final = ("GOVERNOR_CONFIG", "GOVERNOR_FIXTURES")  # not keys of the file
IN_FILE_ONLY: Final = ("GOVERNOR_CONTRACT", "GOVERNOR_JOB")


def lay_over(content: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Put the variables into `content`; return the mistakes: variables that are no setting."""
    known = dict(variables())
    mistakes = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in OTHERS:
            continue
        if variable in known:
            table, key = known[variable]
            within = content.setdefault(table, {})
            if isinstance(within, dict):  # else the file is wrong there, and that is told
                within[key] = Variable(environ[variable])
        elif variable.startswith(IN_FILE_ONLY):
            mistakes.append(f"{variable}: contracts and jobs are set in governor.toml only")
        else:
            meant = suggestion(variable, [*known, *OTHERS])
            mistakes.append(f"{variable}: no such setting{meant}; correct it or unset it")
    return mistakes


def variables() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each variable with the table and the key that it sets."""
    for table, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table):
            for key in field.annotation.model_fields:
                yield f"{PREFIX}{table}_{key}".upper(), (table, key)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return what was probably meant, as the end of a sentence; empty when nothing is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
