import {
  type FailingPlatform,
  failingPlatformInWords,
  platformRemedy,
  readFailingPlatforms,
} from '#src/analysis/explain/platform-failures.ts';
import { type WaitKind, whyQueueWaits } from '#src/analysis/explain/queue-waits.ts';
import type { SystemState } from '#src/client/client.ts';
import { readDefinition, readSlots, surroundingsOf } from '#src/client/state/surroundings.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
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
  const queues = state.consumers
    .map((consumer) => ({ ...consumer, token: ownerOf(consumer).function, held: consumer.pending + consumer.unacknowledged }))
    .filter(({ token, held }) => token !== '' && held > 0 && owns(token))
    .sort((one, other) => Number(one.waiting > 0) - Number(other.waiting > 0))
    .slice(0, MAX_QUEUES);
  const [waits, failing] = await Promise.all([
    Promise.all(queues.map(async ({ token, held }) => whyOne(client, state, { token, held, name: nameOf(token), language }))),
    readFailing(client, filter),
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

type Queue = { token: string; held: number; name: string; language: Language };

async function whyOne(
  client: Pick<GatewayClient, 'functions' | 'flow' | 'history'>,
  state: Pick<SystemState, 'consumers' | 'instances' | 'silentRoles'>,
  { token, held, name, language }: Queue,
): Promise<FunctionWait[]> {
  const definition = await readDefinition(client.functions, token);
  const around = { ...surroundingsOf(state, token, definition), slots: await readSlots(client, { name: token, definition }) };
  const wait = inLanguage(language, () => whyQueueWaits({ ...around, name }));
  if (wait === undefined) return [];
  const { kind, text, remedy } = wait;
  return [{ function: token, kind, waiting: held, text, ...(remedy === undefined ? {} : { remedy }) }];
}

async function readFailing({ history }: Pick<GatewayClient, 'history'>, filter: { project?: string }): Promise<FailingPlatform[]> {
  try {
    return await readFailingPlatforms(history.list, filter);
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return [];
    throw error;
  }
}
