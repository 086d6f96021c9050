/*
 * Debounced requests, exhaustively: requests of one key, two workers that may hold items of the same streams, two schedulers with different
 * readings of the log, and crashes at every step (`npm run specify:spin`; rules DEB1 to DEB3, `machines/group.ts`).
 *
 * Every append states the version that its writer read. After a conflict the machine judges the same proposal again (PROP3), so each append happens
 * as if its writer had read the log in the same step. `KEYS 2`: each half of the requests has its own key, and its own group.
 */
#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef KEYS
#define KEYS 1
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef SCHEDULERS
#define SCHEDULERS 2
#endif
#define NONE 255
#define keyOf(r) ((r) * KEYS / REQUESTS)
#define firstOf(key) ((key) * REQUESTS / KEYS)
#define ACCEPTED 0
#define RUNNING 1
#define ENDED 2

/* A stream as the log shows it. `group`: the leader of the request; its own number when it leads. */
typedef Stream { byte state; bool waits; byte group; byte members };
Stream log[REQUESTS];
bool item[REQUESTS] = true;
byte crashes = CRASHES;
/* With which members each request was executed, a bit for each; 0 when it was not. */
byte executedWith[REQUESTS];
byte i;

#ifdef M_WAIT_FOR_CLOSED_GROUP
#define acceptsWait(r) (!log[r].waits)
#else
/* Rule 4 of `machines/group.ts`: who has a part waits no more. */
#define acceptsWait(r) (!log[r].waits && log[r].group == NONE)
#endif
#define hasNoPart(r) (log[r].waits && log[r].group == NONE)
#ifdef M_STARTED_WITHOUT_GROUP
#define mayStart(r) (log[r].state == ACCEPTED && (log[r].group == NONE || log[r].group == r))
#else
#define mayStart(r) (log[r].state == ACCEPTED && !log[r].waits && log[r].group == r)
#endif
#ifdef M_JOINS_TWICE
#define acceptsJoin(r, leader) (r != leader && log[r].state == ACCEPTED && (hasNoPart(r) || log[r].group != NONE && log[r].group != r))
#else
#define acceptsJoin(r, leader) (r != leader && log[r].state == ACCEPTED && hasNoPart(r))
#endif

inline wait(one) { log[one].waits = true }
inline close(one, others) {
  /* DEB2: every request of the key without a part is in the group, and none of another key. */
  for (i : 0 .. REQUESTS - 1) {
    assert(i == one || keyOf(i) != keyOf(one) || log[i].state != ACCEPTED || log[i].group != NONE || (others & (1 << i)));
    assert(keyOf(i) == keyOf(one) || !(others & (1 << i)))
  }
  i = 0;
  log[one].waits = false; log[one].group = one; log[one].members = others }
inline join(one, its) {
  assert(log[one].group == NONE || log[one].group == its); /* DEB3: a member of one leader */
  log[one].waits = false; log[one].group = its
}

/* A worker takes an item of a request. What it knew is gone when it dies; the item then returns. */
#define crash if :: crashes > 0 -> crashes--; goto start :: true fi

proctype Worker() {
  byte r; byte m; byte with; bool waited;
start:
  r = 0; m = 0; with = 0; waited = false;
end:
  atomic {
    if
    :: item[0] -> r = 0
    :: item[1] -> r = 1
#if REQUESTS > 2
    :: item[2] -> r = 2
#endif
#if REQUESTS > 3
    :: item[3] -> r = 3
#endif
#if REQUESTS > 5
    :: item[4] -> r = 4
    :: item[5] -> r = 5
#endif
    fi;
    waited = log[r].waits || log[r].group != NONE
  };
  /* Decided by what was read: a request without a part waits for its group. */
  if
  :: !waited && log[r].state == ACCEPTED ->
    atomic {
      crash;
      /* A conflict brings the newer state, and the machine decides (PROP3, PROP5). */
      if
      :: acceptsWait(r) -> wait(r)
      :: else
      fi;
#ifndef M_STARTED_WITHOUT_GROUP
      item[r] = false; goto start
#endif
    }
  :: else
  fi;
  atomic {
    crash;
    if
    :: log[r].state == ENDED -> item[r] = false; goto start
#ifdef M_STARTED_WITHOUT_GROUP
    :: log[r].state == ACCEPTED && mayStart(r)
#else
    :: log[r].state == ACCEPTED && log[r].group == r && !log[r].waits
#endif
    :: log[r].state == ACCEPTED && (log[r].waits || log[r].group == NONE) -> item[r] = false; goto start
    :: log[r].state == ACCEPTED && !log[r].waits && log[r].group != r && log[r].group != NONE -> goto member
    :: log[r].state == RUNNING
    fi
  };
  /* The members join before the first attempt, and their events are read in the same step. */
  with = 1 << r; m = firstOf(keyOf(r));
  do
  :: m < firstOf(keyOf(r) + 1) ->
    atomic {
      crash;
      if
      :: log[r].members & (1 << m) ->
        if :: acceptsJoin(m, r) -> join(m, r) :: else fi;
#ifdef M_EVENT_OF_MEMBER_LOST
        if :: log[m].group == r && m > 0 -> with = with | (1 << m) :: else fi
#else
#ifdef M_EVENT_OF_OTHER_GROUP
        with = with | (1 << m)
#else
        if :: log[m].group == r -> with = with | (1 << m) :: else fi
#endif
#endif
      :: else
      fi;
      m++
    }
  :: else -> break
  od;
  atomic {
    crash;
    if
    :: log[r].state == ACCEPTED && mayStart(r) -> log[r].state = RUNNING
    :: log[r].state == RUNNING /* an attempt whose worker died: the next one */
    :: else -> goto start
    fi;
    assert(log[r].group == r); /* DEB1: only the leader of a group starts */
    /* Every attempt gets the same events. */
    assert(executedWith[r] == 0 || executedWith[r] == with);
    for (m : 0 .. REQUESTS - 1) { assert(!(with & (1 << m)) || log[m].group == r) } /* DEB3 */
    executedWith[r] = with
  };
  atomic {
    crash;
    if :: log[r].state == RUNNING -> log[r].state = ENDED :: else fi;
    /* The members have items again: they end with the outcome. */
    for (m : 0 .. REQUESTS - 1) { if :: log[m].group == r && log[m].state != ENDED -> item[m] = true :: else fi };
    item[r] = false; goto start
  };
member:
  atomic {
    crash;
    m = log[r].group;
#ifdef M_MEMBER_ENDS_EARLY
    if
    :: true -> log[r].state = ENDED
    fi;
    assert(log[m].state == ENDED);
#else
    if
    :: log[m].state == ENDED -> log[r].state = ENDED
    :: else
    fi;
#endif
    item[r] = false; goto start
  }
}

/* A leader needs a worker, and a member when its leader ended. A stream that waits for its group is woken when the group is closed. */
#ifdef M_MEMBER_ENDS_EARLY
#define isDue(r) (!log[r].waits)
#else
#define isDue(r) (!log[r].waits && (log[r].group == r || log[r].state == RUNNING || log[log[r].group].state == ENDED))
#endif

#ifdef M_OLDEST_LEFT_OUT
#define NAMED(members) ((members) & ~1)
#else
#define NAMED(members) (members)
#endif

#ifdef M_KEYS_MIXED
#define isOfGroup(r, key) true
#else
#define isOfGroup(r, key) (keyOf(r) == (key))
#endif
#define mayClose(key) (read == 0 && (hasNoPart(firstOf(key)) || hasNoPart(firstOf(key) + 1) || hasNoPart(firstOf((key) + 1) - 1)))

inline readGroup(key) {
  leader = NONE;
  for (i : 0 .. REQUESTS - 1) {
    if
    :: isOfGroup(i, key) && hasNoPart(i) -> read = read | (1 << i); leader = i
#ifdef M_CLOSED_BEFORE_PLACES
#else
    /* DEB2: an earlier request that no worker has taken yet holds the group open. */
    :: isOfGroup(i, key) && log[i].state == ACCEPTED && log[i].group == NONE && !log[i].waits && item[i] -> read = 0; leader = NONE; break
#endif
    :: else
    fi
  };
  i = 0
}

/* Closes the group of what it read: a request that it did not read is not in it. The newest one leads. */
proctype Scheduler() {
  byte read; byte leader;
end:
  do
  :: atomic { mayClose(0) -> readGroup(0) }
#if KEYS > 1
  :: atomic { mayClose(1) -> readGroup(1) }
#endif
  /* The append to the stream of the leader names the members, if it still has no part. */
  :: atomic { read != 0 -> if :: leader != NONE && hasNoPart(leader) -> close(leader, NAMED(read & ~(1 << leader))); item[leader] = true :: else fi; read = 0; leader = 0 }
  /* Streams that stand still are inspected after the patience. */
  :: atomic { !item[0] && log[0].state != ENDED && (log[0].group != NONE || log[0].state == RUNNING) && isDue(0) -> item[0] = true }
  :: atomic { !item[1] && log[1].state != ENDED && (log[1].group != NONE || log[1].state == RUNNING) && isDue(1) -> item[1] = true }
#if REQUESTS > 2
  :: atomic { !item[2] && log[2].state != ENDED && (log[2].group != NONE || log[2].state == RUNNING) && isDue(2) -> item[2] = true }
#endif
#if REQUESTS > 3
  :: atomic { !item[3] && log[3].state != ENDED && (log[3].group != NONE || log[3].state == RUNNING) && isDue(3) -> item[3] = true }
#endif
#if REQUESTS > 5
  :: atomic { !item[4] && log[4].state != ENDED && (log[4].group != NONE || log[4].state == RUNNING) && isDue(4) -> item[4] = true }
  :: atomic { !item[5] && log[5].state != ENDED && (log[5].group != NONE || log[5].state == RUNNING) && isDue(5) -> item[5] = true }
#endif
  od
}
proctype Judge() {
end:
  timeout ->
    for (i : 0 .. REQUESTS - 1) {
      assert(log[i].state == ENDED); /* E4 */
      /* DEB3: whoever joined ran with its leader. */
      assert(log[i].group == NONE || executedWith[log[i].group] & (1 << i))
    }
}

init {
  atomic {
    for (i : 0 .. REQUESTS - 1) { log[i].group = NONE }
    i = 0;
    for (i : 1 .. WORKERS) { run Worker() };
    for (i : 1 .. SCHEDULERS) { run Scheduler() };
    i = 0; run Judge()
  }
}
