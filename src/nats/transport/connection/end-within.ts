import { setTimeout as delay } from 'node:timers/promises';

const END_WITHIN_MS = 2_000;

/**
 * Resolves when the end of a subscription, a service or a connection is confirmed, has failed, or was not confirmed within two seconds.
 *
 * A server that holds its connections and answers nothing confirms nothing. The client notices such a server after 20 s to 30 s only, and a
 * process that stops must not wait for that at each of its parts.
 */
export async function endWithin(confirmed: Promise<unknown>): Promise<void> {
  await Promise.race([confirmed.catch(() => {}), delay(END_WITHIN_MS, undefined, { ref: false })]);
}
