import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { type DeliveringSystem, startDeliveringSystem, toFunction } from '#test/support/destinations/delivering-system.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startDeliveringSystem({}, { SEQUENT_ROLES: 'worker,scheduler,destinations,projection' }));
let sequent: DeliveringSystem;
test.beforeAll(({ sequent: own }) => {
  sequent = own;
});

/** Runs a command that must succeed. Returns its stdout. */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sequent.run(args);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
}
const handlerSource = `const says = require('./text.cjs');
exports.handler = async (event, context) => {
  if (context.attempt <= (event.failures ?? 0)) throw new Error('not yet: ' + says);
  return says + ' as ' + context.getVersion() + ' by ' + (context.getAlias() || 'itself');
};`;
const filesOf = (says: string): [string, string][] => [
  ['src/index.js', handlerSource],
  ['src/text.cjs', `module.exports = ${JSON.stringify(says)};`],
];
/** Defines a function whose handler returns this text, by the client. */
async function define(name: string, says: string, facts: object = {}): Promise<void> {
  const archive = await writeZip(filesOf(says).map(([path, content]) => ({ path, content: Buffer.from(content) })));
  const handler = { kind: 'process', package: await sequent.client.packages.put(archive), file: 'src/index.js' };
  await sequent.client.functions.put({ name, handler, ...facts });
}
/** The same by the command line, with the code in a folder. */
async function deploy(name: string, says: string): Promise<void> {
  const code = join(sequent.folder, name);
  await mkdir(join(code, 'src'), { recursive: true });
  for (const [path, content] of filesOf(says)) await writeFile(join(code, path), content);
  await run('fn', 'put', name, '--folder', code, '--handler', 'src/index.handler');
}
const invoke = async (target: string, event: object = {}): Promise<string> =>
  (await run('invoke', target, '-d', JSON.stringify(event), '--wait')).trim();

describe('versions and aliases', () => {
  test('let an alias answer with the old code while latest answers with the new one', async () => {
    await deploy('orders', 'old');
    expect(await run('fn', 'publish', 'orders', 'v1', '--description', 'the first')).toBe('orders:v1 is published\n');
    expect(await run('fn', 'alias', 'set', 'orders', 'prod', 'v1')).toBe('orders:!prod → v1\n');
    const twice = await sequent.run(['fn', 'publish', 'orders', 'v2']);
    expect(twice).toMatchObject({ code: 4, stderr: expect.stringContaining('has not changed since version "v1"') });
    await deploy('orders', 'new');
    expect(await Promise.all(['orders', 'orders:v1', 'orders:!prod'].map((target) => invoke(target)))).toEqual([
      'new as latest by itself',
      'old as v1 by itself',
      'old as v1 by prod',
    ]);
    await run('fn', 'publish', 'orders', 'v2');
    await run('fn', 'alias', 'set', 'orders', '!prod', 'v2');
    expect(await invoke('orders:!prod')).toBe('new as v2 by prod');
    const result = await (await sequent.client.invoke('orders', {}, { qualifier: '!prod' })).result();
    expect(result.envelope.request_context.function_urn).toMatch(/:orders:v2$/);
    expect(JSON.parse(await run('fn', 'versions', 'orders', '--json'))).toMatchObject([
      { version: 'latest', aliases: [] },
      { version: 'v2', aliases: ['!prod'] },
      { version: 'v1', description: 'the first', aliases: [] },
    ]);
    expect(await run('fn', 'get', 'orders')).toMatch(/alias +!prod → v2/);
    expect(await sequent.run(['invoke', 'orders:v9', '-d', '{}'])).toMatchObject({ code: 3 });
    const used = await sequent.run(['fn', 'rm', 'orders:v2', '--yes']);
    expect(used).toMatchObject({ code: 4, stderr: expect.stringContaining('in use by its alias "prod"') });
    await run('fn', 'alias', 'rm', 'orders', 'prod');
    await run('fn', 'rm', 'orders:v1', '--yes');
    expect(await sequent.run(['invoke', 'orders:v1', '-d', '{}'])).toMatchObject({ code: 3 });
  });

  test('divide 400 requests about evenly, and choose the same version for an id every time', async () => {
    const { functions } = sequent.client;
    await define('shared', 'one', { concurrency: 4 });
    await functions.publish('shared', { version: 'v1' });
    await define('shared', 'two', { concurrency: 4 });
    await functions.publish('shared', { version: 'v2' });
    await run('fn', 'alias', 'set', 'shared', 'half', 'v1', '--weight', 'v2=50');
    const ids = Array.from({ length: 400 }, (_, index) => `half-${index}`);
    const answers = await Promise.all(
      ids.map(async (id) => {
        const invoked = await sequent.client.invoke('shared', {}, { id, qualifier: '!half' });
        return (await invoked.result({ timeoutInMs: 40_000 })).envelope.response_payload.split(' ')[0];
      }),
    );
    const ones = answers.filter((answer) => answer === 'one').length;
    process.stdout.write(`weights 50/50 over 400 requests: ${ones} to v1\n`);
    expect(new Set(answers)).toEqual(new Set(['one', 'two']));
    expect(ones).toBeGreaterThan(140);
    expect(ones).toBeLessThan(260);
    // Another process chooses the same version for the same id.
    const { resolveFunction } = await import('#src/core/functions/entry.ts');
    const entry = await sequent.client.functions.get('shared');
    expect(ids.map((id) => (resolveFunction(entry, '!half', id)?.version === 'v1' ? 'one' : 'two'))).toEqual(answers);
  });

  test('behind an alias are a column, a filter and a group of statistics, and a canary ends in one step', async () => {
    const version = async (...args: string[]): Promise<string[]> =>
      (await run('ls', 'shared', '--json', '-n', '500', ...args)).match(/"version": "[^"]*"/g) ?? [];
    // The read model follows the log with a short delay.
    await expect.poll(async () => (await version('--qualifier', '!half')).length, { timeout: 30_000, interval: 500 }).toBe(400);
    expect(new Set(await version('--version', 'v2'))).toEqual(new Set(['"version": "v2"']));
    const { stdout, stderr } = await sequent.run(['stats', 'shared', '--by', 'version', '--qualifier', '!half']);
    expect(stdout).toMatch(/^FUNCTION +VERSION +OF ALL +ACCEPTED +OPEN +FAILED +RETRIED/);
    expect(stdout).toMatch(/shared +v1 +\d+ % +\d+ +0 +0 +0 .*\nshared +v2 /);
    expect(stderr).toMatch(/!half: v2 has \d\d % of the requests since .* \(weight 50 %\); v2 is not significantly different from v1/);
    expect((await run('timeline', 'half-0')).split('\n')[0]).toMatch(/^shared:!half → v[12] {2}half-0/);
    expect(await run('fn', 'alias', 'promote', 'shared', 'half')).toBe('shared:!half → v2\n');
    expect(await sequent.run(['fn', 'alias', 'promote', 'shared', 'half'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no canary'),
    });
    expect(await run('fn', 'alias', 'rollback', 'shared', 'half', 'v1')).toBe('shared:!half → v1\n');
    await run('fn', 'alias', 'set', 'shared', 'half', 'v1', '--weight', 'v2=10');
    expect(await run('fn', 'alias', 'rollback', 'shared', 'half')).toBe('shared:!half → v1\n');
  });

  test('begin an automatic canary by its version and its share, and keep the main version', async () => {
    const canary = [
      'fn',
      'alias',
      'set',
      'shared',
      'half',
      'v2',
      '--canary',
      '10%',
      '--auto',
      '--promote-after',
      '700',
      '--auto-margin',
      '0.5',
    ];
    expect(await run(...canary)).toBe(
      'shared:!half → v1, v2 10 %, promoted or rolled back by itself (promoted after 700 invocations or more, once the test excludes that it is worse by 0.5 percentage points)\n',
    );
    expect(await run('fn', 'alias', 'ls', 'shared')).toMatch(/!half +v1 +v2=10% +by itself/);
    expect(await sequent.run(['fn', 'alias', 'set', 'shared', 'half', 'v1', '--canary', '10%'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has v1 as its main version already'),
    });
    expect(await run('fn', 'alias', 'rollback', 'shared', 'half')).toBe('shared:!half → v1\n');
  });

  test('run a retry on the version of the first attempt, though the alias was moved', async () => {
    const { functions } = sequent.client;
    const policy = { maxRetries: 1, backoff: { initialInMs: 2_000 } };
    await define('retried', 'old', { policy });
    await functions.publish('retried', { version: 'v1' });
    await define('retried', 'new', { policy });
    await functions.publish('retried', { version: 'v2' });
    await functions.putAlias('retried', { name: 'prod', version: 'v1' });
    const before = await sequent.client.invoke('retried', { failures: 1 }, { qualifier: '!prod' });
    await sequent.log.until((fact) => fact.type === 'retrying' && fact.invocation === before.requestId);
    await functions.putAlias('retried', { name: 'prod', version: 'v2' });
    // Workers read the new alias a moment later.
    const answer = async () => {
      const after = await sequent.client.invoke('retried', {}, { qualifier: '!prod' });
      return (await after.result()).envelope.response_payload;
    };
    await expect.poll(answer, { timeout: 5_000 }).toBe('new as v2 by prod');
    expect((await before.result()).envelope.response_payload).toBe('old as v1 by prod');
    await sequent.log.untilNotified([before.requestId]);
    const started = (sequent.log.facts.get(before.requestId) ?? []).filter((fact) => fact.type === 'running');
    expect(started.map((fact) => fact.terms?.version)).toEqual(['v1', undefined]);
  });

  test('end an invocation that waits for a deleted version, as they do for a deleted function', async () => {
    const { functions } = sequent.client;
    // The function is defined as paused, because a worker reads a later change only after a moment.
    await define('leaving', 'here', { paused: true });
    await functions.publish('leaving', { version: 'v1' });
    const waiting = await sequent.client.invoke('leaving', {}, { qualifier: 'v1' });
    await functions.deleteVersion('leaving', 'v1');
    await define('leaving', 'here', { paused: false });
    const { envelope } = await waiting.result();
    expect(envelope).toMatchObject({
      request_context: { condition: 'FunctionNotFound' },
      response_context: { status_code: 404, function_error: 'function "leaving" has no version "v1"' },
    });
  });

  test('reach every worker: one with another data folder runs a package that was deployed elsewhere', async ({ folder }) => {
    await define('spread', 'everywhere');
    await using _other: SequentProcess = await startSequent(['--role', 'worker'], { ...sequent.env, SEQUENT_DATA: folder });
    await sequent.process.signal('SIGSTOP');
    try {
      const invoked = await sequent.client.invoke('spread', {});
      // JetStream may have delivered the request to the stopped worker, which holds it until its lease ends.
      expect((await invoked.result({ timeoutInMs: 30_000 })).envelope.response_payload).toBe('everywhere as latest by itself');
      expect(await readdir(join(folder, 'code', 'packages'))).toHaveLength(1);
    } finally {
      await sequent.process.signal('SIGCONT');
    }
  });
});

describe('a loop of destinations', () => {
  test('through an alias is refused with its path, whether a function is saved or the alias is moved', async () => {
    const { functions } = sequent.client;
    await define('test2', 'quiet');
    await functions.publish('test2', { version: 'v1' });
    await define('test2', 'telling', { policy: { onSuccess: [toFunction('test1')] } });
    await functions.publish('test2', { version: 'v2' });
    await functions.putAlias('test2', { name: 'prod', version: 'v2' });
    const tellingProd = ['--subject', 'somewhere', '--on-success', 'FunctionGraph=default:default:test2:!prod'];
    const saved = await sequent.run(['fn', 'put', 'test1', ...tellingProd]);
    expect(saved).toMatchObject({ code: 2, stderr: expect.stringContaining('close a loop: test1 → test2:!prod → test1;') });
    await functions.putAlias('test2', { name: 'prod', version: 'v1' });
    await run('fn', 'put', 'test1', ...tellingProd);
    const moved = await sequent.run(['fn', 'alias', 'set', 'test2', 'prod', 'v2']);
    expect(moved).toMatchObject({ code: 2, stderr: expect.stringContaining('close a loop: test2:!prod → test1 → test2:!prod;') });
  });
});

describe('sequent fn put', () => {
  test('takes a zip archive, and refuses one without the handler before anything is stored', async () => {
    const archive = join(sequent.folder, 'code.zip');
    await writeFile(archive, await writeZip([{ path: 'main.mjs', content: Buffer.from('export const run = async () => "zipped";') }]));
    await run('fn', 'put', 'zipped', '--zip', archive, '--handler', 'main.run');
    expect(await invoke('zipped')).toBe('zipped');
    const wrong = await sequent.run(['fn', 'put', 'wrong', '--zip', archive]);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('it has no index.js') });
    const both = await sequent.run(['fn', 'put', 'wrong', '--zip', archive, '--folder', sequent.folder]);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('several options name its handler') });
    expect(await sequent.run(['fn', 'get', 'wrong'])).toMatchObject({ code: 3 });
    // The output of `get` can be put again, because the package is still stored.
    const definition = await run('fn', 'get', 'zipped', '--json');
    const again = await sequent.run(['fn', 'put', '-'], { input: definition });
    expect(again).toMatchObject({ code: 0 });
  });
});
