import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(serveSequent);

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('sequent invoke --batch', () => {
  test('invokes once for each line of stdin, and skips wrong lines with their numbers', async ({ sequent }) => {
    const input = ['{"name":"Ada"}', '{oops', '', `"${'x'.repeat(MAX_PAYLOAD_BYTES)}"`, '{"name":"Eve"}'].join('\n');
    const { code, stdout, stderr } = await sequent.run(['invoke', 'hello', '--batch', '-', '--key', 'mixed', '-o', 'jsonl'], { input });
    expect(code).toBe(1);
    expect(
      linesOf(stdout)
        .map((line) => JSON.parse(line) as { line: number })
        .sort((one, other) => one.line - other.line),
    ).toEqual([
      { line: 1, requestId: 'mixed-1' },
      { line: 5, requestId: 'mixed-5' },
    ]);
    expect(stderr).toMatch(/^line 2 is skipped: the payload is not JSON: /m);
    expect(stderr).toMatch(/^line 4 is skipped: the payload has more than 262144 bytes$/m);
    expect(stderr).toMatch(/^2 requests accepted, 2 lines skipped, \d+\/s$/m);
    const result = await sequent.run(['result', 'mixed-5']);
    expect(JSON.parse(result.stdout)).toMatchObject({ greeting: 'Hello, Eve!' });
  });

  test('sends a file in shared messages without a key, and a summary with --json', async ({ sequent, folder }) => {
    const file = join(folder, 'events.jsonl');
    await writeFile(file, Array.from({ length: 3_000 }, (_, n) => `{"name":"n${n}"}\n`).join(''));
    const { code, stdout } = await sequent.run(['invoke', 'test2', '--batch', file, '--json']);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { function: 'test2', batch: expect.any(String), accepted: 3_000, skipped: 0, failed: 0, elapsedInMs: expect.any(Number) },
    ]);
  });

  test('runs no line twice when the command is repeated with its key', async ({ sequent, folder }) => {
    const file = join(folder, 'again.jsonl');
    const write = (count: number) => writeFile(file, Array.from({ length: count }, (_, n) => `{"name":"n${n}"}\n`).join(''));
    const run = () => sequent.run(['invoke', 'hello', '--batch', file, '--key', 'again', '-o', 'name']);
    await write(20);
    expect((await run()).code).toBe(0);
    await write(30);
    const second = await run();
    expect(linesOf(second.stdout).sort()).toEqual(Array.from({ length: 30 }, (_, n) => `again-${n + 1}`).sort());
    // `result` waits for the outcome. Once the last line has run, the worker has read each repeated request.
    expect((await sequent.run(['result', 'again-30'])).code).toBe(0);
    // The lines end in any order, and an outcome is in the log before the fact that the invocation is notified.
    const state = async (): Promise<string> => (await sequent.run(['timeline', 'again-7', '-o', 'name'])).stdout;
    await expect.poll(state, { timeout: 60_000, interval: 500 }).toBe('notified\n');
    const { stdout } = await sequent.run(['timeline', 'again-7', '-o', 'jsonl']);
    expect(linesOf(stdout).map((line) => JSON.parse(line).fact.type)).toEqual(['queued', 'running', 'succeeded', 'notified']);
  });

  test('with --in delays the first attempt of every line, with a key and without', async ({ sequent }) => {
    const run = (...more: string[]) =>
      sequent.run(['invoke', 'hello', '--batch', '-', '--in', '30d', '-o', 'name', ...more], { input: '{"name":"Ada"}\n{"name":"Eve"}\n' });
    const runs = [await run(), await run('--key', 'later')];
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const ids = runs.flatMap(({ stdout }) => linesOf(stdout));
    expect(ids.slice(2)).toEqual(['later-1', 'later-2']);
    const list = async (within: string) =>
      linesOf((await sequent.run(['ls', 'hello', '--state', 'queued', '--due-before', within, '-o', 'name'])).stdout);
    await vi.waitFor(async () => expect((await list('31d')).sort()).toEqual([...ids].sort()), { timeout: 30_000 });
    expect(await list('29d')).toEqual([]);
    for (const id of ids) expect((await sequent.run(['cancel', id])).code).toBe(0);
  });

  test('is refused before anything is sent', async ({ sequent }) => {
    const runs = await Promise.all([
      sequent.run(['invoke', 'unknown', '--batch', '-'], { input: '{}' }),
      sequent.run(['invoke', 'hello', '--batch', '/nonexistent.jsonl']),
      sequent.run(['invoke', 'hello', '--batch', '-', '--key', 'a b'], { input: '{}' }),
      sequent.run(['invoke', 'hello', '--batch', '-', '--id', 'one'], { input: '{}' }),
      sequent.run(['invoke', 'hello', '--key', 'one', '-d', '{}']),
    ]);
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual([3, 2, 2, 2, 2].map((code) => ({ code, stdout: '' })));
    expect(runs[1]?.stderr).toContain('no such file');
  });
});
