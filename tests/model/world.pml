/* Who speaks to the ledger, what the platform counts, and what goes wrong. See ledger.pml. */

inline compose(g, ask) {
  m_generation = journal[g].generation; m_epoch = journal[g].epoch; m_run = journal[g].process;
  m_pending = (request[g] != NONE -> 1 : 0);
  m_charged = journal[g].charged; m_lingered = journal[g].lingered;
  m_version = journal[g].version; m_whole = whole[g]; m_ask = ask;
#ifdef M_PENDING_NOT_RESTORED
  if :: m_whole -> m_pending = 0 :: else fi;
#endif
#ifdef SEQ
  seq[g]++; m_seq = seq[g]; m_acked = acked[g]
#endif
}

inline clean() {
  m_generation = 0; m_epoch = 0; m_run = 0; m_seq = 0; m_acked = 0; m_pending = 0; m_charged = 0;
  m_lingered = 0; m_version = 0; m_whole = 0; m_ask = 0;
  x = 0; y = 0; sum = 0; answer = 0; may = 0; grant = 0; same = 0; stands = 0; known = 0
}

inline speak(g, ask) {
  d_step {
    compose(g, ask); hear(g);
    if :: answer == REPLY -> believe(g)
       :: answer == LOSSES -> declare(g)
       :: answer == UNKNOWN -> whole[g] = 1
       :: else
    fi;
    clean()
  }
}

inline speak_unheard(g, ask) {           /* the ledger hears it; the reply is lost */
  d_step { losts++; compose(g, ask); hear(g); clean() }
}

#if LATE > 0
inline speak_late(g, ask) {              /* given up; heard whenever the network likes */
  d_step {
    lates++; compose(g, ask);
    late[g].there = 1; late[g].generation = m_generation; late[g].epoch = m_epoch;
    late[g].process = m_run; late[g].seq = m_seq; late[g].acked = m_acked;
    late[g].pending = m_pending; late[g].charged = m_charged;
    late[g].lingered = m_lingered; late[g].version = m_version; late[g].asks = m_ask;
    clean()
  }
}
inline hear_late(g) {
  d_step {
    m_generation = late[g].generation; m_epoch = late[g].epoch; m_run = late[g].process;
    m_seq = late[g].seq; m_acked = late[g].acked;
    m_pending = late[g].pending; m_charged = late[g].charged;
    m_lingered = late[g].lingered; m_version = late[g].version; m_ask = late[g].asks; m_whole = 0;
    late[g].there = 0; late[g].generation = 0; late[g].epoch = 0; late[g].process = 0;
    late[g].seq = 0; late[g].acked = 0; late[g].pending = 0; late[g].charged = 0;
    late[g].lingered = 0; late[g].version = 0; late[g].asks = 0;
    hear(g); clean()
  }
}
#endif

inline begin(g) {                        /* a start: claims are charged in full, lingering */
  d_step {
    journal[g].generation++;
#ifndef M_ORPHAN_FREED
    journal[g].lingered = journal[g].lingered + journal[g].claims;
#endif
    journal[g].claims = 0;
    life[g] = UP; whole[g] = 1
#ifdef SEQ
    ; seq[g] = 0; acked[g] = 0
#endif
  }
}

inline initialise(g) {                   /* governor init, then the first start */
  d_step {
    journal[g].generation = 1; journal[g].epoch = led.epoch; journal[g].process = led.process;
    life[g] = UP; whole[g] = 1
  }
}

inline end_it(g) { request[g] = NONE; journal[g].claims = 0 }

inline die(g) {
  d_step {
    crashes++; life[g] = DOWN;
    if :: request[g] == SENT -> lingering[now + LINGER]++ :: else fi;
    request[g] = NONE
    ; vouches[g] = 0
#ifdef M_JOURNAL_LATE
    ; unjournaled[g] = 0
#endif
#ifdef SEQ
    ; seq[g] = 0; acked[g] = 0
#endif
  }
}

inline lose() {
  d_step {
    losses++; process++;
    forget(0); forget(1);
    led.there = 0; led.open = 0; led.word = 0; led.vouched = 0;
    led.epoch = 0; led.process = 0; led.version = 0; y = 0
  }
}

#if ROLL > 0
inline transfer(to, from) {
  to.there = from.there; to.open = from.open; to.word = from.word;
  to.vouched = from.vouched; to.epoch = from.epoch;
  to.process = from.process; to.version = from.version; x = 0;
  do :: x < G ->
        to.row[x].entry = from.row[x].entry; to.row[x].epoch = from.row[x].epoch;
        to.row[x].pending = from.row[x].pending;
        to.row[x].charged = from.row[x].charged; to.row[x].lingered = from.row[x].lingered;
        to.row[x].knows = from.row[x].knows; to.row[x].joined = from.row[x].joined;
        to.row[x].final = from.row[x].final;
#ifdef SEQ
        to.row[x].seq = from.row[x].seq;
#endif
        y = 0;
        do :: y < TICKS -> to.row[x].bucket[y] = from.row[x].bucket[y]; y++ :: else -> break od;
        x++
     :: else -> break
  od; x = 0; y = 0
}
inline remember() { d_step { copied = 1; transfer(copy, led) } }
inline roll() {
  d_step {
    rolls++; transfer(led, copy);
#ifndef SAMERUN
    process++
#endif
  }
}
/* Under the same run id only the acknowledged seq tells; the copy is older than a heartbeat. */
#ifdef SAMERUN
#define OLDER(g) (life[g] != UP || acked[g] > copy.row[g].seq)
#else
#define OLDER(g) (1)
#endif
#endif

#if LEAVE > 0
inline leave(g) {                        /* the last word: nothing is pending */
  d_step {
    leaves++; compose(g, 0); hear(g);
    if :: answer == REPLY ->
          believe(g);
          led.row[g].entry = ENTRY(m_generation, LEFT); led.row[g].final = 1; changed();
          y = 0; frees[5 * g + m_generation] = now;
          do :: y < TICKS ->
                if :: led.row[g].bucket[y] > 0 -> frees[5 * g + m_generation] = y + W :: else fi;
                y++
             :: else -> break
          od
       :: else
    fi;
    life[g] = DOWN; whole[g] = 0;
    vouches[g] = 0;
#ifdef SEQ
    seq[g] = 0; acked[g] = 0;
#endif
    clean()
  }
}
#endif

inline tick() {                          /* what frees or can no longer be counted is wiped out */
  d_step {
    now++;
    lingering[now - 1] = 0;
    if :: now >= W ->
          truth[now - W] = 0;
          led.row[0].bucket[now - W] = 0; led.row[1].bucket[now - W] = 0;
          journal[0].bucket[now - W] = 0; journal[1].bucket[now - W] = 0
#if ROLL > 0
          ; copy.row[0].bucket[now - W] = 0; copy.row[1].bucket[now - W] = 0
#endif
       :: else
    fi
  }
}

#ifdef SEQ
#define MAY_SPEAK(g) (life[g] == UP && seq[g] < SAYS)
#else
#define MAY_SPEAK(g) (life[g] == UP)
#endif
#define MAY_ASK(g) (MAY_SPEAK(g) && request[g] == NONE && asked[g] < R && !whole[g])

#define MEMBER(g) \
  :: MAY_SPEAK(g) -> speak(g, 0) \
  :: MAY_ASK(g) -> speak(g, 1) \
  :: MAY_SPEAK(g) && losts < LOST -> speak_unheard(g, 0) \
  :: MAY_ASK(g) && losts < LOST -> speak_unheard(g, 1) \
  :: life[g] == UP && request[g] == GRANTED -> send(g) \
  :: life[g] == UP && request[g] == SENT -> d_step { request[g] = COUNTED; count(); clean() } \
  :: life[g] == UP && request[g] == COUNTED -> settle(g) \
  :: life[g] == UP && request[g] >= SENT && aborts < ABORT -> abort(g) \
  :: life[g] == UP && crashes < CRASH -> die(g) \
  :: life[g] == DOWN && journal[g].generation < 3 -> begin(g) \
  :: life[g] == NEW && led.there && led.open && led.process == process -> initialise(g)

inline send(g) {                         /* the claim is durable, then the first byte goes out */
  d_step {
    request[g] = SENT; asked[g]++;
#ifdef M_JOURNAL_LATE
    unjournaled[g] = 1
#else
    journal[g].claims = 1
#endif
  }
}
inline settle(g) { d_step { end_it(g); journal[g].charged++ } }
inline abort(g) {
  d_step {
    aborts++;
    if :: request[g] == SENT -> lingering[now + LINGER]++ :: else fi;
    end_it(g);
#ifndef M_ABORT_REFUNDED
    journal[g].lingered++
#endif
  }
}

#ifdef M_JOURNAL_LATE
inline journal_late(g) {
  d_step {
    unjournaled[g] = 0;
    if :: request[g] != NONE -> journal[g].claims = 1 :: else fi
  }
}
#endif
#define MAY_RETIRE(g) (life[g] == DOWN && retires < RETIRE && \
  led.there && led.process == process && led.row[g].entry > 0)

active proctype world() {
  d_step { led.there = 1; led.open = 1; led.epoch = 1; led.process = 1; led.version = 1 }
  initialise(0);
  speak(0, 0);
  do
  MEMBER(0)
  MEMBER(1)
#ifdef M_JOURNAL_LATE
  :: unjournaled[0] -> journal_late(0)
  :: unjournaled[1] -> journal_late(1)
#endif
#ifdef M_HOLD_EXPIRES
  :: led.row[0].pending > 0 -> led.row[0].pending = 0
  :: led.row[1].pending > 0 -> led.row[1].pending = 0
#endif
#if LATE > 0
  :: MAY_ASK(0) && lates < LATE && !late[0].there -> speak_late(0, 1)
  :: MAY_ASK(1) && lates < LATE && !late[1].there -> speak_late(1, 1)
  :: MAY_SPEAK(0) && !whole[0] && lates < LATE && !late[0].there -> speak_late(0, 0)
  :: MAY_SPEAK(1) && !whole[1] && lates < LATE && !late[1].there -> speak_late(1, 0)
  :: late[0].there -> hear_late(0)
  :: late[1].there -> hear_late(1)
#endif
#if LEAVE > 0
  :: MAY_SPEAK(0) && leaves < LEAVE && request[0] == NONE && !whole[0] -> leave(0)
  :: MAY_SPEAK(1) && leaves < LEAVE && request[1] == NONE && !whole[1] -> leave(1)
#endif
#if RETIRE > 0
  :: MAY_RETIRE(0) -> retire(0)
  :: MAY_RETIRE(1) -> retire(1)
#endif
#if LOSS > 0
  :: losses < LOSS -> lose()
#endif
#if LOSS + ROLL > 0
  /* The operator's word is true: everybody who ever started has brought its row, or has
   * been retired for so long that nothing of it counts. */
  :: led.there && !led.open && led.word && VOUCHED(0) && VOUCHED(1) ->
     d_step { led.word = 0; led.vouched = 1; reopen(); clean() }
#endif
#if ROLL > 0
  :: !copied && led.there -> remember()
  :: copied && rolls < ROLL && OLDER(0) && OLDER(1) -> roll()
#endif
  :: lingering[now] > 0 -> d_step { lingering[now]--; count(); clean() }
  :: lingering[now + 1] > 0 -> d_step { lingering[now + 1]--; count(); clean() }
  :: now < T -> tick()
  :: now == T -> break
  od
}
