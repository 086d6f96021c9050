import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';

/* Replays the traces of `models/groups.qnt` and `models/batches.qnt` on the machine of each request. */

type Request = { state: string; waits: boolean; group: number; members: readonly number[] };
type Step = { kind: string; who: number; by: number };
type Proposal = { step: Step; isProposed: boolean; isAccepted: boolean };
export type GroupsState = {
  world: Proposal & { requests: Readonly<Record<string, Request>>; read: Readonly<Record<string, readonly number[]>> };
};
export type BatchesState = { world: Proposal & { state: string; isCanceled: boolean; decided: number } };

const AT = 1_700_000_000_000;
const DEBOUNCE = { keep: 'all', waitInMs: 1, maxWaitInMs: 1 } as const;
const TERMS = {
  ...{ revision: 1, timeoutInMs: 1_000, maxAgeInMs: 3_600_000, maxRetries: 0 },
  backoff: { initialInMs: 0, factor: 1, maxInMs: 0, jitter: 0 },
};
const idOf = (request: number): string => `i-${request}`;
const memberOf = (request: number) => ({ invocation: idOf(request), request: request + 1 });

function begin(id: string, more: object = {}): Invocation {
  const queued = { type: 'queued', invocation: id, at: AT, function: 'f', qualifier: 'latest', ...more } as Fact;
  const step = invocationFolder.step(invocationFolder.initial, queued);
  if (step === undefined) throw new Error('the machine refuses the request');
  return step.snapshot;
}

/** Returns the first difference between the specification and the machines of the requests; `undefined` when they agree in every step. */
export async function replayGroups(states: readonly GroupsState[]): Promise<string | undefined> {
  const requests = Object.keys(states[0]?.world.requests ?? {}).map((number) => begin(idOf(Number(number))));
  for (const [index, { world }] of states.slice(1).entries()) {
    const { step, isProposed, isAccepted } = world;
    if (!isProposed) continue;
    const before = states[index]?.world ?? world;
    const next = invocationFolder.step(requests[step.who] as Invocation, factOf(step, before));
    if (next !== undefined) requests[step.who] = next.snapshot;
    const seen = JSON.stringify([next !== undefined, requests.map(see)]);
    const said = JSON.stringify([isAccepted, Object.values(world.requests).map(sayOf)]);
    if (seen !== said) return `step ${index + 1}, ${JSON.stringify(step)}: machines ${seen}, specification ${said}`;
  }
  return undefined;
}

function factOf({ kind, who, by }: Step, { read, requests }: GroupsState['world']): Fact {
  const common = { invocation: idOf(who), at: AT };
  const members = (read[by] ?? []).filter((member) => member !== who).map(memberOf);
  const facts: Readonly<Record<string, Fact>> = {
    wait: { type: 'deferred', ...common, flow: { pool: 'p', key: '', debounce: DEBOUNCE } },
    close: { type: 'debounce.closed', ...common, keep: 'all', dueAt: AT, members },
    join: { type: 'debounce.joined', ...common, keep: 'all', leader: memberOf(by) },
    run: { type: 'running', ...common, attempt: 1, worker: 'w', terms: TERMS },
    end: { type: 'succeeded', ...common, attempt: 1, payload: '1' },
    follow: { type: 'succeeded', ...common, attempt: 0, payload: '1', leader: idOf(requests[who]?.group ?? -1) },
  };
  return facts[kind] as Fact;
}

function see({ value, context: { waitsFor, group } }: Invocation): unknown {
  const led = group === null ? null : (group.leader?.invocation ?? 'itself');
  return [value === 'succeeded' ? 'ended' : value, value === 'queued' && waitsFor !== null, led];
}

function sayOf({ state, waits, group }: Request, number: number): unknown {
  return [state, state === 'queued' && waits, group === -1 ? null : group === number ? 'itself' : idOf(group)];
}

/** As {@link replayGroups}, for the machine of a batch. */
export async function replayBatches(states: readonly BatchesState[]): Promise<string | undefined> {
  let batch = begin('b-1', { opens: { batch: 'b' } });
  for (const [index, { world }] of states.slice(1).entries()) {
    const { step, isProposed, isAccepted, state, isCanceled } = world;
    const fact = isProposed ? factOfBatch(step, states[index]?.world.decided ?? 0) : undefined;
    if (fact === undefined) continue;
    const next = invocationFolder.step(batch, fact);
    batch = next?.snapshot ?? batch;
    const seen = JSON.stringify([
      next !== undefined,
      batch.value === 'succeeded' ? 'ended' : batch.value,
      batch.context.canceledAt !== null,
    ]);
    const said = JSON.stringify([isAccepted, state, isCanceled]);
    if (seen !== said) return `step ${index + 1}, ${JSON.stringify(step)}: machine ${seen}, specification ${said}`;
  }
  return undefined;
}

function factOfBatch({ kind }: Step, members: number): Fact | undefined {
  const common = { invocation: 'b-1', at: AT };
  if (kind === 'seal' || kind === 'cancel') return { type: 'batch.sealed', ...common, reason: kind === 'seal' ? 'ended' : 'canceled' };
  return kind === 'complete' ? { type: 'succeeded', ...common, attempt: 0, payload: JSON.stringify({ members }) } : undefined;
}
