"""`python -m tests.model`: search all scopes, and print the tables of README.md."""

from __future__ import annotations

import sys

from tests.model.checking import (
    GOALS,
    LIMITS,
    MUTANTS,
    REMEDY,
    SAFE,
    Outcome,
    missing_tools,
    search,
)


def say(line: str) -> None:
    """Print a line at once: the whole takes some minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def row(name: str, scope: str, outcome: Outcome) -> str:
    """Return one line of a table."""
    figures = f"{outcome.states:,} | {outcome.seconds:.0f} | {outcome.megabytes:.0f}"
    return f"| {name} | `{scope}` | {outcome.errors} | {figures} |"


def table(title: str, scopes: dict[str, str], *, errors: int) -> int:
    """Print one table; return how many scopes ended otherwise than they should."""
    say(f"\n| {title} | scope | errors | states | seconds | MB |\n|---|---|---:|---:|---:|---:|")
    wrong = 0
    for name, scope in scopes.items():
        outcome = search(scope)
        wrong += outcome.errors != errors
        say(row(name, scope, outcome))
    return wrong


def main() -> int:
    """Print every table; 1 if any search ended otherwise than it should."""
    if missing := missing_tools():
        say(f"not on PATH: {', '.join(missing)} (`make deep` installs them)")
        return 1
    mutants = {name: f"{scope} -D{name}" for name, scope in MUTANTS.items()}
    remedied = {name: f"{scope} {REMEDY}" for name, scope in LIMITS.items()}
    wrong = table("must hold", SAFE, errors=0)
    wrong += table("without this guard must not hold", mutants, errors=1)
    wrong += table("must be reached", GOALS, errors=1)
    wrong += table("cannot be known from inside", LIMITS, errors=1)
    wrong += table("the same, members named", remedied, errors=0)
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
