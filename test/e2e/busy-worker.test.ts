import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { subjects } from '#src/core/names/subjects.ts';
import { startScript } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';

const script = fileURLToPath(new URL('../support/worker/computing-worker.ts', import.meta.url));

test('a handler that computes longer than a lease succeeds beside a second worker of its function (EXEC6)', async ({
  server,
  nats,
  client,
  log,
  folder,
}) => {
  await using _busy = await startScript(script, [server.url]);
  const gate = join(folder, 'gate');
  const { requestId } = await client.invoke('compute', { gate });
  const running = await log.until((fact) => fact.type === 'running');
  const worker = running.type === 'running' ? running.worker : '';
  // The second worker asks again only after the busy one did not answer the first question in time.
  const questions = nats.connection.nats.subscribe(subjects.runs(worker), { max: 2 });
  await using _second = await startScript(script, [server.url]);
  const asked = (async () => {
    for await (const _ of questions);
  })();
  await Promise.race([asked, log.until((fact) => fact.type === 'retrying')]);
  await writeFile(gate, '');
  await log.untilNotified([requestId]);
  expect(log.facts.get(requestId)?.map(({ type }) => type)).toEqual(['queued', 'running', 'succeeded', 'notified']);
});
