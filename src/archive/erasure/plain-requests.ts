import { createHash } from 'node:crypto';
import type { Invocation } from '#machines/invocation.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import type { ArchivedStream } from '#src/archive/retention/archived-stream.ts';
import { NOT_ENCRYPTED } from '#src/core/encryption/sealed-text.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';

/*
 * Requests in plain text for a function whose project encrypts payloads never run (ENC6), but JetStream stored them. The janitor erases
 * them by itself, as `sequent purge --plain-requests` does: overwritten in the log, the archive, the results and the read models.
 */

/** An erasure reads the whole log twice, so that a client which keeps sending plain text must not keep the janitor busy. */
const BETWEEN_ERASURES_MS = 600_000;

/** Requests an erasure for each function with such requests. An erasure covers the requests of its moment, so later ones need another. */
export async function requestPlainErasures({ findPlainRequests, state, clock, name }: JanitorOptions): Promise<void> {
  for (const fn of (await findPlainRequests?.()) ?? []) {
    const now = clock.now();
    const prefix = erasureKey(`plain-${createHash('sha256').update(fn).digest('hex').slice(0, 16)}-`);
    const keys = (await state.keys()).filter((key) => key.startsWith(prefix));
    const records = await Promise.all(keys.map(async (key) => parseErasureRecord((await state.get(key))?.value)));
    if (records.some((known) => known !== undefined && (known.state !== 'done' || now - known.request.at < BETWEEN_ERASURES_MS))) continue;
    const reason = 'requests in plain text of a project that encrypts payloads';
    const request = { function: fn, before: now, by: name, at: now, reason, isTrial: false, only: 'plain-requests' } as const;
    const asked: ErasureRecord = { state: 'asked', request };
    await state.put(prefix + now.toString(36), JSON.stringify(asked), 0);
  }
}

/** Whether every invocation of a settled stream was refused because it came in plain text. */
export function isPlainStream({ invocations }: ArchivedStream): boolean {
  return invocations.size > 0 && [...invocations.values()].every(isRefusedPlain);
}

function isRefusedPlain({ context: { outcome } }: Invocation): boolean {
  return outcome?.type === 'failed' && outcome.condition === 'InvalidRequest' && outcome.failure.message.startsWith(NOT_ENCRYPTED);
}
