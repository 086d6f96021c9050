import { describe, expect } from 'vitest';
import { defineFunction, startWorker } from '#src/client/client.ts';
import { createNatsHistory } from '#src/nats/questions/history-service.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { startTcpProxy } from '#test/support/cluster/tcp-proxy.ts';
import { test as base } from '#test/support/fixtures.ts';
import { closeLater } from '#test/support/folder-fixture.ts';
import { expectListed } from '#test/support/role-answers.ts';

/** Longer than a process needs to report that it is ready, and a test to ask. */
const LATE_BY_MS = 500;

/** `lateUrl`: the server, which gets the subscriptions of a service late, and everything that the same client sends after them. */
const test = base.extend('lateUrl', async ({ server }, scope) => {
  const proxy = await closeLater(startTcpProxy(server.port), scope);
  proxy.delayFrom('SUB $SRV.', LATE_BY_MS);
  return `nats://127.0.0.1:${proxy.port}`;
});

describe('when "sequent ready" is printed', () => {
  test('the history answers, of a projection with its own process too', async ({ nats, lateUrl, folder }) => {
    const history = createNatsHistory(nats.connection);
    const env = { NATS_URL: lateUrl, SEQUENT_DATA: folder };
    // With a second role, the projection is a process of its own.
    await using sequent = await startSequent(['--role', 'projection', '--role', 'scheduler'], env);
    expect(sequent.readyLine).toMatch(/^sequent ready /);
    const said = (cause: unknown) => Promise.reject(new Error(`the history did not answer: ${sequent.stderr}`, { cause }));
    expect(await history.ask('status', {}).catch(said)).toMatchObject({ lag: 0 });
  });

  test('the process is in the list of roles', async ({ nats, lateUrl, folder }) => {
    await using _ = await startSequent(['--role', 'scheduler'], { NATS_URL: lateUrl, SEQUENT_DATA: folder });
    await expectListed(nats.connection.nats, 'scheduler');
  });
});

test('when a worker of an application has started, it is in the list of roles', async ({ nats, lateUrl }) => {
  const own = defineFunction({ name: 'own', handler: () => 1 });
  await using _ = await startWorker({ servers: lateUrl, functions: [own] });
  await expectListed(nats.connection.nats, 'worker');
});
