import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';

/** One of several processes is the one that works. Saves work, and no more: what it does is safe without it. */
export interface Lease {
  /** True when it is ours until {@link LEASE_IN_MS} from now; to be asked again before that. */
  take(): Promise<boolean>;
  release(): Promise<void>;
}

const LEASE_KEY = 'janitor.lease';
const LEASE_IN_MS = 30_000;
const schema = z.object({ holder: z.string(), until: z.number() });

export function createLease({ state, clock, holder }: { state: KeyValue; clock: Clock; holder: string }): Lease {
  async function write(until: number): Promise<boolean> {
    const entry = await state.get(LEASE_KEY);
    const held = parse(entry?.value);
    if (held !== undefined && held.holder !== holder && held.until > clock.now()) return false;
    try {
      await state.put(LEASE_KEY, JSON.stringify({ holder, until }), entry?.revision ?? 0);
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  }

  return {
    take: () => write(clock.now() + LEASE_IN_MS),
    async release() {
      await write(0);
    },
  };
}

function parse(text: string | undefined): z.output<typeof schema> | undefined {
  try {
    return schema.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}
