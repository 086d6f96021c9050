import type { CanaryVerdict } from '#src/analysis/canary/judge-canary.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { History, HistoryStatus } from '#src/core/history-questions.ts';
import { unknownInSilence } from '#src/core/no-answer-error.ts';
import { isInvocationSettled } from '#src/core/stream/stream.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { Examined } from './examined.ts';

type FromHistory = Pick<
  Examined,
  'projections' | 'quotas' | 'failing' | 'plainRequests' | 'deadLetters' | 'canaries' | 'unclaimed' | 'withoutWayOn'
>;
/** `last`: the last message of the log, which the answers must cover. */
type HistoryQuestion = { functions: readonly Pick<FunctionEntry, 'definition' | 'aliases'>[]; last: number; queues: ReadonlySet<string> };

/** What the read model knows. Each part is `undefined` when no projection answers. */
export async function examineHistory(connection: Connection, { functions, last, queues }: HistoryQuestion): Promise<FromHistory> {
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const history = createNatsHistory(connection);
  const projections = await readProjections(history);
  if (projections.length === 0) return { projections };
  const fresh: History = { ...history, ask: (question, query, options) => history.ask(question, query, { atLeast: last, ...options }) };
  const unknownWithout = async <Part>(part: Promise<Part>): Promise<Part | undefined> => await part.catch(() => undefined);
  const [quotas, failing, plainRequests, deadLetters, canaries, withoutWayOn, unclaimed] = await Promise.all([
    unknownWithout(readQuotas(connection, fresh)),
    unknownWithout(readFailing(fresh)),
    unknownWithout(findPlainRequests(connection, fresh)),
    unknownWithout(countDeadLetters(fresh)),
    unknownWithout(readCanaries(fresh, functions)),
    unknownWithout(findWithoutWayOn(fresh)),
    unknownWithout(
      countUnclaimed(
        fresh,
        functions.map(({ definition }) => definition.name).filter((name) => !queues.has(`fn-${name}`)),
      ),
    ),
  ]);
  return { projections, quotas, failing, plainRequests, deadLetters, canaries, withoutWayOn, unclaimed };
}

async function readProjections(history: History): Promise<HistoryStatus[]> {
  // A projection that runs and does not answer is a finding, as a missing one is.
  const instances = (await history.instances().catch(unknownInSilence)) ?? [];
  const found = await Promise.all(instances.map((instance) => history.ask('status', {}, { instance }).catch(() => undefined)));
  return found.filter((status) => status !== undefined);
}

async function readFailing(history: History): Promise<Examined['failing']> {
  const { readFailingPlatforms } = await import('#src/analysis/explain/platform-failures.ts');
  return await readFailingPlatforms((query) => history.ask('list', query));
}

async function findPlainRequests(connection: Connection, history: History): Promise<Examined['plainRequests']> {
  const { readPlainRequests } = await import('#src/analysis/plain-requests.ts');
  const { listProjects } = await import('#src/core/encryption/change-project.ts');
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
  const projects = await listProjects(await openKeyValue(connection, FUNCTIONS_BUCKET));
  const encrypting = projects.filter(({ payloads }) => payloads === 'encrypted');
  return await readPlainRequests((query) => history.ask('list', query), encrypting);
}

/** A page of the history holds as many. */
const MAX_DEAD = 500;

async function countDeadLetters(history: History): Promise<Examined['deadLetters']> {
  const { deadLetters, cursor } = await history.ask('dead', { limit: MAX_DEAD });
  return { count: deadLetters.length, isAtLeast: cursor !== null };
}

/** So many of the oldest open invocations are folded: one without a way on stays, and becomes one of these. */
const MAX_FOLDED = 20;

async function findWithoutWayOn(history: History): Promise<Examined['withoutWayOn']> {
  const { invocationFolder } = await import('#machines/invocation.ts');
  const { hasWayOn, noWayOnInWords } = await import('#src/analysis/verify/no-way-on.ts');
  const { invocations } = await history.ask('list', { state: OPEN, order: 'oldest', limit: MAX_FOLDED });
  const found = invocations.map(async ({ id, function: name }) => {
    const { transitions } = await history.ask('timeline', { id, function: name });
    const counted = transitions.filter(({ refused }) => !refused).map(({ fact }) => fact);
    const state = counted.reduce((present, fact) => invocationFolder.step(present, fact)?.snapshot ?? present, invocationFolder.initial);
    return isInvocationSettled(state) || hasWayOn(state) ? [] : [{ id, function: name, why: noWayOnInWords(state) }];
  });
  return (await Promise.all(found)).flat();
}

/** The weighted versions that are significantly worse than the main version of their alias, and the automatic ones that are undecided. */
async function readCanaries(history: History, functions: HistoryQuestion['functions']): Promise<Examined['canaries']> {
  const { countsByVersion, judgeCanary, judgedInvocations } = await import('#src/analysis/canary/judge-canary.ts');
  const found = functions.flatMap(({ definition, aliases }) => {
    const weighted = aliases.filter(({ weights }) => Object.keys(weights).length > 0);
    return weighted.map(async (alias): Promise<(CanaryVerdict & { function: string; alias: string })[]> => {
      const { name } = definition;
      const { rows } = await history.ask('stats', { function: name, ...judgedInvocations(alias), by: 'version' });
      return judgeCanary(name, alias, countsByVersion(rows)).map((verdict) => ({ ...verdict, function: name, alias: alias.name }));
    });
  });
  return (await Promise.all(found)).flat().filter(({ verdict, automatic }) => verdict === 'worse' || automatic?.kind === 'undecided');
}

const OPEN: ('queued' | 'running' | 'retrying' | 'succeeded' | 'failed')[] = ['queued', 'running', 'retrying', 'succeeded', 'failed'];

/** The open invocations are counted up to the quota, by the read model. */
async function readQuotas(connection: Connection, history: History): Promise<Examined['quotas']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { listQuotas } = await import('#src/core/quotas/change-quota.ts');
  const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
  const quotas = await listQuotas(await openKeyValue(connection, FUNCTIONS_BUCKET));
  const counted = quotas.map(async ({ project, quota: { open: limit } }) => {
    if (limit === undefined) return [];
    const most = Math.min(1_000_000, Math.max(1, limit));
    const { count } = await history.ask('count', { project: project ?? '', state: OPEN, most });
    return [{ project, open: count, limit }];
  });
  return (await Promise.all(counted)).flat();
}

/** Bounds the functions that are counted one by one, and what is counted of each. */
const MAX_UNCLAIMED = 100;

/** The requests of functions that no worker has created a queue for. Those that are due later wait for no worker. */
async function countUnclaimed(history: History, names: readonly string[]): Promise<Examined['unclaimed']> {
  const counted = names.slice(0, MAX_UNCLAIMED).map(async (name) => {
    const queued = { function: name, state: ['queued' as const], most: 1_000 };
    const [all, delayed] = await Promise.all([
      history.ask('count', queued),
      history.ask('count', { ...queued, dueBefore: Number.MAX_SAFE_INTEGER }),
    ]);
    return [name, Math.max(0, all.count - delayed.count)] as const;
  });
  return new Map(await Promise.all(counted));
}
