"""Mutants of the ledger in Redis: the conformance suite must notice each, on a real server."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

CONVERSE: Final = "governor/lua/converse.lua"
DECLARE: Final = "governor/lua/declare.lua"
LEDGER: Final = "governor/lua/ledger.lua"
ROSTER: Final = "governor/lua/roster.lua"
RETIRE: Final = "governor/lua/retire.lua"
CLOCKS: Final = "governor/lua/clocks.lua"
ROWS: Final = "governor/lua/rows.lua"
PERIODS: Final = "governor/lua/periods.lua"
WINDOW: Final = "governor/lua/window.lua"
SUITE: Final = "tests/conformance"


def mutant(invariant: int, guard: str, file: str, old: str, new: str) -> Mutant:
    """Return a mutant that the conformance suite must kill."""
    return Mutant(invariant, guard, file, old, new, SUITE)


MUTANTS: Final = (
    mutant(2, "a repeated seq has its stored reply", CONVERSE, "seq == row.seq then", "false then"),
    mutant(
        2,
        "a lower seq changes nothing",
        CONVERSE,
        "if generation == row.generation and seq < row.seq then",
        "if false then",
    ),
    mutant(
        2,
        "a lower generation is fenced",
        CONVERSE,
        "if generation < row.generation then",
        "if false then",
    ),
    mutant(3, "another run is foreign", CONVERSE, "if not ledger.is_here() or ", "if "),
    mutant(
        3,
        "another epoch is foreign",
        CONVERSE,
        "identity[1] ~= ledger.epoch or ",
        "",
    ),
    mutant(3, "a short key is a loss", LEDGER, "== 4 * account.window.length", ">= 0"),
    mutant(
        3,
        "a Redis that may evict is doubt",
        LEDGER,
        "if not says('maxmemory_policy:noeviction') then",
        "if false then",
    ),
    mutant(3, "a row older than acknowledged", CONVERSE, "row.seq < acked then", "false then"),
    mutant(
        3,
        "a journal older than its row",
        CONVERSE,
        "if now[3] < told[2] or now[4] < told[3] then return doubt('behind') end",
        "",
    ),
    mutant(
        3,
        "a lost ledger is closed",
        DECLARE,
        "ledger.open, ledger.opens = 0,",
        "ledger.open, ledger.opens = 1,",
    ),
    mutant(3, "it waits for all of the roster", ROSTER, " or #awaiting > 0 then", " then"),
    mutant(3, "it waits for a word", ROSTER, "if ledger.awaits_word == 1 or ", "if "),
    mutant(3, "the living have time", ROSTER, "or ledger.time < ledger.opens ", ""),
    mutant(
        3,
        "journals name who must restore",
        DECLARE,
        "roster.meet(entries)\nledger.roster = 1",
        "ledger.roster = 1",
    ),
    mutant(
        3,
        "a row of another epoch does not count",
        ROWS,
        "return row.epoch == ledger.epoch end",
        "return true end",
    ),
    mutant(
        3,
        "a join is known to all",
        ROSTER,
        "if row.joined == 0 then return true end",
        "do return true end",
    ),
    mutant(
        5,
        "what was let go of lingers",
        WINDOW,
        "or div(high_ms + w.linger_ms, w.bucket_ms)",
        "or div(high_ms, w.bucket_ms)",
    ),
    mutant(
        6,
        "a day turns by the slowest date",
        PERIODS,
        "if unknown or slowest >=",
        "if unknown or math.huge >=",
    ),
    mutant(
        6,
        "a charge goes by the fastest date",
        PERIODS,
        "turns.charges = number_at(turns, fastest + w.pad_ms, named)",
        "turns.charges = turns.number",
    ),
    mutant(
        6,
        "a date hours off is doubt",
        PERIODS,
        "if math.abs(date_ms - store_ms) > div(turns.ms, 4) then",
        "if false then",
    ),
    mutant(
        10,
        "other boundaries are doubt",
        CONVERSE,
        "if not periods.agree(",
        "if false and not periods.agree(",
    ),
    mutant(
        3,
        "a lost ledger goes on from the latest period",
        CONVERSE,
        "if ledger.turns[each[1]] then periods.resume(",
        "if false then periods.resume(",
    ),
    mutant(
        5,
        "the dead are charged a window ahead",
        WINDOW,
        "or div(high_ms + w.ms, w.bucket_ms)",
        "or div(high_ms, w.bucket_ms)",
    ),
    mutant(
        5,
        "a retired member is not heard",
        CONVERSE,
        "if row.standing == rows.RETIRED then",
        "if false then",
    ),
    mutant(6, "T follows the slowest", CLOCKS, "math.min(store, boot)", "math.max(store, boot)"),
    mutant(
        6, "H follows the fastest", CLOCKS, "math.max(ledger.high, T, store + ledger.lead)", "T"
    ),
    mutant(
        6,
        "a stepped store is re-based",
        CLOCKS,
        "if store_stepped or store > slowest + tolerance_ms then",
        "if store_stepped then",
    ),
    mutant(
        6, "a late reading is forgotten", CONVERSE, "if anchor then row.boot_offset = nil end", ""
    ),
    mutant(
        8,
        "truth is recorded over the limit",
        CONVERSE,
        "rows.stamp(row, account, charged, window",
        "rows.stamp(row, account, math.min(charged, account.limit), window",
    ),
    mutant(
        9,
        "a grant is held at once",
        "governor/lua/grants.lua",
        "account.pending, account.changed = account.pending + posts, true",
        "account.changed = true",
    ),
    mutant(
        10,
        "the stricter limit binds",
        LEDGER,
        "(account.limit == NONE or limit < account.limit)",
        "true",
    ),
    mutant(
        10,
        "an account counts what it was begun to count",
        CONVERSE,
        " or units[name] ~= unit",
        "",
    ),
    mutant(
        10,
        "rules are as strict as shown",
        CONVERSE,
        "bit.band(ledger.leniency, leniency)",
        "leniency",
    ),
    mutant(
        12,
        "an account is recounted",
        "governor/lua/recount.lua",
        "return pending == account.pending and charged == account.charged",
        "return true",
    ),
    mutant(
        12,
        "a script that died half-way is a loss",
        LEDGER,
        "redis.call('HSET', key, 'sound', 0)",
        "",
    ),
    mutant(
        12,
        "what miscounted answers nobody",
        LEDGER,
        "if ledger.sound ~= 1 then return 'miscounted' end",
        "",
    ),
    mutant(
        3,
        "somebody must vouch for who has left",
        ROSTER,
        "row.standing == rows.LEFT and ledger.vouched == 1",
        "row.standing == rows.LEFT",
    ),
    mutant(
        6,
        "a silent clock is ahead as far as it was",
        CLOCKS,
        "ledger.lead = math.max(lead, boot - store)",
        "ledger.lead = 0",
    ),
    mutant(
        6,
        "nothing is stamped while closed",
        CONVERSE,
        "  if ledger.open == 0 then\n    value =",
        "  if false then\n    value =",
    ),
    mutant(
        6,
        "a clock last read before time was lost does not bring it back",
        CLOCKS,
        "local late = row.clock ~= ledger.rebased and row.boot_offset",
        "local late = false",
    ),
)
