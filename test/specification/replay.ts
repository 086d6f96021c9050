import type { Fact, Failure } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { Life, Fact as Proposed } from '#src/analysis/verify/life.generated.ts';
import { Trace } from '#src/analysis/verify/trace.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';

/* Replays a trace of `life.qnt` on the machine, and on a stream writer over a log in memory. */

export type SpecifiedState = { life: Life; fact: Proposed; accepted: boolean };

const BEGIN = 1_700_000_000_000;
const timeOf = (tick: number): number => BEGIN + tick * 1_000;
const ID = 'i-1' as RequestId;
const NAME = { function: 'f' as never, stream: ID as string as StreamId };
const terms = {
  revision: 1,
  timeoutInMs: 1_000,
  maxAgeInMs: 3_600_000,
  backoff: { initialInMs: 0, factor: 1, maxInMs: 0, jitter: 0 },
} as const;
const destinations = [{ id: 'd', destination: 'HTTP', param: '{}' }];

/** Returns the first difference between the specification and the code; `undefined` when they agree in every step. */
export async function replay(states: readonly SpecifiedState[]): Promise<string | undefined> {
  const [first, ...steps] = states;
  if (first === undefined) return 'the trace is empty';
  const log = createMemoryLog({ clock: { now: () => timeOf(1) } });
  const sequence = await begin(log, first.life);
  const state = await loadStream(log, NAME, sequence);
  if (state === undefined) return 'the log does not hold the request';
  const writer = new StreamWriter({ log, state, by: 'w', appendId: () => 'a', clock: systemClock });
  const { isBatch, dueAt } = first.life;
  const trace = new Trace({ id: ID, isBatch, dueAt: first.life.state === 'queued' && dueAt > 0 ? timeOf(dueAt) : 0 });
  for (const fact of earlierFacts(first.life)) {
    await writer.propose(ID, [fact]);
    trace.read(fact);
  }
  let folded = writer.state.invocations.get(ID) as Invocation;
  for (const [index, { life, fact: proposed, accepted }] of steps.entries()) {
    const fact = factOf(proposed);
    const step = invocationFolder.step(folded, fact);
    const effects = await writer.propose(ID, [fact]);
    folded = step?.snapshot ?? folded;
    const written = lifeOf(writer.state.invocations.get(ID) as Invocation);
    const said = [accepted, comparable(life)];
    const seen = {
      machine: [step !== undefined, lifeOf(folded)],
      writer: [effects !== undefined, written],
      // The reader of logs shows no state.
      trace: [trace.read(fact) === undefined, said[1]],
    };
    for (const [who, found] of Object.entries(seen))
      if (JSON.stringify(found) !== JSON.stringify(said))
        return `step ${index + 1}, ${JSON.stringify(fact)}: ${who} ${JSON.stringify(found)}, specification ${JSON.stringify(said)}`;
  }
  const read = await loadStream(log, NAME, sequence);
  return JSON.stringify(read?.invocations.get(ID)?.context) === JSON.stringify(folded.context)
    ? undefined
    : 'the log folds to another state';
}

/** Stores the request of a life. Resolves to its sequence. */
async function begin(log: MemoryLog, { isBatch, state, dueAt }: Life): Promise<number> {
  const deliverAt = state === 'queued' && dueAt > 0 ? { deliverAt: String(timeOf(dueAt)) } : {};
  const opens = isBatch ? { opens: { batch: 'b' } } : {};
  return (await log.accept(NAME, [{ id: ID, payload: '1', ...deliverAt, ...opens }])).sequence;
}

/** The facts that lead to the life with which a trace begins: lost attempts. */
function earlierFacts({ lost }: Life): Fact[] {
  const at = timeOf(1);
  const failure = { kind: 'lost', errorType: 'E', message: 'm', code: 1 } as const;
  return Array.from({ length: lost }, (_, index): Fact[] => {
    const common = { invocation: ID as string, at, attempt: index + 1 };
    const first = index === 0 ? { terms: { ...terms, maxRetries: 1 } } : {};
    return [
      { type: 'running', ...common, worker: 'w', ...first },
      { type: 'retrying', ...common, dueAt: at, failure },
    ];
  }).flat();
}

/** The fact that a proposal of the specification stands for. */
export function factOf({ kind, number, at: tick, dueAt, failure: why, leader: led, queue, ...flags }: Proposed): Fact {
  const at = timeOf(tick);
  const common = { invocation: ID as string, at };
  const failure = {
    kind: why === 'final' ? 'function' : (why as Failure['kind']),
    errorType: 'E',
    message: 'm',
    code: 1,
    ...(why === 'final' ? { retryable: false as const } : {}),
  };
  const ended = { ...common, attempt: number, ...(flags.hasDestination ? { destinations } : {}), ...(led === '' ? {} : { leader: led }) };
  const delivery = { ...common, destination: 'd', try: number };
  const debounce = { keep: 'all', waitInMs: 1, maxWaitInMs: 1 } as const;
  const [pool = '', key = ''] = queue.split('/');
  const leader = { invocation: led, request: 1 };
  const first = flags.hasTerms
    ? { terms: { ...terms, maxRetries: flags.maxRetries, ...(flags.isSynchronous ? { synchronous: true as const } : {}) } }
    : {};
  const facts: Readonly<Record<string, Fact>> = {
    running: { type: 'running', ...common, attempt: number, worker: 'w', ...first },
    retrying: { type: 'retrying', ...common, attempt: number, dueAt: timeOf(dueAt), failure },
    succeeded: { type: 'succeeded', ...ended, payload: '1' },
    failed: { type: 'failed', ...ended, condition: 'SystemError', failure },
    'deferred.slot': { type: 'deferred', ...common, flow: { pool, key } },
    'deferred.group': { type: 'deferred', ...common, flow: { pool, key, debounce } },
    'debounce.closed': { type: 'debounce.closed', ...common, keep: 'all', dueAt: timeOf(dueAt), members: [] },
    'debounce.joined': { type: 'debounce.joined', ...common, keep: 'all', leader },
    'batch.sealed': { type: 'batch.sealed', ...common, reason: flags.isCancellation ? 'canceled' : 'ended' },
    notified: { type: 'notified', ...common },
    redriven: { type: 'redriven', ...common, redrive: 'i-2' },
    'delivery.started': { type: 'delivery.started', ...delivery, deliverer: 'w' },
    'delivery.failed': { type: 'delivery.failed', ...delivery, dueAt: timeOf(dueAt), reason: 'r' },
    'delivery.delivered': { type: 'delivery.delivered', ...delivery },
    'delivery.dead': { type: 'delivery.dead', ...delivery, reason: 'r' },
    'delivery.postponed': { type: 'delivery.postponed', ...delivery, dueAt: timeOf(dueAt), reason: 'r' },
    'delivery.redriven': { type: 'delivery.redriven', ...delivery },
    'delivery.dismissed': { type: 'delivery.dismissed', ...delivery, note: 'n' },
  };
  return facts[kind] as Fact;
}

type Comparable = readonly (string | number | boolean)[];

/** What the specification and the machine say of an invocation, in one form. */
export function comparable(life: Life): Comparable {
  const { state, attempts, retries, lost, dueAt, waits, queue, group, leader, delivery, tries, deliveryDueAt, isCanceled } = life;
  return [
    state,
    attempts,
    retries,
    lost,
    dueAt,
    waits,
    waits === 'slot' ? queue : '',
    group,
    leader,
    delivery,
    tries,
    deliveryDueAt,
    isCanceled,
  ];
}

const tickOf = (time: number | null | undefined): number => (time === null || time === undefined ? 0 : (time - BEGIN) / 1_000);

/** As {@link comparable}, of the machine. */
export function lifeOf({ value, context }: Invocation): Comparable {
  const { attempts, retries, lost, dueAt, waitsFor, group, outcome, deliveries, canceledAt } = context;
  const delivery = deliveries.d;
  const waits = waitsFor === null ? 'none' : waitsFor.debounce === undefined ? 'slot' : 'group';
  return [
    String(value),
    attempts,
    retries,
    lost,
    tickOf(dueAt),
    waits,
    waits === 'slot' ? `${waitsFor?.pool}/${waitsFor?.key}` : '',
    group === null ? 'none' : group.leader === undefined ? 'leader' : 'member',
    group?.leader?.invocation ?? '',
    outcome?.destinations === undefined ? 'none' : String(delivery?.value ?? 'pending'),
    delivery?.context.tries ?? 0,
    tickOf(delivery?.context.dueAt),
    canceledAt !== null,
  ];
}
