import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { type LossFile, watchLosses } from '#src/core/log/losses/loss-watch.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { Process } from '#test/simulate/world/process.ts';
import type { Servers } from '#test/simulate/world/servers.ts';

/** The watermarks of a data folder. They survive the end of a process, and a power cut of the server. */
export function createMemoryLossFile(): LossFile {
  let memory: Awaited<ReturnType<LossFile['read']>>;
  return {
    read: async () => structuredClone(memory),
    async write(written) {
      memory = structuredClone(written);
    },
  };
}

/** Watches the end of the log in a process, as every real process does (LOSS1). */
export function watchLossesIn(process: Process, servers: Servers, file: LossFile): void {
  watchLosses({
    log: servers.sourceOf(process),
    book: createLossBook(servers.stateOf(process)),
    file,
    clock: process.clock,
    logger: silentLogger,
    by: process.name,
    acknowledged: [process.logEpoch],
    signal: process.death,
  });
}

/**
 * Every request that was acknowledged and is lost lies within the bounds of a recorded loss (LOSS2, LOSS3), even when another message got
 * its sequence at once.
 */
export async function judgeLosses({ ledger, state }: Servers): Promise<void> {
  const losses = await createLossBook(state).list();
  if (ledger.cuts.length === 0 && losses.length > 0)
    ledger.problem(`LOSS2: a loss is recorded, and the log lost nothing: ${losses[0]?.why}`);
  for (const [key, sequence] of ledger.accepted) {
    if (ledger.lives.has(key)) continue;
    const isReported = losses.some(({ keptUpTo, lostUpTo }) => keptUpTo < sequence && sequence <= lostUpTo);
    if (!isReported) ledger.problem(`LOSS2: ${key} was acknowledged with the sequence ${sequence} and is lost, and no loss is recorded`);
  }
}
