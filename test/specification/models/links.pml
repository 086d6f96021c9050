/*
 * The chain of hashes of one stream, exhaustively: two writers, an earlier version that writes no links, requests with one id, and a log that
 * loses its tail, so that the sequences of lost messages are given to others (`npm run specify:spin`; rules LINK1 to LINK5,
 * `src/core/log/chain.ts`, `src/core/stream/stream-writer.ts`).
 *
 * A hash is the history that it covers: its root and the contents of the appends that count, as the digits of a number. The hash of an append
 * without a link covers its content alone. A writer notices that its connection broke before it gets another answer (LINK4).
 */
#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef OLDS
#define OLDS 1
#endif
/* Messages of other streams. */
#ifndef OTHERS
#define OTHERS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
/* How many appends each writer wants to have in the log. */
#ifndef APPENDS
#define APPENDS 1
#endif
#define LENGTH 7
#define BASE 16
#define OTHER 0
#define REQUEST 1
#define APPEND 2
/* The content of an append of the earlier version, which may write the same twice. */
#define OLD_CONTENT 1

#define ABSENT 0
#define IDLE 1
#define SENT 2
#define STORED 3
#define REFUSED 4

/* `basis`: the appends that the writer knew. Not part of the real message: an invariant compares it. */
typedef Message { byte kind; byte own; byte names; bool isLinked; int link; int basis };
typedef Writer { byte phase; bool mayBeBehind; byte owner; int head; byte version; int accepted; byte own; byte stored; bool counted };

Message log[LENGTH];
byte last;
byte fresh = 2;
Writer writers[2];
byte believed[2];
byte requests = REQUESTS; byte others = OTHERS; byte cuts = CUTS; byte olds = OLDS; byte crashes = CRASHES;
/* A reading of the log. */
byte owner; int head; byte version; int accepted; bool isSound; int before;
byte n; int root; int next; byte mine; bool hadCounted;

#define rootOf(s, until) ((s) >= 1 && (s) <= (until) && log[(s) - 1].kind == REQUEST -> log[(s) - 1].own : 0)
#ifdef M_LATER_REQUEST_NAMED
#define named(n) rootOf(log[n].names, last)
#else
#define named(n) rootOf(log[n].names, n)
#endif
#ifdef M_HEAD_OF_UNLINKED_ALONE
#define headOfUnlinked(root, own) (own)
#else
#define headOfUnlinked(root, own) ((root) * BASE + (own))
#endif
#ifdef M_LINK_IGNORED
#define follows(n) true
#else
#define follows(n) (log[n].link == root)
#endif
#ifdef M_OWNER_NOT_ASKED
#define counts(n) (root != 0 || !log[n].isLinked)
#else
#define counts(n) (root != 0)
#endif

inline forget() { owner = 0; head = 0; version = 0; accepted = 0; isSound = true; before = 0 }

/* Reads the log whole. */
inline read() {
  owner = 0; head = 0; version = 0; accepted = 0; isSound = true; n = 0;
  do
  :: n < last ->
    if
    :: log[n].kind == APPEND ->
      root = (owner != 0 -> head : named(n)); next = 0;
      if
      :: counts(n) && !log[n].isLinked -> next = headOfUnlinked(root, log[n].own)
      :: counts(n) && log[n].isLinked && follows(n) -> next = root * BASE + log[n].own
      :: else
      fi;
      if
      :: next != 0 ->
        if :: owner == 0 -> owner = log[n].names :: else fi;
        isSound = isSound && (!log[n].isLinked || log[n].basis == accepted);
        accepted = accepted * BASE + log[n].own; head = next
      :: else
      fi;
      version = n + 1
    :: else
    fi;
    n++
  :: else -> break
  od;
  n = 0; root = 0; next = 0
}

inline store(what, content, request, hasLink, itsLink, itsBasis) {
  read(); before = accepted;
  log[last].kind = what; log[last].own = content; log[last].names = request; log[last].isLinked = hasLink; log[last].link = itsLink;
  log[last].basis = itsBasis; last++;
  read();
  assert(isSound); /* LINK1: what counts was decided from what the log holds before it */
  assert(accepted == before || what == APPEND && accepted / BASE == before); /* LINK5: what was refused stays refused */
  assert(accepted == 0 || rootOf(owner, last) != 0) /* LINK5: the log holds the owner */
}

inline lose(w) {
  writers[w].phase = ABSENT; writers[w].mayBeBehind = false; writers[w].owner = 0; writers[w].head = 0; writers[w].version = 0;
  writers[w].accepted = 0; writers[w].own = 0; writers[w].stored = 0; writers[w].counted = false
}

/* Reads the stream of a request, which may belong to another one. */
inline load(w, request) {
  read();
  if
  :: owner == 0 && rootOf(request, last) != 0 -> owner = request; head = rootOf(request, last)
  :: else
  fi;
  if
  :: head == 0 -> lose(w)
  :: else ->
    writers[w].phase = IDLE; writers[w].mayBeBehind = false; writers[w].owner = owner; writers[w].head = head; writers[w].version = version;
    writers[w].accepted = accepted; writers[w].own = 0; writers[w].stored = 0; writers[w].counted = false
  fi;
  forget()
}

/* LINK4: a writer reads its stream again before it appends, when the log may have gone backwards. */
inline send(w) {
#ifdef M_NOT_READ_AGAIN
  writers[w].mayBeBehind = false;
#else
  if :: writers[w].phase != ABSENT && writers[w].mayBeBehind -> load(w, writers[w].owner) :: else fi;
#endif
  if :: writers[w].phase != ABSENT -> writers[w].phase = SENT; writers[w].own = fresh; fresh++; assert(fresh < BASE) :: else fi
}

inline believe(w) { believed[w]++; writers[w].phase = IDLE; writers[w].own = 0; writers[w].stored = 0; writers[w].counted = false }

#ifdef M_LINK_TO_REQUEST_ALONE
#define linkOf(w) (log[writers[w].owner - 1].own)
#else
#define linkOf(w) (writers[w].head)
#endif
#ifdef M_LATE_ANSWER_BELIEVED
#define isOfEpoch(w) true
#else
#define isOfEpoch(w) (!writers[w].mayBeBehind)
#endif
#define hasDigit(all, one) ((all) % BASE == one || (all) / BASE % BASE == one || (all) / 256 % BASE == one || (all) / 4096 % BASE == one)
#define begins(w, s) :: atomic { writers[w].phase == ABSENT && believed[w] < APPENDS && last >= s && log[s - 1].kind == REQUEST -> d_step { load(w, s) } }

proctype Worker(byte w) {
end:
  do
  begins(w, 1)
  begins(w, 2)
  begins(w, 3)
  :: atomic { writers[w].phase == IDLE && believed[w] < APPENDS -> d_step { send(w) } }
  /* E3: the log compares the version, and every reader compares the link. */
  :: atomic {
      writers[w].phase == SENT && last < LENGTH ->
      d_step {
        read();
        if
        :: version == writers[w].version ->
          store(APPEND, writers[w].own, writers[w].owner, true, linkOf(w), writers[w].accepted);
          writers[w].phase = STORED; writers[w].stored = last; writers[w].counted = accepted != before
        :: else -> writers[w].phase = REFUSED
        fi;
        forget()
      }
    }
  :: atomic { writers[w].phase == REFUSED -> d_step { load(w, writers[w].owner); send(w) } }
  :: atomic {
      writers[w].phase == STORED ->
      d_step {
        if
        :: isOfEpoch(w) ->
          assert(writers[w].counted); /* LINK4: who believes an append, believes one that counted when it was stored */
          writers[w].mayBeBehind = false; writers[w].version = writers[w].stored;
          writers[w].head = linkOf(w) * BASE + writers[w].own; writers[w].accepted = writers[w].accepted * BASE + writers[w].own;
          believe(w)
        :: else ->
          mine = writers[w].own; hadCounted = writers[w].counted;
          load(w, writers[w].owner);
          if
          :: writers[w].phase != ABSENT && hasDigit(writers[w].accepted, mine) -> assert(hadCounted); believe(w)
          :: else -> send(w)
          fi;
          mine = 0; hadCounted = false
        fi
      }
    }
  :: atomic { crashes > 0 && writers[w].phase != ABSENT -> crashes--; d_step { lose(w) } }
  od
}

#define writesOld(s) :: atomic { olds > 0 && last < LENGTH -> olds--; d_step { store(APPEND, OLD_CONTENT, s, false, 0, 0); forget() } }

proctype Others() {
end:
  do
  :: atomic { requests > 0 && last < LENGTH -> requests--; d_step { store(REQUEST, fresh, 0, false, 0, 0); fresh++; assert(fresh < BASE); forget() } }
  :: atomic { others > 0 && last < LENGTH -> others--; d_step { store(OTHER, 0, 0, false, 0, 0); forget() } }
  /* LINK3, LINK5: an earlier version names any request, also one that the log has lost. */
  writesOld(1)
  writesOld(2)
  writesOld(3)
  od
}

/* The log loses its last one to three messages. Every connection breaks. */
proctype Power() {
  byte lost;
end:
  do
  :: atomic {
      cuts > 0 && last > 0 ->
      cuts--;
      if :: lost = 1 :: last >= 2 -> lost = 2 :: last >= 3 -> lost = 3 fi;
      d_step {
        do
        :: lost > 0 ->
          last--; lost--; log[last].kind = 0; log[last].own = 0; log[last].names = 0; log[last].isLinked = false; log[last].link = 0; log[last].basis = 0
        :: else -> break
        od;
        writers[0].mayBeBehind = writers[0].phase != ABSENT; writers[1].mayBeBehind = writers[1].phase != ABSENT
      }
    }
  od
}

/* Liveness: whoever has a request in the log gets its appends into it. */
proctype Judge() {
end:
  timeout ->
    assert(last == LENGTH || believed[0] == APPENDS && believed[1] == APPENDS || rootOf(1, last) == 0 && rootOf(2, last) == 0 && rootOf(3, last) == 0)
}

init { atomic { run Worker(0); run Worker(1); run Others(); run Power(); run Judge() } }
