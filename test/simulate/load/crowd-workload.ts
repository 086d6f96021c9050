import { createStreamId, streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { createChance, type Engine } from '../world/engine.ts';
import type { Servers } from '../world/servers.ts';
import { type Crowd, requestOfCrowd } from './crowds.ts';

/** The workers and the schedulers are ready before it. */
const SENT_AFTER_MS = 500;
/** A repetition comes at once, while a worker has the first item, or after it. */
const REPEATED_WITHIN_MS = [0, 5, 200, 2_000] as const;

/** Sends the requests of a crowd at one moment. The log accepts each of them: the client is no part of such a world. */
export function createCrowdWorkload(
  crowd: Crowd,
  { engine, servers, seed }: { engine: Engine; servers: Servers; seed: number },
): { isDone(): boolean } {
  const chance = createChance(seed ^ 0x5e4d);
  let unsent = 1;
  const later = (ms: number, label: string, send: () => Promise<unknown>): void => {
    unsent++;
    engine.after(ms, label, () => void send().finally(() => unsent--));
  };

  async function send(number: number): Promise<void> {
    const { name, key } = requestOfCrowd(crowd, number);
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(number, 3);
    const id = createStreamId(engine.now, bytes) as string as RequestId;
    const stream = { function: name as FunctionName, stream: streamOf(id) };
    const priority = crowd.hasPriorities ? { priority: chance.between(0, 9) } : {};
    const request = { id, payload: JSON.stringify({ number, customer: key, takes: crowd.takesMs }), ...priority };
    await servers.accept(stream, [request]);
    if (!chance.happens(crowd.repeated)) return;
    later(chance.between(0, chance.pick(REPEATED_WITHIN_MS)), `repeat ${number}`, () => servers.accept(stream, [request]));
  }

  engine.after(SENT_AFTER_MS, 'the crowd', () => {
    const sent = Array.from({ length: crowd.requests }, (_, number) => send(number));
    void Promise.all(sent).finally(() => unsent--);
  });
  return { isDone: () => unsent === 0 };
}
