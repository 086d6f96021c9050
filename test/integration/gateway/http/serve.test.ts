import { createServer } from 'node:net';
import { describe, expect } from 'vitest';
import { runCli } from '#test/support/cli/cli.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';

describe('sequent serve with a gateway', () => {
  test('exits with 2 and a reason when its configured port is taken', async ({ server }) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const run = await runCli(['serve', '--role', 'gateway'], { env: { NATS_URL: server.url, SEQUENT_HTTP_PORT: String(port) } });
    taken.close();
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain(`the HTTP port ${port} is taken by another process`);
  });

  test('exits with 2 when it would listen beyond loopback without readable credentials', async ({ server }) => {
    const env = { NATS_URL: server.url };
    const beyond = await runCli(['serve', '--role', 'gateway', '--http-host', '0.0.0.0'], { env });
    expect([beyond.code, beyond.stderr]).toEqual([
      2,
      expect.stringContaining('without credentials (SEQUENT_CREDENTIALS) the gateway listens on loopback only'),
    ]);
    const unreadable = await runCli(['serve', '--role', 'gateway', '--credentials', '/nonexistent.json'], { env });
    expect([unreadable.code, unreadable.stderr]).toEqual([2, expect.stringContaining('/nonexistent.json cannot be read')]);
  });
});
