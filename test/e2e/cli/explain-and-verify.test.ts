import { connect, headers } from 'nats';
import { describe, expect } from 'vitest';
import type { Verification } from '#src/analysis/verify/verify.ts';
import type { Timeline } from '#src/client/client.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(serveSequent);
let timeline: Timeline;
test.beforeAll(async ({ sequent }) => {
  // Fails twice, and succeeds on its third attempt. `--follow` ends when the invocation is notified, and `--wait` may end before that.
  await sequent.run(['invoke', 'flaky', '--id', 'flaky-1', '--follow']);
  timeline = JSON.parse((await sequent.run(['timeline', 'flaky-1', '--json'])).stdout);
});

const sequenceOf = (type: string): string => String(timeline.transitions.find(({ fact }) => fact.type === type)?.sequence);

describe('sequent explain', () => {
  test('explains an invocation in sentences', async ({ sequent }) => {
    const { code, stdout } = await sequent.run(['explain', 'flaky-1']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^It was accepted at .* for flaky, from a client\.\n/);
    expect(stdout).toContain('A failure of the code consumes a retry: 1 of');
    expect(stdout).toContain('Attempt 3 succeeded after');
    expect(stdout).toMatch(/It is settled\. There is nothing to do\.\n$/);
  });

  test('and the doctor speak Chinese in a Chinese locale; JSON stays English', async ({ sequent }) => {
    const env = { LANG: 'en_US.UTF-8', LC_ALL: 'zh_CN.UTF-8' };
    const [explained, json, doctor, refused] = await Promise.all([
      sequent.run(['explain', 'flaky-1'], { env }),
      sequent.run(['explain', 'flaky-1', '--json'], { env }),
      sequent.run(['doctor'], { env }),
      sequent.run(['explain', 'nobody'], { env }),
    ]);
    expect(explained.stdout).toMatch(/^于 .* 受理，函数 flaky，来自客户端。\n/);
    expect(JSON.parse(json.stdout)).toContainEqual(expect.objectContaining({ text: 'It is settled. There is nothing to do.' }));
    expect(doctor.stdout).toContain('服务器版本');
    expect(refused).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^错误： 调用不存在\n {2}原因： .*\n {2}尝试： sequent tail\n$/),
    });
  });

  test('exits with 3 for an id that the log does not know', async ({ sequent }) => {
    expect(await sequent.run(['explain', 'nobody'])).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('a sequence of the log', () => {
  test('names the invocation of its message for get, timeline, explain, tree and diff', async ({ sequent }) => {
    const [accepted, last] = [timeline.transitions[0]?.sequence, timeline.transitions.at(-1)?.sequence].map(String);
    expect(JSON.parse((await sequent.run(['timeline', accepted ?? '', '--json'])).stdout)).toMatchObject({ requestId: 'flaky-1' });
    expect((await sequent.run(['explain', `@${last}`])).stdout).toMatch(/^It was accepted at .* for flaky, from a client\.\n/);
    expect((await sequent.run(['get', `@${accepted}`, '-o', 'name'])).stdout).toBe('notified\n');
    expect((await sequent.run(['tree', accepted ?? '', '-o', 'name'])).stdout).toBe('flaky-1\n');
    const { stdout } = await sequent.run(['diff', `@${accepted}`, accepted ?? '', sequenceOf('running')]);
    expect(stdout).toMatch(/^terms is now\n {2}revision {2}\d+\n {2}timeoutInMs {2}30 s$/m);
  });

  test('names it for result, pull, redrive and cancel too', async ({ sequent }) => {
    const accepted = `@${timeline.transitions[0]?.sequence}`;
    const [returned, pulled, redriven, cancelled] = await Promise.all([
      sequent.run(['result', accepted]),
      sequent.run(['pull', accepted, '--to', '-']),
      sequent.run(['redrive', accepted, '--dry-run']),
      sequent.run(['cancel', accepted]),
    ]);
    expect([returned.code, returned.stdout]).toEqual([0, `${timeline.envelope?.response_payload}\n`]);
    expect(JSON.parse(pulled.stdout)).toMatchObject({ requestId: 'flaky-1' });
    expect(redriven.stderr).toContain('flaky-1 is notified');
    expect(cancelled).toMatchObject({ code: 4, stderr: expect.stringContaining('flaky-1 is over') });
  });

  test('that a plain NATS client gets by its acknowledgement names the invocation of its request', async ({ sequent }) => {
    const nats = await connect({ servers: sequent.url });
    const { seq } = await nats
      .jetstream()
      .publish('invoke.hello', '{"name":"Raw"}')
      .finally(() => nats.close());
    const state = async (): Promise<string> => (await sequent.run(['get', `${seq}`, '-o', 'name'])).stdout;
    await expect.poll(state, { timeout: 60_000, interval: 500 }).toBe('notified\n');
    const [got, shown, explained] = await Promise.all([
      sequent.run(['get', `${seq}`, '--json']),
      sequent.run(['timeline', `${seq}`, '--json']),
      sequent.run(['explain', `@${seq}`]),
    ]);
    const { requestId, ...raw }: Timeline = JSON.parse(shown.stdout);
    expect(raw).toMatchObject({ function: 'hello', requestPayload: '{"name":"Raw"}' });
    expect(raw.transitions[0]?.sequence).toBe(seq);
    expect(JSON.parse(got.stdout)).toMatchObject({ id: requestId, function: 'hello', payload: '{"name":"Raw"}' });
    expect(explained).toMatchObject({ code: 0, stdout: expect.stringMatching(/^It was accepted at .* for hello, from a client\.\n/) });
  });

  test('that the log does not hold is not found, with what to try', async ({ sequent }) => {
    expect(await sequent.run(['timeline', '@999999'])).toMatchObject({ code: 3, stderr: expect.stringContaining('sequent ls') });
  });
});

describe('sequent purge', () => {
  test('erases nothing without a confirmation where nobody can be asked', async ({ sequent }) => {
    const refused = await sequent.run(['purge', '--function', 'flaky', '--before', '0s']);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
  });
});

describe('a wait', () => {
  /** All commands about one invocation. */
  const told = async (sequent: ServedSequent, id: string): Promise<string[]> =>
    await Promise.all(['explain', 'timeline'].map(async (command) => (await sequent.run([command, id])).stdout));

  test('for a paused function is named by explain, timeline and doctor, with the command that ends it', async ({ sequent }) => {
    await sequent.run(['fn', 'pause', 'hello']);
    await sequent.run(['invoke', 'hello', '--id', 'paused-1']);
    for (const text of await told(sequent, 'paused-1'))
      expect(text).toMatch(/hello is paused and starts no attempt[\s\S]*sequent fn resume hello/);
    const { stdout } = await sequent.run(['doctor']);
    expect(stdout).toMatch(/function hello .*hello is paused and starts no attempt\n.*try: sequent fn resume hello/);
    await sequent.run(['fn', 'resume', 'hello']);
    expect((await sequent.run(['result', 'paused-1'])).code).toBe(0);
  });

  test('for a responder that does not answer is a problem for the doctor, with the failures and the reason', async ({ sequent }) => {
    await sequent.run(['fn', 'put', 'silent', '--subject', 'svc.silent']);
    await sequent.run(['invoke', 'silent', '--id', 'silent-1']);
    const attempts = async (): Promise<number> => JSON.parse((await sequent.run(['timeline', 'silent-1', '--json'])).stdout).attempts;
    await expect.poll(attempts, { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(4);
    for (const text of await told(sequent, 'silent-1')) {
      expect(text).toMatch(/The platform could not run it, \d times in a row since .*no process answers on the subject/);
      expect(text).toContain('start a responder on the subject svc.silent');
    }
    const { code, stdout } = await sequent.run(['doctor']);
    expect(stdout).toMatch(/function silent .*the platform cannot run 1 invocation: up to \d failures of one since/);
    expect(code).toBe(1);
    await sequent.run(['cancel', 'silent-1']);
    // A cancel appends the outcome, and a worker appends later that the invocation is notified.
    const state = async (): Promise<string> => (await sequent.run(['timeline', 'silent-1', '-o', 'name'])).stdout;
    await expect.poll(state, { timeout: 60_000, interval: 500 }).toBe('notified\n');
  });
});

describe('sequent timeline --at', () => {
  test('shows an invocation as it was behind a message of the log', async ({ sequent }) => {
    const { stdout } = await sequent.run(['timeline', 'flaky-1', '--at', sequenceOf('retrying'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'retrying', status: 'RUNNING', attempts: 1, context: { retries: 1, outcome: null } });
    expect(JSON.parse(stdout).envelope).toBeUndefined();
    const drawn = await sequent.run(['timeline', 'flaky-1', '--at', sequenceOf('running')]);
    expect(drawn.stdout).toContain('flaky  flaky-1  RUNNING (running)');
  });

  test('exits with 3 for a moment before it was accepted, and says when it was', async ({ sequent }) => {
    const { code, stderr } = await sequent.run(['timeline', 'flaky-1', '--at', '2020-01-01']);
    expect(code).toBe(3);
    expect(stderr).toContain('it was accepted at sequence');
  });
});

describe('sequent diff', () => {
  test('says what changed between two messages of the log', async ({ sequent }) => {
    const { code, stdout } = await sequent.run(['diff', 'flaky-1', sequenceOf('running'), sequenceOf('retrying')]);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['it was running and is retrying', 'retries went from 0 to 1']);
  });

  test('exits with 2 for what is neither a sequence nor a time', async ({ sequent }) => {
    expect((await sequent.run(['diff', 'flaky-1', 'yesterday', '1h'])).code).toBe(2);
  });
});

describe('sequent whatif', () => {
  test('says what fewer retries would have changed', async ({ sequent }) => {
    const { code, stdout, stderr } = await sequent.run(['whatif', '--function', 'flaky', '--max-retries', '1']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^(?:server .*\n)?1 invocation: 0 the same, 1 different, 0 undecided/);
    expect(stdout).toContain('flaky-1  succeeded after 3 attempts; would have failed (UnhandledInvocationError) after 2 attempts');
    expect(stderr).toContain('1 invocation: 0 the same, 1 different, 0 undecided');
  });

  test('exits with 2 when no option changes the policy', async ({ sequent }) => {
    expect((await sequent.run(['whatif'])).code).toBe(2);
  });
});

describe('sequent verify', () => {
  test('exits with 0 for a log without a finding', async ({ sequent }) => {
    const { code, stdout, stderr } = await sequent.run(['verify', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ findings: [], found: 0, balance: { accepted: 4, settled: 4, open: {}, succeeded: 3 } });
    expect(stderr).toContain('4 accepted = 4 settled + 0 open');
    expect(code).toBe(0);
  });

  test('exits with 1 for a damaged log, and names sequence, invocation and rule of each damage', async ({ sequent }) => {
    await using nats = await openNats(natsOptionsOf(sequent.address));
    const jetstream = nats.connection.nats.jetstream();
    const planted = async (stream: string, previous: number, facts: object[], given: Record<string, string> = {}): Promise<number> => {
      const found = headers();
      for (const [name, value] of Object.entries(given)) found.set(name, value);
      const append = { v: 1, id: `planted-${stream}`, previous, request: timeline.transitions[0]?.sequence, by: 'nobody', facts };
      return (await jetstream.publish(`invocation.flaky.${stream}`, JSON.stringify(append), { headers: found })).seq;
    };
    const settled = { invocation: 'flaky-1', at: 1, attempt: 3 };
    const noise = (await jetstream.publish('invocation.flaky.noise', 'no append')).seq;
    const twice = await planted('flaky-1', Number(sequenceOf('notified')), [{ type: 'succeeded', ...settled, payload: '"other"' }]);
    const gap = await planted('flaky-1', 1, [{ type: 'redriven', invocation: 'flaky-1', at: 1, redrive: 'flaky-2' }], { 'Due-At': '5' });
    const orphan = await planted('orphan-1', 0, [{ type: 'notified', invocation: 'orphan-1', at: 1 }]);
    const { code, stdout, stderr } = await sequent.run(['verify', '--json']);
    const { findings } = JSON.parse(stdout) as Verification;
    expect(findings.map(({ kind, rule, sequence, invocation }) => [kind, rule, sequence, invocation])).toEqual([
      ['unreadable', 'A1', noise, undefined],
      ['missing-link', 'E3', twice, 'flaky-1'],
      ['two-outcomes', 'E4', twice, 'flaky-1'],
      ['broken-chain', 'E3', gap, 'flaky-1'],
      ['wrong-wake-time', 'T1', gap, 'flaky-1'],
      ['unknown-request', 'E4', orphan, 'orphan-1'],
    ]);
    expect(stderr).toContain('6 findings');
    expect(code).toBe(1);
  });
});
