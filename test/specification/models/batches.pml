/*
 * Batches, exhaustively: a sender that may die, a person who cancels, members that run, a read model that is behind the log, and two schedulers
 * that seal an abandoned batch and complete it (`npm run specify:spin`; rules FAN1, FAN2 and FAN4, `machines/batch.ts`).
 */
#ifndef MEMBERS
#define MEMBERS 3
#endif
#define ABSENT 0
#define QUEUED 1
#define ENDED 2
#define OPEN 0
#define SEALED 1
#define COMPLETED 2

/* The log. `place`: when a member was accepted, in the order of the log; 0 when it was not. */
byte member[MEMBERS]; byte place[MEMBERS]; bool ran[MEMBERS];
byte batch; byte seals; byte completions;
byte length; byte sealedAt; byte canceledAt;
/* The read model holds the log up to a place, with these members. */
byte known; bool knowsSeal; byte knownMembers; byte knownEnded;
/* The counts of the outcome. */
byte counted;
bool isSenderDone;
byte i;

inline seal(isOfPerson) {
  if
#ifdef M_SEALED_TWICE
  :: !isOfPerson && batch == SEALED -> seals++; length++; sealedAt = length
#endif
  :: batch == OPEN -> batch = SEALED; length++; sealedAt = length; if :: isOfPerson -> canceledAt = length :: else -> seals++ fi
  /* A batch that is sealed already records its cancellation once, in the state that it has. */
  :: batch != OPEN && isOfPerson && canceledAt == 0 -> length++; canceledAt = length
  :: else
  fi;
  assert(seals <= 1) /* FAN1 */
}

proctype Sender() {
  byte m;
  do
  :: m < MEMBERS -> atomic { length++; member[m] = QUEUED; place[m] = length; m++ }
  /* The sender dies: the batch is sealed at its time. */
  :: true -> break
  :: m == MEMBERS -> atomic { seal(false) }; break
  od;
  isSenderDone = true
}

/* A person cancels at any time, or never. */
proctype Person() {
end:
  if
  :: atomic { seal(true) }
  :: true
  fi
}

#ifdef M_CANCELED_MEMBER_RUNS
#define mayRun(m) true
#else
/* FAN4: no member that the log accepted after the cancellation. */
#define mayRun(m) (canceledAt == 0 || place[m] < canceledAt)
#endif

inline execute(m) {
  if :: mayRun(m) -> ran[m] = true; assert(canceledAt == 0 || place[m] < canceledAt) :: else fi;
  length++; member[m] = ENDED
}

proctype Worker() {
end:
  do
  :: atomic { member[0] == QUEUED -> execute(0) }
  :: atomic { member[1] == QUEUED -> execute(1) }
#if MEMBERS > 2
  :: atomic { member[2] == QUEUED -> execute(2) }
#endif
  od
}
/* Reads the log whole up to now. */
proctype Projection() {
end:
  do
  :: atomic {
      known < length ->
      known = length; knowsSeal = batch != OPEN; knownMembers = 0; knownEnded = 0;
      for (i : 0 .. MEMBERS - 1) {
        knownMembers = knownMembers + (member[i] != ABSENT -> 1 : 0);
        knownEnded = knownEnded + (member[i] == ENDED -> 1 : 0)
      };
      i = 0
    }
  od
}

#if defined(M_READ_MODEL_WITHOUT_SEAL) || defined(M_COMPLETED_WITHOUT_SEAL)
#define isOver (knownEnded == knownMembers)
#else
#ifdef M_COMPLETED_WITH_OPEN_MEMBERS
#define isOver (knowsSeal)
#else
#define isOver (knowsSeal && knownEnded == knownMembers)
#endif
#endif

inline complete(n) {
  assert(batch == SEALED); /* FAN2: after the seal */
  completions++; batch = COMPLETED; length++; counted = n;
  assert(completions == 1);
  for (i : 0 .. MEMBERS - 1) { assert(place[i] == 0 || place[i] > sealedAt || member[i] == ENDED) };
  i = 0
}

proctype Scheduler() {
  byte members; bool isDecided;
end:
  do
  /* An open batch is sealed at its time, after its sender is gone. */
#ifdef M_SEALED_TWICE
  :: atomic { batch != COMPLETED && isSenderDone && seals < 2 -> seal(false) }
#else
#ifndef M_ABANDONED_NOT_SEALED
  :: atomic { batch == OPEN && isSenderDone -> seal(false) }
#endif
#endif
#ifdef M_COMPLETED_WITHOUT_SEAL
  :: atomic { batch != COMPLETED && !isDecided && isOver -> members = knownMembers; isDecided = true }
#else
  :: atomic { batch == SEALED && !isDecided && isOver -> members = knownMembers; isDecided = true }
#endif
  /* The append comes later than the decision. */
  :: atomic {
      isDecided ->
      isDecided = false;
      if
#ifdef M_COMPLETED_TWICE
      :: batch == COMPLETED -> complete(members)
#endif
      :: batch != COMPLETED -> complete(members)
      :: else
      fi;
      members = 0
    }
  od
}
/* The batch completed, with the members that the log accepted before its seal. */
proctype Judge() {
  byte before;
end:
  timeout ->
    assert(batch == COMPLETED && completions == 1);
    for (i : 0 .. MEMBERS - 1) { assert(member[i] != QUEUED); before = before + (place[i] != 0 && place[i] < sealedAt -> 1 : 0) }
    assert(counted >= before)
}

init { atomic { run Sender(); run Person(); run Worker(); run Projection(); run Scheduler(); run Scheduler(); run Judge() } }
