/*
 * The core of the protocol, exhaustively: invocations in one log, two workers, crashes at every step, a worker that stands still, and a log
 * that loses its tail (`npm run specify:spin`).
 *
 * - A worker reads a stream, decides, and appends with the version that it read (E3) and the link to the message before it (LINK1).
 * - After a conflict it reads again, and the machine judges the same proposal again (PROP3).
 * - An attempt is executed after its start is durable (E1, EXEC1). Another worker asks first whether that worker still runs it (EXEC3, EXEC5).
 * - An item stays in the queue until nothing is left to do in its stream (ITEM2). A retry has no item: the scheduler wakes its stream.
 * - A lost tail gives the versions of the last messages to others. A worker may not notice that (LINK4).
 *
 * The states are as few as they can be: a version counts the appends of its stream, so that any append after a cut may get the version of a lost
 * one; of the log, the last three messages are kept as what a reader saw before each; a worker that died is nobody; the scheduler has no process.
 *
 * Each `M_…` breaks one rule, and must be found (`spin.ts`).
 */
#ifndef INVOCATIONS
#define INVOCATIONS 2
#endif
#ifndef CRASHES
#define CRASHES 3
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef PAUSES
#define PAUSES 1
#endif
#ifndef MAX_LOST
#define MAX_LOST 3
#endif
#define RETRIES 1
#define NOBODY 3
/* A cut takes so many messages at most. */
#define TAIL 3

#define QUEUED 0
#define RUNNING 1
#define RETRYING 2
#define SUCCEEDED 3
#define FAILED 4
#define NOTIFIED 5
/* Why an attempt failed. Only a failure of the function consumes a retry (E5). */
#define FUNCTION 0
#define LOST 1

/* `ran`: the attempt that the proposer executed. Not part of the real message: the invariants compare it. */
typedef Message { byte fact; byte attempt; byte kind; byte ran };
/* An invocation as the log shows it, with the head and the version of its stream. */
typedef Life { unsigned state : 3; unsigned attempt : 3; unsigned retries : 1; unsigned lost : 2; unsigned by : 2; byte head; byte version };

Life truth[INVOCATIONS];
#if CUTS
/* What the log showed before the messages that a cut takes, and how many of them it has; 0 when none of its messages is taken. */
Life past[INVOCATIONS];
byte kept;
bool isFirstOfTail;
/* The version of every stream after the cut. */
#define NEWEST 16
#endif
Life view[2];
Message proposal[2];
/* The stream that a worker reads. */
byte on[2];
bool item[INVOCATIONS] = true;
bool published[INVOCATIONS];

byte crashes = CRASHES;
byte cuts = CUTS;
byte pauses = PAUSES;
/* The attempt that a worker says it runs (EXEC5). */
byte heldInvocation[2] = NOBODY;
byte heldAttempt[2];
/* The attempts of each invocation that were executed, a bit for each. */
byte executed[INVOCATIONS];
byte losses;
byte i;

/* A worker that is started again has another name, so nobody runs what it began before. */
#define runs(by, x, a) (by != NOBODY && heldInvocation[by % 2] == x && heldAttempt[by % 2] == a)
/* The hash of an append. One after a cut differs from the lost one of its version. */
#define hashOf(version) ((version) + 64 * (CUTS - cuts))
#define isOver(s) (s == SUCCEEDED || s == FAILED || s == NOTIFIED)

#ifdef M_FENCE_OF_MACHINE
#define isCurrent(life, m) true
#else
#define isCurrent(life, m) (m.attempt == life.attempt)
#endif
#define mayRetry(life, m) (m.kind == FUNCTION && life.retries < RETRIES || m.kind == LOST && life.lost < MAX_LOST)
/* The guards of the machine (`machines/invocation.ts`). */
#define accepts(life, m) \
  ( m.fact == RUNNING && (life.state == QUEUED || life.state == RETRYING) && m.attempt == life.attempt + 1 \
  || m.fact == RETRYING && life.state == RUNNING && m.attempt == life.attempt && mayRetry(life, m) \
  || (m.fact == SUCCEEDED || m.fact == FAILED) && life.state == RUNNING && isCurrent(life, m) \
  || m.fact == NOTIFIED && (life.state == SUCCEEDED || life.state == FAILED) \
  || EXTRA(life, m) )
#ifdef M_NOTIFIED_TWICE
#define EXTRA(life, m) m.fact == NOTIFIED && life.state == NOTIFIED
#else
#ifdef M_OUTCOME_OVERWRITTEN
#define EXTRA(life, m) m.fact == SUCCEEDED && life.state == SUCCEEDED
#else
#define EXTRA(life, m) false
#endif
#endif

/* Folds one message that counts. */
inline advance(life, m, w) {
  if
  :: accepts(life, m) ->
    if
    :: m.fact == RUNNING -> life.attempt = m.attempt; life.by = w
    :: m.fact == RETRYING ->
#ifndef M_RETRY_NOT_COUNTED
      life.retries = life.retries + (m.kind == FUNCTION -> 1 : 0);
#endif
#ifndef M_LOST_NOT_COUNTED
      life.lost = life.lost + (m.kind == LOST -> 1 : 0);
#endif
      life.by = NOBODY
    /* Nobody asks for these after the outcome. */
    :: isOver(m.fact) -> life.retries = 0; life.lost = 0; life.by = NOBODY
    :: else
    fi;
    life.state = m.fact
  :: else
  fi;
  life.head = hashOf(life.version)
}

#ifdef M_LINK_NOT_COMPARED
#define counts(life, v) true
#else
#define counts(life, v) (life.head == v.head)
#endif
#ifdef M_STALE_VERSION_ACCEPTED
#define isExpected(life, v) true
#else
#define isExpected(life, v) (life.version == v.version)
#endif

/* What must hold of each message when it begins to count. */
inline check(life, m, known) {
  /* E3, LINK2: the message was decided from what the log holds. */
  assert(known.state == life.state && known.attempt == life.attempt && known.head == life.head);
  assert(!(m.fact == NOTIFIED && life.state == NOTIFIED)); /* E4: notified once */
  assert(!((m.fact == SUCCEEDED || m.fact == FAILED) && isOver(life.state))); /* E4: one outcome */
  assert(!(m.fact == RUNNING) || m.attempt <= 1 + RETRIES + MAX_LOST); /* E5 */
  assert(!(m.fact == SUCCEEDED) || m.ran == life.attempt) /* E5, EXEC2: of the attempt that the log shows */
}

#if CUTS
inline keep(x) {
  past[x].state = truth[x].state; past[x].attempt = truth[x].attempt; past[x].retries = truth[x].retries; past[x].lost = truth[x].lost;
  past[x].by = truth[x].by; past[x].head = truth[x].head; past[x].version = truth[x].version
}
inline restore(x) {
  truth[x].state = past[x].state; truth[x].attempt = past[x].attempt; truth[x].retries = past[x].retries; truth[x].lost = past[x].lost;
  truth[x].by = past[x].by; truth[x].head = past[x].head; truth[x].version = past[x].version
}
inline forgetPast() {
  kept = 0;
  for (i : 0 .. INVOCATIONS - 1) {
    past[i].state = 0; past[i].attempt = 0; past[i].retries = 0; past[i].lost = 0; past[i].by = NOBODY; past[i].head = 0; past[i].version = 0
  };
  i = 0
}
/* Any append may be the first one that a cut takes. */
#define chooseTail(w, x) if :: cuts > 0 && kept == 0 && isExpected(truth[x], view[w]) -> isFirstOfTail = true :: true fi
inline remember() {
  if
  :: isFirstOfTail -> for (i : 0 .. INVOCATIONS - 1) { keep(i) } i = 0; kept = 1; isFirstOfTail = false
  :: !isFirstOfTail && kept == TAIL -> forgetPast()
  :: !isFirstOfTail && kept > 0 && kept < TAIL -> kept++
  :: else
  fi
}
/*
 * After the cut, of a version only its distance from the newest one matters, and of a head whether it is the newest one: versions only grow, and no hash
 * comes again. A version that is too old stays so.
 */
inline compare(w, s) {
  if
  :: view[w].version < truth[s].version -> view[w].version = 0; view[w].head = 0
  :: else ->
    view[w].version = NEWEST + view[w].version - truth[s].version;
    view[w].head = (view[w].head == truth[s].head -> 1 : 0)
  fi
}
inline normalize(s) {
  if
  :: cuts < CUTS ->
    if :: on[0] == s -> compare(0, s) :: else fi;
    if :: on[1] == s -> compare(1, s) :: else fi;
    truth[s].head = 1; truth[s].version = NEWEST
  :: else
  fi
}
#else
#define chooseTail(w, x) skip
#define remember() skip
#define normalize(s) skip
#endif

/* Appends the proposal of a worker at the version that it read. */
inline append(w, x, stored) {
  chooseTail(w, x);
  d_step {
    if
    :: isExpected(truth[x], view[w]) ->
      remember();
      truth[x].version++; view[w].version = truth[x].version;
      if
      :: counts(truth[x], view[w]) ->
        if :: accepts(truth[x], proposal[w]) -> check(truth[x], proposal[w], view[w]) :: else fi;
        if :: CUTS + PAUSES == 0 && proposal[w].kind == LOST -> losses++ :: else fi;
        advance(truth[x], proposal[w], w)
      :: else
      fi;
      /* The worker believes that its append counts. */
      advance(view[w], proposal[w], w);
      normalize(x);
      stored = true
    :: else -> stored = false
    fi
  }
}

inline read(w, x) {
  d_step {
    view[w].state = truth[x].state; view[w].attempt = truth[x].attempt; view[w].retries = truth[x].retries; view[w].lost = truth[x].lost;
    view[w].by = truth[x].by; view[w].head = truth[x].head; view[w].version = truth[x].version
  }
}

inline propose(w, whichFact, whichAttempt, whichKind, whichRan) {
  d_step {
    proposal[w].fact = whichFact; proposal[w].attempt = whichAttempt; proposal[w].kind = whichKind; proposal[w].ran = whichRan
  }
}

/* A process dies between any two steps; all that it knew is gone. */
#define crash if :: crashes > 0 -> crashes--; bury(w); forget(w); goto start :: true fi
#if CUTS
#define buryInPast(w) for (i : 0 .. INVOCATIONS - 1) { if :: past[i].by == w -> past[i].by = NOBODY :: else fi }
#else
#define buryInPast(w) skip
#endif
inline bury(w) {
  d_step {
    for (i : 0 .. INVOCATIONS - 1) { if :: truth[i].by == w -> truth[i].by = NOBODY :: else fi }
    for (i : 0 .. 1) { if :: view[i].by == w -> view[i].by = NOBODY :: else fi }
    buryInPast(w);
    i = 0
  }
}
inline clear(w) {
  d_step {
    heldInvocation[w] = NOBODY; heldAttempt[w] = 0;
    proposal[w].fact = 0; proposal[w].attempt = 0; proposal[w].kind = 0; proposal[w].ran = 0
  }
}
inline forget(w) {
  clear(w);
  d_step {
    on[w] = 0; ran = 0; stored = false;
    view[w].state = 0; view[w].attempt = 0; view[w].retries = 0; view[w].lost = 0; view[w].by = NOBODY; view[w].head = 0; view[w].version = 0
  }
}

#ifdef M_RESULT_FORGOTTEN
#define lacksResult(x) false
#else
#define lacksResult(x) (truth[x].state == NOTIFIED && !published[x])
#endif
#define standsStill(x) (truth[x].state == SUCCEEDED || truth[x].state == FAILED || lacksResult(x) || truth[x].state == RUNNING && !runs(truth[x].by, x, truth[x].attempt))
#ifdef M_WAKE_DROPPED
#define isWoken(x) false
#else
#define isWoken(x) (truth[x].state == RETRYING)
#endif
/* The scheduler wakes what waits in the log, and inspects a stream with appends that stands still after the patience; a request without an append
 * has its item alone. After a lost tail, items from before it count again (MARK1). Its wake and the read of a worker are one step here. */
#define isOffered(x) (item[x] || isWoken(x) || standsStill(x) || cuts < CUTS && truth[x].state == QUEUED)

#define x on[w]
proctype Worker(byte w) {
  byte ran; bool stored;
start:
end:
  atomic {
    if
    :: isOffered(0) -> x = 0
#if INVOCATIONS > 1
    :: isOffered(1) -> x = 1
#endif
    fi;
    item[x] = true;
#ifdef M_ACKNOWLEDGED_TOO_EARLY
    item[x] = false;
#endif
    read(w, x)
  };
again:
  atomic {
    crash;
    if
    :: view[w].state == QUEUED || view[w].state == RETRYING ->
      ran = view[w].attempt + 1;
      heldInvocation[w] = x; heldAttempt[w] = ran; propose(w, RUNNING, ran, FUNCTION, 0);
#ifdef M_EFFECT_BEFORE_APPEND
      assert(cuts < CUTS || truth[x].attempt >= ran);
#endif
      append(w, x, stored);
#ifdef M_CONFLICT_NOT_JUDGED_AGAIN
      stored = true;
#endif
      if
      :: stored -> clear(w); heldInvocation[w] = x; heldAttempt[w] = ran; goto started
      :: else -> goto judge
      fi
    :: view[w].state == RUNNING ->
#ifdef M_REDELIVERY_EXECUTES
      ran = view[w].attempt; goto started;
#endif
      /* Another worker is asked. One that stands still does not answer in time (EXEC6). */
      if
      :: !runs(view[w].by, x, view[w].attempt)
#ifdef M_WORKER_NOT_ASKED
      :: true
#endif
      :: runs(view[w].by, x, view[w].attempt) && pauses > 0 -> pauses--
      :: runs(view[w].by, x, view[w].attempt) -> forget(w); goto start
      fi;
      if
      :: view[w].lost < MAX_LOST -> propose(w, RETRYING, view[w].attempt, LOST, 0)
      :: else -> propose(w, FAILED, view[w].attempt, LOST, 0)
      fi;
      append(w, x, stored);
      goto judge
    :: else -> goto finish
    fi
  };
started:
  atomic {
    crash;
    /* E1, EXEC1: in a log that lost nothing, the start is there. EXEC3: an attempt is executed once. */
    assert(cuts < CUTS || truth[x].attempt >= ran);
    assert(cuts < CUTS || !(executed[x] & (1 << ran)));
    /* Without a worker that stands still, attempts are executed in their order, so that an earlier one is too late as well. */
    executed[x] = (cuts < CUTS -> 0 : executed[x] | (PAUSES -> 1 << ran : (2 << ran) - 1))
  };
result:
  atomic {
    crash;
#ifdef M_FENCE_REMOVED
    read(w, x);
    propose(w, SUCCEEDED, view[w].attempt, FUNCTION, ran);
#else
    if
    :: view[w].state != RUNNING || view[w].attempt != ran -> heldInvocation[w] = NOBODY; heldAttempt[w] = 0; read(w, x); goto again
    :: else
    fi;
    if
    :: propose(w, SUCCEEDED, ran, FUNCTION, ran)
    :: view[w].retries < RETRIES -> propose(w, RETRYING, ran, FUNCTION, ran)
    fi;
#endif
    append(w, x, stored);
    if :: stored && isOver(proposal[w].fact) -> clear(w); stored = false; ran = 0; goto finish :: else fi
  };
judge:
  /* After a conflict: the newer state is read, and the machine judges the same proposal again (PROP3). */
  atomic {
    crash;
    if
    :: !stored ->
      read(w, x);
      if
      :: accepts(view[w], proposal[w]) -> append(w, x, stored); goto judge
      :: else -> clear(w); read(w, x); goto again
      fi
    :: stored && proposal[w].fact == RUNNING -> clear(w); heldInvocation[w] = x; heldAttempt[w] = ran; goto started
    :: stored && proposal[w].fact == RETRYING -> item[x] = false; forget(w); goto start /* the scheduler wakes the stream */
    :: stored && isOver(proposal[w].fact) -> clear(w); stored = false; ran = 0
    fi
  };
finish:
  atomic {
    crash;
#ifdef M_RESULT_FORGOTTEN
    if :: view[w].state == NOTIFIED -> item[x] = false; forget(w); goto start :: else fi;
#else
    published[x] = true;
#endif
    if
    :: view[w].state == NOTIFIED -> item[x] = false; forget(w); goto start /* ITEM2 */
    :: else ->
      propose(w, NOTIFIED, view[w].attempt, FUNCTION, 0); append(w, x, stored);
      if :: stored -> clear(w); stored = false; ran = 0; goto finish :: else -> goto judge fi
    fi
  }
}

#if CUTS
/* The log loses its last one to three messages. No further cut follows. */
#undef x
proctype Power() {
end:
  atomic {
    cuts > 0 && kept > 0 ->
    d_step {
      cuts--;
      for (i : 0 .. INVOCATIONS - 1) { restore(i); executed[i] = 0 }
      for (i : 0 .. INVOCATIONS - 1) { normalize(i) }
      forgetPast()
    }
  }
}
#endif

/* Liveness: when nobody can do anything more, everything is over, and its result was published (E4, EXEC4). */
proctype Judge() {
end:
  timeout ->
    assert(truth[0].state == NOTIFIED && published[0]);
#if INVOCATIONS > 1
    assert(truth[1].state == NOTIFIED && published[1]);
#endif
    assert(CUTS + PAUSES > 0 || losses <= CRASHES - crashes)
}

init {
  atomic {
    for (i : 0 .. INVOCATIONS - 1) { truth[i].by = NOBODY }
    view[0].by = NOBODY; view[1].by = NOBODY;
#if CUTS
    for (i : 0 .. INVOCATIONS - 1) { past[i].by = NOBODY }
#endif
    i = 0;
    run Worker(0); run Worker(1);
#if CUTS
    run Power();
#endif
    run Judge()
  }
}
