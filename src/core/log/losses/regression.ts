import type { Clock } from '#src/core/ports/clock.ts';

/**
 * What gives an answer of the log its weight.
 *
 * - `sole`: the answering replica is the only one.
 * - `quorum`: the leader answered, and it lately heard from a majority of the replicas.
 * - `unproven`: another leader may exist by now, or a replica answered for itself, because there is no leader.
 */
export type Authority = 'sole' | 'quorum' | 'unproven';

/** The log seems to lack a message that was read, or to hold another message at its sequence. */
export type Suspicion = { why: string; authority: Authority };

/** The answer of a quorum counts after this many more answers. A new leader may still apply messages that a follower has delivered. */
const PAUSES_IN_MS = [100, 200, 400, 800, 1_600];
const NEXT_ANSWER_IN_MS = 500;

/**
 * Says why the log went backwards; `undefined` when it did not, or when the signal aborts. Every reader of the log decides by this function.
 *
 * 1. The log went backwards only when its leader says so in six answers in a row, over 3 s. One answer of a sole replica suffices (REG1).
 * 2. One answer that shows the message ends the suspicion (REG2).
 * 3. An answer that is `unproven` counts for neither (REG3).
 *
 * `look` asks the leader once, and throws when nothing answers; then this function throws too.
 */
export async function confirmRegression(
  look: () => Promise<Suspicion | undefined>,
  { clock, signal }: { clock: Pick<Clock, 'sleep'>; signal: AbortSignal },
): Promise<string | undefined> {
  let answers = 0;
  while (!signal.aborted) {
    const suspicion = await look();
    if (suspicion === undefined) return undefined;
    const { why, authority } = suspicion;
    if (authority === 'sole') return why;
    if (authority === 'quorum' && answers++ === PAUSES_IN_MS.length) return why;
    await clock.sleep(PAUSES_IN_MS[answers - 1] ?? NEXT_ANSWER_IN_MS, signal);
  }
  return undefined;
}
