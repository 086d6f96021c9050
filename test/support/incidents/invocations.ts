import { z } from 'zod';
import { defineFunction, type SequentClient, startWorker } from '#src/client/client.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { type DoctorWorld, untilOf } from '#test/support/doctor/world.ts';
import type { Incident, Planted } from './incident.ts';

/* Incidents of single invocations: the person asks why this one does not end, or why it failed. */

type Settings = Partial<FunctionDefinitionInput>;
const HOUR = { initialInMs: 3_600_000, maxInMs: 3_600_000, jitter: 0 };

/** Invokes a function of the world; the event of a slow one ends with the undo. */
async function invoke(
  { client, folder }: DoctorWorld,
  name: string,
  options: Parameters<SequentClient['invoke']>[2] = {},
): Promise<string> {
  return (await client.invoke(name, { key: 'a', until: untilOf(folder, name) }, options)).requestId;
}

/** A function, and as many requests of one key; the person asks about the last one. */
const requested =
  (handler: 'ok' | 'fails' | 'slow', settings: Settings, times = 1, options: Parameters<SequentClient['invoke']>[2] = {}) =>
  async (world: DoctorWorld): Promise<Planted> => {
    const { name, undo } = await world.put(handler, settings);
    let id = '';
    for (let i = 0; i < times; i++) id = await invoke(world, name, options);
    return { name, id, undo };
  };

/** As {@link requested}, after the invocation ended. */
const ended =
  (handler: 'ok' | 'fails' | 'slow', settings: Settings) =>
  async (world: DoctorWorld): Promise<Planted> => {
    const planted = await requested(handler, settings)(world);
    await world.client.result(planted.id ?? '');
    return planted;
  };

const waiting: Incident[] = [
  {
    title: 'the function is paused',
    plant: requested('ok', { paused: true }, 2),
    cause: /NAME is paused and starts no attempt/,
    remedy: /sequent fn resume NAME/,
  },
  {
    title: 'the key is at its limit',
    plant: requested('slow', { flow: { concurrency: 1, key: '$.key' } }, 2),
    cause: /1 of 1 run for the key "a"/,
    remedy: /sequent flow ls NAME/,
  },
  {
    title: 'an older request of its key is first in the order, and retries later',
    plant: requested(
      'fails',
      { policy: { maxRetries: 1, backoff: HOUR, maxAgeInSeconds: 86_400 }, flow: { concurrency: 1, key: '$.key', order: 'fifo' } },
      2,
    ),
    cause: /1 of the key "a" is before it, the first one is \S+, which retries at/,
    remedy: /sequent flow ls NAME/,
  },
  {
    title: 'a hung attempt has the only slot over all workers',
    plant: requested('slow', { flow: { concurrency: 1 } }, 2),
    cause: /1 of 1 run over all workers/,
    remedy: /sequent flow ls NAME/,
  },
  {
    title: 'the rate over all workers is used',
    plant: requested('ok', { flow: { rate: { limit: 1, per: '1h' } } }, 2),
    cause: /1 start in 1 h over all workers, the next one at/,
    remedy: /sequent flow ls NAME/,
  },
  {
    title: 'the rate of its key is used',
    plant: requested('ok', { flow: { rate: { limit: 1, per: '1h' }, key: '$.key' } }, 2),
    cause: /1 start in 1 h for the key "a", the next one at/,
    remedy: /sequent flow ls NAME/,
  },
  {
    title: 'it waits for further requests of its key (debounce)',
    plant: requested('ok', { flow: { key: '$.key', debounce: { wait: '1h', keep: 'last' } } }),
    cause: /(?:waits? for further requests|debounce)/i,
    remedy: /There is nothing to do/,
  },
  {
    title: 'all slots of the worker are busy',
    plant: requested('slow', { concurrency: 1 }, 4),
    cause: /all slots of its workers are taken: they hold [1-4] requests?, and each worker runs at most 1/,
    remedy: /more workers, or a higher concurrency of NAME/,
  },
  {
    title: 'poisoned code fails, and is retried in an hour',
    plant: requested('fails', { policy: { maxRetries: 1, backoff: HOUR, maxAgeInSeconds: 86_400 } }),
    cause: /it always fails/,
    remedy: /next attempt, which is due in/,
  },
  {
    title: 'no scheduler wakes its retry',
    plant: async (world) => {
      const start = await world.stop('scheduler');
      const backoff = { initialInMs: 100, maxInMs: 100, jitter: 0 };
      const planted = await requested('fails', { policy: { maxRetries: 1, backoff } })(world);
      return { ...planted, undo: async () => [await start(), await planted.undo()] };
    },
    cause: /overdue by .*, because no scheduler/,
    remedy: /sequent serve --role scheduler/,
  },
  {
    title: 'no process answers on the subject of its function',
    plant: requested('ok', { handler: { kind: 'subject', subject: 'svc.nobody' } }),
    cause: /no process answers/,
    remedy: /svc\.nobody/,
  },
];

const over: Incident[] = [
  {
    title: 'poisoned code failed for good',
    plant: ended('fails', { policy: { maxRetries: 0 } }),
    cause: /it always fails/,
    remedy: /repair the code of NAME, then "sequent redrive ID"/,
  },
  {
    title: 'a hung attempt reached its timeout',
    plant: ended('slow', { timeoutInMs: 300, policy: { maxRetries: 0 } }),
    cause: /300 ms/,
    remedy: /repair the code of NAME, then "sequent redrive ID"/,
  },
  {
    title: 'it became too old while its function was paused',
    plant: ended('ok', { paused: true, policy: { maxAgeInSeconds: 1 } }),
    cause: /maximum age/,
    remedy: /greater maximum age; then "sequent redrive ID"/,
  },
  {
    title: 'its event does not match the schema of its function',
    plant: async ({ client, server }) => {
      const checked = defineFunction({ name: 'checked', input: z.object({ count: z.number() }), handler: () => 1 });
      await using worker = await startWorker({ servers: server.url, functions: [checked] });
      const { requestId: id } = await client.invoke('checked', { count: 'two' });
      await client.result(id);
      await worker.stop();
      return { name: 'checked', id, undo: () => client.functions.delete('checked') };
    },
    cause: /the event is not valid: count must be a number/,
    remedy: /send another event, or repair what NAME accepts and then "sequent redrive ID"/,
  },
  {
    title: 'its function was removed',
    plant: async (world) => {
      const planted = await requested('ok', { paused: true })(world);
      await world.client.functions.delete(planted.name ?? '');
      await world.client.result(planted.id ?? '');
      return planted;
    },
    cause: /function "NAME" does not exist/,
    remedy: /configure NAME \("sequent fn put"\), then "sequent redrive ID"/,
  },
  {
    title: 'somebody cancelled it',
    plant: async (world) => {
      const planted = await requested('ok', {}, 1, { delay: '1d' })(world);
      await world.client.cancel(planted.id ?? '');
      return planted;
    },
    cause: /It was cancelled/,
    remedy: /If that was wrong: "sequent redrive ID"/,
  },
  {
    title: 'its destination is dead',
    plant: async (world) => {
      const onSuccess = [{ destination: 'HTTP' as const, param: { url: 'https://nobody.invalid/' } }];
      const planted = await ended('ok', { policy: { maxRetries: 0, onSuccess } })(world);
      const undo = async () => [await world.client.repair.dismiss(planted.id ?? '', { note: 'tested' }), await planted.undo()];
      return { ...planted, undo };
    },
    cause: /never received the outcome/,
    remedy: /sequent dest dead redrive ID/,
  },
];

export const invocationIncidents: readonly Incident[] = [...waiting, ...over];
