/*
 * A schedule whose invocations do not overlap, exhaustively: two schedulers with a progress that changes by compare-and-set, which die at every
 * step, and a worker (`npm run specify:spin`; rules CRON3, CRON4 and CRON6, `src/scheduler/fire/fire-due.ts`).
 */
#ifndef FIRES
#define FIRES 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
/* 1: a fire time waits for the invocation before it; 0: it is skipped. */
#ifndef QUEUES
#define QUEUES 1
#endif
#define ABSENT 0
#define OPEN 1
#define OVER 2

/* The progress: the last decided fire time, the last one that fired, the one that is named and not requested for certain, and a revision. */
byte at; byte fired; byte named; byte revision;
/* The log: the invocation of each fire time, and how many there are. */
byte invocation[FIRES + 1]; byte count[FIRES + 1];
byte due;
byte crashes = CRASHES;
byte i;

inline request(f) {
  for (i : 1 .. FIRES) { assert(i == f || invocation[i] != OPEN || invocation[f] != ABSENT) } /* CRON6 */
  i = 0;
  if
#ifdef M_OWN_ID
  :: true -> count[f]++; invocation[f] = OPEN
#else
  :: invocation[f] == ABSENT -> count[f]++; invocation[f] = OPEN
  :: else
#endif
  fi;
  assert(count[f] <= 1) /* CRON3 */
}
#ifdef M_NOT_LOOKED
#define isFree true
#else
#define isFree (fired == 0 || invocation[fired] == OVER)
#endif

/* The scheduler dies, and another one reads the progress. */
#define crash if :: crashes > 0 -> crashes--; goto start :: true fi

proctype Scheduler(bool queues) {
  byte f; byte read; bool isFreeNow;
start:
  f = 0; read = 0; isFreeNow = false;
end:
  atomic {
    if
    :: named != 0 -> f = named; read = revision; goto complete
    :: named == 0 && at < due -> f = at + 1; read = revision
    fi
  };
  atomic {
    crash;
    /* Another scheduler changed the progress meanwhile: the log is read by the progress that was read. */
    if :: read != revision -> goto start :: else fi;
    isFreeNow = isFree;
    if :: !isFreeNow && queues -> goto start :: else fi
  };
#ifdef M_REQUESTED_BEFORE_NAME
  if :: isFreeNow -> atomic { crash; request(f) } :: else fi;
#endif
  atomic {
    crash;
    if
    :: read != revision -> goto start
    :: read == revision && !isFreeNow -> at = f; revision++; goto start
#ifdef M_REQUESTED_BEFORE_NAME
    :: read == revision && isFreeNow -> at = f; fired = f; revision++; goto start
#else
    :: read == revision && isFreeNow -> named = f; revision++; read = revision
#endif
    fi
  };
complete:
  atomic { crash; request(f) };
  atomic {
    crash;
    /* CRON4: stored after the log has accepted the request. */
    if :: named == f -> at = f; fired = f; named = 0; revision++ :: else fi;
    goto start
  }
}

proctype Worker() {
end:
  do
  :: atomic { invocation[1] == OPEN -> invocation[1] = OVER }
  :: atomic { invocation[2] == OPEN -> invocation[2] = OVER }
#if FIRES > 2
  :: atomic { invocation[3] == OPEN -> invocation[3] = OVER }
#endif
  od
}

proctype Time() {
  do
  :: atomic { due < FIRES -> due++ }
  :: due == FIRES -> break
  od
}

/* Every fire time is decided, and the first one fired. */
proctype Judge() {
end:
  timeout -> assert(at == FIRES && named == 0 && count[1] == 1)
}

init { atomic { run Scheduler(QUEUES); run Scheduler(QUEUES); run Worker(); run Time(); run Judge() } }
