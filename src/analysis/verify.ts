import { deliveryOf } from '#machines/deliveries.ts';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { FullLogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { isSettled, wakeTimesOf } from '#src/core/stream/stream.ts';
import { createErasureMarks } from './erasure-marks.ts';
import { createFindings, type Finding, type FindingKind } from './findings.ts';
import { whyRefused } from './refusals.ts';
import { createSettledStreams, functionKey } from './settled-streams.ts';

/** How many of each there are. `accepted` is `settled` and all that is open, or there is a finding. */
type Balance = {
  accepted: number;
  settled: number;
  open: Partial<Record<Invocation['value'], number>>;
  succeeded: number;
  failed: number;
};

export type Verification = {
  messages: number;
  balance: Balance;
  /** Requests whose id the log held already: they start nothing. */
  repeated: number;
  /** Appends about requests before the first message that was read. */
  skipped: number;
  /** Messages that were erased on request. */
  erased: number;
  /** The first thousand. */
  findings: Finding[];
  /** How many there are in all. */
  found: number;
};

/**
 * Judges a log independently of the code that wrote it: folds every stream with the present machine, message by message.
 *
 * Invariant: memory grows with what is open, and by at most 40 bytes for each stream that is settled. A stream with a dead
 * delivery stays, because somebody may have it tried again.
 */
export interface Verifier {
  read(entry: FullLogEntry): void;
  /** Reports what its caller found. */
  report(kind: 'damaged-segment' | 'gap', sequence: number, what: string): void;
  finish(): Verification;
}

type Birth = { sequence: number; facts: readonly FactOf<'queued'>[] };
type Stream = { name: StreamName; births: Birth[]; owner: number | undefined; version: number; lives: Map<string, Invocation> };
type Append = Extract<FullLogEntry, { kind: 'append' }>;

/**
 * `from` is the first sequence that is read: of requests before it nothing is known. A log of which all is read has no gaps:
 * `isWhole` says that it is one.
 */
export function createVerifier({ from = 1, isWhole = false }: { from?: number; isWhole?: boolean } = {}): Verifier {
  const open = new Map<string, Stream>();
  const kept = createSettledStreams();
  const unreadable = new Set<number>();
  const marks = createErasureMarks();
  let next = from;
  const findings = createFindings();
  const { report } = findings;
  const counts = { messages: 0, accepted: 0, settled: 0, succeeded: 0, failed: 0, repeated: 0, skipped: 0 };

  function readRequest({ message: { name, sequence, requests } }: Extract<FullLogEntry, { kind: 'request' }>): void {
    const stream = open.get(streamKey(name));
    const facts = requests.map(({ fact }) => fact);
    const before = kept.get(name);
    if (stream !== undefined || (before !== undefined && before.function === functionKey(name.function))) {
      counts.repeated++;
      // Until the first append, any of them may turn out to own the stream.
      if (stream !== undefined && stream.owner === undefined) stream.births.push({ sequence, facts });
      return;
    }
    counts.accepted += facts.length;
    open.set(streamKey(name), { name, births: [{ sequence, facts }], owner: undefined, version: 0, lives: bear(facts) });
  }

  function readAppend(entry: Append): void {
    const { name, append, sequence } = entry;
    if (append.request > 0 && append.request < from) {
      counts.skipped++;
      return;
    }
    const stream = open.get(streamKey(name));
    if (stream !== undefined) return readOpen(entry, stream);
    const before = kept.get(name);
    if (before !== undefined && before.function === functionKey(name.function)) return readLate(entry, before.version);
    const what = `it speaks of request ${append.request}, which is not in the log`;
    report('no-birth', sequence, { what, function: name.function, invocation: append.facts[0]?.invocation ?? name.stream });
  }

  function readOpen(entry: Append, stream: Stream): void {
    const { append, sequence, wakeTimes, name } = entry;
    const before = findings.count;
    followChain(entry, stream.version);
    own(entry, stream);
    for (const fact of append.facts) fold(fact, sequence, stream);
    stream.version = sequence;
    // After another finding the headers tell nothing further.
    if (before === findings.count) checkAttention(entry, wakeTimes, wakeTimesOf(stream.lives.values()));
    const lives = [...stream.lives.values()];
    if (!lives.every(isSettled) || lives.some(hasDeadDelivery)) return;
    counts.settled += lives.length;
    open.delete(streamKey(name));
    kept.set(name, sequence);
  }

  function followChain({ append, sequence, name }: Append, version: number): void {
    // What could not be read may have been its predecessor.
    if (append.previous === version || (append.previous > version && unreadable.has(append.previous))) return;
    const what = `it follows ${append.previous}, and the one before it is ${version}`;
    report('broken-chain', sequence, { what, function: name.function, invocation: append.facts[0]?.invocation ?? name.stream });
  }

  /** The stream belongs to the request that its first append names. */
  function own({ append, sequence, name }: Append, stream: Stream): void {
    const about = { function: name.function, invocation: append.facts[0]?.invocation ?? name.stream };
    if (stream.owner !== undefined) {
      if (append.request === stream.owner) return;
      const what = `it speaks of request ${append.request}, and the stream is that of request ${stream.owner}`;
      return report('two-births', sequence, { what, ...about });
    }
    const owner = stream.births.find((birth) => birth.sequence === append.request);
    if (owner === undefined)
      report('no-birth', sequence, { what: `it speaks of request ${append.request}, which is not its own`, ...about });
    else if (owner !== stream.births[0]) stream.lives = bear(owner.facts);
    stream.owner = append.request;
    stream.births = [];
    const twin = kept.get(name);
    if (twin === undefined) kept.set(name, 0);
    else if (twin.function !== functionKey(name.function)) {
      report('two-births', sequence, { what: 'another function has an invocation of this id', ...about });
    }
  }

  function fold(fact: Fact, sequence: number, stream: Stream): void {
    const about = { invocation: fact.invocation, function: stream.name.function };
    const life = stream.lives.get(fact.invocation);
    if (life === undefined) return report('stranger', sequence, { what: `${fact.type} of an invocation of another stream`, ...about });
    const step = invocationFolder.step(life, fact);
    if (step === undefined) {
      const { kind, what } = whyRefused(life, fact);
      return report(kind, sequence, { what, ...about });
    }
    stream.lives.set(fact.invocation, step.snapshot);
    if (fact.type === 'succeeded' || fact.type === 'failed') counts[fact.type]++;
  }

  function checkAttention({ sequence, name }: Append, said: WakeTimes, due: WakeTimes): void {
    const wrong = wrongAttention(said, due);
    if (wrong !== undefined) report(wrong.kind, sequence, { what: wrong.what, function: name.function, invocation: name.stream });
  }

  /** All of it was over. Only running it again leaves a trace then. */
  function readLate(entry: Append, version: number): void {
    const { append, sequence, name, wakeTimes } = entry;
    followChain(entry, version);
    kept.set(name, sequence);
    for (const { type, invocation } of append.facts) {
      if (type === 'redriven') continue;
      const kind = isEnding(type) ? 'two-outcomes' : 'after-the-end';
      report(kind, sequence, { what: `${type} after it was over`, invocation, function: name.function });
    }
    if (Object.keys(wakeTimes).length > 0) checkAttention(entry, wakeTimes, {});
  }

  return {
    report: (kind, sequence, what) => report(kind, sequence, { what }),
    read(entry) {
      counts.messages++;
      marks.read(entry);
      if (isWhole && entry.sequence > next) report('gap', next, { what: `no message from ${next} to ${entry.sequence - 1}` });
      next = entry.sequence + 1;
      switch (entry.kind) {
        case 'request':
          return readRequest(entry);
        case 'append':
          return readAppend(entry);
        case 'unreadable':
          unreadable.add(entry.sequence);
          return report('unreadable', entry.sequence, { what: entry.why });
        default:
          return;
      }
    },
    finish() {
      const { messages, repeated, skipped, accepted, settled, succeeded, failed } = counts;
      const left = tally(open.values());
      const balance: Balance = { accepted, settled: settled + left.settled, open: left.open, succeeded, failed };
      const wrong = imbalanceOf(balance);
      if (wrong !== undefined) report('balance', 0, { what: wrong });
      for (const { sequence, what } of marks.problems()) report('unexplained-erasure', sequence, { what });
      return { messages, balance, repeated, skipped, erased: marks.messages, findings: findings.list, found: findings.count };
    },
  };
}

function imbalanceOf({ accepted, settled, open }: Balance): string | undefined {
  const openCount = Object.values(open).reduce((sum, count) => sum + count, 0);
  return accepted === settled + openCount ? undefined : `${accepted} were accepted, ${settled} are settled and ${openCount} are open`;
}

function tally(streams: Iterable<Stream>): Pick<Balance, 'settled' | 'open'> {
  const left: Pick<Balance, 'settled' | 'open'> = { settled: 0, open: {} };
  for (const { lives } of streams) {
    for (const life of lives.values()) {
      if (isSettled(life)) left.settled++;
      else left.open[life.value] = (left.open[life.value] ?? 0) + 1;
    }
  }
  return left;
}

function bear(facts: readonly FactOf<'queued'>[]): Map<string, Invocation> {
  const lives = new Map<string, Invocation>();
  for (const fact of facts) {
    const step = invocationFolder.step(invocationFolder.initial, fact);
    if (step !== undefined) lives.set(fact.invocation, step.snapshot);
  }
  return lives;
}

function isEnding(type: Fact['type']): boolean {
  return type === 'succeeded' || type === 'failed' || type === 'notified';
}

function hasDeadDelivery({ context }: Invocation): boolean {
  return Object.keys(context.deliveries).some((id) => deliveryOf(context, id)?.value === 'dead');
}

const names: Record<keyof WakeTimes, string> = {
  dueAt: 'Due-At',
  endsAt: 'Ends-At',
  deliverAt: 'Deliver-At',
  inProgressSince: 'Held-Since',
};

/** What is wrong with the headers of an append whose facts ask for `due`. */
function wrongAttention(said: WakeTimes, due: WakeTimes): { kind: FindingKind; what: string } | undefined {
  if (Object.keys(due).length > 0 && Object.keys(said).length === 0) {
    return { kind: 'unattended', what: `nothing says when somebody looks at it; it needs ${inWords(due)}` };
  }
  if (inWords(said) === inWords(due)) return undefined;
  return { kind: 'wrong-attention', what: `it says ${inWords(said)}, and the facts say ${inWords(due)}` };
}

function inWords(wakeTimes: WakeTimes): string {
  const said = (Object.keys(names) as (keyof WakeTimes)[]).flatMap((key) =>
    wakeTimes[key] === undefined ? [] : [`${names[key]} ${wakeTimes[key]}`],
  );
  return said.length === 0 ? 'nothing' : said.join(', ');
}
