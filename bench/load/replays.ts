import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LogSource } from '#src/core/log/log-source.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { openProjection } from '#src/projection/projection.ts';
import type { Projection } from '#src/projection/projection-port.ts';

/*
 * The projection of `npm run bench:projection-cost`, which copies this file into an earlier tree too: it uses what both have.
 *
 * Folds the log of its argument into a new read model for each line of standard input, and then writes a line. It stores each quarter of a second
 * of the log in one transaction, as a projection does that follows the log: open invocations are stored several times.
 */

const STORE_EVERY_MS = 250;
const connection = await openConnection({ servers: process.argv[2] ?? '' });
const source = createNatsLogSource({ connection });
const { last } = await source.state();

for await (const _ of createInterface(process.stdin)) {
  await replay();
  process.stdout.write('done\n');
}
await connection.close();

async function replay(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-replay-'));
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let storeAt = 0;
  let projection: Projection | undefined;
  const timed: LogSource = {
    ...source,
    state: () => source.state(),
    follow: (from, onEntry, signal) =>
      source.follow(
        from,
        (entry) => {
          onEntry(entry);
          if (entry.at >= storeAt || entry.sequence >= last) {
            storeAt = entry.at + STORE_EVERY_MS;
            void projection?.store;
          }
          if (entry.sequence >= last) end();
        },
        signal,
      ),
  };
  const options = { source: timed, folder, instance: 'bench', clock: systemClock, logger: silentLogger };
  projection = await openProjection(options);
  await ended;
  await projection.stop();
  await rm(folder, { recursive: true });
}
