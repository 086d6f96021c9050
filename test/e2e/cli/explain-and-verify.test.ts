import { headers } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verification } from '#src/analysis/verify.ts';
import type { Timeline } from '#src/client/client.ts';
import { natsOptionsOf } from '#src/nats/transport/connect-options.ts';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

let sequent: ServedSequent;
let timeline: Timeline;
beforeAll(async () => {
  sequent = await serveSequent();
  // Fails twice, and succeeds on its third attempt.
  await sequent.run(['invoke', 'flaky', '--id', 'flaky-1', '--wait']);
  timeline = JSON.parse((await sequent.run(['timeline', 'flaky-1', '--json'])).stdout);
});
afterAll(() => sequent[Symbol.asyncDispose]());

const sequenceOf = (type: string): string => String(timeline.transitions.find(({ fact }) => fact.type === type)?.sequence);

describe('sequent explain', () => {
  test('explains an invocation in sentences', async () => {
    const { code, stdout } = await sequent.run(['explain', 'flaky-1']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^It was accepted at .* for flaky, from a client\.\n/);
    expect(stdout).toContain('A failure of the code consumes a retry: 1 of');
    expect(stdout).toContain('Attempt 3 succeeded after');
    expect(stdout).toMatch(/It is settled\. There is nothing to do\.\n$/);
  });

  test('exits with 3 for an id that the log does not know', async () => {
    expect(await sequent.run(['explain', 'nobody'])).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('sequent timeline --at', () => {
  test('shows an invocation as it was behind a message of the log', async () => {
    const { stdout } = await sequent.run(['timeline', 'flaky-1', '--at', sequenceOf('retrying'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'retrying', status: 'RUNNING', attempts: 1, context: { retries: 1, outcome: null } });
    expect(JSON.parse(stdout).envelope).toBeUndefined();
    const drawn = await sequent.run(['timeline', 'flaky-1', '--at', sequenceOf('running')]);
    expect(drawn.stdout).toContain('flaky  flaky-1  RUNNING (running)');
  });

  test('exits with 3 for a moment before it was accepted, and says when it was', async () => {
    const { code, stderr } = await sequent.run(['timeline', 'flaky-1', '--at', '2020-01-01']);
    expect(code).toBe(3);
    expect(stderr).toContain('it was accepted at sequence');
  });
});

describe('sequent diff', () => {
  test('says what changed between two messages of the log', async () => {
    const { code, stdout } = await sequent.run(['diff', 'flaky-1', sequenceOf('running'), sequenceOf('retrying')]);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['it was running and is retrying', 'retries went from 0 to 1']);
  });

  test('exits with 2 for what is neither a sequence nor a time', async () => {
    expect((await sequent.run(['diff', 'flaky-1', 'yesterday', '1h'])).code).toBe(2);
  });
});

describe('sequent whatif', () => {
  test('says what fewer retries would have changed', async () => {
    const { code, stdout, stderr } = await sequent.run(['whatif', '--function', 'flaky', '--max-retries', '1']);
    expect(code).toBe(0);
    expect(stdout).toContain('flaky-1  succeeded after 3 attempts; would have failed (UnhandledInvocationError) after 2 attempts');
    expect(stderr).toContain('1 invocation: 0 the same, 1 different, 0 undecided');
  });

  test('exits with 2 when no option changes the policy', async () => {
    expect((await sequent.run(['whatif'])).code).toBe(2);
  });
});

describe('sequent verify', () => {
  test('exits with 0 for a log without a finding', async () => {
    const { code, stdout, stderr } = await sequent.run(['verify', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ findings: [], found: 0, balance: { accepted: 1, settled: 1, open: {}, succeeded: 1 } });
    expect(stderr).toContain('1 accepted = 1 settled + 0 open');
    expect(code).toBe(0);
  });

  test('exits with 1 for a damaged log, and names sequence, invocation and rule of each damage', async () => {
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
