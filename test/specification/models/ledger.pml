/*
 * Slots and tokens, exhaustively: a pool with keys, two workers and a scheduler that change one entry by compare-and-set, and crashes at every
 * step (`npm run specify:spin`; rules SLOT1 to SLOT7, RATE1 and RATE2, `src/core/flow/`).
 *
 * A write that compares its revision happens as if its process read the entry in the same step; a refused one changes nothing. So each change
 * of the entry is one step here. Request r has the key r % KEYS. With FIFO, a key has one slot, and a failed attempt keeps it.
 */
#ifndef REQUESTS
#define REQUESTS 4
#endif
#ifndef KEYS
#define KEYS 3
#endif
#ifndef LIMIT
#define LIMIT 1
#endif
#ifndef FIFO
#define FIFO 1
#endif
/* The burst of the rate; 0 is no rate. */
#ifndef BURST
#define BURST 0
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define NOBODY 255
#define QUEUED 0
#define RUNNING 1
#define RETRYING 2
#define ENDED 3

typedef Request { byte state; byte attempt; bool waits };
Request log[REQUESTS];
bool item[REQUESTS] = true;
/* The entry: which attempt of a request holds a slot, or waits for one, and whether it holds a token that it has not used. */
byte holder[REQUESTS]; byte waiter[REQUESTS]; bool token[REQUESTS];
byte slots; byte used;
/* What happens in the world: who executes, how many do, and the starts that the rate has not given back. */
byte runs[REQUESTS] = NOBODY; byte executing; byte level;
byte crashes = CRASHES;
byte i;

#if REQUESTS > 3
#define anyOf(a, b, c, d) (a || b || c || d)
#define HELD_TOKENS (token[0] + token[1] + token[2] + token[3])
#else
#define anyOf(a, b, c, d) (a || b || c)
#define HELD_TOKENS (token[0] + token[1] + token[2])
#endif
#define takes(r, o) (holder[o] != 0 && (r) % KEYS == o % KEYS)
#define isKeyTaken(r) anyOf(takes(r, 0), takes(r, 1), takes(r, 2), takes(r, 3))
/* An earlier request of the key. */
#define isEarlier(r, o) (o < (r) && (r) % KEYS == o % KEYS)
#define waitsBefore(r) anyOf(isEarlier(r, 0) && waiter[0], isEarlier(r, 1) && waiter[1], isEarlier(r, 2) && waiter[2], false)
#define isOpenBefore(r, o) (isEarlier(r, o) && log[o].state != ENDED)
#define isAnyOpenBefore(r) anyOf(isOpenBefore(r, 0), isOpenBefore(r, 1), isOpenBefore(r, 2), false)
/* Another request of the key runs. */
#define isRunningBeside(r, o) (o != (r) && (r) % KEYS == o % KEYS && log[o].state == RUNNING && runs[o] != NOBODY)
#define isKeyRunning(r) anyOf(isRunningBeside(r, 0), isRunningBeside(r, 1), isRunningBeside(r, 2), isRunningBeside(r, 3))
#define canStart(r) (log[r].state == QUEUED || log[r].state == RETRYING)
/* The slot is of this attempt, or the invocation kept it. */
#ifdef M_KEPT_NOT_TAKEN_OVER
#define holds(r) (holder[r] != 0 && holder[r] == log[r].attempt + 1)
#else
#define holds(r) (holder[r] != 0 && (FIFO || holder[r] == log[r].attempt + 1))
#endif

#ifdef M_LIMIT_EXCEEDED
#define hasSlot (slots <= LIMIT)
#else
#define hasSlot (slots < LIMIT)
#endif
#ifdef M_HELD_TOKENS_NOT_COUNTED
#define hasToken (BURST == 0 || used < BURST)
#else
#define hasToken (BURST == 0 || used + HELD_TOKENS < BURST)
#endif
#ifdef M_KEY_LIMIT_EXCEEDED
#define hasKey(r) true
#else
#define hasKey(r) !(FIFO && isKeyTaken(r))
#endif
#define hasRoom(r) (holder[r] == 0 && hasSlot && hasKey(r) && hasToken)
/* SLOT7: a waiter of a key with an order comes after the earlier ones. */
#define mayBeGranted(r) (waiter[r] != 0 && canStart(r) && hasRoom(r) && !waitsBefore(r))
/* SLOT3: over by the log. With an order, a failed attempt keeps its slot for the next one. */
#ifdef M_RUNNING_IS_OVER
#define isOver(r) (log[r].attempt == holder[r] && log[r].state != QUEUED)
#else
#ifdef M_KEY_FREED_BY_FAILED
#define isOver(r) (log[r].state == ENDED || log[r].state == RETRYING && log[r].attempt == holder[r])
#else
#define isOver(r) (log[r].state == ENDED || !FIFO && (log[r].attempt > holder[r] || log[r].attempt == holder[r] && log[r].state != RUNNING))
#endif
#endif

/* RATE2: a held token is used when the log shows that its attempt started. */
inline useToken(one) {
  if
  :: token[one] -> token[one] = false;
#ifndef M_TOKENS_FORGOTTEN
    used++
#endif
  :: else
  fi
}
inline hold(one) {
  holder[one] = log[one].attempt + 1; waiter[one] = 0; slots++;
  if :: BURST > 0 -> token[one] = true :: else fi;
#ifdef M_TOKENS_USED_EARLY
  useToken(one)
#endif
}
inline release(one) {
  if
  :: holder[one] != 0 -> useToken(one); holder[one] = 0; slots--
  :: else
  fi
}

/* A process dies between any two steps, and its executions end. */
#define crash if :: crashes > 0 -> crashes--; die(w); goto start :: true fi
inline die(one) {
  for (i : 0 .. REQUESTS - 1) {
    if :: runs[i] == one -> runs[i] = NOBODY; executing-- :: else fi
  }
  i = 0
}

proctype Worker(byte w) {
  byte r;
start:
  r = 0;
end:
  atomic {
    if
    :: item[0] -> r = 0
    :: item[1] -> r = 1
    :: item[2] -> r = 2
#if REQUESTS > 3
    :: item[3] -> r = 3
#endif
    /* SLOT6: a freed slot goes to an attempt that waits, with a place of the worker that starts it. */
    :: mayBeGranted(0) -> r = 0; hold(r); goto begin
    :: mayBeGranted(1) -> r = 1; hold(r); goto begin
    :: mayBeGranted(2) -> r = 2; hold(r); goto begin
#if REQUESTS > 3
    :: mayBeGranted(3) -> r = 3; hold(r); goto begin
#endif
    fi;
    if
    :: log[r].state == ENDED -> item[r] = false; goto start
    :: log[r].state == RUNNING && runs[r] != NOBODY -> item[r] = false; goto start
    /* EXEC3: nobody runs it any more. */
    :: log[r].state == RUNNING && runs[r] == NOBODY -> log[r].state = RETRYING; goto start
    :: canStart(r) && holds(r) -> goto begin
#ifdef M_WAITING_STARTS
    :: canStart(r) && !holds(r) && log[r].waits -> goto begin
#else
    :: canStart(r) && !holds(r) && log[r].waits -> item[r] = false; goto start
#endif
    :: canStart(r) && !holds(r) && !log[r].waits
    fi;
#ifdef M_NO_COMPARE_AND_SET
    if
    :: !FIFO && hasRoom(r) -> goto decided
    :: else
    fi
#else
    if
    :: !FIFO && hasRoom(r) && !waitsBefore(r) -> hold(r); goto begin
    :: else
    fi
#endif
  };
  /* SLOT6: the wait is in the log before the item is acknowledged. */
#ifdef M_WAIT_ACKNOWLEDGED_EARLY
  atomic { item[r] = false; crash };
#endif
  atomic {
    crash;
    if :: canStart(r) && !holds(r) -> log[r].waits = true; item[r] = false :: else fi;
    goto start
  };
#ifdef M_NO_COMPARE_AND_SET
decided:
  atomic { if :: canStart(r) && holder[r] == 0 -> hold(r) :: else fi };
#endif
begin:
  atomic {
    crash;
    /* SLOT4: the append of running lets exactly one start it. SLOT7: a retry takes over the slot that its invocation kept. */
    if
#ifdef M_WAITING_STARTS
    :: canStart(r) ->
#else
    :: canStart(r) && holds(r) ->
#endif
      log[r].state = RUNNING; log[r].attempt++; log[r].waits = false;
      if :: holder[r] != 0 -> holder[r] = log[r].attempt :: else fi;
      runs[r] = w; executing++;
      assert(executing <= LIMIT); /* SLOT2 */
      assert(!FIFO || !isKeyRunning(r)); /* SLOT2 */
      assert(!FIFO || !isAnyOpenBefore(r)); /* SLOT7 */
      if :: BURST > 0 -> level++; assert(level <= BURST) /* RATE1 */ :: else fi
    :: else -> goto start
    fi;
#ifdef M_FREED_BEFORE_RESULT
    release(r)
#endif
  };
  atomic { crash; useToken(r) };
  atomic {
    crash;
    runs[r] = NOBODY; executing--;
    if
    :: log[r].state = ENDED
    :: log[r].attempt == 1 -> log[r].state = RETRYING
    fi
  };
  atomic {
    crash;
    if :: holder[r] != 0 && isOver(r) -> release(r) :: else fi;
    item[r] = false; goto start
  }
}

#define isNamed(r) (waiter[r] != 0 || holder[r] != 0)
/* SLOT7: an earlier request of the key may still get its place, or has it already. */
#ifdef M_ORDER_BY_WAITS_ALONE
#define isUnplaced(r, o) (isEarlier(r, o) && canStart(o) && log[o].waits && !isNamed(o))
#else
#define isUnplaced(r, o) (isEarlier(r, o) && log[o].state != ENDED && !isNamed(o))
#endif
#define isAnyUnplaced(r) anyOf(isUnplaced(r, 0), isUnplaced(r, 1), isUnplaced(r, 2), false)
#define mayBecomeWaiter(r) (log[r].waits && canStart(r) && !isNamed(r) && !(FIFO && isAnyUnplaced(r)))
#define standsStill(r) (!item[r] && (log[r].state == RETRYING && !log[r].waits || log[r].state == RUNNING && runs[r] == NOBODY || canStart(r) && holds(r)))

#ifdef M_WAITING_STARTS
/* A hint is repeated. */
#define isHinted(r) (log[r].waits && !item[r])
#else
#define isHinted(r) false
#endif
#ifdef M_WAITS_FORGOTTEN
#define tends(r) \
  :: atomic { holder[r] != 0 && isOver(r) -> release(r) } \
  :: atomic { standsStill(r) || isHinted(r) -> item[r] = true }
#else
#define tends(r) \
  :: atomic { mayBecomeWaiter(r) -> waiter[r] = log[r].attempt + 1 } \
  :: atomic { holder[r] != 0 && isOver(r) -> release(r) } \
  :: atomic { standsStill(r) || isHinted(r) -> item[r] = true }
#endif

proctype Scheduler() {
end:
  do
  tends(0)
  tends(1)
  tends(2)
#if REQUESTS > 3
  tends(3)
#endif
  od
}

/* Tokens come back with time. */
proctype Time() {
end:
  do
  :: atomic { BURST > 0 && (used > 0 || level > 0) -> if :: used > 0 -> used-- :: else fi; if :: level > 0 -> level-- :: else fi }
  od
}

/* Liveness: everything ended, and nothing is left in the entry. */
proctype Judge() {
end:
  timeout ->
    for (i : 0 .. REQUESTS - 1) { assert(log[i].state == ENDED); assert(holder[i] == 0 && waiter[i] == 0) }
}

init { atomic { run Worker(0); run Worker(1); run Scheduler(); run Time(); run Judge() } }
