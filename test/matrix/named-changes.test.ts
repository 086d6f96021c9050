import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { createProgram } from '#src/cli/program.ts';
import { connectClient } from '#src/client/client.ts';
import { createBulkStore } from '#src/core/bulk/bulk-operation.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { FUNCTIONS_BUCKET, INVOCATIONS, STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { serveSequent } from '#test/support/cli/cli.ts';
import { changingCommands, inBulk, rehearsedOnly, settingSamples } from '#test/support/cli/command-effects.ts';
import { everyLeaf, unlistedAmong } from '#test/support/cli/command-leaves.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const policy =
  '--max-retries 2 --max-age 30m --backoff 2s --max-backoff 4m --on-success HTTP=http://127.0.0.1:9/done --on-failure HTTP=http://127.0.0.1:9/failed';
const settings = `--description kept --timeout 60s --memory 128 --concurrency 3 --max-payload 1MB --max-output 64KB --user-data A=1 --user-data B=2 ${policy}`;
const flow = "--flow-concurrency 2 --flow-rate 100/1s:20 --flow-key '$.key' --flow-total 50 --flow-pool shared";

const preparation = `
fn put rich --file code.mjs --handler main --initializer start ${settings} ${flow}
fn publish rich v1
fn set rich --timeout 59s
fn publish rich v2
fn set rich --timeout 60s
fn alias set rich prod v1 --weight v2=10 --description main --max-retries 3
fn alias set rich second v2
fn event put rich small -d {}
fn pause rich
fn put other --subject other --timeout 45s --on-failure HTTP=http://127.0.0.1:9/failed --user-data C=3
fn put debounced --subject debounced --flow-concurrency 4 --flow-key $.key --flow-debounce-wait 5s --flow-debounce-max-wait 1m --flow-debounce-keep last
fn put ordered --subject ordered --flow-concurrency 1 --flow-key $.key --flow-order fifo --flow-on-retry hold
fn put urgent --subject urgent --flow-concurrency 1 --flow-order priority --flow-aging 1m
fn put sends --file code.mjs --handler main --on-success HTTP=http://127.0.0.1:9/hook
fn pause debounced ordered urgent other
schedule put nightly --cron '0 3 1 1 *' --tz Europe/Berlin --function rich -d '{"a":1}' --overlap queue --catch-up 2h --jitter 1m --description kept
schedule pause nightly
schedule put bystander --cron '0 3 1 1 *' --function other -d {}
project quota default --open 100000 --rate 5 --burst 9 --stored 1GB --weight 2
invoke other --id third -d {}
invoke sends --id sent -d {} --wait
invoke rich --batch lines.jsonl --key import
tail rich --from 1 -n 1 --durable reader`;

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-named-'));
  const sequent = await serveSequent(['--http-port', '0']);
  const client = await connectClient(sequent.address);
  const [functions, state] = await Promise.all([FUNCTIONS_BUCKET, STATE_BUCKET].map((one) => openKeyValue(client.connection, one)));
  let prepared: Promise<string> | undefined;
  return {
    folder,
    sequent,
    /** Makes what the commands change, once; resolves to the id of a bulk operation. */
    prepared: (make: () => Promise<string>): Promise<string> => (prepared ??= make()),
    client,
    functions: functions as KeyValue,
    state: state as KeyValue,
    async [Symbol.asyncDispose]() {
      await client.close();
      await sequent[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
type Opened = Awaited<ReturnType<typeof open>>;
const test = sharedByFile(open);

/** Runs a command, which must succeed; resolves to its output. */
async function run({ sequent, folder }: Opened, line: string): Promise<string> {
  const { code, stdout, stderr } = await sequent.run(argumentsOf(line), { cwd: folder });
  expect(`${line}: ${code} ${code === 0 ? '' : stderr}`).toBe(`${line}: 0 `);
  return stdout + stderr;
}

/** Every value that a command could change, by its path. */
async function stateOf({ client, functions, state }: Opened): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const add = (path: string, value: unknown): void => addValues(values, `${path}/`, value);
  for (const key of await functions.keys()) add(`functions/${key}`, parsed(await functions.get(key)));
  const stable = (await state.keys()).filter((key) => /^(?:bulk|erasure|data-key|log\.losses)\b/.test(key));
  for (const key of stable) {
    const value = parsed(await state.get(key));
    // A purge counts by asking the janitor. Its question is in no list, and erases nothing.
    if (!isTrial(value)) add(`state/${key}`, value);
  }
  for (const { name } of await client.cursors.list()) values.set(`cursors/${name}`, 'present');
  values.set('invocations/third', (await client.timeline('third')).state);
  // The role of destinations tries the delivery and ends the invocation at any time. A person alone dismisses the delivery.
  values.set(
    'invocations/sent',
    String((await client.timeline('sent')).transitions.some(({ fact }) => fact.type === 'delivery.dismissed')),
  );
  for (const kind of ['invoke', 'derived']) {
    const { state: log } = await client.connection.manager.streams.info(INVOCATIONS, { subjects_filter: `${kind}.>` });
    for (const [subject, count] of Object.entries(log.subjects ?? {})) values.set(`requests/${subject}`, String(count));
  }
  return values;
}

/** Adds the leaves of a value. Versions and aliases are named by their names. */
function addValues(values: Map<string, string>, path: string, value: unknown): void {
  const isNamed = Array.isArray(value) && /\/(?:versions|aliases)\.$/.test(path);
  if (typeof value !== 'object' || value === null || (Array.isArray(value) && !isNamed)) {
    values.set(path.slice(0, -1), JSON.stringify(value));
    return;
  }
  const parts = isNamed ? value.map((one): [string, unknown] => [one.name ?? one.version, one]) : Object.entries(value);
  for (const [key, part] of parts) addValues(values, `${path}${key}.`, part);
}

const isTrial = (value: unknown): boolean => (value as { request?: { isTrial?: boolean } } | null)?.request?.isTrial === true;

function parsed(entry: { value: string } | undefined): unknown {
  try {
    return JSON.parse(entry?.value ?? 'null');
  } catch {
    return entry?.value;
  }
}

function changedIn(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
}

async function prepare(opened: Opened): Promise<string> {
  const { folder, client, state } = opened;
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  await mkdir(join(folder, 'saved'));
  await write('code.mjs', 'export const start = () => {};\nexport const main = () => 1;\n');
  await write('other.mjs', 'export const start = () => {};\nexport const main = () => 2;\n');
  await write('rich.json', JSON.stringify({ name: 'rich', timeoutInMs: 63_000, paused: false, policy: { maxAgeInSeconds: 60 } }));
  const deployed = { timeoutInMs: 64_000, aliases: { prod: { description: 'deployed' } } };
  const description = JSON.stringify({ functions: { rich: deployed }, schedules: { nightly: { jitterInMs: 180_000 } } });
  await mkdir(join(folder, 'folder'));
  await write('folder/sequent.json', description);
  await write('lines.jsonl', '{"a":1}\n');
  await write('master.keys', `k1 ${Buffer.alloc(32, 1).toString('base64')}\n`);
  for (const line of preparation.trim().split('\n')) await run(opened, line);
  // A fault that resets a field changes nothing more when the preparation itself met it, so that no later comparison sees it.
  const { definition } = await client.functions.get('rich');
  expect(definition).toMatchObject({
    ...{ description: 'kept', timeoutInMs: 60_000, memoryInMb: 128, concurrency: 3, paused: true, userData: { A: '1', B: '2' } },
    flow: { concurrency: 2, key: '$.key', total: 50, pool: 'shared' },
    policy: { maxRetries: 2, maxAgeInSeconds: 1_800, backoff: { initialInMs: 2_000, maxInMs: 240_000 } },
  });
  const bulks = createBulkStore(state, client.clock);
  return (await bulks.create({ action: 'cancel', filter: {}, by: 'somebody', runner: 'cli', total: 5 })).id;
}

describe('a command that changes something', () => {
  test('is one of the listed ones, and has --dry-run; a new one is not (DRY1)', async () => {
    expect(unlistedAmong(await everyLeaf())).toEqual([]);
    const found = unlistedAmong([...(await everyLeaf()), { name: 'fn invent', command: new Command('invent') }]);
    expect(found).toEqual(['fn invent: no list of command-effects.ts names it', 'fn invent: it has no --dry-run']);
  });

  test('changes the fields alone that the options of fn put and fn set name (FN2)', { timeout: 600_000 }, async ({ sequent: opened }) => {
    await opened.prepared(() => prepare(opened));
    /** Changes the function by these options, compares the state, and changes it back. */
    const expectNamed = async (command: string, name: string, options: readonly string[]): Promise<void> => {
      const { definition } = await opened.client.functions.get(name);
      const before = await stateOf(opened);
      const line = [command, name, ...options.flatMap((option) => [option, settingSamples[option]?.[0] ?? ''])].join(' ').trim();
      await run(opened, line);
      const changed = changedIn(before, await stateOf(opened));
      await opened.client.functions.put(definition);
      const named = options.map((option) => new RegExp(`^functions/${name}/${settingSamples[option]?.[1]}`));
      expect(`${line}: ${changed.filter((path) => !named.some((field) => field.test(path)))}`).toBe(`${line}: `);
      expect(`${line}: ${named.filter((field) => !changed.some((path) => field.test(path)))}`).toBe(`${line}: `);
    };
    const nameFor = (option: string): string => {
      if (option.startsWith('--flow-debounce')) return 'debounced';
      return option === '--flow-on-retry' ? 'ordered' : option === '--flow-aging' ? 'urgent' : 'rich';
    };
    const [fn] = (await createProgram('0.0.0', ['fn'])).commands;
    for (const command of fn?.commands.filter((one) => ['put', 'set'].includes(one.name())) ?? []) {
      const others = /^--(?:file|folder|zip|handler|initializer|runtime|layer|subject|url|inline|replace|expect|dry-run)$/;
      const options = command.options.flatMap(({ long }) => (long === undefined || others.test(long) ? [] : [long]));
      expect(options.toSorted()).toEqual(Object.keys(settingSamples).toSorted());
      // Both commands read their options by one function.
      if (command.name() === 'set') for (const option of options) await expectNamed('fn set', nameFor(option), [option]);
      else await expectNamed('fn put', 'rich', ['--timeout', '--flow-total', '--max-retries', '--user-data']);
    }
    const ofRich = Object.keys(settingSamples).filter((option) => nameFor(option) === 'rich');
    const some = fc.subarray(ofRich, { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(some, (options) => expectNamed('fn set', 'rich', options)),
      { numRuns: 10 },
    );
  });

  test('changes nothing with --dry-run, and else only what it names (FN2, DRY1)', { timeout: 600_000 }, async ({ sequent: opened }) => {
    const bulk = await opened.prepared(() => prepare(opened));
    for (const line of [...rehearsedOnly, ...inBulk]) {
      const before = await stateOf(opened);
      await run(opened, `${line} --dry-run`).catch(() => {});
      expect(`${line}: ${changedIn(before, await stateOf(opened))}`).toBe(`${line}: `);
    }
    for (const { line: text, changes } of changingCommands) {
      const line = text.replace('<bulk>', bulk);
      const before = await stateOf(opened);
      const printed = await run(opened, `${line} --dry-run`);
      expect(`${line}: ${changedIn(before, await stateOf(opened))}`).toBe(`${line}: `);
      expect(`${line}: ${printed}`).toContain('nothing was changed (--dry-run)');
      await run(opened, line);
      const changed = changedIn(before, await stateOf(opened));
      expect(`${line}: ${changed.filter((path) => !changes.test(path))}`).toBe(`${line}: `);
      expect(`${line} changed ${changed.length === 0 ? 'nothing' : 'something'}`).toBe(`${line} changed something`);
    }
  });
});
