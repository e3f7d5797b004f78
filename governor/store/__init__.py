"""The two homes of a ledger: a book in this process, or a script in a shared Redis.

Both answer the same `converse`, and `tests/conformance` holds one against the other. Each does one
kind of I/O and decides nothing: what may be believed of an answer is the conversation's to say.
"""

from governor.store.embedded import EmbeddedStore
from governor.store.inspection import Finding
from governor.store.line import Sentinels
from governor.store.shared import Created, RedisStore
from governor.store.survey import Seen, Survey
from governor.store.words import Begins

__all__ = [
    "Begins",
    "Created",
    "EmbeddedStore",
    "Finding",
    "RedisStore",
    "Seen",
    "Sentinels",
    "Survey",
]
