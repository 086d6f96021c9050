import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';

let sequent: ServedSequent;
beforeAll(async () => {
  sequent = await serveSequent();
});
afterAll(() => sequent[Symbol.asyncDispose]());

/** A script of src/examples, run as its header says, with the address of the server as its argument. */
function spawnExample(name: string) {
  const script = new URL(`../../../src/examples/${name}`, import.meta.url).pathname;
  return spawn(process.execPath, ['--import', 'tsx', script, sequent.url], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The first transition of a function that `--state` names, as JSON. */
async function firstOf(name: string, state: string) {
  const { stdout } = await sequent.run(['tail', name, '--from', '1', '--state', state, '--limit', '1', '--json']);
  return JSON.parse(stdout);
}

describe('the worked example', () => {
  test('delivers a success of test1 to test2, which prints the envelope', async () => {
    await sequent.run(['invoke', 'test1', '--id', 'chain-1', '-d', '{"aaa":123}', '--wait']);
    const { output, payload } = await firstOf('test2', 'succeeded');
    expect(payload).toBe('{"outcomeOf":"chain-1"}');
    expect(output).toContain('test2 received:');
    expect(output).toContain('\\"aaa\\":123');
  });

  test('delivers a failure of test1 to test3', async () => {
    await sequent.run(['invoke', 'test1', '--id', 'chain-2', '-d', '{"fail":true}', '--wait']);
    const { output, payload } = await firstOf('test3', 'succeeded');
    expect(payload).toBe('{"outcomeOf":"chain-2"}');
    expect(output).toContain('test1 was asked to fail');
  });
});

describe('the other examples', () => {
  test('flaky succeeds on its third attempt, and slow times out after 2 s', async () => {
    const [flaky, slow] = await Promise.all([sequent.run(['invoke', 'flaky', '--wait']), sequent.run(['invoke', 'slow', '--wait'])]);
    expect(flaky).toMatchObject({ code: 0, stdout: '{"succeededOn":3}\n' });
    expect(slow.code).toBe(1);
    expect(slow.stderr).toContain('timed out after 2000 ms');
  });

  test('the responder answers, also when it starts after the invocation', async () => {
    const following = sequent.run(['invoke', 'responder', '-d', '{"a":1}', '--id', 'answer-1', '--wait']);
    const responder = spawnExample('responder.ts');
    expect(await following).toMatchObject({ code: 0, stdout: '{"answered":{"a":1},"requestId":"answer-1"}\n' });
    responder.kill('SIGTERM');
    expect(await once(responder, 'close')).toEqual([0, null]);
  });

  test('the client defines a typed function, runs it, and invokes it', async () => {
    const client = spawnExample('client.ts');
    let stdout = '';
    client.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    expect(await once(client, 'close')).toEqual([0, null]);
    expect(stdout).toMatch(
      /succeeded: tea costs 9\n.*succeeded after 1 attempt.*"rice","total":13.5.*\n.*succeeded after 2 attempt.*"beans","total":54/,
    );
  });
});
