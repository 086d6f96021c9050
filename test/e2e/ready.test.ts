import { expect } from 'vitest';
import { createNatsHistory } from '#src/nats/questions/history-service.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';

test('when "sequent ready" is printed, the history answers', async ({ server, nats, folder }) => {
  const history = createNatsHistory(nats.connection);
  const env = { NATS_URL: server.url, SEQUENT_DATA: folder };
  // With a second role, the projection is a process of its own.
  await using sequent = await startSequent(['--role', 'projection', '--role', 'scheduler'], env);
  expect(sequent.readyLine).toMatch(/^sequent ready /);
  const said = (cause: unknown) => Promise.reject(new Error(`the history did not answer: ${sequent.stderr}`, { cause }));
  expect(await history.ask('status', {}).catch(said)).toMatchObject({ lag: 0 });
});
