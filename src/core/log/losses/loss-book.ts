import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { addLoss, type LogLoss, logLossSchema } from './log-loss.ts';

/** The losses of the log that were found, in the state store. A loss stays until an operator acknowledges it (LOSS4). */
export interface LossBook {
  list(): Promise<LogLoss[]>;
  /** Adds losses, and returns all. Writes only when one is new or more precise. */
  add(losses: readonly LogLoss[]): Promise<LogLoss[]>;
  /** Acknowledges the losses that `isMeant` selects, and returns them. An acknowledged loss keeps its first acknowledgement. */
  acknowledge(isMeant: (loss: LogLoss) => boolean, acknowledgement: NonNullable<LogLoss['acknowledged']>): Promise<LogLoss[]>;
}

const KEY = 'log.losses';
const schema = z.array(logLossSchema);

export function createLossBook(state: Pick<KeyValue, 'get' | 'put'>): LossBook {
  async function read(): Promise<{ losses: LogLoss[]; revision: number; text: string }> {
    const entry = await state.get(KEY);
    return { losses: schema.safeParse(parseJson(entry?.value)).data ?? [], revision: entry?.revision ?? 0, text: entry?.value ?? '[]' };
  }

  /** Another process may write at the same time: then the change is made again on its result. */
  async function change(apply: (losses: LogLoss[]) => LogLoss[]): Promise<LogLoss[]> {
    for (;;) {
      const { losses, revision, text } = await read();
      const next = apply(losses);
      const written = JSON.stringify(next);
      if (written === text) return next;
      try {
        await state.put(KEY, written, revision);
        return next;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  return {
    list: async () => (await read()).losses,
    add: (losses) => change((known) => losses.reduce(addLoss, known)),
    async acknowledge(isMeant, acknowledgement) {
      const isOpen = (loss: LogLoss): boolean => loss.acknowledged === undefined && isMeant(loss);
      let found: LogLoss[] = [];
      await change((known) => {
        found = known.filter(isOpen);
        return known.map((loss) => (isOpen(loss) ? { ...loss, acknowledged: acknowledgement } : loss));
      });
      return found;
    },
  };
}
