import { expect, inject, test } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { serveSequent } from '#test/support/cli/cli.ts';

test('the tests and the commands that they start run on one and the same version of nats-server', async () => {
  const { version } = await ensureServer();
  await using sequent = await serveSequent(['--role', 'scheduler']);
  for (const address of [{ servers: inject('natsUrl') }, natsOptionsOf(sequent.address)]) {
    const connection = await openConnection(address);
    expect(connection.nats.info?.version).toBe(version);
    await connection.close();
  }
});
