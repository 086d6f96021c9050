import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, headers } from 'nats';
import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { runCli, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');

const test = sharedByFile(serveSequent);

/** A script of src/examples, run as its header says, with the address of the server as its argument. */
function spawnExample(sequent: ServedSequent, name: string) {
  const script = new URL(`../../../../src/examples/${name}`, import.meta.url).pathname;
  return spawn(process.execPath, ['--import', 'tsx', script, sequent.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NATS_NKEY: sequent.address.nkeyFile ?? '' },
  });
}

/** The first transition of a function that `--state` names, as JSON. */
async function firstOf(sequent: ServedSequent, name: string, state: string) {
  const { stdout } = await sequent.run(['tail', name, '--from', '1', '--state', state, '--limit', '1', '--json']);
  return JSON.parse(stdout);
}

describe('the worked example', () => {
  test('delivers a success of test1 to test2, which prints the envelope', async ({ sequent }) => {
    await sequent.run(['invoke', 'test1', '--id', 'chain-1', '-d', '{"aaa":123}', '--wait']);
    const { output, payload } = await firstOf(sequent, 'test2', 'succeeded');
    expect(payload).toBe('{"outcomeOf":"chain-1"}');
    expect(output).toContain('test2 received:');
    expect(output).toContain('\\"aaa\\":123');
  });

  test('delivers a failure of test1 to test3', async ({ sequent }) => {
    await sequent.run(['invoke', 'test1', '--id', 'chain-2', '-d', '{"fail":true}', '--wait']);
    const { output, payload } = await firstOf(sequent, 'test3', 'succeeded');
    expect(payload).toBe('{"outcomeOf":"chain-2"}');
    expect(output).toContain('test1 was asked to fail');
  });
});

describe('the other examples', () => {
  test('flaky succeeds on its third attempt, and slow times out after 2 s', async ({ sequent }) => {
    const [flaky, slow] = await Promise.all([sequent.run(['invoke', 'flaky', '--wait']), sequent.run(['invoke', 'slow', '--wait'])]);
    expect(flaky).toMatchObject({ code: 0, stdout: '{"succeededOn":3}\n' });
    expect(slow.code).toBe(1);
    expect(slow.stderr).toContain('timed out after 2000 ms');
  });

  test('the responder answers, also when it starts after the invocation', async ({ sequent }) => {
    const following = sequent.run(['invoke', 'responder', '-d', '{"a":1}', '--id', 'answer-1', '--wait']);
    const responder = spawnExample(sequent, 'responder.ts');
    expect(await following).toMatchObject({ code: 0, stdout: '{"answered":{"a":1},"requestId":"answer-1"}\n' });
    responder.kill('SIGTERM');
    expect(await once(responder, 'close')).toEqual([0, null]);
  });

  test('the client defines a typed function, runs it, and invokes it', async ({ sequent }) => {
    const client = spawnExample(sequent, 'client.ts');
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

describe('a client without credentials', () => {
  test('runs every nats command of README as it stands there', async ({ sequent }) => {
    const nats = await connect({ servers: sequent.address.servers });
    const heard: string[] = [];
    const commands = [...readme.matchAll(/^nats (?<verb>pub|req|sub) (?<rest>.*?)(?: {2,}#.*)?$/gm)].map(({ groups }) => ({ ...groups }));
    expect(commands.map(({ verb }) => verb)).toEqual(['pub', 'req', 'pub', 'sub']);
    for (const { verb, rest = '' } of commands.filter((command) => command.verb === 'sub')) {
      nats.subscribe(wordsOf(rest)[0] ?? verb ?? '', {
        callback: (_, message) => void heard.push(message.headers?.get('Request-Id') ?? ''),
      });
    }
    await nats.flush();
    for (const { verb, rest = '' } of commands.filter((command) => command.verb !== 'sub')) {
      const [subject = '', ...words] = wordsOf(rest);
      const sent = headers();
      if (words[0] === '-H') sent.set(...((words[1] ?? '').split(':') as [string, string]));
      const payload = words.at(-1) ?? '';
      if (verb === 'pub') nats.publish(subject, payload, { headers: sent });
      else expect((await nats.request(subject, payload)).json()).toMatchObject({ stream: 'INVOCATIONS', seq: expect.any(Number) });
    }
    await expect.poll(() => heard, { timeout: 20_000 }).toHaveLength(3);
    expect(heard).toContain('order-7');
    await nats.close();
  });

  test('invokes a function and waits for its result with the client library', async ({ sequent }) => {
    await using client = await connectClient({ servers: sequent.address.servers });
    const invoked = await client.invoke('hello', { name: 'Ada' });
    expect(await invoked.result()).toMatchObject({ outcome: 'succeeded', value: { greeting: 'Hello, Ada!' } });
  });

  test('is told about the key when it runs a command from another folder', async ({ sequent }) => {
    const env = { NATS_URL: sequent.url, SEQUENT_DATA: '/nonexistent' };
    const { code, stderr } = await runCli(['fn', 'ls'], { env });
    expect(code).toBe(5);
    expect(stderr).toContain('this NATS server needs the key of its data folder');
    expect(stderr).toContain(`Sequent started the server on ${sequent.url}, and its key is not in /nonexistent`);
    expect(stderr).toContain('--data <its data folder>');
    expect(await runCli(['fn', 'ls'], { env: { ...env, NATS_NKEY: sequent.address.nkeyFile ?? '' } })).toMatchObject({ code: 0 });
  });
});

/** The words of a shell command without expansions. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
