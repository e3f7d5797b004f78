"""What happens to a ledger on somebody's word: that it is lost, or that a member is dead.

A loss is declared by compare-and-set: of all the members that notice it, one begins a new epoch,
and the others, whose word is about an identity that is gone by then, are told of it and restore
under it. Declared twice it happens once.
"""

from __future__ import annotations

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.members import NOTHING
from governor.core.ledger.messages import Account, Identity, Loss, Retired, RowValue
from governor.core.ledger.opening import GRACE_MS, adopt, speaks
from governor.core.ledger.roster import MemberStanding
from governor.errors import DoubtError


def declare(
    book: Book | None, loss: Loss, *, store_ms: int, run_id: str, replication_id: str
) -> Book:
    """Return the ledger to restore in: as it is, if somebody else has declared the loss before.

    `book` None: nothing was there. `run_id` and `replication_id` are the store's as it runs now.
    Of an empty ledger nobody can know who used it, so opening that takes an operator's word,
    unless the configuration names the members.
    """
    if book is not None and _stands(book, loss, (run_id, replication_id)):
        if not book.open:
            book.meet(loss.roster)
        book.awaits_word = book.awaits_word and not (loss.word or loss.named)
        book.vouched = book.vouched or loss.vouches or loss.word
        return book
    before = book.epoch if book is not None else 0
    identity = Identity(max(before + 1, loss.seen.epoch + 1, store_ms), run_id, replication_id)
    awaits_word = (book is None or book.awaits_word) and not (loss.word or loss.named)
    time_ms, high_ms = loss.time_ms, max(loss.time_ms, loss.high_ms)
    accounts = loss.accounts
    if book is not None:
        time_ms = max(time_ms, book.clocks.time_ms)
        high_ms = max(high_ms, book.clocks.high_ms)
        accounts = (*_accounts(book), *accounts)
    lost = Book(accounts, identity=identity, clocks=Clocks(time_ms, high_ms, store_ms - time_ms))
    if book is not None:
        lost.leniency = book.leniency
        for text, turns in book.calendars.items():
            lost.calendars[text].resume(turns.period)
        lost.members.rows = book.members.rows
    lost.leniency &= loss.leniency
    lost.open, lost.awaits_word, lost.opens_ms = False, awaits_word, time_ms + GRACE_MS
    lost.vouched = loss.vouches or loss.word
    lost.members.meet(loss.roster, epoch=identity.epoch)
    lost.members.version = 1
    return lost


def _stands(book: Book, loss: Loss, now: tuple[str, str]) -> bool:
    """Say whether this ledger is sound in itself, and later than the one that is declared lost.

    An earlier one was put back from a copy: to trust it would be to open what was closed.
    """
    is_here = (book.identity.run_id, book.identity.replication_id) == now
    return book.sound and is_here and book.epoch > loss.seen.epoch


def _accounts(book: Book) -> tuple[Account, ...]:
    """Return a ledger's rules without its sums."""
    return tuple(state.shown(name) for name, state in book.accounts.items())


def retire(book: Book, member: str, charged: int | None, *, store_ms: int = 0) -> Retired:
    """Fence a member that an operator says is dead, and charge what it may have cost.

    A row that counts says what was pending; so does the last word of one that had left, if somebody
    vouches that it was the last. Any other that a loss has left may be older than the journal that
    is gone with its member, so every limit is charged in full, or what the operator says with
    `charged`. All of it is stamped a window ahead: nobody saw it end. By a calendar it goes into
    the period in which that may have been at the latest, by the dates shown and `store_ms`.
    Raises KeyError for a member that has no row, DoubtError if nobody knows what period it is.
    """
    row = book.members.rows[member]
    for turns in book.calendars.values():
        turns.look(book.dates(row, store_ms), (), time_ms=book.clocks.time_ms)
    if not all(turns.has_place for turns in book.calendars.values()):
        raise DoubtError("no governor has said for long which day or month it is; run one first")
    book.sound = False
    counts = row.epoch == book.epoch
    if not counts and speaks(book, row):
        adopt(book, row)
        counts = True
    elif not counts:
        row.buckets = {}
    added = []
    values: dict[str, RowValue] = {}
    for account, state in book.accounts.items():
        value = row.values.get(account, NOTHING)
        posts = value.pending
        if counts:
            state.pending -= posts
        elif state.limit is not None:
            posts = state.limit if charged is None else charged
        values[account] = RowValue(0, value.charged + posts, value.lingered)
        book.stamp(row, account, posts, state.ring.window.lost_in(book.clocks.high_ms))
        if posts:
            added.append((account, posts))
    if row.standing is not MemberStanding.RETIRED:
        row.generation += 1
    row.values, row.epoch = values, book.epoch
    row.standing, row.final = MemberStanding.RETIRED, True
    row.frees_ms = row.frees_at(book.accounts, book.clocks.time_ms)
    row.heard_ms = book.clocks.time_ms
    book.members.changed()
    book.sound = True
    return Retired(tuple(added), row.frees_ms)
