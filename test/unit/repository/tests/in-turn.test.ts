import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { deferred } from '#src/core/deferred.ts';
import { inTurn } from '#test/support/cli/in-turn.ts';

const here = process.cwd();
const elsewhere = { words: 'tail', place: 'elsewhere', cwd: tmpdir() };

describe('commands that run in the process of the tests', () => {
  test('wait for those of another folder, and then have their own folder', async () => {
    const first = deferred<string>();
    const running = inTurn(elsewhere, () => first.promise);
    const waiting = inTurn({ words: 'ls', place: 'here', cwd: here }, async () => process.cwd());
    expect(process.cwd()).toBe(tmpdir());
    first.resolve('done');
    expect(await Promise.all([running, waiting])).toEqual(['done', here]);
  });

  test('fail when one of another folder runs for long, and name it', async () => {
    const endless = deferred<void>();
    const running = inTurn(elsewhere, () => endless.promise);
    const waiting = inTurn({ words: 'loss ls', place: 'here', cwd: here, abandonedAfterMs: 20 }, async () => 'never');
    await expect(waiting).rejects.toThrow(/^"sequent loss ls" cannot run: "sequent tail" has run in this process for/);
    endless.resolve();
    await running;
    expect(process.cwd()).toBe(here);
  });
});
