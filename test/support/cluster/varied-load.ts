import { setTimeout as wait } from 'node:timers/promises';
import type { SequentClient as Client } from '#src/client/client.ts';
import { MEMBER, onBatchComplete, REFUSED, SCHEDULES } from './load-functions.ts';

const BATCH_EVERY_MS = 2_000;
const MEMBERS = 12;
const REDRIVE_EVERY_MS = 100;
const REDRIVES_AT_ONCE = 4;
/** A request is redriven when it is probably over. */
const OVER_AFTER_MS = 1_500;
const REPEATED_EVERY_MS = 50;

/** An acknowledged request. */
export type Acknowledged = { id: string; function: string; at: number };

type Redrive = { origin: string; redrive: string };

/** What a storm does beside single requests: open batches, which it seals, and redrives. */
export interface VariedLoad {
  readonly redrives: readonly Redrive[];
  /** The ids of batches that were opened and sealed. */
  readonly batches: readonly string[];
  /** How many members each of them has. */
  readonly members: number;
  /** Runs until the signal aborts, and finishes what it began. */
  run(signal: AbortSignal): Promise<void>;
  /** Lets no schedule fire again. */
  pauseSchedules(): Promise<void>;
}

type Options = {
  client: Client;
  acknowledged: readonly Acknowledged[];
  /** Records what the log acknowledged. */
  onAcknowledged: (fn: string, ids: readonly string[]) => void;
};

export function createVariedLoad({ client, acknowledged, onAcknowledged }: Options): VariedLoad {
  const redrives: Redrive[] = [];
  const batches: string[] = [];
  let [seen, count] = [0, 0];
  const failed: Acknowledged[] = [];

  async function sendBatch(): Promise<void> {
    const id = `b-${count++}`;
    const batch = { function: MEMBER, id };
    const request = await repeatedly(() => client.batches.open({ ...batch, onComplete: onBatchComplete }));
    const send = async (n: number): Promise<void> => {
      const own = { id: `${id}-${n}`, batch: id };
      await repeatedly(() => client.invokeOnce(MEMBER, `{"n":${n}}`, own));
      onAcknowledged(MEMBER, [own.id]);
    };
    await Promise.all(Array.from({ length: MEMBERS }, (_, n) => send(n)));
    await repeatedly(() => client.batches.seal({ ...batch, request }));
    batches.push(id);
  }

  async function redriveNext(): Promise<void> {
    for (; seen < acknowledged.length; seen++) {
      const one = acknowledged[seen];
      if (one?.function === REFUSED) failed.push(one);
    }
    const [next] = failed;
    if (next === undefined || performance.now() - next.at < OVER_AFTER_MS) return;
    failed.shift();
    try {
      redrives.push({ origin: next.id, redrive: await client.repair.redrive(next.id, { function: REFUSED }) });
    } catch {
      // It has no outcome yet, or the answer was lost: a repetition starts nothing.
      failed.push({ ...next, at: performance.now() });
    }
  }

  return {
    redrives,
    batches,
    members: MEMBERS,
    async run(signal) {
      const every = async (ms: number, action: () => Promise<void>): Promise<void> => {
        while (!signal.aborted) {
          await action();
          await wait(ms, undefined, { signal }).catch(() => {});
        }
      };
      const redriving = Array.from({ length: REDRIVES_AT_ONCE }, () => every(REDRIVE_EVERY_MS, redriveNext));
      await Promise.all([every(BATCH_EVERY_MS, sendBatch), ...redriving]);
    },
    async pauseSchedules() {
      for (const name of SCHEDULES) await repeatedly(() => client.schedules.setPaused(name, true));
    },
  };
}

/** Repeats a call that a fault of the cluster may make fail. Each of these calls starts nothing when it is repeated. */
async function repeatedly<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await wait(REPEATED_EVERY_MS);
    }
  }
}
