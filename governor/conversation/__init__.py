"""One member's talk with the ledger of one contract: ask, tell, and keep the row true.

One message is under way at a time; what gathers meanwhile goes into the next, so throughput comes
from batching and order needs no locks. State changes between two awaits, never across one.

    talk        what is said next, and what is made of each answer: begin here
    composing   a message: all that the ledger has not acknowledged
    desk        exchanges ask for holds and give them back; `waiting` is their queue
    keeping     what is learned is durable before it is believed
    noticing    what an operator said elsewhere, as a reply shows it
    trust       whether the ledger's word can be taken
    vigil       when this governor must let go of everything by itself

The ledger is lost now and then, and the conversation brings it back: it declares the loss, journals
the ledger that takes its place, and restores this member's row with all that is in flight still
pending. Only what waiting cannot mend is left to an operator.
"""

from governor.conversation.desk import POLL_MS
from governor.conversation.keeping import PATIENCE_MS
from governor.conversation.parts import Journal, Ledger, Observer, Unobserved
from governor.conversation.talk import HEARTBEAT_MS, RETRY_MS, STAMP_EVERY_MS, Conversation
from governor.conversation.vigil import FENCE_MS
from governor.conversation.waiting import MOST_ASKS, MOST_WAITING

__all__ = [
    "FENCE_MS",
    "HEARTBEAT_MS",
    "MOST_ASKS",
    "MOST_WAITING",
    "PATIENCE_MS",
    "POLL_MS",
    "RETRY_MS",
    "STAMP_EVERY_MS",
    "Conversation",
    "Journal",
    "Ledger",
    "Observer",
    "Unobserved",
]
