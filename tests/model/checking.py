"""Spin on the model of the ledger's protocol: what is checked, and how one check is run.

A scope is a list of -D words for `ledger.pml`. SAFE scopes must hold in every reachable state;
each of the MUTANTS lacks one guard and must have a counterexample, or the guard, or the model,
means nothing. GOALS are no faults: they show that service after a loss is reached at all, so that
nothing holds only because everything stands still.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODEL: Final = Path(__file__).with_name("ledger.pml")
MOST_MEGABYTES: Final = 3_500
MOST_SECONDS: Final = 600  # the largest takes some 80 on a free core; a loaded one is slower
DEEPEST: Final = 100_000  # steps; no run is longer than some hundred

SAFE: Final = {
    "crash and abort, two requests each": "-DT=4 -DN=2 -DR=2 -DCRASH=1 -DABORT=1",
    "store emptied, an operator's word": "-DT=3 -DR=2 -DLOSS=1 -DCRASH=1 -DABORT=1",
    "store emptied, members named": "-DT=3 -DR=2 -DLOSS=1 -DCRASH=1 -DABORT=1 -DNAMED",
    "store emptied twice, members named": "-DT=2 -DLOSS=2 -DCRASH=1 -DNAMED",
    "store put back, crash and abort": "-DT=3 -DROLL=1 -DCRASH=1 -DABORT=1",
    "store put back, replies lost": "-DT=3 -DROLL=1 -DLOST=1 -DABORT=1",
    "store put back under the same run id": "-DT=3 -DROLL=1 -DSAMERUN -DABORT=1",
    "messages late and replies lost, crash": "-DT=3 -DLATE=1 -DLOST=1 -DCRASH=1",
    "messages late, store emptied": "-DT=3 -DLATE=1 -DLOST=1 -DLOSS=1",
    "leave and come back, crash": "-DT=3 -DLEAVE=1 -DCRASH=1 -DABORT=1",
    "leave and come back, store emptied": "-DT=3 -DLEAVE=1 -DLOSS=1",
    "leave and come back, store put back": "-DT=2 -DLEAVE=1 -DROLL=1",
    "retired, store emptied": "-DT=3 -DRETIRE=1 -DCRASH=1 -DLOSS=1",
    "retired, store put back": "-DT=2 -DRETIRE=1 -DCRASH=1 -DROLL=1",
    "retired after it came back, store put back, members named": (
        "-DT=0 -DROLL=1 -DLEAVE=1 -DCRASH=1 -DRETIRE=1 -DNAMED"
    ),
}
MUTANTS: Final = {
    "M_RESEED_ZERO": "-DT=3 -DLOSS=1",
    "M_NO_WORD": "-DT=3 -DLOSS=1 -DLEAVE=1",
    "M_NO_ROSTER": "-DT=1 -DROLL=1 -DCRASH=1",
    "M_NO_JOIN_RULE": "-DT=1 -DROLL=1 -DCRASH=1",
    "M_ROSTER_NOT_JOURNALED": "-DT=1 -DROLL=1 -DCRASH=1",
    "M_OPEN_EARLY": "-DT=1 -DROLL=1 -DCRASH=1",
    "M_NO_GRACE": "-DT=1 -DROLL=1 -DCRASH=1",
    "M_LEFT_UNVOUCHED": "-DT=0 -DROLL=1 -DLEAVE=1 -DCRASH=1 -DNAMED",
    "M_PENDING_NOT_RESTORED": "-DT=1 -DROLL=1 -DCRASH=1",
    "M_EPOCH_STAYS": "-DT=2 -DROLL=1",
    "M_NO_RUN": "-DT=2 -DROLL=1",
    "M_NO_ACKED": "-DT=3 -DROLL=1 -DSAMERUN",
    "M_NO_SEQ": "-DT=3 -DLATE=1",
    "M_NO_FENCE": "-DT=3 -DLATE=1 -DCRASH=1",
    "M_JOURNAL_LATE": "-DT=3 -DCRASH=1",
    "M_ORPHAN_FREED": "-DT=3 -DCRASH=1",
    "M_ABORT_REFUNDED": "-DT=3 -DABORT=1",
    "M_NO_LINGER": "-DT=4 -DABORT=1",
    "M_HOLD_EXPIRES": "-DT=3",
    "M_STAMP_AT_RESERVE": "-DT=4",
    "M_RETIRE_REMAINS": "-DT=2 -DRETIRE=1 -DCRASH=1 -DROLL=1",
    "M_RETIRE_LAST_WORD": "-DT=0 -DROLL=1 -DLEAVE=1 -DCRASH=1 -DRETIRE=1 -DNAMED",
    "M_RETIRE_NOW": "-DT=3 -DRETIRE=1 -DCRASH=1",
}
GOALS: Final = {
    "served after an emptied store": "-DT=2 -DLOSS=1 -DGOAL",
    "served after an emptied store, members named": "-DT=2 -DLOSS=1 -DNAMED -DGOAL",
    "served after a store put back": "-DT=2 -DROLL=1 -DGOAL",
}
# What the protocol cannot know of, unless the configuration names the members (README.md).
LIMITS: Final = {
    "joined while another was away, store put back": "-DT=0 -DROLL=1 -DCRASH=2",
    "joined when all had left, store put back": "-DT=0 -DROLL=1 -DLEAVE=1 -DCRASH=1",
}
REMEDY: Final = "-DNAMED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What spin found. `states` are all that can be reached, unless an error ended the search."""

    errors: int
    states: int
    seconds: float
    megabytes: float


def missing_tools() -> list[str]:
    """Return which of the tools that a check needs are not on PATH."""
    return [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]


def check(scope: str, directory: Path) -> Outcome:
    """Search every state of one scope, using an empty directory for what spin and gcc make.

    Raises RuntimeError if the search did not reach its end: then it has shown nothing.
    """
    _run("spin", *scope.split(), "-a", str(MODEL), cwd=directory)
    options = ("-O2", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MOST_MEGABYTES}")
    _run("gcc", *options, "-o", "pan", "pan.c", cwd=directory)
    began = time.monotonic()
    said = _run("./pan", f"-m{DEEPEST}", "-E", "-w24", cwd=directory)
    seconds = time.monotonic() - began
    found = {
        name: re.search(pattern, said)
        for name, pattern in (
            ("errors", r"errors: (\d+)"),
            ("states", r"(\d+) states, stored"),
            ("megabytes", r"([\d.]+)\s+total actual memory usage"),
        )
    }
    errors, states, megabytes = (match and match.group(1) for match in found.values())
    unfinished = "search was incomplete" in said or "max search depth too small" in said
    if errors is None or states is None or megabytes is None or (unfinished and errors == "0"):
        raise RuntimeError(f"the search of {scope} did not end:\n{said}")
    return Outcome(int(errors), int(states), seconds, float(megabytes))


def search(scope: str) -> Outcome:
    """Check one scope in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        return check(scope, Path(directory))


def _run(*command: str, cwd: Path) -> str:
    """Run one tool; Raises RuntimeError with what it said if it failed."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=MOST_SECONDS
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
