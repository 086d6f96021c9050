import { expect } from 'vitest';
import type { Finding } from '#src/cli/commands/doctor/finding.ts';
import { connectClient } from '#src/client/client.ts';
import type { DestinationGraph } from '#src/gateway/api/functions/function-schemas.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
const handler = { kind: 'subject' as const, subject: 'fn.nobody' };

async function untoldOf(sequent: RunningSequent): Promise<DestinationGraph['untold']> {
  return ((await (await sequent.call('GET', '/api/destinations/graph')).json()) as DestinationGraph).untold;
}

async function findingOf({ server }: RunningSequent): Promise<Finding | undefined> {
  const { stdout, code } = await runCliOn(server.url, ['doctor', '--json']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('"findings"')]);
  return (JSON.parse(stdout) as { findings: Finding[] }).findings.find(({ check }) => check === 'failures');
}

test('a function is named until a destination, a follower of results or an alert tells of its failures', async ({ sequent }) => {
  const put = (name: string, policy = {}) => sequent.roles.registry.put({ name, handler, policy });
  await put('pager', { onFailure: [{ destination: 'NATS', param: { subject: 'pages', stored: false } }] });
  await put('orders');
  await put('mails');
  const named = (...names: string[]) => names.map((name) => ({ function: name, from: [name] }));

  await expect.poll(() => untoldOf(sequent)).toEqual(named('mails', 'orders'));
  expect(await findingOf(sequent)).toMatchObject({
    level: 'note',
    seen: expect.stringMatching(/^nobody is told when an invocation fails: mails, orders \(/),
    remedy: expect.stringMatching(/^sequent fn set mails --on-failure/),
  });

  await put('mails', { onFailure: [{ destination: 'FunctionGraph', param: { func_urn: 'pager' } }] });
  await expect.poll(() => untoldOf(sequent)).toEqual(named('orders'));

  {
    await using client = await connectClient({ servers: sequent.server.url });
    await client.subscribe('orders', 'succeeded');
    await expect.poll(() => untoldOf(sequent)).toEqual(named('orders'));
    await client.subscribe('orders', 'failed');
    await expect.poll(() => untoldOf(sequent)).toEqual([]);
    expect(await findingOf(sequent)).toBeUndefined();
  }
  // A subscription that is open would create its consumer again.
  const { manager, close } = await openConnection({ servers: sequent.server.url });
  for await (const { name } of manager.consumers.list('RESULTS')) await manager.consumers.delete('RESULTS', name);
  await close();
  expect((await findingOf(sequent))?.level).toBe('note');

  expect((await sequent.call('GET', '/metrics')).status).toBe(200);
  const isOk = { level: 'ok', check: 'failures', seen: 'only an alert on the metrics can tell of a failure of orders' };
  await expect.poll(() => findingOf(sequent)).toEqual(isOk);
});
