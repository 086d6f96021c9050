import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `ask` returns a value; throws after a deadline that only a defect exceeds. */
export async function until<Found>(
  what: string,
  ask: () => Promise<Found | undefined> | Found | undefined,
  withinMs = 50_000,
): Promise<Found> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(25);
  }
}
