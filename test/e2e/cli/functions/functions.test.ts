import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { UNTIL_ALL_ANSWER } from '#test/support/role-answers.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/** `handlers` is a folder with the code of a function. */
const test = sharedByFile(() => serveSequent([])).extend('handlers', { scope: 'file' }, async ({ sequent }) => {
  const handlers = join(sequent.dataDir, 'code');
  await mkdir(handlers);
  await writeFile(join(handlers, 'double.mjs'), 'export const main = async ({ n }) => ({ doubled: n * 2 });\n');
  return handlers;
});

describe('sequent fn', () => {
  test('ls without functions prints nothing on stdout, and a command to try on stderr', async ({ sequent }) => {
    const [table, json] = await Promise.all([sequent.run(['fn', 'ls']), sequent.run(['fn', 'ls', '--json'])]);
    expect(table).toMatchObject({ code: 0, stdout: '' });
    expect(table.stderr).toContain('sequent fn put');
    expect(json).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
  });

  test('put stores the code of a file, and the function runs', async ({ sequent, handlers }) => {
    const flags = ['--file', './double.mjs', '--handler', 'double.main', '--timeout', '5s', '--max-retries', '2', '--concurrency', '10'];
    const put = await sequent.run(['fn', 'put', 'double', ...flags, '--json'], { cwd: handlers });
    expect(put).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(put.stdout)).toMatchObject({
      name: 'double',
      handler: { kind: 'process', package: expect.stringMatching(/^[0-9a-f]{128}$/), file: 'double.mjs', export: 'main' },
      timeoutInMs: 5_000,
      concurrency: 10,
      policy: { maxRetries: 2 },
    });
    const { code, stdout } = await sequent.run(['invoke', 'double', '-d', '{"n":21}', '--wait']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"doubled":42}\n' });
  });

  test('alias set --canary begins the policy of an alias as that of its main version', async ({ sequent }) => {
    const lines = [
      'fn put judged --subject judged --max-retries 1',
      'fn publish judged v1',
      'fn set judged --timeout 9s --max-retries 3',
      'fn publish judged v2',
      'fn alias set judged prod v1',
      'fn alias set judged prod v2 --canary 10% --max-age 10m',
    ];
    for (const line of lines) expect(await sequent.run(line.split(' '))).toMatchObject({ code: 0 });
    const { stdout } = await sequent.run(['fn', 'alias', 'ls', 'judged', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ version: 'v1', weights: { v2: 10 }, policy: { maxRetries: 1, maxAgeInSeconds: 600 } }]);
  });

  test('put refuses a module that is not there, and stores nothing', async ({ sequent, handlers }) => {
    const { code, stdout, stderr } = await sequent.run(['fn', 'put', 'ghost', '--file', './ghost.mjs'], { cwd: handlers });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(join(handlers, 'ghost.mjs'));
    expect(await sequent.run(['fn', 'get', 'ghost'])).toMatchObject({ code: 3 });
  });

  test('what put recorded runs until the next put: in warm and cold processes, and in a published version', async ({
    sequent,
    handlers,
  }) => {
    const file = join(handlers, 'frozen.mjs');
    const write = async (says: string) => {
      await writeFile(join(handlers, 'text.mjs'), `export const text = '${says}';\n`);
      await writeFile(file, `import { text } from './text.mjs';\nexport const handler = () => text + ' in ' + process.pid;\n`);
    };
    const put = () => sequent.run(['fn', 'put', 'frozen', '--file', file]);
    const invoke = async (target: string) => (await sequent.run(['invoke', target, '-d', '{}', '--wait'])).stdout.trim();
    await write('old');
    await put();
    const warm = await invoke('frozen');
    expect(warm).toMatch(/^old in \d+$/);
    await sequent.run(['fn', 'publish', 'frozen', 'v1']);
    await write('new');
    expect(await invoke('frozen')).toBe(warm);
    // The version has processes of its own, which start after the change.
    expect(await invoke('frozen:v1')).toMatch(/^old in \d+$/);
    await put();
    await expect.poll(() => invoke('frozen'), { timeout: 60_000 }).toMatch(/^new in \d+$/);
    expect(await invoke('frozen:v1')).toMatch(/^old in \d+$/);
  });

  test('put refuses code that cannot be loaded, shows the line, and keeps the function as it was', async ({ sequent, handlers }) => {
    const file = join(handlers, 'loadable.mjs');
    await writeFile(file, 'export const handler = () => 1;\n');
    await sequent.run(['fn', 'put', 'loadable', '--file', file]);
    const { stdout } = await sequent.run(['fn', 'get', 'loadable', '--json']);
    await writeFile(file, 'export const handler = () => {\n  return 1 1;\n};\n');
    const broken = await sequent.run(['fn', 'put', 'loadable', '--file', './loadable.mjs'], { cwd: handlers });
    expect(broken).toMatchObject({ code: 2, stdout: '' });
    expect(broken.stderr).toMatch(
      /^error: the code cannot be loaded\n {2}why: loadable\.mjs:2:12: .*\n +2 \| {3}return 1 1;\n +\| {12}\^\n/,
    );
    const missing = await sequent.run(['fn', 'put', 'loadable', '--folder', handlers, '--handler', 'double.handler']);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('no export "handler"; it exports main') });
    expect(await sequent.run(['fn', 'get', 'loadable', '--json'])).toMatchObject({ stdout });
  });

  test('put reads a JSON file, whose paths are relative to it, and what get printed', async ({ sequent, handlers }) => {
    const file = join(handlers, 'functions.json');
    await writeFile(file, JSON.stringify([{ name: 'from-file', handler: { kind: 'process', file: 'double.mjs', export: 'main' } }]));
    const put = await sequent.run(['fn', 'put', file]);
    expect(put).toMatchObject({ code: 0, stdout: expect.stringMatching(/^from-file is defined, revision \d+\n$/) });
    const got = await sequent.run(['fn', 'get', 'from-file', '--json']);
    const { revision, ...definition } = JSON.parse(got.stdout);
    expect(definition.handler).toMatchObject({ file: 'double.mjs', package: expect.any(String) });
    const again = await sequent.run(['fn', 'put', '-'], { input: got.stdout });
    // The same definition keeps its revision.
    expect(again.stdout).toBe(`from-file is defined, revision ${revision}\n`);
  });

  test('put refuses an invalid definition, and names the problem', async ({ sequent }) => {
    const wrong = [
      ['{"name":"x","handler":{"kind":"inline"},"colour":"red"}', 'colour'],
      ['{"name":"x","handler":{"kind":"subject","subject":"a b"}}', 'handler.subject'],
      ['{oops', 'not JSON'],
      ['7', 'not a JSON object'],
    ] as const;
    const runs = await Promise.all(wrong.map(([input]) => sequent.run(['fn', 'put', '-'], { input })));
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(wrong.map(() => ({ code: 2, stdout: '' })));
    for (const [index, [, named]] of wrong.entries()) expect(runs[index]?.stderr).toContain(named);
  });

  test('put says what is missing when no flag says how the code is reached', async ({ sequent }) => {
    const { code, stderr } = await sequent.run(['fn', 'put', 'x']);
    expect(code).toBe(2);
    expect(stderr).toContain('--file');
  });

  test('put --expect exits with 4 when the function has another revision', async ({ sequent }) => {
    const flags = ['fn', 'put', 'shared', '--subject', 'shared.x', '-o', 'name'];
    expect(await sequent.run([...flags, '--expect', '0'])).toMatchObject({ code: 0, stdout: 'shared\n' });
    const { code, stdout, stderr } = await sequent.run([...flags, '--expect', '0']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('shared');
  });

  test('rm refuses without --yes when there is no terminal to ask on', async ({ sequent }) => {
    await sequent.run(['fn', 'put', 'doomed', '--subject', 'doomed']);
    const refused = await sequent.run(['fn', 'rm', 'doomed']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('sequent fn rm doomed --yes');
    expect(await sequent.run(['fn', 'rm', 'doomed', '--yes'])).toMatchObject({ code: 0, stdout: 'removed doomed\n' });
    expect(await sequent.run(['fn', 'rm', 'doomed', '--yes'])).toMatchObject({ code: 3 });
  });

  test('rm of several removes none when one does not exist', async ({ sequent }) => {
    await sequent.run(['fn', 'put', 'kept', '--subject', 'kept']);
    expect(await sequent.run(['fn', 'rm', 'kept', 'never-was', '--yes'])).toMatchObject({ code: 3, stdout: '' });
    expect(await sequent.run(['fn', 'get', 'kept', '-o', 'name'])).toMatchObject({ code: 0, stdout: 'kept\n' });
  });
});

describe('sequent tail', () => {
  test('prints the transitions of one function, as JSON lines, and ends at --limit', async ({ sequent, handlers }) => {
    await sequent.run(['fn', 'put', 'tailed', '--file', './double.mjs', '--handler', 'main'], { cwd: handlers });
    await sequent.run(['invoke', 'tailed', '--id', 'tailed-1', '-d', '{"n":1}', '--wait']);
    const { code, stdout, stderr } = await sequent.run(['tail', 'tailed', '--from', '1', '--limit', '4', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ transition }) => transition)).toEqual(['queued', 'running', 'succeeded', 'notified']);
    expect(lines[0]).toMatchObject({
      requestId: 'tailed-1',
      function: 'tailed',
      by: 'client',
      sequence: expect.any(Number),
      at: expect.any(Number),
    });
  });

  test('prints only the transitions that --state names, as they happen, until Ctrl-C', async ({ sequent }) => {
    let invoked: Promise<unknown> | undefined;
    const { code, stdout } = await sequent.run(['tail', '--from', '1', '--state', 'succeeded,failed'], {
      onStdout(text, child) {
        invoked ??= sequent.run(['invoke', 'tailed', '--id', 'tailed-2', '-d', '{"n":2}']);
        if (text.includes('tailed-2')) child.kill('SIGINT');
      },
    });
    await invoked;
    expect(code).toBe(130);
    for (const line of stdout.trim().split('\n')) expect(line).toMatch(/ (succeeded|failed) /);
  });

  test('ends without an error when the reader closes the pipe', async ({ sequent }) => {
    let closed = (): void => {};
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const run = sequent.run(['tail', '--from', '1'], { onStdout: (_, child) => child.stdout?.once('close', closed).destroy() });
    await isClosed;
    // Earlier lines may fit into the pipe. The next line finds it closed.
    await sequent.run(['invoke', 'tailed', '-d', '{"n":3}']);
    expect(await run).toMatchObject({ stderr: '' });
  });

  test('refuses a state that there is not, and a hostile function', async ({ sequent }) => {
    const runs = await Promise.all([sequent.run(['tail', '--state', 'sleeping']), sequent.run(['tail', 'a.b'])]);
    expect(runs.map(({ code }) => code)).toEqual([2, 2]);
  });
});

describe('sequent logs', () => {
  test('-f prints the line of an attempt that started after the command followed', async ({ sequent, handlers }) => {
    await writeFile(join(handlers, 'speak.mjs'), "export const handler = ({ word }) => console.log('it said ' + word);\n");
    expect(await sequent.run(['fn', 'put', 'speak', '--file', './speak.mjs'], { cwd: handlers })).toMatchObject({ code: 0 });
    const speak = (word: string) => sequent.run(['invoke', 'speak', '--id', `speak-${word}`, '-d', JSON.stringify({ word }), '--wait']);
    expect(await speak('earlier')).toMatchObject({ code: 0 });
    let later: Promise<unknown> | undefined;
    const { code, stdout } = await sequent.run(['logs', 'speak', '-f'], {
      onStdout(text, child) {
        // The first output is printed after the earlier lines were read. From then on the command follows.
        later ??= speak('later');
        if (text.includes('it said later\n')) child.kill('SIGINT');
      },
    });
    expect(await later).toMatchObject({ code: 0 });
    expect({ code, stdout }).toEqual({
      code: 130,
      stdout: expect.stringMatching(/^.* speak-earlier #1 .* it said earlier\n.* speak-later #1 .* it said later\n$/),
    });
  });
});

describe('sequent doctor', () => {
  test('finds nothing wrong with a Sequent that runs, and knows its durability by the data folder', async ({ sequent }) => {
    const examine = async () => {
      const { code, stdout, stderr } = await sequent.run(['doctor', '--json', '--data', sequent.dataDir]);
      return { code, stderr, ...JSON.parse(stdout) };
    };
    await expect.poll(examine, UNTIL_ALL_ANSWER).toMatchObject({
      ...{ code: 0, stderr: '' },
      healthy: true,
      server: { version: expect.stringMatching(/^2\./), clockAheadInMs: expect.any(Number) },
      durability: { class: '100ms' },
      scheduler: true,
      streams: expect.arrayContaining([
        expect.objectContaining({
          ...{ name: 'INVOCATIONS', exists: true, messages: expect.any(Number), bytes: expect.any(Number), subjects: expect.any(Number) },
        }),
      ]),
      findings: expect.arrayContaining([expect.objectContaining({ level: 'ok', check: 'scheduler' })]),
    });
  });

  test('says that the durability of a server which it did not start is unknown', async ({ sequent, handlers }) => {
    const elsewhere = join(handlers, 'elsewhere');
    const { servers, nkeyFile = '' } = sequent.address;
    const examine = () => sequent.run(['doctor', '--data', elsewhere, '--server', servers, '--nkey', nkeyFile]);
    await expect.poll(examine, UNTIL_ALL_ANSWER).toMatchObject({ code: 0, stdout: expect.stringContaining('unknown (external server)') });
  });
});
