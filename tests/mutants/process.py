"""Mutants of what runs around the ledger: conversation, journal, exchange, way out, recovery."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

TALK: Final = "governor/conversation/talk.py"
COMPOSING: Final = "governor/conversation/composing.py"
VIGIL: Final = "governor/conversation/vigil.py"
ADMISSION: Final = "governor/exchange/admission.py"
FORWARDING: Final = "governor/exchange/forwarding.py"
HOLDING: Final = "governor/exchange/holding.py"
WRITER: Final = "governor/journal/writer.py"
C: Final = "tests/shell/conversation/"
TALKS: Final = C
E: Final = "tests/shell/exchange/"
J: Final = "tests/shell/journal/"

MUTANTS: Final = (
    Mutant(
        1,
        "the claim is durable before the first byte",
        HOLDING,
        "    await course.adapters.journal.append(claimed)\n",
        "",
        f"{E}test_admission.py {E}test_life.py",
    ),
    Mutant(
        1,
        "what a stream may still send is held, and durably, before more of it is read",
        "governor/exchange/growing.py",
        "        if self.unused >= posts:\n            return None\n",
        "        return None\n",
        f"{E}test_streaming.py",
    ),
    Mutant(
        5,
        "a top-up that is old is given back",
        "governor/exchange/growing.py",
        "    if course.is_enforced and more.is_old(course.adapters.clock):\n",
        "    if False:\n",
        f"{E}test_streaming.py",
    ),
    Mutant(
        5,
        "what was held for a stream's way is charged when it is cut",
        "governor/exchange/streaming.py",
        "            if await growth.lead(ahead, batch=flow.rate) is not None:\n"
        "                return\n",
        "            if await growth.lead(ahead, batch=flow.rate) is not None:\n"
        "                return _end(course)\n",
        f"{E}test_streaming.py",
    ),
    Mutant(
        9,
        "a top-up is a hold of its own",
        "governor/exchange/course.py",
        'Hold(f"{self.id}{TOP_UP}{self.top_ups}"',
        "Hold(self.id",
        f"{E}test_streaming.py {E}test_growing.py",
    ),
    Mutant(
        9,
        "one wire request counts once, however often more is held for it",
        "governor/exchange/holding.py",
        "requests=charge.requests if is_request else 0",
        "requests=charge.requests",
        f"{E}test_streaming.py {E}test_holding.py",
    ),
    Mutant(
        11,
        "a stream has a hold, which is its lead",
        "governor/exchange/pricing.py",
        "    return replace(quote, price=min((lead(quote.flow), *caps, *on_posts.values())))\n",
        "    return quote\n",
        f"{E}test_streaming.py",
    ),
    Mutant(
        11,
        "an answer that may never end is cut at what is held",
        "governor/exchange/relaying.py",
        "    if quote.kind in ENDLESS and counter.at_most > quote.price:\n",
        "    if False:\n",
        f"{E}test_streaming.py",
    ),
    Mutant(
        11,
        "a count of no post where there always were some is not believed",
        "governor/exchange/resolving.py",
        "        believed=not drift.startswith(ZERO),\n",
        "",
        f"{E}test_resolving.py",
    ),
    Mutant(
        1,
        "a resolution is durable before the ledger is told",
        HOLDING,
        "    if await _is_durable(course, holding, charge, posts, raised):\n        "
        "course.conversation.end(holding.hold, posts, lingers=charge.lingers)\n",
        "    course.conversation.end(holding.hold, posts, lingers=charge.lingers)\n"
        "    await _is_durable(course, holding, charge, posts, raised)\n",
        f"{E}test_resolving.py {E}test_life.py",
    ),
    Mutant(
        1,
        "an append returns when its commit is on the disk",
        WRITER,
        '        self._connection.execute("COMMIT")\n',
        "",
        f"{J}test_writer.py {J}test_journal.py",
    ),
    Mutant(
        1,
        "a commit is synced",
        "governor/journal/file.py",
        '"PRAGMA synchronous = FULL"',
        '"PRAGMA synchronous = OFF"',
        f"{J}test_file.py {J}test_journal.py {J}test_writer.py",
    ),
    Mutant(
        1,
        "the generation is durable before the first message",
        "governor/recovery.py",
        "Started(journal.member, state.generation + 1, clock.boot_id())",
        "Started(journal.member, state.generation, clock.boot_id())",
        "tests/shell/test_recovery.py",
    ),
    Mutant(
        1,
        "a lost ledger's successor is journaled before anything is restored in it",
        TALK,
        "return await self._is_durable(adoption(",
        "return bool(adoption(",
        TALKS,
    ),
    Mutant(
        1,
        "a roster is journaled before its reply's grants are used",
        TALK,
        "        if reply.roster is not None and not await self._meet(reply.roster):\n"
        "            return\n",
        "",
        TALKS,
    ),
    Mutant(
        2,
        "an abandoned message is said anew",
        COMPOSING,
        "        self.row.doubt((*message.values, *asked))\n",
        "        tuple(asked)\n",
        f"{C}test_composing.py {C}test_talk.py",
    ),
    Mutant(
        2,
        "one writer per state directory",
        "governor/journal/file.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{J}test_file.py {J}test_journal.py",
    ),
    Mutant(
        3,
        "in doubt nobody is served",
        TALK,
        "        if self.doubt is not None:\n            return Doubted(self.doubt)\n",
        "",
        f"{C}test_talk.py {E}test_life.py",
    ),
    Mutant(
        3,
        "a closed ledger is doubt",
        TALK,
        "        if not reply.open:\n",
        "        if False:\n",
        TALKS,
    ),
    Mutant(
        3,
        "a failed journal stays failed",
        WRITER,
        "            if self._failure is not None:\n                raise JournalError("
        "self._failure)\n",
        "",
        f"{J}test_writer.py",
    ),
    Mutant(
        3,
        "a reply to another message is none of ours",
        "governor/store/shared.py",
        "        if answer.nonce != message.nonce:\n",
        "        if False:\n",
        "tests/shell/store/test_shared.py",
    ),
    Mutant(
        5,
        "a minute of silence cuts what is on its way",
        VIGIL,
        "if self._fenced or silent_ms >= FENCE_MS:",
        "if self._fenced:",
        f"{C}test_vigil.py",
    ),
    Mutant(
        5,
        "a suspended minute counts as silence",
        VIGIL,
        "        return self._clock.boot_ms() - self._heard_ms\n",
        "        return self._clock.monotonic_ms() - self._heard_ms\n",
        f"{C}test_vigil.py",
    ),
    Mutant(
        5,
        "an old grant is given back at its first byte",
        FORWARDING,
        "if claimed and course.is_enforced and course.first.is_old(course.adapters.clock):",
        "if False:",
        f"{E}test_forwarding.py",
    ),
    Mutant(
        5,
        "what was sent and not read to its end is charged in full",
        "governor/core/ledger/holds.py",
        "    State.SENT: Outcome.ORPHANED,\n",
        "    State.SENT: Outcome.VOID,\n",
        "tests/core/ledger/test_holds.py tests/core/test_charging.py",
    ),
    Mutant(
        5,
        "what was not read lingers",
        "governor/core/charging.py",
        "lingers = hold.state is not State.READ",
        "lingers = False",
        "tests/core/test_charging.py",
    ),
    Mutant(
        6,
        "a reading that was late is said to be",
        COMPOSING,
        "return reply.boot_offset_ms != self._offset_ms and took_ms > tolerance_ms",
        "return False",
        f"{C}test_composing.py {C}test_talk.py",
    ),
    Mutant(
        8,
        "more than the price is charged as it came",
        "governor/core/charging.py",
        "    return max(named, received)\n",
        "    return named\n",
        "tests/core/test_charging.py",
    ),
    Mutant(
        9,
        "the way out never sends twice",
        "governor/upstream/client.py",
        "        session._retry_connection = False",
        "        session._retry_connection = True",
        "tests/shell/upstream/test_client.py",
    ),
    Mutant(
        9,
        "a redirect is returned, not followed",
        "governor/upstream/client.py",
        "allow_redirects=False",
        "allow_redirects=True",
        "tests/shell/upstream/test_client.py",
    ),
    Mutant(
        10,
        "an exchange obeys the strictest rules that the ledger was shown",
        "governor/core/policy.py",
        '        mode=contract.mode if Leniency.SHADOW in shown else "enforce",\n',
        "",
        f"tests/core/test_policy.py {E}test_admission.py",
    ),
    Mutant(
        11,
        "a price above the limit is refused for good",
        "governor/core/ledger/grants.py",
        "return Grant(granted=False, account=account, never=True)",
        "return Grant(granted=False, account=account)",
        "tests/core/ledger/test_grants.py",
    ),
    Mutant(
        11,
        "an unknown operation costs at least its floor",
        "governor/core/charging.py",
        "        return max(received, UNKNOWN_FLOOR)\n",
        "        return received\n",
        "tests/core/test_charging.py",
    ),
    Mutant(
        11,
        "only what the catalog names is free",
        ADMISSION,
        '    if course.quote.kind == "free":\n        return None\n    decision',
        '    if course.quote.kind in ("free", "unknown"):\n        return None\n    decision',
        f"{E}test_admission.py {E}test_life.py",
    ),
    Mutant(
        11,
        "no spelling lets a stream in as an unknown answer",
        "governor/core/catalog/matching.py",
        'GUARDED: Final = ("refused", "stream")\n',
        'GUARDED: Final = ("refused",)\n',
        "tests/core/catalog/test_matching.py",
    ),
    Mutant(
        11,
        "of two values of a parameter the dearer is priced",
        "governor/core/catalog/questions.py",
        "            object_pairs_hook=Members,\n",
        "            object_pairs_hook=lambda pairs: Members(dict(pairs).items()),\n",
        "tests/core/catalog/test_questions.py tests/core/catalog/test_dearest.py",
    ),
    Mutant(
        11,
        "what has no certain reading costs the maximum",
        "governor/core/catalog/sizes.py",
        "        if values is None:\n            return self.most\n        return max(",
        "        if values is None:\n            return self.default\n        return max(",
        "tests/core/catalog/test_sizes.py tests/core/catalog/test_dearest.py",
    ),
)
