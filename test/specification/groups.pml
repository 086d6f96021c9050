/*
 * Debounced requests, exhaustively: requests of one key, two workers that may hold items of the same streams, two schedulers with different
 * readings of the log, and crashes at every step (`npm run specify:spin`; rules DEB1 to DEB3, `machines/group.ts`).
 *
 * Every append states the version that its writer read. After a conflict the machine judges the same proposal again (PROP3).
 */
#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define NONE 255
#define ACCEPTED 0
#define RUNNING 1
#define ENDED 2

/* A stream as the log shows it. `group`: the leader of the request; its own number when it leads. */
typedef Stream { byte state; bool waits; byte group; byte members; byte version };
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

inline wait(one) { log[one].waits = true; log[one].version++ }
inline close(one, others) { log[one].waits = false; log[one].group = one; log[one].members = others; log[one].version++ }
inline join(one, its) {
  assert(log[one].group == NONE || log[one].group == its); /* DEB3: a member of one leader */
  log[one].waits = false; log[one].group = its; log[one].version++
}

/* A worker takes an item of a request. What it knew is gone when it dies; the item then returns. */
#define crash if :: crashes > 0 -> crashes--; goto start :: true fi

proctype Worker() {
  byte r; byte m; byte version; byte with; bool waited;
start:
  r = 0; m = 0; version = 0; with = 0; waited = false;
end:
  atomic {
    if
    :: item[0] -> r = 0
    :: item[1] -> r = 1
#if REQUESTS > 2
    :: item[2] -> r = 2
#endif
    fi;
    version = log[r].version; waited = log[r].waits || log[r].group != NONE
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
  with = 1 << r; m = 0;
  do
  :: m < REQUESTS ->
    atomic {
      crash;
      if
      :: log[r].members & (1 << m) ->
        if :: acceptsJoin(m, r) -> join(m, r) :: else fi;
#ifdef M_EVENT_OF_MEMBER_LOST
        if :: log[m].group == r && m > 0 -> with = with | (1 << m) :: else fi
#else
        if :: log[m].group == r -> with = with | (1 << m) :: else fi
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
    :: log[r].state == ACCEPTED && mayStart(r) -> log[r].state = RUNNING; log[r].version++
    :: log[r].state == RUNNING /* an attempt whose worker died: the next one */
    :: else -> goto start
    fi;
    assert(log[r].group == r); /* DEB1: only the leader of a group starts */
    /* Every attempt gets the same events. */
    assert(executedWith[r] == 0 || executedWith[r] == with);
    executedWith[r] = with
  };
  atomic {
    crash;
    if :: log[r].state == RUNNING -> log[r].state = ENDED; log[r].version++ :: else fi;
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
    :: true -> log[r].state = ENDED; log[r].version++
    fi;
    assert(log[m].state == ENDED);
#else
    if
    :: log[m].state == ENDED -> log[r].state = ENDED; log[r].version++
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

/* Closes the group of what it read: a request that it did not read is not in it. The newest one leads. */
proctype Scheduler() {
  byte read; byte leader;
end:
  do
  :: atomic { read == 0 && (hasNoPart(0) || hasNoPart(1)
#if REQUESTS > 2
     || hasNoPart(2)
#endif
     ) ->
     leader = NONE;
     for (i : 0 .. REQUESTS - 1) {
       if
       :: hasNoPart(i) -> read = read | (1 << i); leader = i
#ifdef M_CLOSED_BEFORE_PLACES
#else
       /* DEB2: an earlier request that no worker has taken yet holds the group open. */
       :: log[i].state == ACCEPTED && log[i].group == NONE && !log[i].waits && item[i] -> read = 0; leader = NONE; break
#endif
       :: else
       fi
     };
     i = 0
   }
  /* The append to the stream of the leader names the members, if it still has no part. */
  :: atomic { read != 0 -> if :: leader != NONE && hasNoPart(leader) -> close(leader, read & ~(1 << leader)); item[leader] = true :: else fi; read = 0; leader = 0 }
  /* Streams that stand still are inspected after the patience. */
  :: atomic { !item[0] && log[0].state != ENDED && (log[0].group != NONE || log[0].state == RUNNING) && isDue(0) -> item[0] = true }
  :: atomic { !item[1] && log[1].state != ENDED && (log[1].group != NONE || log[1].state == RUNNING) && isDue(1) -> item[1] = true }
#if REQUESTS > 2
  :: atomic { !item[2] && log[2].state != ENDED && (log[2].group != NONE || log[2].state == RUNNING) && isDue(2) -> item[2] = true }
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
    run Worker(); run Worker(); run Scheduler(); run Scheduler(); run Judge()
  }
}
