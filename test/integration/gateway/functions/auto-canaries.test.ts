import { describe, expect, onTestFinished } from 'vitest';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { FUNCTIONS_BUCKET } from '#src/nats/wire/topology.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const test = sharedByFile(() => startSequent({ with: ['projection'] }));

/** Two versions, `v1` and `v2`, that run these handlers. */
async function publish({ roles: { registry } }: RunningSequent, name: string, exports: readonly [string, string]): Promise<void> {
  for (const [index, exported] of exports.entries()) {
    const policy = { maxRetries: 0 };
    await registry.put({ name, handler: { kind: 'process', file: handlers, export: exported }, timeoutInMs: 5_000 + index, policy });
    await registry.publish(name, { version: `v${index + 1}` });
  }
  await registry.putAlias(name, { name: 'prod', version: 'v1' });
}

const aliasOf = async ({ roles: { registry } }: RunningSequent, name: string) => (await registry.get(name)).aliases[0];

async function invoke(sequent: RunningSequent, path: string, count: number): Promise<void> {
  const sent = Array.from({ length: count }, () => sequent.call('POST', path, { body: {} }));
  for (const reply of await Promise.all(sent)) expect(reply.status).toBe(202);
}

describe('an automatic canary', () => {
  test('that fails is rolled back by one of two gateways, as a fact of the registry and of the audit log', async ({ sequent }) => {
    await publish(sequent, 'broken', ['greet', 'fail']);
    await using _other = await sequent.another();
    const connection = await openConnection({ servers: sequent.server.url });
    onTestFinished(() => connection.close());
    const bucket = await connection.nats.jetstream().views.kv(FUNCTIONS_BUCKET, { bindOnly: true });
    const stored = await bucket.watch({ key: 'broken' });
    // The decisions that the bucket stored until the alias is deleted. The bucket may refuse a second gateway's.
    const decisions = (async () => {
      const found: object[] = [];
      for await (const entry of stored) {
        const [alias] = entry.json<{ aliases?: { decision?: object }[] }>().aliases ?? [];
        if (alias === undefined) return found;
        if (alias.decision !== undefined) found.push(alias.decision);
      }
      return found;
    })();
    await sequent.call('PUT', '/api/functions/broken/aliases/prod', { body: { version: 'v1', weights: { v2: 50 }, auto: {} } });
    // Calls of the version itself say nothing about the canary of the alias.
    await invoke(sequent, '/api/functions/broken/invocations?qualifier=v1', 10);
    await invoke(sequent, '/api/functions/broken/invocations?qualifier=!prod', 40);
    await eventually(async () => Object.keys((await aliasOf(sequent, 'broken'))?.weights ?? {}).length === 0, 30_000);
    expect(await aliasOf(sequent, 'broken')).toMatchObject({
      version: 'v1',
      weights: {},
      decision: { decision: 'rolled-back', canary: 'v2', main: 'v1', why: expect.stringContaining('v2 is significantly worse than v1') },
    });
    expect(await aliasOf(sequent, 'broken')).not.toHaveProperty('auto');
    const entriesOf = async () => {
      const reply = await sequent.call('GET', '/api/audit?key=sequent');
      return ((await reply.json()) as { entries: object[] }).entries;
    };
    await eventually(async () => (await entriesOf()).length > 0, 10_000);
    expect(await entriesOf()).toMatchObject([{ action: 'canary.rollback', subject: 'broken:!prod', by: 'sequent', count: 1 }]);
    await sequent.call('DELETE', '/api/functions/broken/aliases/prod');
    expect(await decisions).toHaveLength(1);
  });

  test('that is not worse by its margin is promoted, and a second decision on it changes nothing', async ({ sequent }) => {
    await publish(sequent, 'equal', ['greet', 'greet']);
    const body = { version: 'v1', weights: { v2: 50 }, auto: { promote_after: 20, margin: 40 } };
    await sequent.call('PUT', '/api/functions/equal/aliases/prod', { body });
    const begun = await aliasOf(sequent, 'equal');
    await invoke(sequent, '/api/functions/equal/invocations?qualifier=!prod', 80);
    await eventually(async () => (await aliasOf(sequent, 'equal'))?.version === 'v2', 30_000);
    const promoted = await aliasOf(sequent, 'equal');
    expect(promoted).toMatchObject({ weights: {}, decision: { decision: 'promoted', main: 'v1', since: begun?.weightedAt } });
    const again = {
      decision: 'rolled-back' as const,
      ...{ canary: 'v2', main: 'v1', weight: 50 },
      since: begun?.weightedAt ?? 0,
      p: 1,
      why: '',
    } as const;
    expect(await sequent.roles.registry.decideCanary('equal', 'prod', again)).toBeUndefined();
    expect(await aliasOf(sequent, 'equal')).toEqual(promoted);
  });

  test('that is undecided stays, with one entry of the audit log for each change of its weights', async ({ sequent }) => {
    await publish(sequent, 'open', ['greet', 'greet']);
    await using _other = await sequent.another();
    const entriesOf = async () => {
      const reply = await sequent.call('GET', '/api/audit?key=sequent');
      const { entries } = (await reply.json()) as { entries: { subject?: string; action: string; why?: string }[] };
      return entries.filter(({ subject }) => subject === 'open:!prod');
    };
    // Both gateways judge the first canary many times before the second one has its entry.
    for (const [index, weight] of [50, 60].entries()) {
      const body = { version: 'v1', weights: { v2: weight }, auto: { promote_after: 20 } };
      await sequent.call('PUT', '/api/functions/open/aliases/prod', { body });
      await invoke(sequent, '/api/functions/open/invocations?qualifier=!prod', 80);
      await eventually(async () => (await entriesOf()).length > index, 30_000);
    }
    const entry = { action: 'canary.undecided', why: expect.stringMatching(/About \d+ more of its invocations/) };
    expect(await entriesOf()).toMatchObject([entry, entry]);
    expect(await aliasOf(sequent, 'open')).toMatchObject({ version: 'v1', weights: { v2: 60 }, auto: { promoteAfter: 20 } });
    const reply = await sequent.call('GET', '/api/functions/open/versions/stats');
    const remedies = ['sequent fn alias promote open prod', 'sequent fn alias rollback open prod'];
    expect(((await reply.json()) as { verdicts: object[] }).verdicts).toMatchObject([
      { verdict: 'undecided', undecided: { more: expect.any(Number), remedies } },
    ]);
  });
});
