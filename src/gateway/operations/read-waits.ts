import { failingPlatformInWords, platformRemedy, readFailingPlatforms } from '#src/analysis/explain/platform-failures.ts';
import { type WaitKind, whyNoneStarts } from '#src/analysis/explain/queue-waits.ts';
import type { SystemState } from '#src/client/client.ts';
import { readDefinition, readSlots, surroundingsOf } from '#src/client/state/surroundings.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import { inLanguage, type Language } from '#src/core/text/language.ts';
import type { GatewayClient } from '../ports.ts';
import { ownerOf } from './consumer-owner.ts';

/** Why the requests of a function make no progress. `function` is its token. */
export type FunctionWait = { function: string; kind: WaitKind; waiting: number; text: string; remedy?: string; since?: number };

/** Bounds the definitions that one call reads. The queues without an open request for messages come first. */
const MAX_QUEUES = 200;

export type WaitOptions = {
  /** Restricts the result to the functions of a caller. */
  owns?: (token: string) => boolean;
  nameOf?: (token: string) => string;
  filter?: { project?: string };
  /** The language of the texts. */
  language?: Language;
  now: number;
};

/** Why functions with requests start no attempt, and which functions the platform cannot run. */
export async function readWaits(
  client: Pick<GatewayClient, 'functions' | 'flow' | 'history'>,
  state: Pick<SystemState, 'consumers' | 'instances' | 'silentRoles'>,
  { owns = () => true, nameOf = (token) => token, filter = {}, language = 'en', now }: WaitOptions,
): Promise<FunctionWait[]> {
  const queues = await queuesOf(client, state, { owns, filter });
  const [waits, failing] = await Promise.all([
    Promise.all(queues.map(async (queue) => whyOne(client, state, { ...queue, name: nameOf(queue.token), language, now }))),
    readFailingPlatforms(client.history.list, filter).catch(fallback([], HistoryUnavailableError)),
  ]);
  const stuck = await Promise.all(
    failing.map(async (one): Promise<FunctionWait> => {
      const name = nameOf(one.function);
      const definition = await readDefinition(client.functions, one.function);
      const { function: token, invocations: waiting, since } = one;
      return inLanguage(language, () => {
        const remedy = platformRemedy(name, definition?.handler);
        return { function: token, kind: 'platform-failing', waiting, since, text: failingPlatformInWords(one, now), remedy };
      });
    }),
  );
  return [...waits.flat(), ...stuck];
}

/** `held`: the requests in the queue of the function. `deferred`: those that wait in the log for a slot or a rate. */
type Queue = { token: string; held: number; deferred: number };

/** The functions with requests that have not started. */
async function queuesOf(
  { history }: Pick<GatewayClient, 'history'>,
  { consumers }: Pick<SystemState, 'consumers'>,
  { owns, filter }: Required<Pick<WaitOptions, 'owns' | 'filter'>>,
): Promise<Queue[]> {
  const queues = new Map<string, Queue & { pulls: number }>();
  for (const consumer of consumers) {
    const { function: token } = ownerOf(consumer);
    if (token === '' || !owns(token)) continue;
    queues.set(token, { token, held: consumer.pending + consumer.unacknowledged, deferred: 0, pulls: consumer.waiting });
  }
  // Requests that wait for a slot or a rate leave the queue of their function.
  const { functions } = await history.waits({ ...filter, limit: 1 }).catch(fallback({ functions: [] }, HistoryUnavailableError));
  for (const { function: token, waiting } of functions) {
    if (!owns(token)) continue;
    const { held = 0, deferred = 0, pulls = 0 } = queues.get(token) ?? {};
    queues.set(token, { token, held, deferred: deferred + waiting, pulls });
  }
  return [...queues.values()]
    .filter(({ held, deferred }) => held + deferred > 0)
    .sort((one, other) => Number(one.pulls > 0) - Number(other.pulls > 0))
    .slice(0, MAX_QUEUES);
}

/** Why a request in the queue of a function does not start. A request that waits in the log is in no worker's hands. */
const ofQueue: ReadonlySet<WaitKind> = new Set(['no-worker', 'all-busy', 'worker-full']);

async function whyOne(
  client: Pick<GatewayClient, 'functions' | 'flow' | 'history'>,
  state: Pick<SystemState, 'consumers' | 'instances' | 'silentRoles'>,
  { token, held, deferred, name, language, now }: Queue & { name: string; language: Language; now: number },
): Promise<FunctionWait[]> {
  const definition = await readDefinition(client.functions, token);
  const around = { ...surroundingsOf(state, token, definition), slots: await readSlots(client, { name: token, definition }) };
  const wait = inLanguage(language, () => whyNoneStarts({ ...around, name }, now));
  if (wait === undefined || (held === 0 && ofQueue.has(wait.kind))) return [];
  const { kind, text, remedy } = wait;
  return [{ function: token, kind, waiting: Math.max(held, deferred), text, ...(remedy === undefined ? {} : { remedy }) }];
}
