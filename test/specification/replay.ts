import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';

/* Replays a trace of `life.qnt` on the machine, and on a stream writer over a log in memory. */

type Life = {
  state: string;
  attempts: number;
  retries: number;
  lost: number;
  dueAt: number;
  waits: string;
  group: string;
  delivery: string;
  tries: number;
};
type Proposed = {
  kind: string;
  number: number;
  at: number;
  dueAt: number;
  failure: 'function' | 'lost' | 'platform';
  byLeader: boolean;
  hasDestination: boolean;
};
export type SpecifiedState = { life: Life; fact: Proposed; accepted: boolean };

const BEGIN = 1_700_000_000_000;
const timeOf = (tick: number): number => BEGIN + tick * 1_000;
const ID = 'i-1' as RequestId;
const NAME = { function: 'f' as never, stream: ID as string as StreamId };
const leader = { invocation: 'i-0', request: 1 };
const terms = {
  revision: 1,
  timeoutInMs: 1_000,
  maxRetries: 1,
  maxAgeInMs: 3_600_000,
  backoff: { initialInMs: 0, factor: 1, maxInMs: 0, jitter: 0 },
} as const;
const destinations = [{ id: 'd', destination: 'HTTP', param: '{}' }];

/** Returns the first difference between the specification and the code; `undefined` when they agree in every step. */
export async function replay(states: readonly SpecifiedState[]): Promise<string | undefined> {
  const [first, ...steps] = states;
  const dueAt = first?.life.dueAt ?? 0;
  const log = createMemoryLog({ clock: { now: () => timeOf(1) } });
  const deliverAt = dueAt > 0 ? { deliverAt: String(timeOf(dueAt)) } : {};
  const { sequence } = await log.accept(NAME, [{ id: ID, payload: '1', ...deliverAt }]);
  const state = await loadStream(log, NAME, sequence);
  if (state === undefined) return 'the log does not hold the request';
  const writer = new StreamWriter({ log, state, by: 'w', appendId: () => 'a', clock: systemClock });
  let folded = state.invocations.get(ID) as Invocation;
  for (const [index, { life, fact: proposed, accepted }] of steps.entries()) {
    const fact = factOf(proposed);
    const step = invocationFolder.step(folded, fact);
    const effects = await writer.propose(ID, [fact]);
    folded = step?.snapshot ?? folded;
    const written = lifeOf(writer.state.invocations.get(ID) as Invocation);
    const seen = { machine: [step !== undefined, lifeOf(folded)], writer: [effects !== undefined, written] };
    for (const [who, found] of Object.entries(seen)) {
      const said = JSON.stringify([accepted, comparable(life)]);
      if (JSON.stringify(found) !== said)
        return `step ${index + 1}, ${JSON.stringify(fact)}: ${who} ${JSON.stringify(found)}, specification ${said}`;
    }
  }
  const read = await loadStream(log, NAME, sequence);
  return JSON.stringify(read?.invocations.get(ID)?.context) === JSON.stringify(folded.context)
    ? undefined
    : 'the log folds to another state';
}

function factOf({ kind, number, at: tick, dueAt, failure: why, byLeader, hasDestination }: Proposed): Fact {
  const at = timeOf(tick);
  const common = { invocation: ID as string, at };
  const failure = { kind: why, errorType: 'E', message: 'm', code: 1 };
  const outcome = {
    ...common,
    attempt: number,
    ...(hasDestination ? { destinations } : {}),
    ...(byLeader ? { leader: leader.invocation } : {}),
  };
  const delivery = { ...common, destination: 'd', try: number };
  const debounce = { keep: 'all', waitInMs: 1, maxWaitInMs: 1 } as const;
  const facts: Readonly<Record<string, Fact>> = {
    running: { type: 'running', ...common, attempt: number, worker: 'w', ...(number === 1 ? { terms } : {}) },
    retrying: { type: 'retrying', ...common, attempt: number, dueAt: timeOf(dueAt), failure },
    succeeded: { type: 'succeeded', ...outcome, payload: '1' },
    failed: { type: 'failed', ...outcome, condition: 'SystemError', failure },
    'deferred.slot': { type: 'deferred', ...common, flow: { pool: 'p', key: 'k' } },
    'deferred.group': { type: 'deferred', ...common, flow: { pool: 'p', key: 'k', debounce } },
    'debounce.closed': { type: 'debounce.closed', ...common, keep: 'all', dueAt: timeOf(dueAt), members: [] },
    'debounce.joined': { type: 'debounce.joined', ...common, keep: 'all', leader },
    notified: { type: 'notified', ...common },
    'delivery.started': { type: 'delivery.started', ...delivery, deliverer: 'w' },
    'delivery.failed': { type: 'delivery.failed', ...delivery, dueAt: timeOf(dueAt), reason: 'r' },
    'delivery.delivered': { type: 'delivery.delivered', ...delivery },
    'delivery.dead': { type: 'delivery.dead', ...delivery, reason: 'r' },
    'delivery.redriven': { type: 'delivery.redriven', ...delivery },
  };
  return facts[kind] as Fact;
}

type Comparable = (string | number)[];

const comparable = ({ state, attempts, retries, lost, waits, group, delivery, tries }: Life): Comparable => [
  state,
  attempts,
  retries,
  lost,
  waits,
  group,
  delivery,
  tries,
];

function lifeOf({ value, context: { attempts, retries, lost, waitsFor, group, outcome, deliveries } }: Invocation): Comparable {
  const delivery = deliveries.d;
  return comparable({
    state: String(value),
    attempts,
    retries,
    lost,
    dueAt: 0,
    waits: waitsFor === null ? 'none' : waitsFor.debounce === undefined ? 'slot' : 'group',
    group: group === null ? 'none' : group.leader === undefined ? 'leader' : 'member',
    delivery: outcome?.destinations === undefined ? 'none' : String(delivery?.value ?? 'pending'),
    tries: delivery?.context.tries ?? 0,
  });
}
