import { INVOCATIONS, STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

/** Deletes the log of a test's own server, with all state about the log, and creates it again. */
export async function recreateLog(url: string): Promise<void> {
  await using nats = await openNats(url);
  const manager = await nats.connection.nats.jetstreamManager();
  for (const stream of [INVOCATIONS, `KV_${STATE_BUCKET}`]) await manager.streams.delete(stream);
  await using _ = await openNats(url);
}
