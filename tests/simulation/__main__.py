"""Simulate many seeds, in parts that can be interrupted: what is done is kept and not done again.

    python -m tests.simulation --plan days --seeds 0-199 --state DIRECTORY [--minutes 8]
    python -m tests.simulation --all --state DIRECTORY

Each seed adds one line to a file of its plan. Ends with 0 when all are done and every window kept
its limit, with 1 when one did not, and with 75 when the minutes were up before the seeds: then call
it again. `--all` is what `make deep` runs, to its end. The results of other sources than these are
thrown away.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.simulation import plan
from tests.simulation.world import simulate

PLANS: Final = {
    "days": plan.DAYS,
    "million": plan.MILLION_DAYS,
    "minutes": plan.MINUTES,
    "calm": plan.CALM_DAYS,
}
DEEP: Final = {"calm": range(5), "days": range(200), "minutes": range(300), "million": range(5)}
UNFINISHED: Final = 75  # EX_TEMPFAIL of sysexits.h
YEAR_MS: Final = 31_557_600_000
ROOT: Final = Path(__file__).parents[2]


def main() -> int:
    """Do what the arguments say; return the exit status."""
    asked = arguments()
    if asked.all:
        return max(part(name, DEEP[name], asked.state, float("inf")) for name in DEEP)
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    return part(asked.plan, seeds, asked.state, time.monotonic() + asked.minutes * 60)


def part(name: str, seeds: range, directory: Path, until: float) -> int:
    """Simulate the seeds that are not done yet, as far as the time goes; return the status."""
    state = directory / f"{name}.jsonl"
    done = begin(state, name)
    for seed in seeds:
        if seed in done:
            continue
        if time.monotonic() > until:
            say(f"{name}: {len(done)} of {len(seeds)} seeds so far")
            return UNFINISHED
        done[seed] = run(name, seed)
        with state.open("a") as lines:
            lines.write(json.dumps(done[seed]) + "\n")
    return report(name, [done[seed] for seed in seeds])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulate whole days, seed by seed.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--all", action="store_true", help="all plans, to the end")
    what.add_argument("--plan", choices=PLANS)
    parser.add_argument("--seeds", default="0", help="first-last")
    parser.add_argument("--state", type=Path, required=True, help="where results are kept")
    parser.add_argument("--minutes", type=float, default=8.0)
    return parser.parse_args()


def begin(state: Path, name: str) -> dict[int, dict[str, Any]]:
    """Return what an earlier part has done with the same sources; begin anew after others."""
    sources = hashlib.sha256(name.encode())
    for path in sorted([*ROOT.glob("governor/**/*.py"), *ROOT.glob("tests/simulation/*.py")]):
        sources.update(path.read_bytes())
    mark = json.dumps({"sources": sources.hexdigest()})
    lines = state.read_text().splitlines() if state.exists() else []
    if not lines or lines[0] != mark:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text(mark + "\n")
        return {}
    done = [json.loads(line) for line in lines[1:]]
    return {outcome["seed"]: outcome for outcome in done}


def run(name: str, seed: int) -> dict[str, Any]:
    """Simulate one seed; a defect is an outcome too."""
    began = time.process_time()
    try:
        outcome = simulate(seed, PLANS[name].drawn(seed))
    except AssertionError as error:
        cause = repr(error.__cause__ or error)
        return {"seed": seed, "kept": False, "error": f"{error} ({cause})"}
    taken = {"kept": outcome.kept, "seconds": round(time.process_time() - began, 2)}
    return asdict(outcome) | taken


def report(name: str, outcomes: list[dict[str, Any]]) -> int:
    """Print the figures; return 0 if every window kept its limit."""
    broken = [outcome for outcome in outcomes if not outcome["kept"]]
    whole = [outcome for outcome in outcomes if "error" not in outcome]
    years = len(outcomes) * PLANS[name].span_ms / YEAR_MS
    used = sum(outcome["used_ppm"] for outcome in whole) / max(1, len(whole)) / 10_000
    seconds = sum(outcome["seconds"] for outcome in whole)
    worst = max((outcome["worst"] / outcome["limit"] for outcome in whole), default=0)
    say(
        f"{name}: {len(outcomes)} seeds, {years:.2f} years, "
        f"{sum(outcome['requests'] for outcome in whole):,} requests, "
        f"seeds over the limit {len(broken)}, worst window / limit {worst:.6f}, "
        f"{used:.1f} % of the limit used, {seconds / max(1, len(whole)):.1f} s a seed"
    )
    for outcome in broken:
        say(f"  seed {outcome['seed']}: {outcome}")
    return 1 if broken else 0


def say(line: str) -> None:
    """Print a line at once: a part may be watched by a person, or cut off."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
