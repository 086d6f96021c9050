/*
 * Deliveries to a function, exhaustively: two functions have an invocation of one id, each with one destination, and two processes make the
 * tries. A try may lose its answer, and a process dies at every step (`npm run specify:spin`; rules E1, D1 and DLV1, `machines/delivery.ts`).
 */
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef TRIES
#define TRIES 4
#endif
#define PARENTS 2
#define PENDING 0
#define DELIVERING 1
#define BACKING_OFF 2
#define DELIVERED 3
#define DEAD 4

/* The delivery of a parent as its stream shows it. `by`: the process that makes the current try, with its generation. */
typedef Delivery { byte state; byte tries; byte by };
Delivery log[PARENTS];
bool isNotified[PARENTS];
/* The invocations that tries started, by their ids: the id derives from the delivery, so that a second request with it starts nothing. */
bool started[8];
byte children[PARENTS];
byte total;
byte crashes = CRASHES;
byte generation[2];

#define name(w) (1 + w + 2 * generation[w])
#define isAlive(b) (b == name((b - 1) % 2))
#ifdef M_CHILD_ID_NOT_DERIVED
#define idOf(p, n) (p * 4 + (n - 1) % 4)
#else
#ifdef M_FUNCTION_MISSING_IN_ID
#define idOf(p, n) 0
#else
#define idOf(p, n) (p * 4)
#endif
#endif
#define isSettled(p) (log[p].state == DELIVERED || log[p].state == DEAD)

inline send(p, n) {
  if
  :: !started[idOf(p, n)] -> started[idOf(p, n)] = true; children[p]++; total++
  :: else
  fi;
  assert(children[p] <= 1) /* D1: one child of a delivery */
}

#define crash if :: crashes > 0 -> crashes--; generation[w]++; goto start :: true fi

proctype Deliverer(byte w) {
  byte p; byte n;
start:
  p = 0; n = 0;
end:
  atomic {
    if
    :: !isNotified[0] -> p = 0
    :: !isNotified[1] -> p = 1
    fi;
    if
    :: (log[p].state == PENDING || log[p].state == BACKING_OFF) && log[p].tries < TRIES -> n = log[p].tries + 1
    :: (log[p].state == PENDING || log[p].state == BACKING_OFF) && log[p].tries == TRIES -> log[p].state = DEAD; goto start
    /* Another process makes the try, or is gone. */
    :: log[p].state == DELIVERING && !isAlive(log[p].by) -> log[p].state = BACKING_OFF; goto start
#ifdef M_NOTIFIED_EARLY
    :: true -> isNotified[p] = true; assert(isSettled(p)); goto start
#else
    :: isSettled(p) -> isNotified[p] = true; goto start /* E4: after every delivery */
#endif
    fi
  };
#ifdef M_TRY_BEFORE_APPEND
  atomic { assert(log[p].tries >= n); send(p, n) };
#endif
  /* E3: one of two processes starts the try. */
  atomic {
    crash;
    if
    :: (log[p].state == PENDING || log[p].state == BACKING_OFF) && log[p].tries + 1 == n -> log[p].state = DELIVERING; log[p].tries = n; log[p].by = name(w)
    :: else -> goto start
    fi
  };
  /* The try arrives, and its answer may be lost; or it does not arrive. */
  atomic {
    crash;
    assert(log[p].tries >= n); /* E1 */
    if
    :: true -> send(p, n)
    :: true -> send(p, n); goto failed
    :: true -> goto failed
    fi
  };
  atomic {
    crash;
    if :: log[p].state == DELIVERING && log[p].tries == n -> log[p].state = DELIVERED :: else fi;
    goto start
  };
failed:
  atomic {
    crash;
    if :: log[p].state == DELIVERING && log[p].tries == n -> log[p].state = BACKING_OFF :: else fi;
    goto start
  }
}

/* Each delivered outcome has its own child (DLV1), and everything is notified. */
proctype Judge() {
end:
  timeout ->
    assert(isNotified[0] && isNotified[1]);
    assert(isSettled(0) && isSettled(1));
    assert(log[0].state != DELIVERED || children[0] == 1);
    assert(log[1].state != DELIVERED || children[1] == 1)
}

init { atomic { run Deliverer(0); run Deliverer(1); run Judge() } }
