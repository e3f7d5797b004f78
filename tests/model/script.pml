/* What the ledger does: one message, a declared loss, a member retired. See ledger.pml. */

/* Who has been silent for a while is not waited for by one that joins. */
#define SILENT(r) (life[r] != UP)

#define RESTORED(g) (led.row[g].entry > 0 && led.row[g].epoch == led.epoch)
#if LEAVE + RETIRE > 0
#define FREE(r) \
  (STANDING(led.row[r].entry) != ACTIVE && frees[5 * (r) + GEN(led.row[r].entry)] <= now)
#define AGED(g) (life[g] == GONE && frees[5 * (g) + journal[g].generation + 1] <= now)
#else
#define FREE(r) (0)
#define AGED(g) (0)
#endif
#define VOUCHED(g) (life[g] == NEW || AGED(g) || RESTORED(g))
/* Before a lost ledger opens, the living have time to show themselves. */
#ifdef M_NO_GRACE
#define SHOWN(g) (1)
#else
#define SHOWN(g) (life[g] != UP || RESTORED(g))
#endif

#define ADD(to, posts) to = to + (posts)
#ifdef M_STAMP_AT_RESERVE
#define CHARGED_AT(g) reserved_at[g]
#else
#define CHARGED_AT(g) now
#endif
#ifdef M_NO_LINGER
#define LINGERED_AT now
#else
#define LINGERED_AT (now + LINGER)
#endif

inline count() {
  truth[now]++;
  sum = 0; y = 0;
  do :: y < TICKS -> if :: y + W > now && y <= now -> sum = sum + truth[y] :: else fi; y++
     :: else -> break
  od;
#ifdef GOAL                              /* not a fault: shows that this can be reached at all */
  assert(process == 1);
#endif
  assert(sum <= N)
}

inline usage() {                         /* into sum */
  sum = 0; x = 0;
  do :: x < G ->
        if :: RESTORED(x) ->
              sum = sum + led.row[x].pending; y = 0;
              do :: y < TICKS ->
                    if :: y + W > now -> sum = sum + led.row[x].bucket[y] :: else fi; y++
                 :: else -> break
              od
           :: else
        fi; x++
     :: else -> break
  od
}

inline changed() { led.version++ }

inline meet(g, skipped) {                /* the ledger learns of the members in a journal */
  skip;
#ifndef M_NO_ROSTER
  x = 0; may = 0;
  do :: x < G ->
        if :: x != skipped && journal[g].entry[x] > led.row[x].entry ->
              led.row[x].entry = journal[g].entry[x]; led.row[x].epoch = 0; led.row[x].final = 0;
              may = 1
           :: else
        fi; x++
     :: else -> break
  od;
  if :: may -> changed() :: else fi; may = 0
#endif
}

inline named() {                         /* the configuration names the members */
  skip;
#ifdef NAMED
  x = 0;
  do :: x < G -> if :: led.row[x].entry == 0 -> led.row[x].entry = ENTRY(0, ACTIVE) :: else fi; x++
     :: else -> break
  od
#endif
}

inline forget(r) {                       /* remove a row */
  led.row[r].entry = 0; led.row[r].epoch = 0; led.row[r].pending = 0; led.row[r].charged = 0;
  led.row[r].lingered = 0; led.row[r].knows = 0; led.row[r].joined = 0; led.row[r].final = 0;
#ifdef SEQ
  led.row[r].seq = 0;
#endif
  y = 0;
  do :: y < TICKS -> led.row[r].bucket[y] = 0; y++ :: else -> break od
}

/* The dead do not come back; that a member which had left has not, somebody must know. */
#ifdef M_LEFT_UNVOUCHED
#define KNOWN_GONE(r) (STANDING(led.row[r].entry) != ACTIVE)
#else
#define KNOWN_GONE(r) (STANDING(led.row[r].entry) == RETIRED || \
  (STANDING(led.row[r].entry) == LEFT && led.vouched))
#endif

inline reopen() {
  may = !led.word && SHOWN(0) && SHOWN(1); x = 0;
#ifndef M_OPEN_EARLY
  do :: x < G ->
        if :: led.row[x].entry > 0 && !RESTORED(x) &&
              !(KNOWN_GONE(x) && (FREE(x) || led.row[x].final)) -> may = 0
           :: else
        fi; x++
     :: else -> break
  od;
#endif
  if :: may ->
        x = 0;
        do :: x < G ->
              if :: led.row[x].entry > 0 && led.row[x].epoch != led.epoch ->
                    if :: led.row[x].final -> led.row[x].epoch = led.epoch
                       :: !led.row[x].final && FREE(x) -> forget(x); changed()
                       :: else
                    fi
                 :: else
              fi; x++
           :: else -> break
        od;
        led.open = 1
     :: else
  fi; may = 0
}

/* The script. The message is in m_...; g's journal has the whole row. Leaves answer and grant. */
inline hear(g) {
  answer = 0; grant = 0;
  same = (led.row[g].entry == ENTRY(m_generation, ACTIVE) && led.row[g].epoch == led.epoch);
  if :: !led.there -> answer = LOSSES
#ifndef M_NO_RUN
     :: led.there && (led.process != process || m_run != process) -> answer = LOSSES
#endif
     :: led.there && m_epoch != led.epoch -> answer = LOSSES
     :: else ->
        if :: STANDING(led.row[g].entry) == RETIRED -> answer = REFUSED
#ifndef M_NO_FENCE
           :: m_generation < GEN(led.row[g].entry) -> answer = REFUSED
#endif
           :: else ->
#ifdef M_NO_FENCE
              same = same || (m_generation < GEN(led.row[g].entry) && !m_whole);
#endif
              if :: !m_whole && !same -> answer = UNKNOWN
#ifdef SEQ
#ifndef M_NO_ACKED
                 :: same && led.row[g].seq < m_acked -> answer = LOSSES
#endif
#ifndef M_NO_SEQ
                 :: m_generation == GEN(led.row[g].entry) && m_seq < led.row[g].seq ->
                    answer = REFUSED
#endif
#endif
                 :: else -> answer = REPLY
              fi
        fi
  fi;
  if :: answer == REPLY && (m_charged < led.row[g].charged || m_lingered < led.row[g].lingered) ->
        answer = (m_whole -> REFUSED : LOSSES)
     :: else
  fi;
  if :: answer == REPLY -> take(g) :: else fi
}

inline take(g) {
  if :: m_whole ->
        if :: !same ->
              led.row[g].entry = ENTRY(m_generation, ACTIVE); led.row[g].epoch = led.epoch;
              led.row[g].final = 0; changed(); led.row[g].joined = led.version
           :: else
        fi;
        if :: !led.open -> meet(g, g) :: else fi;
        y = 0;
        do :: y < TICKS -> led.row[g].bucket[y] = journal[g].bucket[y]; y++ :: else -> break od;
        led.row[g].charged = journal[g].told_charged; led.row[g].lingered = journal[g].told_lingered
     :: else
  fi;
  led.row[g].pending = m_pending;
  ADD(led.row[g].bucket[CHARGED_AT(g)], m_charged - led.row[g].charged);
  ADD(led.row[g].bucket[LINGERED_AT], m_lingered - led.row[g].lingered);
  led.row[g].charged = m_charged; led.row[g].lingered = m_lingered; led.row[g].knows = m_version;
#ifdef SEQ
  led.row[g].seq = m_seq;
#endif
  if :: !led.open -> reopen() :: else fi;
  if :: m_ask && led.open ->
        if :: led.row[g].joined > 0 ->
              may = 1; x = 0;
#ifndef M_NO_JOIN_RULE
              do :: x < G ->
                    if :: x != g && RESTORED(x) && STANDING(led.row[x].entry) == ACTIVE &&
                          !SILENT(x) && led.row[x].knows < led.row[g].joined -> may = 0
                       :: else
                    fi; x++
                 :: else -> break
              od;
#endif
              if :: may -> led.row[g].joined = 0 :: else fi; may = 0
           :: else
        fi;
        if :: led.row[g].joined == 0 ->
              usage();
              if :: sum + 1 <= N -> grant = 1; led.row[g].pending++ :: else fi
           :: else
        fi
     :: else
  fi
}

inline believe(g) {                      /* a reply: what is journaled because of it */
  if :: led.version != journal[g].version ->
#ifndef M_ROSTER_NOT_JOURNALED
        x = 0;
        do :: x < G -> journal[g].entry[x] = led.row[x].entry; x++ :: else -> break od;
#endif
        journal[g].version = led.version
     :: else
  fi;
  ADD(journal[g].bucket[CHARGED_AT(g)], m_charged - journal[g].told_charged);
  ADD(journal[g].bucket[LINGERED_AT], m_lingered - journal[g].told_lingered);
  journal[g].told_charged = m_charged; journal[g].told_lingered = m_lingered;
  whole[g] = 0;
  vouches[g] = 1;
#ifdef SEQ
  acked[g] = m_seq;
#endif
  if :: grant -> request[g] = GRANTED
#ifdef M_STAMP_AT_RESERVE
        ; reserved_at[g] = now
#endif
     :: else
  fi
}

inline declare(g) {                      /* compare and set; then the identity is journaled */
  stands = (led.there && led.process == process && led.epoch > journal[g].epoch);
  if :: stands ->
        if :: !led.open -> meet(g, G) :: else fi;
        if :: vouches[g] -> led.vouched = 1 :: else fi
     :: else ->
        led.word = (!led.there || led.word); led.vouched = vouches[g];
#ifdef NAMED
        led.word = 0;
#endif
#ifdef M_NO_WORD
        led.word = 0;
#endif
        if :: led.epoch < journal[g].epoch -> led.epoch = journal[g].epoch :: else fi;
#ifndef M_EPOCH_STAYS
        led.epoch++;
#endif
        led.process = process; led.there = 1; led.open = 0; led.version = 1;
        meet(g, G); named()
#ifdef M_RESEED_ZERO
        ; led.open = 1; led.word = 0
#endif
  fi;
  journal[g].epoch = led.epoch; journal[g].process = led.process; journal[g].version = 0;
  whole[g] = 1; vouches[g] = 0
}

#if RETIRE > 0
inline retire(g) {
  d_step {
    retires++; life[g] = GONE;
    known = led.row[g].pending;
#ifdef M_RETIRE_LAST_WORD
    if :: led.row[g].epoch != led.epoch && !led.row[g].final ->
#else
    if :: led.row[g].epoch != led.epoch && !(led.row[g].final && KNOWN_GONE(g)) ->
#endif
#ifndef M_RETIRE_REMAINS
          known = N; y = 0;
          do :: y < TICKS -> led.row[g].bucket[y] = 0; y++ :: else -> break od
#endif
       :: else
    fi;
#ifdef M_RETIRE_NOW
    led.row[g].bucket[now] = led.row[g].bucket[now] + known;
    frees[5 * g + GEN(led.row[g].entry) + 1] = now + W;
#else
    led.row[g].bucket[now + W] = led.row[g].bucket[now + W] + known;
    frees[5 * g + GEN(led.row[g].entry) + 1] = now + W + W;
#endif
    led.row[g].pending = 0;
    led.row[g].epoch = led.epoch; led.row[g].final = 1; led.row[g].joined = 0;
    led.row[g].entry = ENTRY(GEN(led.row[g].entry) + 1, RETIRED); changed();
    if :: !led.open -> reopen() :: else fi;
    clean()
  }
}
#endif
