import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import type { Verification } from '#src/analysis/verify/verify.ts';
import type { SignedHead } from '#src/archive/heads/signed-head.ts';
import type { FolderVerification } from '#src/cli/history/verify-folder.ts';
import { type Cursor, connectClient, type SequentClient, type Timeline } from '#src/client/client.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { filesWith } from '#test/support/archive/files-with.ts';
import { runRetention } from '#test/support/archive/retention-run.ts';
import { runCli, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { test } from '#test/support/fixtures.ts';
import { openLoad } from '../../bench/load/load.ts';
import { startBenchWorker } from '../../bench/measure/processes.ts';

const helloFile = new URL('../../src/examples/functions/hello.mjs', import.meta.url).pathname;

/** Requests an erasure as `sequent purge` does, and waits for its end. */
async function erase({ connection }: SequentClient, name: string): Promise<ErasureRecord> {
  const state = await openKeyValue(connection, STATE_BUCKET);
  const request = { function: name, before: Date.now() + 1_000, by: 'a test', at: Date.now(), isTrial: false };
  await state.put(erasureKey(`of-${name}`), JSON.stringify({ state: 'asked', request }));
  return await vi.waitFor(
    async () => {
      const record = parseErasureRecord((await state.get(erasureKey(`of-${name}`)))?.value);
      if (record?.state !== 'done') throw new Error(`the erasure is ${record?.state}`);
      return record;
    },
    { timeout: 120_000, interval: 100 },
  );
}

describe('a log that keeps 300 of 3,000 invocations', () => {
  test('is as small as 300 need, and all 3,000 can be listed, read and verified', { timeout: 240_000 }, async ({
    server,
    folder: dataDir,
  }) => {
    const worker = await startBenchWorker(server.url);
    const load = await openLoad(server.url);
    const { held, listed, timelines, verified } = await runRetention({
      server,
      dataDir,
      retention: 300,
      rounds: 1,
      perRound: 3_000,
      execute: async (count) => void (await load.singles('echo-inline', count, 8_000)),
    });
    expect(held.invocations).toBeLessThanOrEqual(330);
    expect(held.results).toBeLessThanOrEqual(330);
    // One invocation leaves some 26 KB in the log and the results, so 3,000 leave 78 MB and 300 need 8 MB. The server never shrinks the last
    // block of a stream, which has at most 8 MB.
    expect(held.diskInBytes).toBeLessThan(25_000_000);
    expect(listed).toBe(3_000);
    expect(timelines).toEqual({ read: 200, complete: 200 });
    expect(verified).toMatchObject({ code: 0, verification: { found: 0, balance: { accepted: 3_000, settled: 3_000, open: {} } } });
    await load.close();
    await worker.stop();
  });
});

describe('an erasure that is reported as done', () => {
  test('leaves the payload in no file of the data folder, whatever states the invocations passed', { timeout: 300_000 }, async ({
    folder,
  }) => {
    await using receiver = await openReceiver(answer(200));
    const connections = join(folder, 'connections.json');
    await writeFile(connections, JSON.stringify({ http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } }));
    const key = join(folder, 'signing.key');
    expect(await runCli(['signing-key', 'create', key])).toMatchObject({ code: 0 });
    await using sequent = await serveSequent(['--deploy-examples', '--connections', connections, '--signing-key', key]);
    const marker = 'qzxwjaneroe4711';
    await using client = await connectClient(sequent.address);
    // A retried invocation, a chain of two functions, and a webhook.
    const onSuccess = [{ destination: 'HTTP' as const, param: JSON.stringify({ url: `${receiver.url}/hook` }) }];
    await client.functions.put({ name: 'hooked', handler: { kind: 'process', file: helloFile }, policy: { onSuccess } });
    const names = ['flaky', 'test1', 'hooked'];
    await Promise.all(names.map(async (name) => (await client.invoke(name, { name: marker, order: marker })).result()));
    await vi.waitFor(async () => expect((await client.history.list({ state: ['notified'], limit: 10 })).invocations).toHaveLength(4), {
      timeout: 90_000,
      interval: 100,
    });
    expect(receiver.received[0]?.body).toContain(marker);
    expect((await filesWith(marker, sequent.dataDir)).length).toBeGreaterThanOrEqual(3);
    const erased = await Promise.all([...names, 'test2'].map((name) => erase(client, name)));
    expect(erased.map(({ found }) => found?.invocations)).toEqual([1, 1, 1, 1]);
    expect(await filesWith(marker, sequent.dataDir)).toEqual([]);
    // The projection signs a last head when it stops. A copy of the archive is then proved without a server.
    await sequent.end('SIGTERM');
    const offline = ['verify', '--offline', join(sequent.dataDir, 'archive'), '--public-key', `${key}.pub`, '--json'];
    const { code, stdout } = await runCli(offline);
    const [proof] = JSON.parse(stdout) as FolderVerification[];
    expect({ code, ...proof }).toMatchObject({ code: 0, problems: [], proved: proof?.last });
    expect(proof?.erased).toBeGreaterThan(0);
  });
});

/** Changes the last byte of the first segment; resolves to the name of the segment. */
async function damageSegment(archive: string): Promise<string> {
  const [name = ''] = (await readdir(archive, { recursive: true })).filter((each) => each.endsWith('.seg')).sort();
  const bytes = await readFile(join(archive, name));
  await writeFile(join(archive, name), Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]));
  return name;
}

describe('the commands about the archive', () => {
  let sequent: ServedSequent;
  /** The commands find the archive by the data folder, as those of an operator on this machine do. */
  let here: string[];
  let keys: string;
  beforeAll(async () => {
    keys = await mkdtemp(join(tmpdir(), 'sequent-keys-'));
    for (const name of ['own', 'other']) await runCli(['signing-key', 'create', join(keys, name)]);
    sequent = await serveSequent(['--deploy-examples', '--signing-key', join(keys, 'own')]);
    here = ['--data', sequent.dataDir];
    for (const id of ['hello-1', 'hello-2']) await sequent.run(['invoke', 'hello', '-d', '{"name":"Ada"}', '--id', id, '--wait']);
    await sequent.run(['invoke', 'slow', '-d', '{"ms":1}', '--id', 'other-1', '--wait']);
  });
  afterAll(async () => {
    await sequent?.[Symbol.asyncDispose]();
    await rm(keys, { recursive: true });
  });

  test('purge lists what it would erase, erases the same, and records the erasure in the log', async () => {
    const erasing = ['purge', '--function', 'hello', '--before', '0s', '--yes', ...here];
    const trial = await sequent.run([...erasing, '--dry-run']);
    expect(trial).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^would erase 2 finished invocations of hello from before .*, in 6 messages\n$/),
    });
    const done = await sequent.run([...erasing, '--reason', 'they asked', '--json']);
    expect(JSON.parse(done.stdout)).toMatchObject({
      state: 'done',
      request: { reason: 'they asked' },
      erased: { messages: 6, results: 2 },
    });
    expect((await sequent.run(['timeline', 'hello-1', ...here])).code).toBe(3);
  });

  test('an invocation that the purge does not match can be read as before', async () => {
    const { code, stdout } = await sequent.run(['timeline', 'other-1', '--json', ...here]);
    expect(code).toBe(0);
    const { transitions, envelope } = JSON.parse(stdout) as Timeline;
    expect(transitions.map(({ fact }) => fact.type)).toEqual(['queued', 'running', 'succeeded', 'notified']);
    expect(envelope?.request_context.request_id).toBe('other-1');
    expect((await sequent.run(['explain', 'other-1', ...here])).code).toBe(0);
    expect((await sequent.run(['result', 'other-1', ...here])).code).toBe(0);
  });

  test('heads lists a head at the end of each segment, also when only NATS can be reached', async () => {
    const segments = JSON.parse((await sequent.run(['archive', 'ls', '--json', ...here])).stdout) as Segment[];
    // The projection signs other heads, one a minute while the log grows.
    expect((await readHeads()).map(({ sequence }) => sequence)).toEqual(expect.arrayContaining(segments.map(({ last }) => last)));
    const expectNewest = async (): Promise<void> => {
      const heads = await readHeads();
      expect(await readHeads('--archive', join(keys, 'no-archive'))).toEqual(heads.slice(-1));
    };
    // A head is stored in the archive first.
    await vi.waitFor(expectNewest, { timeout: 60_000 });
  });

  const readHeads = async (...more: string[]): Promise<SignedHead[]> =>
    JSON.parse((await sequent.run(['heads', '--json', ...here, ...more])).stdout) as SignedHead[];

  test('verify proves the log by an anchor or a key, and says what is wrong with a wrong one', { timeout: 240_000 }, async () => {
    const [head] = (await readHeads()) as [SignedHead];
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(keys, name), text);
      return join(keys, name);
    };
    const anchor = await file('head.json', JSON.stringify(head));
    const changed = await file('changed.json', JSON.stringify({ ...head, hash: 'ab'.repeat(32) }));
    const key = join(keys, 'own.pub');
    const other = join(keys, 'other.pub');
    await expectRuns([
      [['verify', '--anchor', anchor, ...here], 0, `the signed heads prove the messages up to ${head.sequence}`],
      [['verify', '--public-key', key, ...here], 0, (heads) => `the signed heads prove the messages up to ${heads.at(-1)?.sequence}`],
      [
        ['verify', '--anchor', changed, ...here],
        1,
        `the log holds other messages from 1 to ${head.sequence} than the head at ${head.sequence}`,
      ],
      [
        ['verify', '--anchor', changed, '--public-key', key, ...here],
        2,
        `${changed} holds a head at ${head.sequence} that this key did not sign`,
      ],
      [['verify', '--public-key', other, ...here], 2, ({ length }) => `${other} signed none of the ${length} stored heads`],
      [['verify', '--public-key', join(keys, 'own'), ...here], 2, 'is a private key: name the file that ends in .pub'],
      [['verify', '--anchor', join(keys, 'absent.json'), ...here], 2, 'absent.json cannot be read (ENOENT)'],
      [['verify', '--anchor', key, ...here], 2, 'own.pub holds no signed head'],
    ]);
  });

  test('verify --offline proves a copy of the archive, and names the segment that was changed', { timeout: 240_000 }, async () => {
    const archive = join(sequent.dataDir, 'archive');
    const copy = join(keys, 'copy');
    await cp(archive, copy, { recursive: true });
    const segment = await damageSegment(copy);
    const { last } = (JSON.parse((await sequent.run(['archive', 'ls', '--json', ...here])).stdout) as Segment[]).at(-1) as Segment;
    const [head] = (await readHeads()) as [SignedHead];
    const elsewhere = join(keys, 'elsewhere.json');
    await writeFile(elsewhere, JSON.stringify({ ...head, log: '2020-01-01T00:00:00Z' }));
    const key = ['--public-key', join(keys, 'own.pub')];
    await expectRuns([
      [['verify', '--offline', archive, ...key], 0, `the signed heads prove the messages up to ${last} of ${last}`],
      [['verify', '--offline', copy, ...key], 1, `${segment} is damaged: its SHA-256 does not match`],
      [['verify', '--offline', archive, '--public-key', join(keys, 'other.pub')], 1, 'no signed head of this key is within the segments'],
      [['verify', '--offline', archive], 2, '--offline needs the key of the heads'],
      [['verify', '--offline', join(keys, 'absent'), ...key], 2, 'absent cannot be read (ENOENT)'],
      [['verify', '--offline', keys, ...key], 2, 'holds no archive'],
      [['verify', '--offline', archive, ...key, '--anchor', elsewhere], 2, 'that this key did not sign'],
    ]);
  });

  /** A text may depend on the heads that are stored when the command runs: the projection may sign another one meanwhile. */
  type Expected = readonly [args: string[], code: number, text: string | ((heads: readonly SignedHead[]) => string)];

  /** Runs each command; compares its exit code, and a part of what it prints. */
  async function expectRuns(expected: readonly Expected[]): Promise<void> {
    const { length } = await readHeads();
    const runs = await Promise.all(expected.map(([args]) => sequent.run(args)));
    const heads = await readHeads();
    const stored = heads.map((_, index) => heads.slice(0, index + 1)).slice(length - 1);
    const wrong = expected.flatMap(([args, code, text], index) => {
      const run = runs[index];
      const texts = typeof text === 'string' ? [text] : stored.map(text);
      const isExpected = run?.code === code && texts.some((one) => `${run.stdout}${run.stderr}`.includes(one));
      return isExpected ? [] : [{ args, code, texts, run }];
    });
    expect(wrong).toEqual([]);
  }

  test('verify and archive verify check log and archive, and exit with 1 when a segment is damaged', async () => {
    const whole = await sequent.run(['verify', '--json', ...here]);
    expect(whole.code).toBe(0);
    expect(JSON.parse(whole.stdout) as Verification).toMatchObject({ found: 0, erased: 6, balance: { accepted: 1, settled: 1 } });
    expect(whole.stderr).toContain('6 messages erased on request');
    expect((await sequent.run(['archive', 'verify', ...here])).code).toBe(0);
    const segments = JSON.parse((await sequent.run(['archive', 'ls', '--json', ...here])).stdout) as Segment[];
    expect(segments[0]).toMatchObject({ first: 1, erased: 6 });

    const elsewhere = await sequent.run(['verify', ...here, '--archive', join(sequent.dataDir, 'elsewhere')]);
    expect(elsewhere).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/damaged-segment at 1: .* was archived up to \d+ in .*\/archive, but .*elsewhere ends at 0/),
    });

    await damageSegment(join(sequent.dataDir, 'archive'));
    expect(await sequent.run(['archive', 'verify', ...here])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('its SHA-256 does not match'),
    });
    expect(await sequent.run(['verify', ...here])).toMatchObject({ code: 1, stdout: expect.stringContaining('damaged-segment') });
  });

  test('a durable tail resumes at the cursor of its name, and the cursor can be listed and removed', async () => {
    const tail = ['tail', 'hello', '--durable', 'pager', '--state', 'succeeded', '--json', ...here];
    const lines = ({ stdout }: { stdout: string }) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { requestId: string }).requestId);
    for (const id of ['tail-1', 'tail-2', 'tail-3'])
      await sequent.run(['invoke', 'hello', '-d', '{"name":"Ada"}', '--id', id, '--wait', ...here]);
    expect(lines(await sequent.run([...tail, '--from', '1', '-n', '1']))).toEqual(['tail-1']);
    // JetStream may redeliver in another order.
    expect(lines(await sequent.run([...tail, '-n', '2'])).sort()).toEqual(['tail-2', 'tail-3']);
    const [cursor] = JSON.parse((await sequent.run(['cursor', 'ls', '--json', ...here])).stdout) as Cursor[];
    expect(cursor).toMatchObject({ name: 'pager', held: 0, isAttended: false });
    expect((await sequent.run(['tail', 'hello', '--durable', 'pager', ...here])).code).toBe(4);
    expect((await sequent.run(['cursor', 'rm', 'pager', ...here])).code).toBe(0);
    expect((await sequent.run(['cursor', 'rm', 'pager', ...here])).code).toBe(3);
  });
});
