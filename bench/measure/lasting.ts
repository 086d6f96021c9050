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
  /** Memory of all processes at the end of the load, in MB. */
  memory: number;
};

/** What is left of a load when every role has read the log. */
export type Rest = {
  /** Memory of all processes in MB. */
  memory: number;
  /** Processor time as a share of one core. */
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
  const memory = memoryOfAll(form);
  const count = await sending;
  await arrivals.reach(count * workload.outcomes);
  await quiet(form);
  const after = await form.counts();
  const roles = cpuBetween(before, after);
  return {
    rate,
    cpu: Object.fromEntries(Object.entries(roles).map(([role, us]) => [role, us / count])),
    ...watched,
    lullInMs,
    memory,
  };
}

/** Waits after a load, and measures what the processes still take. */
export async function measureRest(form: MeasuredForm): Promise<Rest> {
  const before = await form.counts();
  await sleep(REST_IN_MS);
  const spent = Object.values(cpuBetween(before, await form.counts())).reduce((sum, us) => sum + us, 0);
  return { memory: memoryOfAll(form), idle: spent / (REST_IN_MS * 1_000) };
}

type Counted = Pick<Awaited<ReturnType<MeasuredForm['counts']>>, 'cpu'>;

/** The processor time between two counts by process, without that of the client. */
function cpuBetween(before: Counted, after: Counted): Record<string, number> {
  const roles = Object.entries(after.cpu).filter(([role]) => role !== 'client');
  return Object.fromEntries(roles.map(([role, us]) => [role, us - (before.cpu[role] ?? 0)]));
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
    await sleep(Math.max(0, Math.min(until, askedAt + ASK_EVERY_MS) - performance.now()));
  }
  return watched;
}

function memoryOfAll({ pid, serverPid }: MeasuredForm): number {
  const roles = Object.values(byKind(pid, ownMemoryOf));
  return roles.reduce((sum, one) => sum + one, ownMemoryOf(serverPid)) / 1e6;
}
