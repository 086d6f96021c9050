import { setTimeout as sleep } from 'node:timers/promises';
import type { Load, Workload } from '../load/workloads.ts';
import type { MeasuredForm } from './measured-form.ts';
import { byKind, ownMemoryOf } from './processes.ts';
import { quiet } from './quiet.ts';

/** What one kind of work reaches for as long as its load lasts. */
export type Lasting = {
  /** Invocations per second, from the first request to the end of the load. */
  rate: number;
  /** Processor time of each invocation in microseconds by process, from the first request until every role has read the log. */
  cpu: Readonly<Record<string, number>>;
  /** How far the read model is behind the log, in milliseconds: at the end of the load, and at worst. */
  behindAtEndInMs: number;
  behindAtWorstInMs: number;
  /** The slowest answer to a page of the history, in milliseconds. */
  slowestPageInMs: number;
  lullInMs: number;
  /** Memory of all processes in MB: at the end of the load, and after the rest. */
  memory: { atEnd: number; atRest: number };
  /** Processor time in the seconds after the last role has read the log, as a share of one core. */
  idle: number;
};

/** The sender waits while so many invocations have no outcome yet, so that the load lasts and no backlog grows. */
const MAX_OPEN = 8_000;
const ASK_EVERY_MS = 1_000;
const REST_IN_MS = 10_000;

/** Sends for some seconds as fast as outcomes arrive, while somebody asks for a page of the history once a second. */
export async function measureLasting(load: Load, form: MeasuredForm, workload: Workload, seconds: number): Promise<Lasting> {
  const { arrivals } = load;
  const before = await form.counts();
  arrivals.reset(Number.POSITIVE_INFINITY);
  const startedAt = performance.now();
  const watching = watch(form, startedAt + seconds * 1_000);
  const mayContinue = (sent: number): boolean => sent * workload.outcomes - arrivals.outcomes < MAX_OPEN;
  const sending = load.sendUntil(workload, startedAt + seconds * 1_000, mayContinue);
  const watched = await watching;
  const rate = arrivals.outcomes / workload.outcomes / ((performance.now() - startedAt) / 1_000);
  const lullInMs = arrivals.longestLullInMs;
  const atEnd = memoryOfAll(form);
  const count = await sending;
  await arrivals.reach(count * workload.outcomes);
  await quiet(form);
  const after = await form.counts();
  await sleep(REST_IN_MS);
  const rested = await form.counts();
  const { client: _, ...roles } = Object.fromEntries(Object.entries(after.cpu).map(([role, us]) => [role, us - (before.cpu[role] ?? 0)]));
  const idle = Object.entries(rested.cpu).reduce((sum, [role, us]) => (role === 'client' ? sum : sum + us - (after.cpu[role] ?? 0)), 0);
  return {
    rate,
    cpu: Object.fromEntries(Object.entries(roles).map(([role, us]) => [role, us / count])),
    ...watched,
    lullInMs,
    memory: { atEnd, atRest: memoryOfAll(form) },
    idle: idle / (REST_IN_MS * 1_000),
  };
}

type Watched = Pick<Lasting, 'behindAtEndInMs' | 'behindAtWorstInMs' | 'slowestPageInMs'>;

/** Asks for a page as somebody does who watches, and for the distance of the read model. A question that is not answered has the time it took. */
async function watch({ client }: MeasuredForm, until: number): Promise<Watched> {
  const watched = { behindAtEndInMs: 0, behindAtWorstInMs: 0, slowestPageInMs: 0 };
  while (performance.now() < until) {
    const askedAt = performance.now();
    const { lagInMs } = await client.history.status({ timeoutInMs: 60_000 });
    const pageAt = performance.now();
    await client.history.list({ limit: 50 });
    watched.slowestPageInMs = Math.max(watched.slowestPageInMs, performance.now() - pageAt);
    watched.behindAtEndInMs = lagInMs;
    watched.behindAtWorstInMs = Math.max(watched.behindAtWorstInMs, lagInMs);
    await sleep(Math.min(until - performance.now(), Math.max(0, ASK_EVERY_MS - (performance.now() - askedAt))));
  }
  return watched;
}

function memoryOfAll({ pid, serverPid }: MeasuredForm): number {
  const roles = Object.values(byKind(pid, ownMemoryOf));
  return roles.reduce((sum, one) => sum + one, ownMemoryOf(serverPid)) / 1e6;
}
