import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { FUNCTIONS_BUCKET } from '#src/nats/wire/topology.ts';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(async () => {
  const sequent = await serveSequent([]);
  const client = await connectClient(sequent.address);
  const folder = await mkdtemp(join(tmpdir(), 'sequent-deploy-'));
  return {
    client,
    folder,
    run: async (...args: string[]) => await sequent.run(args, { cwd: folder }),
    runWith: async (env: Record<string, string>, ...args: string[]) => await sequent.run(args, { cwd: folder, env }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await sequent[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
});

const event = '{"id":9007199254740993}';
/** A folder with every kind of part. */
const shop = {
  functions: {
    orders: {
      handler: { kind: 'process', folder: 'orders', file: 'src/index.mjs', export: 'handler' },
      timeoutInMs: 5_000,
      flow: { concurrency: 2, key: '$.customer' },
      userData: { REGION: 'eu' },
      secretUserData: { TOKEN: { env: 'ORDERS_TOKEN' } },
      policy: {
        maxRetries: 2,
        onFailure: [{ destination: 'FunctionGraph', param: { func_urn: 'urn:fss:local:default:function:default:pager' } }],
      },
      versions: { v1: { description: 'the first one' } },
      aliases: { prod: { version: 'v1', policy: { maxRetries: 3 } } },
    },
    pager: { handler: { kind: 'process', file: 'pager.mjs' }, description: 'calls a person' },
  },
  schedules: { nightly: { cron: '0 3 1 1 *', timeZone: 'Europe/Berlin', function: 'orders', qualifier: '!prod', overlap: 'queue' } },
};

async function write(folder: string, content: object): Promise<void> {
  await mkdir(join(folder, 'orders/src'), { recursive: true });
  await writeFile(join(folder, 'orders/src/index.mjs'), "import { name } from '../name.mjs';\nexport const handler = () => name;\n");
  await writeFile(join(folder, 'orders/name.mjs'), "export const name = 'orders';\n");
  await writeFile(join(folder, 'pager.mjs'), 'export const handler = () => 1;\n');
  const text = JSON.stringify(content, null, 2).replace('"overlap"', `"event": ${event}, "overlap"`);
  await writeFile(join(folder, 'sequent.json'), text);
}

/** Everything that a deployment could change. */
async function stateOf({ functions, schedules }: SequentClient): Promise<unknown> {
  return [await functions.list(), (await schedules.list(0)).map(({ schedule, revision }) => ({ schedule, revision }))];
}

describe('sequent fn deploy', () => {
  test('plans, deploys once, and an export of it is deployed without a change', { timeout: 240_000 }, async ({
    sequent: { run, runWith, client, folder },
  }) => {
    const dir = join(folder, 'shop');
    await write(dir, shop);
    const missing = await run('fn', 'deploy', 'shop');
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('functions.orders.secretUserData.TOKEN') });
    await client.functions.put({ name: 'other', handler: { kind: 'inline' } });
    await client.functions.put({ name: 'pager', handler: { kind: 'inline' }, timeoutInMs: 7_000, paused: true });
    const before = await stateOf(client);
    const env = { ORDERS_TOKEN: 'a secret of the deployment' };
    const planned = await runWith(env, 'fn', 'deploy', 'shop', '--plan');
    expect(planned).toMatchObject({
      code: 8,
      stdout: expect.stringMatching(/function orders: new.*timeoutInMs: - → 5000.*schedule nightly: new/s),
    });
    expect(planned.stdout + planned.stderr).not.toContain('a secret of');
    expect(await runWith(env, 'fn', 'deploy', 'shop', '--dry-run')).toMatchObject({ code: 0 });
    expect(await stateOf(client)).toEqual(before);

    expect(await runWith(env, 'fn', 'deploy', 'shop')).toMatchObject({
      code: 0,
      stdout: 'function orders: created\nfunction pager: changed\nschedule nightly: created\n',
    });
    expect((await client.functions.get('pager')).definition).toMatchObject({
      timeoutInMs: 7_000,
      paused: true,
      description: 'calls a person',
    });
    expect((await client.functions.find('orders', '!prod')).definition).toMatchObject({ timeoutInMs: 5_000, policy: { maxRetries: 3 } });
    expect((await client.schedules.get('nightly')).schedule).toMatchObject({ event, qualifier: '!prod', overlap: 'queue' });
    const deployed = await stateOf(client);
    expect(await run('fn', 'deploy', 'shop', '--plan')).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing would change') });
    expect(await run('fn', 'deploy', 'shop')).toMatchObject({
      code: 0,
      stdout: 'function orders: unchanged\nfunction pager: unchanged\nschedule nightly: unchanged\n',
    });

    expect(await run('fn', 'export', 'saved')).toMatchObject({ code: 0, stderr: expect.stringContaining('functions 3, schedules 1') });
    expect(
      await readFile(join(folder, 'saved/code/orders/orders/src/index.mjs'), 'utf8').catch(() =>
        readFile(join(folder, 'saved/code/orders/src/index.mjs'), 'utf8'),
      ),
    ).toContain('../name.mjs');
    expect(await readFile(join(folder, 'saved/sequent.json'), 'utf8')).toContain(event);
    expect(JSON.parse(await readFile(join(folder, 'saved/sequent.schema.json'), 'utf8'))).toMatchObject({
      properties: { functions: {}, schedules: {} },
    });
    expect(await run('fn', 'deploy', 'saved', '--plan', '--prune')).toMatchObject({ code: 0 });
    expect(await run('fn', 'deploy', 'saved', '--prune', '--json')).toMatchObject({ code: 0 });
    expect(await stateOf(client)).toEqual(deployed);
    expect(await run('fn', 'export', 'saved')).toMatchObject({ code: 2, stderr: expect.stringContaining('not empty') });

    const { code, stdout } = await run('invoke', 'orders:!prod', '-d', '{"customer":1}', '--wait');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'orders\n' });
  });

  test('removes what the folder does not name only with --prune, after a confirmation', { timeout: 120_000 }, async ({
    sequent: { run, client, folder },
  }) => {
    await write(join(folder, 'small'), { functions: { pager: shop.functions.pager } });
    await client.functions.put({ name: 'other', handler: { kind: 'inline' } });
    expect(await run('fn', 'deploy', 'small')).toMatchObject({ code: 0 });
    expect((await client.functions.list()).map(({ definition }) => definition.name)).toContain('other');
    const asked = await run('fn', 'deploy', 'small', '--prune');
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringMatching(/would remove .*other/) });
    // The schedules of the removed functions are removed too.
    expect(asked.stderr).not.toContain('its invocations will fail');
    expect(await run('fn', 'deploy', 'small', '--prune', '--plan')).toMatchObject({
      code: 8,
      stdout: expect.stringContaining('function other: removed'),
    });
    expect((await client.functions.list()).map(({ definition }) => definition.name)).toContain('other');
    expect(await run('fn', 'deploy', 'small', '--prune', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('function other: removed'),
    });
    expect((await client.functions.list()).map(({ definition }) => definition.name)).toEqual(['pager']);
    expect(await client.schedules.list(0)).toEqual([]);
  });

  test('that fails in the middle says what was applied; a repetition continues', { timeout: 120_000 }, async ({
    sequent: { run, client, folder },
  }) => {
    const large = { handler: { kind: 'inline' }, userData: { TEXT: 'x'.repeat(4_000) } };
    const small = { handler: { kind: 'inline' } };
    const schedules = { weekly: { cron: '0 3 * * 1', function: 'first' } };
    await write(join(folder, 'three'), { functions: { first: small, second: large, third: small }, schedules });
    const limit = (max_msg_size: number) => client.connection.manager.streams.update(`KV_${FUNCTIONS_BUCKET}`, { max_msg_size });
    await limit(2_000);
    const failed = await run('fn', 'deploy', 'three');
    await limit(-1);
    expect(failed).toMatchObject({ code: 1, stdout: 'function first: created\n' });
    expect(failed.stderr.replaceAll(/\s+/g, ' ')).toMatch(
      /why: function second: .*; applied: function first; not applied: function second, function third, schedule weekly/,
    );
    expect(await run('fn', 'deploy', 'three')).toMatchObject({
      code: 0,
      stdout: 'function first: unchanged\nfunction second: created\nfunction third: created\nschedule weekly: created\n',
    });
  });

  test.for([
    [{ functions: { 'a b': {} } }, 'is no name of a function'],
    [{ functions: { orders: { timeoutInMs: 'soon' } } }, 'functions.orders.timeoutInMs'],
    [{ functions: { orders: { policy: { maxRetries: 9 } } } }, 'functions.orders.policy.maxRetries'],
    [{ functions: { orders: { timeout: 5 } } }, 'has no field "timeout"'],
    [{ functions: { orders: { handler: { kind: 'process', file: 'absent.mjs' } } } }, 'functions.orders.handler'],
    [{ functions: { orders: { timeoutInMs: 5 } } }, 'function orders'],
    [{ schedules: { nightly: { cron: '0 3 * * *' } } }, 'schedules.nightly'],
    [
      { functions: { pager: { description: 'changed' } }, schedules: { nightly: { cron: '0 25 * * *', function: 'pager' } } },
      'nothing was changed',
    ],
  ] as const)(
    'names the path of what is wrong, and changes nothing: %j',
    { timeout: 60_000 },
    async ([content, why], { sequent: { run, client, folder } }) => {
      await write(join(folder, 'wrong'), content);
      const before = await stateOf(client);
      const { code, stderr } = await run('fn', 'deploy', 'wrong');
      expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
      expect(await stateOf(client)).toEqual(before);
    },
  );
});
