import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/** A lease selects one of several janitors. It only saves work: two janitors at the same time are safe. */
export interface Lease {
  /** Resolves to true when this process holds the lease for the next {@link LEASE_IN_MS}. Renew the lease before its end. */
  take(): Promise<boolean>;
  release(): Promise<void>;
}

const LEASE_KEY = 'janitor.lease';
const LEASE_IN_MS = 30_000;
const schema = z.object({ holder: z.string(), until: z.number() });

export function createLease({ state, clock, holder }: { state: KeyValue; clock: Clock; holder: string }): Lease {
  async function write(until: number): Promise<boolean> {
    const entry = await state.get(LEASE_KEY);
    const current = parse(entry?.value);
    if (current !== undefined && current.holder !== holder && current.until > clock.now()) return false;
    const put = state.put(LEASE_KEY, JSON.stringify({ holder, until }), entry?.revision ?? 0);
    return await put.then(() => true, fallback(false, ConflictError));
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
