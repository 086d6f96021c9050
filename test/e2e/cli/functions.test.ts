import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';

let sequent: ServedSequent;
let folder: string;
beforeAll(async () => {
  sequent = await serveSequent([]);
  folder = join(sequent.dataDir, 'code');
  await mkdir(folder);
  await writeFile(join(folder, 'double.mjs'), 'export const main = async ({ n }) => ({ doubled: n * 2 });\n');
});
afterAll(() => sequent[Symbol.asyncDispose]());

describe('sequent fn', () => {
  test('ls without functions prints nothing on stdout, and a command to try on stderr', async () => {
    const [table, json] = await Promise.all([sequent.run(['fn', 'ls']), sequent.run(['fn', 'ls', '--json'])]);
    expect(table).toMatchObject({ code: 0, stdout: '' });
    expect(table.stderr).toContain('sequent fn put');
    expect(json).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
  });

  test('put makes a relative path absolute, and the function runs', async () => {
    const flags = ['--file', './double.mjs', '--handler', 'double.main', '--timeout', '5s', '--max-retries', '2', '--concurrency', '10'];
    const put = await sequent.run(['fn', 'put', 'double', ...flags, '--json'], { cwd: folder });
    expect(put).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(put.stdout)).toMatchObject({
      name: 'double',
      handler: { kind: 'process', file: join(folder, 'double.mjs'), export: 'main' },
      timeoutInMs: 5_000,
      concurrency: 10,
      policy: { maxRetries: 2 },
    });
    const { code, stdout } = await sequent.run(['invoke', 'double', '-d', '{"n":21}', '--wait']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"doubled":42}\n' });
  });

  test('put refuses a module that is not there, and stores nothing', async () => {
    const { code, stdout, stderr } = await sequent.run(['fn', 'put', 'ghost', '--file', './ghost.mjs'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(join(folder, 'ghost.mjs'));
    expect(await sequent.run(['fn', 'get', 'ghost'])).toMatchObject({ code: 3 });
  });

  test('put reads a JSON file, whose paths are relative to it, and what get printed', async () => {
    const file = join(folder, 'functions.json');
    await writeFile(file, JSON.stringify([{ name: 'from-file', handler: { kind: 'process', file: 'double.mjs', export: 'main' } }]));
    const put = await sequent.run(['fn', 'put', file]);
    expect(put).toMatchObject({ code: 0, stdout: expect.stringMatching(/^from-file is defined, revision \d+\n$/) });
    const got = await sequent.run(['fn', 'get', 'from-file', '--json']);
    const { revision, ...definition } = JSON.parse(got.stdout);
    expect(definition.handler.file).toBe(join(folder, 'double.mjs'));
    const again = await sequent.run(['fn', 'put', '-'], { input: got.stdout });
    // The same definition keeps its revision.
    expect(again.stdout).toBe(`from-file is defined, revision ${revision}\n`);
  });

  test('put refuses an invalid definition, and names the problem', async () => {
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

  test('put says what is missing when no flag says how the code is reached', async () => {
    const { code, stderr } = await sequent.run(['fn', 'put', 'x']);
    expect(code).toBe(2);
    expect(stderr).toContain('--file');
  });

  test('put --expect exits with 4 when the function has another revision', async () => {
    const flags = ['fn', 'put', 'shared', '--subject', 'shared.x', '-o', 'name'];
    expect(await sequent.run([...flags, '--expect', '0'])).toMatchObject({ code: 0, stdout: 'shared\n' });
    const { code, stdout, stderr } = await sequent.run([...flags, '--expect', '0']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('shared');
  });

  test('rm refuses without --yes when there is no terminal to ask on', async () => {
    await sequent.run(['fn', 'put', 'doomed', '--subject', 'doomed']);
    const refused = await sequent.run(['fn', 'rm', 'doomed']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('sequent fn rm doomed --yes');
    expect(await sequent.run(['fn', 'rm', 'doomed', '--yes'])).toMatchObject({ code: 0, stdout: 'removed doomed\n' });
    expect(await sequent.run(['fn', 'rm', 'doomed', '--yes'])).toMatchObject({ code: 3 });
  });

  test('rm of several removes none when one does not exist', async () => {
    await sequent.run(['fn', 'put', 'kept', '--subject', 'kept']);
    expect(await sequent.run(['fn', 'rm', 'kept', 'never-was', '--yes'])).toMatchObject({ code: 3, stdout: '' });
    expect(await sequent.run(['fn', 'get', 'kept', '-o', 'name'])).toMatchObject({ code: 0, stdout: 'kept\n' });
  });
});

describe('sequent tail', () => {
  test('prints the transitions of one function, as JSON lines, and ends at --limit', async () => {
    await sequent.run(['fn', 'put', 'tailed', '--file', './double.mjs', '--handler', 'main'], { cwd: folder });
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

  test('prints only the transitions that --state names, as they happen, until Ctrl-C', async () => {
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

  test('ends without an error when the reader closes the pipe', async () => {
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

  test('refuses a state that there is not, and a hostile function', async () => {
    const runs = await Promise.all([sequent.run(['tail', '--state', 'sleeping']), sequent.run(['tail', 'a.b'])]);
    expect(runs.map(({ code }) => code)).toEqual([2, 2]);
  });
});

describe('sequent doctor', () => {
  test('finds nothing wrong with a Sequent that runs, and knows its durability by the data folder', async () => {
    const { code, stdout, stderr } = await sequent.run(['doctor', '--json', '--data', sequent.dataDir]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      healthy: true,
      server: { version: expect.stringMatching(/^2\./), clockAheadInMs: expect.any(Number) },
      durability: { class: '100ms' },
      scheduler: true,
      streams: [
        { name: 'INVOCATIONS', exists: true, messages: expect.any(Number), bytes: expect.any(Number), subjects: expect.any(Number) },
        {},
        {},
        {},
      ],
      findings: expect.arrayContaining([expect.objectContaining({ level: 'ok', check: 'scheduler' })]),
    });
  });

  test('says that the durability of a server which it did not start is unknown', async () => {
    const elsewhere = join(folder, 'elsewhere');
    const { servers, nkeyFile = '' } = sequent.address;
    const { code, stdout } = await sequent.run(['doctor', '--data', elsewhere, '--server', servers, '--nkey', nkeyFile]);
    expect(code).toBe(0);
    expect(stdout).toContain('unknown (external server)');
  });
});
