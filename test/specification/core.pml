/*
 * The core of the protocol, exhaustively: invocations in one log, two workers, crashes at every step, a worker that stands still, and a log
 * that loses its tail (`npm run specify:spin`).
 *
 * - A worker reads a stream, decides, and appends with the version that it read (E3) and the link to the message before it (LINK1).
 * - After a conflict it reads again, and the machine judges the same proposal again (PROP3).
 * - An attempt is executed after its start is durable (E1, EXEC1). Another worker asks first whether that worker still runs it (EXEC3, EXEC5).
 * - An item stays in the queue until nothing is left to do in its stream (ITEM2). A retry has no item: the scheduler wakes its stream.
 * - A lost tail gives the sequences of the last messages to others. A worker may not notice that (LINK4).
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
#define RETRIES 1
#define MAX_LOST 3
#define LENGTH 20
#define NOBODY 255

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
typedef Message { byte invocation; byte fact; byte attempt; byte kind; byte by; byte link; byte own; byte ran };
/* An invocation as the log shows it, with the head and the version of its stream. */
typedef Life { byte state; byte attempt; byte retries; byte lost; byte by; byte head; byte version };

Message log[LENGTH];
byte last;
byte fresh = INVOCATIONS;
Life truth[INVOCATIONS];
Life view[2];
Message proposal[2];
bool item[INVOCATIONS] = true;
bool published[INVOCATIONS];

byte crashes = CRASHES;
byte cuts = CUTS;
byte pauses = PAUSES;
/* A worker that was started again has another name: worker + 2 × its generation. */
byte generation[2];
/* The attempt that a worker says it runs (EXEC5). */
byte heldInvocation[2] = NOBODY;
byte heldAttempt[2];
/* The attempts of each invocation that were executed, a bit for each. */
byte executed[INVOCATIONS];
byte losses;
byte i; byte n;

#define name(w) (w + 2 * generation[w])
#define isAlive(by) (by == name(by % 2))
#define runs(by, x, a) (isAlive(by) && heldInvocation[by % 2] == x && heldAttempt[by % 2] == a)
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
inline advance(life, m) {
  if
  :: accepts(life, m) ->
    if
    :: m.fact == RUNNING -> life.attempt = m.attempt; life.by = m.by
    :: m.fact == RETRYING ->
#ifndef M_RETRY_NOT_COUNTED
      life.retries = life.retries + (m.kind == FUNCTION -> 1 : 0);
#endif
#ifndef M_LOST_NOT_COUNTED
      life.lost = life.lost + (m.kind == LOST -> 1 : 0);
#endif
      life.by = NOBODY
    :: else
    fi;
    life.state = m.fact
  :: else
  fi;
  life.head = m.own
}

#ifdef M_LINK_NOT_COMPARED
#define counts(life, m) true
#else
#define counts(life, m) (m.link == life.head)
#endif
#ifdef M_STALE_VERSION_ACCEPTED
#define isExpected(life, v) true
#else
#define isExpected(life, v) (life.version == v.version)
#endif

/* What must hold of each message when it begins to count. */
inline check(life, m, known) {
  /* E3, LINK2: the message was decided from what the log holds. */
  assert(known.state == life.state && known.attempt == life.attempt && known.by == life.by);
  assert(!(m.fact == NOTIFIED && life.state == NOTIFIED)); /* E4: notified once */
  assert(!((m.fact == SUCCEEDED || m.fact == FAILED) && isOver(life.state))); /* E4: one outcome */
  assert(!(m.fact == RUNNING) || m.attempt <= 1 + RETRIES + MAX_LOST); /* E5 */
  assert(!(m.fact == SUCCEEDED) || m.ran == life.attempt) /* E5, EXEC2: of the attempt that the log shows */
}

/* Appends the proposal of a worker at the version that it read. */
inline append(w, x, stored) {
  d_step {
    if
    :: isExpected(truth[x], view[w]) && last < LENGTH ->
      proposal[w].link = view[w].head; proposal[w].own = fresh; fresh++;
      /* Only a cut reads the log again. */
      if
      :: cuts > 0 ->
        log[last].invocation = x; log[last].fact = proposal[w].fact; log[last].attempt = proposal[w].attempt;
        log[last].kind = proposal[w].kind; log[last].by = proposal[w].by; log[last].link = proposal[w].link; log[last].own = proposal[w].own
      :: else
      fi;
      last++;
      if
      :: counts(truth[x], proposal[w]) ->
        if :: accepts(truth[x], proposal[w]) -> check(truth[x], proposal[w], view[w]) :: else fi;
        if :: proposal[w].kind == LOST -> losses++ :: else fi;
        advance(truth[x], proposal[w])
      :: else
      fi;
      truth[x].version = last;
      /* The worker believes that its append counts. */
      view[w].head = view[w].head; advance(view[w], proposal[w]); view[w].version = last;
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
    proposal[w].fact = whichFact; proposal[w].attempt = whichAttempt; proposal[w].kind = whichKind; proposal[w].by = name(w);
    proposal[w].ran = whichRan
  }
}

/* A process dies between any two steps; all that it knew is gone. */
#define crash if :: crashes > 0 -> crashes--; generation[w]++; forget(w); goto start :: true fi
inline clear(w) {
  d_step {
    heldInvocation[w] = NOBODY; heldAttempt[w] = 0;
    proposal[w].fact = 0; proposal[w].attempt = 0; proposal[w].kind = 0; proposal[w].by = 0; proposal[w].link = 0; proposal[w].own = 0; proposal[w].ran = 0
  }
}
inline forget(w) {
  clear(w);
  d_step {
    x = 0; ran = 0; stored = false;
    view[w].state = 0; view[w].attempt = 0; view[w].retries = 0; view[w].lost = 0; view[w].by = 0; view[w].head = 0; view[w].version = 0
  }
}

proctype Worker(byte w) {
  byte x; byte ran; bool stored;
start:
end:
  atomic {
    if
    :: item[0] -> x = 0
#if INVOCATIONS > 1
    :: item[1] -> x = 1
#endif
    fi;
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
      goto judge
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
    executed[x] = executed[x] | (1 << ran)
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
    append(w, x, stored)
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
    :: stored && isOver(proposal[w].fact) -> clear(w); stored = false
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
    :: else -> propose(w, NOTIFIED, view[w].attempt, FUNCTION, 0); append(w, x, stored); goto judge
    fi
  }
}

#ifdef M_RESULT_FORGOTTEN
#define lacksResult(x) false
#else
#define lacksResult(x) (truth[x].state == NOTIFIED && !published[x])
#endif
#define standsStill(x) (truth[x].state == SUCCEEDED || truth[x].state == FAILED || lacksResult(x) || truth[x].state == RUNNING && !runs(truth[x].by, x, truth[x].attempt))

/* Wakes what waits in the log, and what stands still in it. */
proctype Scheduler() {
end:
  do
#ifndef M_WAKE_DROPPED
  :: atomic { !item[0] && truth[0].state == RETRYING -> item[0] = true }
#if INVOCATIONS > 1
  :: atomic { !item[1] && truth[1].state == RETRYING -> item[1] = true }
#endif
#endif
  /* A stream with appends that stands still is inspected after the patience; a request without an append has its item alone. */
  :: atomic { !item[0] && standsStill(0) -> item[0] = true }
#if INVOCATIONS > 1
  :: atomic { !item[1] && standsStill(1) -> item[1] = true }
#endif
  /* After a lost tail, items from before it count again (MARK1). */
  :: atomic { !item[0] && cuts < CUTS && truth[0].state == QUEUED -> item[0] = true }
#if INVOCATIONS > 1
  :: atomic { !item[1] && cuts < CUTS && truth[1].state == QUEUED -> item[1] = true }
#endif
  od
}

/* The log loses its last one to three messages, and is folded again. */
proctype Power() {
  byte lost;
end:
  if
  :: atomic {
      cuts > 0 && last > 0 ->
      cuts--;
      if :: lost = 1 :: last >= 2 -> lost = 2 :: last >= 3 -> lost = 3 fi;
      d_step {
        do
        :: lost > 0 -> last--; lost--;
          log[last].invocation = 0; log[last].fact = 0; log[last].attempt = 0; log[last].kind = 0; log[last].by = 0; log[last].link = 0; log[last].own = 0
        :: else -> break
        od;
        for (i : 0 .. INVOCATIONS - 1) {
          truth[i].state = QUEUED; truth[i].attempt = 0; truth[i].retries = 0; truth[i].lost = 0; truth[i].by = NOBODY;
          truth[i].head = i; truth[i].version = 0;
          n = 0;
          do
          :: n < last ->
            if
            :: log[n].invocation == i ->
              if :: counts(truth[i], log[n]) -> advance(truth[i], log[n]) :: else fi;
              truth[i].version = n + 1
            :: else
            fi;
            n++
          :: else -> break
          od
        }
        /* No further cut reads the log. */
        for (n : 0 .. LENGTH - 1) {
          if
          :: cuts == 0 -> log[n].invocation = 0; log[n].fact = 0; log[n].attempt = 0; log[n].kind = 0; log[n].by = 0; log[n].link = 0; log[n].own = 0
          :: else
          fi
        }
        i = 0; n = 0
      }
    }
  fi
}

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
    for (i : 0 .. INVOCATIONS - 1) { truth[i].head = i; truth[i].by = NOBODY }
    i = 0;
    run Worker(0); run Worker(1); run Scheduler(); run Power(); run Judge()
  }
}
