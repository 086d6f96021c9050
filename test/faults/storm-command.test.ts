import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsMsg, NatsConnection, Subscription } from 'nats';
import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { stormSubject } from '#src/core/names/subjects.ts';
import { judge } from '#src/judge/judge.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import { readEvidence } from '#test/judge/recorded.ts';
import { serveSequent, spawnCli } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

async function open() {
  const served = await serveSequent(['--http-port', '0']);
  const client = await connectClient(served.address);
  const stormFunctions = async (): Promise<string[]> =>
    (await client.functions.list()).map(({ definition }) => definition.name).filter((name) => /^storm-/.test(name));
  return {
    ...served,
    client,
    stormFunctions,
    /** The first requests with a message of their own that the log holds for the function `plain` of the storm that runs. */
    async plainRequests(count: number): Promise<StoredRequest[]> {
      const { manager, nats, jetstream } = client.connection;
      const sent = nats.subscribe('invoke.*');
      for await (const { subject } of sent) {
        if (!subject.endsWith('-plain')) continue;
        const { state } = await manager.streams.info(INVOCATIONS, { subjects_filter: subject });
        const stored = state.subjects?.[subject] ?? 0;
        if (stored < count) continue;
        const consumer = await jetstream.consumers.get(INVOCATIONS, { filterSubjects: [subject] });
        const found = await singleRequests(await consumer.fetch({ max_messages: stored }));
        // The end of the loop ends the subscription.
        if (found.length >= count) return found;
      }
      throw new Error('the connection was closed');
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await served[Symbol.asyncDispose]();
    },
  };
}
const test = sharedByFile(open);

type StoredRequest = { id: string; sequence: number };
async function singleRequests(messages: AsyncIterable<JsMsg>): Promise<StoredRequest[]> {
  const found: StoredRequest[] = [];
  for await (const { seq, headers } of messages)
    if (headers?.get('Batch') === '') found.push({ id: headers.get('Request-Id'), sequence: seq });
  return found;
}

type Rogue = { names: string[]; subscription: Subscription };

/** Executes the first attempt of the storm that a worker executes once more, as a worker that forgot its first execution would. */
function executeAgain(nats: NatsConnection): Rogue {
  const names: string[] = [];
  const subscription = nats.subscribe(stormSubject('*'), {
    callback: (_, { subject, data, headers: sent }) => {
      if (names.length > 0 || sent === undefined) return;
      names.push(`${sent.get('Request-Id')} ${sent.get('Attempt')}`);
      nats.publish(subject, data, { headers: sent });
    },
  });
  return { names, subscription };
}

/** More than clocks may differ. */
const EARLY_BY_MS = 1_500;

/** Executes a delayed request of the storm as soon as it is sent, as a worker that ignores its time would. */
function executeDelayedAtOnce(nats: NatsConnection): Rogue {
  const names: string[] = [];
  const subscription = nats.subscribe('invoke.*', {
    callback: (_, { subject, data, headers: sent }) => {
      const [, tag = ''] = /^invoke\.storm-(\w+)-(?:retried|rated|urgent)$/.exec(subject) ?? [];
      const at = sent?.get('Deliver-At') ?? '';
      const dueAt = /^\d{13}$/.test(at) ? Number(at) : Date.parse(at);
      if (names.length > 0 || tag === '' || !(dueAt > Date.now() + EARLY_BY_MS)) return;
      const id = sent?.get('Request-Id') ?? '';
      names.push(`${id} 1`);
      nats.publish(stormSubject(tag), data, {
        headers: wireHeaders([
          ['Request-Id', id],
          ['Attempt', '1'],
        ]),
      });
    },
  });
  return { names, subscription };
}

/* Each storm sends requests for some seconds, and its end waits for the janitor: the reason why these tests take long. */
describe('sequent storm', () => {
  // First in this file: after a storm the log still gets the last facts of removed functions.
  test('with --dry-run names what it would create, and creates nothing', async ({ sequent }) => {
    const before = await sequent.client.lastSequence();
    const { code, stdout } = await sequent.run(['storm', '--dry-run', '--json', '--minutes', '2', '--rate', '10']);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, dryRun: true, requests: 2_580, functions: expect.any(Array) });
    expect(await sequent.stormFunctions()).toEqual([]);
    expect(await sequent.client.lastSequence()).toBe(before);
  });

  test('finds that a calm cluster keeps every promise, writes its evidence, and removes what it created', { timeout: 180_000 }, async ({
    sequent,
    folder,
  }) => {
    const to = join(folder, 'results');
    const { code, stdout, stderr } = await sequent.run(['storm', '--minutes', '0.1', '--rate', '60', '--to', to, '--json']);
    const results = JSON.parse(stdout);
    expect({ code, stderr, anomalies: results.anomalies }).toEqual({ code: 0, stderr: '', anomalies: {} });
    expect(results.stats.byF.submit.ok).toBeGreaterThan(200);
    expect(results.stats.byF.result.ok).toBeGreaterThan(5);
    expect(results.log.attempts).toBeGreaterThan(results.stats.byF.submit.ok);
    expect(results.executions).toBeGreaterThan(100);
    expect(await readFile(join(to, 'results.edn'), 'utf8')).toMatch(/^\{:valid\? true,/);
    expect(await readFile(join(to, 'history.edn'), 'utf8')).toMatch(/^\{:index 0, :time 0, :process 0, :type :invoke, :f :submit, /);
    const evidence = readEvidence(join(to, 'evidence.jsonl'));
    expect(judge(evidence), INVARIANT).toEqual([]);
    expect(evidence.executions?.filter(({ kind }) => kind === 'start')).toHaveLength(results.executions);
    expect(await sequent.stormFunctions()).toEqual([]);
    const { manager } = sequent.client.connection;
    // On a busy machine a janitor erases the rest after the command.
    const requests = async () => (await manager.streams.info(INVOCATIONS, { subjects_filter: 'invoke.>' })).state.subjects ?? {};
    await expect.poll(requests, { timeout: 60_000 }).toEqual({});
  });

  test('finds executions that neither the log nor a client shows: a second one, and one before its time', { timeout: 180_000 }, async ({
    sequent,
    folder,
  }) => {
    const to = join(folder, 'results');
    const { nats } = sequent.client.connection;
    // Some ten of these requests are delayed ones that the second fault can take.
    const running = sequent.run(['storm', '--minutes', '0.2', '--rate', '90', '--to', to, '--json']);
    const second = executeAgain(nats);
    const early = executeDelayedAtOnce(nats);
    const { code, stdout } = await running;
    const { valid, executions, anomalies } = JSON.parse(stdout);
    for (const { subscription } of [second, early]) subscription.unsubscribe();
    expect({ code, valid, rules: Object.keys(anomalies).sort() }).toEqual({ code: 1, valid: false, rules: ['EXEC3', 'T1'] });
    expect(executions).toBeGreaterThan(100);
    expect(anomalies.EXEC3).toContain(`attempt ${second.names[0]} was executed twice`);
    expect(anomalies.T1.join('\n')).toContain(`attempt ${early.names[0]} was executed `);
    // Without the executions, the same evidence breaks no promise.
    const { executions: _, ...others } = readEvidence(join(to, 'evidence.jsonl'));
    expect(judge(others), INVARIANT).toEqual([]);
  });

  test('removes what it created after Ctrl-C', { timeout: 180_000 }, async ({ sequent, folder }) => {
    const storm = spawnCli(['storm', '--minutes', '5'], { cwd: folder, env: { SEQUENT_DATA: sequent.dataDir } });
    const exited = once(storm, 'exit');
    storm.stdout?.resume();
    storm.stderr?.resume();
    await sequent.plainRequests(5);
    expect((await sequent.stormFunctions()).length).toBeGreaterThan(10);
    storm.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    expect(await sequent.stormFunctions()).toEqual([]);
  });

  test('finds an acknowledged request that the log lost, and exits with 1', { timeout: 180_000 }, async ({ sequent, folder }) => {
    const to = join(folder, 'results');
    const running = sequent.run(['storm', '--minutes', '0.08', '--rate', '60', '--to', to, '--json']);
    const [, lost] = await sequent.plainRequests(2);
    await sequent.client.connection.manager.streams.deleteMessage(INVOCATIONS, lost?.sequence ?? 0);
    const { code, stdout } = await running;
    const { valid, anomalies } = JSON.parse(stdout);
    // The second message of a request that was sent twice may come after the deletion. The log then holds a request that is never over.
    const lines = [`${lost?.id} was acknowledged, and the log does not hold it`, `${lost?.id} has no outcome`];
    const found = lines.find((line) => anomalies.E4?.includes(line));
    expect({ code, valid, found, anomalies }).toMatchObject({ code: 1, valid: false, found: expect.any(String) });
    expect(await readFile(join(to, 'results.edn'), 'utf8')).toContain(found);
    expect(await sequent.stormFunctions()).toEqual([]);
  });
});
