/* The ledger's protocol at small scope: may the platform ever count more than the limit?
 *
 * Two members, one of whom starts late, one account with a limit of N posts in any W ticks; each
 * request is one post. The platform counts a request at any tick from its first byte to its last,
 * or up to LINGER ticks after the governor let go of it or died. It is asserted at every such count
 * that the last W ticks hold at most N.
 *
 * One process plays everybody: each action is one indivisible step, and spin tries every order of
 * them. A message, its answer and what is journaled at once because of it are one step, as long as
 * nothing is lost; a message whose reply is lost, or that is heard much later, is a choice of its
 * own. Ledger time is true time here: clocks have tests of their own.
 *
 * Scope and faults are chosen with -D: T ticks, N posts, R requests a member, and how often each of
 * CRASH, ABORT, LOSS, ROLL, LOST, LATE, LEAVE, RETIRE may happen. -DM_... takes one guard away, and
 * each of those must give a counterexample (test_model.py has the list).
 */
#define G 2
#ifndef T
#define T 3
#endif
#ifndef N
#define N 1
#endif
#ifndef R
#define R 1
#endif
#define W 2
#define LINGER 1
#define TICKS (T + W + 2)
#ifndef CRASH
#define CRASH 0  /* kill -9 of a governor */
#endif
#ifndef ABORT
#define ABORT 0  /* a living governor closes a request before its last byte */
#endif
#ifndef LOSS
#define LOSS 0   /* the store is emptied */
#endif
#ifndef ROLL
#define ROLL 0   /* the store is put back to an earlier state; -DSAMERUN: under the same run id */
#endif
#ifndef LOST
#define LOST 0   /* a message is heard and its reply lost */
#endif
#ifndef LATE
#define LATE 0   /* a message is given up, and heard later */
#endif
#ifndef LEAVE
#define LEAVE 0  /* a member takes leave; it may start again */
#endif
#ifndef RETIRE
#define RETIRE 0 /* an operator declares a member dead, and it is */
#endif
#if LATE > 0 || defined(SAMERUN)
#define SEQ      /* otherwise no message is ever older than another */
#ifndef SAYS
#define SAYS 4   /* messages of one start */
#endif
#endif

/* An entry of a roster: the higher one is the later report; 0 is nobody. */
#define ENTRY(generation, standing) (3 * (generation) + (standing) + 1)
#define GEN(entry) (((entry) - 1) / 3)
#define STANDING(entry) (((entry) - 1) % 3)
#define ACTIVE 0
#define LEFT 1
#define RETIRED 2

typedef Row {
  byte entry;    /* whose word this is: generation and standing */
  byte epoch;    /* under which it was brought whole; it counts only in that one */
  byte pending, charged, lingered;
  byte knows;    /* the roster's version that its member has journaled */
  byte joined;   /* the roster's version that its join made; 0 when all know */
  bit final;     /* the last word of one that left or is retired */
#ifdef SEQ
  byte seq;
#endif
  byte bucket[TICKS];
}
typedef Ledger {
  bit there, open, word;  /* word: an operator must say that it may open */
  bit vouched;            /* somebody knows that nobody who had left has come back */
  byte epoch, process, version;
  Row row[G];
}
typedef Journal {
  byte generation, epoch, process;
  byte claims, charged, lingered;        /* resolutions are here before they are told */
  byte told_charged, told_lingered;      /* of these the buckets are known */
  byte version;                          /* of the roster, under this identity */
  byte entry[G];
  byte bucket[TICKS];
}

byte now = 0;
byte truth[TICKS];       /* what the platform counted */
byte lingering[TICKS];   /* requests without an owner, countable up to that tick */
byte process = 1;        /* run id of the store */
Ledger led;
Journal journal[G];
#if ROLL > 0
Ledger copy;             /* what the store is put back to */
bit copied = 0;
byte rolls = 0;
#endif

#define NEW 0
#define UP 1
#define DOWN 2
#define GONE 3           /* retired; never to return */
byte life[G];
byte request[G];         /* of a living governor: */
#define NONE 0
#define GRANTED 1
#define SENT 2           /* and journaled */
#define COUNTED 3
byte asked[G];           /* requests sent so far */
bit whole[G];            /* must bring its row */
bit vouches[G];          /* has been up since its last reply under the journaled identity */
#ifdef SEQ
byte seq[G], acked[G];
#endif
#ifdef M_STAMP_AT_RESERVE
byte reserved_at[G];
#endif
#ifdef M_JOURNAL_LATE
bit unjournaled[G];
#endif
#if LEAVE + RETIRE > 0
byte frees[G * 5];       /* by member and generation: when the last charge of one gone frees */
#endif
#if LATE > 0
typedef Message {
  bit there, asks;
  byte generation, epoch, process, seq, acked, pending, charged, lingered, version
}
Message late[G];
#endif
byte crashes = 0, aborts = 0, losses = 0, losts = 0, lates = 0, leaves = 0, retires = 0;

/* Scratch of single steps, always 0 between them. */
hidden byte x, y, sum, answer, known;
hidden byte may, grant, same, stands;
hidden byte m_generation, m_epoch, m_run, m_seq, m_acked, m_version;
hidden byte m_pending, m_charged, m_lingered, m_whole, m_ask;
#define REPLY 1
#define LOSSES 2         /* missing, foreign, rolled back: it is declared lost */
#define UNKNOWN 3
#define REFUSED 4        /* fenced, stale, behind, retired */

#include "script.pml"
#include "world.pml"
