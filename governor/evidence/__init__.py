"""The proof that no window or period was over its limit, from the journals alone.

What bounds the platform's count of one request is in the journal of the member that sent it:

- It cannot have counted before the first byte was sent, and before that the *claim* was durable.
  The claim bears the ledger's time as last heard, which is never ahead of the time at that moment.
- It cannot have counted after the last byte, and what that came to was durable (*resolved*) before
  the ledger was told. The ledger then stamped it, and answered with its fastest time (*stamped*):
  the count fell before that, or a linger after it if the last byte was not read.

Between the two the platform may have counted at any instant. So for a window we take every request
that it touches, in full: what stands in the worst such window is the most that the platform can
have counted in any, however it counts and however the window is placed. That is the one reading
given here, `worst`; a second one, each request counted once at its stamp, can only be lower.
It is judged over the window and its pad, so that a clock which runs 520 ppm slower than the
ledger's cannot see more. The ledger grants under this very rule (design, section 1), so that a
sound history never exceeds its limit here, and one that does was either over it (an overrun, shadow
mode, a word of an operator beyond the limit) or was not made by Governor.

A limit by the calendar is judged by its days or months, under the same reading: what any clock says
may have been counted in a period counts there in full (`dates`). That is as good as the wall clocks
were: their differences from ledger time are in the journals, to the second, and the promise holds
if the platform's date was between the slowest and the fastest, or within a pad of them (47 s for a
day, 23 minutes for a month). No journal can show that all of them were wrong together. Periods that
ran are those that the journals name; a date in none of them falls where the time zones of this
Governor have it.

Limits in every unit are judged alike, for the journal has what each request took from each. What it
took in requests and in the catalog's costs is what the catalog said, for no answer tells that; only
posts were counted.

Journals of several members are put together where they share a ledger, that is where any identity
(epoch, run, replication) stands in both: its time is one. Ledgers that never knew each other are
judged apart; who has two for one contract has two limits, and must add them up.

Each member journals who the others are, so a journal that was not given is named (`missing`); what
it holds nobody can say. What the proof cannot know: a member that none of these journals met;
a journal written anew from its first row, or put back older than it was, unless its head was noted
elsewhere; requests that did not go through Governor.
"""

from governor.evidence.proof import AccountProof, Proof, prove
from governor.evidence.reading import Read, Said

__all__ = ["AccountProof", "Proof", "Read", "Said", "prove"]
