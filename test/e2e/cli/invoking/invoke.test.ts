import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { Timeline } from '#src/client/client.ts';
import { runCli, serveSequent } from '#test/support/cli/cli.ts';
import { putGated } from '#test/support/cli/gated-function.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(serveSequent);

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** JSON text of exactly so many bytes. */
const jsonOf = (bytes: number): string => `"${'a'.repeat(bytes - 2)}"`;

describe('sequent invoke', () => {
  test('prints the request id, and nothing else, on stdout', async ({ sequent }) => {
    const { code, stdout, stderr } = await sequent.run(['invoke', 'hello', '-d', '{"name":"Ada"}']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim()).toMatch(uuid);
  });

  test('--wait prints what the function returned on stdout, and the request id on stderr', async ({ sequent }) => {
    const { code, stdout, stderr } = await sequent.run(['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait']);
    expect(code).toBe(0);
    const { greeting, requestId } = JSON.parse(stdout);
    expect(greeting).toBe('Hello, Ada!');
    expect(stderr).toBe(`accepted as ${requestId}\n`);
  });

  test('--wait --json prints the outcome, the value and the envelope', async ({ sequent }) => {
    const { code, stdout } = await sequent.run(['invoke', 'hello', '--wait', '--json']);
    expect(code).toBe(0);
    const requestId = expect.stringMatching(uuid);
    expect(JSON.parse(stdout)).toEqual({
      requestId,
      outcome: 'succeeded',
      value: { greeting: 'Hello, world!', requestId },
      envelope: expect.objectContaining({ request_context: expect.objectContaining({ condition: '', approximate_invoke_count: 1 }) }),
    });
  });

  test('--wait exits with 1 when the function fails, and says what, why and what to try on stderr', async ({ sequent }) => {
    const { code, stdout, stderr } = await sequent.run(['invoke', 'test1', '--id', 'fails-1', '-d', '{"fail":true}', '--wait']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'accepted as fails-1',
      'error: test1 failed after 1 attempt (UnhandledInvocationError)',
      expect.stringMatching(/^ {2}why: .*test1 was asked to fail$/),
      '  try: sequent timeline fails-1',
      '',
    ]);
  });

  test('--wait exits with 7 when the outcome takes longer than --timeout, and the invocation goes on', async ({ sequent, folder }) => {
    const open = await putGated(sequent, { name: 'held', gates: folder });
    const event = JSON.stringify({ gate: 'end', returns: { ms: 10 } });
    const invoke = ['invoke', 'held', '--id', 'slow-1', '-d', event, '--wait', '--timeout', '300ms'];
    const { code, stdout, stderr } = await sequent.run(invoke);
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' });
    expect(stderr).toContain('the invocation continues without this command: sequent result slow-1');
    await open('end');
    expect(await sequent.run(['result', 'slow-1'])).toMatchObject({ code: 0, stdout: '{"ms":10}\n' });
  });

  test('Ctrl-C while waiting exits with 130, and says how to get the result', async ({ sequent }) => {
    // No responder answers, so the wait has no other end.
    const run = await sequent.run(['invoke', 'responder', '--id', 'slow-2', '--follow'], {
      onStdout: (text, child) => text.includes('running') && child.kill('SIGINT'),
    });
    expect(run.code).toBe(130);
    expect(run.stderr).toContain('the invocation continues without this command: sequent result slow-2');
  });

  test('--follow prints every transition until the invocation is notified, then the result', async ({ sequent }) => {
    const { code, stdout } = await sequent.run(['invoke', 'flaky', '--follow']);
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    const transitions = lines.slice(0, -1).map((line) => line.split(/\s+/)[2]);
    expect(transitions).toEqual(['queued', 'running', 'retrying', 'running', 'retrying', 'running', 'succeeded', 'notified']);
    expect(lines.at(-1)).toBe('{"succeededOn":3}');
  });

  test('--follow of a used id starts no invocation, and prints all its transitions', async ({ sequent }) => {
    await sequent.run(['invoke', 'hello', '--id', 'again', '--follow']);
    const { code, stdout } = await sequent.run(['invoke', 'hello', '--id', 'again', '--follow', '-o', 'jsonl']);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ transition }) => transition)).toEqual(['queued', 'running', 'succeeded', 'notified', undefined]);
    expect(lines.at(-1)).toMatchObject({ requestId: 'again', outcome: 'succeeded' });
  });

  test('takes the event from a pipe, from -, and from a file', async ({ sequent }) => {
    const names = await Promise.all([
      sequent.run(['invoke', 'hello', '--wait'], { input: '{"name":"Pipe"}' }),
      sequent.run(['invoke', 'hello', '-d', '-', '--wait'], { input: '{"name":"Dash"}' }),
      sequent.run(['invoke', 'hello', '-d', '@package.json', '--wait']),
    ]);
    expect(names.map(({ stdout }) => JSON.parse(stdout).greeting)).toEqual(['Hello, Pipe!', 'Hello, Dash!', 'Hello, sequent-functions!']);
  });

  test(`accepts an event of ${MAX_PAYLOAD_BYTES} bytes, and refuses one byte more`, async ({ sequent }) => {
    const [largest, more] = await Promise.all([
      sequent.run(['invoke', 'test2', '--wait'], { input: jsonOf(MAX_PAYLOAD_BYTES) }),
      sequent.run(['invoke', 'test2'], { input: jsonOf(MAX_PAYLOAD_BYTES + 1) }),
    ]);
    expect(largest.code).toBe(0);
    expect(more).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has 262145 bytes; at most 262144 are accepted') });
  });

  test('refuses an event that is not JSON, or not text', async ({ sequent }) => {
    const runs = await Promise.all([
      sequent.run(['invoke', 'hello', '-d', '{oops']),
      sequent.run(['invoke', 'hello', '-d', '@/nonexistent.json']),
      sequent.run(['invoke', 'hello', '--data', '{"name":"Ada"}']),
    ]);
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(runs.map(() => ({ code: 2, stdout: '' })));
    expect(runs[0]?.stderr).toContain('not JSON');
    expect(runs[1]?.stderr).toContain('no such file');
    expect(runs[2]?.stderr).toContain(`try: -d '{"name":"Ada"}'`);
  });

  test('refuses hostile function names, each with what, why and what to try', async ({ sequent }) => {
    const hostile = ['a.b', 'a b', '>', 'hello\r\nPUB x 1\r\n', 'a'.repeat(5_000), ''];
    const runs = await Promise.all(['unknown', ...hostile].map((name) => sequent.run(['invoke', name])));
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(runs.map((_, index) => ({ code: index === 0 ? 3 : 2, stdout: '' })));
    for (const { stderr } of runs) {
      const lines = stderr.trimEnd().split('\n');
      expect(lines.map((line) => line.slice(0, 6))).toEqual(['error:', '  why:', '  try:']);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300);
    }
  });

  test('refuses a request id of the form that Sequent makes, and one with a space', async ({ sequent }) => {
    const runs = await Promise.all(
      ['01a21085-25bf-89dc-b2ac-dc9769ea0001', 'a b', 'x'.repeat(65)].map((id) => sequent.run(['invoke', 'hello', '--id', id])),
    );
    expect(runs.map(({ code }) => code)).toEqual([2, 2, 2]);
  });
});

describe('sequent result', () => {
  test('prints the envelope that subscribers receive', async ({ sequent }) => {
    await sequent.run(['invoke', 'hello', '--id', 'envelope-1', '--wait']);
    const { code, stdout } = await sequent.run(['result', 'envelope-1', '--envelope']);
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(stdout))).toEqual([
      'timestamp',
      'request_context',
      'request_payload',
      'response_context',
      'response_payload',
    ]);
  });

  test('--timeout 0 does not wait', async ({ sequent }) => {
    // No responder answers, so the invocation stays open.
    await sequent.run(['invoke', 'responder', '--id', 'look-1']);
    const { code, stderr } = await sequent.run(['result', 'look-1', '--timeout', '0']);
    expect(code).toBe(7);
    expect(stderr).toContain('the outcome of look-1');
  });

  test('exits with 3 for an unknown id, and with 2 for an invalid id', async ({ sequent }) => {
    const [unknown, none] = await Promise.all([sequent.run(['result', 'never-seen', '--json']), sequent.run(['result', 'a b'])]);
    expect(unknown).toMatchObject({ code: 3, stdout: '' });
    expect(JSON.parse(unknown.stderr)).toEqual({
      type: 'urn:sequent:problem:INVOCATION_NOT_FOUND',
      title: 'no such invocation',
      detail: 'no invocation "never-seen" is in the log',
      code: 'INVOCATION_NOT_FOUND',
      exit_code: 3,
      try: 'sequent tail',
    });
    expect(none.code).toBe(2);
  });
});

describe('sequent timeline', () => {
  test('draws attempts and waits as bars, lists transitions with their reasons, without colours in a pipe', async ({ sequent }) => {
    // `--follow` ends when the invocation is notified, and `--wait` may end before that.
    await sequent.run(['invoke', 'flaky', '--id', 'flaky-1', '--follow']);
    const { code, stdout, stderr } = await sequent.run(['timeline', 'flaky-1']);
    const { transitions }: Timeline = JSON.parse((await sequent.run(['timeline', 'flaky-1', '--json'])).stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[\u0020-\u007e\n]+$/);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('flaky  flaky-1  SUCCESS (notified)');
    expect(lines[1]).toMatch(/^accepted 20\S+Z, took [\d.]+ s, 3 attempts$/);
    const bars = lines.filter((line) => /^(attempt \d|wait) /.test(line));
    expect(bars.map((line) => line.split(/ {2,}/)[0])).toEqual(['attempt 1', 'wait', 'attempt 2', 'wait', 'attempt 3']);
    // Each wait has its share of the scale. Its start is rounded down, and its end to the nearest cell.
    const [, , , scale = ''] = lines;
    const begin = scale.indexOf('0');
    const [accepted = 0, ...moments] = transitions.map(({ fact }) => fact.at);
    const [, failed1 = 0, started2 = 0, failed2 = 0, started3 = 0, succeeded = 0] = moments;
    const cells = [started2 - failed1, started3 - failed2].map((ms) => (ms / (succeeded - accepted)) * (scale.length - begin));
    const dots = [bars[1], bars[3]].map((bar = '') => bar.slice(begin, scale.length).replaceAll(/[^.]/g, '').length);
    for (const [index, count] of dots.entries()) expect(Math.abs(count - (cells[index] ?? 0) - 0.5)).toBeLessThanOrEqual(1);
    expect(stdout).toContain('attempt 1 failed: Error');
  });

  test('--json prints all facts, -o jsonl a transition per line, -o name the state', async ({ sequent }) => {
    await sequent.run(['invoke', 'hello', '--id', 'hello-1', '--follow']);
    const [json, lines, name] = await Promise.all([
      sequent.run(['timeline', 'hello-1', '--json']),
      sequent.run(['timeline', 'hello-1', '-o', 'jsonl']),
      sequent.run(['timeline', 'hello-1', '-o', 'name']),
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      requestId: 'hello-1',
      function: 'hello',
      state: 'notified',
      status: 'SUCCESS',
      attempts: 1,
    });
    expect(lines.stdout.trim().split('\n')).toHaveLength(4);
    expect(name.stdout).toBe('notified\n');
  });

  test('shows what the function printed', async ({ sequent }) => {
    await sequent.run(['invoke', 'hello', '--id', 'printed-1', '-d', '{"name":"\\u001b[31mred"}', '--wait']);
    const { stdout } = await sequent.run(['timeline', 'printed-1']);
    expect(stdout).toContain('| ');
    expect(stdout).toContain('greeting');
    expect(stdout).not.toContain('\u001b');
  });

  test('exits with 3 for an id that the log does not know', async ({ sequent }) => {
    expect(await sequent.run(['timeline', 'never-seen'])).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('sequent get --watch', () => {
  test('prints each change, and ends when everybody is notified', async ({ sequent, folder }) => {
    // The test decides when the attempt starts and when it ends: each state lasts until the command has printed it.
    const open = await putGated(sequent, { name: 'watched', gates: folder, paused: true });
    await sequent.run(['invoke', 'watched', '--id', 'watched-1', '-d', '{"gate":"end"}']);
    let [resuming, opening]: (Promise<unknown> | undefined)[] = [];
    const onStdout = (text: string): void => {
      resuming ??= sequent.run(['fn', 'resume', 'watched']);
      if (text.includes('running')) opening ??= open('end');
    };
    const watch = ['get', 'watched-1', '--watch', '--interval', '100ms', '-o', 'name'];
    const { code, stdout } = await sequent.run(watch, { onStdout });
    await Promise.all([resuming, opening]);
    const states = stdout.trim().split('\n');
    expect({ code, last: states.at(-1) }).toEqual({ code: 0, last: 'notified' });
    expect(states.slice(0, -1)).toEqual(expect.arrayContaining(['queued', 'running']));
    expect(new Set(states).size).toBe(states.length);
  });
});

describe('sequent logs', () => {
  test('prints the lines of attempts, filters them, and follows', async ({ sequent }) => {
    await sequent.run(['invoke', 'test1', '--id', 'logged-1', '-d', '{"fail":true}', '--wait']);
    await sequent.run(['invoke', 'hello', '--id', 'logged-2', '-d', '{"name":"Log"}', '--wait']);
    const { code, stdout } = await sequent.run(['logs', 'test1', '--failed', '--id', 'logged-1']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/ {2}logged-1 #1 {2}error {2}attempt 1 failed: .*test1 was asked/),
    });
    const onStdout = (_: string, child: ChildProcess): void => void child.kill('SIGINT');
    const following = await sequent.run(['logs', 'hello', 'Log', '-f', '--json'], { onStdout });
    expect(JSON.parse(following.stdout.split('\n')[0] ?? '')).toMatchObject({ requestId: 'logged-2', level: 'info', function: 'hello' });
    expect(await sequent.run(['logs', 'nobody'])).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('a command', () => {
  test('names its server on stderr when a setting chose the server, unless stderr is JSON', async ({ sequent }) => {
    const { url } = sequent;
    const chosen = await sequent.run(['fn', 'ls', '--server', url]);
    expect(chosen).toMatchObject({ code: 0, stderr: `server ${url} (from --server)\n` });
    expect(await sequent.run(['fn', 'ls', '--json'], { env: { NATS_URL: url } })).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('sequent golden', () => {
  test('records a history that a later check folds without a server, and finds a difference by its exit code', async ({
    sequent,
    folder,
  }) => {
    await sequent.run(['invoke', 'test1', '--id', 'golden-1', '-d', '{"fail":true}', '--wait']);
    const recorded = await sequent.run(['golden', 'record', 'golden-1', '--to', folder, '-o', 'name']);
    const file = join(folder, 'test1-golden-1.json');
    expect(recorded).toMatchObject({ code: 0, stdout: `${file}\n` });
    expect((await sequent.run(['golden', 'record', 'golden-1', '--to', folder])).stderr).toContain('exists and is not changed');
    const check = ['golden', 'check', folder, '--server', 'nats://127.0.0.1:1'];
    expect(await runCli(check)).toMatchObject({ code: 0, stderr: '1 file checked: all come out the same\n' });
    await writeFile(file, (await readFile(file, 'utf8')).replace('"attempts": 1', '"attempts": 2'));
    expect(await runCli([...check, '-o', 'name'])).toMatchObject({ code: 1, stdout: 'test1-golden-1.json\n' });
    await writeFile(file, '{}');
    expect(await runCli(check)).toMatchObject({ code: 2, stdout: '' });
  });
});
